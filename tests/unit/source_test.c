// SPDX-License-Identifier: GPL-2.0-or-later
/* The source address of outer packets, and their route. Both stay right on a host that is told not to forward. */
#include "unit.h"
#include "tunnel.h"

enum { TEXT_LEN = 40 };

/* More addresses of this host. */
#define VIP4 "192.0.2.10"
#define VIP6 "2001:db8:1::10"
/* Addresses of another uplink. */
#define OTHER4 "203.0.114.1"
#define MARK 0xca6c

static uint8_t text[100], buffer[FRAME_MAX];

static const struct {
	const char *local, *vip;
	const char *inner; /* behind the peer */
	int peer;
} ways[] = {
	{ LOCAL4, VIP4, INNER_B4, TUNNEL_B },
	{ LOCAL4, VIP4, INNER_B6, TUNNEL_B },
	{ LOCAL6, VIP6, INNER_C4, TUNNEL_C },
	{ LOCAL6, VIP6, INNER_C6, TUNNEL_C },
};

static int setup(void **state)
{
	tunnel_setup(state);
	tunnel_shell("ip address add " VIP4 "/24 dev device");
	/* Never chosen by itself. */
	tunnel_shell("ip address add " VIP6 "/64 dev device nodad preferred_lft 0");
	tunnel_shell("ip link add other type veth peer name other-wire && ip link set other up && "
		     "ip link set other-wire up && ip address add " OTHER4 "/24 dev other");
	return 0;
}

static void forget(int peer)
{
	struct xdpsec_endpoint endpoint = tunnel_endpoint(peer);

	memset(endpoint.from, 0, sizeof(endpoint.from));
	endpoint.sent = endpoint.checked = 0;
	tunnel_set_endpoint(peer, &endpoint);
}

/* A packet that arrives for an address of ours. */
static struct packet arriving_at(size_t i, uint64_t sequence, const char *local)
{
	struct packet inner = tunnel_inner_from(ways[i].inner, text, TEXT_LEN);
	struct packet outer = tunnel_incoming(ways[i].peer, sequence, &inner, buffer);

	outer.destination = local;
	return outer;
}

static void receive_at(size_t i, uint64_t sequence, const char *local)
{
	struct packet inner = tunnel_inner_from(ways[i].inner, text, TEXT_LEN);
	struct packet outer = arriving_at(i, sequence, local);

	rig_destinations_forget();
	expect_decapsulated(&outer, &inner, ways[i].peer);
}

static void receive(const struct packet *outer)
{
	static struct frame frame, out;

	rig_destinations_forget();
	packet_build(&frame, outer);
	assert_int_equal(rig_run(PROGRAM_DECAPSULATE, &frame, &out), XDP_REDIRECT);
}

static void send(size_t i, struct frame *out)
{
	struct packet inner = tunnel_inner(ways[i].inner, text, TEXT_LEN);
	static struct frame frame;

	packet_build(&frame, &inner);
	assert_int_equal(rig_run(PROGRAM_ENCAPSULATE, &frame, out), TC_REDIRECT);
	assert_true(frame_checksums_hold(out));
}

static void expect_sent_from(size_t i, const char *address)
{
	struct xdpsec_source want = tunnel_source(address, XDPSEC_LOCAL_NONE), got = {};
	static struct frame out;
	struct layout layout;

	send(i, &out);
	assert_true(frame_layout(&out, &layout));
	if (layout.family == 6) {
		memcpy(got.address, out.bytes + layout.network + 8, 16);
	} else {
		memset(got.address + 10, 0xff, 2);
		memcpy(got.address + 12, out.bytes + layout.network + 12, 4);
	}
	assert_memory_equal(&got, &want, sizeof(got));
}

static void expect_not_sent(size_t i)
{
	struct packet inner = tunnel_inner(ways[i].inner, text, TEXT_LEN);
	static struct frame frame, out;

	packet_build(&frame, &inner);
	expect_answer(PROGRAM_ENCAPSULATE, &frame, XDPSEC_DROP_UNREACHABLE, TUNNEL_TX(ways[i].peer), &out);
}

