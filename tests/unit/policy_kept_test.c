// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kept policies of inline mode (policy_kept.bpf.h), both ways: they save a look-up, end with a reload or after a second,
 * and never make a packet clear.
 */
#include <arpa/inet.h>

#include "unit.h"
#include "site.h"
#include "expect.h"

enum { TEXT_LEN = 40, OTHER_PORT = 6000 };

static uint8_t text[TEXT_LEN];
static uint64_t sequence;

static const struct xdpsec_ports all = { 0, 65535 }, other = { OTHER_PORT, OTHER_PORT };

static const struct family {
	const char *remote_b, *host_b;
} families[] = {
	{ REMOTE_B4, REMOTE_B4 "/32" },
	{ REMOTE_B6, REMOTE_B6 "/128" },
};

static int setup(void **state)
{
	rig_run_on_one_cpu();
	return site_setup(state);
}

static int reset(void **state)
{
	site_reset(state);
	sequence = 0;
	/* A test that failed may have left them. */
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		rig_policy(families[i].host_b, PEER_B, &other, 1);
		rig_policy_remove(families[i].host_b);
	}
	return 0;
}

static struct packet to(const char *remote, uint16_t port)
{
	return packet_udp(remote, port, text, TEXT_LEN);
}

/* By all three programs. */
static void expect_protected(const char *remote, uint16_t port, int tx_slot, int rx_slot)
{
	struct packet out = to(remote, port), in = packet_reversed(out);

	expect_sealed(PROGRAM_SEAL, &out, tx_slot, SEAL_PASS);
	expect_sealed(PROGRAM_HOP, &out, tx_slot, TC_REDIRECT);
	expect_opens(&in, rx_slot, ++sequence);
}

static void expect_clear(const char *remote, uint16_t port)
{
	struct packet out = to(remote, port), in = packet_reversed(out);

	expect_packet_untouched(PROGRAM_SEAL, &out);
	expect_packet_drop(PROGRAM_HOP, &out, XDPSEC_DROP_STRAY, SLOT_NONE);
	expect_packet_untouched(PROGRAM_OPEN, &in);
}

/* B's port is kept, and then another one is protected in its place. Returns the former generation. */
static uint32_t keep_and_change(const struct family *f)
{
	uint32_t generation = rig_policy_generation();

	expect_protected(f->remote_b, PORT, SLOT_B_TX, SLOT_B_RX);
	rig_policy(f->host_b, PEER_B, &other, 1);
	return generation;
}

/* Kept until the generation changes: the former one shows that the trie was not asked. */
static void test_generation(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		const struct family *f = &families[i];
		uint32_t generation = keep_and_change(f);

		expect_clear(f->remote_b, PORT);
		rig_policies_keep_until(UINT64_MAX);
		rig_policy_set_generation(generation);
		expect_protected(f->remote_b, PORT, SLOT_B_TX, SLOT_B_RX);
		rig_policy_set_generation(generation + 2);
		expect_clear(f->remote_b, PORT);
		expect_protected(f->remote_b, OTHER_PORT, SLOT_B_TX, SLOT_B_RX);
		rig_policy_remove(f->host_b);
		expect_clear(f->remote_b, OTHER_PORT);
		expect_protected(f->remote_b, PORT, SLOT_B_TX, SLOT_B_RX);
	}
}

/* A reload that was killed has not changed the generation. */
static void test_old(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		const struct family *f = &families[i];

		rig_policy_set_generation(keep_and_change(f));
		rig_policies_keep_until(0);
		expect_clear(f->remote_b, PORT);
		rig_policy_remove(f->host_b);
	}
}

/* An address that is another peer's from now on. */
static void test_moves(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		const struct family *f = &families[i];
		uint8_t buffer[XDPSEC_OVERHEAD + TEXT_LEN];
		struct packet in = packet_reversed(to(f->remote_b, PORT)), sealed;

		expect_protected(f->remote_b, PORT, SLOT_B_TX, SLOT_B_RX);
		rig_policy(f->host_b, PEER_C, &all, 1);
		sealed = site_sealed(&in, SLOT_B_RX, ++sequence, buffer);
		expect_packet_drop(PROGRAM_OPEN, &sealed, XDPSEC_DROP_WRONG_PEER, SLOT_B_RX);
		rig_policy_remove(f->host_b);
		expect_opened(&sealed, &in, SLOT_B_RX);
	}
}

/* A policy's range of ports is kept, and each packet is judged by its own ports. */
static void test_ports(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		for (int times = 0; times < 2; times++) {
			const char *remote = families[i].remote_b;

			expect_protected(remote, PORT, SLOT_B_TX, SLOT_B_RX);
			expect_clear(remote, PORT_CLEAR);
			expect_clear(remote, PORT_RANGE_FIRST - 1);
			expect_protected(remote, PORT_RANGE_FIRST, SLOT_B_TX, SLOT_B_RX);
			expect_protected(remote, PORT_RANGE_LAST, SLOT_B_TX, SLOT_B_RX);
			expect_clear(remote, PORT_RANGE_LAST + 1);
		}
}

