// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fragments, both ways. One of a protected flow is dropped; a later fragment, which has no ports, may pass
 * only where its first fragment showed that the flow is not protected.
 */
#include "unit.h"
#include "site.h"
#include "expect.h"

enum { PIECE = 64, OTHER_ID = 0xbeef };

static uint8_t text[PIECE];

/* The differences between the two directions and the two families. */
static const struct way {
	const char *name;
	enum program program;
	int family;
} ways[] = {
	{ "out, IPv4", PROGRAM_SEAL, 4 },
	{ "out, IPv6", PROGRAM_SEAL, 6 },
	{ "in, IPv4", PROGRAM_OPEN, 4 },
	{ "in, IPv6", PROGRAM_OPEN, 6 },
};

static const char *remote_of(const struct way *way)
{
	return way->family == 4 ? REMOTE_B4 : REMOTE_B6;
}

static const char *clear_of(const struct way *way)
{
	return way->family == 4 ? REMOTE_CLEAR4 : REMOTE_CLEAR6;
}

/* The piece at offset (a multiple of 8) of a datagram of UDP. */
static struct packet fragment(const struct way *way, const char *remote, uint16_t port, unsigned int offset,
			      bool more)
{
	struct packet packet = packet_udp(remote, port, text, PIECE);

	if (way->family == 4) {
		packet.fragment = offset / 8 | (more ? IPV4_MORE_FRAGMENTS : 0);
	} else {
		packet_extend(&packet, PROTOCOL_FRAGMENT, 8);
		packet.fragment = offset | (more ? IPV6_MORE_FRAGMENTS : 0);
	}
	packet.no_udp = offset > 0;
	packet.udp_length = 3 * PIECE; /* of the whole */
	packet.udp_checksum = 0x1234;
	return way->program == PROGRAM_OPEN ? packet_reversed(packet) : packet;
}

static struct packet first(const struct way *way, const char *remote, uint16_t port)
{
	return fragment(way, remote, port, 0, true);
}

static struct packet middle(const struct way *way, const char *remote)
{
	return fragment(way, remote, 0, UDP_LEN + PIECE, true);
}

static struct packet last(const struct way *way, const char *remote)
{
	return fragment(way, remote, 0, UDP_LEN + 2 * PIECE, false);
}

static void expect_dropped(const struct way *way, struct packet packet)
{
	expect_packet_drop(way->program, &packet, XDPSEC_DROP_FRAGMENT, SLOT_NONE);
}

static void expect_passed(const struct way *way, struct packet packet)
{
	expect_packet_untouched(way->program, &packet);
}

static void test_protected(void **state)
{
	const struct way *way = *state;

	expect_dropped(way, first(way, remote_of(way), PORT));
	expect_dropped(way, middle(way, remote_of(way)));
	expect_dropped(way, last(way, remote_of(way)));
}

static void test_not_protected_port(void **state)
{
	const struct way *way = *state;
	struct packet packet;

	expect_passed(way, first(way, remote_of(way), PORT_CLEAR));
	expect_passed(way, middle(way, remote_of(way)));
	expect_passed(way, last(way, remote_of(way)));

	/* The result for one datagram holds only for its addresses and its id. */
	packet = middle(way, remote_of(way));
	packet.id = OTHER_ID;
	expect_dropped(way, packet);
	packet = middle(way, way->family == 4 ? "198.51.100.3" : "2001:db8:2::3");
	expect_dropped(way, packet);
	packet = packet_reversed(middle(way, remote_of(way)));
	packet.destination = packet.source = remote_of(way);
	expect_dropped(way, packet);
}

/* Ids come round again: what was true of one datagram is not of the next that has its id. */
static void test_id_again(void **state)
{
	const struct way *way = *state;

	expect_passed(way, first(way, remote_of(way), PORT_CLEAR));
	expect_passed(way, middle(way, remote_of(way)));
	expect_dropped(way, first(way, remote_of(way), PORT));
	expect_dropped(way, middle(way, remote_of(way)));

	expect_passed(way, first(way, remote_of(way), PORT_CLEAR));
	rig_fragments_expire();
	expect_dropped(way, middle(way, remote_of(way)));
	expect_passed(way, first(way, remote_of(way), PORT_CLEAR));
	expect_passed(way, middle(way, remote_of(way)));
}

/* Before its first fragment nothing is known of a datagram. */
static void test_out_of_order(void **state)
{
	const struct way *way = *state;

	expect_dropped(way, last(way, remote_of(way)));
	expect_passed(way, first(way, remote_of(way), PORT_CLEAR));
	expect_passed(way, last(way, remote_of(way)));
}

static void test_not_protected_prefix(void **state)
{
	const struct way *way = *state;

	expect_passed(way, last(way, clear_of(way)));
	expect_passed(way, first(way, clear_of(way), PORT));
	expect_passed(way, middle(way, clear_of(way)));
}