/* Whether an address can be used is remembered for a moment. */
static void forget_check(int peer)
{
	struct xdpsec_endpoint endpoint = tunnel_endpoint(peer);

	endpoint.checked = 0;
	endpoint.sent = 0;
	tunnel_set_endpoint(peer, &endpoint);
}

/* The peer is answered from where it sends to, also one that does not roam. */
static void test_learned(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		for (int roams = 0; roams < 2; roams++) {
			struct xdpsec_endpoint endpoint;
			struct packet older;

			tunnel_reset(NULL);
			forget(ways[i].peer);
			endpoint = tunnel_endpoint(ways[i].peer);
			endpoint.roams = roams;
			tunnel_set_endpoint(ways[i].peer, &endpoint);
			expect_sent_from(i, ways[i].local);
			receive_at(i, 5, ways[i].vip);
			expect_sent_from(i, ways[i].vip);
			/* An older one says nothing. */
			older = arriving_at(i, 4, ways[i].local);
			receive(&older);
			expect_sent_from(i, ways[i].vip);
			receive_at(i, 6, ways[i].local);
			expect_sent_from(i, ways[i].local);
			assert_int_equal(tunnel_endpoint(ways[i].peer).moves, 0);
		}
}

/* The port as well, where there are two. */
static void test_learned_port(void **state)
{
	struct xdpsec_config config = tunnel_config();
	static struct frame out;
	struct layout layout;

	(void)state;
	config.former_port = TUNNEL_PORT + 1;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct packet outer;

		tunnel_reset(NULL);
		tunnel_configure(&config);
		forget(ways[i].peer);
		for (int turn = 0; turn < 3; turn++) {
			send(i, &out);
			assert_true(frame_layout(&out, &layout));
			assert_int_equal(read16(out.bytes + layout.transport), TUNNEL_PORT + turn % 2);
			outer = arriving_at(i, turn, ways[i].local);
			outer.destination_port = TUNNEL_PORT + !(turn % 2);
			receive(&outer);
		}
	}
}

/* A packet that is not opened changes nothing. */
static void test_not_by_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct packet outer;

		tunnel_reset(NULL);
		receive_at(i, 5, ways[i].local);
		rig_destinations_forget();
		outer = arriving_at(i, 5, ways[i].vip);
		expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_REPLAYED,
				   TUNNEL_RX(ways[i].peer));
		outer = arriving_at(i, 6, ways[i].vip);
		buffer[XDPSEC_OVERHEAD] ^= 1;
		expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_AUTH_FAILED,
				   TUNNEL_RX(ways[i].peer));
		expect_sent_from(i, ways[i].local);
	}
}

/* A packet of a peer that does not roam, from another location, does not change our source either. */
static void test_from_elsewhere(void **state)
{
	struct xdpsec_endpoint endpoint = tunnel_endpoint(TUNNEL_B);
	struct packet inner = tunnel_inner_from(INNER_B4, text, TEXT_LEN), outer = arriving_at(0, 5, VIP4);

	(void)state;
	endpoint.roams = 0;
	tunnel_set_endpoint(TUNNEL_B, &endpoint);
	outer.source = "198.51.100.200";
	rig_destinations_forget();
	expect_decapsulated(&outer, &inner, TUNNEL_B);
	expect_sent_from(0, LOCAL4);
}

/* An address that is no more (VRRP): the routing table's, until the peer says another. */
static void test_gone(void **state)
{
	(void)state;
	receive_at(0, 1, VIP4);
	expect_sent_from(0, VIP4);
	tunnel_shell("ip address del " VIP4 "/24 dev device");
	forget_check(TUNNEL_B);
	expect_sent_from(0, LOCAL4);
	tunnel_shell("ip address add " VIP4 "/24 dev device");
	forget_check(TUNNEL_B);
	expect_sent_from(0, VIP4);
}

