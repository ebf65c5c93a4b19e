// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fast path of a gateway: what it takes comes out as the ordinary way would have sent it, one hop later, byte for
 * byte; whatever is unusual passes as it is, or goes into the tunnel device as ever, and nothing is counted as fast.
 */
#include "fast_gateway.h"
#include "fast_unusual.h"
#include "unit.h"

static void test_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		const struct tunnel_direction *direction = &tunnel_directions[i];
		size_t headers = tunnel_inner_headers(direction->host);
		struct packet packet = fast_outgoing(direction->host, 10);

		fast_introduce(&packet);
		for (size_t length = 0; length <= 40; length++) {
			packet = fast_outgoing(direction->host, length);
			expect_fast_out(&packet, direction->peer);
		}
		for (size_t total = TUNNEL_DEVICE_MTU - 20; total <= TUNNEL_DEVICE_MTU; total++) {
			packet = fast_outgoing(direction->host, total - headers);
			expect_fast_out(&packet, direction->peer);
		}
		/* Ethernet's padding, DSCP and ECN, the last hop but one. */
		packet = fast_outgoing(direction->host, 3);
		packet.padding = 17;
		packet.tos = 0xb9;
		packet.ttl = 2;
		expect_fast_out(&packet, direction->peer);
	}
}

/* TCP from us to host, in bytes. */
static struct packet segment(const char *to, uint8_t flags, uint8_t *bytes)
{
	struct packet packet = fast_outgoing(to, 0);

	packet.no_udp = true;
	packet.protocol = PROTOCOL_TCP;
	packet.payload = bytes;
	packet.length = 20 + 100;
	fill_pattern(bytes, packet.length, 7);
	write16(bytes, 40000);
	write16(bytes + 2, 443);
	bytes[12] = 5 << 4;
	bytes[13] = flags;
	return packet;
}

/* FIN, SYN and RST change a connection: the firewall sees them. */
static void test_tcp(void **state)
{
	static const uint8_t changes[] = { 0x01, 0x02, 0x12, 0x04, 0x14, 0x11 };
	uint8_t bytes[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		const struct tunnel_direction *direction = &tunnel_directions[i];
		struct packet packet = segment(direction->host, 0x10, bytes);

		fast_introduce(&packet);
		expect_fast_out(&packet, direction->peer);
		for (size_t j = 0; j < ARRAY_SIZE(changes); j++) {
			packet = segment(direction->host, changes[j], bytes);
			fast_introduce(&packet);
		}
		packet.length = 19;
		fast_introduce(&packet);
	}
}

/* Each packet is sent more than once: not only as the first of a pair. */
static void test_out_unusual(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i += 3)
		for (size_t j = 0; j < unusual_count; j++) {
			struct packet packet = fast_outgoing(tunnel_directions[i].host, 200);

			if (!unusual_applies(&unusual_packets[j], WAY_OUT, &packet))
				continue;
			fast_introduce(&packet);
			expect_fast_out(&packet, tunnel_directions[i].peer);
			unusual_packets[j].make(&packet);
			print_message("# %s, IPv%d\n", unusual_packets[j].name, packet.family);
			for (int times = 0; times < 2; times++)
				fast_introduce(&packet);
			rig_fast_forget();
		}
}

static void test_devices_gone(void **state)
{
	struct packet packet = fast_outgoing(INNER_B4, 100);

	(void)state;
	fast_introduce(&packet);
	rig_device_slot(XDPSEC_DEVICE_PROTECTED, rig.near);
	fast_introduce(&packet);
	rig_device_slot(XDPSEC_DEVICE_PROTECTED, rig.device);
	expect_fast_out(&packet, TUNNEL_B);
	rig_device_slot(XDPSEC_DEVICE_NEAR, rig.lan);
	fast_introduce(&packet);
	rig_device_slot(XDPSEC_DEVICE_NEAR, rig.near);
	fast_introduce(&packet);
	expect_fast_out(&packet, TUNNEL_B);
}

static void test_path_mtu(void **state)
{
	struct xdpsec_endpoint endpoint = tunnel_endpoint(TUNNEL_B);
	struct packet packet = fast_outgoing(INNER_B4, 1400 - OVERHEAD_IPV4 - 28);

	(void)state;
	endpoint.path_mtu = 1400;
	endpoint.path_mtu_until = UINT64_MAX;
	tunnel_set_endpoint(TUNNEL_B, &endpoint);
	fast_introduce(&packet);
	expect_fast_out(&packet, TUNNEL_B);
	packet.length++;
	fast_introduce(&packet);
	packet.length--;
	rig_device_mtu(1399);
	fast_introduce(&packet);
}

/* Numbers are used up: dropped and counted, as on the ordinary way. */
static void test_exhausted(void **state)
{
	static struct frame frame, out;
	struct packet packet = fast_outgoing(INNER_B4, 100);
	uint64_t fast = rig_fast_packets(XDPSEC_FAST_OUT);
	static struct tally expected, after;

	(void)state;
	fast_introduce(&packet);
	rig_sequence(TUNNEL_TX(TUNNEL_B), 5, 5);
	packet_build(&frame, &packet);
	tally_take(&expected);
	tally_add_drop(&expected, XDPSEC_DROP_SEQUENCE_EXHAUSTED, TUNNEL_TX(TUNNEL_B));
	assert_int_equal(rig_run(PROGRAM_FAST_OUT, &frame, &out), XDP_DROP);
	tally_take(&after);
	expect_same_tally(&after, &expected);
	assert_int_equal(rig_fast_packets(XDPSEC_FAST_OUT), fast);
}

