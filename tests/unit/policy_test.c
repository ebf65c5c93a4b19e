// SPDX-License-Identifier: GPL-2.0-or-later
/* When the hash of hosts is asked first (loader/plane/policy.c): where there are many, and most prefixes are such. */
#include "unit.h"
#include "config/config.h"
#include "plane/policy.h"

enum { MANY = 16 };

static void test_counts(void **state)
{
	(void)state;
	assert_false(policy_hosts_pay(0, 0));
	assert_false(policy_hosts_pay(0, 1000));
	assert_false(policy_hosts_pay(1, 1));
	assert_false(policy_hosts_pay(MANY - 1, MANY - 1));
	assert_true(policy_hosts_pay(MANY, MANY));
	/* An address and a network for each peer: what is sent is sent to the networks. */
	assert_false(policy_hosts_pay(1000, 2000));
	assert_true(policy_hosts_pay(1000, 1999));
	assert_true(policy_hosts_pay(XDPSEC_MAX_PREFIXES, XDPSEC_MAX_PREFIXES));
}

/* Both families count, over all peers. */
static void test_config(void **state)
{
	struct xdpsec_prefix prefixes[MANY] = {};
	struct peer_config peers[2] = {
		{ .prefixes = prefixes, .n_prefixes = MANY / 2 },
		{ .prefixes = prefixes + MANY / 2, .n_prefixes = MANY / 2 },
	};
	struct config config = { .peers = peers, .n_peers = 2 };

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		prefixes[i].length = 128;
		if (i % 2)
			memset(prefixes[i].address + 10, 0xff, 2);
	}
	assert_true(policy_prefers_hosts(&config));
	prefixes[3].length = 96 + 31;
	assert_false(policy_prefers_hosts(&config));
	config.n_peers = 0;
	assert_false(policy_prefers_hosts(&config));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_config),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
