// SPDX-License-Identifier: GPL-2.0-or-later
/* xdpsec_hop: seals what comes out of the hop, sends it to the device, and lets nothing else through. */
#include "unit.h"
#include "site.h"
#include "expect.h"
#include "malformed.h"

static uint8_t text[3000];

enum { TEXT_LEN = 40, MTU = 1500 };

static struct packet to(const char *remote, uint16_t port)
{
	return packet_udp(remote, port, text, TEXT_LEN);
}

static void test_malformed(void **state)
{
	const struct malformed *malformed = *state;
	struct packet packet = to(malformed->family == 4 ? REMOTE_B4 : REMOTE_B6, PORT);

	malformed->change(&packet);
	expect_packet_drop(PROGRAM_HOP, &packet, XDPSEC_DROP_MALFORMED,
			   malformed->flow_is_known ? SLOT_B_TX : SLOT_NONE);
}

static void test_seals(void **state)
{
	(void)state;
	for (size_t length = 0; length < 200; length++) {
		struct packet packet4 = packet_udp(REMOTE_B4, PORT, text, length);
		struct packet packet6 = packet_udp(REMOTE_C6, PORT, text, length);

		expect_sealed(PROGRAM_HOP, &packet4, SLOT_B_TX, TC_REDIRECT);
		expect_sealed(PROGRAM_HOP, &packet6, SLOT_C_TX, TC_REDIRECT);
	}
}

static void test_seals_in_vlan(void **state)
{
	struct packet packet = to(REMOTE_B4, PORT);

	(void)state;
	packet.vlans = 1;
	packet.options = 8;
	expect_sealed(PROGRAM_HOP, &packet, SLOT_B_TX, TC_REDIRECT);
}

/* Both programs count with one sequence: no number is used twice. */
static void test_shares_sequence_with_seal(void **state)
{
	struct packet packet = to(REMOTE_B4, PORT);

	(void)state;
	for (int i = 0; i < 100; i++) {
		expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
		expect_sealed(PROGRAM_HOP, &packet, SLOT_B_TX, TC_REDIRECT);
	}
	assert_int_equal(rig_sequence_next(SLOT_B_TX), 201);
}

/* Nothing but what the seal program sent there belongs on the hop: the kernel's own chatter does not. */
static void test_stray(void **state)
{
	static const struct {
		const char *remote;
		int port, ethertype, protocol;
	} strays[] = {
		{ REMOTE_CLEAR4, PORT, AUTO, PROTOCOL_UDP },   { REMOTE_CLEAR6, PORT, AUTO, PROTOCOL_UDP },
		{ REMOTE_B4, PORT_CLEAR, AUTO, PROTOCOL_UDP }, { REMOTE_B4, PORT, AUTO, PROTOCOL_TCP },
		{ "ff02::16", PORT, AUTO, PROTOCOL_ICMPV6 },   { "ff02::fb", 5353, AUTO, PROTOCOL_UDP },
		{ REMOTE_B4, PORT, 0x0806, PROTOCOL_UDP },     { REMOTE_B4, PORT, 0x88cc, PROTOCOL_UDP },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strays); i++) {
		struct packet packet = to(strays[i].remote, strays[i].port);

		packet.ethertype = strays[i].ethertype;
		packet.protocol = strays[i].protocol;
		expect_packet_drop(PROGRAM_HOP, &packet, XDPSEC_DROP_STRAY, SLOT_NONE);
	}
}

static void test_fragment(void **state)
{
	struct packet packet = to(REMOTE_B4, PORT);

	(void)state;
	packet.fragment = IPV4_MORE_FRAGMENTS;
	expect_packet_drop(PROGRAM_HOP, &packet, XDPSEC_DROP_FRAGMENT, SLOT_NONE);
	packet.no_udp = true;
	packet.fragment = 8;
	expect_packet_drop(PROGRAM_HOP, &packet, XDPSEC_DROP_FRAGMENT, SLOT_NONE);
}

static void test_no_key(void **state)
{
	struct packet packet = to(REMOTE_NO_SA4, PORT);

	(void)state;
	expect_packet_drop(PROGRAM_HOP, &packet, XDPSEC_DROP_NO_KEY, SLOT_NONE);
	packet = to(REMOTE_NO_CONTEXT6, PORT);
	expect_packet_drop(PROGRAM_HOP, &packet, XDPSEC_DROP_NO_KEY, SLOT_NO_CONTEXT_TX);
}

static void test_sequence_exhausted(void **state)
{
	struct packet packet = to(REMOTE_B4, PORT);

	(void)state;
	rig_sequence(SLOT_B_TX, 9, 10);
	expect_sealed(PROGRAM_HOP, &packet, SLOT_B_TX, TC_REDIRECT);
	expect_packet_drop(PROGRAM_HOP, &packet, XDPSEC_DROP_SEQUENCE_EXHAUSTED, SLOT_B_TX);
}

/* A GSO packet that is still one behind the hop: its offloads have been turned on again. Never sealed whole.
 */
static void test_still_gso(void **state)
{
	struct packet packet = packet_udp(REMOTE_B4, PORT, text, 1800);

	(void)state;
	packet.gso_size = 600;
	expect_packet_drop(PROGRAM_HOP, &packet, XDPSEC_DROP_NO_HOP, SLOT_B_TX);
}

/* The device's MTU counts, not the hop's. */
static void test_mtu_of_device(void **state)
{
	struct packet packet = packet_udp(REMOTE_B4, PORT, text, MTU - XDPSEC_OVERHEAD - IPV4_LEN - UDP_LEN);
	static struct frame frame, answer;
	struct layout layout;

	(void)state;
	rig_device_mtu(MTU);
	expect_sealed(PROGRAM_HOP, &packet, SLOT_B_TX, TC_REDIRECT);
	packet.length++;
	packet_build(&frame, &packet);
	expect_answer(PROGRAM_HOP, &frame, XDPSEC_DROP_TOO_BIG, SLOT_B_TX, &answer);
	assert_true(frame_checksums_hold(&answer));
	assert_true(frame_layout(&answer, &layout));
	assert_int_equal(layout.protocol, PROTOCOL_ICMP);
	assert_int_equal(read16(answer.bytes + layout.transport + 6), MTU - XDPSEC_OVERHEAD);
}

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(test_seals),
		cmocka_unit_test(test_seals_in_vlan),
		cmocka_unit_test(test_shares_sequence_with_seal),
		cmocka_unit_test(test_stray),
		cmocka_unit_test(test_fragment),
		cmocka_unit_test(test_no_key),
		cmocka_unit_test(test_sequence_exhausted),
		cmocka_unit_test(test_still_gso),
		cmocka_unit_test(test_mtu_of_device),
	};

	fill_pattern(text, sizeof(text), 15);
	return malformed_run_group("hop", test_malformed, others, ARRAY_SIZE(others));
}
