// SPDX-License-Identifier: GPL-2.0-or-later
/* The maximum segment size that TCP announces through the tunnel: lowered to what fits, both ways. */
#include "unit.h"
#include "tunnel.h"

enum {
	TCP_LEN = 20,
	TCP_FIN = 1,
	TCP_SYN = 2,
	TCP_RST = 4,
	TCP_ACK = 16,
	DATA_LEN = 23,
	BEHIND_IPV4 = IPV4_LEN + TCP_LEN,
	BEHIND_IPV6 = IPV6_LEN + TCP_LEN,
};

#define NOP 1
#define MSS(value) 2, 4, (value) >> 8, (value) & 0xff
#define SACK_PERMITTED 4, 2
#define TIMESTAMP 8, 10, 1, 2, 3, 4, 5, 6, 7, 8
#define WINDOW_SCALE 3, 3, 7

static uint64_t sequence;

struct segment {
	uint8_t flags;
	uint8_t words;	  /* of the header, as it says; 0: as it is */
	size_t n_options; /* bytes */
	uint8_t options[44];
	size_t data;
};

/* TCP from us to host; bytes keep the segment. */
static struct packet tcp(const char *host, const struct segment *segment, uint8_t *bytes)
{
	size_t header = TCP_LEN + segment->n_options;
	struct packet packet = tunnel_inner(host, bytes, header + segment->data);

	packet.no_udp = true;
	packet.protocol = PROTOCOL_TCP;
	fill_pattern(bytes, packet.length, 43);
	memset(bytes, 0, TCP_LEN);
	write16(bytes, 49152);
	write16(bytes + 2, 443);
	write32(bytes + 4, 0x01020304);
	bytes[12] = (segment->words ?: header / 4) << 4;
	bytes[13] = segment->flags;
	write16(bytes + 14, 0xfff0);
	memcpy(bytes + TCP_LEN, segment->options, segment->n_options);
	write16(bytes + 16, packet_payload_checksum(&packet));
	return packet;
}

/* The segment comes out as expected, with a right checksum, on the way out and in. */
static void expect_segment(size_t i, const struct segment *segment, const struct segment *expected)
{
	static uint8_t bytes[200], expected_bytes[200], buffer[FRAME_MAX];
	struct packet inner = tcp(tunnel_directions[i].host, segment, bytes);
	struct packet clamped = tcp(tunnel_directions[i].host, expected, expected_bytes), outer;

	expect_encapsulated_as(&inner, &clamped, tunnel_directions[i].peer, inner.tos);
	/* The sum of TCP's pseudo header does not care for the direction. */
	inner = packet_reversed(inner);
	clamped = packet_reversed(clamped);
	outer = tunnel_incoming(tunnel_directions[i].peer, ++sequence, &inner, buffer);
	expect_decapsulated(&outer, &clamped, tunnel_directions[i].peer);
}

static uint16_t fits(size_t i)
{
	return TUNNEL_DEVICE_MTU - (strchr(tunnel_directions[i].host, ':') ? BEHIND_IPV6 : BEHIND_IPV4);
}

static void expect_same(const struct segment *segment)
{
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++)
		expect_segment(i, segment, segment);
}

/* at: where in the options the value of the MSS is. */
static void expect_lowered(const struct segment *segment, size_t at)
{
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		struct segment expected = *segment;

		write16(expected.options + at, fits(i));
		expect_segment(i, segment, &expected);
	}
}

static void test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		const uint16_t values[] = { 0,		 1,    536,  1220, fits(i) - 1, fits(i),
					    fits(i) + 1, 1440, 1460, 8960, 0xfffe,	0xffff };

		for (size_t j = 0; j < ARRAY_SIZE(values); j++) {
			struct segment segment = { TCP_SYN, .n_options = 4, .options = { MSS(values[j]) } };
			struct segment expected = segment;

			if (values[j] > fits(i))
				write16(expected.options + 2, fits(i));
			expect_segment(i, &segment, &expected);
		}
	}
}

static void test_flags(void **state)
{
	(void)state;
	for (int flags = 0; flags < 256; flags++) {
		struct segment segment = { flags, .n_options = 4, .options = { MSS(9000) } };

		if (flags & TCP_SYN)
			expect_lowered(&segment, 2);
		else
			expect_same(&segment);
	}
}

