// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keepalives: the kernel's ARP request on the far end of the tunnel device becomes a tick (xdpsec_keepalive),
 * and the tick, where packets are encapsulated, a sealed keepalive if the peer has not been sent anything for
 * long enough.
 */
#include <arpa/inet.h>

#include "unit.h"
#include "tunnel.h"

enum {
	ARP_LEN = 28,
	ARP_REQUEST = 1,
	ARP_REPLY = 2,
	INTERVAL = 25,
};

static const uint64_t second = 1000000000;
static const uint8_t text[64];

/* RFC 826: the far end asks for target. */
static void arp_build(struct frame *frame, uint16_t operation, const char *target)
{
	static const uint8_t header[] = { 0, 1, 8, 0, 6, 4 };
	uint8_t *at = frame->bytes;

	*frame = (struct frame){ .length = ETHERNET_LEN + ARP_LEN };
	memset(at, 0xff, 6);
	memset(at + 6, 0x02, 6);
	write16(at + 12, 0x0806);
	memcpy(at + 14, header, sizeof(header));
	write16(at + 20, operation);
	memset(at + 22, 0x02, 6);
	assert_int_equal(inet_pton(AF_INET, target, at + 38), 1);
}

/* As the kernel hands it on: what is left of the request is behind it. */
static struct packet padded_tick(const char *target)
{
	struct packet packet = tunnel_tick(target);

	packet.padding = ARP_LEN - IPV4_LEN;
	return packet;
}

static void test_request_becomes_tick(void **state)
{
	static const char *const targets[] = { "169.254.16.0", "169.254.16.1", "169.254.17.44",
					       "169.254.19.255" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		static struct frame frame, out, expected;
		static struct tally before, after;
		struct packet packet = tunnel_tick(targets[i]);

		arp_build(&frame, ARP_REQUEST, targets[i]);
		packet_build(&expected, &packet);
		memcpy(expected.bytes, frame.bytes, 12);
		tally_take(&before);
		assert_int_equal(rig_run(PROGRAM_KEEPALIVE, &frame, &out), TC_REDIRECT);
		tally_take(&after);
		expect_same_tally(&after, &before);
		assert_int_equal(out.length, frame.length);
		out.length = expected.length;
		expect_same_frame(&out, &expected);
	}
}

static void expect_swallowed(const struct frame *frame)
{
	static struct tally before, after;
	static struct frame out;

	tally_take(&before);
	assert_int_equal(rig_run(PROGRAM_KEEPALIVE, frame, &out), TC_DROP);
	tally_take(&after);
	expect_same_tally(&after, &before);
}

/* Whatever else the kernel sends on the far end by itself goes nowhere. */
static void test_other_frames(void **state)
{
	static const char *const others[] = { "169.254.15.255", "169.254.20.0", "192.0.2.254",
					      INNER_B4,		"0.0.0.0",	"255.255.255.255" };
	struct packet inner4 = tunnel_inner(INNER_B4, text, 40), inner6 = tunnel_inner(INNER_B6, text, 40);
	static struct frame frame;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		arp_build(&frame, ARP_REQUEST, others[i]);
		expect_swallowed(&frame);
	}
	arp_build(&frame, ARP_REPLY, "169.254.16.1");
	expect_swallowed(&frame);
	packet_build(&frame, &inner4);
	expect_swallowed(&frame);
	frame.ingress = rig.device; /* forwarded from elsewhere */
	expect_swallowed(&frame);
	packet_build(&frame, &inner6);
	expect_swallowed(&frame);
}

static void configure(int peer, uint32_t keepalive, uint64_t ago)
{
	struct xdpsec_endpoint endpoint = tunnel_endpoint(peer);

	endpoint.keepalive = keepalive;
	endpoint.sent = tunnel_now() - ago;
	tunnel_set_endpoint(peer, &endpoint);
}

/* The keepalive of the peer: what OpenSSL makes of nothing, next header 59. */
static void expect_keepalive_sent(int peer, const char *target)
{
	static struct frame frame, out, expected_frame;
	static struct tally expected, after;
	struct packet packet = padded_tick(target), outer;
	uint8_t buffer[XDPSEC_OVERHEAD];

	packet_build(&frame, &packet);
	tally_take(&expected);
	outer = tunnel_sealed(TUNNEL_TX(peer), NEXT_NONE, expected.sas[TUNNEL_TX(peer)].sequence.next, NULL,
			      0, buffer);
	packet_build(&expected_frame, &outer);
	assert_int_equal(rig_run(PROGRAM_ENCAPSULATE, &frame, &out), TC_REDIRECT);
	tally_take(&after);
	expected.sas[TUNNEL_TX(peer)].sequence.next++;
	tally_add_packet(&expected, &after, TUNNEL_TX(peer), 0);
	/* The machine may not have been up for as long as that: differences are right all the same. */
	assert_true(after.endpoints[peer].sent - expected.endpoints[peer].sent >= second);
	assert_true(after.endpoints[peer].sent <= tunnel_now());
	expected.endpoints[peer].sent = after.endpoints[peer].sent;
	tunnel_note_way(&expected.endpoints[peer], outer.source);
	expect_same_tally(&after, &expected);
	memcpy(expected_frame.bytes, out.bytes, 12);
	expect_same_frame(&out, &expected_frame);
}

