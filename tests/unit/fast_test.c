// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fast path of a gateway: what it takes comes out as the ordinary way would have sent it, one hop later, byte for
 * byte; whatever is unusual passes as it is, or goes into the tunnel device as ever, and nothing is counted as fast.
 */
#include <sched.h>

#include "fast_unusual.h"
#include "unit.h"
#include "tunnel.h"

static uint8_t text[9000], buffer[FRAME_MAX];
static uint64_t sequence;

/* The neighbours, on the underlay and of the LAN (RFC 7042 section 2.1.2). */
#define NEIGHBOUR "00:00:5e:00:53:81"
#define HOST "00:00:5e:00:53:82"

static const uint8_t neighbour[6] = { 0, 0, 0x5e, 0, 0x53, 0x81 }, host[6] = { 0, 0, 0x5e, 0, 0x53, 0x82 },
		     own[6] = { 0, 0, 0x5e, 0, 0x53, 0x02 };

/* The hosts behind us are one more hop away: their routes lead back as well. */
static const char *const network[] = {
	"ip address add 192.0.2.129/25 dev lan",
	"ip address add 2001:db8:a::fe/64 dev lan nodad",
	"ip neigh add " INNER_LOCAL4 " lladdr " HOST " dev lan",
	"ip neigh add " INNER_LOCAL6 " lladdr " HOST " dev lan",
	"ip neigh add 192.0.2.254 lladdr " NEIGHBOUR " dev device",
	"ip neigh add 2001:db8:1::fe lladdr " NEIGHBOUR " dev device",
	"ip route add 203.0.113.0/24 dev hop-near",
	"ip route add 2001:db8:b::/48 dev hop-near",
	"ip route add 2001:db8:c::/48 dev hop-near",
};

static int setup(void **state)
{
	cpu_set_t first;

	tunnel_setup(state);
	/* Each CPU knows its own pairs, so all runs are on one. */
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	assert_return_code(sched_setaffinity(0, sizeof(first), &first), 0);
	rig_fast();
	/* LOCAL4 and its network without the part that is the LAN. */
	tunnel_shell("ip address del " LOCAL4 "/24 dev device && ip address add " LOCAL4 "/25 dev device");
	tunnel_shell(
		"ip route add 192.0.2.254 dev device && ip route replace default via 192.0.2.254 dev device");
	for (size_t i = 0; i < ARRAY_SIZE(network); i++)
		tunnel_shell(network[i]);
	return 0;
}

static struct packet outgoing(const char *destination, size_t length)
{
	struct packet packet = tunnel_inner(destination, text, length);

	packet.ingress = rig.lan;
	return packet;
}

/* One run of both programs, so that both devices are known to take frames, over frames that are nobody's. */
static void note_devices(void)
{
	struct packet packet = outgoing("198.51.100.99", 10);

	packet.ethertype = 0x0806;
	expect_packet_untouched(PROGRAM_FAST_OUT, &packet);
	packet.ingress = rig.device;
	expect_packet_untouched(PROGRAM_FAST_IN, &packet);
}

static int reset(void **state)
{
	tunnel_reset(state);
	rig_fast_forget();
	note_devices();
	sequence = 0;
	return 0;
}

/* The first packet of a pair goes the ordinary way. */
static void introduce(const struct packet *packet)
{
	uint64_t fast = rig_fast_packets(XDPSEC_FAST_OUT);

	expect_packet_untouched(PROGRAM_FAST_OUT, packet);
	assert_int_equal(rig_fast_packets(XDPSEC_FAST_OUT), fast);
}

