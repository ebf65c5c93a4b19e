// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xdpsec_encapsulate: what was routed into the tunnel comes out as an outer packet, every byte of which is
 * known, or is dropped and counted. What is answered: unsendable_test.c.
 */
#include "unit.h"
#include "tunnel.h"

static uint8_t text[3200];

/* The largest payload of a UDP datagram that the underlay takes. */
static size_t largest(size_t i)
{
	return TUNNEL_MTU - tunnel_overhead(tunnel_directions[i].peer) -
	       tunnel_inner_headers(tunnel_directions[i].host);
}

static void expect_length(size_t i, size_t length)
{
	struct packet inner = tunnel_inner(tunnel_directions[i].host, text, length);

	expect_encapsulated(&inner, tunnel_directions[i].peer);
}

/* Every length of a partial block, in the first group of blocks and behind it. */
static void test_sizes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		size_t headers = tunnel_inner_headers(tunnel_directions[i].host);

		for (size_t length = 0; length <= 40; length++)
			expect_length(i, length);
		for (size_t blocks = 128; blocks < TUNNEL_MTU - 200; blocks += 128)
			for (size_t total = blocks - 17; total <= blocks + 17; total++)
				expect_length(i, total - headers);
		for (size_t length = largest(i) - 20; length <= largest(i); length++)
			expect_length(i, length);
	}
}

/* As long as the kernel's test run takes: it builds TC frames on one page. */
static void test_large(void **state)
{
	(void)state;
	rig_device_mtu(9000);
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++)
		for (size_t length = largest(i); length <= 3200; length += 89)
			expect_length(i, length);
}

/* Only an IP header, and protocols of which nobody has to know anything. */
static void test_other_protocols(void **state)
{
	static const int protocols[] = { PROTOCOL_ICMP,	  PROTOCOL_TCP,	 47,  50,
					 PROTOCOL_ICMPV6, PROTOCOL_NONE, 132, 255 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++)
		for (size_t j = 0; j < ARRAY_SIZE(protocols); j++)
			for (size_t length = 0; length <= 24; length += 3) {
				struct packet inner = tunnel_inner(tunnel_directions[i].host, text, length);

				inner.no_udp = true;
				inner.protocol = protocols[j];
				expect_encapsulated(&inner, tunnel_directions[i].peer);
			}
}

/* Fragments, options and extension headers are the inner hosts' affair. */
static void test_inner_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		struct packet inner = tunnel_inner(tunnel_directions[i].host, text, 100);

		if (inner.family == 4) {
			inner.options = 40;
			expect_encapsulated(&inner, tunnel_directions[i].peer);
			inner.fragment = IPV4_MORE_FRAGMENTS;
			expect_encapsulated(&inner, tunnel_directions[i].peer);
			inner.fragment = 20;
		} else {
			packet_extend(&inner, PROTOCOL_DESTINATION, 24);
			expect_encapsulated(&inner, tunnel_directions[i].peer);
			packet_extend(&inner, PROTOCOL_FRAGMENT, 8);
			inner.fragment = IPV6_MORE_FRAGMENTS;
			expect_encapsulated(&inner, tunnel_directions[i].peer);
			inner.fragment = 16 << 3;
		}
		inner.no_udp = true;
		expect_encapsulated(&inner, tunnel_directions[i].peer);
	}
}

/* TTL and flow label of the inner packet have no influence outside. */
static void test_inner_ttl(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++)
		for (int ttl = 1; ttl < 256; ttl += 127) {
			struct packet inner = tunnel_inner(tunnel_directions[i].host, text, 60);

			inner.ttl = ttl;
			inner.flow_label = 0xfffff;
			expect_encapsulated(&inner, tunnel_directions[i].peer);
		}
}

/* Ethernet's padding is not sealed. */
static void test_padding(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++)
		for (size_t padding = 1; padding <= 30; padding++) {
			struct packet inner = tunnel_inner(tunnel_directions[i].host, text, 3);

			inner.padding = padding;
			expect_encapsulated(&inner, tunnel_directions[i].peer);
		}
}

static void configure_flow_ports(void)
{
	struct xdpsec_config config = tunnel_config();

	config.flow_ports = 1;
	tunnel_configure(&config);
}

