// SPDX-License-Identifier: GPL-2.0-or-later
/* DSCP (RFC 2983) and ECN (RFC 6040) on their way into the tunnel and out of it. */
#include "unit.h"
#include "tunnel.h"

enum {
	NOT_ECT,
	ECT1,
	ECT0,
	CE,
	DROP,
	DSCP = 10, /* AF11 */
	OTHER_DSCP = 46,
};

static uint8_t text[100], buffer[FRAME_MAX];
static uint64_t sequence;

/* RFC 6040 figure 4, as it stands there. */
static const uint8_t arriving_outer[] = { NOT_ECT, ECT0, ECT1, CE };
static const struct {
	uint8_t arriving_inner;
	uint8_t outgoing[4]; /* one for each of arriving_outer */
} figure_4[] = {
	{ NOT_ECT, { NOT_ECT, NOT_ECT, NOT_ECT, DROP } },
	{ ECT0, { ECT0, ECT0, ECT1, CE } },
	{ ECT1, { ECT1, ECT1, ECT1, CE } },
	{ CE, { CE, CE, CE, CE } },
};

static void configure(bool fixed, uint8_t dscp)
{
	struct xdpsec_config config = tunnel_config();

	config.dscp_fixed = fixed;
	config.dscp = dscp;
	tunnel_configure(&config);
}

/* Uniform: the outer header has what the inner one has, all of them. */
static void test_out_uniform(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++)
		for (int tos = 0; tos < 256; tos += i == 0 ? 1 : 5) {
			struct packet inner = tunnel_inner(tunnel_directions[i].host, text, 20);

			inner.tos = tos;
			expect_encapsulated_as(&inner, &inner, tunnel_directions[i].peer, tos);
		}
}

/* Pipe: a DSCP of its own, and the ECN field copied all the same (RFC 6040 section 4.1). */
static void test_out_pipe(void **state)
{
	static const uint8_t fixed[] = { 0, 1, OTHER_DSCP, 63 };

	(void)state;
	for (size_t j = 0; j < ARRAY_SIZE(fixed); j++) {
		configure(true, fixed[j]);
		for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++)
			for (int tos = 0; tos < 256; tos += 17) {
				struct packet inner = tunnel_inner(tunnel_directions[i].host, text, 20);

				inner.tos = tos;
				expect_encapsulated_as(&inner, &inner, tunnel_directions[i].peer,
						       fixed[j] * 4 + tos % 4);
			}
	}
}

/* A packet with inner_tos that arrives in one with outer_tos is delivered with delivered_tos. */
static void expect_arrival(size_t i, uint8_t inner_tos, uint8_t outer_tos, int delivered_tos)
{
	struct packet inner = tunnel_inner_from(tunnel_directions[i].host, text, 20), delivered, outer;

	inner.tos = inner_tos;
	delivered = inner;
	delivered.tos = delivered_tos;
	outer = tunnel_incoming(tunnel_directions[i].peer, ++sequence, &inner, buffer);
	outer.tos = outer_tos;
	expect_decapsulated(&outer, &delivered, tunnel_directions[i].peer);
}

static void expect_congestion(size_t i, uint8_t inner_tos, uint8_t outer_tos)
{
	struct packet inner = tunnel_inner_from(tunnel_directions[i].host, text, 20), outer;

	inner.tos = inner_tos;
	outer = tunnel_incoming(tunnel_directions[i].peer, ++sequence, &inner, buffer);
	outer.tos = outer_tos;
	expect_opened_and_dropped(&outer, tunnel_directions[i].peer, XDPSEC_DROP_CONGESTION);
}

/* dscp_out: what is to be delivered where the inner one is DSCP and the outer one OTHER_DSCP. */
static void expect_figure_4(uint8_t dscp_out)
{
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++)
		for (size_t row = 0; row < ARRAY_SIZE(figure_4); row++)
			for (size_t column = 0; column < ARRAY_SIZE(arriving_outer); column++) {
				uint8_t inner = DSCP << 2 | figure_4[row].arriving_inner;
				uint8_t outer = OTHER_DSCP << 2 | arriving_outer[column];
				uint8_t ecn = figure_4[row].outgoing[column];

				if (ecn == DROP)
					expect_congestion(i, inner, outer);
				else
					expect_arrival(i, inner, outer, dscp_out << 2 | ecn);
			}
}

