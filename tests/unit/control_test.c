// SPDX-License-Identifier: GPL-2.0-or-later
/* Tunnel mode: messages of the key agreement (SPI 0) on their way to the agent's socket. */
#include <bpf/bpf.h>

#include "unit.h"
#include "agree_rig.h"
#include "control.h"

enum { BURST = 1000, FLOOD = 10000, UNKNOWN = 0x12345678 };

static uint8_t message[CONTROL_MAX + 64];

/* The addresses of somebody, of peers, and of the agreed peer. */
static const char *const sources[] = { "203.0.113.9", "2001:db8:99::9", ENDPOINT_B4, ENDPOINT_C6,
				       "198.51.100.4" };

static struct packet from(const char *source, size_t length)
{
	struct packet packet = packet_reversed(packet_udp(source, TUNNEL_PORT, message, length));

	packet.source_port = 33333;
	packet.destination_port = TUNNEL_PORT;
	packet.ingress = rig.device;
	return packet;
}

static void expect_passes(int type, uint32_t session)
{
	size_t length = control_write(message, type, session);

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		struct packet packet = from(sources[i], length);

		expect_packet_untouched(PROGRAM_DECAPSULATE, &packet);
		packet.vlans = 1;
		expect_packet_untouched(PROGRAM_DECAPSULATE, &packet);
	}
}

static void expect_dropped(size_t length, enum xdpsec_drop reason)
{
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		struct packet packet = from(sources[i], length);

		expect_packet_drop(PROGRAM_DECAPSULATE, &packet, reason, SLOT_NONE);
	}
}

/* The same from one of them, another one each time. */
static void expect_dropped_once(size_t length, enum xdpsec_drop reason)
{
	static size_t turn;
	struct packet packet = from(sources[turn++ % ARRAY_SIZE(sources)], length);

	expect_packet_drop(PROGRAM_DECAPSULATE, &packet, reason, SLOT_NONE);
}

static void test_initiation(void **state)
{
	(void)state;
	expect_passes(CONTROL_INITIATION, UNKNOWN);
	expect_passes(CONTROL_INITIATION, 0);
}

/* The others are answers: they name an SPI that we have allotted. */
static void test_answers(void **state)
{
	struct agreement_sa sa = agreed_sa(AGREED_RX, 1);

	(void)state;
	for (int type = CONTROL_RESPONSE; type <= CONTROL_ACK; type++) {
		expect_dropped(control_write(message, type, UNKNOWN), XDPSEC_DROP_LATE_ANSWER);
		assert_int_equal(agree_asking(&agent, UNKNOWN, true), 0);
		expect_passes(type, UNKNOWN);
		assert_int_equal(agree_asking(&agent, UNKNOWN, false), 0);
		expect_dropped(control_write(message, type, UNKNOWN), XDPSEC_DROP_LATE_ANSWER);
		expect_dropped(control_write(message, type, sa.spi), XDPSEC_DROP_LATE_ANSWER);
	}
	agreed_use(&sa, 1);
	for (int type = CONTROL_RESPONSE; type <= CONTROL_ACK; type++)
		expect_passes(type, sa.spi);
}

static void test_shape(void **state)
{
	(void)state;
	assert_int_equal(agree_asking(&agent, CONTROL_SESSION, true), 0);
	for (int type = CONTROL_INITIATION; type <= CONTROL_ACK; type++) {
		size_t right = control_write(message, type, CONTROL_SESSION);

		for (size_t length = 16; length < sizeof(message); length++)
			if (length != right)
				expect_dropped_once(length, XDPSEC_DROP_MALFORMED);
		/* Version, and both reserved fields. */
		for (size_t at = 5; at < 16; at == 7 ? at = 12 : at++)
			for (int bit = 0; bit < 8; bit++) {
				message[at] ^= 1 << bit;
				expect_dropped_once(right, XDPSEC_DROP_MALFORMED);
				message[at] ^= 1 << bit;
			}
		expect_passes(type, CONTROL_SESSION);
	}
	for (int type = 0; type < 256; type += type == 0 ? 6 : 1) {
		static const size_t lengths[] = { 16, 32, 80, 112, 176 };

		control_write(message, CONTROL_INITIATION, CONTROL_SESSION);
		message[4] = type;
		for (size_t i = 0; i < ARRAY_SIZE(lengths); i++)
			expect_dropped_once(lengths[i], XDPSEC_DROP_MALFORMED);
	}
	assert_int_equal(agree_asking(&agent, CONTROL_SESSION, false), 0);
}