static uint16_t expect_fast_out(const struct packet *in, int peer)
{
	static uint8_t bytes[FRAME_MAX];
	static struct tally expected, after;
	static struct frame frame, out, want;
	struct packet inner = *in, outer;
	uint64_t fast = rig_fast_packets(XDPSEC_FAST_OUT), started;
	struct xdpsec_config config;
	size_t length;

	map_read(rig.maps.config, 0, &config);
	inner.ttl--;
	length = tunnel_inner_bytes(&inner, bytes);
	packet_build(&frame, in);
	tally_take(&expected);
	outer = tunnel_sealed(TUNNEL_TX(peer), inner.family == 4 ? NEXT_IPV4 : NEXT_IPV6,
			      expected.sas[TUNNEL_TX(peer)].sequence.next, bytes, length, buffer);
	outer.tos = config.dscp_fixed ? config.dscp << 2 | (in->tos & 3) : in->tos;
	started = tunnel_now();
	assert_int_equal(rig_run(PROGRAM_FAST_OUT, &frame, &out), XDP_REDIRECT);
	tally_take(&after);
	expected.sas[TUNNEL_TX(peer)].sequence.next++;
	tally_add_packet(&expected, &after, TUNNEL_TX(peer), length);
	expect_sent(&expected.endpoints[peer], &after.endpoints[peer], outer.source, started, tunnel_now());
	expect_same_tally(&after, &expected);
	if (config.flow_ports)
		outer.source_port = read16(out.bytes + ETHERNET_LEN +
					   (outer.family == 4 ? IPV4_LEN : IPV6_LEN));
	packet_build(&want, &outer);
	memcpy(want.bytes, neighbour, 6);
	memcpy(want.bytes + 6, own, 6);
	expect_same_frame(&out, &want);
	assert_int_equal(rig_fast_packets(XDPSEC_FAST_OUT), fast + 1);
	return outer.source_port;
}

static void test_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		const struct tunnel_direction *direction = &tunnel_directions[i];
		size_t headers = tunnel_inner_headers(direction->host);
		struct packet packet = outgoing(direction->host, 10);

		introduce(&packet);
		for (size_t length = 0; length <= 40; length++) {
			packet = outgoing(direction->host, length);
			expect_fast_out(&packet, direction->peer);
		}
		for (size_t total = TUNNEL_DEVICE_MTU - 20; total <= TUNNEL_DEVICE_MTU; total++) {
			packet = outgoing(direction->host, total - headers);
			expect_fast_out(&packet, direction->peer);
		}
		/* Ethernet's padding, DSCP and ECN, the last hop but one. */
		packet = outgoing(direction->host, 3);
		packet.padding = 17;
		packet.tos = 0xb9;
		packet.ttl = 2;
		expect_fast_out(&packet, direction->peer);
	}
}

/* TCP from us to host, in bytes. */
static struct packet segment(const char *to, uint8_t flags, uint8_t *bytes)
{
	struct packet packet = outgoing(to, 0);

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

		introduce(&packet);
		expect_fast_out(&packet, direction->peer);
		for (size_t j = 0; j < ARRAY_SIZE(changes); j++) {
			packet = segment(direction->host, changes[j], bytes);
			introduce(&packet);
		}
		packet.length = 19;
		introduce(&packet);
	}
}

/* Each packet is sent more than once: not only as the first of a pair. */
static void test_out_unusual(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i += 3)
		for (size_t j = 0; j < unusual_count; j++) {
			struct packet packet = outgoing(tunnel_directions[i].host, 200);

			if (!unusual_applies(&unusual_packets[j], WAY_OUT, &packet))
				continue;
			introduce(&packet);
			expect_fast_out(&packet, tunnel_directions[i].peer);
			unusual_packets[j].make(&packet);
			print_message("# %s, IPv%d\n", unusual_packets[j].name, packet.family);
			for (int times = 0; times < 2; times++)
				introduce(&packet);
			rig_fast_forget();
		}
}

/* A change of the routing table is seen at once. undo takes the command back. */
static void expect_noticed(const struct packet *packet, int peer, const char *command, const char *undo)
{
	expect_fast_out(packet, peer);
	tunnel_shell(command);
	print_message("# %s\n", command);
	introduce(packet);
	introduce(packet);
	tunnel_shell(undo);
	expect_fast_out(packet, peer);
}

