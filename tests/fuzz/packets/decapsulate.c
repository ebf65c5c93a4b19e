// SPDX-License-Identifier: GPL-2.0-or-later
/* xdpsec_decapsulate: nothing is delivered but what a peer has sealed, once, and may send. */
#include "unit/unit.h"
#include "fuzz/chance.h"
#include "flow.h"
#include "make.h"
#include "numbers.h"
#include "same.h"
#include "targets.h"
#include "unit/tunnel.h"

/* Headers in front of a payload that reach further are the stack's. */
enum { HEADERS_READ = 504 };

/* From a peer that seals: one that can be reached, as a rule. */
static int some_peer(void)
{
	return below(one_in(3) ? TUNNEL_SEALING : TUNNEL_C + 1);
}

static const char *some_host(int peer)
{
	if (one_in(6))
		return one_of(hosts);
	return hosts[peer == TUNNEL_C ? 2 + below(2) : below(2)];
}

static void make_outer_odd(struct packet *outer)
{
	outer->tos = below(256);
	if (one_in(12))
		outer->source_port = below(65536);
	if (one_in(10))
		outer->vlans = 1 + below(2);
	if (outer->family == 4 && one_in(20))
		outer->options = 4 * below(11);
	if (outer->family == 6 && one_in(20))
		packet_extend(outer, PROTOCOL_DESTINATION, 8 * (1 + below(4)));
	if (one_in(20))
		outer->padding = below(50);
	if (one_in(40))
		outer->fragment = below(65536);
	if (one_in(40))
		outer->destination_port = below(65536);
}

static void make_sealed(struct frame *frame)
{
	static uint8_t sealed[FRAME_MAX];
	static struct frame inner;
	int peer = some_peer();
	struct packet packet = tunnel_inner_from(some_host(peer), make_payload(), make_length() % 1450),
		      outer;
	/* Packets also come from the peer that cannot be reached, with B's address. */
	int from = peer > TUNNEL_C ? TUNNEL_B : peer;
	uint8_t next = one_in(40)	    ? (one_in(2) ? NEXT_NONE : below(256))
		       : packet.family == 4 ? NEXT_IPV4
					    : NEXT_IPV6;

	make_inner_odd(&packet);
	packet.vlans = 0;
	packet_build(&inner, &packet);
	if (one_in(6))
		make_damage(&inner);
	outer = tunnel_arriving(from, next, numbers_try(TUNNEL_RX(from)), inner.bytes + ETHERNET_LEN,
				inner.length - ETHERNET_LEN, sealed);
	make_outer_odd(&outer);
	packet_build(frame, &outer);
}

/* An ICMP error about a packet that was sealed here, or looks like one. */
static void make_message(struct frame *frame)
{
	int peer = below(TUNNEL_C + 1), slot = TUNNEL_TX(peer);

	make_icmp(frame, tunnel_peers[peer].endpoint, tunnel_peers[peer].port,
		  make_header(one_in(8) ? chance() : tunnel_sas[slot].spi, numbers_sealed(slot) + one_in(3)),
		  false);
}

void make_decapsulate(struct frame *frame)
{
	if (one_in(15))
		make_message(frame);
	else
		make_sealed(frame);
	frame->gso_size = 0;
	frame->ingress = rig.device;
	make_damage(frame);
	make_buffers(frame);
}

static bool is_address(const uint8_t address[16], const char *text)
{
	uint8_t wanted[16];

	flow_address(text, wanted);
	return memcmp(address, wanted, 16) == 0;
}

static int slot_of(uint32_t spi)
{
	for (int peer = 0; peer < TUNNEL_SEALING; peer++)
		if (tunnel_sas[TUNNEL_RX(peer)].spi == spi)
			return TUNNEL_RX(peer);
	return -1;
}

/* The tunnel's: to its port at one of our addresses, or at what the kernel takes for one, with ports that can
 * be read. */
static bool is_for_port(const struct view *view)
{
	return (view->kind == VIEW_UDP || view->kind == VIEW_FIRST) && view->destination_port == TUNNEL_PORT;
}

static bool is_to_us(const struct view *view)
{
	return is_address(view->destination, LOCAL4) || is_address(view->destination, LOCAL6);
}

/* The broadcast and anycast addresses of our networks: the routing table has no way for them, as for local
 * addresses. */
static bool is_to_all(const struct view *view)
{
	return view->family == 4 ? is_address(view->destination, "192.0.2.255") ||
					   is_address(view->destination, "192.0.2.0")
				 : is_address(view->destination, "2001:db8:1::");
}

/* RFC 1122 section 3.2.1.3, RFC 4291 section 2.4. */
static bool is_host(const struct view *view, const uint8_t address[16])
{
	static const uint8_t zeros[8];

	if (view->family == 4)
		return address[12] != 0 && address[12] != 127 && address[12] < 224;
	return address[0] != 0xff && memcmp(address, zeros, sizeof(zeros)) != 0;
}

/* RFC 6040 figure 4: inner and outer ECN; -1: is dropped. */
static int ecn_of(uint8_t inner, uint8_t outer)
{
	enum { NOT_ECT, ECT_1, ECT_0, CE, DROP = -1 };
	static const int8_t table[4][4] = {
		{ NOT_ECT, NOT_ECT, NOT_ECT, DROP },
		{ ECT_1, ECT_1, ECT_1, CE },
		{ ECT_0, ECT_1, ECT_0, CE },
		{ CE, CE, CE, CE },
	};

	return table[inner & 3][outer & 3];
}

