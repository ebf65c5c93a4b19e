// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xdpsec_encapsulate: what leaves is sealed for the peer that the destination belongs to, and goes to where
 * that peer is; and xdpsec_keepalive, which makes the ticks that it sends keepalives for.
 */
#include "unit/unit.h"
#include "fuzz/chance.h"
#include "flow.h"
#include "make.h"
#include "numbers.h"
#include "same.h"
#include "targets.h"
#include "unit/tunnel.h"

enum {
	MAC_ADDRESSES = 12,
	ARP = 0x0806,
	ARP_LEN = 28,
};

/* 169.254.16.0; the peer's number is added. */
#define TICK_NETWORK (169U << 24 | 254U << 16 | 16U << 8)

/* From nobody to a neighbour that stands for a peer, with nothing in it. */
static struct packet tick(void)
{
	static char destination[20];
	struct packet packet = tunnel_inner(INNER_B4, NULL, 0);

	snprintf(destination, sizeof(destination), "169.254.16.%u", below(4));
	packet.source = "0.0.0.0";
	packet.destination = destination;
	packet.protocol = PROTOCOL_NONE;
	packet.no_udp = true;
	packet.padding = 22;
	return packet;
}

void make_encapsulate(struct frame *frame)
{
	struct packet packet = tunnel_inner(hosts[below(one_in(3) ? HOSTS : HOSTS_REACHED)], make_payload(),
					    make_length() % 1500);

	make_inner_odd(&packet);
	if (one_in(20))
		packet = tick();
	packet_build(frame, &packet);
	frame->ingress = 0;
	make_damage(frame);
	frame->gso_size = one_in(40) ? 500 : 0;
}

/* An IP packet right behind Ethernet. */
struct inner {
	const uint8_t *ip;
	bool ipv6, tick;
	int peer;
	size_t length;
	uint8_t next_header, tos;
};

static struct inner inner_of(const struct frame *frame, const struct view *view)
{
	const uint8_t *ip = frame->bytes + view->network;
	struct inner inner = { .ip = ip, .ipv6 = view->family == 6, .peer = flow_peer(view->destination) };
	uint32_t number = read32(ip + 16) - TICK_NETWORK;

	inner.length = inner.ipv6 ? IPV6_LEN + read16(ip + 4) : read16(ip + 2);
	inner.next_header = inner.ipv6 ? NEXT_IPV6 : NEXT_IPV4;
	inner.tos = inner.ipv6 ? read16(ip) >> 4 : ip[1];
	if (!inner.ipv6 && ip[9] == PROTOCOL_NONE && !read32(ip + 12) && number < XDPSEC_MAX_PEERS) {
		inner.tick = true;
		inner.peer = number;
		inner.length = 0;
		inner.next_header = NEXT_NONE;
	}
	return inner;
}

/* Are the outer headers right: to the peer's endpoint, lengths and checksums right, no UDP checksum over
 * IPv4? */
static bool is_outer(const struct view *outer, const struct inner *inner)
{
	struct xdpsec_endpoint endpoint = tunnel_endpoint(inner->peer);
	const struct xdpsec_location *to = &endpoint.at[endpoint.current];
	const uint8_t *ip = run.out.bytes + ETHERNET_LEN;
	uint8_t tos = outer->family == 6 ? read16(ip) >> 4 : ip[1];
	static const uint8_t ttl_at[] = { [4] = 8, [6] = 7 };

	if (outer->kind != VIEW_UDP || !outer->consistent || outer->vlans)
		return false;
	return view_payload_length(outer) == inner->length + XDPSEC_OVERHEAD &&
	       view_payload(outer) + view_payload_length(outer) == run.out.length &&
	       memcmp(outer->destination, to->address, 16) == 0 && outer->destination_port == to->port &&
	       outer->source_port == TUNNEL_PORT && frame_checksums_hold(&run.out) && tos == inner->tos &&
	       ip[ttl_at[outer->family]] == 64 &&
	       (outer->family == 6
			? read32(ip + 0) == (6u << 28 | (uint32_t)tos << 20) && read16(ip + 46)
			: ip[0] == 0x45 && read32(ip + 4) == IPV4_DONT_FRAGMENT && !read16(ip + 26));
}

