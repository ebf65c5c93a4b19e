// SPDX-License-Identifier: GPL-2.0-or-later
/* xdpsec_open: what is opened, what passes, what is dropped, and why. Lengths and offsets: lengths_test.c. */
#include "unit.h"
#include "site.h"
#include "expect.h"
#include "malformed.h"

static uint8_t text[200];

enum { TEXT_LEN = 40, SEQUENCE = 4711 };

static struct packet from(const char *remote, uint16_t port)
{
	return packet_reversed(packet_udp(remote, port, text, TEXT_LEN));
}

static struct packet good(int family)
{
	return from(family == 4 ? REMOTE_B4 : REMOTE_B6, PORT);
}

/* A packet with any payload, and what the SA of slot would take for a header in it. */
static struct packet with_payload(const struct packet *packet, const void *payload, size_t length)
{
	struct packet changed = *packet;

	changed.payload = payload;
	changed.length = length;
	return changed;
}

static void test_malformed(void **state)
{
	const struct malformed *malformed = *state;
	struct packet plain = good(malformed->family), sealed;
	uint8_t buffer[XDPSEC_OVERHEAD + TEXT_LEN];

	sealed = site_sealed(&plain, SLOT_B_RX, SEQUENCE, buffer);
	malformed->change(&sealed);
	expect_packet_drop(PROGRAM_OPEN, &sealed, XDPSEC_DROP_MALFORMED, SLOT_NONE);
	sealed.source = malformed->family == 4 ? REMOTE_CLEAR4 : REMOTE_CLEAR6;
	expect_packet_untouched(PROGRAM_OPEN, &sealed);
}

static void test_truncated(void **state)
{
	uint8_t buffer[XDPSEC_OVERHEAD + TEXT_LEN];

	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		struct packet plain = good(family), sealed = site_sealed(&plain, SLOT_B_RX, SEQUENCE, buffer);
		size_t readable = ETHERNET_LEN + (family == 4 ? IPV4_LEN : IPV6_LEN);
		struct frame frame;

		packet_build(&frame, &sealed);
		while (--frame.length >= readable)
			expect_drop(PROGRAM_OPEN, &frame, XDPSEC_DROP_MALFORMED, SLOT_NONE);
		for (; frame.length >= ETHERNET_LEN; frame.length--)
			expect_untouched(PROGRAM_OPEN, &frame);
	}
}

static void test_sealed_payload_short(void **state)
{
	uint8_t buffer[XDPSEC_OVERHEAD + TEXT_LEN];
	struct packet plain = good(4), sealed = site_sealed(&plain, SLOT_B_RX, SEQUENCE, buffer);

	(void)state;
	for (size_t length = 0; length < sealed.length; length++) {
		struct packet packet = with_payload(&sealed, buffer, length);

		if (length < 4) /* no SPI */
			expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_PLAINTEXT, SLOT_NONE);
		else if (length < XDPSEC_OVERHEAD)
			expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_MALFORMED, SLOT_B_RX);
		else
			expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_AUTH_FAILED, SLOT_B_RX);
	}
	expect_opened(&sealed, &plain, SLOT_B_RX);
}

/* One more byte, or some: not what the tag was made for. */
static void test_sealed_payload_long(void **state)
{
	uint8_t buffer[XDPSEC_OVERHEAD + TEXT_LEN + 32] = {};
	struct packet plain = good(4), sealed = site_sealed(&plain, SLOT_B_RX, SEQUENCE, buffer);

	(void)state;
	for (size_t more = 1; more <= 32; more++) {
		struct packet packet = with_payload(&sealed, buffer, sealed.length + more);

		expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_AUTH_FAILED, SLOT_B_RX);
	}
}

/* A payload with this header, sealed properly, so that only the header is to blame. */
static struct packet with_header(const struct packet *plain, uint8_t *buffer, uint32_t spi,
				 uint8_t next_header, uint8_t version, uint16_t reserved)
{
	struct bound bound = site_bound(plain, SLOT_B_RX);

	write32(buffer, spi);
	buffer[4] = next_header;
	buffer[5] = version;
	write16(buffer + 6, reserved);
	write64(buffer + 8, SEQUENCE);
	oracle_seal_header(site_sas[SLOT_B_RX].oracle, &bound, plain->payload, plain->length, buffer);
	return with_payload(plain, buffer, XDPSEC_OVERHEAD + plain->length);
}

static void test_version(void **state)
{
	uint8_t buffer[XDPSEC_OVERHEAD + TEXT_LEN];
	struct packet plain = good(4), packet;

	(void)state;
	for (int version = 0; version < 256; version++) {
		packet = with_header(&plain, buffer, site_sas[SLOT_B_RX].spi, XDPSEC_NEXT_UDP, version, 0);
		if (version == XDPSEC_WIRE_VERSION)
			expect_opened(&packet, &plain, SLOT_B_RX);
		else
			expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_MALFORMED, SLOT_B_RX);
	}
}

