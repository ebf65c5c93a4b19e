// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xdpsec_decapsulate: what comes to the tunnel's port and is not from a peer, or not what the peer may send,
 * is dropped and counted.
 */
#include "unit.h"
#include "tunnel.h"

static uint8_t text[TUNNEL_MTU], buffer[FRAME_MAX];

static void test_plaintext(void **state)
{
	static const char *const remotes[] = { ENDPOINT_B4, ENDPOINT_C6 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(remotes); i++)
		for (size_t length = 0; length < 100; length++) {
			static uint8_t zeros[100];
			struct packet outer = packet_reversed(
				packet_udp(remotes[i], TUNNEL_PORT, zeros, length));

			outer.destination_port = TUNNEL_PORT;
			outer.ingress = rig.device;
			expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_PLAINTEXT, SLOT_NONE);
			outer.payload =
				"not sealed by anybody, and from nowhere that is known: dropped in any case, "
				"however long it is.";
			expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_PLAINTEXT, SLOT_NONE);
		}
}

static void expect_changed(const struct tunnel_direction *direction, size_t offset, uint8_t value,
			   enum xdpsec_drop reason, int slot)
{
	struct packet inner = tunnel_inner_from(direction->host, text, 60);
	struct packet outer = tunnel_incoming(direction->peer, 1, &inner, buffer);

	assert_true(buffer[offset] != value);
	buffer[offset] = value;
	expect_packet_drop(PROGRAM_DECAPSULATE, &outer, reason, slot);
}

static void test_header_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		const struct tunnel_direction *direction = &tunnel_directions[i];
		int slot = TUNNEL_RX(direction->peer);

		expect_changed(direction, 0, 0x7f, XDPSEC_DROP_UNKNOWN_SPI, SLOT_NONE);
		/* Another peer's SA, and its key: by the tag it is not from there. */
		expect_changed(direction, 2, (TUNNEL_NO_ENDPOINT + 1) << 4, XDPSEC_DROP_AUTH_FAILED,
			       TUNNEL_RX(TUNNEL_NO_ENDPOINT));
		expect_changed(direction, 5, 0, XDPSEC_DROP_MALFORMED, slot);
		expect_changed(direction, 5, 2, XDPSEC_DROP_MALFORMED, slot);
		expect_changed(direction, 6, 1, XDPSEC_DROP_MALFORMED, slot);
		expect_changed(direction, 7, 1, XDPSEC_DROP_MALFORMED, slot);
		for (int next = 0; next < 256; next++)
			if (next != NEXT_IPV4 && next != NEXT_IPV6 && next != NEXT_NONE)
				expect_changed(direction, 4, next, XDPSEC_DROP_WRONG_NEXT_HEADER, slot);
		/* It is in the nonce. */
		expect_changed(direction, 4, NEXT_NONE, XDPSEC_DROP_AUTH_FAILED, slot);
	}
}

/* An SPI with nothing behind it: our own of the other direction. */
static void test_tx_spi(void **state)
{
	struct packet inner = tunnel_inner_from(INNER_B4, text, 60);
	uint8_t bytes[200];
	size_t n = tunnel_inner_bytes(&inner, bytes);
	struct packet outer = tunnel_sealed(TUNNEL_TX(TUNNEL_B), NEXT_IPV4, 1, bytes, n, buffer);

	(void)state;
	outer = packet_reversed(outer);
	outer.destination_port = TUNNEL_PORT;
	outer.ingress = rig.device;
	expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_UNKNOWN_SPI, SLOT_NONE);
}

/* One bit in every byte of what is authenticated. */
static void test_tampered(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		struct packet inner = tunnel_inner_from(tunnel_directions[i].host, text, 171);
		struct packet outer = tunnel_incoming(tunnel_directions[i].peer, i, &inner, buffer);

		for (size_t at = 8; at < outer.length; at++) {
			buffer[at] ^= 1 << at % 8;
			expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_AUTH_FAILED,
					   TUNNEL_RX(tunnel_directions[i].peer));
			buffer[at] ^= 1 << at % 8;
		}
		expect_decapsulated(&outer, &inner, tunnel_directions[i].peer);
	}
}