/* Packets of a flow keep their order, so that they keep their port. */
static void test_port_of_a_flow(void **state)
{
	(void)state;
	configure_flow_ports();
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		struct packet inner = tunnel_inner(tunnel_directions[i].host, text, 10);
		uint16_t port = expect_encapsulated(&inner, tunnel_directions[i].peer);

		for (size_t length = 0; length < 1300; length += 100) {
			inner.length = length;
			inner.ttl = length % 60 + 1;
			assert_int_equal(expect_encapsulated(&inner, tunnel_directions[i].peer), port);
		}
	}
}

static void set_source_port(struct packet *packet, int flow)
{
	packet->flow_label = 0;
	packet->source_port = 10000 + flow;
}

static void set_destination_port(struct packet *packet, int flow)
{
	packet->flow_label = 0;
	packet->destination_port = 10000 + flow;
}

/* A flow label set by the host identifies the flow (RFC 6437). */
static void set_flow_label(struct packet *packet, int flow)
{
	packet->flow_label = 1 + flow;
}

/* Flows that differ in one field only take nearly as many outer ports: that 256 meet in fewer than 200 of
 * 16384 does not happen by chance. */
static void expect_spread(size_t i, void (*set)(struct packet *packet, int flow))
{
	enum { FLOWS = 256, AT_LEAST = 200 };
	static bool used[65536];
	int distinct = 0;

	memset(used, 0, sizeof(used));
	for (int flow = 0; flow < FLOWS; flow++) {
		struct packet inner = tunnel_inner(tunnel_directions[i].host, text, 10);
		uint16_t port;

		set(&inner, flow);
		port = expect_encapsulated(&inner, tunnel_directions[i].peer);
		distinct += !used[port];
		used[port] = true;
	}
	assert_true(distinct >= AT_LEAST);
}

static void test_ports_spread(void **state)
{
	(void)state;
	configure_flow_ports();
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		expect_spread(i, set_source_port);
		expect_spread(i, set_destination_port);
		if (strchr(tunnel_directions[i].host, ':'))
			expect_spread(i, set_flow_label);
	}
}

static void test_fixed_port(void **state)
{
	struct xdpsec_endpoint endpoint = tunnel_endpoint(TUNNEL_B);
	struct xdpsec_config config = tunnel_config();

	(void)state;
	config.listen_port = 51820;
	tunnel_configure(&config);
	endpoint.from[0].port = 0;
	tunnel_set_endpoint(TUNNEL_B, &endpoint);
	for (int flow = 0; flow < 20; flow++) {
		struct packet inner = tunnel_inner(INNER_B4, text, 10);
		static struct frame frame, out;

		inner.source_port = 10000 + flow;
		packet_build(&frame, &inner);
		assert_int_equal(rig_run(PROGRAM_ENCAPSULATE, &frame, &out), TC_REDIRECT);
		assert_int_equal(read16(out.bytes + ETHERNET_LEN + IPV4_LEN), 51820);
	}
}

/* The edges of prefixes. */
static void test_prefixes(void **state)
{
	static const struct {
		const char *destination;
		int peer; /* TUNNEL_PEERS: nobody */
	} destinations[] = {
		{ "203.0.113.0", TUNNEL_B },	   { "203.0.113.127", TUNNEL_B },
		{ "203.0.113.128", TUNNEL_C },	   { "203.0.113.191", TUNNEL_C },
		{ "203.0.112.255", TUNNEL_PEERS }, { "203.0.114.0", TUNNEL_PEERS },
		{ "2001:db8:b::", TUNNEL_B },	   { "2001:db8:b:ffff:ffff:ffff:ffff:ffff", TUNNEL_B },
		{ "2001:db8:c::", TUNNEL_C },	   { "2001:db8:a:ffff:ffff:ffff:ffff:ffff", TUNNEL_PEERS },
		{ "2001:db8:12::", TUNNEL_PEERS },
	};
	struct packet mapped = tunnel_inner("::ffff:203.0.113.2", text, 30);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(destinations); i++) {
		struct packet inner = tunnel_inner(destinations[i].destination, text, 30);
		static struct frame frame, answer;

		if (destinations[i].peer != TUNNEL_PEERS) {
			expect_encapsulated(&inner, destinations[i].peer);
			continue;
		}
		packet_build(&frame, &inner);
		expect_answer(PROGRAM_ENCAPSULATE, &frame, XDPSEC_DROP_NO_PEER, SLOT_NONE, &answer);
	}
	/* The map keeps prefixes of IPv4 in this form. In a packet of IPv6 it is a forgery, and gets no answer. */
	expect_refused(&mapped, XDPSEC_DROP_NO_PEER, SLOT_NONE);
}

