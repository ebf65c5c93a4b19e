/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The system calls that the agent, its resolver and the keeper of that have. The list is in seccomp.c alone. */
#ifndef XDPSEC_AGENT_SECCOMP_H
#define XDPSEC_AGENT_SECCOMP_H

enum seccomp_role {
	SECCOMP_AGENT,
	SECCOMP_RESOLVER,
	SECCOMP_KEEPER, /* of the resolver */
};

/*
 * From now on every other call fails with EPERM, and the kernel logs it. With the environment variable
 * XDPSEC_SECCOMP=kill, as in tests, it ends the process. 0, or -errno after a message.
 */
int seccomp_enter(enum seccomp_role role);

/* The same for a resolver whose sockets of IPv4 and IPv6 another process makes: *listener is the descriptor by which that
 * one is asked (seccomp_unotify(2)). 0, or -errno without a message. */
int seccomp_enter_listened(int *listener);

#endif