static enum outcome judge_encapsulated(const struct view *view)
{
	static uint8_t opened[FRAME_MAX];
	struct view outer = view_of(run.out.bytes, run.out.length);
	struct inner inner;
	const uint8_t *header = run.out.bytes + view_payload(&outer);
	int slot;

	if (!view->family || view->vlans)
		return fault("not IP, and goes on");
	inner = inner_of(&run.in, view);
	if (inner.peer < TUNNEL_B || inner.peer > TUNNEL_C)
		return fault("neither an answer nor to a peer that can be reached");
	/* With padding it is none any more once that is cut off. */
	if (run.in.gso_size && ETHERNET_LEN + inner.length >= run.in.length)
		return fault("still to be segmented, and goes on");
	if (!is_outer(&outer, &inner))
		return fault("the headers around it");
	slot = TUNNEL_TX(inner.peer);
	if (read32(header) != tunnel_sas[slot].spi ||
	    read32(header + 4) != ((uint32_t)inner.next_header << 24 | 1 << 16) ||
	    !oracle_open(tunnel_sas[slot].oracle, NULL, header, view_payload_length(&outer), opened))
		return fault("not sealed for its peer");
	if (!numbers_rise(slot, (uint64_t)read32(header + 8) << 32 | read32(header + 12)))
		return fault("a number is used again");
	if (!same_inside(opened, inner.ip, inner.length))
		return fault("the packet in it is another one");
	/* The neighbour's addresses come when it is sent. */
	run.first = MAC_ADDRESSES;
	return OUTCOME_ENCAPSULATED;
}

enum outcome judge_encapsulate(void)
{
	struct view view = view_of(run.in.bytes, run.in.length);

	if (run.verdict == TC_DROP)
		return view.family == 4 && inner_of(&run.in, &view).tick ? OUTCOME_UNDUE : OUTCOME_DROPPED;
	if (run.verdict != TC_REDIRECT)
		return fault("no verdict of this program");
	if (view.family && !view.vlans && is_answer(&run.out, &run.in, &view, &run.judged)) {
		/* The traffic class of an answer is its own affair. */
		run.first = view.network + 4;
		return OUTCOME_ANSWERED;
	}
	return judge_encapsulated(&view);
}

/* ---- ticks ------------------------------------------------------------------------------------------- */

void make_keepalive(struct frame *frame)
{
	static const uint8_t request[ETHERNET_LEN + ARP_LEN] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,	 0,   0,  0, 0x53, 0x0b, 0x08, 0x06, /* Ethernet */
		0,    1,    8,	  0,	6,    4,    0,	 1,				     /* a request */
		2,    0,    0,	  0,	0x53, 0x0b, 0,	 0,   0,  0,			     /* from nobody */
		0,    0,    0,	  0,	0,    0,    169, 254, 16, 0, /* for a neighbour */
	};

	if (one_in(3)) {
		make_encapsulate(frame);
	} else {
		memset(frame->cb, 0, sizeof(frame->cb));
		memcpy(frame->bytes, request, sizeof(request));
		frame->length = sizeof(request);
		frame->bytes[40] = 16 + below(5);
		frame->bytes[41] = below(256);
	}
	frame->gso_size = frame->ingress = 0;
	make_damage(frame);
}

static bool is_tick(void)
{
	const uint8_t *in = run.in.bytes, *ip = run.out.bytes + ETHERNET_LEN;
	size_t end = ETHERNET_LEN + IPV4_LEN;

	return run.in.length >= ETHERNET_LEN + ARP_LEN && read16(in + 12) == ARP &&
	       read16(in + 20) == 1 /* a request */ && read32(in + 38) - TICK_NETWORK < XDPSEC_MAX_PEERS &&
	       run.out.length == run.in.length && memcmp(run.out.bytes, in, MAC_ADDRESSES) == 0 &&
	       read16(run.out.bytes + 12) == 0x0800 && ip[9] == PROTOCOL_NONE && !read32(ip + 12) &&
	       memcmp(ip + 16, in + 38, 4) == 0 && checksum_bytes(0, ip, IPV4_LEN) == 0xffff &&
	       memcmp(run.out.bytes + end, in + end, run.in.length - end) == 0;
}

enum outcome judge_keepalive(void)
{
	if (run.verdict == TC_DROP)
		return OUTCOME_ENDED;
	return run.verdict == TC_REDIRECT && is_tick() ? OUTCOME_TICK : fault("goes on, and is no tick");
}
