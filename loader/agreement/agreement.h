/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The key agreement of one instance: everything that the agent decides, without anything that it does. Pure: the time
 * (CLOCK_BOOTTIME, ns) is an argument, and randomness, sending, installing are functions of struct agreement_host. So a
 * test runs both ends of a million handshakes in one process (tests/unit/agreement_machine_test.c).
 *
 * exchange.c turns bytes into messages (Noise, MACs, cookies), machine.c has the rules (docs/agreement.md, state machine).
 * Peers are given by their index in the data plane. One thread.
 */
#ifndef XDPSEC_AGREEMENT_H
#define XDPSEC_AGREEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agreement/agreement_times.h"

enum { AGREEMENT_KEY_LEN = 32, AGREEMENT_STAMP_LEN = 12, AGREEMENT_SUITES = 4 };

#define AGREEMENT_NEVER UINT64_MAX

/* IPv4 as ::ffff:a.b.c.d. All zero: none. */
struct agreement_address {
	uint8_t address[16]; /* network byte order */
	uint16_t port;	     /* host byte order */
};

/* The way of a control message. local: all zero, and routing chooses. device: the index that it came in by; 0: any. */
struct agreement_path {
	struct agreement_address remote;
	struct agreement_address local;
	uint32_t device;
};

enum agreement_state {
	AGREEMENT_EMPTY,     /* the slot is free */
	AGREEMENT_PENDING,   /* opens; we responded, and no Confirm came yet */
	AGREEMENT_CONFIRMED, /* seals, or opens */
	AGREEMENT_LEFT,	     /* opens; the peer has provably left it at .since, and GRACE later it goes */
	AGREEMENT_DYING,     /* unlinked, or was never linked: erased after a grace period of the kernel */
};

#define AGREEMENT_NO_SLOT UINT32_MAX
#define AGREEMENT_NO_PEER UINT32_MAX

/* An SA of the data plane as the agreement remembers it: written with the SA, read by the next agent and by `status`. */
struct agreement_record {
	uint64_t id;	   /* given by the data plane when it is installed */
	uint64_t key_hash; /* of the peer: agreement_key_hash() */
	uint64_t peer_life, own_life;
	uint64_t birth;	   /* CLOCK_BOOTTIME, ns; so are the next two */
	uint64_t deadline; /* 0: none, which an agreed SA never has */
	uint64_t since;	   /* when .state became what it is */
	uint32_t slot;	   /* SLOTS_PEER * peer + k */
	uint32_t partner;  /* the slot of the other direction; AGREEMENT_NO_SLOT: none */
	uint32_t spi_rx, spi_tx;
	uint32_t generation;
	uint16_t reject_after; /* seconds */
	uint8_t state;	       /* enum agreement_state */
	uint8_t initiator;     /* was it us? */
	uint8_t suite;	       /* one bit */
	uint8_t binding;
	/* Only for agreement_adopt(), from the data plane. */
	uint8_t linked;	  /* `spis` or `peers` refers to the slot */
	uint8_t opened;	  /* a packet was opened under it */
	uint8_t outdated; /* a new SA would get a faster cipher: another pair is agreed on soon */
};

/* A key of the data plane. Consumed: whoever gets a pointer to it wipes it, also on errors. */
struct agreement_key {
	uint8_t bytes[AGREEMENT_KEY_LEN];
	size_t length; /* 16 or 32 */
};

void agreement_key_wipe(struct agreement_key *key);

/* An SA to be installed. seals: k is 0-2, and numbers start at 0. */
struct agreement_sa {
	uint32_t peer;
	uint32_t slot;
	uint32_t spi; /* on the wire of this direction */
	bool seals;
	bool event; /* the first packet that it opens is to be reported: agreement_first() */
	struct agreement_record record;
};

/* The preshared key of a peer. */
struct agreement_psk {
	uint8_t now[AGREEMENT_KEY_LEN];
	uint8_t before[AGREEMENT_KEY_LEN]; /* what it was until less than 180 s ago */
	bool has_before;
};

/* Events of agreement_host.report: one line of the log each, and what `status` shows. */
enum agreement_event {
	AGREEMENT_ASKED, /* an Initiation was sent; .attempts */
	AGREEMENT_AGREED, /* a handshake is complete: what seals was switched; .initiator, .generation, .suite */
	AGREEMENT_REFUSED,	  /* the peer refuses, authentic: .denial */
	AGREEMENT_REFUSES,	  /* we do: .denial */
	AGREEMENT_EXPIRED,	  /* what seals is over, and no new key was agreed */
	AGREEMENT_PSK_UNREADABLE, /* a handshake failed for that */
	AGREEMENT_PEER_RESTARTED, /* the peer has lost its SAs (a new life) */
	AGREEMENT_RESET,	  /* a faulty peer: the generations start again */
	AGREEMENT_NO_SLOT_FREE,	  /* a handshake was dropped, as if lost */
	AGREEMENT_INSTALL_FAILED, /* .error */
	AGREEMENT_RESPONSE_WRONG, /* from where we asked, and it does not decrypt: psks differ, or it is forged */
	AGREEMENT_UNCONFIRMED, /* .attempts Responses of ours, and no Confirm: lost, or the preshared keys differ */
};