static void test_reserved(void **state)
{
	uint8_t buffer[XDPSEC_OVERHEAD + TEXT_LEN];
	struct packet plain = good(4), packet;

	(void)state;
	for (int bit = 0; bit < 16; bit++) {
		packet = with_header(&plain, buffer, site_sas[SLOT_B_RX].spi, XDPSEC_NEXT_UDP, 1, 1 << bit);
		expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_MALFORMED, SLOT_B_RX);
	}
}

static void test_next_header(void **state)
{
	uint8_t buffer[XDPSEC_OVERHEAD + TEXT_LEN];
	struct packet plain = good(4), packet;

	(void)state;
	for (int next_header = 0; next_header < 256; next_header++) {
		packet = with_header(&plain, buffer, site_sas[SLOT_B_RX].spi, next_header, 1, 0);
		if (next_header == XDPSEC_NEXT_UDP)
			expect_opened(&packet, &plain, SLOT_B_RX);
		else
			expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_WRONG_NEXT_HEADER, SLOT_B_RX);
	}
}

static void test_unknown_spi(void **state)
{
	static const uint32_t spis[] = { 0,	 1,	     255,	256, 0x1001 /* the way out */,
					 0x1003, 0x02100000, 0xfffffffe };
	uint8_t buffer[XDPSEC_OVERHEAD + TEXT_LEN];
	struct packet plain = good(4), packet;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(spis); i++) {
		packet = with_header(&plain, buffer, spis[i], XDPSEC_NEXT_UDP, 1, 0);
		expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_UNKNOWN_SPI, SLOT_NONE);
		/* A packet that does not even look sealed. */
		packet = with_header(&plain, buffer, spis[i], XDPSEC_NEXT_UDP, 2, 0);
		expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_PLAINTEXT, SLOT_NONE);
		packet = with_header(&plain, buffer, spis[i], XDPSEC_NEXT_UDP, 1, 1);
		expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_PLAINTEXT, SLOT_NONE);
		packet = with_header(&plain, buffer, spis[i], XDPSEC_NEXT_UDP, 1, 0);
		packet.length = XDPSEC_OVERHEAD - 1;
		expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_PLAINTEXT, SLOT_NONE);
	}
}

static void test_plaintext(void **state)
{
	(void)state;
	for (size_t length = 0; length <= sizeof(text); length++)
		for (int family = 4; family <= 6; family += 2) {
			struct packet clear = good(family), packet = with_payload(&clear, text, length);

			expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_PLAINTEXT, SLOT_NONE);
		}
}

/* The prefixes are of the sender here, and the ports of either end. */
static void test_flows(void **state)
{
	struct packet packet = good(4);

	(void)state;
	expect_opens(&packet, SLOT_B_RX, 1);
	packet = packet_udp(LOCAL4, PORT, text, TEXT_LEN); /* to our port, from any of the peer's */
	packet.source = REMOTE_B4;
	expect_opens(&packet, SLOT_B_RX, 2);
	packet = from(REMOTE_B6, PORT_RANGE_LAST);
	expect_opens(&packet, SLOT_B_RX, 3);
	packet = from(REMOTE_B4, PORT_CLEAR);
	expect_packet_untouched(PROGRAM_OPEN, &packet);
	packet = from(REMOTE_CLEAR4, PORT);
	expect_packet_untouched(PROGRAM_OPEN, &packet);
	packet = from(REMOTE_CLEAR6, PORT);
	expect_packet_untouched(PROGRAM_OPEN, &packet);
	packet = packet_udp(REMOTE_B4, PORT, text, TEXT_LEN); /* ours, come back */
	expect_packet_untouched(PROGRAM_OPEN, &packet);
}

/* Sealed or not, what is not of a protected flow is none of our business. */
static void test_sealed_elsewhere(void **state)
{
	uint8_t buffer[XDPSEC_OVERHEAD + TEXT_LEN];
	struct packet plain = from(REMOTE_CLEAR4, PORT), packet;

	(void)state;
	packet = site_sealed(&plain, SLOT_B_RX, SEQUENCE, buffer);
	expect_packet_untouched(PROGRAM_OPEN, &packet);
	plain = from(REMOTE_B4, PORT_CLEAR);
	packet = site_sealed(&plain, SLOT_B_RX, SEQUENCE, buffer);
	expect_packet_untouched(PROGRAM_OPEN, &packet);
}