/* The longest prefix wins, and one of everything takes what is left, of its family alone. */
static void test_longest_prefix(void **state)
{
	struct packet inside4 = tunnel_inner("203.0.113.77", text, 30), outside4;
	struct packet inside6 = tunnel_inner("2001:db8:b:77::1", text, 30);
	struct packet outside6 = tunnel_inner("2001:db8:ffff::1", text, 30);
	static struct frame frame, answer;

	(void)state;
	outside4 = tunnel_inner("198.51.100.200", text, 30);
	rig_policy("203.0.113.76/30", TUNNEL_C, NULL, 0);
	rig_policy("2001:db8:b:77::/64", TUNNEL_C, NULL, 0);
	expect_encapsulated(&inside4, TUNNEL_C);
	expect_encapsulated(&inside6, TUNNEL_C);
	rig_policy("203.0.113.77/32", TUNNEL_B, NULL, 0);
	rig_policy("2001:db8:b:77::1/128", TUNNEL_B, NULL, 0);
	expect_encapsulated(&inside4, TUNNEL_B);
	expect_encapsulated(&inside6, TUNNEL_B);

	rig_policy("::/0", TUNNEL_B, NULL, 0);
	expect_encapsulated(&outside6, TUNNEL_B);
	packet_build(&frame, &outside4);
	expect_answer(PROGRAM_ENCAPSULATE, &frame, XDPSEC_DROP_NO_PEER, SLOT_NONE, &answer);
	rig_policy("0.0.0.0/0", TUNNEL_C, NULL, 0);
	expect_encapsulated(&outside4, TUNNEL_C);
	expect_encapsulated(&outside6, TUNNEL_B);
}

/* The hash of hosts comes before all prefixes, and is not asked where it does not pay. */
static void test_hosts(void **state)
{
	static const char *const hosts[] = { INNER_B4, INNER_B6 };
	struct packet beside4 = tunnel_inner("203.0.113.3", text, 30),
		      beside6 = tunnel_inner("2001:db8:b::3", text, 30);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct packet inner = tunnel_inner(hosts[i], text, 30);

		rig_host(hosts[i], TUNNEL_C);
		rig_use_hosts(false);
		expect_encapsulated(&inner, TUNNEL_B);
		rig_use_hosts(true);
		expect_encapsulated(&inner, TUNNEL_C);
		expect_encapsulated(&beside4, TUNNEL_B);
		expect_encapsulated(&beside6, TUNNEL_B);
		rig_host_remove(hosts[i]);
		expect_encapsulated(&inner, TUNNEL_B);
	}
}

/* An IPv6 packet to a mapped address is not one to the IPv4 host. */
static void test_mapped_host(void **state)
{
	struct packet inner = tunnel_inner("::ffff:203.0.113.2", text, 30);

	(void)state;
	rig_host(INNER_B4, TUNNEL_C);
	rig_use_hosts(true);
	expect_packet_drop(PROGRAM_ENCAPSULATE, &inner, XDPSEC_DROP_NO_PEER, SLOT_NONE);
	rig_host_remove(INNER_B4);
}

/* When the peer's last packet was: noted once a second. */
static void test_sent(void **state)
{
	struct packet inner = tunnel_inner(INNER_B4, text, 30);
	struct xdpsec_endpoint endpoint = tunnel_endpoint(TUNNEL_B);

	(void)state;
	endpoint.sent = tunnel_now() - 999999999;
	tunnel_set_endpoint(TUNNEL_B, &endpoint);
	expect_encapsulated(&inner, TUNNEL_B);
	endpoint.sent = tunnel_now() - 1000000000;
	tunnel_set_endpoint(TUNNEL_B, &endpoint);
	expect_encapsulated(&inner, TUNNEL_B);
	assert_true(tunnel_endpoint(TUNNEL_B).sent > endpoint.sent);
}

