/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data that `status` shows of an instance, read at once. */
#ifndef XDPSEC_REPORT_H
#define XDPSEC_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "device/sharing.h"
#include "net/netlink.h"
#include "plane/attach.h"
#include "plane/instance.h"

struct sa_report {
	struct sa_record record;
	__u64 packets, bytes;
	__u64 next;	 /* tx: the number of the next packet; rx: one more than the highest accepted */
	__u64 last_seen; /* seconds since the Epoch; 0: never */
	__u64 drops[XDPSEC_DROP_COUNT];
};

struct protected_prefix {
	struct xdpsec_prefix prefix;
	struct xdpsec_ports ports[XDPSEC_MAX_PORT_RANGES];
	__u32 n_ports;
};

enum peer_state {
	PEER_NEVER, /* no authenticated packet received yet */
	PEER_ALIVE,
	PEER_SILENT, /* nothing received for long, although something was sent since */
};

/* Tunnel mode: the way of packets to a peer. */
struct uplink_report {
	unsigned char source[16]; /* source address on this host */
	bool has_source;
	bool source_gone;	 /* it is configured, but not an address of this host */
	char other[IF_NAMESIZE]; /* the device of the route, if that is not Device; else empty */
	bool changes_ports;	 /* the peer chooses source ports by flow, and roams */
};

struct peer_report {
	struct peer_record record;
	struct sa_report tx, rx;
	/* Tunnel mode. */
	struct xdpsec_endpoint endpoint;
	struct xdpsec_location location; /* the current one */
	struct uplink_report uplink;
	bool no_way, loops; /* no route to the location, or a route into the tunnel */
	enum peer_state state;
	unsigned int outer_mtu, inner_mtu; /* that fit the path, as far as is known; 0: not known */
	struct protected_prefix *prefixes;
	size_t n_prefixes;
};

/* Addresses, routes or other things that the device should have, but lacks. */
struct missing {
	unsigned int count;
	struct xdpsec_prefix first;
};

struct report {
	struct instance instance;
	bool unfinished;	   /* a reload was killed: the data below may be incomplete or outdated */
	struct peer_report *peers; /* in the order of their indexes */
	size_t n_peers;
	__u64 drops[XDPSEC_DROP_COUNT];
	bool reachable;		   /* the namespace was found: the fields below are known */
	struct xdp_attachment xdp; /* actual state */
	struct sharers sharers;	   /* the instances on the device, this one among them */
	bool egress;		   /* the device of the link for sending exists; unknown with no_attach */
	bool device_here;	   /* the protected device is still the one for which the instance was made */
	bool pair_exists;	   /* of the hop or of the tunnel device: both ends */
	struct netdev near;	   /* of the hop or tunnel device; index 0: not in this namespace */
	bool near_elsewhere;	   /* moved to another one */
	bool offloads;		   /* it accepts unfinished packets, which cannot be sealed */
	bool deaf;		   /* no opened packet arrives on it */
	/* Tunnel mode. */
	struct xdpsec_config config;
	unsigned int device_mtu;
	bool rules_gone;  /* the rules for a default route are missing */
	bool forwards;	  /* the far end can look up routes */
	bool other_vrf;	  /* it is in another VRF than the device */
	unsigned int vrf; /* that of the device: index; 0: none */
	struct missing addresses, routes;
	char **warnings;
	size_t n_warnings;
};

/* 0, or -errno after a message. To be freed in both cases. */
int report_read(struct report *report, const char *name);
void report_free(struct report *report);
#define _cleanup_report_ __attribute__((cleanup(report_free)))

/* Tunnel mode: the part of `uplink` that is visible in the namespace of the process. */
void report_read_uplinks(struct report *report);

/* The near end of the pair. In report_tunnel.c, with the rest that is read from a tunnel's namespace. */
struct plane;
void report_read_near(struct report *report, const struct plane *plane);
void report_read_tunnel(struct report *report);

/* Add warnings about the data. */
void report_warn(struct report *report);

const char *report_drop_name(int reason);
const char *xdp_text(enum xdp_in_use xdp);
const char *peer_state_text(enum peer_state state);

/* Drops of a peer for this reason, on both of its SAs. */
__u64 report_peer_drops(const struct peer_report *peer, int reason);

/* The share of a reserved range that is used, 0 to 100. */
double report_range_used(const struct sa_report *tx);

#endif
