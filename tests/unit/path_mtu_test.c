// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Routers' messages about the path (RFC 1191, RFC 4443 section 3.2), on their way in through xdpsec_open: the
 * MTU for a protected flow is reduced by the overhead of sealing, a forged message about one is dropped,
 * everything else passes unchanged.
 */
#include "unit.h"
#include "site.h"
#include "expect.h"
#include "icmp.h"

enum {
	IPV4_MTU_MIN = 68, /* RFC 791 */
	QUOTE = 128,
	NUMBER = 5000000,	/* of the packet that is quoted */
	NUMBERS_BACK = 1048576, /* as far back as one may be: docs/protocol.md */
	LEAST_UNPROVEN = 1280,
};

static uint8_t text[300], sealed[XDPSEC_OVERHEAD + sizeof(text)];

static int slot_of(const char *remote)
{
	return !strcmp(remote, REMOTE_B4) || !strcmp(remote, REMOTE_B6) ? SLOT_B_TX : SLOT_C_TX;
}

static int reset(void **state)
{
	site_reset(state);
	rig_sequence(SLOT_B_TX, NUMBER + 1, XDPSEC_SEQUENCE_LIMIT);
	rig_sequence(SLOT_C_TX, NUMBER + 1, XDPSEC_SEQUENCE_LIMIT);
	return 0;
}

/* About a packet of ours, as a router on the path to remote sends it. */
static struct icmp_message message_about(const char *remote, uint32_t mtu)
{
	bool ipv6 = strchr(remote, ':');
	struct packet plain = packet_udp(remote, PORT, text, sizeof(text));

	return (struct icmp_message){
		.outer = icmp_outer(ipv6 ? "2001:db8:ffff::1" : "203.0.113.254"),
		.type = ipv6 ? ICMPV6_PACKET_TOO_BIG : ICMP_UNREACHABLE,
		.code = ipv6 ? 0 : ICMP_FRAGMENTATION_NEEDED,
		.rest = mtu,
		.about = site_sealed(&plain, slot_of(remote), NUMBER, sealed),
		.quoted = QUOTE,
	};
}

static void expect_message_untouched(const struct icmp_message *message)
{
	struct frame frame;

	icmp_build(&frame, message);
	expect_untouched(PROGRAM_OPEN, &frame);
}

/* The result is the message of a router whose MTU is smaller by the overhead, with a right checksum. */
static void expect_message_lowered(const struct icmp_message *message)
{
	struct icmp_message lower = *message;
	static struct frame frame, expected;

	lower.rest -= XDPSEC_OVERHEAD;
	icmp_build(&frame, message);
	icmp_build(&expected, &lower);
	expect_passed_as(PROGRAM_OPEN, &frame, &expected);
}

static void expect_message_dropped(const struct icmp_message *message)
{
	struct frame frame;

	icmp_build(&frame, message);
	expect_drop(PROGRAM_OPEN, &frame, XDPSEC_DROP_UNPROVEN, SLOT_NONE);
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

/*
 * With the ports and less than our header it may be from behind the peer, where the packet has been opened:
 * as it is, unless it says less than is believed of whom nobody knows.
 */
static void test_short_quotes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(protected_remotes); i++) {
		size_t ports = (strchr(protected_remotes[i], ':') ? IPV6_LEN : IPV4_LEN) + UDP_LEN, n;

		for (n = 0; n < QUOTE; n++) {
			struct icmp_message message = message_about(protected_remotes[i], LEAST_UNPROVEN - 1);

			message.quoted = n;
			if (n < (strchr(protected_remotes[i], ':') ? ports : IPV4_LEN))
				expect_message_untouched(&message);
			else if (n < ports + 16)
				expect_message_dropped(&message);
			else
				expect_message_lowered(&message);
			message.rest = LEAST_UNPROVEN;
			if (n < ports + 16)
				expect_message_untouched(&message);
			else
				expect_message_lowered(&message);
		}
	}
}

/* About what was never sealed here: the SPI is not the peer's, or the number cannot be. */
static void test_lies(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(protected_remotes); i++) {
		int slot = slot_of(protected_remotes[i]), other = slot == SLOT_B_TX ? SLOT_C_TX : SLOT_B_TX;
		const uint64_t never[] = { NUMBER + 1, NUMBER - NUMBERS_BACK, 0, UINT64_MAX };
		const uint32_t not_its[] = { 0, site_sas[other].spi, site_sas[slot].spi ^ 1,
					     site_sas[slot == SLOT_B_TX ? SLOT_B_RX : SLOT_C_RX].spi };
		struct icmp_message message = message_about(protected_remotes[i], 1400);

		for (size_t j = 0; j < ARRAY_SIZE(not_its); j++) {
			write32(sealed, not_its[j]);
			expect_message_dropped(&message);
		}
		write32(sealed, site_sas[slot].spi);
		for (size_t j = 0; j < ARRAY_SIZE(never); j++) {
			write64(sealed + 8, never[j]);
			expect_message_dropped(&message);
		}
		write64(sealed + 8, NUMBER + 1 - NUMBERS_BACK);
		expect_message_lowered(&message);
		/* Plaintext. */
		message.about.payload = text;
		expect_message_dropped(&message);
	}
}

/* A peer without an SA has been sent nothing. */
static void test_no_sa(void **state)
{
	struct packet plain = packet_udp(REMOTE_NO_SA4, PORT, text, sizeof(text));
	struct icmp_message message = message_about(REMOTE_B4, 1400);

	(void)state;
	message.about = plain;
	expect_message_dropped(&message);
	message.about.payload = sealed;
	expect_message_dropped(&message);
}

