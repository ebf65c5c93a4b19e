// SPDX-License-Identifier: GPL-2.0-or-later
/* xdpsec_decapsulate in front of another instance's program (next_test.c): what is for the tunnel ends there.
 */
#include <linux/bpf.h>

#include "unit.h"
#include "tunnel.h"

static uint8_t text[400], buffer[FRAME_MAX];

static void test_what_passes(void **state)
{
	static struct frame frame, out;

	(void)state;
	for (size_t i = 0; i < TUNNEL_DIRECTIONS; i++) {
		struct packet inner = tunnel_inner_from(tunnel_directions[i].host, text, sizeof(text));
		struct packet outer = tunnel_incoming(tunnel_directions[i].peer, i, &inner, buffer);

		outer.destination_port = TUNNEL_PORT + 1;
		packet_build(&frame, &outer);
		rig_next(XDP_TX);
		assert_int_equal(rig_run(PROGRAM_DECAPSULATE, &frame, &out), XDP_TX);
		expect_same_frame(&out, &frame);
		rig_next(XDP_PASS);
		expect_packet_untouched(PROGRAM_DECAPSULATE, &outer);
	}
}

static void test_what_is_for_the_tunnel(void **state)
{
	(void)state;
	rig_next(XDP_TX);
	for (size_t i = 0; i < TUNNEL_DIRECTIONS; i++) {
		struct packet inner = tunnel_inner_from(tunnel_directions[i].host, text, sizeof(text));
		struct packet outer = tunnel_incoming(tunnel_directions[i].peer, i, &inner, buffer);

		expect_decapsulated(&outer, &inner, tunnel_directions[i].peer);
		expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_REPLAYED,
				   TUNNEL_RX(tunnel_directions[i].peer));
	}
}

static void test_lost(void **state)
{
	(void)state;
	rig_next(NEXT_LOST);
	for (size_t i = 0; i < TUNNEL_DIRECTIONS; i++) {
		struct packet inner = tunnel_inner_from(tunnel_directions[i].host, text, sizeof(text));
		struct packet outer = tunnel_incoming(tunnel_directions[i].peer, i, &inner, buffer);

		expect_decapsulated(&outer, &inner, tunnel_directions[i].peer);
		outer.destination_port = TUNNEL_PORT + 1;
		expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_NO_NEXT, SLOT_NONE);
		outer.protocol = PROTOCOL_TCP;
		expect_packet_untouched(PROGRAM_DECAPSULATE, &outer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_what_passes, tunnel_reset),
		cmocka_unit_test_setup(test_what_is_for_the_tunnel, tunnel_reset),
		cmocka_unit_test_setup(test_lost, tunnel_reset),
	};

	fill_pattern(text, sizeof(text), 31);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("tunnel_next", tests, tunnel_setup, tunnel_teardown);
}
