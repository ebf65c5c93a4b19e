// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xdpsec_decapsulate: what the tunnel's port gets is opened and delivered to the tunnel device, or dropped
 * and counted; everything else passes as it is. Where the peer is then: roaming_test.c.
 */
#include <stdlib.h>

#include "unit.h"
#include "tunnel.h"

static uint8_t text[9000], buffer[FRAME_MAX];

static const struct direction {
	const char *source;
	int peer;
} directions[] = {
	{ INNER_B4, TUNNEL_B }, /* IPv4 in IPv4 */
	{ INNER_B6, TUNNEL_B }, /* IPv6 in IPv4 */
	{ INNER_C4, TUNNEL_C }, /* IPv4 in IPv6 */
	{ INNER_C6, TUNNEL_C }, /* IPv6 in IPv6 */
};

static size_t headers_of(const struct direction *direction)
{
	return (strchr(direction->source, ':') ? IPV6_LEN : IPV4_LEN) + UDP_LEN;
}

/* What a host behind the peer sends to one behind us. */
static struct packet inner_from(const char *source, size_t length)
{
	return packet_reversed(tunnel_inner(source, text, length));
}

static uint64_t expect_length(const struct direction *direction, size_t length, uint64_t sequence)
{
	struct packet inner = inner_from(direction->source, length);
	struct packet outer = tunnel_incoming(direction->peer, sequence, &inner, buffer);

	expect_decapsulated(&outer, &inner, direction->peer);
	return sequence + 1;
}

static void test_sizes(void **state)
{
	uint64_t sequence = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
		size_t headers = headers_of(&directions[i]);

		for (size_t length = 0; length <= 40; length++)
			sequence = expect_length(&directions[i], length, sequence);
		for (size_t blocks = 128; blocks < TUNNEL_DEVICE_MTU - 20; blocks += 128)
			for (size_t total = blocks - 17; total <= blocks + 17; total++)
				sequence = expect_length(&directions[i], total - headers, sequence);
		for (size_t total = TUNNEL_DEVICE_MTU - 20; total <= TUNNEL_DEVICE_MTU; total++)
			sequence = expect_length(&directions[i], total - headers, sequence);
	}
}

/* In several buffers: XDP has the first 3.5 KiB of a frame in one. */
static void test_jumbo(void **state)
{
	struct xdpsec_config config = tunnel_config();
	uint64_t sequence = 0;

	(void)state;
	rig_device_mtu(9000);
	config.mtu = 9000 - 80;
	tunnel_configure(&config);
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
		size_t headers = headers_of(&directions[i]);

		for (size_t total = 3300; total <= 3700; total += 7)
			sequence = expect_length(&directions[i], total - headers, sequence);
		for (size_t total = 4096; total <= config.mtu; total += 301)
			sequence = expect_length(&directions[i], total - headers, sequence);
		sequence = expect_length(&directions[i], config.mtu - headers, sequence);
	}
}

/* What lies behind the packet is in the last of several buffers, or is all that there is in it. */
static void test_jumbo_padding(void **state)
{
	struct xdpsec_config config = tunnel_config();
	uint64_t sequence = 0;

	(void)state;
	config.mtu = 9000 - 80;
	tunnel_configure(&config);
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++)
		for (size_t length = 3100; length <= 3700; length += 60)
			for (size_t padding = 1; padding < 6000; padding += 701) {
				struct packet inner = inner_from(directions[i].source, length);
				struct packet outer = tunnel_incoming(directions[i].peer, sequence++, &inner,
								      buffer);

				outer.padding = padding;
				expect_decapsulated(&outer, &inner, directions[i].peer);
			}
}

/* The first buffer holds less than the headers: where the kernel can put them together it is opened,
 * elsewhere the stack gets what it finds no socket for. */
static void test_short_first_buffer(void **state)
{
	static const uint32_t linears[] = { 14, 15, 34, 42, 54, 62, 74, 94, 108, 128, 191, 192, 256 };
	bool pulls = rig_kernel_pulls();
	uint64_t sequence = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++)
		for (size_t j = 0; j < ARRAY_SIZE(linears); j++) {
			struct packet inner = inner_from(directions[i].source, 1000 + j);
			struct packet outer = tunnel_incoming(directions[i].peer, sequence++, &inner, buffer);

			outer.linear = linears[j];
			if (pulls || linears[j] >= 192)
				expect_decapsulated(&outer, &inner, directions[i].peer);
			else
				expect_packet_untouched(PROGRAM_DECAPSULATE, &outer);
			inner = inner_from("198.51.100.77", 1000);
			inner.linear = linears[j];
			expect_packet_untouched(PROGRAM_DECAPSULATE, &inner);
		}
}

