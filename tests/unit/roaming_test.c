// SPDX-License-Identifier: GPL-2.0-or-later
/* Roaming: a packet from another address or port moves a peer's endpoint, and nothing else does. */
#include "unit.h"
#include "tunnel.h"

enum { TEXT_LEN = 40 };

static uint8_t text[100], buffer[FRAME_MAX];

static const struct {
	const char *source, *elsewhere;
	uint16_t port;
	int peer;
} moves[] = {
	{ INNER_B4, "198.51.100.200", TUNNEL_PORT, TUNNEL_B }, /* another address */
	{ INNER_B6, ENDPOINT_B4, 61000, TUNNEL_B },	       /* another port: a NAT has forgotten */
	{ INNER_B4, "203.0.113.77", 1, TUNNEL_B },
	{ INNER_B4, "2001:db8:2::99", 65535, TUNNEL_B }, /* another family */
	{ INNER_C6, "2001:db8:2::99", 7253, TUNNEL_C },
	{ INNER_C4, "198.51.100.130", 33333, TUNNEL_C },
};

static struct packet incoming(size_t i, uint64_t sequence)
{
	struct packet inner = tunnel_inner_from(moves[i].source, text, TEXT_LEN);

	return tunnel_incoming(moves[i].peer, sequence, &inner, buffer);
}

/* The same packet, as it comes from somewhere else. */
static struct packet from(struct packet outer, const char *address, uint16_t port)
{
	outer.source = address;
	outer.source_port = port;
	outer.family = strchr(address, ':') ? 6 : 4;
	outer.destination = outer.family == 6 ? LOCAL6 : LOCAL4;
	outer.fragment = 0;
	return outer;
}

static struct packet from_elsewhere(size_t i, struct packet outer)
{
	return from(outer, moves[i].elsewhere, moves[i].port);
}

static void expect_stays(const struct packet *outer, size_t i)
{
	struct packet inner = tunnel_inner_from(moves[i].source, text, TEXT_LEN);

	expect_decapsulated(outer, &inner, moves[i].peer);
}

/* Its new location is the current one, and it is answered from the address that it sent to; the move is
 * counted; what was known of the path to another address is not believed any more. That is all that changed.
 */
static void expect_moved(const struct packet *outer, int peer, size_t bytes, enum xdpsec_drop reason)
{
	static struct tally expected, after;
	static struct frame frame, out;
	struct xdpsec_endpoint *endpoint;
	struct xdpsec_location to = tunnel_location(outer->source, outer->source_port);
	struct xdpsec_source source = tunnel_source(outer->destination, XDPSEC_LOCAL_DEVICE);
	uint64_t until;
	bool same;
	int verdict;

	packet_build(&frame, outer);
	tally_take(&expected);
	verdict = rig_run(PROGRAM_DECAPSULATE, &frame, &out);
	tally_take(&after);
	endpoint = &expected.endpoints[peer];
	assert_memory_equal(&after.endpoints[peer].at[after.endpoints[peer].current], &to, sizeof(to));
	until = after.endpoints[peer].path_mtu_until;
	same = memcmp(endpoint->at[endpoint->current].address, to.address, sizeof(to.address)) == 0;
	assert_true(same ? until == endpoint->path_mtu_until : until <= tunnel_now());
	assert_int_equal(after.endpoints[peer].moves, endpoint->moves + 1);
	endpoint->moves++;
	endpoint->path_mtu_until = until;
	endpoint->current = after.endpoints[peer].current;
	endpoint->at[endpoint->current] = to;
	endpoint->from[endpoint->current] = source;
	tally_move_window(&expected, &after, TUNNEL_RX(peer));
	if (reason == XDPSEC_DROP_COUNT) {
		assert_int_equal(verdict, bytes ? XDP_REDIRECT : XDP_DROP);
		tally_add_packet(&expected, &after, TUNNEL_RX(peer), bytes);
	} else {
		assert_int_equal(verdict, XDP_DROP);
		tally_add_drop(&expected, reason, TUNNEL_RX(peer));
	}
	expect_same_tally(&after, &expected);
}

