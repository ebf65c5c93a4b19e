// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The addresses and ports that the tag binds: OpenSSL's associated data is the measure. And what the programs keep of
 * them: nothing of another key, of another flow, or of a packet that was not opened.
 */
#include <stdlib.h>
#include <bpf/libbpf.h>

#include "unit.h"
#include "site.h"
#include "expect.h"

enum { TEXT_LEN = 100, BINDINGS = 256 };

static uint8_t text[TEXT_LEN];
static const int families[] = { 4, 6 };

/* An element of map "bindings" as bytes: a test run on one CPU changes one copy of an element. */
struct kept {
	uint8_t bytes[BINDINGS][64];
};

static int setup(void **state)
{
	static const struct xdpsec_ports all = { 0, 65535 };

	site_setup(state);
	/* Whatever address a packet gets, it is PEER_B's. */
	for (size_t i = 0; i < SITE_POLICIES; i++)
		rig_policy_remove(site_policies[i].prefix);
	rig_policy("0.0.0.0/0", PEER_B, &all, 1);
	rig_policy("::/0", PEER_B, &all, 1);
	return 0;
}

static int reset(void **state)
{
	site_reset(state);
	for (int slot = SLOT_B_TX; slot <= SLOT_B_RX; slot++)
		site_bind(slot, XDPSEC_BIND_ADDRESSES);
	rig_bindings_forget();
	return 0;
}

static struct packet outgoing(int family)
{
	return packet_udp(family == 4 ? REMOTE_B4 : REMOTE_B6, PORT, text, TEXT_LEN);
}

static struct packet incoming(int family)
{
	return packet_reversed(outgoing(family));
}

/* Each twice: computed, then kept. */
static void test_hash(void **state)
{
	uint64_t sequence = 1;

	(void)state;
	for (enum xdpsec_binding binding = XDPSEC_BIND_NONE; binding <= XDPSEC_BIND_ADDRESSES; binding++)
		for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
			struct packet out = outgoing(families[i]), in = incoming(families[i]);

			site_bind(SLOT_B_TX, binding);
			site_bind(SLOT_B_RX, binding);
			for (int times = 0; times < 2; times++) {
				expect_sealed(PROGRAM_SEAL, &out, SLOT_B_TX, SEAL_PASS);
				expect_sealed(PROGRAM_HOP, &out, SLOT_B_TX, TC_REDIRECT);
				expect_opens(&in, SLOT_B_RX, sequence++);
			}
		}
}

static void test_lengths(void **state)
{
	static const size_t lengths[] = { 36, 12, 4, 0 };
	struct packet packets[] = { outgoing(6), outgoing(4), outgoing(4), outgoing(4) };
	static const enum xdpsec_binding bindings[] = { XDPSEC_BIND_ADDRESSES, XDPSEC_BIND_ADDRESSES,
							XDPSEC_BIND_PORTS, XDPSEC_BIND_NONE };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		site_bind(SLOT_B_TX, bindings[i]);
		assert_int_equal(site_bound(&packets[i], SLOT_B_TX).length, lengths[i]);
		for (size_t n = 0; n <= 48; n++) {
			packets[i].length = n;
			packets[i].udp_checksum = n % 2 && packets[i].family == 4 ? 0 : AUTO;
			expect_sealed(PROGRAM_SEAL, &packets[i], SLOT_B_TX, SEAL_PASS);
		}
	}
}

/* Options and extension headers lie between addresses and ports, and are not bound. */
static void test_headers_between(void **state)
{
	struct packet out4 = outgoing(4), out6 = outgoing(6), in4, in6;

	(void)state;
	out4.options = 8;
	packet_extend(&out6, PROTOCOL_DESTINATION, 16);
	in4 = packet_reversed(out4);
	in6 = packet_reversed(out6);
	expect_sealed(PROGRAM_SEAL, &out4, SLOT_B_TX, SEAL_PASS);
	expect_sealed(PROGRAM_SEAL, &out6, SLOT_B_TX, SEAL_PASS);
	expect_opens(&in4, SLOT_B_RX, 1);
	expect_opens(&in6, SLOT_B_RX, 2);
}

/* One bit of a field changes on the way. Bits of an address are counted from its first byte. */
static void change(struct frame *frame, size_t bit)
{
	frame->bytes[bit / 8] ^= 1 << bit % 8;
}