static void test_not_ours(void **state)
{
	static const struct {
		const char *remote;
		int ethertype, protocol;
	} others[] = {
		{ REMOTE_C4, AUTO, PROTOCOL_TCP },   { REMOTE_C4, AUTO, PROTOCOL_ICMP },
		{ REMOTE_C6, AUTO, PROTOCOL_TCP },   { REMOTE_C6, AUTO, PROTOCOL_ICMPV6 },
		{ REMOTE_C4, 0x0806, PROTOCOL_UDP }, { REMOTE_C4, 0x88cc, PROTOCOL_UDP },
		{ REMOTE_C4, 40, PROTOCOL_UDP },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		for (unsigned int vlans = 0; vlans <= 2; vlans++) {
			struct packet packet = from(others[i].remote, PORT);

			packet.ethertype = others[i].ethertype;
			packet.protocol = others[i].protocol;
			packet.vlans = vlans;
			expect_packet_untouched(PROGRAM_OPEN, &packet);
		}
}

static void test_wrong_peer(void **state)
{
	uint8_t buffer[XDPSEC_OVERHEAD + TEXT_LEN];
	struct packet plain = from(REMOTE_C4, PORT),
		      packet = site_sealed(&plain, SLOT_B_RX, SEQUENCE, buffer);

	(void)state;
	expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_WRONG_PEER, SLOT_B_RX);
	plain = good(6);
	packet = site_sealed(&plain, SLOT_C_RX, SEQUENCE, buffer);
	expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_WRONG_PEER, SLOT_C_RX);
}

/* The hash of hosts says whose an address is, where it is asked, and the prefixes say it for all others. */
static void test_hosts(void **state)
{
	static const char *const hosts[] = { REMOTE_B4, REMOTE_B6 };
	uint8_t buffer[XDPSEC_OVERHEAD + TEXT_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct packet plain = from(hosts[i], PORT),
			      packet = site_sealed(&plain, SLOT_C_RX, 2 * i + 1, buffer);

		rig_host(hosts[i], PEER_C);
		expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_WRONG_PEER, SLOT_C_RX);
		rig_use_hosts(true);
		expect_opens(&plain, SLOT_C_RX, 2 * i + 1);
		plain = from(REMOTE_C4, PORT);
		expect_opens(&plain, SLOT_C_RX, 2 * i + 2);
		rig_host_remove(hosts[i]);
		plain = from(hosts[i], PORT);
		expect_opens(&plain, SLOT_B_RX, i + 1);
		rig_use_hosts(false);
	}
}

static void test_wrong_key(void **state)
{
	uint8_t buffer[XDPSEC_OVERHEAD + TEXT_LEN];
	struct packet plain = good(4), packet;
	struct bound bound = site_bound(&plain, SLOT_B_RX);

	(void)state;
	for (int slot = 0; slot < SLOTS; slot++) {
		size_t length = oracle_seal(site_sas[slot].oracle, site_sas[SLOT_B_RX].spi, XDPSEC_NEXT_UDP,
					    SEQUENCE, &bound, text, TEXT_LEN, buffer);

		packet = with_payload(&plain, buffer, length);
		if (slot != SLOT_B_RX)
			expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_AUTH_FAILED, SLOT_B_RX);
	}
	expect_opens(&plain, SLOT_B_RX, SEQUENCE);
}

static void test_no_key(void **state)
{
	uint8_t buffer[XDPSEC_OVERHEAD + TEXT_LEN];
	struct packet plain = from(REMOTE_NO_CONTEXT4, PORT), packet;

	(void)state;
	packet = site_sealed(&plain, SLOT_NO_CONTEXT_RX, SEQUENCE, buffer);
	expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_NO_KEY, SLOT_NO_CONTEXT_RX);
	plain = from(REMOTE_NO_CONTEXT6, PORT);
	packet = site_sealed(&plain, SLOT_NO_CONTEXT_RX, SEQUENCE, buffer);
	expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_NO_KEY, SLOT_NO_CONTEXT_RX);
	plain = from(REMOTE_NO_SA4, PORT);
	expect_packet_drop(PROGRAM_OPEN, &plain, XDPSEC_DROP_PLAINTEXT, SLOT_NONE);
}

/* The reason that follows from which byte of the sealed payload is wrong. */
static enum xdpsec_drop reason_of_byte(size_t at, int *slot)
{
	*slot = at < 4 ? SLOT_NONE : SLOT_B_RX;
	if (at < 4)
		return XDPSEC_DROP_UNKNOWN_SPI;
	if (at == 4)
		return XDPSEC_DROP_WRONG_NEXT_HEADER;
	if (at < 8)
		return XDPSEC_DROP_MALFORMED;
	return XDPSEC_DROP_AUTH_FAILED;
}

static void test_tampered(void **state)
{
	uint8_t buffer[XDPSEC_OVERHEAD + TEXT_LEN];

	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		struct packet plain = good(family), sealed = site_sealed(&plain, SLOT_B_RX, SEQUENCE, buffer);

		for (size_t bit = 0; bit < 8 * sealed.length; bit++) {
			int slot;
			enum xdpsec_drop reason = reason_of_byte(bit / 8, &slot);

			buffer[bit / 8] ^= 1 << bit % 8;
			expect_packet_drop(PROGRAM_OPEN, &sealed, reason, slot);
			buffer[bit / 8] ^= 1 << bit % 8;
		}
		rig_window_reset(SLOT_B_RX);
		expect_opened(&sealed, &plain, SLOT_B_RX);
	}
}

