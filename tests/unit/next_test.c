// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xdpsec_open in front of another instance's program: that one gets what this one lets pass, opened or as it
 * came, and nothing else. Where it is lost, nothing passes that may have been its. In tunnel mode:
 * tunnel_next_test.c.
 */
#include <linux/bpf.h>

#include "unit.h"
#include "expect.h"
#include "site.h"

enum { LENGTH = 400, SEQUENCE = 9 };

static uint8_t text[LENGTH], buffer[LENGTH + XDPSEC_OVERHEAD];
static const char *const peers[] = { REMOTE_B4, REMOTE_B6 };
static const char *const strangers[] = { REMOTE_CLEAR4, REMOTE_CLEAR6 };

/* The next program's verdict, over this frame. */
static void expect_next(const struct packet *in, const struct packet *seen)
{
	static struct frame frame, out, expected;

	packet_build(&frame, in);
	packet_build(&expected, seen);
	rig_next(XDP_TX);
	assert_int_equal(rig_run(PROGRAM_OPEN, &frame, &out), XDP_TX);
	expect_same_frame(&out, &expected);
}

static struct packet from(const char *remote)
{
	return packet_reversed(packet_udp(remote, PORT, text, sizeof(text)));
}

static void test_what_passes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strangers); i++) {
		struct packet udp = from(strangers[i]), tcp = from(peers[i]);

		tcp.protocol = PROTOCOL_TCP;
		expect_next(&udp, &udp);
		expect_next(&tcp, &tcp);
		rig_next(XDP_PASS);
		expect_packet_untouched(PROGRAM_OPEN, &udp);
		expect_packet_untouched(PROGRAM_OPEN, &tcp);
	}
}

static void test_what_was_opened(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
		struct packet plain = from(peers[i]),
			      sealed = site_sealed(&plain, SLOT_B_RX, SEQUENCE, buffer);

		rig_window_reset(SLOT_B_RX);
		expect_next(&sealed, &plain);
		rig_window_reset(SLOT_B_RX);
		rig_next(XDP_PASS);
		expect_opened(&sealed, &plain, SLOT_B_RX);
	}
}

static void test_what_is_dropped(void **state)
{
	(void)state;
	rig_next(XDP_TX);
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
		struct packet plain = from(peers[i]),
			      sealed = site_sealed(&plain, SLOT_B_RX, SEQUENCE, buffer);

		expect_packet_drop(PROGRAM_OPEN, &plain, XDPSEC_DROP_PLAINTEXT, SLOT_NONE);
		buffer[sizeof(buffer) - 1] ^= 1;
		expect_packet_drop(PROGRAM_OPEN, &sealed, XDPSEC_DROP_AUTH_FAILED, SLOT_B_RX);
	}
}

static void test_lost(void **state)
{
	static const int unlike_udp[] = { PROTOCOL_TCP, PROTOCOL_ICMP, PROTOCOL_ICMPV6 };

	(void)state;
	rig_next(NEXT_LOST);
	for (size_t i = 0; i < ARRAY_SIZE(strangers); i++) {
		struct packet packet = from(strangers[i]);

		expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_NO_NEXT, SLOT_NONE);
		packet.vlans = 1;
		expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_NO_NEXT, SLOT_NONE);
		packet.vlans = 0;
		for (size_t j = 0; j < ARRAY_SIZE(unlike_udp); j++) {
			if (unlike_udp[j] == (packet.family == 4 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP))
				continue;
			packet.protocol = unlike_udp[j];
			expect_packet_untouched(PROGRAM_OPEN, &packet);
		}
		/* A packet that may be UDP, in fragments too. */
		packet = from(strangers[i]);
		packet.fragment = packet.family == 4 ? IPV4_MORE_FRAGMENTS : 0;
		if (packet.family == 6)
			packet_extend(&packet, PROTOCOL_DESTINATION, 8);
		expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_NO_NEXT, SLOT_NONE);
	}
}

/* ARP, or a host would not be reached at all; not what is of no kind that is known. */
static void test_lost_no_ip(void **state)
{
	static struct frame frame;
	struct packet packet = from(REMOTE_CLEAR4);

	(void)state;
	rig_next(NEXT_LOST);
	packet.ethertype = 0x0806;
	packet_build(&frame, &packet);
	expect_untouched(PROGRAM_OPEN, &frame);
	packet.ethertype = 0x8864;
	packet_build(&frame, &packet);
	expect_drop(PROGRAM_OPEN, &frame, XDPSEC_DROP_NO_NEXT, SLOT_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_what_passes, site_reset),
		cmocka_unit_test_setup(test_what_was_opened, site_reset),
		cmocka_unit_test_setup(test_what_is_dropped, site_reset),
		cmocka_unit_test_setup(test_lost, site_reset),
		cmocka_unit_test_setup(test_lost_no_ip, site_reset),
	};

	fill_pattern(text, sizeof(text), 29);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("next", tests, site_setup, site_teardown);
}
