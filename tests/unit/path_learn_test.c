// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Routers' messages about the path to a peer (RFC 1191, RFC 8201), on their way in through
 * xdpsec_decapsulate: they lower the path MTU of that endpoint, and pass unchanged.
 */
#include "unit.h"
#include "icmp.h"
#include "tunnel.h"

enum {
	QUOTE = 100,
	NUMBER = 5000000,	/* of the packet that is quoted */
	NUMBERS_BACK = 1048576, /* as far back as one may be: docs/tunnel.md */
	IPV6_LEAST = 1280,	/* RFC 8200 section 5: what every path inside takes */
	IPV4_FLOOR = 552,	/* net.ipv4.route.min_pmtu */
	IPV6_FLOOR = 1280	/* RFC 8200 section 5 */
};

static const uint64_t ten_minutes = 600000000000; /* RFC 1191 section 6.3 */
static const uint64_t coarse = 20000000;

static uint8_t text[300], buffer[FRAME_MAX];

/* About a packet to peer, as a router on the way there sends it. */
static struct icmp_message message_about(int peer, uint32_t mtu)
{
	bool ipv6 = strchr(tunnel_peers[peer].endpoint, ':');
	struct icmp_message message = {
		.outer = icmp_outer(ipv6 ? "2001:db8:ffff::1" : "203.0.113.254"),
		.type = ipv6 ? ICMPV6_PACKET_TOO_BIG : ICMP_UNREACHABLE,
		.code = ipv6 ? 0 : ICMP_FRAGMENTATION_NEEDED,
		.rest = mtu,
		.about = tunnel_sealed(TUNNEL_TX(peer), NEXT_IPV4, NUMBER, text, sizeof(text), buffer),
		.quoted = QUOTE,
	};

	message.outer.ingress = rig.device;
	return message;
}

/* The packets up to that one have been sent. */
static int reset(void **state)
{
	tunnel_reset(state);
	for (int peer = 0; peer < TUNNEL_SEALING; peer++)
		rig_sequence(TUNNEL_TX(peer), NUMBER + 1, XDPSEC_SEQUENCE_LIMIT);
	return 0;
}

static void expect_ignored(const struct icmp_message *message)
{
	static struct frame frame;

	icmp_build(&frame, message);
	expect_untouched(PROGRAM_DECAPSULATE, &frame);
}

/* Passed as it is; and the peer's path takes mtu from now on, for ten minutes. */
static void expect_learned(const struct icmp_message *message, int peer, uint32_t mtu)
{
	static struct tally expected, after;
	static struct frame frame, out;
	struct xdpsec_endpoint *got = &after.endpoints[peer];
	uint64_t started;

	icmp_build(&frame, message);
	tally_take(&expected);
	started = tunnel_now();
	assert_int_equal(rig_run(PROGRAM_DECAPSULATE, &frame, &out), XDP_PASS);
	tally_take(&after);
	expect_same_frame(&out, &frame);
	assert_int_equal(got->path_mtu, mtu);
	assert_in_range(got->path_mtu_until, started + ten_minutes, tunnel_now() + ten_minutes + coarse);
	expected.endpoints[peer].path_mtu = mtu;
	expected.endpoints[peer].path_mtu_until = got->path_mtu_until;
	expect_same_tally(&after, &expected);
}

static const int peers[] = { TUNNEL_B, TUNNEL_C };

static uint32_t floor_of(int peer)
{
	return peer == TUNNEL_B ? IPV4_FLOOR : IPV6_FLOOR;
}

static void test_lowers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++)
		for (uint32_t mtu = 1500; mtu >= floor_of(peers[i]); mtu -= 13) {
			struct icmp_message message = message_about(peers[i], mtu);

			rig_allow_learning();
			message.outer.vlans = mtu % 3;
			expect_learned(&message, peers[i], mtu);
		}
}

/* Inner packets that do not fit any more are answered. */
static void test_effect(void **state)
{
	struct packet inner = tunnel_inner(INNER_B4, text, sizeof(text));
	struct icmp_message message = message_about(TUNNEL_B, 600);
	static struct frame frame, answer;
	struct layout layout;

	(void)state;
	expect_encapsulated(&inner, TUNNEL_B);
	inner.payload = buffer;
	inner.length = 600;
	expect_encapsulated(&inner, TUNNEL_B);
	expect_learned(&message, TUNNEL_B, 600);
	packet_build(&frame, &inner);
	expect_answer(PROGRAM_ENCAPSULATE, &frame, XDPSEC_DROP_TOO_BIG, TUNNEL_TX(TUNNEL_B), &answer);
	assert_true(frame_layout(&answer, &layout));
	assert_int_equal(read16(answer.bytes + layout.transport + 6), 600 - OVERHEAD_IPV4);
}