static void expect_changed(int family, size_t first, size_t bytes, bool is_bound)
{
	struct packet plain = incoming(family), sealed;
	uint8_t buffer[XDPSEC_OVERHEAD + TEXT_LEN];
	struct frame frame, out;

	for (size_t bit = 8 * first; bit < 8 * (first + bytes); bit++) {
		uint64_t sequence = bit;

		sealed = site_sealed(&plain, SLOT_B_RX, sequence, buffer);
		packet_build(&frame, &sealed);
		change(&frame, bit);
		if (is_bound) {
			expect_drop(PROGRAM_OPEN, &frame, XDPSEC_DROP_AUTH_FAILED, SLOT_B_RX);
			change(&frame, bit);
		}
		assert_int_equal(rig_run(PROGRAM_OPEN, &frame, &out), XDP_PASS);
	}
	rig_window_reset(SLOT_B_RX);
}

/* Changed as NAT or an attacker does it: what is bound fails, and the packet as it was sent is opened even after that.
 */
static void test_changed(void **state)
{
	(void)state;
	for (enum xdpsec_binding binding = XDPSEC_BIND_NONE; binding <= XDPSEC_BIND_ADDRESSES; binding++) {
		bool addresses = binding == XDPSEC_BIND_ADDRESSES, ports = binding != XDPSEC_BIND_NONE;

		site_bind(SLOT_B_RX, binding);
		expect_changed(4, ETHERNET_LEN + 12, 4, addresses);
		expect_changed(4, ETHERNET_LEN + 16, 4, addresses);
		expect_changed(4, ETHERNET_LEN + IPV4_LEN, 2, ports);
		expect_changed(4, ETHERNET_LEN + IPV4_LEN + 2, 2, ports);
		expect_changed(6, ETHERNET_LEN + 8, 16, addresses);
		expect_changed(6, ETHERNET_LEN + 24, 16, addresses);
		expect_changed(6, ETHERNET_LEN + IPV6_LEN, 2, ports);
		expect_changed(6, ETHERNET_LEN + IPV6_LEN + 2, 2, ports);
	}
}

/* An end that binds something else takes nothing. */
static void test_ends_differ(void **state)
{
	uint8_t buffer[XDPSEC_OVERHEAD + TEXT_LEN];

	(void)state;
	for (int sender = XDPSEC_BIND_NONE; sender <= XDPSEC_BIND_ADDRESSES; sender++)
		for (int receiver = XDPSEC_BIND_NONE; receiver <= XDPSEC_BIND_ADDRESSES; receiver++) {
			struct packet plain = incoming(4), sealed;

			site_bind(SLOT_B_RX, sender);
			sealed = site_sealed(&plain, SLOT_B_RX, 10 * sender + receiver, buffer);
			site_bind(SLOT_B_RX, receiver);
			if (sender == receiver)
				expect_opened(&sealed, &plain, SLOT_B_RX);
			else
				expect_packet_drop(PROGRAM_OPEN, &sealed, XDPSEC_DROP_AUTH_FAILED, SLOT_B_RX);
		}
}

/* IPv4, by a table of the same key: no A is taken for one of another length that has the same words. */
static void test_lengths_are_apart(void **state)
{
	struct packet in4 = incoming(4), in6 = incoming(6);
	uint64_t sequence = 1;

	(void)state;
	/* Words of the IPv6 addresses as those of IPv4 lie in memory, and zeros. */
	in4.source = "198.51.100.2";
	in4.destination = "192.0.2.1";
	in6.source = "c633:6402:c000:201::";
	in6.destination = "::";
	for (int times = 0; times < 3; times++) {
		site_bind(SLOT_B_RX, XDPSEC_BIND_ADDRESSES);
		expect_opens(&in4, SLOT_B_RX, sequence++);
		expect_opens(&in6, SLOT_B_RX, sequence++);
		site_bind(SLOT_B_RX, XDPSEC_BIND_PORTS);
		expect_opens(&in4, SLOT_B_RX, sequence++);
		expect_opens(&in6, SLOT_B_RX, sequence++);
	}
}

static uint64_t id_of(int slot)
{
	struct xdpsec_sa sa;

	map_read(rig.maps.sas, rig_slot(slot), &sa);
	return sa.id;
}

/* The next SA in a slot, with its peer, SPI and flow, has another key: what was kept of the first is of no use. */
static void test_another_key(void **state)
{
	struct packet out = outgoing(4), in = incoming(4);
	uint64_t id;

	(void)state;
	for (int round = 0; round < 3; round++) {
		expect_sealed(PROGRAM_SEAL, &out, SLOT_B_TX, SEAL_PASS);
		expect_opens(&in, SLOT_B_RX, 1);
		id = id_of(SLOT_B_RX);
		site_rekey(SLOT_B_TX, 100 + round);
		site_rekey(SLOT_B_RX, 200 + round);
		assert_true(id_of(SLOT_B_TX) > id && id_of(SLOT_B_RX) > id_of(SLOT_B_TX));
		expect_sealed(PROGRAM_SEAL, &out, SLOT_B_TX, SEAL_PASS);
		expect_opens(&in, SLOT_B_RX, 1);
		rig_window_reset(SLOT_B_RX);
	}
}