/* A neighbour that is gone is noticed when the next hop is not kept any more. */
static void expect_neighbour_noticed(const struct packet *packet, int peer)
{
	static struct frame frame, out;
	uint64_t until = tunnel_now() + 3000000000ULL;

	expect_fast_out(packet, peer);
	tunnel_shell("ip neigh del 192.0.2.254 dev device");
	packet_build(&frame, packet);
	while (rig_run(PROGRAM_FAST_OUT, &frame, &out) == XDP_REDIRECT && tunnel_now() < until)
		continue;
	introduce(packet);
	tunnel_shell("ip neigh replace 192.0.2.254 lladdr " NEIGHBOUR " dev device");
	expect_fast_out(packet, peer);
}

static void test_changes(void **state)
{
	struct packet packet = outgoing(INNER_B4, 100), ipv6 = outgoing(INNER_B6, 100);

	(void)state;
	introduce(&packet);
	introduce(&ipv6);
	expect_noticed(&packet, TUNNEL_B, "ip route add " INNER_B4 " dev lan",
		       "ip route del " INNER_B4 " dev lan");
	expect_noticed(&packet, TUNNEL_B, "ip route add unreachable " INNER_B4,
		       "ip route del unreachable " INNER_B4);
	expect_noticed(&packet, TUNNEL_B, "ip rule add to " INNER_B4 " blackhole",
		       "ip rule del to " INNER_B4 " blackhole");
	expect_noticed(&packet, TUNNEL_B, "ip route add " INNER_LOCAL4 " dev hop-near",
		       "ip route del " INNER_LOCAL4 " dev hop-near");
	expect_noticed(&packet, TUNNEL_B, "echo 0 > /proc/sys/net/ipv4/conf/lan/forwarding",
		       "echo 1 > /proc/sys/net/ipv4/conf/lan/forwarding");
	expect_noticed(&ipv6, TUNNEL_B, "ip route add " INNER_B6 " dev lan",
		       "ip route del " INNER_B6 " dev lan");
	expect_neighbour_noticed(&packet, TUNNEL_B);
	expect_noticed(&packet, TUNNEL_B,
		       "ip xfrm policy add src 192.0.2.0/24 dst 203.0.113.0/24 dir fwd action block",
		       "ip xfrm policy deleteall");
	expect_noticed(&packet, TUNNEL_B,
		       "ip xfrm policy add src 192.0.2.0/24 dst 203.0.113.0/24 dir out action block",
		       "ip xfrm policy deleteall");
	/* The host on the wire receives without GRO: it takes no redirected frames. */
	tunnel_shell("ethtool -K wire gro off");
	note_devices();
	introduce(&packet);
	tunnel_shell("ethtool -K wire gro on");
	note_devices();
	expect_fast_out(&packet, TUNNEL_B);
}

static void test_devices_gone(void **state)
{
	struct packet packet = outgoing(INNER_B4, 100);

	(void)state;
	introduce(&packet);
	rig_device_slot(XDPSEC_DEVICE_PROTECTED, rig.near);
	introduce(&packet);
	rig_device_slot(XDPSEC_DEVICE_PROTECTED, rig.device);
	expect_fast_out(&packet, TUNNEL_B);
	rig_device_slot(XDPSEC_DEVICE_NEAR, rig.lan);
	introduce(&packet);
	rig_device_slot(XDPSEC_DEVICE_NEAR, rig.near);
	introduce(&packet);
	expect_fast_out(&packet, TUNNEL_B);
}

static void test_path_mtu(void **state)
{
	struct xdpsec_endpoint endpoint = tunnel_endpoint(TUNNEL_B);
	struct packet packet = outgoing(INNER_B4, 1400 - OVERHEAD_IPV4 - 28);

	(void)state;
	endpoint.path_mtu = 1400;
	endpoint.path_mtu_until = UINT64_MAX;
	tunnel_set_endpoint(TUNNEL_B, &endpoint);
	introduce(&packet);
	expect_fast_out(&packet, TUNNEL_B);
	packet.length++;
	introduce(&packet);
	packet.length--;
	rig_device_mtu(1399);
	introduce(&packet);
}

