// SPDX-License-Identifier: GPL-2.0-or-later
/* Inline mode: protected flows in the PPPoE sessions that the device carries are sealed and opened there. */
#include "unit.h"
#include "site.h"
#include "expect.h"
#include "icmp.h"

enum { MTU = 1500, LCP = 0xc021, COMPRESSED = 0x00fd };

static uint8_t text[1600];

static struct packet to(const char *remote, size_t length)
{
	struct packet packet = packet_udp(remote, PORT, text, length);

	packet.pppoe = true;
	return packet;
}

static const char *const protected_remotes[] = { REMOTE_B4, REMOTE_B6, REMOTE_C4, REMOTE_C6 };

static int slot_of(size_t i, int b, int c)
{
	return i < 2 ? b : c;
}

static void test_sealed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(protected_remotes); i++)
		for (size_t length = 0; length <= 1400; length += 97)
			for (unsigned int vlans = 0; vlans <= 2; vlans++) {
				struct packet packet = to(protected_remotes[i], length);

				packet.vlans = vlans;
				expect_sealed(PROGRAM_SEAL, &packet, slot_of(i, SLOT_B_TX, SLOT_C_TX),
					      SEAL_PASS);
			}
}

static void test_opened(void **state)
{
	uint64_t sequence = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(protected_remotes); i++)
		for (size_t length = 0; length <= 1400; length += 97)
			for (unsigned int vlans = 0; vlans <= 2; vlans++) {
				struct packet packet = packet_reversed(to(protected_remotes[i], length));

				packet.vlans = vlans;
				expect_opens(&packet, slot_of(i, SLOT_B_RX, SLOT_C_RX), sequence++);
			}
}

/* Options and extension headers are moved along. */
static void test_more_headers(void **state)
{
	struct packet packet = to(REMOTE_B4, 300);

	(void)state;
	packet.options = 40;
	expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
	packet = packet_reversed(packet);
	expect_opens(&packet, SLOT_B_RX, 1);
	packet = to(REMOTE_B6, 300);
	packet_extend(&packet, PROTOCOL_DESTINATION, 24);
	expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
	packet = packet_reversed(packet);
	expect_opens(&packet, SLOT_B_RX, 2);
}

static void test_clear_is_dropped(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(protected_remotes); i++) {
		struct packet packet = packet_reversed(to(protected_remotes[i], 100));

		expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_PLAINTEXT, SLOT_NONE);
	}
}

/* Fragments are dropped, and so is what has no SA. */
static void test_fail_closed(void **state)
{
	struct packet packet = to(REMOTE_B4, 100);

	(void)state;
	packet.fragment = IPV4_MORE_FRAGMENTS;
	expect_packet_drop(PROGRAM_SEAL, &packet, XDPSEC_DROP_FRAGMENT, SLOT_NONE);
	packet = to(REMOTE_NO_SA4, 100);
	expect_packet_drop(PROGRAM_SEAL, &packet, XDPSEC_DROP_NO_KEY, SLOT_NONE);
}

/* The 8 bytes of PPPoE count; there is no answer, as it would have to be in PPPoE, too. */
static void test_mtu(void **state)
{
	size_t fits = MTU - PPPOE_LEN - XDPSEC_OVERHEAD - IPV4_LEN - UDP_LEN;
	struct packet packet = to(REMOTE_B4, fits);

	(void)state;
	rig_device_mtu(MTU);
	rig_allow_answers();
	expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
	packet.length++;
	expect_packet_drop(PROGRAM_SEAL, &packet, XDPSEC_DROP_TOO_BIG, SLOT_B_TX);
}

/* Other flows, other protocols of PPP, and discovery. */
static void test_passes(void **state)
{
	static const int others[] = { LCP, COMPRESSED, 0x8021, 0x0021 ^ 0x0100 };
	struct packet packet = to(REMOTE_CLEAR4, 100);
	static struct frame frame;

	(void)state;
	for (int in = 0; in < 2; in++) {
		enum program program = in ? PROGRAM_OPEN : PROGRAM_SEAL;

		packet = to(REMOTE_CLEAR4, 100);
		expect_packet_untouched(program, &packet);
		packet = to(REMOTE_CLEAR6, 100);
		expect_packet_untouched(program, &packet);
		for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
			packet = to(REMOTE_B4, 100);
			if (in)
				packet = packet_reversed(packet);
			packet.ethertype = others[i];
			expect_packet_untouched(program, &packet);
		}
		packet = in ? packet_reversed(to(REMOTE_B4, 100)) : to(REMOTE_B4, 100);
		packet_build(&frame, &packet);
		frame.bytes[ETHERNET_LEN + 1] = 0x09; /* the code of PADI */
		expect_untouched(program, &frame);
		for (frame.length = ETHERNET_LEN; frame.length < ETHERNET_LEN + PPPOE_LEN; frame.length++)
			expect_untouched(program, &frame);
	}
}

/* An ICMP error that quotes what was opened would leave in clear. */
static void test_quote(void **state)
{
	static struct frame frame;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct icmp_message message = {
			.outer = packet_reversed(icmp_outer(protected_remotes[i])),
			.type = i ? ICMPV6_UNREACHABLE : ICMP_UNREACHABLE,
			.code = i ? ICMPV6_PORT_UNREACHABLE : ICMP_PORT_UNREACHABLE,
			.about = packet_reversed(packet_udp(protected_remotes[i], PORT, text, 200)),
			.quoted = 150,
		};

		message.outer.pppoe = true;
		icmp_build(&frame, &message);
		expect_drop(PROGRAM_SEAL, &frame, XDPSEC_DROP_QUOTED, SLOT_NONE);
		message.quoted = (i ? IPV6_LEN : IPV4_LEN) + UDP_LEN;
		icmp_build(&frame, &message);
		expect_untouched(PROGRAM_SEAL, &frame);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_sealed, site_reset),
		cmocka_unit_test_setup(test_opened, site_reset),
		cmocka_unit_test_setup(test_more_headers, site_reset),
		cmocka_unit_test_setup(test_clear_is_dropped, site_reset),
		cmocka_unit_test_setup(test_fail_closed, site_reset),
		cmocka_unit_test_setup(test_mtu, site_reset),
		cmocka_unit_test_setup(test_passes, site_reset),
		cmocka_unit_test_setup(test_quote, site_reset),
	};

	fill_pattern(text, sizeof(text), 75);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("pppoe", tests, site_setup, site_teardown);
}
