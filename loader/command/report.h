/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data that `status` shows of an instance, read at once. */
#ifndef XDPSEC_REPORT_H
#define XDPSEC_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/agent_status.h"
#include "command/advice.h"
#include "config/config.h"
#include "device/pair.h"
#include "device/route_taken.h"
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

/* How the key agreement with a peer stands. */
enum agreed_state {
	AGREED_STATE_NONE, /* nothing seals, and the agent is not asking */
	AGREED_STATE_AGREED,
	AGREED_STATE_ASKING,
	AGREED_STATE_REFUSED, /* the peer has said why */
	AGREED_STATE_EXPIRED, /* the last key is over */
};

struct agreed_report {
	bool agreed; /* the peer has a public key, no manual ones: the rest is known */
	enum agreed_state state;
	bool has_pair;		      /* an SA seals, also one that is over */
	struct xdpsec_agreement pair; /* the one in use */
	__u64 age, expires;	      /* seconds; expires 0: it is over */
	__u64 handshake;	      /* seconds since; only if there was one */
	bool handshake_known;
	bool by_us;
	bool has_status; /* of the agent, as it was when it last wrote it */
	struct agreement_status status;
	bool has_name, unresolved;	/* Endpoint is a name; it has no address */
	struct agreement_address asked; /* where the last Initiation went; port 0: nowhere yet */
	struct agreement_address with;	/* the other end of the last handshake; port 0: none yet */
};

struct peer_report {
	struct peer_record record;
	struct agreed_report agreed;
	struct sa_report tx, rx;
	struct sa_record
		second; /* a second Rx SA of manual keys; slot XDPSEC_NO_SA: none. rx counts for both */
	/* Tunnel mode. */
	struct xdpsec_endpoint endpoint;
	struct xdpsec_location location; /* the current one */
	struct uplink_report uplink;
	bool no_way, loops; /* no route to the location, or a route into the tunnel */
	struct {
		unsigned int mtu; /* that was set for it; 0: none */
		bool mtu_counts;
	} route;
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

/* The subject of a warning, for `diagnose`, which has one check for each but the last. */
enum warning_topic {
	WARNING_DEVICE,	   /* a device or an attachment is not as `up` has made it */
	WARNING_RIVAL,	   /* a network of AllowedIPs is that of another device: `rivals` below */
	WARNING_FAST_PATH, /* packets take the ordinary way instead */
	WARNING_OTHER,	   /* what `diagnose` finds by itself, or what loses no packet */
};

struct warning {
	enum warning_topic topic;
	char *text;
};

struct report {
	struct instance instance; /* with the present names of its devices */
	struct instance recorded; /* Device and FastPath as they are recorded */
	bool agrees;		  /* some peer has a public key: the next three are known */
	bool agent_runs;
	int agent_pid;		    /* 0: not visible here */
	struct agent_status *agent; /* NULL: it has never run, or is of another version */
	bool unfinished;	    /* a reload was killed: the data below may be incomplete or outdated */
	struct peer_report *peers;  /* in the order of their indexes */
	size_t n_peers;
	__u64 drops[XDPSEC_DROP_COUNT];
	bool reachable;		   /* the namespace was found: the fields below are known */
	struct xdp_attachment xdp; /* actual state */
	bool fork_watched;	   /* sealing stops when the machine turns out to be a copy */
	struct sharers sharers;	   /* the instances on the device, this one among them */
	bool egress;		   /* the device of the link for sending exists; unknown with no_attach */
	bool device_here;	   /* the protected device is still the one for which the instance was made */
	bool pair_exists;	   /* of the hop or of the tunnel device: both ends */
	struct netdev near;	   /* of the hop or tunnel device; index 0: not in this namespace */
	bool near_elsewhere;	   /* moved to another one */
	struct netdev far;	   /* index 0: not in this namespace */
	struct pair_far far_state; /* if both ends are here */
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
	struct {
		unsigned int count;
		struct xdpsec_prefix prefix; /* of the first, with the rest */
		enum rival rival;
		char device[IF_NAMESIZE];
	} rivals;
	struct {
		__u64 packets[XDPSEC_FAST_DIRECTIONS];
		bool attached[FAST_DEVICES_MAX], transmits[FAST_DEVICES_MAX];
		bool underlay_transmits;
		const char *not_in_flowtable; /* the device; NULL: none */
		/* The fault for which `up` would refuse each device, and last Device; NULL: none. */
		char *faults[FAST_DEVICES_MAX + 1];
	} fast;
	struct warning *warnings;
	size_t n_warnings;
	struct advice advice[ADVICE_MAX]; /* nothing is wrong: these do not count for the exit code */
	size_t n_advice;
};

/* 0, or -errno after a message. To be freed in both cases. */
int report_read(struct report *report, const char *name);
void report_free(struct report *report);
#define _cleanup_report_ __attribute__((cleanup(report_free)))

/* The peer of that name. -ENOENT after a message, and a hint at the one that was meant. */
int report_find_peer(const struct report *report, const char *name, const struct peer_report **peer);

/* Tunnel mode: the part of `uplink` that is visible in the namespace of the process. */
void report_read_uplinks(struct report *report);

/* The fast path (report_fast.c): what it does, from the namespace of its devices; and warnings about it. 0, or -errno
 * after a message. */
struct plane;
int report_read_fast(struct report *report, const struct plane *plane);
void report_warn_fast(struct report *report);

/* The near end of the pair. In report_tunnel.c, with the rest that is read from a tunnel's namespace. */
void report_read_near(struct report *report, const struct plane *plane);
void report_read_tunnel(struct report *report);

/* How the key agreement stands: for a peer by the maps, for all by the agent. index[i] is one more than the position of
 * peer i in the report. 0, or -errno after a message. */
struct plane;
int report_read_agreed(const struct plane *plane, struct peer_report *peer, __u32 index);
void report_read_agent(struct report *report, const struct plane *plane, const size_t *index);
/* "agreed", "asking": for programs. */
const char *agreed_state_word(enum agreed_state state);
/* "agreed", "asking (attempt 3)", "refused: binding differs" */
const char *agreed_state_text(const struct agreed_report *agreed, char *text, size_t size);
/* Add warnings about it. */
void report_warn_agreement(struct report *report);

/* Add a warning. */
void add_warning(struct report *report, enum warning_topic topic, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Changes to the pair that `reload` mends (report_pair.c). */
void report_warn_pair(struct report *report);
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