static void expect_moves(const struct packet *outer, size_t i)
{
	expect_moved(outer, moves[i].peer, tunnel_inner_headers(moves[i].source) + TEXT_LEN,
		     XDPSEC_DROP_COUNT);
}

/* Packets to the peer go to its current location. */
static void expect_sent_to(size_t i, const char *address, uint16_t port)
{
	struct packet inner = tunnel_inner(moves[i].source, text, TEXT_LEN);
	static struct frame frame, out;
	struct layout layout;
	struct xdpsec_location got, want = tunnel_location(address, port);

	packet_build(&frame, &inner);
	assert_int_equal(rig_run(PROGRAM_ENCAPSULATE, &frame, &out), TC_REDIRECT);
	assert_true(frame_layout(&out, &layout));
	assert_true(frame_checksums_hold(&out));
	got = (struct xdpsec_location){ .known = 1, .port = read16(out.bytes + layout.transport + 2) };
	if (layout.family == 6) {
		memcpy(got.address, out.bytes + layout.network + 24, 16);
	} else {
		memset(got.address + 10, 0xff, 2);
		memcpy(got.address + 12, out.bytes + layout.network + 16, 4);
	}
	assert_memory_equal(&got, &want, sizeof(got));
}

static void test_moves(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(moves); i++) {
		struct xdpsec_endpoint endpoint;
		struct packet outer;

		tunnel_reset(NULL);
		endpoint = tunnel_endpoint(moves[i].peer);
		endpoint.path_mtu = 1400;
		endpoint.path_mtu_until = tunnel_now() + 600000000000;
		tunnel_set_endpoint(moves[i].peer, &endpoint);
		outer = incoming(i, 0);
		expect_stays(&outer, i);
		outer = from_elsewhere(i, incoming(i, 1));
		expect_moves(&outer, i);
		expect_sent_to(i, moves[i].elsewhere, moves[i].port);
		outer = from_elsewhere(i, incoming(i, 2));
		expect_stays(&outer, i);
		outer = incoming(i, 3); /* and back */
		expect_moves(&outer, i);
		expect_sent_to(i, tunnel_peers[moves[i].peer].endpoint, tunnel_peers[moves[i].peer].port);
	}
}

/* A peer without an Endpoint in its section: the first packet says where it is. */
static void test_first_known(void **state)
{
	struct packet inner = tunnel_inner_from(INNER_NO_ENDPOINT4, text, 40), outer;
	struct packet answer = tunnel_inner(INNER_NO_ENDPOINT4, text, 40);
	uint8_t bytes[200];
	size_t n = tunnel_inner_bytes(&inner, bytes);
	static struct frame frame, out;

	(void)state;
	outer = packet_udp("198.51.100.99", 40000, buffer, 0);
	outer.length = oracle_seal(tunnel_sas[TUNNEL_RX(TUNNEL_NO_ENDPOINT)].oracle,
				   tunnel_sas[TUNNEL_RX(TUNNEL_NO_ENDPOINT)].spi, NEXT_IPV4, 0, NULL, bytes,
				   n, buffer);
	outer = packet_reversed(outer);
	outer.destination_port = TUNNEL_PORT;
	outer.ingress = rig.device;
	outer.tos = inner.tos;
	packet_build(&frame, &answer);
	expect_answer(PROGRAM_ENCAPSULATE, &frame, XDPSEC_DROP_NO_ENDPOINT, TUNNEL_TX(TUNNEL_NO_ENDPOINT),
		      &out);
	expect_moved(&outer, TUNNEL_NO_ENDPOINT, n, XDPSEC_DROP_COUNT);
	assert_int_equal(rig_run(PROGRAM_ENCAPSULATE, &frame, &out), TC_REDIRECT);
	assert_int_equal(read16(out.bytes + ETHERNET_LEN + IPV4_LEN + 2), 40000);
}

/* Pinned by the configuration: it is delivered, and answered where the configuration says. */
static void test_does_not_roam(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(moves); i++) {
		struct xdpsec_endpoint endpoint;
		struct packet outer;

		tunnel_reset(NULL);
		endpoint = tunnel_endpoint(moves[i].peer);
		endpoint.roams = 0;
		tunnel_set_endpoint(moves[i].peer, &endpoint);
		outer = from_elsewhere(i, incoming(i, 1));
		expect_stays(&outer, i);
		expect_sent_to(i, tunnel_peers[moves[i].peer].endpoint, tunnel_peers[moves[i].peer].port);
	}
}

