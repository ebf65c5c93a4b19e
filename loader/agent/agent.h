/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent: the process that agrees with the peers of one instance on their keys.
 *
 * Root starts the agent. It opens what it needs (agent_open.c), gives up everything else (sandbox.h), and from then on
 * has descriptors and no rights. The protocol is a pure function (agreement/agreement.h); agent_host.c does what it asks,
 * agent_loop.c brings it what happens. The data plane needs no agent until its keys expire, and a new agent needs
 * nothing of an old one: so it may die, hang, or be replaced at any time.
 */
#ifndef XDPSEC_AGENT_H
#define XDPSEC_AGENT_H

#include <stdbool.h>

#include "agent/agent_status.h"
#include "agent/clock.h"
#include "agent/developer.h"
#include "agent/notify.h"
#include "agent/psk.h"
#include "agent/resolver.h"
#include "agent/socket.h"
#include "agreement/agreement.h"
#include "config/config.h"
#include "plane/agree.h"
#include "plane/instance.h"

/* Exit codes: a supervisor starts it again after all but the second. */
enum {
	AGENT_EXIT_TERMINATED = 0, /* SIGTERM, or `reload` */
	AGENT_EXIT_FAILED = 1,
	AGENT_EXIT_DOWN = 7, /* `down` */
};

/* The addresses of a peer whose Endpoint is a name. */
struct agent_name {
	char host[RESOLVER_NAME_MAX]; /* empty: Endpoint is an address, or unknown */
	uint8_t addresses[RESOLVER_ADDRESSES_MAX][16];
	unsigned int n;
	uint64_t asked;	       /* when it was last looked up, CLOCK_BOOTTIME ns; 0: never */
	bool waiting;	       /* for the answer */
	unsigned int failures; /* of the last lookups */
};

struct agent_peer {
	const struct peer_config *config; /* NULL: no agreed peer has this index */
	struct agent_name name;
	struct psk *psk; /* NULL: it has none */
	struct agreement_address asked;
	struct agreement_address agreed; /* the other end of the last handshake */
	bool refused_psk;		 /* so that the log has it once */
};

struct agent {
	char instance_name[XDPSEC_NAME_LEN];
	struct instance instance;
	struct config config;
	struct agent_peer peers[XDPSEC_MAX_PEERS];
	size_t n_agreed, n_names;
	struct agent_user user;
	struct developer developer;

	struct agree plane;
	struct agreement *agreement;
	struct psk *psks; /* of all peers, in memory for secrets */
	size_t n_psks;
	struct agent_status *status;
	struct clock_file clock;
	struct notify notify;

	bool has_bulk;	    /* the module for many blocks at a time was there at the start */
	bool resolver_died; /* so that the log has it once */
	int lock, socket, resolver, instance_map;
	int epoll, deadline_timer, clock_timer, signals;
	uint32_t socket_full; /* messages that found no room in the socket */
	uint64_t resumed;     /* CLOCK_BOOTTIME - CLOCK_MONOTONIC, as it was last seen */
	uint64_t next_tick, next_watchdog;
	int exit_code; /* -1: goes on */
};

/* Called when the agent is ready, and messages go to the log from then on. May be NULL. */
typedef void (*agent_ready)(void *data);

/* Run the agent of the instance NAME until it is ended. Its exit code. */
int agent_run(const char *name, agent_ready ready, void *data);

/* agent_open.c: as root, open and read everything. 0, or -errno after a message. */
int agent_open(struct agent *agent);
void agent_close(struct agent *agent);

/* agent_host.c: the functions of the agreement. */
void agent_host(struct agent *agent, struct agreement_host *host);

/* agent_report.c: log an event; data is the agent. peer: its index, or another number, if it is none's. */
void agent_report(void *data, uint32_t peer, const struct agreement_report *report);
/* Write the status of all peers, and the counters. */
void agent_write_status(struct agent *agent);

/* agent_name.c: the addresses of peers whose Endpoint is a name. */
void agent_look_up(struct agent *agent, uint32_t peer, uint64_t now);
/* Look up the peers that have no address so far. */
void agent_look_up_missing(struct agent *agent, uint64_t now);
void agent_take_answer(struct agent *agent, uint64_t now);
/* The address for this attempt: false: none is known. endpoint is where the peer was last, port 0: nowhere yet. */
bool agent_choose_address(struct agent *agent, uint32_t peer, unsigned int attempt,
			  const struct agreement_address *endpoint, struct agreement_address *chosen);

/* An event of the data plane. */
void agent_take_event(void *data, const struct xdpsec_event *event);

/* agent_loop.c: wait, and bring the agreement what happens, until exit_code is set. */
int agent_prepare_loop(struct agent *agent);
void agent_loop(struct agent *agent);

/* CLOCK_BOOTTIME, ns. */
uint64_t agent_now(void);

#endif