struct agreement_report {
	enum agreement_event event;
	int error;	     /* -errno */
	unsigned int denial; /* enum denial of message.h */
	unsigned int attempts;
	uint32_t generation;
	uint8_t suite;
	bool initiator;
	const struct agreement_path *path; /* NULL: there is none */
};

/*
 * Everything that the agreement asks of its agent. The first argument is .data. int: 0 or -errno; nothing is printed by
 * the agreement, so whoever implements them may. None may call back into the agreement.
 */
struct agreement_host {
	void *data;

	/*
	 * The data plane. install consumes and wipes the key in all cases, and gives the SA's id; it refuses a slot that
	 * is not empty (-EBUSY), and another owner (-ESTALE). link: `spis[spi]` or `peers[peer].tx_sa` refers to the slot
	 * from now on; the slot that sealed before is unlinked by that. unlink: nothing refers to it. grace returns after
	 * a grace period of the kernel that began after the call: what was unlinked before may be erased then.
	 */
	int (*install)(void *data, const struct agreement_sa *sa, struct agreement_key *key, uint64_t *id);
	int (*link)(void *data, uint32_t slot);
	int (*unlink)(void *data, uint32_t slot);
	int (*grace)(void *data);
	int (*erase)(void *data, uint32_t slot);
	/* Write .state, .since and .partner of the slot's record. */
	int (*note)(void *data, uint32_t slot, const struct agreement_record *record);

	/*
	 * Control messages. send: peer is AGREEMENT_NO_PEER if it is not known (a Cookie). asking: let messages of types 2
	 * to 5 with this Session pass from now on, or no more. 0 or -errno.
	 */
	int (*send)(void *data, uint32_t peer, const struct agreement_path *path, const void *bytes,
		    size_t n);
	int (*asking)(void *data, uint32_t spi, bool add);
	/*
	 * The address to ask the peer at: its endpoint now. attempt counts from 0 since it last answered, so that the
	 * addresses of a name are tried in turn, and looked up again. false: not known.
	 */
	bool (*where)(void *data, uint32_t peer, unsigned int attempt, struct agreement_path *path);
	/* Move the peer's endpoint to where it is, provably, if it roams or has none. Never called for inline mode. */
	int (*endpoint)(void *data, uint32_t peer, const struct agreement_path *path);
	/* Have the data plane send one keepalive. */
	void (*keepalive)(void *data, uint32_t peer);

	/* Read the preshared key anew; only for peers that have one. An error: psk_unreadable. The caller wipes *psk. */
	int (*psk)(void *data, uint32_t peer, struct agreement_psk *psk);
	/* Write the floor to disk. No Initiation with a timestamp at or above it is sent before this returns. The agent
	 * deals with errors. */
	void (*floor)(void *data, const uint8_t stamp[AGREEMENT_STAMP_LEN]);
	void (*random)(void *data, void *bytes, size_t n);
	int64_t (*realtime)(void *data); /* CLOCK_REALTIME, ns */

	void (*report)(void *data, uint32_t peer, const struct agreement_report *report);
};

struct agreement_settings {
	uint8_t private_key[AGREEMENT_KEY_LEN];
	uint8_t floor[AGREEMENT_STAMP_LEN];  /* from the .clock file; all zero: none */
	uint32_t peers;			     /* the highest index, plus 1 */
	uint8_t carries;		     /* CARRIES_TUNNEL, CARRIES_INLINE */
	uint16_t reject_after;		     /* seconds; below 180 only with .times */
	bool idle_silent;		     /* rekey and repeat only if something was sealed */
	const struct agreement_times *times; /* NULL: agreement_times. Copied */
};

struct agreement_peer_settings {
	uint8_t public_key[AGREEMENT_KEY_LEN];
	bool has_psk; /* PresharedKeyFile or PresharedKey: host.psk is asked */
	uint8_t binding;
	uint8_t suites[AGREEMENT_SUITES]; /* one bit each, in order of preference */
	size_t n_suites;
};

struct agreement;

/*
 * 0 or -errno: -ENOMEM, -EINVAL (settings), -ENOTSUP (libcrypto lacks something). settings->private_key is copied to
 * locked-down memory of its own: the caller wipes its copy. host is copied.
 */
int agreement_create(struct agreement **agreement, const struct agreement_settings *settings,
		     const struct agreement_host *host);
/* Wipes all secrets; SAs stay. NULL is allowed. */
void agreement_free(struct agreement *agreement);