/* Less than every path takes is not believed. */
static void test_floors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
		static const uint32_t lies[] = { 1, 68, 500, 551, 552, 576, 1279, 1280 };

		for (size_t j = 0; j < ARRAY_SIZE(lies); j++) {
			struct icmp_message message = message_about(peers[i], lies[j]);
			uint32_t least = floor_of(peers[i]);

			reset(NULL);
			expect_learned(&message, peers[i], lies[j] < least ? least : lies[j]);
		}
	}
}

/* A router older than RFC 1191 says nothing; and of IPv6 32 bits count. */
static void test_no_mtu(void **state)
{
	static const uint32_t large[] = { 0x10000, 0x10500, 0x80000500, 0xffffffff };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
		struct icmp_message message = message_about(peers[i], 0);

		expect_ignored(&message);
	}
	for (size_t i = 0; i < ARRAY_SIZE(large); i++) {
		struct icmp_message message = message_about(TUNNEL_C, large[i]);

		expect_ignored(&message);
	}
}

/* Only when it is over is a larger one believed: a lie could undo what is true. */
static void test_does_not_raise(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
		struct icmp_message lower = message_about(peers[i], 1300), message;
		struct xdpsec_endpoint endpoint;

		expect_learned(&lower, peers[i], 1300);
		message = message_about(peers[i], 1301);
		expect_ignored(&message);
		message = message_about(peers[i], 1400);
		expect_ignored(&message);
		endpoint = tunnel_endpoint(peers[i]);
		endpoint.path_mtu_until = tunnel_now();
		tunnel_set_endpoint(peers[i], &endpoint);
		expect_learned(&message, peers[i], 1400);
	}
}

/* The 8 bytes behind the IP header that RFC 792 promises hold nothing that not everybody knows; it takes our
 * header, with the SPI and the number. */
static void test_short_quotes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
		size_t enough = (peers[i] == TUNNEL_B ? IPV4_LEN : IPV6_LEN) + UDP_LEN + 16;

		for (size_t quoted = 0; quoted <= QUOTE; quoted++) {
			struct icmp_message message = message_about(peers[i], 1400);

			reset(NULL);
			message.quoted = quoted;
			if (quoted < enough)
				expect_ignored(&message);
			else
				expect_learned(&message, peers[i], 1400);
		}
	}
}

/* Not of the packets that we send. */
static void test_quoted_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
		struct icmp_message good = message_about(peers[i], 1400), message;
		uint8_t *spi = buffer;

		message = good;
		message.about.destination = peers[i] == TUNNEL_B ? "198.51.100.3" : "2001:db8:2::3";
		expect_ignored(&message);
		message = good;
		message.about.destination_port++;
		expect_ignored(&message);
		message = good;
		message.about.source_port++;
		expect_ignored(&message);
		/* A message for another host behind us. */
		message = good;
		message.about.source = peers[i] == TUNNEL_B ? "192.0.2.77" : "2001:db8:1::77";
		expect_ignored(&message);
		message = good;
		message.about.protocol = PROTOCOL_TCP;
		expect_ignored(&message);
		message = good;
		message.about.version = 5;
		expect_ignored(&message);
		/* The SPI has to be right: the peer's, for what goes to it. */
		write32(spi, tunnel_sas[TUNNEL_TX(peers[i])].spi ^ 1);
		expect_ignored(&good);
		write32(spi, tunnel_sas[TUNNEL_RX(peers[i])].spi);
		expect_ignored(&good);
		write32(spi, tunnel_sas[TUNNEL_TX(peers[1 - i])].spi);
		expect_ignored(&good);
		write32(spi, 0);
		expect_ignored(&good);
		write32(spi, tunnel_sas[TUNNEL_TX(peers[i])].spi);
		expect_learned(&good, peers[i], 1400);
	}
}

