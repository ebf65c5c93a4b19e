/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that `status` shows of an instance, read at once. */
#ifndef XDPSEC_REPORT_H
#define XDPSEC_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "attach.h"
#include "config.h"
#include "instance.h"
#include "netlink.h"
#include "sharing.h"

struct sa_report {
	struct sa_record record;
	__u64 packets, bytes;
	__u64 next; /* tx: the number of the next packet; rx: one more than the highest that was accepted */
	__u64 last_seen; /* seconds since the Epoch; 0: never */
	__u64 drops[XDPSEC_DROP_COUNT];
};

struct protected_prefix {
	struct xdpsec_prefix prefix;
	struct xdpsec_ports ports[XDPSEC_MAX_PORT_RANGES];
	__u32 n_ports;
};

enum peer_state {
	PEER_NEVER, /* nothing authenticated has come */
	PEER_ALIVE,
	PEER_SILENT, /* nothing has come for long, although something was sent since */
};

/* Tunnel mode: how packets to a peer leave. */
struct uplink_report {
	unsigned char source[16]; /* the address of this host that they come from */
	bool has_source;
	bool source_gone;	 /* it is the configuration's, and none of this host */
	char other[IF_NAMESIZE]; /* the device that they go by, where that is not Device; empty: it is */
	bool changes_ports;	 /* the peer sends from ports of flows, and is followed */
};

struct peer_report {
	struct peer_record record;
	struct sa_report tx, rx;
	/* Tunnel mode. */
	struct xdpsec_endpoint endpoint;
	struct xdpsec_location location; /* the current one */
	struct uplink_report uplink;
	bool no_way, loops; /* no route to the location, or one into the tunnel */
	enum peer_state state;
	unsigned int outer_mtu, inner_mtu; /* what the path takes, as far as is known; 0: not known */
	struct protected_prefix *prefixes;
	size_t n_prefixes;
};

/* What the device should have, and has not. */
struct missing {
	unsigned int count;
	struct xdpsec_prefix first;
};

struct report {
	struct instance instance;
	bool unfinished; /* a reload was killed: there is more, or something else, than what follows */
	struct peer_report *peers; /* by the order of their indexes */
	size_t n_peers;
	__u64 drops[XDPSEC_DROP_COUNT];
	bool reachable;		   /* the namespace was found: what follows is known */
	struct xdp_attachment xdp; /* what is really attached */
	struct sharers sharers;	   /* the instances on the device, this one among them */
	bool egress;		   /* the device of the link for sending is there; unknown with no_attach */
	bool device_here;	   /* the protected device is still the one that the instance was made for */
	bool pair_exists;	   /* of the hop or of the tunnel device: both ends */
	struct netdev near;	   /* of the hop, or the tunnel's device; index 0: not in this namespace */
	bool near_elsewhere;	   /* moved to another one */
	bool offloads;		   /* it takes packets that are not finished, which cannot be sealed */
	bool deaf;		   /* nothing that is opened arrives on it */
	/* Tunnel mode. */
	struct xdpsec_config config;
	unsigned int device_mtu;
	bool rules_gone; /* those of a default route are not there */
	bool forwards;	 /* the far end finds routes */
	struct missing addresses, routes;
	char **warnings;
	size_t n_warnings;
};

/* 0, or -errno after a message. To be freed in both cases. */
int report_read(struct report *report, const char *name);
void report_free(struct report *report);
#define _cleanup_report_ __attribute__((cleanup(report_free)))

/* Tunnel mode: what of `uplink` the namespace that the process is in tells. */
void report_read_uplinks(struct report *report);

/* The near end of the pair: in report_tunnel.c, as the rest of what a tunnel's namespace tells. */
struct plane;
void report_read_near(struct report *report, const struct plane *plane);
void report_read_tunnel(struct report *report);

/* Add the warnings about what was read. */
void report_warn(struct report *report);

const char *report_drop_name(int reason);
const char *xdp_text(enum xdp_in_use xdp);
const char *peer_state_text(enum peer_state state);

/* A peer's packets are lost on either of its SAs. */
__u64 report_peer_drops(const struct peer_report *peer, int reason);

/* The share of a reserved range that is used, 0 to 100. */
double report_range_used(const struct sa_report *tx);

#endif