static void test_in_uniform(void **state)
{
	(void)state;
	expect_figure_4(OTHER_DSCP);
}

static void test_in_pipe(void **state)
{
	(void)state;
	configure(true, 33);
	expect_figure_4(DSCP);
}

/* Every DSCP, and with it every change of the header's checksum. */
static void test_in_checksum(void **state)
{
	(void)state;
	for (int before = 0; before < 64; before += 9)
		for (int after = 0; after < 64; after++)
			expect_arrival(after % 4, before << 2 | ECT0, after << 2 | CE, after << 2 | CE);
}

/* An inner header that arrives damaged is not made good. */
static void test_in_wrong_checksum(void **state)
{
	struct packet inner = tunnel_inner_from(INNER_B4, text, 20), outer;
	static struct frame frame, out;

	(void)state;
	inner.tos = ECT0;
	inner.header_checksum = 0x1234;
	outer = tunnel_incoming(TUNNEL_B, ++sequence, &inner, buffer);
	outer.tos = CE;
	packet_build(&frame, &outer);
	assert_int_equal(rig_run(PROGRAM_DECAPSULATE, &frame, &out), XDP_REDIRECT);
	assert_int_equal(out.bytes[ETHERNET_LEN + 1], CE);
	assert_false(frame_checksums_hold(&out));
}

/* The field of IPv6 lies across bytes that it shares: version and flow label stay. */
static void test_in_flow_label(void **state)
{
	(void)state;
	for (int bit = 0; bit < 20; bit++) {
		struct packet inner = tunnel_inner_from(INNER_C6, text, 20), delivered, outer;

		inner.flow_label = 0xfffff ^ 1 << bit;
		inner.tos = 0xff << bit % 8;
		inner.tos = (inner.tos & ~3) | ECT0;
		delivered = inner;
		delivered.tos = (0x5a & ~3) | CE;
		outer = tunnel_incoming(TUNNEL_C, ++sequence, &inner, buffer);
		outer.tos = delivered.tos;
		expect_decapsulated(&outer, &delivered, TUNNEL_C);
	}
}

/* In several buffers the inner header is changed where it is opened, and arrives changed. */
static void test_in_pieces(void **state)
{
	static uint8_t long_text[4000], long_buffer[FRAME_MAX];
	struct xdpsec_config config = tunnel_config();

	(void)state;
	config.mtu = 8000;
	tunnel_configure(&config);
	rig_device_mtu(9000);
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		struct packet inner = tunnel_inner_from(tunnel_directions[i].host, long_text,
							sizeof(long_text));
		struct packet delivered, outer;

		inner.tos = DSCP << 2 | ECT0;
		delivered = inner;
		delivered.tos = OTHER_DSCP << 2 | CE;
		outer = tunnel_incoming(tunnel_directions[i].peer, ++sequence, &inner, long_buffer);
		outer.tos = delivered.tos;
		expect_decapsulated(&outer, &delivered, tunnel_directions[i].peer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_out_uniform, tunnel_reset),
		cmocka_unit_test_setup(test_out_pipe, tunnel_reset),
		cmocka_unit_test_setup(test_in_uniform, tunnel_reset),
		cmocka_unit_test_setup(test_in_pipe, tunnel_reset),
		cmocka_unit_test_setup(test_in_checksum, tunnel_reset),
		cmocka_unit_test_setup(test_in_wrong_checksum, tunnel_reset),
		cmocka_unit_test_setup(test_in_flow_label, tunnel_reset),
		cmocka_unit_test_setup(test_in_pieces, tunnel_reset),
	};

	fill_pattern(text, sizeof(text), 41);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("tos", tests, tunnel_setup, tunnel_teardown);
}
