// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every length of payload, in every place that it can have in a frame, through the real programs: each frame
 * must come out as OpenSSL's OCB says, to the byte, headers and checksums included. Then the same for
 * sequence numbers: the offset of a packet depends on all of its bits, the low six by a shift.
 */
#include "unit.h"
#include "site.h"
#include "expect.h"

enum {
	LENGTH_MAX = 1500,
	/* The kernel's test run builds TC frames on one page. */
	TC_FRAME_MAX = 3400,
	/* A frame of MTU 9000: XDP has its first 3.5 KiB in one buffer, and pages behind that. */
	JUMBO_PAYLOAD_MAX = 9000 - IPV4_LEN - UDP_LEN - XDPSEC_OVERHEAD,
};

static uint8_t text[FRAME_MAX];

/* Each has another offset of the payload: 42 to 98 bytes. */
static const struct place {
	const char *name;
	int family;
	unsigned int vlans, options;
	uint16_t hop_by_hop; /* bytes of such an extension header */
	bool no_checksum;
} places[] = {
	{ "IPv4", 4, 0, 0, 0, false },
	{ "IPv4 without UDP checksum", 4, 0, 0, 0, true },
	{ "IPv4 with 12 bytes of options", 4, 0, 12, 0, false },
	{ "IPv4 with 40 bytes of options", 4, 0, 40, 0, false },
	{ "IPv4 in a VLAN", 4, 1, 0, 0, false },
	{ "IPv4 in two VLANs", 4, 2, 0, 0, false },
	{ "IPv6", 6, 0, 0, 0, false },
	{ "IPv6 with a hop-by-hop header", 6, 0, 0, 8, false },
	{ "IPv6 in a VLAN", 6, 1, 0, 0, false },
};

static struct packet packet_at(const struct place *place, int slot, size_t length)
{
	const struct site_sa *sa = &site_sas[slot];
	struct packet packet = packet_udp(place->family == 4 ? sa->remote4 : sa->remote6, PORT, text, length);

	packet.vlans = place->vlans;
	packet.options = place->options;
	if (place->hop_by_hop)
		packet_extend(&packet, PROTOCOL_HOP_BY_HOP, place->hop_by_hop);
	if (place->no_checksum)
		packet.udp_checksum = 0;
	return packet;
}

static void test_seal_lengths(void **state)
{
	const struct place *place = *state;

	for (size_t length = 0; length <= LENGTH_MAX; length++) {
		struct packet aes128 = packet_at(place, SLOT_B_TX, length);
		struct packet aes256 = packet_at(place, SLOT_C_TX, length);

		expect_sealed(PROGRAM_SEAL, &aes128, SLOT_B_TX, SEAL_PASS);
		expect_sealed(PROGRAM_SEAL, &aes256, SLOT_C_TX, SEAL_PASS);
	}
}

static void test_open_lengths(void **state)
{
	const struct place *place = *state;

	for (size_t length = 0; length <= LENGTH_MAX; length++) {
		struct packet aes128 = packet_reversed(packet_at(place, SLOT_B_RX, length));
		struct packet aes256 = packet_reversed(packet_at(place, SLOT_C_RX, length));

		expect_opens(&aes128, SLOT_B_RX, length);
		expect_opens(&aes256, SLOT_C_RX, length);
	}
}

static void test_seal_long(void **state)
{
	(void)state;
	for (size_t length = LENGTH_MAX + 1; length <= TC_FRAME_MAX; length++) {
		struct packet packet = packet_at(&places[length % 2 ? 0 : 6], SLOT_B_TX, length);

		expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
	}
}

static void test_open_jumbo(void **state)
{
	(void)state;
	for (size_t length = LENGTH_MAX + 1; length <= JUMBO_PAYLOAD_MAX; length++) {
		struct packet packet = packet_reversed(packet_at(&places[0], SLOT_B_RX, length));

		expect_opens(&packet, SLOT_B_RX, length);
	}
}

static void test_open_jumbo_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		for (size_t length = 3200; length <= 3700; length++) {
			struct packet packet = packet_reversed(packet_at(&places[i], SLOT_C_RX, length));

			expect_opens(&packet, SLOT_C_RX, i * 1000 + length);
			rig_window_reset(SLOT_C_RX);
		}
}

/* The end of the offset tables: the longest payload, and one that is longer. */
static void test_open_longest(void **state)
{
	static uint8_t buffer[FRAME_MAX];
	struct packet plain = packet_reversed(packet_at(&places[0], SLOT_B_RX, XDPSEC_PAYLOAD_MAX)), sealed;

	(void)state;
	for (int i = 0; i < 40; i++) {
		plain.length = XDPSEC_PAYLOAD_MAX - i;
		expect_opens(&plain, SLOT_B_RX, i);
	}
	plain.length = XDPSEC_PAYLOAD_MAX + 1;
	sealed = site_sealed(&plain, SLOT_B_RX, 1000, buffer);
	expect_packet_drop(PROGRAM_OPEN, &sealed, XDPSEC_DROP_NO_ROOM, SLOT_NONE);
}