/* Numbers are used up: dropped and counted, as on the ordinary way. */
static void test_exhausted(void **state)
{
	static struct frame frame, out;
	struct packet packet = outgoing(INNER_B4, 100);
	uint64_t fast = rig_fast_packets(XDPSEC_FAST_OUT);
	static struct tally expected, after;

	(void)state;
	introduce(&packet);
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
			struct packet packet = outgoing(tunnel_directions[i].host, 40);
			size_t at;
			uint16_t port;

			packet.source_port = 20000 + flow;
			if (!flow)
				introduce(&packet);
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

/* outer is opened, and inner goes to the tunnel device, or to the LAN one hop later. */
static void expect_in(const struct packet *outer, const struct packet *inner, int peer, bool fast)
{
	static struct tally expected, after;
	static struct frame frame, out, want;
	uint64_t counted = rig_fast_packets(XDPSEC_FAST_IN);
	struct packet delivered = *inner;
	struct xdpsec_config config;

	map_read(rig.maps.config, 0, &config);
	delivered.ttl -= fast;
	packet_build(&frame, outer);
	packet_build(&want, &delivered);
	memcpy(want.bytes, fast ? host : config.near_mac, 6);
	memcpy(want.bytes + 6, fast ? own : config.far_mac, 6);
	tally_take(&expected);
	assert_int_equal(rig_run(PROGRAM_FAST_IN, &frame, &out), XDP_REDIRECT);
	tally_take(&after);
	tally_add_packet(&expected, &after, TUNNEL_RX(peer), want.length - ETHERNET_LEN);
	tally_move_window(&expected, &after, TUNNEL_RX(peer));
	expect_same_tally(&after, &expected);
	expect_same_frame(&out, &want);
	assert_int_equal(rig_fast_packets(XDPSEC_FAST_IN), counted + fast);
}

static void expect_incoming(const struct packet *inner, int peer, bool fast)
{
	struct packet outer = tunnel_incoming(peer, ++sequence, inner, buffer);

	expect_in(&outer, inner, peer, fast);
}

static void test_in(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		const struct tunnel_direction *direction = &tunnel_directions[i];
		struct packet inner = tunnel_inner_from(direction->host, text, 10);

		expect_incoming(&inner, direction->peer, false);
		for (size_t length = 0; length <= 40; length++) {
			inner = tunnel_inner_from(direction->host, text, length);
			expect_incoming(&inner, direction->peer, true);
		}
		inner = tunnel_inner_from(direction->host, text,
					  TUNNEL_DEVICE_MTU - tunnel_inner_headers(direction->host));
		expect_incoming(&inner, direction->peer, true);
		inner.ttl = 2;
		inner.tos = 0xb9;
		expect_incoming(&inner, direction->peer, true);
	}
}

static void test_in_unusual(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i += 3)
		for (size_t j = 0; j < unusual_count; j++) {
			struct packet inner = tunnel_inner_from(tunnel_directions[i].host, text, 200);

			if (!unusual_applies(&unusual_packets[j], WAY_IN, &inner))
				continue;
			expect_incoming(&inner, tunnel_directions[i].peer, false);
			expect_incoming(&inner, tunnel_directions[i].peer, true);
			unusual_packets[j].make(&inner);
			print_message("# %s, IPv%d\n", unusual_packets[j].name, inner.family);
			for (int times = 0; times < 2; times++)
				expect_incoming(&inner, tunnel_directions[i].peer, false);
			rig_fast_forget();
		}
}

