// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inline mode: a program that is in another network namespace, or on another device, than it was made for
 * drops packets of protected flows, and sends nothing to a device that is no longer the one that was meant.
 */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <bpf/bpf.h>

#include "unit.h"
#include "expect.h"
#include "site.h"

enum { TEXT_LEN = 200 };

static uint8_t text[TEXT_LEN], buffer[XDPSEC_OVERHEAD + TEXT_LEN];

static struct packet to(const char *remote, uint16_t port)
{
	return packet_udp(remote, port, text, TEXT_LEN);
}

static struct packet sealed_from_b(uint64_t sequence)
{
	struct packet plain = packet_reversed(to(REMOTE_B4, PORT));

	return site_sealed(&plain, SLOT_B_RX, sequence, buffer);
}

/* The programs moved to another namespace, where the same indexes are those of other devices. */
static void change_config(uint64_t netns_cookie, uint32_t device)
{
	struct xdpsec_config config;

	map_read(rig.maps.config, 0, &config);
	config.netns_cookie = netns_cookie;
	config.device = device;
	map_write(rig.maps.config, 0, &config);
}

static void expect_displaced(enum program program)
{
	struct packet packet = to(REMOTE_B4, PORT), clear = to(REMOTE_CLEAR4, PORT),
		      sealed = sealed_from_b(1);

	if (program == PROGRAM_OPEN) {
		expect_packet_drop(program, &sealed, XDPSEC_DROP_DISPLACED, SLOT_NONE);
		packet = packet_reversed(packet);
		clear = packet_reversed(clear);
	}
	expect_packet_drop(program, &packet, XDPSEC_DROP_DISPLACED, SLOT_NONE);
	packet.gso_size = program == PROGRAM_OPEN ? 0 : 100;
	expect_packet_drop(program, &packet, XDPSEC_DROP_DISPLACED, SLOT_NONE);
	if (program != PROGRAM_HOP)
		expect_packet_untouched(program, &clear);
}

static void test_other_namespace(void **state)
{
	(void)state;
	change_config(rig.netns_cookie + 1, rig.device);
	expect_displaced(PROGRAM_SEAL);
	expect_displaced(PROGRAM_HOP);
	expect_displaced(PROGRAM_OPEN);
}

static void test_other_device(void **state)
{
	(void)state;
	change_config(rig.netns_cookie, rig.device + 1);
	expect_displaced(PROGRAM_SEAL);
	expect_displaced(PROGRAM_OPEN);
}

/* The kernel has emptied the element, as it does when the device is deleted or moved. */
static void test_hop_gone(void **state)
{
	struct packet packet = to(REMOTE_B4, PORT);

	(void)state;
	packet.gso_size = 100;
	rig_device_slot(XDPSEC_DEVICE_NEAR, 0);
	expect_packet_drop(PROGRAM_SEAL, &packet, XDPSEC_DROP_NO_HOP, SLOT_B_TX);
}

static void test_device_gone(void **state)
{
	struct packet packet = to(REMOTE_B4, PORT);

	(void)state;
	rig_device_slot(XDPSEC_DEVICE_PROTECTED, 0);
	expect_packet_drop(PROGRAM_HOP, &packet, XDPSEC_DROP_NO_DEVICE, SLOT_NONE);
	rig_device_slot(XDPSEC_DEVICE_PROTECTED, rig.device);
	expect_sealed(PROGRAM_HOP, &packet, SLOT_B_TX, TC_REDIRECT);
}

/* Not a model of the kernel: the kernel itself. */
static void test_kernel_empties(void **state)
{
	struct packet packet = to(REMOTE_B4, PORT);
	uint32_t key = XDPSEC_DEVICE_NEAR, index;
	static struct frame frame;

	(void)state;
	assert_int_equal(system("ip link add passing type veth peer name passing-peer"), 0);
	rig_device_slot(XDPSEC_DEVICE_NEAR, if_nametoindex("passing"));
	packet.gso_size = 100;
	packet_build(&frame, &packet);
	expect_redirect(PROGRAM_SEAL, &frame);
	assert_int_equal(system("ip link del passing"), 0);
	assert_int_equal(bpf_map_lookup_elem(rig.maps.device_slots, &key, &index), -ENOENT);
	expect_packet_drop(PROGRAM_SEAL, &packet, XDPSEC_DROP_NO_HOP, SLOT_B_TX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_other_namespace, site_reset),
		cmocka_unit_test_setup(test_other_device, site_reset),
		cmocka_unit_test_setup(test_hop_gone, site_reset),
		cmocka_unit_test_setup(test_device_gone, site_reset),
		cmocka_unit_test_setup(test_kernel_empties, site_reset),
	};

	fill_pattern(text, sizeof(text), 53);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("displaced", tests, site_setup, site_teardown);
}
