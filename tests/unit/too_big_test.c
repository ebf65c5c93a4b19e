// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets that would not fit the device after growing by XDPSEC_OVERHEAD: dropped, and answered to their
 * sender with what path MTU discovery needs (RFC 1191, RFC 8201).
 */
#include <arpa/inet.h>

#include "unit.h"
#include "site.h"
#include "expect.h"
#include "icmp.h"

enum {
	MTU = 1500,
	IPV4_FITS = MTU - XDPSEC_OVERHEAD - IPV4_LEN - UDP_LEN,
	IPV6_FITS = MTU - XDPSEC_OVERHEAD - IPV6_LEN - UDP_LEN,
	IPV4_ANSWER_MAX = 576,	/* RFC 1812 section 4.3.2.3 */
	IPV6_ANSWER_MAX = 1280, /* RFC 4443 section 3.2 */
};

static uint8_t text[3000];

/* Ethernet and IP go back where the packet came from. */
static void expect_addresses_swapped(const struct frame *answer, const struct frame *frame)
{
	const uint8_t *from, *original;
	struct layout a, f;
	size_t size;

	assert_true(frame_layout(answer, &a));
	assert_true(frame_layout(frame, &f));
	assert_memory_equal(answer->bytes, frame->bytes + 6, 6);
	assert_memory_equal(answer->bytes + 6, frame->bytes, 6);
	assert_int_equal(a.family, f.family);
	assert_int_equal(a.network, f.network);
	assert_memory_equal(answer->bytes + 12, frame->bytes + 12, a.network - 12); /* VLAN tags, ethertype */
	size = a.family == 4 ? 4 : 16;
	from = answer->bytes + a.network + (a.family == 4 ? 12 : 8);
	original = frame->bytes + f.network + (a.family == 4 ? 12 : 8);
	assert_memory_equal(from, original + size, size);
	assert_memory_equal(from + size, original, size);
}

/* As much of the packet as there is room for, and enough for the sender to find its socket. */
static void expect_quote(const struct frame *answer, const struct frame *frame, size_t most)
{
	struct layout a, f;
	size_t quoted;

	assert_true(frame_layout(answer, &a));
	assert_true(frame_layout(frame, &f));
	quoted = a.end - a.transport - ICMP_HEADER_LEN;
	assert_memory_equal(answer->bytes + a.transport + ICMP_HEADER_LEN, frame->bytes + f.network, quoted);
	assert_true(quoted >= f.payload - f.network);
	assert_true(a.end - a.network <= most);
}

/* The answer to packet, of that protocol: the message is at *icmp. Returns its IP header. */
static const uint8_t *answer_to(const struct packet *packet, int slot, size_t most, uint8_t protocol,
				const uint8_t **icmp)
{
	static struct frame frame, answer;
	struct layout layout;

	packet_build(&frame, packet);
	expect_answer(PROGRAM_SEAL, &frame, XDPSEC_DROP_TOO_BIG, slot, &answer);
	if (packet->vlans) /* see expect_sealed() */
		frame_untag(&frame);
	expect_addresses_swapped(&answer, &frame);
	expect_quote(&answer, &frame, most);
	assert_true(frame_checksums_hold(&answer));
	assert_true(frame_layout(&answer, &layout));
	assert_int_equal(layout.protocol, protocol);
	*icmp = answer.bytes + layout.transport;
	return answer.bytes + layout.network;
}

static void expect_ipv4_answer(const struct packet *packet, int slot, unsigned int mtu)
{
	const uint8_t *icmp, *ip = answer_to(packet, slot, IPV4_ANSWER_MAX, PROTOCOL_ICMP, &icmp);

	assert_true(ip[8] >= 64); /* TTL */
	assert_int_equal(read16(ip + 6) & ~IPV4_DONT_FRAGMENT, 0);
	assert_int_equal(icmp[0], ICMP_UNREACHABLE);
	assert_int_equal(icmp[1], ICMP_FRAGMENTATION_NEEDED);
	assert_int_equal(read16(icmp + 4), 0); /* unused */
	assert_int_equal(read16(icmp + 6), mtu);
}

static void expect_ipv6_answer(const struct packet *packet, int slot, unsigned int mtu)
{
	const uint8_t *icmp, *ip = answer_to(packet, slot, IPV6_ANSWER_MAX, PROTOCOL_ICMPV6, &icmp);

	assert_true(ip[7] >= 64); /* hop limit */
	assert_int_equal(icmp[0], ICMPV6_PACKET_TOO_BIG);
	assert_int_equal(icmp[1], 0);
	assert_int_equal(read32(icmp + 4), mtu);
}

static int setup(void **state)
{
	site_reset(state);
	rig_device_mtu(MTU);
	return 0;
}

static void test_ipv4(void **state)
{
	(void)state;
	for (size_t length = IPV4_FITS - 3; length <= IPV4_FITS + 40; length++) {
		struct packet packet = packet_udp(REMOTE_B4, PORT, text, length);

		if (length <= IPV4_FITS)
			expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
		else
			expect_ipv4_answer(&packet, SLOT_B_TX, MTU - XDPSEC_OVERHEAD);
	}
}

static void test_ipv6(void **state)
{
	(void)state;
	for (size_t length = IPV6_FITS - 3; length <= IPV6_FITS + 40; length++) {
		struct packet packet = packet_udp(REMOTE_B6, PORT, text, length);

		if (length <= IPV6_FITS)
			expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
		else
			expect_ipv6_answer(&packet, SLOT_B_TX, MTU - XDPSEC_OVERHEAD);
	}
}