static void test_shortened(void **state)
{
	struct packet inner = tunnel_inner_from(INNER_B4, text, 60);
	struct packet outer = tunnel_incoming(TUNNEL_B, 1, &inner, buffer);

	(void)state;
	while (--outer.length >= XDPSEC_OVERHEAD)
		expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_AUTH_FAILED, TUNNEL_RX(TUNNEL_B));
	for (; outer.length >= 4; outer.length--)
		expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_MALFORMED, TUNNEL_RX(TUNNEL_B));
	for (; outer.length > 0; outer.length--)
		expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_PLAINTEXT, SLOT_NONE);
}

static void test_lying_lengths(void **state)
{
	struct packet inner = tunnel_inner_from(INNER_B4, text, 60);
	struct packet outer = tunnel_incoming(TUNNEL_B, 1, &inner, buffer), lying;

	(void)state;
	lying = outer;
	lying.ip_length = IPV4_LEN + UDP_LEN + outer.length + 1;
	expect_packet_drop(PROGRAM_DECAPSULATE, &lying, XDPSEC_DROP_MALFORMED, SLOT_NONE);
	lying = outer;
	lying.udp_length = UDP_LEN + outer.length - 1;
	expect_packet_drop(PROGRAM_DECAPSULATE, &lying, XDPSEC_DROP_MALFORMED, SLOT_NONE);
	lying.udp_length = UDP_LEN + outer.length + 1;
	expect_packet_drop(PROGRAM_DECAPSULATE, &lying, XDPSEC_DROP_MALFORMED, SLOT_NONE);
}

/* No peer sends fragments, so they are dropped. */
static void test_fragments(void **state)
{
	struct packet inner = tunnel_inner_from(INNER_B4, text, 60);
	struct packet outer = tunnel_incoming(TUNNEL_B, 1, &inner, buffer);

	(void)state;
	outer.fragment = IPV4_MORE_FRAGMENTS;
	expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_FRAGMENT, SLOT_NONE);
	outer.fragment = 10;
	outer.no_udp = true;
	expect_packet_untouched(PROGRAM_DECAPSULATE, &outer);

	inner = tunnel_inner_from(INNER_C6, text, 60);
	outer = tunnel_incoming(TUNNEL_C, 1, &inner, buffer);
	packet_extend(&outer, PROTOCOL_FRAGMENT, 8);
	outer.fragment = IPV6_MORE_FRAGMENTS;
	expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_FRAGMENT, SLOT_NONE);
	outer.fragment = 0; /* RFC 6946: as good as whole */
	expect_decapsulated(&outer, &inner, TUNNEL_C);
}

static void test_replayed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		struct packet inner = tunnel_inner_from(tunnel_directions[i].host, text, 60);
		struct packet first = tunnel_incoming(tunnel_directions[i].peer, 10000 * (i + 1), &inner,
						      buffer);
		static uint8_t other[FRAME_MAX];
		struct packet older = tunnel_incoming(tunnel_directions[i].peer, 10000 * (i + 1) - 8000,
						      &inner, other);

		expect_decapsulated(&first, &inner, tunnel_directions[i].peer);
		expect_packet_drop(PROGRAM_DECAPSULATE, &first, XDPSEC_DROP_REPLAYED,
				   TUNNEL_RX(tunnel_directions[i].peer));
		expect_decapsulated(&older, &inner, tunnel_directions[i].peer);
		expect_packet_drop(PROGRAM_DECAPSULATE, &older, XDPSEC_DROP_REPLAYED,
				   TUNNEL_RX(tunnel_directions[i].peer));
		older = tunnel_incoming(tunnel_directions[i].peer, 10000 * (i + 1) - 8192, &inner, other);
		expect_packet_drop(PROGRAM_DECAPSULATE, &older, XDPSEC_DROP_REPLAYED,
				   TUNNEL_RX(tunnel_directions[i].peer));
	}
}

