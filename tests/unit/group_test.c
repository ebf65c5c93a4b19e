// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inline mode: UDP to groups and to broadcast, of which no peer has the address. With a port that is
 * protected for some peer it is dropped, in both directions; unless the group is a peer's, or allowed in
 * clear.
 */
#include <arpa/inet.h>

#include "unit.h"
#include "site.h"
#include "expect.h"

static const uint8_t group_mac[6] = { 0x01, 0x00, 0x5e, 0x01, 0x01, 0x01 };

static uint8_t text[300];

static const char *const groups[] = { "224.0.0.251", "239.1.1.1", "255.255.255.255", "ff02::fb", "ff0e::1" };

static void set_groups(const struct xdpsec_ports *ports, size_t n, const char *const *clear,
		       const unsigned int *lengths, size_t n_clear)
{
	struct xdpsec_config config;

	map_read(rig.maps.config, 0, &config);
	config.group_ranges = n;
	for (size_t i = 0; i < n; i++)
		config.group_ports[i] = ports[i];
	config.clear_groups = n_clear;
	for (size_t i = 0; i < n_clear; i++) {
		struct xdpsec_prefix *prefix = &config.clear_group[i];

		memset(prefix, 0, sizeof(*prefix));
		prefix->length = lengths[i];
		if (strchr(clear[i], ':')) {
			assert_int_equal(inet_pton(AF_INET6, clear[i], prefix->address), 1);
			continue;
		}
		prefix->length += 96;
		memset(prefix->address + 10, 0xff, 2);
		assert_int_equal(inet_pton(AF_INET, clear[i], prefix->address + 12), 1);
	}
	map_write(rig.maps.config, 0, &config);
}

static int reset(void **state)
{
	static const struct xdpsec_ports ports[] = { { PORT, PORT }, { PORT_RANGE_FIRST, PORT_RANGE_LAST } };

	site_reset(state);
	set_groups(ports, ARRAY_SIZE(ports), NULL, NULL, 0);
	return 0;
}

/* A packet to a group, from here or from a neighbour that is no peer. */
static struct packet sent(const char *group, uint16_t port, bool in)
{
	struct packet packet = packet_udp(group, port, text, sizeof(text));

	if (in)
		packet.source = packet.family == 4 ? REMOTE_CLEAR4 : REMOTE_CLEAR6;
	return packet;
}

static enum program program_of(bool in)
{
	return in ? PROGRAM_OPEN : PROGRAM_SEAL;
}

static void expect_closed(const struct packet *packet, bool in)
{
	expect_packet_drop(program_of(in), packet, XDPSEC_DROP_GROUP, SLOT_NONE);
}

static void test_closed(void **state)
{
	static const uint16_t ports[] = { PORT, PORT_RANGE_FIRST, PORT_RANGE_LAST };

	(void)state;
	for (int in = 0; in < 2; in++)
		for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
			for (size_t j = 0; j < ARRAY_SIZE(ports); j++) {
				struct packet packet = sent(groups[i], ports[j], in);

				packet.vlans = j;
				expect_closed(&packet, in);
				packet.mac = group_mac;
				packet.pppoe = true;
				expect_closed(&packet, in);
				/* By its source port, too. */
				packet = packet_reversed(packet);
				packet.destination = groups[i];
				packet.source = packet.family == 4 ? REMOTE_CLEAR4 : REMOTE_CLEAR6;
				expect_closed(&packet, in);
			}
}

/* A subnet's broadcast address looks like any other; the frame's does not. */
static void test_subnet_broadcast(void **state)
{
	(void)state;
	for (int in = 0; in < 2; in++) {
		struct packet packet = sent("203.0.113.191", PORT, in);

		expect_packet_untouched(program_of(in), &packet);
		packet.mac = group_mac;
		expect_closed(&packet, in);
		packet.destination_port = PORT_CLEAR;
		expect_packet_untouched(program_of(in), &packet);
	}
}

static void test_other_ports(void **state)
{
	(void)state;
	for (int in = 0; in < 2; in++)
		for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
			struct packet packet = sent(groups[i], PORT_CLEAR, in);

			expect_packet_untouched(program_of(in), &packet);
			packet.destination_port = PORT_RANGE_LAST + 1;
			expect_packet_untouched(program_of(in), &packet);
			packet.destination_port = PORT;
			packet.protocol = PROTOCOL_TCP;
			expect_packet_untouched(program_of(in), &packet);
		}
}

/* No port is protected: nothing is asked. */
static void test_no_ports(void **state)
{
	struct packet packet = sent("239.1.1.1", PORT, false);

	(void)state;
	set_groups(NULL, 0, NULL, NULL, 0);
	expect_packet_untouched(PROGRAM_SEAL, &packet);
}