static void test_places(void **state)
{
	static const struct {
		struct segment segment;
		size_t at;
	} places[] = {
		{ { TCP_SYN, .n_options = 20,
		    .options = { MSS(9000), SACK_PERMITTED, TIMESTAMP, NOP, WINDOW_SCALE } },
		  2 },
		{ { TCP_SYN | TCP_ACK, .n_options = 8, .options = { NOP, NOP, NOP, NOP, MSS(9000) } }, 6 },
		{ { TCP_SYN, .n_options = 8, .options = { NOP, NOP, MSS(9000), NOP, NOP } }, 4 },
		{ { TCP_SYN, .n_options = 16, .options = { TIMESTAMP, NOP, NOP, MSS(9000) } }, 14 },
		{ { TCP_SYN, .n_options = 16, .options = { SACK_PERMITTED, MSS(9000), TIMESTAMP } }, 4 },
		{ { TCP_SYN, .n_options = 40,
		    .options = { TIMESTAMP, TIMESTAMP, TIMESTAMP, NOP, NOP, NOP, NOP, NOP, NOP, MSS(9000) } },
		  38 },
		/* At an odd byte, where its halves belong to two words of the sum. */
		{ { TCP_SYN, .n_options = 8, .options = { NOP, MSS(9001), NOP, NOP, NOP } }, 3 },
		{ { TCP_SYN, .n_options = 8, .options = { WINDOW_SCALE, MSS(8999), NOP } }, 5 },
		{ { TCP_SYN, .n_options = 8, .options = { NOP, NOP, NOP, MSS(0xffff), NOP } }, 5 },
		/* With data (RFC 7413). */
		{ { TCP_SYN, .n_options = 4, .options = { MSS(9000) }, .data = DATA_LEN }, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		expect_lowered(&places[i].segment, places[i].at);
}

static void test_none(void **state)
{
	static const struct segment segments[] = {
		{ TCP_SYN, .n_options = 0 },
		{ TCP_SYN, .n_options = 0, .data = DATA_LEN },
		{ TCP_SYN, .n_options = 4, .options = { NOP, NOP, NOP, NOP } },
		{ TCP_SYN, .n_options = 20,
		  .options = { SACK_PERMITTED, TIMESTAMP, NOP, WINDOW_SCALE, NOP } },
		{ TCP_SYN, .n_options = 40, .options = { TIMESTAMP, TIMESTAMP, TIMESTAMP, TIMESTAMP } },
		/* Behind the end of the options, or in another one. */
		{ TCP_SYN, .n_options = 8, .options = { 0, 0, 0, 0, MSS(9000) } },
		{ TCP_SYN, .n_options = 8, .options = { NOP, NOP, NOP, 0, MSS(9000) } },
		{ TCP_SYN, .n_options = 12, .options = { 30, 10, 0, 0, MSS(9000), MSS(9000) } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(segments); i++)
		expect_same(&segments[i]);
}

/* Options that no stack makes: nothing is changed, and nothing beside them read for an option. */
static void test_malformed(void **state)
{
	static const struct segment segments[] = {
		/* Lengths that lead nowhere. */
		{ TCP_SYN, .n_options = 8, .options = { 30, 0, MSS(9000), NOP, NOP } },
		{ TCP_SYN, .n_options = 8, .options = { 30, 1, MSS(9000), NOP, NOP } },
		{ TCP_SYN, .n_options = 8, .options = { 30, 255, MSS(9000), NOP, NOP } },
		/* An MSS of another length. */
		{ TCP_SYN, .n_options = 4, .options = { 2, 0, 0x23, 0x28 } },
		{ TCP_SYN, .n_options = 4, .options = { 2, 1, 0x23, 0x28 } },
		{ TCP_SYN, .n_options = 4, .options = { 2, 2, 0x23, 0x28 } },
		{ TCP_SYN, .n_options = 4, .options = { 2, 3, 0x23, 0x28 } },
		{ TCP_SYN, .n_options = 8, .options = { 2, 6, 0x23, 0x28, 0, 0, NOP, NOP } },
		/* The options end in it: what follows is data. */
		{ TCP_SYN, .words = 6, .n_options = 8, .options = { NOP, MSS(9000), 0, 0, 0 } },
		{ TCP_SYN, .words = 6, .n_options = 8, .options = { NOP, NOP, MSS(9000), 0, 0 } },
		{ TCP_SYN, .words = 6, .n_options = 8, .options = { NOP, NOP, NOP, MSS(9000), 0 } },
		{ TCP_SYN, .words = 6, .n_options = 8, .options = { NOP, NOP, NOP, NOP, MSS(9000) } },
		{ TCP_SYN, .words = 5, .n_options = 4, .options = { MSS(9000) }, .data = DATA_LEN },
		/* An option that ends behind the header, by 64 bytes more than there is one of this kind. */
		{ TCP_SYN, .n_options = 12,
		  .options = { 254, 64 + 4, NOP, NOP, MSS(9000), NOP, NOP, NOP, NOP } },
		{ TCP_SYN, .n_options = 12,
		  .options = { NOP, 254, 128 + 4, NOP, NOP, MSS(9000), NOP, NOP, NOP } },
		/* A header that is shorter than it can be. */
		{ TCP_SYN, .words = 4, .n_options = 4, .options = { MSS(9000) } },
		{ TCP_SYN, .words = 1, .n_options = 4, .options = { MSS(9000) } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(segments); i++)
		expect_same(&segments[i]);
}

/* A packet that ends in the options that it is said to have: they do not go on in Ethernet's padding. */
static void test_truncated(void **state)
{
	static const struct segment segment = {
		TCP_SYN, .n_options = 12, .options = { NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, MSS(9000) }
	};
	uint8_t bytes[200], buffer[FRAME_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++)
		for (size_t length = 0; length < TCP_LEN + 12; length++) {
			struct packet inner = tcp(tunnel_directions[i].host, &segment, bytes), outer;

			inner.length = length;
			expect_encapsulated(&inner, tunnel_directions[i].peer);
			inner = packet_reversed(inner);
			outer = tunnel_incoming(tunnel_directions[i].peer, ++sequence, &inner, buffer);
			outer.padding = 20;
			expect_decapsulated(&outer, &inner, tunnel_directions[i].peer);
		}
}

static void test_fragments(void **state)
{
	static const struct segment segment = { TCP_SYN, .n_options = 4, .options = { MSS(9000) },
						.data = 20 };
	uint8_t bytes[200], expected_bytes[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		struct packet inner = tcp(tunnel_directions[i].host, &segment, bytes);
		struct segment lower = segment;
		struct packet expected;

		if (inner.family == 6)
			continue;
		inner.fragment = 1; /* a later one: there is no header */
		expect_encapsulated(&inner, tunnel_directions[i].peer);
		inner.fragment = 100 | IPV4_MORE_FRAGMENTS;
		expect_encapsulated(&inner, tunnel_directions[i].peer);
		inner.fragment = IPV4_MORE_FRAGMENTS; /* the first */
		write16(lower.options + 2, fits(i));
		expected = tcp(tunnel_directions[i].host, &lower, expected_bytes);
		expected.fragment = IPV4_MORE_FRAGMENTS;
		expect_encapsulated_as(&inner, &expected, tunnel_directions[i].peer, inner.tos);
	}
}

static void test_ipv4_options(void **state)
{
	static const struct segment segment = { TCP_SYN, .n_options = 4, .options = { MSS(9000) } };
	uint8_t bytes[200], expected_bytes[200];

	(void)state;
	for (unsigned int options = 0; options <= 40; options += 4) {
		struct packet inner = tcp(INNER_B4, &segment, bytes), expected;
		struct segment lower = segment;

		write16(lower.options + 2, fits(0));
		expected = tcp(INNER_B4, &lower, expected_bytes);
		inner.options = options;
		expected.options = options;
		expect_encapsulated_as(&inner, &expected, TUNNEL_B, inner.tos);
	}
}

static void test_other_protocols(void **state)
{
	static const struct segment segment = { TCP_SYN, .n_options = 4, .options = { MSS(9000) } };
	uint8_t bytes[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		struct packet inner = tcp(tunnel_directions[i].host, &segment, bytes);

		inner.protocol = 33; /* DCCP */
		expect_encapsulated(&inner, tunnel_directions[i].peer);
		inner.protocol = PROTOCOL_UDP;
		expect_encapsulated(&inner, tunnel_directions[i].peer);
	}
}

/* A router's path MTU counts while it is valid. */
static void test_path_mtu(void **state)
{
	static const struct segment segment = { TCP_SYN, .n_options = 4, .options = { MSS(9000) } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		struct xdpsec_endpoint endpoint = tunnel_endpoint(tunnel_directions[i].peer);
		size_t overhead = tunnel_overhead(tunnel_directions[i].peer);
		int headers = strchr(tunnel_directions[i].host, ':') ? BEHIND_IPV6 : BEHIND_IPV4;
		struct segment expected = segment;

		endpoint.path_mtu = 1400;
		endpoint.path_mtu_until = tunnel_now() + 600000000000;
		tunnel_set_endpoint(tunnel_directions[i].peer, &endpoint);
		write16(expected.options + 2, 1400 - overhead - headers);
		expect_segment(i, &segment, &expected);
		endpoint.path_mtu_until = tunnel_now();
		tunnel_set_endpoint(tunnel_directions[i].peer, &endpoint);
		write16(expected.options + 2, fits(i));
		expect_segment(i, &segment, &expected);
	}
}

/* Over IPv6 less fits than the device has. */
static void test_over_ipv6(void **state)
{
	static const struct segment segment = { TCP_SYN, .n_options = 4, .options = { MSS(9000) } };
	struct xdpsec_config config = tunnel_config();

	(void)state;
	config.mtu = TUNNEL_MTU - 60;
	tunnel_configure(&config);
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		int headers = strchr(tunnel_directions[i].host, ':') ? BEHIND_IPV6 : BEHIND_IPV4;
		struct segment expected = segment;

		write16(expected.options + 2,
			TUNNEL_MTU - tunnel_overhead(tunnel_directions[i].peer) - headers);
		expect_segment(i, &segment, &expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_values, tunnel_reset),
		cmocka_unit_test_setup(test_flags, tunnel_reset),
		cmocka_unit_test_setup(test_places, tunnel_reset),
		cmocka_unit_test_setup(test_none, tunnel_reset),
		cmocka_unit_test_setup(test_malformed, tunnel_reset),
		cmocka_unit_test_setup(test_truncated, tunnel_reset),
		cmocka_unit_test_setup(test_fragments, tunnel_reset),
		cmocka_unit_test_setup(test_ipv4_options, tunnel_reset),
		cmocka_unit_test_setup(test_other_protocols, tunnel_reset),
		cmocka_unit_test_setup(test_path_mtu, tunnel_reset),
		cmocka_unit_test_setup(test_over_ipv6, tunnel_reset),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("mss", tests, tunnel_setup, tunnel_teardown);
}