/* -EEXIST: index or key is taken; -EINVAL: own key, low order, index; -ENOMEM. */
int agreement_add_peer(struct agreement *agreement, uint32_t peer,
		       const struct agreement_peer_settings *settings);

/* The first 8 bytes of H("xdpsec1 peer" || public key), as a number: what `agreed` and the records hold; never 0. */
int agreement_key_hash(const uint8_t public_key[AGREEMENT_KEY_LEN], uint64_t *key_hash);

/*
 * Take over what the data plane has, after all peers were added: records of slots that are not empty, with .linked. What
 * is of no peer (index and key_hash) or of another own life than the rest of its peer is unlinked and erased. Before
 * agreement_start().
 */
int agreement_adopt(struct agreement *agreement, const struct agreement_record *records, size_t n,
		    uint64_t now);

/* Ask every peer (Idle = keyed), 200 a second, and let the timers run. */
void agreement_start(struct agreement *agreement, uint64_t now);

/*
 * A datagram from the control socket, and the way it came. more: a full batch still waits in the socket, which counts as
 * load. An answer goes out through host.send before this returns.
 */
void agreement_receive(struct agreement *agreement, const struct agreement_path *path, const void *bytes,
		       size_t n, bool more, uint64_t now);

/* Events of the data plane. wanted: a packet was dropped for want of a key (no_key, expired). */
void agreement_wanted(struct agreement *agreement, uint32_t peer, uint64_t now);
/* host.where() knew no address of the peer, and does now. */
void agreement_found(struct agreement *agreement, uint32_t peer, uint64_t now);
/* first: the SA has opened its first packet. Again, or of an SA that is not waited for: nothing. */
void agreement_first(struct agreement *agreement, uint32_t slot, uint32_t spi, uint64_t id, uint64_t now);

/* The data plane's sight of a peer, CLOCK_BOOTTIME ns; 0: nothing. Data is not Next Header 59 (keepalives). */
struct agreement_activity {
	uint64_t sealed;      /* data */
	uint64_t opened;      /* anything */
	uint64_t opened_data; /* data */
	uint64_t numbers;     /* sequences[peers[peer].tx_sa].next; 0: not known */
};

/* Once a second, peer by peer: dead peers, passive keepalives, Idle = silent, RekeyAfterPackets. */
void agreement_activity(struct agreement *agreement, uint32_t peer, const struct agreement_activity *activity,
			uint64_t now);

/* Run what is due. Returns when to call again, AGREEMENT_NEVER: not before something else happens. */
uint64_t agreement_tick(struct agreement *agreement, uint64_t now);
/* The same time, after any other call. */
uint64_t agreement_next(const struct agreement *agreement);

/* After a resume from suspend: ask every peer; what seals stays in use. */
void agreement_ask_all(struct agreement *agreement, uint64_t now);
/*
 * `xdpsec rekey`, SIGUSR1, a restored snapshot: no key of before seals again, from the return on. Each peer begins a new
 * life, and is asked; what opens goes GRACE later.
 */
void agreement_renew(struct agreement *agreement, uint64_t now);
/* Before the end: writes a floor that is just above the newest timestamp. */
void agreement_stop(struct agreement *agreement);

/* Another owner has installed since: this agent has to end. */
bool agreement_stale(const struct agreement *agreement);

struct agreement_status {
	bool agreed;	/* something seals, and is not over */
	bool asking;	/* an Initiation is repeated */
	bool initiator; /* of the pair in use: was it us? */
	uint8_t suite;	/* of the pair in use */
	uint8_t denial; /* of the peer's last refusal, until a handshake succeeds; 0: none */
	bool psk_unreadable;
	bool response_wrong;	  /* its last Response does not decrypt: the preshared keys differ */
	unsigned int unconfirmed; /* Responses of ours since the last Confirm */
	uint32_t generation;
	unsigned int attempts; /* since the peer last answered */
	uint64_t handshake;    /* when what seals was switched; 0: never */
	uint64_t birth;	       /* of the pair in use */
	uint64_t deadline;     /* of what seals */
	uint64_t handshakes;   /* completed */
	uint64_t restarts;     /* lives of the peer that were seen, but the first */
	uint64_t ahead;	       /* ns that our timestamps for it are ahead of the clock */
};

/* false: no such peer. */
bool agreement_status(const struct agreement *agreement, uint32_t peer, struct agreement_status *status,
		      uint64_t now);

/* Counters: "initiations", "responses" ... then the refusals by name. index from 0; NULL: there are no more. */
const char *agreement_counter(const struct agreement *agreement, size_t index, uint64_t *value);

/* How many messages were refused for a reason (enum message_refusal), and who sent the last one of them. */
uint64_t agreement_refused(const struct agreement *agreement, unsigned int refusal,
			   struct agreement_address *from);

#endif