/* A peer that seals n bytes of its choice, said to be next. */
static void expect_content(int peer, uint8_t next, uint64_t sequence, const uint8_t *bytes, size_t n,
			   enum xdpsec_drop reason)
{
	struct packet outer = tunnel_arriving(peer, next, sequence, bytes, n, buffer);

	expect_opened_and_dropped(&outer, peer, reason);
}

/* Sealed with the right key, and not what it is said to be. */
static void test_wrong_content(void **state)
{
	uint64_t sequence = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		struct packet inner = tunnel_inner_from(tunnel_directions[i].host, text, 60);
		uint8_t bytes[300] = {};
		size_t n = tunnel_inner_bytes(&inner, bytes);
		bool ipv6 = inner.family == 6;
		int peer = tunnel_directions[i].peer;

		expect_content(peer, ipv6 ? NEXT_IPV4 : NEXT_IPV6, sequence++, bytes, n,
			       XDPSEC_DROP_MALFORMED);
		/* Padding and a cut: the length is not that of the packet. */
		for (size_t length = 0; length < n + 100; length++)
			if (length != n)
				expect_content(peer, ipv6 ? NEXT_IPV6 : NEXT_IPV4, sequence++, bytes, length,
					       XDPSEC_DROP_MALFORMED);
		bytes[0] = 0x50 | (bytes[0] & 0x0f);
		expect_content(peer, ipv6 ? NEXT_IPV6 : NEXT_IPV4, sequence++, bytes, n,
			       XDPSEC_DROP_MALFORMED);
		bytes[0] = (ipv6 ? 0x40 : 0x60) | (bytes[0] & 0x0f);
		expect_content(peer, ipv6 ? NEXT_IPV6 : NEXT_IPV4, sequence++, bytes, n,
			       XDPSEC_DROP_MALFORMED);
		if (ipv6)
			continue;
		for (int words = 0; words < 16; words++) {
			bytes[0] = 0x40 | words;
			if (words < 5)
				expect_content(peer, NEXT_IPV4, sequence++, bytes, n, XDPSEC_DROP_MALFORMED);
		}
		bytes[0] = 0x4f; /* the header would be longer than the packet */
		write16(bytes + 2, 59);
		expect_content(peer, NEXT_IPV4, sequence++, bytes, 59, XDPSEC_DROP_MALFORMED);
	}
}

/* Cryptokey routing: what a peer may send are the addresses that are routed to it. */
static void test_spoofed(void **state)
{
	static const struct {
		int peer;
		const char *source;
	} spoofed[] = {
		{ TUNNEL_B, INNER_C4 },
		{ TUNNEL_B, INNER_C6 },
		{ TUNNEL_C, INNER_B4 },
		{ TUNNEL_C, INNER_B6 },
		{ TUNNEL_B, INNER_NOBODY4 },
		{ TUNNEL_B, INNER_NOBODY6 },
		{ TUNNEL_B, "203.0.113.128" },
		{ TUNNEL_B, "2001:db8:c::" },
		{ TUNNEL_B, "0.0.0.0" },
		{ TUNNEL_B, "::" },
		{ TUNNEL_B, LOCAL4 },
		{ TUNNEL_B, LOCAL6 },
		{ TUNNEL_B, "::ffff:203.0.113.2" },
		{ TUNNEL_C, "::ffff:203.0.113.130" },
		{ TUNNEL_B, "::203.0.113.2" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(spoofed); i++) {
		struct packet inner = tunnel_inner_from(spoofed[i].source, text, 60);
		struct packet outer = tunnel_incoming(spoofed[i].peer, i, &inner, buffer);

		expect_opened_and_dropped(&outer, spoofed[i].peer, XDPSEC_DROP_SPOOFED);
	}
}

/* Longer than the device's MTU by more than the first buffer of the frame has to spare. */
static void test_too_big(void **state)
{
	struct xdpsec_config config = tunnel_config();

	(void)state;
	rig_device_mtu(9000);
	config.mtu = 1280;
	tunnel_configure(&config);
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		struct packet inner = tunnel_inner_from(tunnel_directions[i].host, text, 8000);
		struct packet outer = tunnel_incoming(tunnel_directions[i].peer, i, &inner, buffer);

		expect_opened_and_dropped(&outer, tunnel_directions[i].peer, XDPSEC_DROP_TOO_BIG);
	}
}

