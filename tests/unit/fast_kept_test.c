// SPDX-License-Identifier: GPL-2.0-or-later
/* Kept pairs of addresses and next hops of the fast path: every change that they depend on is noticed. */
#include "fast_gateway.h"
#include "unit.h"

/* A change of the routing table is seen at once. undo takes the command back. */
static void expect_noticed(const struct packet *packet, int peer, const char *command, const char *undo)
{
	expect_fast_out(packet, peer);
	tunnel_shell(command);
	print_message("# %s\n", command);
	fast_introduce(packet);
	fast_introduce(packet);
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
	fast_introduce(packet);
	tunnel_shell("ip neigh replace 192.0.2.254 lladdr " FAST_NEIGHBOUR " dev device");
	expect_fast_out(packet, peer);
}

static void test_changes(void **state)
{
	struct packet packet = fast_outgoing(INNER_B4, 100), ipv6 = fast_outgoing(INNER_B6, 100);

	(void)state;
	fast_introduce(&packet);
	fast_introduce(&ipv6);
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
	fast_note_devices();
	fast_introduce(&packet);
	tunnel_shell("ethtool -K wire gro on");
	fast_note_devices();
	expect_fast_out(&packet, TUNNEL_B);
}

static void test_in_changes(void **state)
{
	struct packet inner = tunnel_inner_from(INNER_B4, fast_text, 100);

	(void)state;
	expect_fast_incoming(&inner, TUNNEL_B, false);
	expect_fast_incoming(&inner, TUNNEL_B, true);
	/* The route back to the source leads elsewhere; a policy of IPsec; the device has no place; it takes no frames. */
	tunnel_shell("ip route add " INNER_B4 " dev lan");
	expect_fast_incoming(&inner, TUNNEL_B, false);
	tunnel_shell("ip route del " INNER_B4 " dev lan");
	expect_fast_incoming(&inner, TUNNEL_B, true);
	tunnel_shell("ip xfrm policy add src 192.0.2.0/24 dst 203.0.113.0/24 dir out action block");
	expect_fast_incoming(&inner, TUNNEL_B, false);
	tunnel_shell("ip xfrm policy deleteall");
	expect_fast_incoming(&inner, TUNNEL_B, true);
	rig_device_slot(XDPSEC_DEVICE_FAST, rig.near);
	expect_fast_incoming(&inner, TUNNEL_B, false);
	rig_device_slot(XDPSEC_DEVICE_FAST, rig.lan);
	tunnel_shell("ethtool -K lan-host gro off");
	fast_note_devices();
	expect_fast_incoming(&inner, TUNNEL_B, false);
	tunnel_shell("ethtool -K lan-host gro on");
	fast_note_devices();
	expect_fast_incoming(&inner, TUNNEL_B, true);
}

/* Another MAC address of the host is noticed, though the last one is kept for a second. */
static void test_in_neighbour(void **state)
{
	static struct frame frame, out;
	struct packet inner = tunnel_inner_from(INNER_B4, fast_text, 100);
	uint64_t until;

	(void)state;
	expect_fast_incoming(&inner, TUNNEL_B, false);
	expect_fast_incoming(&inner, TUNNEL_B, true);
	tunnel_shell("ip neigh replace " INNER_LOCAL4 " lladdr " FAST_NEIGHBOUR " dev lan");
	until = tunnel_now() + 3000000000ULL;
	do {
		struct packet outer = fast_incoming(TUNNEL_B, &inner);

		packet_build(&frame, &outer);
		assert_int_equal(rig_run(PROGRAM_FAST_IN, &frame, &out), XDP_REDIRECT);
	} while (memcmp(out.bytes, fast_neighbour, 6) && tunnel_now() < until);
	tunnel_shell("ip neigh replace " INNER_LOCAL4 " lladdr " FAST_HOST " dev lan");
	assert_memory_equal(out.bytes, fast_neighbour, 6);
}

/* The first packets of two pairs, out and in, take the ordinary way, and the next ones the fast path. */
static void expect_kept(const struct packet *packet, const struct packet *inner, int peer)
{
	fast_introduce(packet);
	expect_fast_out(packet, peer);
	expect_fast_incoming(inner, peer, false);
	expect_fast_incoming(inner, peer, true);
}

/* One packet of each pair takes the ordinary way every 15 seconds: on it the kernel probes neighbours that are stale. */
static void test_refresh(void **state)
{
	struct packet packet = fast_outgoing(INNER_B4, 100),
		      inner = tunnel_inner_from(INNER_B4, fast_text, 100);

	(void)state;
	expect_kept(&packet, &inner, TUNNEL_B);
	rig_fast_age();
	expect_kept(&packet, &inner, TUNNEL_B);
	expect_fast_out(&packet, TUNNEL_B);
	expect_fast_incoming(&inner, TUNNEL_B, true);
}

static void expect_spoofed(const struct packet *inner, int peer)
{
	struct packet outer = fast_incoming(peer, inner);

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
		struct packet packet = fast_outgoing(moved[i].host, 100),
			      inner = tunnel_inner_from(moved[i].host, fast_text, 100);

		expect_kept(&packet, &inner, TUNNEL_B);
		expect_fast_out(&packet, TUNNEL_B);
		expect_fast_incoming(&inner, TUNNEL_B, true);
		expect_spoofed(&inner, TUNNEL_C);

		rig_policy(moved[i].prefix, TUNNEL_C, NULL, 0);
		expect_fast_out(&packet, TUNNEL_C);
		expect_spoofed(&inner, TUNNEL_B);
		expect_fast_incoming(&inner, TUNNEL_C, true);
		expect_fast_incoming(&inner, TUNNEL_C, true);
		expect_spoofed(&inner, TUNNEL_B);

		rig_policy_remove(moved[i].prefix);
		expect_spoofed(&inner, TUNNEL_C);
		expect_fast_incoming(&inner, TUNNEL_B, true);
		expect_fast_out(&packet, TUNNEL_B);
	}
}

/* An IPv4-mapped address of IPv6 belongs to no peer (RFC 4291 section 2.5.5.2), whatever is kept of that address of IPv4. */
static void test_mapped(void **state)
{
	struct packet packet = fast_outgoing(INNER_B4, 100),
		      inner = tunnel_inner_from(INNER_B4, fast_text, 100),
		      mapped = fast_outgoing("::ffff:" INNER_B4, 100);

	(void)state;
	mapped.source = "::ffff:" INNER_LOCAL4;
	expect_kept(&packet, &inner, TUNNEL_B);
	fast_introduce(&mapped);
	fast_introduce(&mapped);
	expect_fast_out(&packet, TUNNEL_B);
	mapped = packet_reversed(mapped);
	expect_spoofed(&mapped, TUNNEL_B);
	expect_fast_incoming(&inner, TUNNEL_B, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_changes, fast_reset),
		cmocka_unit_test_setup(test_in_changes, fast_reset),
		cmocka_unit_test_setup(test_in_neighbour, fast_reset),
		cmocka_unit_test_setup(test_refresh, fast_reset),
		cmocka_unit_test_setup(test_allowed_changes, fast_reset),
		cmocka_unit_test_setup(test_mapped, fast_reset),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("fast_kept", tests, fast_setup, tunnel_teardown);
}
