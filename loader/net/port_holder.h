/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process that has a UDP port, for the message that it cannot be had. */
#ifndef XDPSEC_PORT_HOLDER_H
#define XDPSEC_PORT_HOLDER_H

#include <stdbool.h>
#include <linux/types.h>

struct port_holder {
	int pid;
	char name[16];	   /* of the process */
	char instance[64]; /* the instance whose agent it is; empty: it is no agent of ours */
};

/*
 * Look for a socket with the port in this network namespace. False: its process is not known, as it is in another PID
 * namespace or of another user. A socket that is bound to a device or an address is found as well.
 */
bool port_find_holder(__u16 port, struct port_holder *holder);

/* The holder in words, "process 123 (named)"; without one, "another socket". */
const char *port_holder_text(const struct port_holder *holder, char *text, unsigned int size);

#endif