/* Forged, replayed, in clear, to another port: expect_drop() sees that no endpoint moves. */
static void test_not_by_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(moves); i++) {
		int slot = TUNNEL_RX(moves[i].peer);
		struct packet outer, first;

		tunnel_reset(NULL);
		first = incoming(i, 5);
		expect_stays(&first, i);
		first = from_elsewhere(i, first);
		expect_packet_drop(PROGRAM_DECAPSULATE, &first, XDPSEC_DROP_REPLAYED, slot);
		outer = from_elsewhere(i, incoming(i, 6));
		for (size_t at = 8; at < outer.length; at++) {
			buffer[at] ^= 1;
			expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_AUTH_FAILED, slot);
			buffer[at] ^= 1;
		}
		outer.destination_port++;
		expect_packet_untouched(PROGRAM_DECAPSULATE, &outer);
		outer.destination_port--;
		expect_moves(&outer, i);
	}
}

/* A packet that was delayed for longer has come by a path that the peer has left. */
static void test_not_by_older(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(moves); i++) {
		struct packet outer;

		tunnel_reset(NULL);
		outer = incoming(i, 100);
		expect_stays(&outer, i);
		for (uint64_t older = 95; older < 100; older++) {
			outer = from_elsewhere(i, incoming(i, older));
			expect_stays(&outer, i);
		}
		outer = from_elsewhere(i, incoming(i, 101));
		expect_moves(&outer, i);
	}
}

/* A keepalive is what it takes behind a NAT. */
static void test_by_keepalive(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(moves); i++) {
		struct packet outer;

		tunnel_reset(NULL);
		outer = tunnel_arriving(moves[i].peer, NEXT_NONE, 7, text, i % 2 * 20, buffer);
		outer = from_elsewhere(i, outer);
		expect_moved(&outer, moves[i].peer, 0, XDPSEC_DROP_COUNT);
	}
}

/* The peer has sent it, and so is there, whatever it may not send. */
static void test_by_what_is_dropped(void **state)
{
	struct packet inner = tunnel_inner_from(INNER_NOBODY4, text, 40);
	struct packet outer = tunnel_incoming(TUNNEL_B, 1, &inner, buffer);

	(void)state;
	outer = from(outer, "198.51.100.200", 7253);
	expect_moved(&outer, TUNNEL_B, 0, XDPSEC_DROP_SPOOFED);
}

/* Moves of one peer are not those of another one. */
static void test_often(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 50; i++) {
		struct packet outer = from(incoming(0, i), "198.51.100.200", 1024 + i);

		expect_moves(&outer, 0);
		expect_sent_to(0, "198.51.100.200", 1024 + i);
	}
	assert_int_equal(tunnel_endpoint(TUNNEL_B).moves, 50);
	assert_int_equal(tunnel_endpoint(TUNNEL_C).moves, 0);
}

enum { FLOW_PORT = 50123 };

/* The port by the configuration, for a peer that may send from ports by flow. */
static void keep_port(uint16_t port)
{
	struct xdpsec_endpoint endpoint = tunnel_endpoint(TUNNEL_B);

	endpoint.port = port;
	tunnel_set_endpoint(TUNNEL_B, &endpoint);
}

static void test_port_of_a_flow(void **state)
{
	struct packet outer;

	(void)state;
	keep_port(TUNNEL_PORT);
	outer = from(incoming(0, 1), ENDPOINT_B4, FLOW_PORT);
	expect_stays(&outer, 0);
	expect_sent_to(0, ENDPOINT_B4, TUNNEL_PORT);
	outer = from(incoming(0, 2), ENDPOINT_B4, 65535);
	expect_stays(&outer, 0);
	outer = from(incoming(0, 3), ENDPOINT_B4, 49152);
	expect_stays(&outer, 0);
	/* No port of a flow: a NAT's. */
	outer = from(incoming(0, 4), ENDPOINT_B4, 49151);
	expect_moves(&outer, 0);
	outer = from(incoming(0, 5), ENDPOINT_B4, TUNNEL_PORT);
	expect_moves(&outer, 0);
	/* A port by flow from another address is taken, and the peer stays there. */
	outer = from(incoming(0, 6), "198.51.100.200", FLOW_PORT);
	expect_moves(&outer, 0);
	expect_sent_to(0, "198.51.100.200", FLOW_PORT);
	outer = from(incoming(0, 7), ENDPOINT_B4, TUNNEL_PORT);
	expect_moves(&outer, 0);
}

