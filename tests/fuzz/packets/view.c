// SPDX-License-Identifier: GPL-2.0-or-later
/* Parsing a frame, without any code of the programs. */
#include <string.h>

#include "unit/packet.h"
#include "view.h"

enum {
	VLANS_MAX = 2,
	HEADERS_MAX = 8, /* of IPv6 in a row; more are malformed */
	ICMP_LEN = 8,
	PROTOCOL_GRE = 47,
	PROTOCOL_ESP = 50,
};

static void map_ipv4(uint8_t address[16], const uint8_t *ipv4)
{
	memset(address, 0, 10);
	memset(address + 10, 0xff, 2);
	memcpy(address + 12, ipv4, 4);
}

/* A first fragment without ports is as good as a later one. */
static void view_udp(struct view *view, const uint8_t *bytes, size_t length, bool more)
{
	const uint8_t *udp = bytes + view->transport;

	if (length < view->transport + UDP_LEN) {
		view->kind = more ? VIEW_LATER : VIEW_UNREADABLE;
		return;
	}
	view->kind = more ? VIEW_FIRST : VIEW_UDP;
	view->source_port = read16(udp);
	view->destination_port = read16(udp + 2);
	view->udp_length = view->network + view->ip_length - view->transport;
	view->consistent = view->network + view->ip_length >= view->transport + UDP_LEN &&
			   view->network + view->ip_length <= length && read16(udp + 4) == view->udp_length;
}

static void view_ipv4(struct view *view, const uint8_t *bytes, size_t length)
{
	const uint8_t *ip = bytes + view->network;
	size_t header;
	uint16_t fragment;

	if (length < view->network + IPV4_LEN)
		return;
	view->family = 4;
	view->protocol = ip[9];
	map_ipv4(view->source, ip + 12);
	map_ipv4(view->destination, ip + 16);
	if (view->protocol != PROTOCOL_UDP)
		return;
	header = (ip[0] & 15) * 4;
	fragment = read16(ip + 6);
	view->ip_length = read16(ip + 2);
	view->id = read16(ip + 4);
	view->transport = view->network + header;
	view->kind = VIEW_UNREADABLE;
	if (ip[0] >> 4 != 4 || header < IPV4_LEN || length < view->transport)
		return;
	if (fragment & 0x1fff)
		view->kind = VIEW_LATER;
	else
		view_udp(view, bytes, length, fragment & IPV4_MORE_FRAGMENTS);
}

/* A later fragment of these cannot be of UDP: no UDP follows them in clear. */
static bool may_lead_to_udp(uint8_t protocol)
{
	return protocol != PROTOCOL_TCP && protocol != PROTOCOL_ICMPV6 && protocol != PROTOCOL_ESP &&
	       protocol != PROTOCOL_SCTP && protocol != PROTOCOL_GRE;
}

static bool is_extension(uint8_t protocol)
{
	return protocol == PROTOCOL_HOP_BY_HOP || protocol == PROTOCOL_ROUTING ||
	       protocol == PROTOCOL_DESTINATION;
}

static void view_ipv6(struct view *view, const uint8_t *bytes, size_t length)
{
	const uint8_t *ip = bytes + view->network;
	size_t at = view->network + IPV6_LEN;
	bool more = false;

	if (length < at)
		return;
	view->family = 6;
	view->protocol = ip[6];
	view->ip_length = IPV6_LEN + read16(ip + 4);
	memcpy(view->source, ip + 8, 16);
	memcpy(view->destination, ip + 24, 16);
	view->kind = VIEW_UNREADABLE;
	if (ip[0] >> 4 != 6)
		return;
	for (int i = 0; i < HEADERS_MAX; i++) {
		const uint8_t *header = bytes + at;

		view->transport = at;
		if (view->protocol == PROTOCOL_UDP) {
			view_udp(view, bytes, length, more);
			return;
		}
		if (view->protocol != PROTOCOL_FRAGMENT && !is_extension(view->protocol)) {
			view->kind = VIEW_OTHER;
			return;
		}
		if (length < at + 8)
			return;
		at += 8;
		if (view->protocol == PROTOCOL_FRAGMENT) {
			view->id = read32(header + 4);
			more = read16(header + 2) & IPV6_MORE_FRAGMENTS;
			if (read16(header + 2) & 0xfff8) {
				view->protocol = header[0];
				view->kind = may_lead_to_udp(header[0]) ? VIEW_LATER : VIEW_OTHER;
				return;
			}
		} else {
			view->detour |= view->protocol == PROTOCOL_ROUTING && header[3];
			at += header[1] * 8;
			if (length < at)
				return;
		}
		view->protocol = header[0];
	}
}

struct view view_of(const uint8_t *bytes, size_t length)
{
	struct view view = {};
	size_t at = 12;
	uint16_t type;

	if (length < ETHERNET_LEN)
		return view;
	type = read16(bytes + at);
	while ((type == 0x8100 || type == 0x88a8) && view.vlans < VLANS_MAX && length >= at + VLAN_LEN + 2) {
		at += VLAN_LEN;
		type = read16(bytes + at);
		view.vlans++;
	}
	view.network = at + 2;
	if (type == 0x0800)
		view_ipv4(&view, bytes, length);
	else if (type == 0x86dd)
		view_ipv6(&view, bytes, length);
	return view;
}

size_t view_icmp(const struct view *view, const uint8_t *bytes, size_t length)
{
	const uint8_t *ip = bytes + view->network;
	size_t at = view->network + IPV6_LEN;

	if (view->kind != VIEW_OTHER)
		return 0;
	if (view->family == 4) {
		at = view->network + (ip[0] & 15) * 4;
		if (ip[9] != PROTOCOL_ICMP || at < view->network + IPV4_LEN)
			return 0;
	} else if (view->family != 6 || ip[6] != PROTOCOL_ICMPV6) {
		return 0;
	}
	return length >= at + ICMP_LEN ? at : 0;
}

size_t view_quoted(const struct view *view, const uint8_t *bytes, size_t length, struct view *about,
		   const uint8_t **payload)
{
	static uint8_t frame[FRAME_MAX];
	size_t icmp = view_icmp(view, bytes, length), n;

	*about = (struct view){};
	if (!icmp)
		return 0;
	n = ETHERNET_LEN + length - icmp - ICMP_LEN;
	write16(frame + 12, view->family == 4 ? 0x0800 : 0x86dd);
	memcpy(frame + ETHERNET_LEN, bytes + icmp + ICMP_LEN, length - icmp - ICMP_LEN);
	*about = view_of(frame, n);
	if ((about->kind != VIEW_UDP && about->kind != VIEW_FIRST) || n < view_payload(about))
		return 0;
	*payload = frame + view_payload(about);
	return n - view_payload(about);
}

size_t view_payload(const struct view *view)
{
	return view->transport + UDP_LEN;
}

size_t view_payload_length(const struct view *view)
{
	return view->udp_length - UDP_LEN;
}
