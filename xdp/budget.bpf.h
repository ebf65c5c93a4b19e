/* SPDX-License-Identifier: GPL-2.0-only */
/* A budget for each second: how often something costly is done, whoever sends packets that ask for it. */
#ifndef XDPSEC_BUDGET_BPF_H
#define XDPSEC_BUDGET_BPF_H

#include "xdpsec/endpoint.bpf.h"

struct budget {
	u64 second;
	u64 spent;
};

/* now: CLOCK_MONOTONIC, ns. false: there is nothing left of it. */
static __always_inline bool budget_spend(struct budget *budget, u64 now, u64 per_second)
{
	u64 second = now / ENDPOINT_SECOND;

	if (budget->second != second) {
		budget->second = second;
		budget->spent = 0;
	}
	return budget->spent++ < per_second;
}

#endif