/* A flow has one outer port on both ways, and many flows have many. */
static void test_ports(void **state)
{
	static struct frame frame, out;
	struct xdpsec_config config = tunnel_config();

	(void)state;
	config.flow_ports = 1;
	tunnel_configure(&config);
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		static bool used[65536];
		int distinct = 0;

		memset(used, 0, sizeof(used));
		for (int flow = 0; flow < 256; flow++) {
			struct packet packet = fast_outgoing(tunnel_directions[i].host, 40);
			size_t at;
			uint16_t port;

			packet.source_port = 20000 + flow;
			if (!flow)
				fast_introduce(&packet);
			port = expect_fast_out(&packet, tunnel_directions[i].peer);
			assert_in_range(port, 49152, 65535);
			packet.ingress = 0;
			packet_build(&frame, &packet);
			assert_int_equal(rig_run(PROGRAM_ENCAPSULATE_FAST, &frame, &out), TC_REDIRECT);
			at = tunnel_directions[i].peer == TUNNEL_B ? IPV4_LEN : IPV6_LEN;
			assert_int_equal(read16(out.bytes + ETHERNET_LEN + at), port);
			distinct += !used[port];
			used[port] = true;
		}
		assert_true(distinct >= 200);
	}
}

static void test_in(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		const struct tunnel_direction *direction = &tunnel_directions[i];
		struct packet inner = tunnel_inner_from(direction->host, fast_text, 10);

		expect_fast_incoming(&inner, direction->peer, false);
		for (size_t length = 0; length <= 40; length++) {
			inner = tunnel_inner_from(direction->host, fast_text, length);
			expect_fast_incoming(&inner, direction->peer, true);
		}
		inner = tunnel_inner_from(direction->host, fast_text,
					  TUNNEL_DEVICE_MTU - tunnel_inner_headers(direction->host));
		expect_fast_incoming(&inner, direction->peer, true);
		inner.ttl = 2;
		inner.tos = 0xb9;
		expect_fast_incoming(&inner, direction->peer, true);
	}
}

static void test_in_unusual(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i += 3)
		for (size_t j = 0; j < unusual_count; j++) {
			struct packet inner = tunnel_inner_from(tunnel_directions[i].host, fast_text, 200);

			if (!unusual_applies(&unusual_packets[j], WAY_IN, &inner))
				continue;
			expect_fast_incoming(&inner, tunnel_directions[i].peer, false);
			expect_fast_incoming(&inner, tunnel_directions[i].peer, true);
			unusual_packets[j].make(&inner);
			print_message("# %s, IPv%d\n", unusual_packets[j].name, inner.family);
			for (int times = 0; times < 2; times++)
				expect_fast_incoming(&inner, tunnel_directions[i].peer, false);
			rig_fast_forget();
		}
}

/* Damaged, repeated, or from the wrong peer: dropped before anything is forwarded. */
static void test_in_refused(void **state)
{
	static struct frame frame, out;
	static uint8_t damaged[FRAME_MAX];
	struct packet inner = tunnel_inner_from(INNER_B4, fast_text, 100), outer;
	uint64_t fast;

	(void)state;
	expect_fast_incoming(&inner, TUNNEL_B, false);
	outer = fast_incoming(TUNNEL_B, &inner);
	expect_fast_in(&outer, &inner, TUNNEL_B, true);
	fast = rig_fast_packets(XDPSEC_FAST_IN);
	expect_packet_drop(PROGRAM_FAST_IN, &outer, XDPSEC_DROP_REPLAYED, TUNNEL_RX(TUNNEL_B));
	outer = fast_incoming(TUNNEL_B, &inner);
	memcpy(damaged, outer.payload, outer.length);
	damaged[40] ^= 1;
	outer.payload = damaged;
	expect_packet_drop(PROGRAM_FAST_IN, &outer, XDPSEC_DROP_AUTH_FAILED, TUNNEL_RX(TUNNEL_B));
	outer = fast_incoming(TUNNEL_C, &inner);
	packet_build(&frame, &outer);
	assert_int_equal(rig_run(PROGRAM_FAST_IN, &frame, &out), XDP_DROP);
	assert_int_equal(rig_fast_packets(XDPSEC_FAST_IN), fast);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_out, fast_reset),
		cmocka_unit_test_setup(test_tcp, fast_reset),
		cmocka_unit_test_setup(test_out_unusual, fast_reset),
		cmocka_unit_test_setup(test_devices_gone, fast_reset),
		cmocka_unit_test_setup(test_path_mtu, fast_reset),
		cmocka_unit_test_setup(test_exhausted, fast_reset),
		cmocka_unit_test_setup(test_ports, fast_reset),
		cmocka_unit_test_setup(test_in, fast_reset),
		cmocka_unit_test_setup(test_in_unusual, fast_reset),
		cmocka_unit_test_setup(test_in_refused, fast_reset),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("fast", tests, fast_setup, tunnel_teardown);
}
