// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tunnel mode: what is for this host is opened, and what is for another host behind the same device (a
 * macvlan or ipvlan, a machine behind a bridge) passes, whether this host forwards or not.
 */
#include <stdlib.h>

#include "unit.h"
#include "expect.h"
#include "tunnel.h"

static const uint8_t of_guest[6] = { 0x00, 0x00, 0x5e, 0x00, 0x53, 0x77 };
static const uint8_t of_group[6] = { 0x01, 0x00, 0x5e, 0x00, 0x00, 0x05 };
static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
static const uint8_t *const ours;

static uint8_t text[60], buffer[FRAME_MAX];
static uint64_t sequence;

/* Whether the device forwards, and the tunnel's far end. */
static void forward(int device, int far)
{
	char command[300];

	for (int family = 4; family <= 6; family += 2) {
		snprintf(command, sizeof(command),
			 "cd /proc/sys/net/ipv%d/conf && echo 0 > all/forwarding && echo %d > "
			 "device/forwarding && "
			 "echo %d > hop-far/forwarding",
			 family, device, far);
		tunnel_shell(command);
	}
}

/* A packet from a peer to this address. */
static struct packet to(const char *destination, const uint8_t *mac, const struct packet *inner)
{
	struct packet outer = tunnel_incoming(strchr(destination, ':') ? TUNNEL_C : TUNNEL_B, sequence++,
					      inner, buffer);

	outer.destination = destination;
	outer.mac = mac;
	rig_destinations_forget();
	return outer;
}

static void expect_ours(const char *destination, const uint8_t *mac)
{
	int peer = strchr(destination, ':') ? TUNNEL_C : TUNNEL_B;
	struct packet inner = tunnel_inner_from(peer == TUNNEL_C ? INNER_C6 : INNER_B4, text, sizeof(text));
	struct packet outer = to(destination, mac, &inner);

	expect_decapsulated(&outer, &inner, peer);
	outer.destination_port++;
	expect_packet_untouched(PROGRAM_DECAPSULATE, &outer);
}

static void expect_others(const char *destination, const uint8_t *mac)
{
	int peer = strchr(destination, ':') ? TUNNEL_C : TUNNEL_B;
	struct packet inner = tunnel_inner_from(peer == TUNNEL_C ? INNER_C6 : INNER_B4, text, sizeof(text));
	struct packet outer = to(destination, mac, &inner);

	expect_packet_untouched(PROGRAM_DECAPSULATE, &outer);
}

/* These hold wherever the routing table can be asked, by either device. */
static void expect_told_apart(void)
{
	expect_ours(LOCAL4, ours);
	expect_ours(LOCAL6, ours);
	/* An address that is on a device on top of this one, with a MAC of its own: VRRP. */
	expect_ours(LOCAL4, of_guest);
	expect_ours(LOCAL6, of_guest);
	expect_ours("192.0.2.254", of_guest); /* beside the broadcast address */
	/* Macvlan and bridge; ipvlan. */
	expect_others("192.0.2.77", of_guest);
	expect_others("2001:db8:1::77", of_guest);
	expect_others("192.0.2.77", ours);
	expect_others("2001:db8:1::77", ours);
	expect_others("198.51.100.200", of_guest);
	expect_others("2001:db8:77::1", of_guest);
	/* A group or broadcast, by IP or by Ethernet. */
	expect_others("192.0.2.255", broadcast);
	expect_others("255.255.255.255", broadcast);
	expect_others("224.0.0.5", of_group);
	expect_others("ff02::5", of_group);
	expect_others(LOCAL4, broadcast);
	expect_others(LOCAL6, of_group);
	/* The frame's receiver is all that is known about another link-local address. */
	expect_others("fe80::77", of_guest);
}

static void test_router(void **state)
{
	(void)state;
	forward(1, 1);
	expect_told_apart();
}

static void test_no_router(void **state)
{
	(void)state;
	forward(0, 1);
	expect_told_apart();
	forward(1, 0);
	expect_told_apart();
}

/* The routing table cannot be asked: frames for the device are for this host. */
static void test_nothing_forwards(void **state)
{
	(void)state;
	forward(0, 0);
	expect_ours(LOCAL4, ours);
	expect_ours(LOCAL6, ours);
	expect_others("192.0.2.77", of_guest);
	expect_others("2001:db8:1::77", of_guest);
	expect_others("fe80::77", of_guest);
	expect_others("192.0.2.255", broadcast);
	expect_others("ff02::5", of_group);
}

/* Nor is an address of this host that has no route, such as those of a machine behind a bridge where this
 * host has no address of that family. */
static void test_no_routes(void **state)
{
	(void)state;
	tunnel_shell("ip route del default");
	tunnel_shell("ip -6 route del default");
	for (int device = 0; device < 2; device++) {
		forward(device, 1);
		expect_told_apart();
		expect_ours("203.0.113.99", ours);
		expect_ours("2001:db8:99::1", ours);
	}
	tunnel_shell("ip -6 address del " LOCAL6 "/64 dev device");
	expect_others(LOCAL6, of_guest);
	tunnel_shell("ip address add " LOCAL6 "/64 dev device nodad");
	tunnel_shell("ip route add default via 192.0.2.253");
	tunnel_shell("ip route add default via 2001:db8:1::fe");
}

/* The tables of a VRF are not the far end's. */
static void test_vrf(void **state)
{
	(void)state;
	if (system("ip link add red type vrf table 100 2>&1") != 0) {
		print_message("# this kernel has no VRFs\n");
		return;
	}
	tunnel_shell("ip link set red up");
	tunnel_shell("ip link set device master red");
	tunnel_shell("ip address replace " LOCAL6 "/64 dev device nodad");
	forward(1, 1);
	expect_ours(LOCAL4, ours);
	expect_ours(LOCAL6, ours);
	expect_others("192.0.2.77", of_guest);
	forward(0, 1);
	expect_ours(LOCAL4, ours);
	expect_ours(LOCAL6, ours);
	expect_others("192.0.2.77", of_guest);
	tunnel_shell("ip link del red");
	tunnel_shell("ip address replace " LOCAL6 "/64 dev device nodad");
	tunnel_shell("ip route replace default via 192.0.2.253");
	tunnel_shell("ip route replace default via 2001:db8:1::fe");
}

static int setup(void **state)
{
	tunnel_setup(state);
	tunnel_shell("ip address add 192.0.2.254/24 dev device");
	tunnel_shell("ip route replace default via 192.0.2.253");
	return 0;
}

static int reset(void **state)
{
	sequence = 1;
	return tunnel_reset(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_router, reset),
		cmocka_unit_test_setup(test_no_router, reset),
		cmocka_unit_test_setup(test_nothing_forwards, reset),
		cmocka_unit_test_setup(test_no_routes, reset),
		cmocka_unit_test_setup(test_vrf, reset),
	};

	fill_pattern(text, sizeof(text), 61);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("local", tests, setup, tunnel_teardown);
}