/* Nothing is sent, and as nothing was to be sent, nothing is counted. */
static void expect_nothing_sent(const char *target)
{
	static struct tally before, after;
	static struct frame frame, out;
	struct packet packet = padded_tick(target);

	packet_build(&frame, &packet);
	tally_take(&before);
	assert_int_equal(rig_run(PROGRAM_ENCAPSULATE, &frame, &out), TC_DROP);
	tally_take(&after);
	expect_same_tally(&after, &before);
}

#define TICK_B "169.254.16.0"
#define TICK_C "169.254.16.1"
#define TICK_NO_ENDPOINT "169.254.16.2"
#define TICK_UNREACHABLE "169.254.16.3"
#define TICK_LOOP "169.254.16.4"
#define TICK_NO_SA "169.254.16.5"

static void test_due(void **state)
{
	static const struct {
		int peer;
		const char *target;
	} peers[] = { { TUNNEL_B, TICK_B }, { TUNNEL_C, TICK_C } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
		configure(peers[i].peer, INTERVAL, INTERVAL * second);
		expect_keepalive_sent(peers[i].peer, peers[i].target);
		/* That was it, for a while. */
		expect_nothing_sent(peers[i].target);
		configure(peers[i].peer, INTERVAL, 3600 * second);
		expect_keepalive_sent(peers[i].peer, peers[i].target);
		/* Neither is there a reason for one after a packet. */
		configure(peers[i].peer, INTERVAL, 0);
		expect_nothing_sent(peers[i].target);
		configure(peers[i].peer, INTERVAL, (INTERVAL - 1) * second);
		expect_nothing_sent(peers[i].target);
		configure(peers[i].peer, 0, 3600 * second);
		expect_nothing_sent(peers[i].target);
		configure(peers[i].peer, 1, second);
		expect_keepalive_sent(peers[i].peer, peers[i].target);
	}
}

/* Nobody is told that a keepalive could not be sent; that it could not be is counted. */
static void test_not_sendable(void **state)
{
	static const struct {
		int peer;
		const char *target;
		enum xdpsec_drop reason;
	} peers[] = {
		{ TUNNEL_UNREACHABLE, TICK_UNREACHABLE, XDPSEC_DROP_UNREACHABLE },
		{ TUNNEL_LOOP, TICK_LOOP, XDPSEC_DROP_LOOP },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
		struct packet packet = padded_tick(peers[i].target);

		configure(peers[i].peer, INTERVAL, 3600 * second);
		rig_allow_answers();
		expect_refused(&packet, peers[i].reason, TUNNEL_TX(peers[i].peer));
		configure(peers[i].peer, INTERVAL, 0);
		expect_nothing_sent(peers[i].target);
	}
}

/* There is nobody to keep awake: not of a peer that is not known to be anywhere, nor of none at all. */
static void test_nobody_to_send_to(void **state)
{
	(void)state;
	configure(TUNNEL_NO_ENDPOINT, INTERVAL, 3600 * second);
	expect_nothing_sent(TICK_NO_ENDPOINT);
	expect_nothing_sent("169.254.19.255");
}

/* A route to link-local addresses makes no ticks of packets to there. */
static void test_not_a_tick(void **state)
{
	struct packet packet = tunnel_tick(TICK_B);

	(void)state;
	configure(TUNNEL_B, INTERVAL, 3600 * second);
	packet.source = INNER_LOCAL4;
	rig_allow_answers();
	{
		static struct frame frame, answer;

		packet.length = 16;
		packet.payload = text;
		packet_build(&frame, &packet);
		expect_answer(PROGRAM_ENCAPSULATE, &frame, XDPSEC_DROP_NO_PEER, SLOT_NONE, &answer);
	}
	packet = tunnel_tick(TICK_B);
	packet.protocol = PROTOCOL_UDP;
	expect_refused(&packet, XDPSEC_DROP_NO_PEER, SLOT_NONE);
	packet = tunnel_tick("169.254.20.0");
	expect_refused(&packet, XDPSEC_DROP_NO_PEER, SLOT_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_request_becomes_tick, tunnel_reset),
		cmocka_unit_test_setup(test_other_frames, tunnel_reset),
		cmocka_unit_test_setup(test_due, tunnel_reset),
		cmocka_unit_test_setup(test_not_sendable, tunnel_reset),
		cmocka_unit_test_setup(test_nobody_to_send_to, tunnel_reset),
		cmocka_unit_test_setup(test_not_a_tick, tunnel_reset),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("keepalive", tests, tunnel_setup, tunnel_teardown);
}
