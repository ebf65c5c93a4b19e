/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that the agent gives up after it has opened everything: root, all capabilities, new privileges, core dumps, other
 * system calls (seccomp.h), other files (landlock.h).
 */
#ifndef XDPSEC_AGENT_SANDBOX_H
#define XDPSEC_AGENT_SANDBOX_H

#include <stddef.h>
#include <sys/types.h>

/* The user that the agent becomes; the other one where nobody has made it. */
#define AGENT_USER "xdpsec"
#define AGENT_USER_FALLBACK "nobody"

struct agent_user {
	uid_t uid;
	gid_t gid;
	const char *name;
};

/* 0, or -errno after a message. */
int sandbox_find_user(struct agent_user *user);

/* No swap, and no core dump, not even to a pipe. Call it before a key is read. 0, or -errno after a message. */
int sandbox_lock_memory(void);

/* Become that user, without any capability, for ever. 0, or -errno after a message. */
int sandbox_leave_root(const struct agent_user *user);

/* The same, but for the capability to set a mark; and later to give up that. */
int sandbox_leave_root_but_mark(const struct agent_user *user);
int sandbox_drop_capabilities(void);

/*
 * A page for secrets: locked, in no core dump, zero in a child. Its contents are wiped by sandbox_free_secret(). NULL
 * after a message.
 */
void *sandbox_secret(size_t size);
void sandbox_free_secret(void *secret, size_t size);

#endif