/* One that is learned is followed to any port: it may be of a NAT. */
static void test_port_of_a_nat(void **state)
{
	struct packet outer = from(incoming(0, 1), ENDPOINT_B4, FLOW_PORT);

	(void)state;
	expect_moves(&outer, 0);
	expect_sent_to(0, ENDPOINT_B4, FLOW_PORT);
}

/* The endpoint moves from one flow to the next at most once a second. */
static void test_from_flow_to_flow(void **state)
{
	struct xdpsec_endpoint endpoint;
	struct packet outer = from(incoming(0, 1), ENDPOINT_B4, FLOW_PORT);
	static struct frame frame, out;

	(void)state;
	expect_moves(&outer, 0);
	for (uint16_t i = 1; i < 100; i++) {
		outer = from(incoming(0, 1 + i), ENDPOINT_B4, FLOW_PORT + i);
		packet_build(&frame, &outer);
		assert_int_equal(rig_run(PROGRAM_DECAPSULATE, &frame, &out), XDP_REDIRECT);
	}
	endpoint = tunnel_endpoint(TUNNEL_B);
	/* The first of them, and one more if the clock has gone on to the next second. */
	assert_in_range(endpoint.moves, 2, 4);
	assert_true(tunnel_now() - endpoint.hopped < 10000000000);
	endpoint.hopped = tunnel_now() - 1000000000;
	tunnel_set_endpoint(TUNNEL_B, &endpoint);
	outer = from(incoming(0, 200), ENDPOINT_B4, 60000);
	packet_build(&frame, &outer);
	assert_int_equal(rig_run(PROGRAM_DECAPSULATE, &frame, &out), XDP_REDIRECT);
	expect_sent_to(0, ENDPOINT_B4, 60000);
}

/* A peer that chooses source ports by flow is answered at that port, and opens the answer. */
static void test_answers_to_flow_ports(void **state)
{
	static const uint16_t ports[] = { 49152, FLOW_PORT, 65535 };
	struct xdpsec_config config = tunnel_config();

	(void)state;
	config.flow_ports = 1;
	for (size_t i = 0; i < ARRAY_SIZE(moves); i++)
		for (size_t j = 0; j < ARRAY_SIZE(ports); j++) {
			struct packet inner = tunnel_inner_from(moves[i].source, text, TEXT_LEN), outer;

			tunnel_reset(NULL);
			outer = incoming(i, 1);
			outer.destination_port = ports[j];
			/* Not where this end sends from its ListenPort only. */
			expect_packet_untouched(PROGRAM_DECAPSULATE, &outer);
			tunnel_configure(&config);
			expect_decapsulated(&outer, &inner, moves[i].peer);
			expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_REPLAYED,
					   TUNNEL_RX(moves[i].peer));
			outer.destination_port = 49151;
			expect_packet_untouched(PROGRAM_DECAPSULATE, &outer);
		}
}

/* Sockets have ports of that range, too: what no SA here opens is theirs. */
static void test_sockets_on_flow_ports(void **state)
{
	struct xdpsec_config config = tunnel_config();
	struct packet outer = incoming(0, 1);
	size_t length = outer.length;

	(void)state;
	config.flow_ports = 1;
	tunnel_configure(&config);
	outer.destination_port = FLOW_PORT;
	for (outer.length = 0; outer.length < XDPSEC_OVERHEAD; outer.length++)
		expect_packet_untouched(PROGRAM_DECAPSULATE, &outer);
	outer.length = length;
	/* SPI, next header, version, reserved */
	for (size_t at = 0; at < 8; at++) {
		buffer[at] ^= 0x80;
		expect_packet_untouched(PROGRAM_DECAPSULATE, &outer);
		buffer[at] ^= 0x80;
	}
	outer.destination = "192.0.2.77";
	expect_packet_untouched(PROGRAM_DECAPSULATE, &outer);
	outer.destination = LOCAL4;
	buffer[length - 1] ^= 1;
	expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_AUTH_FAILED, TUNNEL_RX(TUNNEL_B));
}