static uint8_t tos_of(const uint8_t *ip)
{
	return ip[0] >> 4 == 6 ? read16(ip) >> 4 : ip[1];
}

/* Longer than the device's MTU: of the frame the last so many bytes, behind a mark (xdpsec/fold.bpf.h). Of
 * what is left DSCP, ECN and an MSS cannot be seen, or are near its start. */
static bool is_folded(const uint8_t *plain, size_t length, size_t mtu)
{
	enum { CHANGED = 128 };
	const uint8_t *got = run.out.bytes;
	size_t by = length - mtu, from = by > CHANGED ? by : CHANGED;
	uint32_t noted;

	run.first = ETHERNET_LEN + from - by;
	memcpy(&noted, got + 8, sizeof(noted));
	return run.out.length == ETHERNET_LEN + mtu && noted == by && read16(got + 12) == 0x88b5 &&
	       memcmp(got + run.first, plain + from, length - from) == 0;
}

/* Is the frame as the tunnel device should get it: an Ethernet header of its own, and the packet with DSCP
 * and ECN of the path? */
static bool is_delivered(const uint8_t *plain, size_t length, uint8_t outer_tos)
{
	struct xdpsec_config config = tunnel_config();
	const uint8_t *got = run.out.bytes;

	if (length > config.mtu)
		return is_folded(plain, length, config.mtu);
	return run.out.length == ETHERNET_LEN + length && memcmp(got, config.near_mac, 6) == 0 &&
	       memcmp(got + 6, config.far_mac, 6) == 0 &&
	       read16(got + 12) == (plain[0] >> 4 == 6 ? 0x86dd : 0x0800) &&
	       tos_of(got + ETHERNET_LEN) == ((outer_tos & ~3) | ecn_of(tos_of(plain), outer_tos)) &&
	       same_inside(got + ETHERNET_LEN, plain, length);
}

static enum outcome judge_delivered(const struct view *view)
{
	static uint8_t plain[FRAME_MAX];
	const uint8_t *header = run.in.bytes + view_payload(view);
	size_t length = view_payload_length(view);
	struct view inner;
	int slot;

	if (view->kind != VIEW_UDP || view->detour || !is_for_port(view) ||
	    !(is_to_us(view) || is_to_all(view)))
		return fault("not for the tunnel, and delivered");
	if (!is_host(view, view->source) || !is_host(view, view->destination))
		return fault("from or to what is no host, and delivered");
	slot = view->consistent && length > XDPSEC_OVERHEAD ? slot_of(read32(header)) : -1;
	if (slot < 0 || header[5] != 1 || read16(header + 6) ||
	    !oracle_open(tunnel_sas[slot].oracle, NULL, header, length, plain))
		return fault("delivered without a tag that holds");
	if (!numbers_accept(slot, (uint64_t)read32(header + 8) << 32 | read32(header + 12)))
		return fault("accepted a second time");
	length -= XDPSEC_OVERHEAD;
	/* As if it came by itself. */
	memmove(plain + ETHERNET_LEN, plain, length);
	write16(plain + 12, plain[ETHERNET_LEN] >> 4 == 6 ? 0x86dd : 0x0800);
	inner = view_of(plain, ETHERNET_LEN + length);
	if (!inner.family || header[4] != (inner.family == 6 ? NEXT_IPV6 : NEXT_IPV4) ||
	    flow_peer(inner.source) != slot / 2)
		return fault("from an address that is not the peer's");
	if (!is_delivered(plain + ETHERNET_LEN, length, tos_of(run.in.bytes + view->network)))
		return fault("delivered, and not what was sealed");
	return OUTCOME_DELIVERED;
}

/* Sealed by a peer, and to us: not the stack's. A frame for another device may be another host's. */
static bool is_tunnel_packet(const struct view *view)
{
	static const uint8_t device[] = { 0x00, 0x00, 0x5e, 0x00, 0x53, 0x02 }; /* MAC_DEVICE */

	return memcmp(run.in.bytes, device, sizeof(device)) == 0 && view->kind == VIEW_UDP &&
	       view->consistent && !view->detour && is_for_port(view) && is_to_us(view) &&
	       view->transport <= HEADERS_READ && !run.in.linear &&
	       view_payload_length(view) >= XDPSEC_OVERHEAD &&
	       slot_of(read32(run.in.bytes + view_payload(view))) >= 0;
}

enum outcome judge_decapsulate(void)
{
	struct view view = view_of(run.in.bytes, run.in.length);

	switch (run.verdict) {
	case XDP_DROP:
		return is_for_port(&view) ? OUTCOME_DROPPED : fault("not for the tunnel's port, and dropped");
	case XDP_PASS:
		if (!same_frames(&run.in, &run.out))
			return fault("the stack's, and changed");
		return is_tunnel_packet(&view) ? fault("the tunnel's, and passes") : OUTCOME_PASSED;
	case XDP_REDIRECT:
		return judge_delivered(&view);
	}
	return fault("no verdict of this program");
}