/* An address that differs in one word is another one. Of 5000 of these some share the element of the protected one. */
static void test_words(void **state)
{
	static struct frame frame, out;

	(void)state;
	rig_policy(REMOTE_CLEAR6 "/128", PEER_C, &all, 1);
	for (int word = 0; word < 4; word++) {
		uint8_t address[16];

		expect_protected(REMOTE_CLEAR6, PORT_CLEAR, SLOT_C_TX, SLOT_C_RX);
		rig_policies_keep_until(UINT64_MAX);
		for (uint32_t i = 1; i <= 5000; i++) {
			char remote[INET6_ADDRSTRLEN];
			struct packet packet;

			inet_pton(AF_INET6, REMOTE_CLEAR6, address);
			address[4 * word + 2] ^= i >> 8;
			address[4 * word + 3] ^= i;
			inet_ntop(AF_INET6, address, remote, sizeof(remote));
			packet = to(remote, PORT_CLEAR);
			packet_build(&frame, &packet);
			assert_int_equal(rig_run(PROGRAM_SEAL, &frame, &out), SEAL_PASS);
			assert_int_equal(out.length, frame.length);
		}
	}
	rig_policy_remove(REMOTE_CLEAR6 "/128");
}

/* 2000 addresses of a peer in 1024 elements, with those of others between them. */
static void test_shared(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2000; i++) {
		char remote[INET6_ADDRSTRLEN];

		snprintf(remote, sizeof(remote), "2001:db8:2::%x", i);
		expect_protected(remote, PORT, SLOT_B_TX, SLOT_B_RX);
		if (i % 100 == 0) {
			expect_protected(REMOTE_C6, PORT_CLEAR, SLOT_C_TX, SLOT_C_RX);
			expect_clear(REMOTE_CLEAR6, PORT);
		}
	}
}

/* By the programs of both ways. reason: why it is dropped, or NO_DROP */
static void expect_judged(struct packet out, int reason)
{
	struct packet in = packet_reversed(out);

	if (reason == NO_DROP) {
		expect_packet_untouched(PROGRAM_SEAL, &out);
		expect_packet_untouched(PROGRAM_OPEN, &in);
		return;
	}
	expect_packet_drop(PROGRAM_SEAL, &out, (enum xdpsec_drop)reason, SLOT_NONE);
	expect_packet_drop(PROGRAM_OPEN, &in, (enum xdpsec_drop)reason, SLOT_NONE);
}

/* Fragments, other protocols and unreadable packets are judged as if nothing were kept of the address. All ports are
 * protected, also 0. */
static void test_other_packets(void **state)
{
	struct packet packet = to(REMOTE_C4, PORT);

	(void)state;
	expect_protected(REMOTE_C4, PORT, SLOT_C_TX, SLOT_C_RX);
	packet.fragment = IPV4_MORE_FRAGMENTS;
	expect_judged(packet, XDPSEC_DROP_FRAGMENT);
	packet.fragment = 1;
	packet.no_udp = true;
	expect_judged(packet, XDPSEC_DROP_FRAGMENT);

	packet = to(REMOTE_C4, PORT);
	packet.protocol = PROTOCOL_TCP;
	expect_judged(packet, NO_DROP);

	expect_protected(REMOTE_C6, PORT, SLOT_C_TX, SLOT_C_RX);
	packet = to(REMOTE_C6, PORT);
	packet_extend(&packet, PROTOCOL_FRAGMENT, 8);
	packet.fragment = IPV6_MORE_FRAGMENTS;
	expect_judged(packet, XDPSEC_DROP_FRAGMENT);
	packet.fragment = 8;
	packet.no_udp = true;
	expect_judged(packet, XDPSEC_DROP_FRAGMENT);

	/* A chain of extension headers that is too long. */
	packet = to(REMOTE_C6, PORT);
	for (int i = 0; i < 9; i++)
		packet_extend(&packet, PROTOCOL_DESTINATION, 8);
	expect_judged(packet, XDPSEC_DROP_MALFORMED);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_generation, reset),	   cmocka_unit_test_setup(test_old, reset),
		cmocka_unit_test_setup(test_moves, reset),	   cmocka_unit_test_setup(test_ports, reset),
		cmocka_unit_test_setup(test_words, reset),	   cmocka_unit_test_setup(test_shared, reset),
		cmocka_unit_test_setup(test_other_packets, reset),
	};

	fill_pattern(text, sizeof(text), 0x6b657074);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("policy_kept", tests, setup, site_teardown);
}
