// SPDX-License-Identifier: GPL-2.0-or-later
/* Comparing what the programs of tunnel mode did with what they must do. */
#include "unit.h"
#include "tunnel.h"

enum { ADDRESSES_LEN = 12 };

static const uint64_t second = 1000000000;

void tunnel_note_way(struct xdpsec_endpoint *expected, const char *source)
{
	struct xdpsec_source from = tunnel_source(source, XDPSEC_LOCAL_NONE);

	expected->device = rig.device;
	memcpy(expected->source, from.address, sizeof(expected->source));
}

/* A peer that stays where it is, and sends to an address of ours as it did not before, is answered from
 * there. */
static void note_learned(struct xdpsec_endpoint *expected, const struct packet *outer)
{
	struct xdpsec_source source = tunnel_source(outer->destination, XDPSEC_LOCAL_DEVICE);
	struct xdpsec_location from = tunnel_location(outer->source, 0);
	__u32 now = expected->current;

	if (memcmp(from.address, expected->at[now].address, sizeof(from.address)) != 0 ||
	    memcmp(&source, &expected->from[now], sizeof(source)) == 0)
		return;
	expected->at[!now] = expected->at[now];
	expected->from[!now] = source;
	expected->current = !now;
}

void expect_sent(struct xdpsec_endpoint *expected, const struct xdpsec_endpoint *got, const char *source,
		 uint64_t before, uint64_t after)
{
	/* When the last packet was, and how it went, is noted to within a second. */
	if (before - expected->sent >= second)
		assert_in_range(got->sent, before, after);
	else if (got->sent != expected->sent)
		assert_in_range(after - expected->sent, second, UINT64_MAX);
	if (got->sent == expected->sent)
		return;
	expected->sent = got->sent;
	tunnel_note_way(expected, source);
}

uint16_t expect_encapsulated_as(const struct packet *in, const struct packet *inner, int peer, uint8_t tos)
{
	static uint8_t bytes[FRAME_MAX], buffer[FRAME_MAX];
	static struct tally expected, after;
	static struct frame frame, out, want;
	struct xdpsec_config config;
	size_t length = tunnel_inner_bytes(inner, bytes);
	uint64_t started;
	struct packet outer;

	map_read(rig.maps.config, 0, &config);
	packet_build(&frame, in);
	tally_take(&expected);
	outer = tunnel_sealed(TUNNEL_TX(peer), inner->family == 4 ? NEXT_IPV4 : NEXT_IPV6,
			      expected.sas[TUNNEL_TX(peer)].sequence.next, bytes, length, buffer);
	outer.tos = tos;
	started = tunnel_now();
	assert_int_equal(rig_run(PROGRAM_ENCAPSULATE, &frame, &out), TC_REDIRECT);
	tally_take(&after);
	expected.sas[TUNNEL_TX(peer)].sequence.next++;
	tally_add_packet(&expected, &after, TUNNEL_TX(peer), length);
	expect_sent(&expected.endpoints[peer], &after.endpoints[peer], outer.source, started, tunnel_now());
	expect_same_tally(&after, &expected);

	if (config.flow_ports) {
		outer.source_port = read16(out.bytes + ETHERNET_LEN +
					   (outer.family == 4 ? IPV4_LEN : IPV6_LEN));
		assert_in_range(outer.source_port, 49152, 65535); /* RFC 6335 section 6 */
	}
	packet_build(&want, &outer);
	assert_int_equal(want.length - ETHERNET_LEN,
			 length + (outer.family == 4 ? OVERHEAD_IPV4 : OVERHEAD_IPV6));
	/* The neighbour's addresses come later, when it is sent. */
	memcpy(want.bytes, out.bytes, ADDRESSES_LEN);
	expect_same_frame(&out, &want);
	return outer.source_port;
}

uint16_t expect_encapsulated(const struct packet *inner, int peer)
{
	return expect_encapsulated_as(inner, inner, peer, inner->tos);
}

void expect_refused(const struct packet *inner, enum xdpsec_drop reason, int slot)
{
	expect_packet_drop(PROGRAM_ENCAPSULATE, inner, reason, slot);
}

/* Longer than the tunnel device's MTU: the part in front stays in memory, and a mark is written over what is
 * in front of the rest (xdpsec/fold.bpf.h). */
static void fold_as(struct frame *want, const struct frame *got, size_t mtu)
{
	uint32_t by = want->length - ETHERNET_LEN - mtu; /* little-endian, as the nonce in front of it */

	want->length -= by;
	memmove(want->bytes, want->bytes + by, want->length);
	memcpy(want->bytes, got->bytes, 8);
	memcpy(want->bytes + 8, &by, sizeof(by));
	write16(want->bytes + 12, 0x88b5);
}

void expect_decapsulated(const struct packet *outer, const struct packet *inner, int peer)
{
	static struct tally expected, after;
	static struct frame frame, out, want;
	struct xdpsec_config config;

	map_read(rig.maps.config, 0, &config);
	packet_build(&frame, outer);
	packet_build(&want, inner);
	memcpy(want.bytes, config.near_mac, 6);
	memcpy(want.bytes + 6, config.far_mac, 6);
	tally_take(&expected);
	assert_int_equal(rig_run(PROGRAM_DECAPSULATE, &frame, &out), XDP_REDIRECT);
	tally_take(&after);
	tally_add_packet(&expected, &after, TUNNEL_RX(peer), want.length - ETHERNET_LEN);
	if (want.length - ETHERNET_LEN > config.mtu)
		fold_as(&want, &out, config.mtu);
	note_learned(&expected.endpoints[peer], outer);
	tally_move_window(&expected, &after, TUNNEL_RX(peer));
	expect_same_tally(&after, &expected);
	expect_same_frame(&out, &want);
}

void expect_opened_and_dropped_by(enum program program, const struct packet *outer, int peer,
				  enum xdpsec_drop reason)
{
	static struct tally expected, after;
	static struct frame frame, out;
	int verdict;

	packet_build(&frame, outer);
	tally_take(&expected);
	verdict = rig_run(program, &frame, &out);
	tally_take(&after);
	tally_add_drop(&expected, reason, TUNNEL_RX(peer));
	tally_move_window(&expected, &after, TUNNEL_RX(peer));
	expect_same_tally(&after, &expected);
	assert_int_equal(verdict, XDP_DROP);
}

void expect_opened_and_dropped(const struct packet *outer, int peer, enum xdpsec_drop reason)
{
	expect_opened_and_dropped_by(PROGRAM_DECAPSULATE, outer, peer, reason);
}

void expect_keepalive_consumed(const struct packet *outer, int peer)
{
	static struct tally expected, after;
	static struct frame frame, out;

	packet_build(&frame, outer);
	tally_take(&expected);
	assert_int_equal(rig_run(PROGRAM_DECAPSULATE, &frame, &out), XDP_DROP);
	tally_take(&after);
	tally_add_packet(&expected, &after, TUNNEL_RX(peer), 0);
	tally_move_window(&expected, &after, TUNNEL_RX(peer));
	expect_same_tally(&after, &expected);
}