/* A jumbo frame that is wrong in one bit, in each of its buffers. */
static void test_open_jumbo_tampered(void **state)
{
	static uint8_t buffer[FRAME_MAX];
	struct packet plain = packet_reversed(packet_at(&places[0], SLOT_B_RX, JUMBO_PAYLOAD_MAX));
	struct packet sealed = site_sealed(&plain, SLOT_B_RX, 77, buffer);

	(void)state;
	for (size_t at = XDPSEC_HEADER_LEN; at < sealed.length; at += 97) {
		buffer[at] ^= 0x10;
		expect_packet_drop(PROGRAM_OPEN, &sealed, XDPSEC_DROP_AUTH_FAILED, SLOT_B_RX);
		buffer[at] ^= 0x10;
	}
	expect_opened(&sealed, &plain, SLOT_B_RX);
}

/* All low six bits twice, across what is cached of a nonce (RFC 7253 section 4.2), at different heights. */
static const struct height {
	const char *name;
	uint64_t first;
} heights[] = {
	{ "from 0", 0 },
	{ "across 2^32", (1ULL << 32) - 70 },
	{ "across 2^48", (1ULL << 48) - 70 },
	{ "across 2^63", (1ULL << 63) - 70 },
	{ "up to the limit", XDPSEC_SEQUENCE_LIMIT - 140 },
};

static void test_seal_sequences(void **state)
{
	const struct height *height = *state;

	for (int i = 0; i < 140; i++) {
		struct packet aes128 = packet_at(&places[0], SLOT_B_TX, 20 + i % 30);
		struct packet aes256 = packet_at(&places[6], SLOT_C_TX, 20 + i % 30);

		if (i == 0) {
			rig_sequence(SLOT_B_TX, height->first, XDPSEC_SEQUENCE_LIMIT);
			rig_sequence(SLOT_C_TX, height->first, XDPSEC_SEQUENCE_LIMIT);
		}
		expect_sealed(PROGRAM_SEAL, &aes128, SLOT_B_TX, SEAL_PASS);
		expect_sealed(PROGRAM_SEAL, &aes256, SLOT_C_TX, SEAL_PASS);
	}
	assert_int_equal(rig_sequence_next(SLOT_B_TX), height->first + 140);
}

static void test_open_sequences(void **state)
{
	const struct height *height = *state;

	for (int i = 0; i < 140; i++) {
		/* Back and forth by 64, so that what is cached is the wrong one every time. */
		uint64_t sequence = height->first + (i % 2 ? i / 2 + 70 : i / 2);
		struct packet aes128 = packet_reversed(packet_at(&places[0], SLOT_B_RX, 20 + i % 30));
		struct packet aes256 = packet_reversed(packet_at(&places[6], SLOT_C_RX, 20 + i % 30));

		expect_opens(&aes128, SLOT_B_RX, sequence);
		expect_opens(&aes256, SLOT_C_RX, sequence);
	}
}

static const char *name_of(const char *what, const char *where)
{
	static char names[64][80];
	static int n;

	snprintf(names[n], sizeof(names[n]), "%s: %s", what, where);
	return names[n++];
}

int main(void)
{
	struct CMUnitTest tests[2 * ARRAY_SIZE(places) + 2 * ARRAY_SIZE(heights) + 5];
	size_t n = 0;

	fill_pattern(text, sizeof(text), 7);
	for (const struct place *place = places; place < places + ARRAY_SIZE(places); place++) {
		tests[n++] = unit_test_row(name_of("seal 0 to 1500 bytes", place->name), test_seal_lengths,
					   place);
		tests[n++] = unit_test_row(name_of("open 0 to 1500 bytes", place->name), test_open_lengths,
					   place);
	}
	for (const struct height *height = heights; height < heights + ARRAY_SIZE(heights); height++) {
		tests[n++] = unit_test_row(name_of("seal sequences", height->name), test_seal_sequences,
					   height);
		tests[n++] = unit_test_row(name_of("open sequences", height->name), test_open_sequences,
					   height);
	}
	tests[n++] = unit_test_row("seal 1501 to 3400 bytes", test_seal_long, NULL);
	tests[n++] = unit_test_row("open 1501 bytes to MTU 9000, in several buffers", test_open_jumbo, NULL);
	tests[n++] = unit_test_row("open where the first buffer ends, in every place", test_open_jumbo_places,
				   NULL);
	tests[n++] = unit_test_row("open the longest payload, and not a longer one", test_open_longest, NULL);
	tests[n++] = unit_test_row("open a tampered jumbo frame", test_open_jumbo_tampered, NULL);
	for (size_t i = 0; i < n; i++)
		tests[i].setup_func = site_reset;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("lengths", tests, site_setup, site_teardown);
}