/* Without a context, as between two steps of the loader. The slot is of a peer that no SA here has, as counters belong
 * to peers. */
static void test_no_key(void **state)
{
	struct packet inner = tunnel_inner_from(INNER_B4, text, 60);
	struct packet outer = tunnel_incoming(TUNNEL_B, 1, &inner, buffer);

	(void)state;
	rig_spi(tunnel_sas[TUNNEL_RX(TUNNEL_B)].spi, 2 * XDPSEC_MAX_PEERS - 1);
	expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_NO_KEY, SLOT_NONE);
	rig_spi(tunnel_sas[TUNNEL_RX(TUNNEL_B)].spi, TUNNEL_RX(TUNNEL_B));
	expect_decapsulated(&outer, &inner, TUNNEL_B);
}

/* A program that was moved to another namespace with its device. */
static void test_displaced(void **state)
{
	struct packet inner = tunnel_inner_from(INNER_B4, text, 60);
	struct packet outer = tunnel_incoming(TUNNEL_B, 1, &inner, buffer);
	struct xdpsec_config config = tunnel_config();

	(void)state;
	config.netns_cookie++;
	tunnel_configure(&config);
	expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_DISPLACED, SLOT_NONE);
	config = tunnel_config();
	config.device++;
	tunnel_configure(&config);
	expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_DISPLACED, SLOT_NONE);
}

/* The tunnel device was deleted: nothing of what was opened goes anywhere. */
static void test_device_gone(void **state)
{
	struct packet inner = tunnel_inner_from(INNER_B4, text, 60);
	struct packet outer = tunnel_incoming(TUNNEL_B, 1, &inner, buffer);

	(void)state;
	rig_device_slot(XDPSEC_DEVICE_FAR, 0);
	expect_opened_and_dropped(&outer, TUNNEL_B, XDPSEC_DROP_NO_DEVICE);
	rig_device_slot(XDPSEC_DEVICE_FAR, rig.far);
	outer = tunnel_incoming(TUNNEL_B, 2, &inner, buffer);
	expect_decapsulated(&outer, &inner, TUNNEL_B);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_plaintext, tunnel_reset),
		cmocka_unit_test_setup(test_header_fields, tunnel_reset),
		cmocka_unit_test_setup(test_tx_spi, tunnel_reset),
		cmocka_unit_test_setup(test_tampered, tunnel_reset),
		cmocka_unit_test_setup(test_shortened, tunnel_reset),
		cmocka_unit_test_setup(test_lying_lengths, tunnel_reset),
		cmocka_unit_test_setup(test_fragments, tunnel_reset),
		cmocka_unit_test_setup(test_replayed, tunnel_reset),
		cmocka_unit_test_setup(test_wrong_content, tunnel_reset),
		cmocka_unit_test_setup(test_spoofed, tunnel_reset),
		cmocka_unit_test_setup(test_too_big, tunnel_reset),
		cmocka_unit_test_setup(test_no_key, tunnel_reset),
		cmocka_unit_test_setup(test_displaced, tunnel_reset),
		cmocka_unit_test_setup(test_device_gone, tunnel_reset),
	};

	fill_pattern(text, sizeof(text), 37);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("refused", tests, tunnel_setup, tunnel_teardown);
}
