/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking up names in a process of its own: getaddrinfo(3) takes as long as a name server likes, and loads whatever
 * nsswitch.conf(5) says. The process is forked before a key is read, and has a sandbox of its own. It is asked, and
 * answers, by datagrams on a pair of sockets, one name at a time.
 *
 * Its parent is a keeper, which does nothing but start it again if it dies. A process that reads what strangers send must
 * not be tried at will, so this is done a few times only.
 */
#ifndef XDPSEC_AGENT_RESOLVER_H
#define XDPSEC_AGENT_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/sandbox.h"

/* As long as in config.h. */
#define RESOLVER_NAME_MAX 254
#define RESOLVER_ADDRESSES_MAX 8

struct resolver_question {
	uint32_t peer;
	char name[RESOLVER_NAME_MAX];
};

struct resolver_answer {
	uint32_t peer;
	int32_t error; /* of getaddrinfo(3); 0: there are addresses */
	uint32_t n;
	uint8_t addresses[RESOLVER_ADDRESSES_MAX][16]; /* IPv4 as ::ffff:a.b.c.d; of both versions in turn */
};

/* In place of a peer: the process has died by the signal `error` (0: it has ended), and its questions with it. It is
 * started again. */
#define RESOLVER_DIED UINT32_MAX

/* In place of a peer: its sockets cannot have the mark here, for the reason `error`. It goes on without. */
#define RESOLVER_UNMARKED (UINT32_MAX - 1)

/* Fork the process. *fd is our end of a socket pair: closing it ends the process. 0, or -errno after a message. */
int resolver_start(const struct agent_user *user, int *fd);

/* Let the process begin, with this mark for its sockets; 0: none. 0, or -errno after a message. */
int resolver_begin(int fd, uint32_t mark);

/* Send a question. false: there is no room for it now, or the process has ended. */
bool resolver_ask(int fd, const struct resolver_question *question);
/* 1: an answer; 0: none yet; -EPIPE: the process has ended for good. */
int resolver_receive(int fd, struct resolver_answer *answer);

#endif
