/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file /run/xdpsec/NAME.agent: how the key agreement stands, peer by peer. The agent writes it through a mapping, and
 * `status` reads it. It has no key, and nothing is decided by it. It outlives the agent, whose lock tells whether it
 * is still running.
 */
#ifndef XDPSEC_AGENT_STATUS_H
#define XDPSEC_AGENT_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "agreement/agreement.h"
#include "agreement/message.h"
#include "xdpsec/abi.h"

#define AGENT_RUN_DIR "/run/xdpsec"
#define AGENT_COUNTERS_MAX 40

struct agent_status_counter {
	char name[32]; /* of agreement_counter(); empty: there are no more */
	uint64_t value;
};

struct agent_status_peer {
	uint8_t in_use;
	uint8_t has_name;   /* Endpoint is a name */
	uint8_t unresolved; /* its last lookup has found no address */
	uint8_t pad[5];
	struct agreement_status agreement;
	struct agreement_address asked;	 /* where the last Initiation went; port 0: nowhere yet */
	struct agreement_address agreed; /* the address of the last handshake; port 0: there was none */
};

/* Messages that were refused for one reason, and who sent the last of them. */
struct agent_status_refusal {
	uint64_t count;
	struct agreement_address from;
	uint8_t pad[6];
};

struct agent_status {
	uint32_t size;	   /* of this structure: another version's is not read */
	uint32_t changing; /* odd: being written */
	int32_t pid;
	uint32_t uid;
	int64_t started;   /* seconds since the Epoch */
	uint64_t now;	   /* CLOCK_BOOTTIME, ns: when it was written */
	uint64_t renewals; /* how often all keys were renewed: `xdpsec rekey` */
	char user[32];
	char version[64];
	char log[96]; /* where its lines go: log_destination() */
	struct agent_status_counter counters[AGENT_COUNTERS_MAX];
	struct agent_status_refusal refusals[MESSAGE_REFUSAL_COUNT]; /* by enum message_refusal */
	struct agent_status_peer peers[XDPSEC_MAX_PEERS];	     /* by index */
};

/* Make AGENT_RUN_DIR. 0, or -errno after a message. */
int agent_status_make_directory(void);

/* Make the file as root, and map it. NULL after a message. It is unmapped at the end of the process. */
struct agent_status *agent_status_create(const char *instance);

/* Around each change of it. */
void agent_status_begin(struct agent_status *status);
void agent_status_end(struct agent_status *status);

/* Read a copy; free() it. NULL without a message: there is none, or it is of another version. */
struct agent_status *agent_status_read(const char *instance);

/* Remove the file of an instance that is down. */
void agent_status_remove(const char *instance);

#endif