/* The route has moved to another uplink: from there its address is the right one. */
static void test_other_uplink(void **state)
{
	(void)state;
	expect_sent_from(0, LOCAL4);
	tunnel_shell("ip route add 198.51.100.0/24 via 203.0.114.254");
	forget_check(TUNNEL_B);
	expect_sent_from(0, OTHER4);
	assert_int_not_equal(tunnel_endpoint(TUNNEL_B).device, rig.device);
	expect_sent_from(0, OTHER4);
	tunnel_shell("ip route del 198.51.100.0/24 via 203.0.114.254");
	forget_check(TUNNEL_B);
	expect_sent_from(0, LOCAL4);
	assert_int_equal(tunnel_endpoint(TUNNEL_B).device, rig.device);
}

/* A frame with a VLAN tag came by a device on top, and leaves by it. */
static void test_vlan(void **state)
{
	struct packet outer;

	(void)state;
	tunnel_shell("ip route add 198.51.100.0/24 via 203.0.114.254");
	outer = arriving_at(0, 1, VIP4);
	outer.vlans = 1;
	receive(&outer);
	expect_sent_from(0, VIP4);
	/* Out of the device itself it is not right. */
	tunnel_shell("ip route del 198.51.100.0/24 via 203.0.114.254");
	expect_sent_from(0, LOCAL4);
}

static void set_source(int peer, const char *ipv4, const char *ipv6, const char *now)
{
	struct xdpsec_endpoint endpoint = tunnel_endpoint(peer);

	memcpy(endpoint.sources[0], tunnel_source(ipv4, XDPSEC_LOCAL_NONE).address, 16);
	memcpy(endpoint.sources[1], tunnel_source(ipv6, XDPSEC_LOCAL_NONE).address, 16);
	endpoint.from[0] = tunnel_source(now, XDPSEC_LOCAL_FIXED);
	endpoint.checked = endpoint.sent = 0;
	tunnel_set_endpoint(peer, &endpoint);
}

/* Source: whatever the peer sends to, and also after it has moved to the other family. */
static void test_fixed(void **state)
{
	struct packet inner = tunnel_inner_from(INNER_B4, text, TEXT_LEN), outer;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		tunnel_reset(NULL);
		set_source(ways[i].peer, VIP4, VIP6, ways[i].vip);
		expect_sent_from(i, ways[i].vip);
		outer = arriving_at(i, 1, ways[i].local);
		receive(&outer);
		expect_sent_from(i, ways[i].vip);
	}
	tunnel_reset(NULL);
	set_source(TUNNEL_B, VIP4, VIP6, VIP4);
	outer = tunnel_incoming(TUNNEL_B, 9, &inner, buffer);
	outer.source = "2001:db8:2::99";
	outer.destination = LOCAL6;
	outer.family = 6;
	receive(&outer);
	expect_sent_from(0, VIP6);
}

/* A fixed source that is no longer an address of this host: nothing is sent, by any device or from another address. */
static void test_fixed_and_gone(void **state)
{
	(void)state;
	set_source(TUNNEL_B, VIP4, VIP6, VIP4);
	tunnel_shell("ip route add 198.51.100.0/24 via 203.0.114.254");
	expect_sent_from(0, VIP4);
	tunnel_shell("ip route del 198.51.100.0/24 via 203.0.114.254");
	tunnel_shell("ip address del " VIP4 "/24 dev device");
	forget_check(TUNNEL_B);
	expect_not_sent(0);
	tunnel_shell("ip address add " VIP4 "/24 dev device");
	forget_check(TUNNEL_B);
	expect_sent_from(0, VIP4);
}

/* Rules of routing see the source. */
static void test_rule_by_source(void **state)
{
	(void)state;
	tunnel_shell("ip rule add from " VIP4
		     " lookup 77 && ip route add default via 203.0.114.254 table 77");
	set_source(TUNNEL_B, VIP4, VIP6, VIP4);
	expect_sent_from(0, VIP4);
	assert_int_not_equal(tunnel_endpoint(TUNNEL_B).device, rig.device);
	tunnel_reset(NULL);
	expect_sent_from(0, LOCAL4);
	assert_int_equal(tunnel_endpoint(TUNNEL_B).device, rig.device);
	tunnel_shell("ip rule del from " VIP4 " lookup 77 && ip route flush table 77");
}

