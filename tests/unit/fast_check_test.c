// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The devices of a fast path that no test can make out of namespaces: network cards, whose drivers take VLAN tags out of
 * frames, or take no redirected ones. What ethtool would say is said here.
 */
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "base/message.h"
#include "unit.h"
#include "device/fast_check.h"
#include "plane/fast.h"

#define FEATURES 40 /* two blocks of 32 */

static const char *const named[FEATURES] = {
	[0] = "tx-scatter-gather",
	[8] = "rx-vlan-hw-parse",
	[35] = "rx-vlan-stag-hw-parse",
	[36] = "rx-vlan-filter",
};
static struct ethtool_get_features_block blocks[2];

static void on(unsigned int feature, bool fixed)
{
	struct ethtool_get_features_block *block = &blocks[feature / 32];
	__u32 bit = 1U << feature % 32;

	block->active |= bit;
	if (!fixed)
		block->available |= bit;
}

static void answer(void *data)
{
	__u32 command = *(__u32 *)data;

	if (command == ETHTOOL_GSSET_INFO) {
		((struct ethtool_sset_info *)data)->data[0] = FEATURES;
	} else if (command == ETHTOOL_GSTRINGS) {
		struct ethtool_gstrings *names = data;

		for (size_t i = 0; i < FEATURES; i++)
			snprintf((char *)names->data + i * ETH_GSTRING_LEN, ETH_GSTRING_LEN, "%s",
				 named[i] ?: "");
	} else if (command == ETHTOOL_GFEATURES) {
		memcpy(((struct ethtool_gfeatures *)data)->features, blocks, sizeof(blocks));
	}
}

/* In place of the C library's. */
int ioctl(int fd, unsigned long request, ...)
{
	const struct ifreq *wanted;
	va_list arguments;

	(void)fd;
	va_start(arguments, request);
	wanted = va_arg(arguments, const struct ifreq *);
	va_end(arguments);
	assert_int_equal(request, SIOCETHTOOL);
	assert_string_equal(wanted->ifr_name, "card0");
	answer(wanted->ifr_data);
	return 0;
}

static const struct netdev card = { .index = 1, .name = "card0", .type = ARPHRD_ETHER };

static int setup(void **state)
{
	(void)state;
	memset(blocks, 0, sizeof(blocks));
	message_hold();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	message_release();
	return 0;
}

static void expect_refused(int err, const char *failure, const char *advice)
{
	assert_int_equal(err, -EOPNOTSUPP);
	assert_string_equal(message_failure(), failure);
	assert_string_equal(message_hint(), advice);
}

static void test_card(void **state)
{
	(void)state;
	on(0, false);
	on(36, true);
	assert_int_equal(fast_check_device(&card, "FastPath: "), 0);
}

#define TAKES_TAGS                                                                                           \
	"FastPath: card0: it takes VLAN tags out of frames (rx-vlan-offload): XDP would take frames of any " \
	"VLAN for its own"

static void test_vlan_offload(void **state)
{
	(void)state;
	on(8, false);
	expect_refused(fast_check_device(&card, "FastPath: "), TAKES_TAGS, "ethtool -K card0 rxvlan off");
}

/* For `status`, which says it of an instance that is up. */
static void test_fault(void **state)
{
	struct fast_fault fault;

	(void)state;
	assert_false(fast_find_fault(&card, &fault));
	on(8, false);
	assert_true(fast_find_fault(&card, &fault));
	assert_string_equal(fault.text, strstr(TAKES_TAGS, "it takes"));
	assert_string_equal(fault.hint, "ethtool -K card0 rxvlan off");
	assert_string_equal(message_failure(), "");
}

static void test_fixed(void **state)
{
	(void)state;
	on(8, true);
	expect_refused(fast_check_device(&card, "FastPath: "), TAKES_TAGS,
		       "its driver cannot switch that off: leave FastPath out, or card0 out of it");
}

/* 802.1ad has a feature of its own, and here it is in the second block. */
static void test_service_tags(void **state)
{
	(void)state;
	on(35, true);
	expect_refused(fast_check_device(&card, "FastPath: "), TAKES_TAGS,
		       "its driver cannot switch that off: leave FastPath out, or card0 out of it");
}

/* A veth's program looks beside each frame. */
static void test_veth(void **state)
{
	struct netdev veth = card;

	(void)state;
	strcpy(veth.kind, "veth");
	on(8, true);
	assert_int_equal(fast_check_device(&veth, "FastPath: "), 0);
}

static void test_no_ethernet(void **state)
{
	struct netdev tunnel = card;

	(void)state;
	tunnel.type = ARPHRD_NONE;
	assert_int_equal(fast_check_device(&tunnel, "FastPath: "), -EINVAL);
	assert_string_equal(message_failure(),
			    "FastPath: card0: not a network card or veth, but no Ethernet device");
}

static void test_takes_no_redirected_frames(void **state)
{
	struct netdev veth = card;

	(void)state;
	expect_refused(fast_refuse_transmits(&card),
		       "FastPath: card0: its driver takes no redirected frames (no ndo_xdp_xmit)",
		       "leave FastPath out, or card0 out of it");
	strcpy(veth.kind, "veth");
	assert_int_equal(fast_refuse_transmits(&veth), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_card, setup, teardown),
		cmocka_unit_test_setup_teardown(test_vlan_offload, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fault, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fixed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_service_tags, setup, teardown),
		cmocka_unit_test_setup_teardown(test_veth, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_ethernet, setup, teardown),
		cmocka_unit_test_setup_teardown(test_takes_no_redirected_frames, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("devices of a fast path", tests, NULL, NULL);
}
