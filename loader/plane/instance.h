/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of an instance that outlives its commands: three maps beside those of the data plane, used by
 * user space only. Later commands (down, reload, status, the next up after a crash) read it from there and
 * derive nothing anew.
 */
#ifndef XDPSEC_INSTANCE_H
#define XDPSEC_INSTANCE_H

#include <limits.h>
#include <stddef.h>
#include <net/if.h>
#include <linux/types.h>

#include "config/config.h"
#include "config/key.h"
#include "xdpsec/abi.h"

#define DRIVER_LEN 128

enum xdp_in_use {
	XDP_IN_USE_NONE, /* not attached, or not yet */
	XDP_IN_USE_NATIVE,
	XDP_IN_USE_GENERIC,
};

/* The wish of a command to a running agent. Its exit code tells a supervisor whether to start it again. */
enum instance_ending {
	INSTANCE_STAYS,
	INSTANCE_ENDS,	  /* `down` */
	INSTANCE_RELOADS, /* `reload` changes agreed peers */
};

/*
 * The beginning of the element of map "instance", in every version of the program. Later versions need it to
 * show an instance that they cannot read, and to take it down. It never changes.
 */
struct instance_head {
	__u32 abi_version;
	__u32 device_index;
	__u64 netns_cookie;
	__u64 netns_inode;
	__u64 started;
	char version[64]; /* of the program; absent before INSTANCE_ABI_WITH_VERSION */
};

#define INSTANCE_ABI_WITH_VERSION 3

/* Map "instance", one element. Write-ahead record: an action is recorded before it is taken, so that
 * cleanup after a crash finds everything. */
struct instance {
	__u32 abi_version;
	__u32 device_index;
	__u64 netns_cookie; /* SO_NETNS_COOKIE: never reused, unlike the inode's number */
	__u64 netns_inode;
	__u64 started;	  /* seconds since the Epoch */
	char version[64]; /* of the program that made it */
	__u32 near_index, far_index;
	__u32 table;	    /* for default routes into the tunnel (rule.h); 0: none */
	__u32 ending;	    /* enum instance_ending: why its agent has to end */
	__u8 xdp;	    /* enum xdp_in_use */
	__u8 xdp_asked;	    /* enum xdp_mode: the value in the configuration */
	__u8 no_attach;	    /* the user attaches the programs */
	__u8 pair_recorded; /* the creation of the pair (hop or tunnel device) has begun */
	__u8 mode;	    /* enum mode */
	__u8 no_routes;	    /* Table = off */
	__u8 n_addresses;
	__u8 no_agent;					      /* a supervisor starts the agent, not `up` */
	struct xdpsec_prefix addresses[TUNNEL_ADDRESSES_MAX]; /* of the tunnel device, with host bits */
	char name[XDPSEC_NAME_LEN];
	char device[IF_NAMESIZE];
	unsigned char public_key[KEY32_BYTES]; /* of this site; all zero: no peer has one */
	/* FastPath: the devices and their indexes, in its order. */
	char fast[FAST_DEVICES_MAX][IF_NAMESIZE];
	__u32 fast_index[FAST_DEVICES_MAX];
	__u32 n_fast;
	__u32 fast_no_firewall; /* FastPathFirewall = none */
	/* The ends of the pair. In tunnel mode near is Name of [Interface]. */
	char near[IF_NAMESIZE], far[IF_NAMESIZE];
	char path[PATH_MAX];	  /* of the configuration */
	char state_dir[PATH_MAX]; /* absolute */
};

_Static_assert(offsetof(struct instance, device_index) == offsetof(struct instance_head, device_index),
	       "ABI");
_Static_assert(offsetof(struct instance, netns_cookie) == offsetof(struct instance_head, netns_cookie),
	       "ABI");
_Static_assert(offsetof(struct instance, netns_inode) == offsetof(struct instance_head, netns_inode), "ABI");
_Static_assert(offsetof(struct instance, started) == offsetof(struct instance_head, started), "ABI");
_Static_assert(offsetof(struct instance, version) == offsetof(struct instance_head, version), "ABI");
_Static_assert(sizeof(struct instance_head) == 96, "ABI");

/*
 * One direction of a peer. Also the value of map "slots", by slot: the SA in the slot, or about to be put
 * there; no element: the slot is free. After a killed reload the records of peers are behind or ahead; this
 * map is right.
 */
struct sa_record {
	__u32 slot;
	__u32 spi;
	__u64 limit;			   /* of the reserved range when it was taken; sealing only */
	char fingerprint[FINGERPRINT_HEX]; /* of the key */
	char pad[7];
	char driver[DRIVER_LEN]; /* the driver that the kernel bound the context to: "ecb(aes-generic)" */
};

#define SA_RECORD_NONE ((struct sa_record){ .slot = XDPSEC_NO_SA })

/* Map "peer_records": the same index as in map "peers". */
struct peer_record {
	__u32 in_use;
	__u32 pad;
	char name[XDPSEC_NAME_LEN];
	char cipher[32];		       /* "aes-128-ocb"; of an agreed peer: all that are allowed */
	char driver[64];		       /* "aes", or the value of Driver */
	unsigned char public_key[KEY32_BYTES]; /* all zero: the peer has manual keys */
	/* Tunnel mode, from the configuration: the peer may have moved since. */
	struct xdpsec_location endpoint;
	__u32 keepalive; /* seconds; 0: off */
	__u8 roams;
	__u8 binding; /* enum xdpsec_binding */
	__u8 pad2[2];
	/* Packets of the instance that were dropped as spoofed until a reload changed this peer's AllowedIPs; the lower bits. */
	__u32 spoofed_before;
	struct sa_record tx, rx[PEER_RX]; /* those that the peer has not: SA_RECORD_NONE */
};

#endif