/* Nobody checks the outer UDP checksum, as the tag is stronger: none, a right and a wrong one. */
static void test_outer_checksum(void **state)
{
	static const int checksums[] = { 0, AUTO, 0x1234 };
	uint64_t sequence = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++)
		for (size_t j = 0; j < ARRAY_SIZE(checksums); j++) {
			struct packet inner = inner_from(directions[i].source, 99);
			struct packet outer = tunnel_incoming(directions[i].peer, sequence++, &inner, buffer);

			outer.udp_checksum = checksums[j];
			expect_decapsulated(&outer, &inner, directions[i].peer);
		}
}

/* VLAN tags, IPv4 options, IPv6 extension headers, Ethernet's padding: gone with the outer header. */
static void test_outer_headers(void **state)
{
	uint64_t sequence = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
		for (unsigned int vlans = 0; vlans <= 2; vlans++)
			for (unsigned int more = 0; more <= 40; more += 8)
				for (size_t padding = 0; padding <= 20; padding += 10) {
					struct packet inner = inner_from(directions[i].source, 1 + more);
					struct packet outer = tunnel_incoming(directions[i].peer, sequence++,
									      &inner, buffer);

					outer.vlans = vlans;
					outer.padding = padding;
					if (outer.family == 4)
						outer.options = more;
					else if (more)
						packet_extend(&outer, PROTOCOL_DESTINATION, more);
					expect_decapsulated(&outer, &inner, directions[i].peer);
				}
	}
}

static void test_inner_headers(void **state)
{
	uint64_t sequence = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
		struct packet inner = inner_from(directions[i].source, 80);
		struct packet outer;

		if (inner.family == 4)
			inner.options = 40;
		else
			packet_extend(&inner, PROTOCOL_DESTINATION, 24);
		outer = tunnel_incoming(directions[i].peer, sequence++, &inner, buffer);
		expect_decapsulated(&outer, &inner, directions[i].peer);
		inner.no_udp = true;
		inner.protocol = 132;
		outer = tunnel_incoming(directions[i].peer, sequence++, &inner, buffer);
		expect_decapsulated(&outer, &inner, directions[i].peer);
	}
}

/* From any port, to ours alone, and only where the address is ours too: a gateway behind us may use the same
 * port. */
static void test_not_ours(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
		struct packet inner = inner_from(directions[i].source, 60);
		struct packet outer = tunnel_incoming(directions[i].peer, i, &inner, buffer), other;

		other = outer;
		other.destination_port = TUNNEL_PORT + 1;
		expect_packet_untouched(PROGRAM_DECAPSULATE, &other);
		other.destination_port = TUNNEL_PORT - 1;
		expect_packet_untouched(PROGRAM_DECAPSULATE, &other);
		other.source_port = TUNNEL_PORT;
		expect_packet_untouched(PROGRAM_DECAPSULATE, &other);
		other = outer;
		other.destination = other.family == 4 ? "192.0.2.77" : "2001:db8:1::77";
		expect_packet_untouched(PROGRAM_DECAPSULATE, &other);
		other.destination = other.family == 4 ? "198.51.100.200" : "2001:db8:77::1";
		expect_packet_untouched(PROGRAM_DECAPSULATE, &other);
		other = outer;
		other.protocol = PROTOCOL_TCP;
		expect_packet_untouched(PROGRAM_DECAPSULATE, &other);
		other.protocol = 136; /* UDP-Lite */
		expect_packet_untouched(PROGRAM_DECAPSULATE, &other);
		other = outer;
		other.ethertype = 0x88b5; /* RFC 9542: for experiments */
		expect_packet_untouched(PROGRAM_DECAPSULATE, &other);
		expect_decapsulated(&outer, &inner, directions[i].peer);
	}
}

/* Also right after another destination with the same last byte has been found to be ours. */
static void test_not_ours_remembered(void **state)
{
	struct packet inner = inner_from(INNER_B4, 60), outer, other;

	(void)state;
	for (uint64_t sequence = 0; sequence < 3; sequence++) {
		outer = tunnel_incoming(TUNNEL_B, sequence, &inner, buffer);
		expect_decapsulated(&outer, &inner, TUNNEL_B);
		other = outer;
		other.destination = "198.51.100.1";
		expect_packet_untouched(PROGRAM_DECAPSULATE, &other);
	}
}

