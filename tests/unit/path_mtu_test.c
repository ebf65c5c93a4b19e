// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Routers' answers about sealed packets (RFC 1191, RFC 4443 section 3.2): what they say the sender may send
 * is lowered by what sealing adds, for protected flows, and everything else passes as it is.
 */
#include <arpa/inet.h>

#include "unit.h"
#include "site.h"
#include "expect.h"

enum {
	ICMP_LEN = 8,
	QUOTE_DATA = 64, /* bytes of sealed payload that the router quotes */
	ICMP_UNREACHABLE = 3,
	ICMP_FRAGMENTATION_NEEDED = 4,
	ICMP_PORT_UNREACHABLE = 3,
	ICMPV6_PACKET_TOO_BIG = 2,
	ICMPV6_TIME_EXCEEDED = 3,
};

#define ROUTER4 "203.0.113.200"
#define ROUTER6 "2001:db8:ffff::1"

/* One's complement sum of 16-bit words (RFC 1071), without the final complement. */
static uint32_t add_words(uint32_t sum, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i + 1 < length; i += 2)
		sum += read16(bytes + i);
	if (length % 2)
		sum += bytes[length - 1] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return ~((sum & 0xffff) + (sum >> 16));
}

struct answer {
	const char *remote; /* where the packet in question was sent to */
	uint16_t port;
	uint8_t type, code;
	uint32_t mtu;
	uint16_t fragment; /* of the quoted packet */
	bool tcp;	   /* the quoted packet is TCP */
};

/* A frame from a router that quotes a packet from LOCAL to remote. */
static void build_answer(struct frame *frame, const struct answer *answer)
{
	static uint8_t text[200], message[ICMP_LEN + 200];
	static struct frame quoted_frame;
	struct packet quoted = packet_udp(answer->remote, answer->port, text, sizeof(text));
	struct packet packet;
	struct layout layout;
	bool ipv6 = quoted.family == 6;
	size_t length;
	uint32_t sum;

	fill_pattern(text, sizeof(text), 77);
	quoted.fragment |= answer->fragment;
	if (answer->tcp)
		quoted.protocol = PROTOCOL_TCP;
	packet_build(&quoted_frame, &quoted);
	length = (ipv6 ? IPV6_LEN : IPV4_LEN) + UDP_LEN + QUOTE_DATA;
	memset(message, 0, ICMP_LEN);
	message[0] = answer->type;
	message[1] = answer->code;
	write32(message + 4, answer->mtu);
	memcpy(message + ICMP_LEN, quoted_frame.bytes + ETHERNET_LEN, length);
	length += ICMP_LEN;

	packet = packet_udp(ipv6 ? LOCAL6 : LOCAL4, 0, message, length);
	packet.source = ipv6 ? ROUTER6 : ROUTER4;
	packet.no_udp = true;
	packet.protocol = ipv6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP;
	packet_build(frame, &packet);
	sum = add_words(0, message, length);
	if (ipv6) {
		assert_true(frame_layout(frame, &layout));
		sum = add_words(sum, frame->bytes + layout.network + 8, 32);
		sum += length + PROTOCOL_ICMPV6;
	}
	write16(frame->bytes + ETHERNET_LEN + (ipv6 ? IPV6_LEN : IPV4_LEN) + 2, fold(sum));
	assert_true(frame_checksums_hold(frame));
}

static void expect_lowered(const struct answer *answer, uint32_t mtu)
{
	static struct frame frame, out;
	struct tally before, after;
	struct layout layout;

	build_answer(&frame, answer);
	tally_take(&before);
	assert_int_equal(rig_run(PROGRAM_OPEN, &frame, &out), 2 /* XDP_PASS */);
	tally_take(&after);
	expect_same_tally(&after, &before);
	assert_true(frame_checksums_hold(&out));
	assert_true(frame_layout(&out, &layout));
	assert_int_equal(read32(out.bytes + layout.transport + 4), mtu);
	/* Nothing but the MTU and the checksum. */
	memcpy(frame.bytes + layout.transport + 2, out.bytes + layout.transport + 2, 6);
	expect_same_frame(&out, &frame);
}

static void expect_left_alone(const struct answer *answer)
{
	static struct frame frame;

	build_answer(&frame, answer);
	expect_untouched(PROGRAM_OPEN, &frame);
}