static void test_tcp(void **state)
{
	const struct way *way = *state;
	struct packet packet = first(way, remote_of(way), PORT);

	packet.protocol = PROTOCOL_TCP;
	expect_passed(way, packet);
	packet = last(way, remote_of(way));
	packet.protocol = PROTOCOL_TCP;
	expect_passed(way, packet);
}

/* A first fragment that ends before the ports hides them on purpose. */
static void test_tiny_first(void **state)
{
	const struct way *way = *state;

	for (size_t length = 0; length < UDP_LEN; length++) {
		struct packet packet = first(way, remote_of(way), PORT_CLEAR);

		packet.no_udp = true;
		packet.length = length;
		expect_dropped(way, packet);
		expect_dropped(way, last(way, remote_of(way)));
	}
}

/* A first fragment in a VLAN, with IPv4 options or IPv6 extension headers in front. */
static void test_behind_more_headers(void **state)
{
	const struct way *way = *state;
	struct packet packet = packet_udp(remote_of(way), PORT, text, PIECE);
	struct packet later;

	packet.vlans = 1;
	if (way->family == 4) {
		packet.options = 8;
		packet.fragment = IPV4_MORE_FRAGMENTS;
	} else {
		packet_extend(&packet, PROTOCOL_HOP_BY_HOP, 8);
		packet_extend(&packet, PROTOCOL_ROUTING, 24);
		packet_extend(&packet, PROTOCOL_FRAGMENT, 8);
		packet_extend(&packet, PROTOCOL_DESTINATION, 16);
		packet.fragment = IPV6_MORE_FRAGMENTS;
	}
	packet.udp_length = 3 * PIECE;
	if (way->program == PROGRAM_OPEN)
		packet = packet_reversed(packet);
	expect_dropped(way, packet);

	later = packet;
	later.no_udp = true;
	later.n_extensions -= way->family == 6; /* what follows the fragment header is in the first one */
	later.fragment = way->family == 4 ? 16 : 128;
	expect_dropped(way, later);
	if (way->family == 6) { /* as its fragment header then says */
		later.protocol = PROTOCOL_DESTINATION;
		expect_dropped(way, later);
	}

	if (way->program == PROGRAM_OPEN)
		packet.source_port = PORT_CLEAR;
	else
		packet.destination_port = PORT_CLEAR;
	expect_passed(way, packet);
	expect_passed(way, later);
}

/* Sealed or not: what is in fragments is not opened. */
static void test_sealed_fragment(void **state)
{
	const struct way *way = *state;
	struct packet plain = packet_udp(remote_of(way), PORT, text, PIECE), sealed;
	uint8_t buffer[XDPSEC_OVERHEAD + PIECE];

	plain = packet_reversed(plain);
	if (way->family == 6)
		packet_extend(&plain, PROTOCOL_FRAGMENT, 8);
	sealed = site_sealed(&plain, SLOT_B_RX, 1, buffer);
	sealed.fragment = way->family == 4 ? IPV4_MORE_FRAGMENTS : IPV6_MORE_FRAGMENTS;
	expect_dropped(way, sealed);
	expect_opens(&plain, SLOT_B_RX, 1);
}

int main(void)
{
	static const struct {
		const char *name;
		CMUnitTestFunction function;
	} rows[] = {
		{ "protected flow: dropped", test_protected },
		{ "other port: passes, and nothing else for that", test_not_protected_port },
		{ "later fragment before the first", test_out_of_order },
		{ "the same id again", test_id_again },
		{ "other prefix: passes", test_not_protected_prefix },
		{ "TCP: passes", test_tcp },
		{ "first fragment without ports: dropped", test_tiny_first },
		{ "behind VLAN, options, extension headers", test_behind_more_headers },
	};
	struct CMUnitTest tests[ARRAY_SIZE(rows) * ARRAY_SIZE(ways) + 2];
	char names[ARRAY_SIZE(rows) * ARRAY_SIZE(ways)][80];
	size_t n = 0;

	fill_pattern(text, sizeof(text), 13);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t way = 0; way < ARRAY_SIZE(ways); way++, n++) {
			snprintf(names[n], sizeof(names[n]), "fragments %s: %s", ways[way].name,
				 rows[i].name);
			tests[n] = unit_test_row(names[n], rows[i].function, &ways[way]);
		}
	tests[n++] = unit_test_row("sealed and in fragments, IPv4: dropped", test_sealed_fragment, &ways[2]);
	tests[n++] = unit_test_row("sealed and in fragments, IPv6: dropped", test_sealed_fragment, &ways[3]);
	for (size_t i = 0; i < n; i++)
		tests[i].setup_func = site_reset;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("fragment", tests, site_setup, site_teardown);
}