/* A host that forwards nothing: what it is sent is for it. */
static void test_not_a_router(void **state)
{
	(void)state;
	tunnel_shell("echo 0 > /proc/sys/net/ipv4/conf/all/forwarding");
	tunnel_shell("echo 0 > /proc/sys/net/ipv6/conf/all/forwarding");
	rig_destinations_forget();
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
		struct packet inner = inner_from(directions[i].source, 60);
		struct packet outer = tunnel_incoming(directions[i].peer, i, &inner, buffer);

		expect_decapsulated(&outer, &inner, directions[i].peer);
		outer.destination_port++;
		expect_packet_untouched(PROGRAM_DECAPSULATE, &outer);
	}
	tunnel_shell("echo 1 > /proc/sys/net/ipv4/conf/all/forwarding");
	tunnel_shell("echo 1 > /proc/sys/net/ipv6/conf/all/forwarding");
}

/* Addresses come and go; what has been found of one is believed for a second. */
static void test_new_address(void **state)
{
	struct packet inner = inner_from(INNER_B4, 60);
	struct packet outer = tunnel_incoming(TUNNEL_B, 1, &inner, buffer);

	(void)state;
	outer.destination = "192.0.2.99";
	expect_packet_untouched(PROGRAM_DECAPSULATE, &outer);
	tunnel_shell("ip address add 192.0.2.99/24 dev device");
	expect_decapsulated(&outer, &inner, TUNNEL_B);
	tunnel_shell("ip address del 192.0.2.99/24 dev device");
	rig_destinations_forget();
	expect_packet_untouched(PROGRAM_DECAPSULATE, &outer);
}

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

static void expect_changed(const struct direction *direction, size_t offset, uint8_t value,
			   enum xdpsec_drop reason, int slot)
{
	struct packet inner = inner_from(direction->source, 60);
	struct packet outer = tunnel_incoming(direction->peer, 1, &inner, buffer);

	assert_true(buffer[offset] != value);
	buffer[offset] = value;
	expect_packet_drop(PROGRAM_DECAPSULATE, &outer, reason, slot);
}

static void test_header_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
		const struct direction *direction = &directions[i];
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
	struct packet inner = inner_from(INNER_B4, 60);
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
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
		struct packet inner = inner_from(directions[i].source, 171);
		struct packet outer = tunnel_incoming(directions[i].peer, i, &inner, buffer);

		for (size_t at = 8; at < outer.length; at++) {
			buffer[at] ^= 1 << at % 8;
			expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_AUTH_FAILED,
					   TUNNEL_RX(directions[i].peer));
			buffer[at] ^= 1 << at % 8;
		}
		expect_decapsulated(&outer, &inner, directions[i].peer);
	}
}

static void test_shortened(void **state)
{
	struct packet inner = inner_from(INNER_B4, 60);
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
	struct packet inner = inner_from(INNER_B4, 60);
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

/* Ours never come in pieces. */
static void test_fragments(void **state)
{
	struct packet inner = inner_from(INNER_B4, 60);
	struct packet outer = tunnel_incoming(TUNNEL_B, 1, &inner, buffer);

	(void)state;
	outer.fragment = IPV4_MORE_FRAGMENTS;
	expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_FRAGMENT, SLOT_NONE);
	outer.fragment = 10;
	outer.no_udp = true;
	expect_packet_untouched(PROGRAM_DECAPSULATE, &outer);

	inner = inner_from(INNER_C6, 60);
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
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
		struct packet inner = inner_from(directions[i].source, 60);
		struct packet first = tunnel_incoming(directions[i].peer, 10000 * (i + 1), &inner, buffer);
		static uint8_t other[FRAME_MAX];
		struct packet older = tunnel_incoming(directions[i].peer, 10000 * (i + 1) - 8000, &inner,
						      other);

		expect_decapsulated(&first, &inner, directions[i].peer);
		expect_packet_drop(PROGRAM_DECAPSULATE, &first, XDPSEC_DROP_REPLAYED,
				   TUNNEL_RX(directions[i].peer));
		expect_decapsulated(&older, &inner, directions[i].peer);
		expect_packet_drop(PROGRAM_DECAPSULATE, &older, XDPSEC_DROP_REPLAYED,
				   TUNNEL_RX(directions[i].peer));
		older = tunnel_incoming(directions[i].peer, 10000 * (i + 1) - 8192, &inner, other);
		expect_packet_drop(PROGRAM_DECAPSULATE, &older, XDPSEC_DROP_REPLAYED,
				   TUNNEL_RX(directions[i].peer));
	}
}

/* A peer that seals n bytes of its choice, said to be next. */
static void expect_content(int peer, uint8_t next, uint64_t sequence, const uint8_t *bytes, size_t n,
			   enum xdpsec_drop reason)
{
	struct packet outer = packet_reversed(
		tunnel_sealed(TUNNEL_RX(peer), next, sequence, bytes, n, buffer));

	outer.ingress = rig.device;
	expect_opened_and_dropped(&outer, peer, reason);
}