/* The endpoint after the peer has moved, or was configured anew. */
static void test_other_location(void **state)
{
	struct xdpsec_endpoint endpoint = tunnel_endpoint(TUNNEL_B);
	struct packet inner = tunnel_inner(INNER_B4, text, 30);
	static struct frame frame, out;

	(void)state;
	endpoint.at[1] = tunnel_location("2001:db8:2::77", 7777);
	endpoint.current = 1;
	tunnel_set_endpoint(TUNNEL_B, &endpoint);
	packet_build(&frame, &inner);
	assert_int_equal(rig_run(PROGRAM_ENCAPSULATE, &frame, &out), TC_REDIRECT);
	assert_int_equal(out.length, frame.length + OVERHEAD_IPV6);
	assert_int_equal(read16(out.bytes + 12), 0x86dd);
	assert_memory_equal(out.bytes + ETHERNET_LEN + 24, endpoint.at[1].address, 16);
	assert_int_equal(read16(out.bytes + ETHERNET_LEN + IPV6_LEN + 2), 7777);
}

static void test_no_key(void **state)
{
	struct packet inner4 = tunnel_inner(INNER_NO_SA4, text, 30);
	struct packet inner6 = tunnel_inner(INNER_NO_SA6, text, 30);

	(void)state;
	expect_refused(&inner4, XDPSEC_DROP_NO_KEY, SLOT_NONE);
	expect_refused(&inner6, XDPSEC_DROP_NO_KEY, SLOT_NONE);
}

static void test_loop(void **state)
{
	struct packet inner4 = tunnel_inner(INNER_LOOP4, text, 30);
	struct packet inner6 = tunnel_inner(INNER_LOOP6, text, 30);

	(void)state;
	expect_refused(&inner4, XDPSEC_DROP_LOOP, TUNNEL_TX(TUNNEL_LOOP));
	expect_refused(&inner6, XDPSEC_DROP_LOOP, TUNNEL_TX(TUNNEL_LOOP));
}

/* The last number of the reserved range is used, and none beyond it. */
static void test_sequence_exhausted(void **state)
{
	struct packet inner = tunnel_inner(INNER_B4, text, 30);

	(void)state;
	rig_sequence(TUNNEL_TX(TUNNEL_B), 99, 101);
	expect_encapsulated(&inner, TUNNEL_B);
	expect_encapsulated(&inner, TUNNEL_B);
	expect_refused(&inner, XDPSEC_DROP_SEQUENCE_EXHAUSTED, TUNNEL_TX(TUNNEL_B));
	expect_refused(&inner, XDPSEC_DROP_SEQUENCE_EXHAUSTED, TUNNEL_TX(TUNNEL_B));
	rig_sequence(TUNNEL_TX(TUNNEL_B), XDPSEC_SEQUENCE_LIMIT, ~0ULL);
	expect_refused(&inner, XDPSEC_DROP_SEQUENCE_EXHAUSTED, TUNNEL_TX(TUNNEL_B));
}

/* The near end segments and completes checksums; what comes without that would be broken by sealing it. */
static void test_gso(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		struct packet inner = tunnel_inner(tunnel_directions[i].host, text, 1200);

		inner.gso_size = 400;
		expect_refused(&inner, XDPSEC_DROP_NO_HOP, TUNNEL_TX(tunnel_directions[i].peer));
	}
}

static void expect_malformed(const char *destination, void (*change)(struct packet *packet))
{
	struct packet inner = tunnel_inner(destination, text, 40);

	change(&inner);
	expect_refused(&inner, XDPSEC_DROP_MALFORMED, SLOT_NONE);
}

static void change_version(struct packet *packet)
{
	packet->version = packet->family == 4 ? 6 : 4;
}

static void change_version_5(struct packet *packet)
{
	packet->version = 5;
}

static void change_ethertype(struct packet *packet)
{
	packet->ethertype = packet->family == 4 ? 0x86dd : 0x0800;
}

static void change_ihl(struct packet *packet)
{
	packet->ihl = 4;
}