/* The same bits of two bytes: flows that are kept at one place (binding.bpf.h), one after the other. */
static void test_collision(void **state)
{
	struct packet one = incoming(4), other = one, out_one, out_other;
	uint64_t sequence = 1;
	static struct kept kept;

	(void)state;
	other.source_port ^= 0x0101;
	out_one = packet_reversed(one);
	out_other = packet_reversed(other);
	for (int times = 0; times < 4; times++) {
		expect_opens(&one, SLOT_B_RX, sequence++);
		expect_opens(&other, SLOT_B_RX, sequence++);
		expect_opens(&other, SLOT_B_RX, sequence++);
		expect_sealed(PROGRAM_SEAL, &out_one, SLOT_B_TX, SEAL_PASS);
		expect_sealed(PROGRAM_SEAL, &out_other, SLOT_B_TX, SEAL_PASS);
	}
	assert_int_equal(rig_bindings(PROGRAM_OPEN, kept.bytes), 1);
}

/* Many flows: each is kept, and few displace others. */
static void test_many_flows(void **state)
{
	static struct kept kept;
	struct packet in = incoming(4);
	uint64_t sequence = 1;

	(void)state;
	for (int i = 0; i < 200; i++) {
		in.source_port = 50000 + i;
		expect_opens(&in, SLOT_B_RX, sequence++);
	}
	assert_in_range(rig_bindings(PROGRAM_OPEN, kept.bytes), 150, 200);
}

/* Neither a forged packet nor a replayed one gets in, or displaces what is there. */
static void test_forged_is_not_kept(void **state)
{
	static struct kept before, after;
	uint8_t buffer[XDPSEC_OVERHEAD + TEXT_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		struct packet good = incoming(families[i]), forged = good, sealed;

		expect_opens(&good, SLOT_B_RX, 1);
		assert_int_equal(rig_bindings(PROGRAM_OPEN, before.bytes), i + 1);
		sealed = site_sealed(&good, SLOT_B_RX, 2, buffer);
		for (int port = 0; port < 1000; port++) {
			forged = sealed;
			forged.source_port = 1000 + port;
			expect_packet_drop(PROGRAM_OPEN, &forged, XDPSEC_DROP_AUTH_FAILED, SLOT_B_RX);
		}
		forged = good;
		forged.source_port ^= 0x0101;
		sealed = site_sealed(&forged, SLOT_B_RX, 1, buffer);
		expect_packet_drop(PROGRAM_OPEN, &sealed, XDPSEC_DROP_REPLAYED, SLOT_B_RX);
		rig_bindings(PROGRAM_OPEN, after.bytes);
		assert_memory_equal(before.bytes, after.bytes, sizeof(before.bytes));
		expect_opens(&good, SLOT_B_RX, 3);
		rig_window_reset(SLOT_B_RX);
	}
}

/* An SA that binds nothing, or has no key, keeps nothing. */
static void test_none_is_not_kept(void **state)
{
	static struct kept kept;
	struct packet in = incoming(4), out = outgoing(4);

	(void)state;
	site_bind(SLOT_B_TX, XDPSEC_BIND_NONE);
	site_bind(SLOT_B_RX, XDPSEC_BIND_NONE);
	expect_opens(&in, SLOT_B_RX, 1);
	expect_sealed(PROGRAM_SEAL, &out, SLOT_B_TX, SEAL_PASS);
	assert_int_equal(rig_bindings(PROGRAM_OPEN, kept.bytes), 0);
	assert_int_equal(rig_bindings(PROGRAM_SEAL, kept.bytes), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_hash, reset),
		cmocka_unit_test_setup(test_lengths, reset),
		cmocka_unit_test_setup(test_headers_between, reset),
		cmocka_unit_test_setup(test_changed, reset),
		cmocka_unit_test_setup(test_ends_differ, reset),
		cmocka_unit_test_setup(test_lengths_are_apart, reset),
		cmocka_unit_test_setup(test_another_key, reset),
		cmocka_unit_test_setup(test_collision, reset),
		cmocka_unit_test_setup(test_many_flows, reset),
		cmocka_unit_test_setup(test_forged_is_not_kept, reset),
		cmocka_unit_test_setup(test_none_is_not_kept, reset),
	};

	fill_pattern(text, sizeof(text), 23);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("binding", tests, setup, site_teardown);
}
