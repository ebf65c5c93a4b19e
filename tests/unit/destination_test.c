// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The destination of packets: one for this host, or for a network behind another device, is opened. One that
 * would be routed out of the same device again, in clear, is dropped.
 */
#include <stdlib.h>

#include "unit.h"
#include "site.h"
#include "expect.h"

#define BROADCAST4 "192.0.2.255"
#define BEHIND_OTHER4 "203.0.113.130"
#define BEHIND_SAME4 "203.0.113.200"
#define BEHIND_OTHER6 "2001:db8:a::1"
#define BEHIND_SAME6 "2001:db8:b::1"

static uint8_t text[50];

/* A router: LOCAL4 and LOCAL6 are its own addresses, and there are networks on both devices. */
static int setup(void **state)
{
	static const char *const commands[] = {
		"echo 1 > /proc/sys/net/ipv4/conf/all/forwarding",
		"echo 1 > /proc/sys/net/ipv6/conf/all/forwarding",
		"ip address add " LOCAL4 "/24 dev device",
		"ip address add " LOCAL6 "/64 dev device nodad",
		"ip route add 203.0.113.128/26 dev wire",
		"ip route add 203.0.113.192/26 dev device",
		"ip route add 2001:db8:a::/48 dev wire",
		"ip route add 2001:db8:b::/48 dev device",
	};

	site_setup(state);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		assert_int_equal(system(commands[i]), 0);
	rig_attach(PROGRAM_OPEN);
	return 0;
}

static int reset_unbound(void **state)
{
	site_reset(state);
	site_bind(SLOT_B_RX, XDPSEC_BIND_NONE);
	return 0;
}

static int reset_bound(void **state)
{
	site_reset(state);
	site_bind(SLOT_B_RX, XDPSEC_BIND_ADDRESSES);
	return 0;
}

static struct packet to(const char *destination)
{
	struct packet packet = packet_reversed(
		packet_udp(strchr(destination, ':') ? REMOTE_B6 : REMOTE_B4, PORT, text, sizeof(text)));

	packet.destination = destination;
	packet.ingress = rig.device;
	return packet;
}

static void expect_misrouted(const char *destination, uint64_t sequence)
{
	uint8_t buffer[XDPSEC_OVERHEAD + sizeof(text)];
	struct packet plain = to(destination), sealed = site_sealed(&plain, SLOT_B_RX, sequence, buffer);

	expect_packet_drop(PROGRAM_OPEN, &sealed, XDPSEC_DROP_MISROUTED, SLOT_B_RX);
}

static void expect_delivered(const char *destination, uint64_t sequence)
{
	struct packet plain = to(destination);

	expect_opens(&plain, SLOT_B_RX, sequence);
}

static void test_own_address(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		expect_delivered(LOCAL4, 2 * i);
		expect_delivered(LOCAL6, 2 * i + 1);
	}
}

static void test_other_device(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		expect_delivered(BEHIND_OTHER4, 2 * i);
		expect_delivered(BEHIND_OTHER6, 2 * i + 1);
	}
}

/* Two destinations with the same last byte are told apart, although one has just been found to be right. */
static void test_same_device(void **state)
{
	(void)state;
	expect_delivered(BEHIND_OTHER4, 1);
	expect_delivered("203.0.113.136", 2);
	expect_delivered(BEHIND_OTHER6, 3);
	for (int i = 0; i < 3; i++) {
		expect_misrouted(BEHIND_SAME4, 100);
		expect_misrouted("203.0.113.194", 100);
		expect_misrouted(BEHIND_SAME6, 100);
	}
	expect_delivered(BEHIND_OTHER4, 100);
}

/* The stack would not forward it: it drops it itself, or answers. */
static void test_no_route(void **state)
{
	(void)state;
	expect_delivered("198.51.100.200", 1);
	expect_delivered("2001:db8:c::1", 2);
}

/* Set `forwarding`: of the namespace (IPv6), of the device (IPv4), and of the far end, for our own
 * lookups. */
static void forward(int all, int device, int far)
{
	char command[300];

	for (int family = 4; family <= 6; family += 2) {
		snprintf(command, sizeof(command),
			 "cd /proc/sys/net/ipv%d/conf && echo %d > all/forwarding && "
			 "echo %d > device/forwarding && echo %d > hop-far/forwarding",
			 family, all, device, far);
		assert_int_equal(system(command), 0);
	}
	rig_destinations_forget();
}

static struct packet tagged(const char *destination)
{
	struct packet packet = to(destination);

	packet.vlans = 1;
	return packet;
}

/* No router: nothing is forwarded, and so everything opened. */
static void test_no_router(void **state)
{
	struct packet packet = tagged(LOCAL4);

	(void)state;
	for (int far = 0; far < 2; far++) {
		site_reset(state);
		forward(0, 0, far);
		expect_delivered(LOCAL4, 1);
		expect_delivered(LOCAL6, 2);
		expect_delivered(BEHIND_SAME4, 3);
		expect_delivered(BEHIND_SAME6, 4);
		expect_opens(&packet, SLOT_B_RX, 5);
	}
	forward(1, 1, 1);
}

/* A router with `forwarding` of the device off, so that it listens to router advertisements: IPv4 from there
 * is not forwarded, IPv6 is; and so is IPv4 that has a tag, where the VLAN's device forwards. */