static void test_other_flows(void **state)
{
	struct icmp_message message = message_about(REMOTE_B4, 68);

	(void)state;
	message.about.destination = REMOTE_CLEAR4;
	expect_message_untouched(&message);
	message = message_about(REMOTE_B6, 68);
	message.about.destination = REMOTE_CLEAR6;
	expect_message_untouched(&message);
	message.about.destination = REMOTE_B6;
	message.about.source_port = message.about.destination_port = PORT_CLEAR;
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

/*
 * The stack keeps the MTU for the destination, whatever was quoted. So what a message about a protected flow is not
 * believed, it is not about anything else that goes to the peer, in whatever form: IPv4 has so small an MTU.
 */
static struct icmp_message message_with(uint32_t mtu)
{
	struct icmp_message message = message_about(REMOTE_B4, mtu);

	message.quoted = IPV4_LEN + UDP_LEN;
	return message;
}

static void expect_only_larger(struct icmp_message message)
{
	message.rest = LEAST_UNPROVEN;
	expect_message_untouched(&message);
	message.rest = LEAST_UNPROVEN - 1;
	expect_message_dropped(&message);
	message.rest = 0;
	expect_message_dropped(&message);
	message.about.destination = REMOTE_CLEAR4;
	expect_message_untouched(&message);
}

static void test_other_quotes(void **state)
{
	struct icmp_message message = message_with(LEAST_UNPROVEN - 1);

	(void)state;
	message.about.source_port = message.about.destination_port = PORT_CLEAR;
	expect_only_larger(message);
	for (int protocol = 0; protocol < 256; protocol++) {
		message = message_with(LEAST_UNPROVEN - 1);
		message.about.no_udp = protocol != PROTOCOL_UDP;
		message.about.protocol = protocol;
		/* Their sockets compare a number that is quoted. */
		if (protocol == PROTOCOL_TCP || protocol == PROTOCOL_SCTP)
			expect_message_untouched(&message);
		else
			expect_only_larger(message);
	}
	message = message_with(LEAST_UNPROVEN - 1);
	message.about.fragment = IPV4_MORE_FRAGMENTS;
	expect_only_larger(message);
	message.about.fragment = 1;
	expect_only_larger(message);
	message = message_with(LEAST_UNPROVEN - 1);
	message.about.version = 5;
	expect_only_larger(message);
	message = message_with(LEAST_UNPROVEN - 1);
	message.about.options = 8;
	message.quoted += 8;
	expect_only_larger(message);
	message = message_with(LEAST_UNPROVEN - 1);
	message.outer.vlans = 2;
	expect_only_larger(message);
	for (unsigned int options = 4; options <= 40; options += 4) {
		message = message_with(LEAST_UNPROVEN - 1);
		message.outer.options = options;
		expect_only_larger(message);
	}
}

/* In fragments: only the first shows what it is, and it may end in front of the quote. */
static void test_message_in_fragments(void **state)
{
	struct icmp_message message = message_with(LEAST_UNPROVEN - 1);
	struct frame frame;

	(void)state;
	message.outer.fragment = IPV4_MORE_FRAGMENTS;
	expect_only_larger(message);
	message.quoted = 0;
	expect_message_dropped(&message);
	message.rest = LEAST_UNPROVEN;
	expect_message_untouched(&message);
	message.rest = LEAST_UNPROVEN - 1;
	message.code = ICMP_PORT_UNREACHABLE;
	expect_message_untouched(&message);
	/* Whole, and without a quote: the stack does not take it either. */
	message = message_with(LEAST_UNPROVEN - 1);
	for (message.quoted = 0; message.quoted < IPV4_LEN; message.quoted++)
		expect_message_untouched(&message);
	message = message_with(LEAST_UNPROVEN - 1);
	icmp_build(&frame, &message);
	write16(frame.bytes + ETHERNET_LEN + 6, 8);
	expect_untouched(PROGRAM_OPEN, &frame);
}

/* IPv4 options and IPv6 extension headers may be in the quote, and not in front of the message. */
static void test_options(void **state)
{
	struct icmp_message message = message_about(REMOTE_B4, 1400);

	(void)state;
	message.about.options = 8;
	expect_message_lowered(&message);
	message = message_about(REMOTE_B6, 1400);
	packet_extend(&message.about, PROTOCOL_DESTINATION, 8);
	expect_message_lowered(&message);

	message = message_about(REMOTE_B4, 1400);
	message.outer.options = 8;
	expect_message_untouched(&message);
	message = message_about(REMOTE_B6, 1400);
	packet_extend(&message.outer, PROTOCOL_DESTINATION, 8);
	expect_message_untouched(&message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_lowered, reset),
		cmocka_unit_test_setup(test_short_quotes, reset),
		cmocka_unit_test_setup(test_lies, reset),
		cmocka_unit_test_setup(test_no_sa, reset),
		cmocka_unit_test_setup(test_other_flows, reset),
		cmocka_unit_test_setup(test_other_messages, reset),
		cmocka_unit_test_setup(test_extreme_mtus, reset),
		cmocka_unit_test_setup(test_fragments, reset),
		cmocka_unit_test_setup(test_other_quotes, reset),
		cmocka_unit_test_setup(test_message_in_fragments, reset),
		cmocka_unit_test_setup(test_options, reset),
	};

	fill_pattern(text, sizeof(text), 16);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("path_mtu", tests, site_setup, site_teardown);
}
