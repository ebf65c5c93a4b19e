// SPDX-License-Identifier: GPL-2.0-or-later
/* Fuzzer of inline mode: xdpsec_seal, xdpsec_hop and xdpsec_open, in the situation of site.h. */
#include "unit/unit.h"
#include "fuzz/chance.h"
#include "flow.h"
#include "unit/site.h"
#include "targets.h"

const char *const remotes[REMOTES] = { REMOTE_B4,     REMOTE_B6,     REMOTE_C4,		 REMOTE_C6,
				       REMOTE_NO_SA4, REMOTE_NO_SA6, REMOTE_NO_CONTEXT4, REMOTE_NO_CONTEXT6,
				       REMOTE_CLEAR4, REMOTE_CLEAR6 };

static int setup(void **state)
{
	site_setup(state);
	for (size_t i = 0; i < SITE_POLICIES; i++)
		flow_add(site_policies[i].prefix, site_policies[i].peer);
	return 0;
}

static int reset(void **state)
{
	site_reset(state);
	site_bind(SLOT_C_TX, below(3));
	site_bind(SLOT_C_RX, below(3));
	rig_device_mtu(one_in(2) ? 1500 : RIG_DEVICE_MTU);
	return 0;
}

int main(void)
{
	static const struct fuzz_target targets[] = {
		{ "seal", PROGRAM_SEAL, 3, make_outgoing, judge_seal },
		{ "hop", PROGRAM_HOP, 1, make_outgoing, judge_hop },
		{ "open", PROGRAM_OPEN, 4, make_incoming, judge_open },
	};
	static const struct fuzzer fuzzer = {
		.name = "inline mode",
		.setup = setup,
		.reset = reset,
		.teardown = site_teardown,
		.refresh = rig_allow_answers,
		.targets = targets,
		.n_targets = ARRAY_SIZE(targets),
		.outcomes = 1 << OUTCOME_DROPPED | 1 << OUTCOME_PASSED | 1 << OUTCOME_SEALED |
			    1 << OUTCOME_OPENED | 1 << OUTCOME_HOPPED | 1 << OUTCOME_ANSWERED |
			    1 << OUTCOME_CUT | 1 << OUTCOME_LOWERED,
	};

	return fuzz_main(&fuzzer);
}
