// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What routers say of the path (RFC 1191, RFC 4443 section 3.2), on its way in through xdpsec_open: the MTU
 * of a protected flow is lowered by what sealing adds, everything else passes as it is.
 */
#include "unit.h"
#include "site.h"
#include "expect.h"
#include "icmp.h"

enum {
	IPV4_MTU_MIN = 68, /* RFC 791 */
	QUOTE = 128,
};

static uint8_t text[300];

/* About a packet of ours, as a router on the path to remote sends it. */
static struct icmp_message message_about(const char *remote, uint32_t mtu)
{
	bool ipv6 = strchr(remote, ':');

	return (struct icmp_message){
		.outer = icmp_outer(ipv6 ? "2001:db8:ffff::1" : "203.0.113.254"),
		.type = ipv6 ? ICMPV6_PACKET_TOO_BIG : ICMP_UNREACHABLE,
		.code = ipv6 ? 0 : ICMP_FRAGMENTATION_NEEDED,
		.rest = mtu,
		.about = packet_udp(remote, PORT, text, sizeof(text)),
		.quoted = QUOTE,
	};
}

static void expect_message_untouched(const struct icmp_message *message)
{
	struct frame frame;

	icmp_build(&frame, message);
	expect_untouched(PROGRAM_OPEN, &frame);
}

/* What comes out is the message of a router whose MTU is smaller by the overhead, checksum and all. */
static void expect_message_lowered(const struct icmp_message *message)
{
	struct icmp_message lower = *message;
	static struct frame frame, expected;

	lower.rest -= XDPSEC_OVERHEAD;
	icmp_build(&frame, message);
	icmp_build(&expected, &lower);
	expect_passed_as(PROGRAM_OPEN, &frame, &expected);
}

static const char *const protected_remotes[] = { REMOTE_B4, REMOTE_B6, REMOTE_C4, REMOTE_C6 };

static void test_lowered(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(protected_remotes); i++)
		for (uint32_t mtu = 1280; mtu <= 1500; mtu++) {
			struct icmp_message message = message_about(protected_remotes[i], mtu);

			message.outer.vlans = mtu % 3;
			expect_message_lowered(&message);
		}
}

/* Of what is quoted, the ports decide; RFC 792 promises 8 bytes behind the IP header. */
static void test_short_quotes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(protected_remotes); i++) {
		struct icmp_message message = message_about(protected_remotes[i], 1400);
		size_t needed = (strchr(protected_remotes[i], ':') ? IPV6_LEN : IPV4_LEN) + UDP_LEN;

		for (message.quoted = 0; message.quoted < QUOTE; message.quoted++)
			if (message.quoted < needed)
				expect_message_untouched(&message);
			else
				expect_message_lowered(&message);
	}
}

static void test_other_flows(void **state)
{
	struct icmp_message message = message_about(REMOTE_CLEAR4, 1400);

	(void)state;
	expect_message_untouched(&message);
	message.about.destination = REMOTE_B4;
	message.about.destination_port = PORT_CLEAR;
	expect_message_untouched(&message);
	message = message_about(REMOTE_CLEAR6, 1400);
	expect_message_untouched(&message);
	message.about.destination = REMOTE_B6;
	message.about.destination_port = PORT_CLEAR;
	expect_message_untouched(&message);
}

static void test_other_messages(void **state)
{
	(void)state;
	for (int type = 0; type < 256; type++)
		for (int code = 0; code < 8; code += 4) {
			struct icmp_message message = message_about(REMOTE_B4, 1400);

			message.type = type;
			message.code = code;
			if (type != ICMP_UNREACHABLE || code != ICMP_FRAGMENTATION_NEEDED)
				expect_message_untouched(&message);
			message = message_about(REMOTE_B6, 1400);
			message.type = type;
			message.code = code;
			if (type != ICMPV6_PACKET_TOO_BIG)
				expect_message_untouched(&message);
		}
}

/* No MTU, or one that could not be lowered: as it is. */
static void test_extreme_mtus(void **state)
{
	static const uint32_t mtus[] = { 0, 1, 31, 32, 67, 68, IPV4_MTU_MIN + XDPSEC_OVERHEAD - 1 };
	struct icmp_message message;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mtus); i++) {
		message = message_about(REMOTE_B4, mtus[i]);
		expect_message_untouched(&message);
		message = message_about(REMOTE_B6, mtus[i]);
		expect_message_untouched(&message);
	}
	message = message_about(REMOTE_B4, IPV4_MTU_MIN + XDPSEC_OVERHEAD);
	expect_message_lowered(&message);
	message = message_about(REMOTE_B4, 65535);
	expect_message_lowered(&message);
	message = message_about(REMOTE_B6, 0x10000 + 1400);
	expect_message_untouched(&message);
}

/* A fragment of a message, and a message about a fragment: neither is of a packet that was sealed. */
static void test_fragments(void **state)
{
	struct icmp_message message = message_about(REMOTE_B4, 1400);
	struct frame frame;

	(void)state;
	message.about.fragment = IPV4_MORE_FRAGMENTS;
	expect_message_untouched(&message);
	message.about.fragment = 8;
	expect_message_untouched(&message);

	/* Anybody can forge a message: what it quotes must not say that the rest of a datagram may pass. */
	message.about.fragment = IPV4_MORE_FRAGMENTS;
	message.about.destination_port = PORT_CLEAR;
	expect_message_untouched(&message);
	assert_false(rig_fragments_known());

	message = message_about(REMOTE_B4, 1400);
	icmp_build(&frame, &message);
	write16(frame.bytes + ETHERNET_LEN + 6, IPV4_MORE_FRAGMENTS);
	expect_untouched(PROGRAM_OPEN, &frame);
	write16(frame.bytes + ETHERNET_LEN + 6, 8);
	expect_untouched(PROGRAM_OPEN, &frame);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_lowered, site_reset),
		cmocka_unit_test_setup(test_short_quotes, site_reset),
		cmocka_unit_test_setup(test_other_flows, site_reset),
		cmocka_unit_test_setup(test_other_messages, site_reset),
		cmocka_unit_test_setup(test_extreme_mtus, site_reset),
		cmocka_unit_test_setup(test_fragments, site_reset),
	};

	fill_pattern(text, sizeof(text), 16);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("path_mtu", tests, site_setup, site_teardown);
}