/* FwMark: on the packet, and in the look-up. */
static void test_mark(void **state)
{
	struct xdpsec_config config = tunnel_config();
	static struct frame out;

	(void)state;
	tunnel_shell(
		"ip rule add fwmark 0xca6c lookup 77 && ip route add default via 203.0.114.254 table 77 && "
		"ip -6 rule add fwmark 0xca6c lookup 77 && "
		"ip -6 route add default via 2001:db8:1::fd dev device table 77 src " VIP6);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		bool ipv6 = ways[i].peer == TUNNEL_C;

		tunnel_reset(NULL);
		forget(ways[i].peer);
		send(i, &out);
		assert_int_equal(out.mark, 0);
		assert_int_equal(tunnel_endpoint(ways[i].peer).device, rig.device);
		forget(ways[i].peer);
		config.mark = MARK;
		tunnel_configure(&config);
		send(i, &out);
		assert_int_equal(out.mark, MARK);
		if (!ipv6)
			assert_int_not_equal(tunnel_endpoint(ways[i].peer).device, rig.device);
		forget(ways[i].peer);
		expect_sent_from(i, ipv6 ? VIP6 : OTHER4);
	}
	tunnel_shell("ip rule del fwmark 0xca6c lookup 77 && ip route flush table 77 && "
		     "ip -6 rule del fwmark 0xca6c lookup 77 && ip -6 route flush table 77");
}

static void let_forward(int on)
{
	char command[160];

	snprintf(command, sizeof(command),
		 "echo %d > /proc/sys/net/ipv4/conf/all/forwarding; echo %d > "
		 "/proc/sys/net/ipv6/conf/all/forwarding",
		 on, on);
	tunnel_shell(command);
}

/* As packets went before, by the device and from the address. */
static void test_without_forwarding(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct packet inner = tunnel_inner(ways[i].inner, text, TEXT_LEN);

		tunnel_reset(NULL);
		forget(ways[i].peer);
		let_forward(0);
		/* It never went anywhere. */
		expect_not_sent(i);
		let_forward(1);
		expect_sent_from(i, ways[i].local);
		let_forward(0);
		expect_encapsulated(&inner, ways[i].peer);
		receive_at(i, 1, ways[i].vip);
		expect_sent_from(i, ways[i].vip);
		let_forward(1);
		expect_sent_from(i, ways[i].vip);
	}
}

/* Not larger than the device. */
static void test_without_forwarding_too_big(void **state)
{
	static uint8_t large[TUNNEL_MTU];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		size_t fits = 1500 - tunnel_overhead(ways[i].peer) - tunnel_inner_headers(ways[i].inner);
		struct packet inner = tunnel_inner(ways[i].inner, large, fits);
		static struct frame frame, out;

		tunnel_reset(NULL);
		rig_device_mtu(1500);
		expect_encapsulated(&inner, ways[i].peer);
		let_forward(0);
		expect_encapsulated(&inner, ways[i].peer);
		inner = tunnel_inner(ways[i].inner, large, fits + 1);
		packet_build(&frame, &inner);
		expect_answer(PROGRAM_ENCAPSULATE, &frame, XDPSEC_DROP_TOO_BIG, TUNNEL_TX(ways[i].peer),
			      &out);
		let_forward(1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_learned, tunnel_reset),
		cmocka_unit_test_setup(test_learned_port, tunnel_reset),
		cmocka_unit_test_setup(test_not_by_others, tunnel_reset),
		cmocka_unit_test_setup(test_from_elsewhere, tunnel_reset),
		cmocka_unit_test_setup(test_gone, tunnel_reset),
		cmocka_unit_test_setup(test_other_uplink, tunnel_reset),
		cmocka_unit_test_setup(test_vlan, tunnel_reset),
		cmocka_unit_test_setup(test_fixed, tunnel_reset),
		cmocka_unit_test_setup(test_fixed_and_gone, tunnel_reset),
		cmocka_unit_test_setup(test_rule_by_source, tunnel_reset),
		cmocka_unit_test_setup(test_mark, tunnel_reset),
		cmocka_unit_test_setup(test_without_forwarding, tunnel_reset),
		cmocka_unit_test_setup(test_without_forwarding_too_big, tunnel_reset),
	};

	fill_pattern(text, sizeof(text), 59);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("source", tests, setup, tunnel_teardown);
}