static void test_flow_ports(void **state)
{
	static const uint16_t ours[] = { 49152, 50000, 65535 }, others[] = { TUNNEL_PORT, 0, 49151 };
	struct xdpsec_config config = tunnel_config();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++)
		for (size_t j = 0; j < ARRAY_SIZE(ours); j++) {
			struct icmp_message message = message_about(peers[i], 1400);

			reset(NULL);
			config.flow_ports = 1;
			tunnel_configure(&config);
			message.about.source_port = others[j];
			expect_ignored(&message);
			message.about.source_port = ours[j];
			expect_learned(&message, peers[i], 1400);
		}
}

static void test_other_messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++)
		for (int type = 0; type < 256; type++)
			for (int code = 0; code < 6; code++) {
				struct icmp_message message = message_about(peers[i], 1400);

				if (message.type == type && (peers[i] == TUNNEL_C || message.code == code))
					continue;
				message.type = type;
				message.code = code;
				expect_ignored(&message);
			}
}

/* Fragments of a message, one with options (routers send none), and one that is cut. */
static void test_other_shapes(void **state)
{
	struct icmp_message message = message_about(TUNNEL_B, 1400);
	static struct frame frame;

	(void)state;
	message.outer.fragment = IPV4_MORE_FRAGMENTS;
	expect_ignored(&message);
	message.outer.fragment = 1;
	expect_ignored(&message);
	message = message_about(TUNNEL_B, 1400);
	message.outer.options = 4;
	expect_ignored(&message);
	message = message_about(TUNNEL_B, 1400);
	message.outer.version = 6;
	expect_ignored(&message);
	for (int peer = TUNNEL_B; peer <= TUNNEL_C; peer++) {
		size_t enough = ETHERNET_LEN + 2 * (peer == TUNNEL_B ? IPV4_LEN : IPV6_LEN) +
				ICMP_HEADER_LEN + UDP_LEN;

		message = message_about(peer, 1400);
		icmp_build(&frame, &message);
		for (frame.length = enough - 1; frame.length >= ETHERNET_LEN; frame.length--)
			expect_untouched(PROGRAM_DECAPSULATE, &frame);
	}
}

/* The quoted packet must have been sent, and lately. */
static void test_numbers(void **state)
{
	static const struct {
		uint64_t number;
		bool plausible;
	} numbers[] = {
		{ NUMBER, true },
		{ NUMBER - 1, true },
		{ NUMBER + 1 - NUMBERS_BACK, true },
		{ NUMBER - NUMBERS_BACK, false },
		{ 0, false },
		{ 1, false },
		{ NUMBER + 1, false },
		{ NUMBER + 1000000, false },
		{ UINT64_MAX, false },
		{ UINT64_MAX / 2 + 1, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++)
		for (size_t j = 0; j < ARRAY_SIZE(numbers); j++) {
			struct icmp_message message = message_about(peers[i], 1400);

			reset(NULL);
			write64(buffer + 8, numbers[j].number);
			if (numbers[j].plausible)
				expect_learned(&message, peers[i], 1400);
			else
				expect_ignored(&message);
		}
}

/* A message about the first packet that was ever sent, and one before that. */
static void test_first_number(void **state)
{
	struct icmp_message message = message_about(TUNNEL_B, 1400);

	(void)state;
	write64(buffer + 8, 0);
	rig_sequence(TUNNEL_TX(TUNNEL_B), 0, XDPSEC_SEQUENCE_LIMIT);
	expect_ignored(&message);
	rig_sequence(TUNNEL_TX(TUNNEL_B), 1, XDPSEC_SEQUENCE_LIMIT);
	expect_learned(&message, TUNNEL_B, 1400);
}

/* Whatever a path is said to take: no sender of IPv6 goes below 1280, and such packets are sent. */
static void test_inner_ipv6(void **state)
{
	static const struct tunnel_direction directions[] = { { INNER_B6, TUNNEL_B },
							      { INNER_C6, TUNNEL_C } };
	static uint8_t payload[IPV6_LEAST];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++)
		for (uint32_t mtu = 1280; mtu <= 1400; mtu += 20) {
			int peer = directions[i].peer;
			uint32_t inner_mtu = mtu - tunnel_overhead(peer);
			struct icmp_message message = message_about(peer, mtu);
			struct packet inner;
			static struct frame frame, answer;
			struct layout layout;

			reset(NULL);
			expect_learned(&message, peer, mtu);
			if (inner_mtu < IPV6_LEAST)
				inner_mtu = IPV6_LEAST;
			inner = tunnel_inner(directions[i].host, payload, inner_mtu - IPV6_LEN - UDP_LEN);
			expect_encapsulated(&inner, peer);
			inner.length++;
			packet_build(&frame, &inner);
			expect_answer(PROGRAM_ENCAPSULATE, &frame, XDPSEC_DROP_TOO_BIG, TUNNEL_TX(peer),
				      &answer);
			assert_true(frame_layout(&answer, &layout));
			assert_int_equal(read32(answer.bytes + layout.transport + 4), inner_mtu);
		}
}