static const struct answer ipv4 = {
	.remote = REMOTE_B4,
	.port = PORT,
	.type = ICMP_UNREACHABLE,
	.code = ICMP_FRAGMENTATION_NEEDED,
	.mtu = 1400,
};

static const struct answer ipv6 = {
	.remote = REMOTE_B6,
	.port = PORT,
	.type = ICMPV6_PACKET_TOO_BIG,
	.mtu = 1400,
};

static void test_lowered(void **state)
{
	static const uint32_t mtus[] = { 1500, 1400, 1280, 1279, 576, 100, 9000, 65535 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mtus); i++) {
		struct answer four = ipv4, six = ipv6;

		four.mtu = mtus[i];
		six.mtu = mtus[i];
		expect_lowered(&four, mtus[i] - XDPSEC_OVERHEAD);
		expect_lowered(&six, mtus[i] - XDPSEC_OVERHEAD);
	}
}

/* 0 is from a router older than RFC 1191; below 68 nothing can be meant. */
static void test_mtu_that_is_none(void **state)
{
	static const uint32_t mtus[] = { 0, 1, 68, 99 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mtus); i++) {
		struct answer four = ipv4, six = ipv6;

		four.mtu = mtus[i];
		six.mtu = mtus[i];
		expect_left_alone(&four);
		expect_left_alone(&six);
	}
}

static void test_ipv6_mtu_beyond_16_bits(void **state)
{
	struct answer answer = ipv6;

	(void)state;
	answer.mtu = 0x10000 + 1400;
	expect_left_alone(&answer);
}

static void test_other_flows(void **state)
{
	struct answer port4 = ipv4, port6 = ipv6, remote4 = ipv4, remote6 = ipv6, tcp4 = ipv4, tcp6 = ipv6;

	(void)state;
	port4.port = port6.port = PORT_CLEAR;
	expect_left_alone(&port4);
	expect_left_alone(&port6);
	remote4.remote = REMOTE_CLEAR4;
	remote6.remote = REMOTE_CLEAR6;
	expect_left_alone(&remote4);
	expect_left_alone(&remote6);
	tcp4.tcp = tcp6.tcp = true;
	expect_left_alone(&tcp4);
	expect_left_alone(&tcp6);
}

static void test_other_messages(void **state)
{
	struct answer code = ipv4, type = ipv6;

	(void)state;
	code.code = ICMP_PORT_UNREACHABLE;
	expect_left_alone(&code);
	type.type = ICMPV6_TIME_EXCEEDED;
	expect_left_alone(&type);
}

/* Sealed packets are never fragments: such a quote is about something else. */
static void test_quoted_fragment(void **state)
{
	struct answer later = ipv4, first = ipv4;

	(void)state;
	later.fragment = 100;
	expect_left_alone(&later);
	first.fragment = IPV4_MORE_FRAGMENTS;
	expect_left_alone(&first);
}

/* Every length to which the message can be cut: passed as it is, or lowered once the ports are there. */
static void test_cut_short(void **state)
{
	static struct frame frame, out;

	(void)state;
	build_answer(&frame, &ipv4);
	for (size_t length = frame.length - 1; length >= ETHERNET_LEN; length--) {
		int verdict;

		frame.length = length;
		if (!rig_try(PROGRAM_OPEN, &frame, &out, &verdict))
			continue;
		assert_int_equal(verdict, 2);
		assert_int_equal(out.length, length);
		if (length < ETHERNET_LEN + IPV4_LEN + ICMP_LEN + IPV4_LEN + UDP_LEN)
			expect_same_frame(&out, &frame);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_lowered, site_reset),
		cmocka_unit_test_setup(test_mtu_that_is_none, site_reset),
		cmocka_unit_test_setup(test_ipv6_mtu_beyond_16_bits, site_reset),
		cmocka_unit_test_setup(test_other_flows, site_reset),
		cmocka_unit_test_setup(test_other_messages, site_reset),
		cmocka_unit_test_setup(test_quoted_fragment, site_reset),
		cmocka_unit_test_setup(test_cut_short, site_reset),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("path_mtu", tests, site_setup, site_teardown);
}