/* The outer header is not authenticated. Nobody is at such an address, and a peer would be moved to it. */
static const struct {
	const char *source, *destination;
} no_hosts[] = {
	{ "224.0.0.5", LOCAL4 },
	{ "239.255.255.255", LOCAL4 },
	{ "240.0.0.1", LOCAL4 },
	{ "255.255.255.255", LOCAL4 },
	{ "127.0.0.1", LOCAL4 },
	{ "127.255.255.254", LOCAL4 },
	{ "0.0.0.0", LOCAL4 },
	{ "0.1.2.3", LOCAL4 },
	{ ENDPOINT_B4, "127.0.0.1" },
	{ ENDPOINT_B4, "127.1.2.3" },
	{ "ff02::1", LOCAL6 },
	{ "ffff::1", LOCAL6 },
	{ "::", LOCAL6 },
	{ "::1", LOCAL6 },
	{ "::ffff:198.51.100.2", LOCAL6 },
	{ "::198.51.100.2", LOCAL6 },
	{ ENDPOINT_C6, "::1" },
};

static void test_no_hosts(void **state)
{
	struct packet outer;
	uint64_t sequence = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(no_hosts); i++)
		for (size_t j = 0; j < ARRAY_SIZE(moves); j++) {
			rig_destinations_forget();
			outer = from(incoming(j, sequence++), no_hosts[i].source, 4000);
			outer.destination = no_hosts[i].destination;
			expect_opened_and_dropped(&outer, moves[j].peer, XDPSEC_DROP_MALFORMED);
		}
	/* Next to these. */
	outer = from(incoming(0, sequence++), "223.255.255.255", 4000);
	expect_moved(&outer, moves[0].peer, IPV4_LEN + UDP_LEN + TEXT_LEN, XDPSEC_DROP_COUNT);
	outer = from(incoming(0, sequence++), "126.255.255.255", 4000);
	expect_moved(&outer, moves[0].peer, IPV4_LEN + UDP_LEN + TEXT_LEN, XDPSEC_DROP_COUNT);
	outer = from(incoming(0, sequence++), "128.0.0.1", 4000);
	expect_moved(&outer, moves[0].peer, IPV4_LEN + UDP_LEN + TEXT_LEN, XDPSEC_DROP_COUNT);
	outer = from(incoming(0, sequence++), "feff::1", 4000);
	expect_moved(&outer, moves[0].peer, IPV4_LEN + UDP_LEN + TEXT_LEN, XDPSEC_DROP_COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_no_hosts, tunnel_reset),
		cmocka_unit_test_setup(test_moves, tunnel_reset),
		cmocka_unit_test_setup(test_first_known, tunnel_reset),
		cmocka_unit_test_setup(test_does_not_roam, tunnel_reset),
		cmocka_unit_test_setup(test_not_by_others, tunnel_reset),
		cmocka_unit_test_setup(test_not_by_older, tunnel_reset),
		cmocka_unit_test_setup(test_by_keepalive, tunnel_reset),
		cmocka_unit_test_setup(test_by_what_is_dropped, tunnel_reset),
		cmocka_unit_test_setup(test_often, tunnel_reset),
		cmocka_unit_test_setup(test_port_of_a_flow, tunnel_reset),
		cmocka_unit_test_setup(test_port_of_a_nat, tunnel_reset),
		cmocka_unit_test_setup(test_from_flow_to_flow, tunnel_reset),
		cmocka_unit_test_setup(test_answers_to_flow_ports, tunnel_reset),
		cmocka_unit_test_setup(test_sockets_on_flow_ports, tunnel_reset),
	};

	fill_pattern(text, sizeof(text), 53);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("roaming", tests, tunnel_setup, tunnel_teardown);
}
