/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings for tests, from the environment of the agent: XDPSEC_AGREE="rekey=4000 grace=1000 reject=20 clock=-86400".
 * Users do not set these: GRACE has to outlive what is under way, and both ends need the same.
 */
#ifndef XDPSEC_AGENT_DEVELOPER_H
#define XDPSEC_AGENT_DEVELOPER_H

#include <stdint.h>

struct developer {
	uint64_t rekey_ms, grace_ms; /* RekeyAfter and GRACE; 0: as always */
	unsigned int reject;	     /* RejectAfter, in seconds; 0: as in the configuration */
	int64_t clock;		     /* seconds that CLOCK_REALTIME is taken to be off */
};

/* 0, or -EINVAL after a message. */
int developer_read(struct developer *developer);

#endif
