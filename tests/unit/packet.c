// SPDX-License-Identifier: GPL-2.0-or-later
/* Building frames, and parsing those that came out. */
#include <arpa/inet.h>
#undef NDEBUG /* the assertions here have effects */
#include <assert.h>
#include <string.h>

#include "packet.h"

static const uint8_t mac_remote[6] = { 0x00, 0x00, 0x5e, 0x00, 0x53, 0x02 }; /* MAC_DEVICE */
static const uint8_t mac_local[6] = { 0x00, 0x00, 0x5e, 0x00, 0x53, 0x01 };

uint16_t read16(const uint8_t *bytes)
{
	return bytes[0] << 8 | bytes[1];
}

uint32_t read32(const uint8_t *bytes)
{
	return (uint32_t)read16(bytes) << 16 | read16(bytes + 2);
}

void write16(uint8_t *bytes, uint16_t value)
{
	bytes[0] = value >> 8;
	bytes[1] = value;
}

void write32(uint8_t *bytes, uint32_t value)
{
	write16(bytes, value >> 16);
	write16(bytes + 2, value);
}

void write64(uint8_t *bytes, uint64_t value)
{
	write32(bytes, value >> 32);
	write32(bytes + 4, value);
}

void fill_pattern(void *bytes, size_t n, uint32_t seed)
{
	uint8_t *out = bytes;
	uint32_t x = seed * 2654435761u + 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		out[i] = x >> 24;
	}
}

