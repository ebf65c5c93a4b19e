/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A diagnosis: checks in the order of a packet's way, until one finds something wrong. Each adds one finding; a check
 * that does not apply adds none. They judge what `check`, `status` and `probe` gather, and what a few packets of their
 * own draw.
 */
#ifndef XDPSEC_DIAGNOSE_H
#define XDPSEC_DIAGNOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <net/if.h>

#include "command/report.h"
#include "net/icmp.h"

struct options;

enum finding_result { FINDING_OK, FINDING_WRONG, FINDING_UNKNOWN };

struct finding {
	const char *check;	    /* its name in the table */
	char peer[XDPSEC_NAME_LEN]; /* empty: of the instance */
	enum finding_result result;
	char text[600];
	char hint[600]; /* the command that mends it; may be empty */
};

/* A few packets to a peer, and what they draw: answers through the tunnel, ICMP errors, counters. */
struct exchange {
	bool done;
	bool has_target;
	unsigned char target[16]; /* an address behind the peer, that was asked to answer */
	bool answered;
	__u64 sealed, opened, spoofed;	/* packets of the peer in between */
	__u64 drops[XDPSEC_DROP_COUNT]; /* of the instance in between */
	bool has_error;			/* about a packet to the peer's place */
	struct icmp_message error;
};

struct diagnosis {
	const struct options *options;
	const char *name; /* of the instance */
	struct report report;
	bool has_report;
	struct exchange exchange; /* with the peer below */
	/* The subject of the checks. */
	const char *check;
	struct peer_report *peer;
	struct finding *findings;
	size_t n;
	int failed; /* -errno: it cannot go on */
};

/* Add the finding of the check that runs. */
void found(struct diagnosis *d, enum finding_result result, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The hint to the finding that was added last. */
void mend(struct diagnosis *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Is the last finding of something wrong? */
bool is_wrong(const struct diagnosis *d);

/* Read the instance again; the peer stays the same. */
int diagnosis_read(struct diagnosis *d);

/* Packets that were dropped for a reason, of the peer and of all. */
__u64 peer_drops(const struct diagnosis *d, enum xdpsec_drop reason);
bool is_tunnel(const struct diagnosis *d);

/* The place of the peer's agent, or of its tunnel. False: not known. */
bool peer_place(const struct diagnosis *d, struct xdpsec_location *place);

/* diagnose_exchange.c */
/* Run it, once for a peer. It ends as soon as something was opened or an error came. 0, or -errno after a message. */
int exchange_run(struct diagnosis *d);

/* Does an address behind the peer answer to a request from that source (NULL: the tunnel device's)? */
bool exchange_answers(const struct diagnosis *d, const unsigned char *source);

/* Is this port of the peer's place one that inline mode protects, so that only the agent can send to it? */
bool exchange_is_protected(const struct diagnosis *d, __u16 port);

/* Is it the former port? A site with manual keys and without ListenPort opens sealed packets to it, and has no socket
 * there: "port unreachable" does not say that nothing is opened. */
bool exchange_is_former(const struct diagnosis *d, __u16 port);

/* The prefix's first address that a host may have. */
void first_host(const struct xdpsec_prefix *prefix, unsigned char address[16]);

/* diagnose_instance.c: the instance on this host */
void check_configuration(struct diagnosis *d);
void check_instance(struct diagnosis *d);
void check_programs(struct diagnosis *d);
void check_device(struct diagnosis *d);
void check_attachment(struct diagnosis *d);
void check_pair(struct diagnosis *d);
void check_rivals(struct diagnosis *d);
void check_agent(struct diagnosis *d);
void check_clock(struct diagnosis *d);
void check_offloads(struct diagnosis *d);
void check_flows(struct diagnosis *d);

/* diagnose_way.c: the way to the peer, as far as this host decides it */
void check_endpoint(struct diagnosis *d);
void check_route(struct diagnosis *d);
void check_source(struct diagnosis *d);
void check_own(struct diagnosis *d);
void check_return(struct diagnosis *d);
/* " table N", for ip-route(8): a rule may have chosen the table of the route that is taken. Empty for the main one. */
enum { TABLE_WORDS = 24 };
const char *table_words(__u32 table, char text[TABLE_WORDS]);
/* The device's name in that of a setting of sysctl(8). */
const char *setting_device(const char *device, char text[IF_NAMESIZE]);
/* diagnose_firewall.c */
void check_firewall(struct diagnosis *d);

/* diagnose_peer.c: what comes back */
void check_handshake(struct diagnosis *d);
void check_packets(struct diagnosis *d);
/* diagnose_silence.c: say why nothing comes back */
void explain_silence(struct diagnosis *d, const char *what);

/* diagnose_inner.c: what goes through a tunnel */
void check_forwarding(struct diagnosis *d);
void check_inner_return(struct diagnosis *d);
void check_mtu(struct diagnosis *d);
void check_inner_route(struct diagnosis *d);
void check_allowed(struct diagnosis *d);

#endif