static void test_in_changes(void **state)
{
	struct packet inner = tunnel_inner_from(INNER_B4, text, 100);

	(void)state;
	expect_incoming(&inner, TUNNEL_B, false);
	expect_incoming(&inner, TUNNEL_B, true);
	/* The route back to the source leads elsewhere; a policy of IPsec; the device has no place; it takes no frames. */
	tunnel_shell("ip route add " INNER_B4 " dev lan");
	expect_incoming(&inner, TUNNEL_B, false);
	tunnel_shell("ip route del " INNER_B4 " dev lan");
	expect_incoming(&inner, TUNNEL_B, true);
	tunnel_shell("ip xfrm policy add src 192.0.2.0/24 dst 203.0.113.0/24 dir out action block");
	expect_incoming(&inner, TUNNEL_B, false);
	tunnel_shell("ip xfrm policy deleteall");
	expect_incoming(&inner, TUNNEL_B, true);
	rig_device_slot(XDPSEC_DEVICE_FAST, rig.near);
	expect_incoming(&inner, TUNNEL_B, false);
	rig_device_slot(XDPSEC_DEVICE_FAST, rig.lan);
	tunnel_shell("ethtool -K lan-host gro off");
	note_devices();
	expect_incoming(&inner, TUNNEL_B, false);
	tunnel_shell("ethtool -K lan-host gro on");
	note_devices();
	expect_incoming(&inner, TUNNEL_B, true);
}

/* Another MAC address of the host is noticed, though the last one is kept for a second. */
static void test_in_neighbour(void **state)
{
	static struct frame frame, out;
	struct packet inner = tunnel_inner_from(INNER_B4, text, 100);
	uint64_t until;

	(void)state;
	expect_incoming(&inner, TUNNEL_B, false);
	expect_incoming(&inner, TUNNEL_B, true);
	tunnel_shell("ip neigh replace " INNER_LOCAL4 " lladdr " NEIGHBOUR " dev lan");
	until = tunnel_now() + 3000000000ULL;
	do {
		struct packet outer = tunnel_incoming(TUNNEL_B, ++sequence, &inner, buffer);

		packet_build(&frame, &outer);
		assert_int_equal(rig_run(PROGRAM_FAST_IN, &frame, &out), XDP_REDIRECT);
	} while (memcmp(out.bytes, neighbour, 6) && tunnel_now() < until);
	tunnel_shell("ip neigh replace " INNER_LOCAL4 " lladdr " HOST " dev lan");
	assert_memory_equal(out.bytes, neighbour, 6);
}

/* Damaged, repeated, or from the wrong peer: dropped before anything is forwarded. */
static void test_in_refused(void **state)
{
	static struct frame frame, out;
	struct packet inner = tunnel_inner_from(INNER_B4, text, 100), outer;
	uint64_t fast;

	(void)state;
	expect_incoming(&inner, TUNNEL_B, false);
	outer = tunnel_incoming(TUNNEL_B, ++sequence, &inner, buffer);
	expect_in(&outer, &inner, TUNNEL_B, true);
	fast = rig_fast_packets(XDPSEC_FAST_IN);
	expect_packet_drop(PROGRAM_FAST_IN, &outer, XDPSEC_DROP_REPLAYED, TUNNEL_RX(TUNNEL_B));
	outer = tunnel_incoming(TUNNEL_B, ++sequence, &inner, buffer);
	buffer[40] ^= 1;
	expect_packet_drop(PROGRAM_FAST_IN, &outer, XDPSEC_DROP_AUTH_FAILED, TUNNEL_RX(TUNNEL_B));
	outer = tunnel_incoming(TUNNEL_C, ++sequence, &inner, buffer);
	packet_build(&frame, &outer);
	assert_int_equal(rig_run(PROGRAM_FAST_IN, &frame, &out), XDP_DROP);
	assert_int_equal(rig_fast_packets(XDPSEC_FAST_IN), fast);
}

/* The first packets of two pairs, out and in, take the ordinary way, and the next ones the fast path. */
static void expect_kept(const struct packet *packet, const struct packet *inner, int peer)
{
	introduce(packet);
	expect_fast_out(packet, peer);
	expect_incoming(inner, peer, false);
	expect_incoming(inner, peer, true);
}