/* RFC 1071, the slow and obvious way. */
uint32_t checksum_bytes(uint32_t sum, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

uint32_t checksum_pseudo_header(int family, const uint8_t *network, int protocol, size_t length)
{
	uint8_t tail[4] = { 0, protocol, length >> 8, length };

	if (family == 4)
		return checksum_bytes(checksum_bytes(0, network + 12, 8), tail, 4);
	return checksum_bytes(checksum_bytes(0, network + 8, 32), tail, 4);
}

struct packet packet_udp(const char *remote, uint16_t port, const void *payload, size_t length)
{
	int family = strchr(remote, ':') ? 6 : 4;

	return (struct packet){
		.ethertype = AUTO,
		.family = family,
		.version = AUTO,
		.ihl = AUTO,
		.tos = 0xb9, /* DSCP EF, ECN ECT(1) */
		.ttl = 61,
		.flow_label = 0x54321,
		.ip_length = AUTO,
		.id = 0x1234,
		.fragment = family == 4 ? IPV4_DONT_FRAGMENT : 0,
		.protocol = PROTOCOL_UDP,
		.header_checksum = AUTO,
		.source = family == 4 ? LOCAL4 : LOCAL6,
		.destination = remote,
		.source_port = 49152,
		.destination_port = port,
		.udp_length = AUTO,
		.udp_checksum = AUTO,
		.payload = payload,
		.length = length,
	};
}

struct packet packet_reversed(struct packet packet)
{
	const char *source = packet.source;
	uint16_t port = packet.source_port;

	packet.source = packet.destination;
	packet.destination = source;
	packet.source_port = packet.destination_port;
	packet.destination_port = port;
	return packet;
}

void packet_extend(struct packet *packet, uint8_t type, uint16_t length)
{
	assert(packet->n_extensions < EXTENSIONS_MAX);
	packet->extensions[packet->n_extensions++] =
		(struct extension){ .type = type, .length = length, .length_field = AUTO };
}

static int pick(int field, int right)
{
	return field == AUTO ? right : field;
}

static uint8_t *build_ethernet(uint8_t *at, const struct packet *packet)
{
	memcpy(at, packet->mac ?: mac_remote, 6);
	memcpy(at + 6, mac_local, 6);
	at += 12;
	for (unsigned int i = 0; i < packet->vlans; i++) {
		write16(at, packet->vlans == 2 && i == 0 ? 0x88a8 : 0x8100);
		write16(at + 2, 0x6000 | (100 + i));
		at += 4;
	}
	if (packet->pppoe) {
		write16(at, 0x8864);
		memcpy(at + 2, "\x11\x00\x12\x34", 4); /* version and type, code, session */
		write16(at + 8, pick(packet->ethertype, packet->family == 4 ? 0x0021 : 0x0057));
		return at + 2 + PPPOE_LEN;
	}
	write16(at, pick(packet->ethertype, packet->family == 4 ? 0x0800 : 0x86dd));
	return at + 2;
}

static uint8_t *build_ipv4(uint8_t *at, const struct packet *packet, size_t body)
{
	size_t header = IPV4_LEN + packet->options;

	memset(at, 0, header);
	at[0] = pick(packet->version, 4) << 4 | pick(packet->ihl, header / 4);
	at[1] = packet->tos;
	write16(at + 2, pick(packet->ip_length, header + body));
	write16(at + 4, packet->id);
	write16(at + 6, packet->fragment);
	at[8] = packet->ttl;
	at[9] = packet->protocol;
	assert(inet_pton(AF_INET, packet->source, at + 12) == 1);
	assert(inet_pton(AF_INET, packet->destination, at + 16) == 1);
	memset(at + IPV4_LEN, 1 /* no operation */, packet->options);
	write16(at + 10, pick(packet->header_checksum, (uint16_t)~checksum_bytes(0, at, header)));
	return at + header;
}

static uint8_t *build_extension(uint8_t *at, const struct packet *packet, unsigned int i)
{
	const struct extension *extension = &packet->extensions[i];
	unsigned int next = i + 1;

	memset(at, 0, extension->length);
	at[0] = next < packet->n_extensions ? packet->extensions[next].type : packet->protocol;
	if (extension->type == PROTOCOL_FRAGMENT) {
		write16(at + 2, packet->fragment);
		write32(at + 4, packet->id);
	} else {
		at[1] = pick(extension->length_field, extension->length / 8 - 1);
		at[2] = 1; /* PadN over the rest; as a routing header: type 1, no segments left */
		at[3] = extension->type == PROTOCOL_ROUTING ? 0 : extension->length - 4;
	}
	return at + extension->length;
}

static uint8_t *build_ipv6(uint8_t *at, const struct packet *packet, size_t body)
{
	uint8_t *network = at;

	for (unsigned int i = 0; i < packet->n_extensions; i++)
		body += packet->extensions[i].length;
	write32(at, (uint32_t)pick(packet->version, 6) << 28 | packet->tos << 20 | packet->flow_label);
	write16(at + 4, pick(packet->ip_length, body));
	at[6] = packet->n_extensions ? packet->extensions[0].type : packet->protocol;
	at[7] = packet->ttl;
	assert(inet_pton(AF_INET6, packet->source, network + 8) == 1);
	assert(inet_pton(AF_INET6, packet->destination, network + 24) == 1);
	at += IPV6_LEN;
	for (unsigned int i = 0; i < packet->n_extensions; i++)
		at = build_extension(at, packet, i);
	return at;
}

static void build_udp(uint8_t *at, const struct packet *packet, const uint8_t *network)
{
	size_t length = UDP_LEN + packet->length;
	uint16_t checksum;

	write16(at, packet->source_port);
	write16(at + 2, packet->destination_port);
	write16(at + 4, pick(packet->udp_length, length));
	write16(at + 6, 0);
	checksum = ~checksum_bytes(checksum_pseudo_header(packet->family, network, PROTOCOL_UDP, length), at,
				   length);
	write16(at + 6, pick(packet->udp_checksum, checksum ?: 0xffff)); /* RFC 768: zero is sent as ones */
}

uint16_t packet_payload_checksum(const struct packet *packet)
{
	struct frame frame;
	uint8_t *network = build_ethernet(frame.bytes, packet);
	uint32_t sum = 0;

	if (packet->family == 6)
		build_ipv6(network, packet, packet->length);
	else
		build_ipv4(network, packet, packet->length);
	if (packet->protocol != PROTOCOL_ICMP)
		sum = checksum_pseudo_header(packet->family, network, packet->protocol, packet->length);
	return ~checksum_bytes(sum, packet->payload, packet->length);
}

void packet_build(struct frame *frame, const struct packet *packet)
{
	size_t body = packet->length + (packet->no_udp ? 0 : UDP_LEN);
	uint8_t *network = build_ethernet(frame->bytes, packet), *at;

	assert(body + packet->padding < FRAME_MAX - 512);
	if (packet->family == 4)
		at = build_ipv4(network, packet, body);
	else
		at = build_ipv6(network, packet, body);
	if (packet->length)
		memcpy(at + body - packet->length, packet->payload, packet->length);
	if (!packet->no_udp)
		build_udp(at, packet, network);
	at += body;
	if (packet->pppoe)
		write16(network - 4, at - network + 2);
	memset(at, 0xa5, packet->padding);
	frame->length = at + packet->padding - frame->bytes;
	frame->gso_size = packet->gso_size;
	frame->ingress = packet->ingress;
	frame->linear = packet->linear;
	memcpy(frame->cb, packet->cb, sizeof(frame->cb));
}

void frame_untag(struct frame *frame)
{
	size_t behind = 12 + VLAN_LEN;

	memmove(frame->bytes + 12, frame->bytes + behind, frame->length - behind);
	frame->length -= VLAN_LEN;
}

static bool layout_ipv4(const struct frame *frame, struct layout *layout)
{
	const uint8_t *ip = frame->bytes + layout->network;
	size_t header;

	if (frame->length < layout->network + IPV4_LEN || ip[0] >> 4 != 4)
		return false;
	header = (ip[0] & 15) * 4;
	layout->protocol = ip[9];
	layout->transport = layout->network + header;
	layout->end = layout->network + read16(ip + 2);
	return header >= IPV4_LEN;
}

static bool layout_ipv6(const struct frame *frame, struct layout *layout)
{
	const uint8_t *ip = frame->bytes + layout->network;
	size_t at = layout->network + IPV6_LEN;
	int next;

	if (frame->length < at || ip[0] >> 4 != 6)
		return false;
	layout->end = at + read16(ip + 4);
	next = ip[6];
	while (next == PROTOCOL_HOP_BY_HOP || next == PROTOCOL_ROUTING || next == PROTOCOL_DESTINATION ||
	       next == PROTOCOL_FRAGMENT) {
		const uint8_t *extension = frame->bytes + at;

		if (at + 8 > frame->length)
			return false;
		at += next == PROTOCOL_FRAGMENT ? 8 : (extension[1] + 1) * 8;
		next = extension[0];
	}
	layout->protocol = next;
	layout->transport = at;
	return true;
}

bool frame_layout(const struct frame *frame, struct layout *layout)
{
	size_t at = 12;
	bool good;

	*layout = (struct layout){};
	while (read16(frame->bytes + at) == 0x8100 || read16(frame->bytes + at) == 0x88a8)
		at += VLAN_LEN;
	layout->network = at + 2;
	layout->family = read16(frame->bytes + at) == 0x0800   ? 4
			 : read16(frame->bytes + at) == 0x86dd ? 6
							       : 0;
	if (!layout->family)
		return false;
	good = layout->family == 4 ? layout_ipv4(frame, layout) : layout_ipv6(frame, layout);
	if (!good || layout->end > frame->length || layout->transport > layout->end)
		return false;
	if (layout->protocol != PROTOCOL_UDP)
		return true;
	layout->payload = layout->transport + UDP_LEN;
	return layout->payload <= layout->end &&
	       read16(frame->bytes + layout->transport + 4) == layout->end - layout->transport;
}

bool frame_checksums_hold(const struct frame *frame)
{
	const uint8_t *network, *transport;
	struct layout layout;
	size_t length;
	uint32_t sum;

	if (!frame_layout(frame, &layout))
		return false;
	network = frame->bytes + layout.network;
	transport = frame->bytes + layout.transport;
	length = layout.end - layout.transport;
	if (layout.family == 4 && checksum_bytes(0, network, (network[0] & 15) * 4) != 0xffff)
		return false;
	if (layout.protocol == PROTOCOL_UDP && read16(transport + 6) == 0)
		return layout.family == 4;
	sum = layout.protocol == PROTOCOL_ICMP
		      ? 0
		      : checksum_pseudo_header(layout.family, network, layout.protocol, length);
	return checksum_bytes(sum, transport, length) == 0xffff;
}