static void test_device_does_not_forward(void **state)
{
	struct packet packet = tagged(BEHIND_SAME4), sealed;
	uint8_t buffer[XDPSEC_OVERHEAD + sizeof(text)];

	(void)state;
	forward(1, 0, 1);
	expect_delivered(LOCAL4, 1);
	expect_delivered(LOCAL6, 2);
	expect_delivered(BEHIND_SAME4, 3);
	expect_delivered(BEHIND_OTHER6, 4);
	expect_misrouted(BEHIND_SAME6, 100);
	sealed = site_sealed(&packet, SLOT_B_RX, 100, buffer);
	expect_packet_drop(PROGRAM_OPEN, &sealed, XDPSEC_DROP_MISROUTED, SLOT_B_RX);
	packet = tagged(BEHIND_OTHER4);
	expect_opens(&packet, SLOT_B_RX, 5);
	packet = tagged(LOCAL4);
	expect_opens(&packet, SLOT_B_RX, 6);
	/* Neither the device nor the far end forwards, so the routing table cannot be asked. */
	forward(1, 0, 0);
	expect_misrouted(BEHIND_SAME6, 100);
	expect_misrouted(BEHIND_OTHER6, 100);
	expect_misrouted(LOCAL6, 100);
	expect_delivered(LOCAL4, 7);
	forward(1, 1, 1);
}

/* No route leads to the members of a group. */
static void test_groups(void **state)
{
	static const char *const groups[] = { "224.0.0.5", "239.1.1.1", "255.255.255.255",
					      "ff02::5",   "ff0e::1",	BROADCAST4 };

	(void)state;
	assert_int_equal(system("ip route add default dev device && ip -6 route add default dev device"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		expect_delivered(groups[i], i);
	expect_misrouted("198.51.100.200", 100);
	assert_int_equal(system("ip route del default && ip -6 route del default"), 0);
}

/* The destination that was sealed is looked up once the tag holds: such a packet has used its number. */
static void expect_misrouted_bound(const char *destination, uint64_t sequence)
{
	static struct tally expected, after;
	static struct frame frame, out;
	uint8_t buffer[XDPSEC_OVERHEAD + sizeof(text)];
	struct packet plain = to(destination), sealed = site_sealed(&plain, SLOT_B_RX, sequence, buffer);

	packet_build(&frame, &sealed);
	tally_take(&expected);
	tally_add_drop(&expected, XDPSEC_DROP_MISROUTED, SLOT_B_RX);
	assert_int_equal(rig_run(PROGRAM_OPEN, &frame, &out), XDP_DROP);
	tally_take(&after);
	tally_move_window(&expected, &after, SLOT_B_RX);
	expect_same_tally(&after, &expected);
}

/* The sender meant it, and this host would send it back in clear: the peer's prefix is too wide. */
static void test_bound_same_device(void **state)
{
	(void)state;
	expect_delivered(BEHIND_OTHER4, 1);
	expect_delivered(BEHIND_OTHER6, 2);
	for (int i = 0; i < 3; i++) {
		expect_misrouted_bound(BEHIND_SAME4, 10 + i);
		expect_misrouted_bound(BEHIND_SAME6, 20 + i);
	}
	expect_delivered(BEHIND_OTHER4, 30);
}

/* Another destination than was sealed, wherever it leads. The packet itself is opened afterwards. */
static void test_bound_changed(void **state)
{
	static const char *const changed[] = { BEHIND_SAME4, BEHIND_OTHER4, "239.1.1.1",
					       BEHIND_SAME6, BEHIND_OTHER6, "ff0e::1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changed); i++) {
		uint8_t buffer[XDPSEC_OVERHEAD + sizeof(text)];
		struct packet plain = to(strchr(changed[i], ':') ? LOCAL6 : LOCAL4);
		struct packet sealed = site_sealed(&plain, SLOT_B_RX, i, buffer), rerouted = sealed;

		rerouted.destination = changed[i];
		expect_packet_drop(PROGRAM_OPEN, &rerouted, XDPSEC_DROP_AUTH_FAILED, SLOT_B_RX);
		expect_opened(&sealed, &plain, SLOT_B_RX);
	}
}

/* Packets that are not sealed, or of another flow, are not looked up. */
static void test_not_sealed(void **state)
{
	struct packet packet = to(BEHIND_SAME4);

	(void)state;
	expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_PLAINTEXT, SLOT_NONE);
	packet.source_port = PORT_CLEAR;
	expect_packet_untouched(PROGRAM_OPEN, &packet);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_own_address, reset_unbound),
		cmocka_unit_test_setup(test_other_device, reset_unbound),
		cmocka_unit_test_setup(test_same_device, reset_unbound),
		cmocka_unit_test_setup(test_no_route, reset_unbound),
		cmocka_unit_test_setup(test_no_router, reset_unbound),
		cmocka_unit_test_setup(test_device_does_not_forward, reset_unbound),
		cmocka_unit_test_setup(test_groups, reset_unbound),
		cmocka_unit_test_setup(test_not_sealed, reset_unbound),
		cmocka_unit_test_setup(test_bound_same_device, reset_bound),
		cmocka_unit_test_setup(test_bound_changed, reset_bound),
		cmocka_unit_test_setup(test_own_address, reset_bound),
		cmocka_unit_test_setup(test_other_device, reset_bound),
	};

	fill_pattern(text, sizeof(text), 19);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("destination", tests, setup, site_teardown);
}