static void lengthen(struct packet *packet)
{
	packet->ip_length = (packet->family == 4 ? IPV4_LEN : 0) + UDP_LEN + packet->length + 1;
}

static void lengthen_to_most(struct packet *packet)
{
	packet->ip_length = 0xffff;
}

static void shorten_below_header(struct packet *packet)
{
	packet->ip_length = IPV4_LEN - 1;
}

static void shorten_below_options(struct packet *packet)
{
	packet->options = 8;
	packet->ip_length = IPV4_LEN + 7;
}

static void test_malformed(void **state)
{
	static const char *const destinations[] = { INNER_B4, INNER_C6 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(destinations); i++) {
		expect_malformed(destinations[i], change_version);
		expect_malformed(destinations[i], change_version_5);
		expect_malformed(destinations[i], change_ethertype);
		expect_malformed(destinations[i], lengthen);
		expect_malformed(destinations[i], lengthen_to_most);
	}
	expect_malformed(INNER_B4, change_ihl);
	expect_malformed(INNER_B4, shorten_below_header);
	expect_malformed(INNER_B4, shorten_below_options);
}

/* Cut anywhere; some kernels refuse frames without a network header. */
static void test_truncated(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		struct packet inner = tunnel_inner(tunnel_directions[i].host, text, 10);
		static struct frame frame, out;
		int verdict;

		packet_build(&frame, &inner);
		while (--frame.length >= ETHERNET_LEN)
			if (rig_try(PROGRAM_ENCAPSULATE, &frame, &out, &verdict))
				expect_drop(PROGRAM_ENCAPSULATE, &frame, XDPSEC_DROP_MALFORMED, SLOT_NONE);
	}
}

/* ARP, VLANs, whatever else: nothing but IP goes through. */
static void test_other_ethertypes(void **state)
{
	static const int ethertypes[] = { 0x0806, 0x8100, 0x88a8, 0x8847, 0x88cc, 0x0600, 0xffff };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ethertypes); i++) {
		struct packet inner = tunnel_inner(INNER_B4, text, 40);

		inner.ethertype = ethertypes[i];
		expect_refused(&inner, XDPSEC_DROP_STRAY, SLOT_NONE);
	}
	for (unsigned int vlans = 1; vlans <= 2; vlans++) {
		struct packet inner = tunnel_inner(INNER_B4, text, 40);

		inner.vlans = vlans;
		expect_refused(&inner, XDPSEC_DROP_STRAY, SLOT_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_sizes, tunnel_reset),
		cmocka_unit_test_setup(test_large, tunnel_reset),
		cmocka_unit_test_setup(test_other_protocols, tunnel_reset),
		cmocka_unit_test_setup(test_inner_headers, tunnel_reset),
		cmocka_unit_test_setup(test_inner_ttl, tunnel_reset),
		cmocka_unit_test_setup(test_padding, tunnel_reset),
		cmocka_unit_test_setup(test_port_of_a_flow, tunnel_reset),
		cmocka_unit_test_setup(test_ports_spread, tunnel_reset),
		cmocka_unit_test_setup(test_fixed_port, tunnel_reset),
		cmocka_unit_test_setup(test_prefixes, tunnel_reset),
		cmocka_unit_test_setup(test_sent, tunnel_reset),
		cmocka_unit_test_setup(test_other_location, tunnel_reset),
		cmocka_unit_test_setup(test_no_key, tunnel_reset),
		cmocka_unit_test_setup(test_loop, tunnel_reset),
		cmocka_unit_test_setup(test_sequence_exhausted, tunnel_reset),
		cmocka_unit_test_setup(test_gso, tunnel_reset),
		cmocka_unit_test_setup(test_malformed, tunnel_reset),
		cmocka_unit_test_setup(test_truncated, tunnel_reset),
		cmocka_unit_test_setup(test_other_ethertypes, tunnel_reset),
		cmocka_unit_test_setup(test_hosts, tunnel_reset),
		cmocka_unit_test_setup(test_mapped_host, tunnel_reset),
		/* It changes the table. */
		cmocka_unit_test_setup(test_longest_prefix, tunnel_reset),
	};

	fill_pattern(text, sizeof(text), 31);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("encapsulate", tests, tunnel_setup, tunnel_teardown);
}
