/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages to a supervisor: sd_notify(3) as one datagram, without libsystemd. */
#ifndef XDPSEC_AGENT_NOTIFY_H
#define XDPSEC_AGENT_NOTIFY_H

#include <linux/types.h>

struct notify {
	int socket;	     /* connected; -1: nobody asked */
	__u64 watchdog_nano; /* how often it wants to hear from us; 0: never */
};

/* Connect to $NOTIFY_SOCKET. Call it before the sandbox. 0, or -errno after a message. */
int notify_open(struct notify *notify);
/* "READY=1", "WATCHDOG=1", "STOPPING=1", ... */
void notify_send(const struct notify *notify, const char *state);

#endif