/* SPIs that are reserved are no messages. */
static void test_reserved_spis(void **state)
{
	(void)state;
	for (uint32_t spi = 1; spi < 256; spi++) {
		size_t length = control_write(message, CONTROL_CONFIRM, CONTROL_SESSION);

		write32(message, spi);
		expect_dropped_once(length, XDPSEC_DROP_UNKNOWN_SPI);
	}
}

static void test_elsewhere(void **state)
{
	size_t length = control_write(message, CONTROL_INITIATION, UNKNOWN);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		struct packet packet = from(sources[i], length);

		packet.destination_port++;
		expect_packet_untouched(PROGRAM_DECAPSULATE, &packet);
		packet = from(sources[i], length);
		packet.destination = packet.family == 4 ? "192.0.2.77" : "2001:db8:1::77";
		expect_packet_untouched(PROGRAM_DECAPSULATE, &packet);
	}
}

/* A fragment of one, from where a peer is, or one whose lengths lie: as any other packet. */
static void test_not_whole(void **state)
{
	struct packet packet;

	(void)state;
	packet = from(ENDPOINT_B4, control_write(message, CONTROL_INITIATION, UNKNOWN));
	packet.fragment = IPV4_MORE_FRAGMENTS;
	expect_packet_drop(PROGRAM_DECAPSULATE, &packet, XDPSEC_DROP_FRAGMENT, SLOT_NONE);
	packet.fragment = 0;
	packet.udp_length = 100;
	expect_packet_drop(PROGRAM_DECAPSULATE, &packet, XDPSEC_DROP_MALFORMED, SLOT_NONE);
}

/* Without an agent the port is as before: IKE uses SPI 0, and plaintext from a peer is refused. */
static void test_without_agent(void **state)
{
	struct plane plane;

	(void)state;
	plane_init(&plane);
	assert_int_equal(plane_open(&plane, "unit", false), 0);
	assert_int_equal(agree_disown(&plane), 0);
	for (int type = CONTROL_INITIATION; type <= CONTROL_ACK; type++) {
		size_t length = control_write(message, type, CONTROL_SESSION);
		struct packet packet = from(ENDPOINT_B4, length);

		expect_packet_drop(PROGRAM_DECAPSULATE, &packet, XDPSEC_DROP_NO_AGENT, SLOT_NONE);
		message[5] = 0;
		packet = from(ENDPOINT_B4, length);
		expect_packet_drop(PROGRAM_DECAPSULATE, &packet, XDPSEC_DROP_PLAINTEXT, SLOT_NONE);
		packet = from("203.0.113.9", length);
		expect_packet_untouched(PROGRAM_DECAPSULATE, &packet);
	}
	plane_close(&plane);
	agree_close(&agent);
	agree_rig_open(&agent);
	expect_passes(CONTROL_INITIATION, UNKNOWN);
}

static uint64_t floods(void)
{
	struct tally tally;

	tally_take(&tally);
	return tally.drops[XDPSEC_DROP_CONTROL_FLOOD];
}

/* Send so many messages of one kind that not all pass. Returns how many did not. */
static uint64_t flood(int type)
{
	struct packet packet = from("203.0.113.9", control_write(message, type, CONTROL_SESSION));
	static struct frame frame;
	uint64_t before = floods();

	packet_build(&frame, &packet);
	rig_repeat(PROGRAM_DECAPSULATE, &frame, FLOOD);
	return floods() - before;
}

/* A flood of Initiations does not stop answers, nor the other way round. Data is none of both. */
static void test_flood(void **state)
{
	struct packet inner = tunnel_inner_from(INNER_B4, message, 40), outer;
	uint8_t buffer[FRAME_MAX];

	(void)state;
	assert_int_equal(agree_asking(&agent, CONTROL_SESSION, true), 0);
	assert_in_range(flood(CONTROL_INITIATION), 1, FLOOD - BURST / 2);
	expect_passes(CONTROL_CONFIRM, CONTROL_SESSION);
	assert_in_range(flood(CONTROL_ACK), 1, FLOOD - BURST / 2);
	assert_int_equal(agree_asking(&agent, CONTROL_SESSION, false), 0);
	outer = tunnel_incoming(TUNNEL_B, 9, &inner, buffer);
	expect_decapsulated(&outer, &inner, TUNNEL_B);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_initiation, agree_reset),
		cmocka_unit_test_setup(test_answers, agree_reset),
		cmocka_unit_test_setup(test_shape, agree_reset),
		cmocka_unit_test_setup(test_reserved_spis, agree_reset),
		cmocka_unit_test_setup(test_elsewhere, agree_reset),
		cmocka_unit_test_setup(test_not_whole, agree_reset),
		cmocka_unit_test_setup(test_without_agent, agree_reset),
		cmocka_unit_test_setup(test_flood, agree_reset),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("control", tests, agree_setup, agree_teardown);
}