/* Two peers at one endpoint: the SPI tells which. */
static void test_same_endpoint(void **state)
{
	struct xdpsec_endpoint endpoint = tunnel_endpoint(TUNNEL_B);
	struct icmp_message message = message_about(TUNNEL_B, 1400);

	(void)state;
	tunnel_set_endpoint(TUNNEL_UNREACHABLE, &endpoint);
	expect_learned(&message, TUNNEL_B, 1400);
	write32(buffer, tunnel_sas[TUNNEL_TX(TUNNEL_UNREACHABLE)].spi);
	message.rest = 1300;
	expect_learned(&message, TUNNEL_UNREACHABLE, 1300);
}

/* 100 a second on each CPU are looked at; in the time that these take it is not all of them. */
static void test_rate(void **state)
{
	struct icmp_message good = message_about(TUNNEL_B, 1400);
	struct icmp_message other = message_about(TUNNEL_C, 1400);
	static struct frame frame, out;
	int last = 0;

	(void)state;
	/* The same bytes were written by message_about() for the other one. */
	good = message_about(TUNNEL_B, 1400);
	other.about.destination = "2001:db8:2::3";
	icmp_build(&frame, &other);
	/* The second may end in between: once more then. */
	for (int attempt = 0; attempt < 3 && !last; attempt++) {
		reset(NULL);
		for (int i = 0; i < 100; i++)
			rig_run(PROGRAM_DECAPSULATE, &frame, &out);
		{
			static struct frame message, passed;

			icmp_build(&message, &good);
			assert_int_equal(rig_run(PROGRAM_DECAPSULATE, &message, &passed), XDP_PASS);
			expect_same_frame(&passed, &message);
		}
		last = tunnel_endpoint(TUNNEL_B).path_mtu == 0;
	}
	assert_true(last);
	rig_allow_learning();
	expect_learned(&good, TUNNEL_B, 1400);
}

/* As many peers as the configuration says are looked through. */
static void test_no_peers(void **state)
{
	struct xdpsec_config config = tunnel_config();
	struct icmp_message message = message_about(TUNNEL_C, 1400);

	(void)state;
	config.peers = 0;
	tunnel_configure(&config);
	expect_ignored(&message);
	config.peers = TUNNEL_C;
	tunnel_configure(&config);
	expect_ignored(&message);
	config.peers = XDPSEC_MAX_PEERS;
	tunnel_configure(&config);
	expect_learned(&message, TUNNEL_C, 1400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_lowers, reset),
		cmocka_unit_test_setup(test_effect, reset),
		cmocka_unit_test_setup(test_floors, reset),
		cmocka_unit_test_setup(test_no_mtu, reset),
		cmocka_unit_test_setup(test_does_not_raise, reset),
		cmocka_unit_test_setup(test_short_quotes, reset),
		cmocka_unit_test_setup(test_quoted_fields, reset),
		cmocka_unit_test_setup(test_flow_ports, reset),
		cmocka_unit_test_setup(test_other_messages, reset),
		cmocka_unit_test_setup(test_other_shapes, reset),
		cmocka_unit_test_setup(test_numbers, reset),
		cmocka_unit_test_setup(test_first_number, reset),
		cmocka_unit_test_setup(test_inner_ipv6, reset),
		cmocka_unit_test_setup(test_same_endpoint, reset),
		cmocka_unit_test_setup(test_rate, reset),
		cmocka_unit_test_setup(test_no_peers, reset),
	};

	fill_pattern(text, sizeof(text), 59);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("path_learn", tests, tunnel_setup, tunnel_teardown);
}