/* Routers change these on the way; they are not authenticated. */
static void test_header_fields_stay(void **state)
{
	(void)state;
	for (int family = 4; family <= 6; family += 2)
		for (int value = 0; value < 256; value++) {
			struct packet packet = good(family);

			packet.tos = value;
			packet.ttl = 255 - value;
			packet.id = value << 8;
			packet.fragment = family == 4 && value % 2 ? IPV4_DONT_FRAGMENT : 0;
			expect_opens(&packet, SLOT_B_RX, family * 1000 + value);
		}
}

static void test_checksum_zero_stays(void **state)
{
	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		struct packet packet = good(family);

		packet.udp_checksum = 0;
		expect_opens(&packet, SLOT_B_RX, family);
	}
}

/* The short frames that Ethernet pads: the padding is not of the packet, and stays behind it. */
static void test_padding(void **state)
{
	(void)state;
	for (size_t padding = 1; padding < 64; padding++) {
		struct packet packet = good(4);

		packet.length = padding % 3;
		packet.padding = padding;
		expect_opens(&packet, SLOT_B_RX, padding);
	}
}

static void test_extension_headers(void **state)
{
	struct packet packet = good(6);

	(void)state;
	packet_extend(&packet, PROTOCOL_HOP_BY_HOP, 8);
	packet_extend(&packet, PROTOCOL_DESTINATION, 24);
	packet_extend(&packet, PROTOCOL_ROUTING, 40);
	packet_extend(&packet, PROTOCOL_DESTINATION, 16);
	expect_opens(&packet, SLOT_B_RX, 1);
	packet_extend(&packet, PROTOCOL_FRAGMENT, 8); /* RFC 6946: of nothing */
	expect_opens(&packet, SLOT_B_RX, 2);
	packet.protocol = PROTOCOL_TCP;
	expect_packet_untouched(PROGRAM_OPEN, &packet);
}

/* Longer than any stack sends: what the program cannot move out of the way is dropped, never passed. */
static void test_long_extension_headers(void **state)
{
	enum { HEADERS_MAX = 512 /* from Ethernet to UDP */, LONGEST = 2048 };

	(void)state;
	for (uint16_t length = 8; length <= LONGEST; length += 8) {
		struct packet plain = good(6), sealed;
		uint8_t buffer[XDPSEC_OVERHEAD + TEXT_LEN];

		packet_extend(&plain, PROTOCOL_DESTINATION, length);
		sealed = site_sealed(&plain, SLOT_B_RX, length, buffer);
		if (ETHERNET_LEN + IPV6_LEN + length + UDP_LEN <= HEADERS_MAX)
			expect_opened(&sealed, &plain, SLOT_B_RX);
		else
			expect_packet_drop(PROGRAM_OPEN, &sealed, XDPSEC_DROP_NO_ROOM, SLOT_NONE);
	}
}

static void test_sa_removed(void **state)
{
	uint8_t buffer[XDPSEC_OVERHEAD + TEXT_LEN];
	struct packet plain = good(4), packet;

	(void)state;
	rig_spi(0x5000, SLOT_B_RX);
	packet = with_header(&plain, buffer, 0x5000, XDPSEC_NEXT_UDP, 1, 0);
	expect_opened(&packet, &plain, SLOT_B_RX);
	rig_spi_remove(0x5000);
	packet = with_header(&plain, buffer, 0x5000, XDPSEC_NEXT_UDP, 1, 0);
	expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_UNKNOWN_SPI, SLOT_NONE);
}

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_sealed_payload_short),
		cmocka_unit_test(test_sealed_payload_long),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_reserved),
		cmocka_unit_test(test_next_header),
		cmocka_unit_test(test_unknown_spi),
		cmocka_unit_test(test_plaintext),
		cmocka_unit_test(test_flows),
		cmocka_unit_test(test_sealed_elsewhere),
		cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_wrong_peer),
		cmocka_unit_test_setup(test_hosts, site_reset),
		cmocka_unit_test(test_wrong_key),
		cmocka_unit_test(test_no_key),
		cmocka_unit_test(test_tampered),
		cmocka_unit_test(test_header_fields_stay),
		cmocka_unit_test(test_checksum_zero_stays),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_extension_headers),
		cmocka_unit_test(test_long_extension_headers),
		cmocka_unit_test(test_sa_removed),
	};

	fill_pattern(text, sizeof(text), 12);
	return malformed_run_group("open", test_malformed, others, ARRAY_SIZE(others));
}