/* The tags of a VLAN do not count for the MTU, options and extension headers do. */
static void test_more_headers(void **state)
{
	struct packet packet = packet_udp(REMOTE_B4, PORT, text, IPV4_FITS);

	(void)state;
	packet.vlans = 1;
	expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
	packet.length++;
	expect_ipv4_answer(&packet, SLOT_B_TX, MTU - XDPSEC_OVERHEAD);
	packet.vlans = 0;
	packet.options = 40;
	packet.length = IPV4_FITS - 40;
	expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
	packet.length++;
	expect_ipv4_answer(&packet, SLOT_B_TX, MTU - XDPSEC_OVERHEAD);

	packet = packet_udp(REMOTE_B6, PORT, text, IPV6_FITS - 24);
	packet.vlans = 1;
	packet_extend(&packet, PROTOCOL_DESTINATION, 24);
	expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
	packet.length++;
	expect_ipv6_answer(&packet, SLOT_B_TX, MTU - XDPSEC_OVERHEAD);
}

static void test_other_mtus(void **state)
{
	static const unsigned int mtus[] = { 1312, 1400, 2000, 3000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mtus); i++) {
		size_t fits4 = mtus[i] - XDPSEC_OVERHEAD - IPV4_LEN - UDP_LEN;
		struct packet packet4 = packet_udp(REMOTE_C4, PORT, text, fits4);
		struct packet packet6 = packet_udp(REMOTE_C6, PORT, text, fits4 - (IPV6_LEN - IPV4_LEN));

		rig_device_mtu(mtus[i]);
		expect_sealed(PROGRAM_SEAL, &packet4, SLOT_C_TX, SEAL_PASS);
		expect_sealed(PROGRAM_SEAL, &packet6, SLOT_C_TX, SEAL_PASS);
		packet4.length++;
		packet6.length++;
		expect_ipv4_answer(&packet4, SLOT_C_TX, mtus[i] - XDPSEC_OVERHEAD);
		expect_ipv6_answer(&packet6, SLOT_C_TX, mtus[i] - XDPSEC_OVERHEAD);
	}
}

/* The packet is dropped and counted, but not answered. */
static void expect_no_answer(const struct packet *packet)
{
	rig_allow_answers();
	expect_packet_drop(PROGRAM_SEAL, packet, XDPSEC_DROP_TOO_BIG, SLOT_B_TX);
}

static void test_no_answer(void **state)
{
	static const char *const sources4[] = { "0.0.0.0", "224.0.0.1", "255.255.255.255", "240.0.0.1" };
	struct packet packet = packet_udp(REMOTE_B4, PORT, text, MTU);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sources4); i++) {
		packet.source = sources4[i];
		expect_no_answer(&packet);
	}
	packet = packet_udp(REMOTE_B6, PORT, text, MTU);
	packet.source = "::";
	expect_no_answer(&packet);
	packet.source = "ff02::1";
	expect_no_answer(&packet);
}

/* About what was sent to many: RFC 1122 section 3.2.2, RFC 4443 section 2.4 (e). Those of IPv4 with a MAC
 * that is one host's, too: it is the address that must not become a source. */
static void test_groups(void **state)
{
	static const struct {
		const char *address;
		bool group_mac;
	} groups[] = {
		{ "224.0.0.1", false },	    { "239.1.1.1", true }, { "255.255.255.255", true },
		{ "240.0.0.1", false },	    { "ff02::1", true },   { "ff0e::1", false },
		{ "198.51.100.127", true }, /* the broadcast address of 198.51.100.0/25 */
		{ REMOTE_B6, true },
	};
	static const struct xdpsec_ports all = { 0, 65535 };
	static struct frame frame;

	(void)state;
	rig_policy("224.0.0.0/3", PEER_B, &all, 1);
	rig_policy("ff00::/8", PEER_B, &all, 1);
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		struct packet packet = packet_udp(groups[i].address, PORT, text, MTU);

		rig_allow_answers();
		packet_build(&frame, &packet);
		frame.bytes[0] |= groups[i].group_mac;
		expect_drop(PROGRAM_SEAL, &frame, XDPSEC_DROP_TOO_BIG, SLOT_B_TX);
	}
	rig_policy_remove("224.0.0.0/3");
	rig_policy_remove("ff00::/8");
}

static void test_rate(void **state)
{
	struct packet packet = packet_udp(REMOTE_B4, PORT, text, MTU);

	(void)state;
	expect_few_answers(PROGRAM_SEAL, &packet, XDPSEC_DROP_TOO_BIG, SLOT_B_TX);
}

/* It is the device that seals which has the MTU; other flows go on as they did. */
static void test_not_protected(void **state)
{
	struct packet packet = packet_udp(REMOTE_CLEAR4, PORT, text, IPV4_FITS + XDPSEC_OVERHEAD);

	(void)state;
	expect_packet_untouched(PROGRAM_SEAL, &packet);
	packet.destination = REMOTE_B4;
	packet.destination_port = PORT_CLEAR;
	expect_packet_untouched(PROGRAM_SEAL, &packet);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_ipv4, setup),
		cmocka_unit_test_setup(test_ipv6, setup),
		cmocka_unit_test_setup(test_more_headers, setup),
		cmocka_unit_test_setup(test_other_mtus, setup),
		cmocka_unit_test_setup(test_no_answer, setup),
		cmocka_unit_test_setup(test_groups, setup),
		cmocka_unit_test_setup(test_rate, setup),
		cmocka_unit_test_setup(test_not_protected, setup),
	};

	fill_pattern(text, sizeof(text), 14);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("too_big", tests, site_setup, site_teardown);
}
