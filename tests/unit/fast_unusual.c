// SPDX-License-Identifier: GPL-2.0-or-later
/* Packets that are unusual: made of one that the fast path takes. */
#include "fast_unusual.h"
#include "unit.h"
#include "tunnel.h"

static void make_foreign_mac(struct packet *p)
{
	static const uint8_t other[6] = { 0, 0, 0x5e, 0, 0x53, 0x82 };

	p->mac = other;
}
static void make_vlan(struct packet *p)
{
	p->vlans = 1;
}
static void make_pppoe(struct packet *p)
{
	p->pppoe = true;
}
static void make_last_hop(struct packet *p)
{
	p->ttl = 1;
}
static void make_no_hop(struct packet *p)
{
	p->ttl = 0;
}
static void make_options(struct packet *p)
{
	p->options = 4;
}
static void make_first_fragment(struct packet *p)
{
	p->fragment = IPV4_MORE_FRAGMENTS;
}
static void make_later_fragment(struct packet *p)
{
	p->fragment = 20;
}
static void make_bad_checksum(struct packet *p)
{
	p->header_checksum = 0x1234;
}
static void make_too_big(struct packet *p)
{
	p->length = TUNNEL_DEVICE_MTU - 27;
}
static void make_pieces(struct packet *p)
{
	p->length = 5000;
}
static void make_destination_options(struct packet *p)
{
	packet_extend(p, PROTOCOL_DESTINATION, 8);
}
static void make_fragment_header(struct packet *p)
{
	packet_extend(p, PROTOCOL_FRAGMENT, 8);
}
static void make_short(struct packet *p)
{
	p->ip_length = p->family == 4 ? 27 : 7;
}
static void make_longer_than_frame(struct packet *p)
{
	p->ip_length = 2000;
}
static void make_other_version(struct packet *p)
{
	p->version = p->family == 4 ? 6 : 4;
}
static void make_to_self(struct packet *p)
{
	p->destination = p->family == 4 ? "192.0.2.129" : "2001:db8:a::fe";
}
static void make_to_nobody(struct packet *p)
{
	p->destination = p->family == 4 ? INNER_NOBODY4 : INNER_NOBODY6;
}
static void make_elsewhere(struct packet *p)
{
	p->destination = p->family == 4 ? "198.51.100.99" : "2001:db8:99::1";
}
static void make_to_group(struct packet *p)
{
	p->destination = p->family == 4 ? "233.252.0.1" : "ff0e::1";
}
static void make_spoofed(struct packet *p)
{
	p->source = p->family == 4 ? "198.51.100.99" : "2001:db8:99::1";
}
static void make_from_loopback(struct packet *p)
{
	p->source = p->family == 4 ? "127.0.0.1" : "::1";
}
static void make_link_local(struct packet *p)
{
	p->source = p->family == 4 ? "169.254.1.1" : "fe80::1";
}
static void make_unreachable(struct packet *p)
{
	p->destination = p->family == 4 ? INNER_UNREACHABLE4 : INNER_UNREACHABLE6;
}
static void make_no_endpoint(struct packet *p)
{
	p->destination = p->family == 4 ? INNER_NO_ENDPOINT4 : INNER_NO_ENDPOINT6;
}
static void make_loop(struct packet *p)
{
	p->destination = p->family == 4 ? INNER_LOOP4 : INNER_LOOP6;
}
static void make_no_sa(struct packet *p)
{
	p->destination = p->family == 4 ? INNER_NO_SA4 : INNER_NO_SA6;
}
static void make_protocol(struct packet *p)
{
	p->no_udp = true;
	p->protocol = p->family == 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
}
static void make_to_no_host(struct packet *p)
{
	p->destination = p->family == 4 ? "192.0.2.222" : "2001:db8:a::77";
}

#define EACH_WAY (WAY_OUT | WAY_IN)

/* A peer sends nothing that belongs to the frame, or that no peer may send. */
const struct unusual unusual_packets[] = {
	{ "mac", make_foreign_mac, WAY_OUT, 0 },
	{ "vlan", make_vlan, WAY_OUT, 0 },
	{ "pppoe", make_pppoe, WAY_OUT, 0 },
	{ "ttl 1", make_last_hop, EACH_WAY, 0 },
	{ "ttl 0", make_no_hop, WAY_OUT, 0 },
	{ "options", make_options, EACH_WAY, 4 },
	{ "first fragment", make_first_fragment, EACH_WAY, 4 },
	{ "later fragment", make_later_fragment, EACH_WAY, 4 },
	{ "header checksum", make_bad_checksum, WAY_OUT, 4 },
	{ "too big", make_too_big, WAY_OUT, 0 },
	{ "several buffers", make_pieces, WAY_OUT, 0 },
	{ "extension", make_destination_options, EACH_WAY, 6 },
	{ "fragment header", make_fragment_header, EACH_WAY, 6 },
	{ "shorter than UDP", make_short, WAY_OUT, 0 },
	{ "longer than the frame", make_longer_than_frame, WAY_OUT, 0 },
	{ "version", make_other_version, WAY_OUT, 0 },
	{ "to this host", make_to_self, EACH_WAY, 0 },
	{ "to nobody", make_to_nobody, WAY_OUT, 0 },
	{ "routed elsewhere", make_elsewhere, EACH_WAY, 0 },
	{ "group", make_to_group, EACH_WAY, 0 },
	{ "spoofed", make_spoofed, WAY_OUT, 0 },
	{ "loopback", make_from_loopback, WAY_OUT, 0 },
	{ "link-local", make_link_local, WAY_OUT, 0 },
	{ "unreachable", make_unreachable, WAY_OUT, 0 },
	{ "no endpoint", make_no_endpoint, WAY_OUT, 0 },
	{ "loop", make_loop, WAY_OUT, 0 },
	{ "no SA", make_no_sa, WAY_OUT, 0 },
	{ "ICMP", make_protocol, EACH_WAY, 0 },
	{ "to no host of the LAN", make_to_no_host, WAY_IN, 0 },
};
const size_t unusual_count = ARRAY_SIZE(unusual_packets);

bool unusual_applies(const struct unusual *unusual, enum unusual_way way, const struct packet *packet)
{
	return unusual->ways & way && (!unusual->family || unusual->family == packet->family);
}