/* All ports: but hosts get their addresses. */
static void test_dhcp(void **state)
{
	static const struct xdpsec_ports all = { 0, 65535 };
	static const struct {
		const char *group;
		uint16_t from, to;
		bool passes;
	} rows[] = {
		{ "255.255.255.255", 68, 67, true },	{ "255.255.255.255", 67, 68, true },
		{ "ff02::1:2", 546, 547, true },	{ "ff02::1:2", 547, 547, true },
		{ "255.255.255.255", 67, 67, false },	{ "255.255.255.255", 68, 1068, false },
		{ "ff02::1:2", 5353, 547, false },	{ "224.0.0.251", 5353, 5353, false },
		{ "255.255.255.255", 546, 547, false },
	};

	(void)state;
	set_groups(&all, 1, NULL, NULL, 0);
	for (int in = 0; in < 2; in++)
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			struct packet packet = sent(rows[i].group, rows[i].to, in);

			packet.source_port = rows[i].from;
			if (rows[i].passes)
				expect_packet_untouched(program_of(in), &packet);
			else
				expect_closed(&packet, in);
		}
}

/* ClearGroups. */
static void test_clear(void **state)
{
	static const struct xdpsec_ports all = { 0, 65535 };
	static const char *const clear[] = { "224.0.0.0", "255.255.255.255", "ff02::fb",
					     "ff08::", "203.0.113.191" };
	static const unsigned int lengths[] = { 24, 32, 128, 13, 32 };
	static const struct {
		const char *group;
		bool passes;
	} rows[] = {
		{ "224.0.0.251", true },     { "224.0.0.0", true },	   { "224.0.1.1", false },
		{ "255.255.255.255", true }, { "255.255.255.254", false }, { "ff02::fb", true },
		{ "ff02::fc", false },	     { "ff0f::1", true },	   { "ff07::1", false },
		{ "203.0.113.191", true },   { "203.0.113.190", false },
	};

	(void)state;
	set_groups(&all, 1, clear, lengths, ARRAY_SIZE(clear));
	for (int in = 0; in < 2; in++)
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			struct packet packet = sent(rows[i].group, PORT, in);

			packet.mac = group_mac;
			if (rows[i].passes)
				expect_packet_untouched(program_of(in), &packet);
			else
				expect_closed(&packet, in);
		}
}

/* A group that is a peer's is sealed for it, and opened from it. */
static void test_of_peer(void **state)
{
	static const struct xdpsec_ports port = { PORT, PORT };

	(void)state;
	rig_policy("239.1.1.0/24", PEER_B, &port, 1);
	rig_policy("ff0e::/16", PEER_B, &port, 1);
	for (size_t i = 0; i < 2; i++) {
		struct packet packet = packet_udp(i ? "ff0e::1" : "239.1.1.1", PORT, text, sizeof(text));

		packet.mac = group_mac;
		expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
		packet.source = i ? REMOTE_B6 : REMOTE_B4;
		expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_PLAINTEXT, SLOT_NONE);
		expect_opens(&packet, SLOT_B_RX, 1 + i);
		/* Another port of the group, which is protected for somebody. */
		packet.destination_port = PORT_RANGE_FIRST;
		packet.source = i ? LOCAL6 : LOCAL4;
		expect_closed(&packet, false);
	}
	rig_policy_remove("239.1.1.0/24");
	rig_policy_remove("ff0e::/16");
}

/* Later fragments follow the result of the first one. Without it nothing is known of them. */
static void test_fragments(void **state)
{
	(void)state;
	for (int in = 0; in < 2; in++) {
		struct packet first = sent("239.1.1.1", PORT, in), later;

		first.fragment = IPV4_MORE_FRAGMENTS;
		later = first;
		later.no_udp = true;
		later.fragment = 38;
		rig_fragments_forget();
		expect_closed(&later, in);
		expect_closed(&first, in);
		expect_closed(&later, in);
		first.destination_port = PORT_CLEAR;
		expect_packet_untouched(program_of(in), &first);
		expect_packet_untouched(program_of(in), &later);
		first.destination_port = PORT;
		expect_closed(&first, in);
		expect_closed(&later, in);
	}
}

static void test_malformed(void **state)
{
	(void)state;
	for (int in = 0; in < 2; in++) {
		struct packet packet = sent("239.1.1.1", PORT, in);

		packet.ihl = 4;
		expect_closed(&packet, in);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_closed, reset),
		cmocka_unit_test_setup(test_subnet_broadcast, reset),
		cmocka_unit_test_setup(test_other_ports, reset),
		cmocka_unit_test_setup(test_no_ports, reset),
		cmocka_unit_test_setup(test_dhcp, reset),
		cmocka_unit_test_setup(test_clear, reset),
		cmocka_unit_test_setup(test_of_peer, reset),
		cmocka_unit_test_setup(test_fragments, reset),
		cmocka_unit_test_setup(test_malformed, reset),
	};

	fill_pattern(text, sizeof(text), 32);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("group", tests, site_setup, site_teardown);
}