/* Sealed with the right key, and not what it is said to be. */
static void test_wrong_content(void **state)
{
	uint64_t sequence = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
		struct packet inner = inner_from(directions[i].source, 60);
		uint8_t bytes[300] = {};
		size_t n = tunnel_inner_bytes(&inner, bytes);
		bool ipv6 = inner.family == 6;
		int peer = directions[i].peer;

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
		struct packet inner = inner_from(spoofed[i].source, 60);
		struct packet outer = tunnel_incoming(spoofed[i].peer, i, &inner, buffer);

		expect_opened_and_dropped(&outer, spoofed[i].peer, XDPSEC_DROP_SPOOFED);
	}
}

/* ... to any address. */
static void test_any_destination(void **state)
{
	static const char *const destinations[] = { "192.0.2.77",   "255.255.255.255", "224.0.0.5",
						    "198.51.100.9", INNER_B4,	       "2001:db8:77::1",
						    "ff02::5",	    INNER_C6 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(destinations); i++) {
		struct packet inner = packet_udp(destinations[i], 53, text, 60), outer;

		inner.source = inner.family == 4 ? INNER_B4 : INNER_B6;
		outer = tunnel_incoming(TUNNEL_B, i, &inner, buffer);
		expect_decapsulated(&outer, &inner, TUNNEL_B);
	}
}

/* The device's MTU is what it can receive. */
static void test_too_big(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
		size_t fits = TUNNEL_DEVICE_MTU - headers_of(&directions[i]);
		struct packet inner = inner_from(directions[i].source, fits);
		struct packet outer = tunnel_incoming(directions[i].peer, 10 * i, &inner, buffer);

		expect_decapsulated(&outer, &inner, directions[i].peer);
		inner.length = fits + 1;
		outer = tunnel_incoming(directions[i].peer, 10 * i + 1, &inner, buffer);
		expect_opened_and_dropped(&outer, directions[i].peer, XDPSEC_DROP_TOO_BIG);
	}
}

/* Nothing to do but to count it, whatever is in it. */
static void test_keepalive(void **state)
{
	uint64_t sequence = 0;

	(void)state;
	for (int peer = TUNNEL_B; peer <= TUNNEL_C; peer++)
		for (size_t length = 0; length <= 70; length++) {
			struct packet outer = packet_reversed(
				tunnel_sealed(TUNNEL_RX(peer), NEXT_NONE, sequence++, text, length, buffer));

			outer.ingress = rig.device;
			expect_keepalive_consumed(&outer, peer);
			expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_REPLAYED,
					   TUNNEL_RX(peer));
			buffer[outer.length - 1] ^= 1;
			expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_AUTH_FAILED,
					   TUNNEL_RX(peer));
		}
}

/* Without a context, as between two steps of the loader. */
static void test_no_key(void **state)
{
	struct packet inner = inner_from(INNER_B4, 60);
	struct packet outer = tunnel_incoming(TUNNEL_B, 1, &inner, buffer);

	(void)state;
	rig_spi(tunnel_sas[TUNNEL_RX(TUNNEL_B)].spi, TUNNEL_SLOTS + 1);
	expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_NO_KEY, SLOT_NONE);
	rig_spi(tunnel_sas[TUNNEL_RX(TUNNEL_B)].spi, TUNNEL_RX(TUNNEL_B));
	expect_decapsulated(&outer, &inner, TUNNEL_B);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_sizes, tunnel_reset),
		cmocka_unit_test_setup(test_jumbo, tunnel_reset),
		cmocka_unit_test_setup(test_jumbo_padding, tunnel_reset),
		cmocka_unit_test_setup(test_short_first_buffer, tunnel_reset),
		cmocka_unit_test_setup(test_outer_checksum, tunnel_reset),
		cmocka_unit_test_setup(test_outer_headers, tunnel_reset),
		cmocka_unit_test_setup(test_inner_headers, tunnel_reset),
		cmocka_unit_test_setup(test_not_ours, tunnel_reset),
		cmocka_unit_test_setup(test_not_ours_remembered, tunnel_reset),
		cmocka_unit_test_setup(test_not_a_router, tunnel_reset),
		cmocka_unit_test_setup(test_new_address, tunnel_reset),
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
		cmocka_unit_test_setup(test_any_destination, tunnel_reset),
		cmocka_unit_test_setup(test_too_big, tunnel_reset),
		cmocka_unit_test_setup(test_keepalive, tunnel_reset),
		cmocka_unit_test_setup(test_no_key, tunnel_reset),
	};

	fill_pattern(text, sizeof(text), 37);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("decapsulate", tests, tunnel_setup, tunnel_teardown);
}