/* One packet of each pair takes the ordinary way every 15 seconds: on it the kernel probes neighbours that are stale. */
static void test_refresh(void **state)
{
	struct packet packet = outgoing(INNER_B4, 100), inner = tunnel_inner_from(INNER_B4, text, 100);

	(void)state;
	expect_kept(&packet, &inner, TUNNEL_B);
	rig_fast_age();
	expect_kept(&packet, &inner, TUNNEL_B);
	expect_fast_out(&packet, TUNNEL_B);
	expect_incoming(&inner, TUNNEL_B, true);
}

static void expect_spoofed(const struct packet *inner, int peer)
{
	struct packet outer = tunnel_incoming(peer, ++sequence, inner, buffer);

	expect_opened_and_dropped_by(PROGRAM_FAST_IN, &outer, peer, XDPSEC_DROP_SPOOFED);
}

/* The peer is kept with its pair of addresses. Once AllowedIPs have changed, no packet goes to the former one, and none of
 * it comes in. */
static void test_allowed_changes(void **state)
{
	static const struct {
		const char *host, *prefix;
	} moved[] = { { INNER_B4, INNER_B4 "/32" }, { INNER_B6, INNER_B6 "/128" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(moved); i++) {
		struct packet packet = outgoing(moved[i].host, 100),
			      inner = tunnel_inner_from(moved[i].host, text, 100);

		expect_kept(&packet, &inner, TUNNEL_B);
		expect_fast_out(&packet, TUNNEL_B);
		expect_incoming(&inner, TUNNEL_B, true);
		expect_spoofed(&inner, TUNNEL_C);

		rig_policy(moved[i].prefix, TUNNEL_C, NULL, 0);
		expect_fast_out(&packet, TUNNEL_C);
		expect_spoofed(&inner, TUNNEL_B);
		expect_incoming(&inner, TUNNEL_C, true);
		expect_incoming(&inner, TUNNEL_C, true);
		expect_spoofed(&inner, TUNNEL_B);

		rig_policy_remove(moved[i].prefix);
		expect_spoofed(&inner, TUNNEL_C);
		expect_incoming(&inner, TUNNEL_B, true);
		expect_fast_out(&packet, TUNNEL_B);
	}
}

/* An IPv4-mapped address of IPv6 belongs to no peer (RFC 4291 section 2.5.5.2), whatever is kept of that address of IPv4. */
static void test_mapped(void **state)
{
	struct packet packet = outgoing(INNER_B4, 100), inner = tunnel_inner_from(INNER_B4, text, 100),
		      mapped = outgoing("::ffff:" INNER_B4, 100);

	(void)state;
	mapped.source = "::ffff:" INNER_LOCAL4;
	expect_kept(&packet, &inner, TUNNEL_B);
	introduce(&mapped);
	introduce(&mapped);
	expect_fast_out(&packet, TUNNEL_B);
	mapped = packet_reversed(mapped);
	expect_spoofed(&mapped, TUNNEL_B);
	expect_incoming(&inner, TUNNEL_B, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_out, reset),
		cmocka_unit_test_setup(test_tcp, reset),
		cmocka_unit_test_setup(test_out_unusual, reset),
		cmocka_unit_test_setup(test_changes, reset),
		cmocka_unit_test_setup(test_devices_gone, reset),
		cmocka_unit_test_setup(test_path_mtu, reset),
		cmocka_unit_test_setup(test_exhausted, reset),
		cmocka_unit_test_setup(test_ports, reset),
		cmocka_unit_test_setup(test_in, reset),
		cmocka_unit_test_setup(test_in_unusual, reset),
		cmocka_unit_test_setup(test_in_changes, reset),
		cmocka_unit_test_setup(test_in_neighbour, reset),
		cmocka_unit_test_setup(test_in_refused, reset),
		cmocka_unit_test_setup(test_refresh, reset),
		cmocka_unit_test_setup(test_allowed_changes, reset),
		cmocka_unit_test_setup(test_mapped, reset),
	};

	fill_pattern(text, sizeof(text), 0x66617374);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("fast", tests, setup, tunnel_teardown);
}
