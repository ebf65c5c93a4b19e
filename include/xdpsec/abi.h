/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The interface between the data plane and user space: map keys and values, limits, drop reasons.
 *
 * docs/architecture.md has the table of maps: who writes which, and when. Integers are in host byte order
 * unless the name ends in _be. Padding is explicit and zero.
 */
#ifndef XDPSEC_ABI_H
#define XDPSEC_ABI_H

#include <linux/bpf.h>
#include <linux/types.h>

#include "wire.h"

#define XDPSEC_ABI_VERSION 4

#define XDPSEC_MAX_PEERS 1024
/*
 * The SAs of a peer are in slots of its own: 8 * peer + k, where k is 0 to 2 for sealing and 3 to 7 for opening. So
 * nobody has to share a list of free slots.
 */
#define XDPSEC_SLOTS_PER_PEER 8
#define XDPSEC_SLOTS_TO_SEAL 3
#define XDPSEC_MAX_SAS (XDPSEC_MAX_PEERS * XDPSEC_SLOTS_PER_PEER)
/* The counters of an SA are those of its peer and direction, so they run on when it is replaced: 2 * peer, and one
 * more for opening. */
#define XDPSEC_MAX_COUNTERS (2 * XDPSEC_MAX_PEERS)
#define XDPSEC_COUNTERS(slot)                                                                                \
	((slot) / XDPSEC_SLOTS_PER_PEER * 2 +                                                                \
	 ((slot) % XDPSEC_SLOTS_PER_PEER + XDPSEC_SLOTS_PER_PEER - XDPSEC_SLOTS_TO_SEAL) /                   \
		 XDPSEC_SLOTS_PER_PEER)
#define XDPSEC_MAX_PREFIXES 8192
#define XDPSEC_MAX_PORT_RANGES 16
#define XDPSEC_MAX_CLEAR_GROUPS 16
#define XDPSEC_MAX_FRAGMENTS 4096
/* The underlay's device and four devices of FastPath. */
#define XDPSEC_FAST_DEVICES 5
#define XDPSEC_NAME_LEN 64

#define XDPSEC_NO_SA 0xffffffffU

/* Tunnel mode: the bytes in front of an inner packet, that is outer IP header, UDP header and XDPsec's. */
#define XDPSEC_TUNNEL_OVERHEAD_IPV4 (20 + 8 + XDPSEC_OVERHEAD)
#define XDPSEC_TUNNEL_OVERHEAD_IPV6 (40 + 8 + XDPSEC_OVERHEAD)

/* RFC 8200 section 5: every sender may assume that an IPv6 packet of this size gets through. The tunnel
 * sends it whatever routers say about the path. */
#define XDPSEC_IPV6_MTU_MIN 1280

/* Tunnel mode: the address of the neighbour that stands for keepalives to a peer is 169.254.16.0
 * (link-local, RFC 3927) plus the peer's index. Host byte order. */
#define XDPSEC_KEEPALIVE_NEIGHBOUR 0xa9fe1000U

/*
 * Why a packet was dropped. Numbers and names are stable: other programs read them. A new reason goes to
 * the end. X(identifier, name in `xdpsec status`, what it means).
 */
#define XDPSEC_DROP_REASONS(X)                                                                               \
	X(PLAINTEXT, "plaintext", "arrived in clear on a protected flow")                                    \
	X(UNKNOWN_SPI, "unknown_spi", "sealed for an SPI that no SA here has")                               \
	X(MALFORMED, "malformed", "too short, wrong lengths, wrong version or reserved bits")                \
	X(AUTH_FAILED, "auth_failed", "the tag does not hold: tampered, forged or another key")              \
	X(REPLAYED, "replayed", "sequence number already seen, or older than the replay window")             \
	X(FRAGMENT, "fragment", "IP fragment of a protected flow, or one whose flow is not known")           \
	X(TOO_BIG, "too_big", "does not fit the device's MTU after growing; answered with ICMP")             \
	X(NO_KEY, "no_key", "protected flow without a usable SA")                                            \
	X(SEQUENCE_EXHAUSTED, "sequence_exhausted", "the reserved range of sequence numbers is used up")     \
	X(WRONG_NEXT_HEADER, "wrong_next_header", "the sealed payload is not what this SA carries")          \
	X(WRONG_PEER, "wrong_peer", "sealed with an SA of another peer than the source address")             \
	X(NO_HOP, "no_hop", "pending checksum or GSO, and no hop device to complete it")                     \
	X(STRAY, "stray", "on the hop device, but not of a protected flow")                                  \
	X(NO_ROOM, "no_room", "the kernel gave no room for the header, or no linear buffer")                 \
	X(CRYPTO, "crypto", "bpf_crypto_encrypt or bpf_crypto_decrypt failed")                               \
	X(BAD_CHECKSUM, "bad_checksum", "forwarded with a wrong UDP checksum: sealing would hide that")      \
	X(QUOTED, "quoted", "ICMP error that quotes a protected flow, and cannot be cut to its headers")     \
	X(MISROUTED, "misrouted", "sealed, for a destination that is reached through the same device")       \
	X(NO_PEER, "no_peer", "no peer has the destination among its AllowedIPs; answered with ICMP")        \
	X(NO_ENDPOINT, "no_endpoint", "where the peer can be reached is not known yet; answered with ICMP")  \
	X(UNREACHABLE, "unreachable", "there is no route to the peer's endpoint; answered with ICMP")        \
	X(LOOP, "loop", "the route to the peer's endpoint leads into the tunnel itself")                     \
	X(SPOOFED, "spoofed", "opened, and its source is not among the AllowedIPs of its peer")              \
	X(CONGESTION, "congestion",                                                                          \
	  "marked on the way, and sent by who does not know such marks (RFC 6040)")                          \
	X(DISPLACED, "displaced", "the program is on another device, or in another namespace, than its own") \
	X(NO_DEVICE, "no_device", "the device that the packet was to go to was deleted or moved")            \
	X(UNPROVEN, "unproven",                                                                              \
	  "ICMP \"too big\" about packets to a peer, and not about what was sealed here")                    \
	X(NO_NEXT, "no_next", "the next instance on the device is lost, and it may be its packet")           \
	X(GROUP, "group", "to a group or to broadcast, with a protected port, and in no Address")            \
	X(EXPIRED, "expired", "the SA's lifetime is over, and no new key was agreed")                        \
	X(CONTROL_FLOOD, "control_flood", "more control messages than are looked at")                        \
	X(LATE_ANSWER, "late_answer",                                                                        \
	  "answer of the key agreement that nobody waits for: doubled, late, forged")                        \
	X(NO_AGENT, "no_agent", "message of the key agreement, and there is no agent to take it")

enum xdpsec_drop {
#define XDPSEC_DROP_ENUM(id, name, text) XDPSEC_DROP_##id,
	XDPSEC_DROP_REASONS(XDPSEC_DROP_ENUM)
#undef XDPSEC_DROP_ENUM
		XDPSEC_DROP_COUNT,
};

struct xdpsec_prefix {
	__u32 length;	  /* bits of address; for IPv4 96 + the prefix's own length */
	__u8 address[16]; /* network byte order; IPv4 as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2) */
};

struct xdpsec_ports {
	__u16 first, last; /* inclusive, host byte order */
};

/* Map "config", one element. */
struct xdpsec_config {
	__u32 abi_version;
	__u32 device; /* ifindex of the protected device (the underlay), in the namespace of netns_cookie */
	__u64 netns_cookie; /* SO_NETNS_COOKIE of the namespace that the instance was made in */
	/* Inline mode: a packet with this secret in skb->cb comes from the hop's far end and is already
	 * sealed. The secret is random; a first word of 0 means that it is not set. Tunnel mode: fold.bpf.h. */
	__u32 hop_secret[4];
	__u16 listen_port; /* of the agent. In tunnel mode packets to it are opened, too */
	/* Tunnel mode only. */
	__u16 mtu;	 /* of the tunnel device */
	__u8 flow_ports; /* outer source ports follow the inner flow, for RSS; 0: listen_port (NAT) */
	__u8 dscp_fixed; /* RFC 2983: 0 uniform, the inner one; 1 pipe, dscp */
	__u8 dscp;	 /* 0 to 63 */
	__u8 hosts;	 /* both modes: an address is looked for in map "hosts" first */
	__u8 near_mac[6], far_mac[6]; /* in the order of an Ethernet header */
	__u32 peers;		      /* all indexes of peers are lower */
	__u32 mark;  /* of outer packets, and of the lookup of their route; 0: the mark of the inner packet */
	__u32 upper; /* ifindex of the bridge or bond that device is a part of; 0: none */
	__u16 mtu_ipv6;	   /* largest inner packet over an IPv6 underlay, at most mtu; for the MSS */
	__u16 former_port; /* a second port on which packets with an SPI of ours are opened; 0: none */
	__u32 policy_generation; /* A reload adds to it when policies change. What programs keep of them holds for one value. */
	/* Inline mode, multicast and broadcast (group.bpf.h): the ports that are protected for some peer,
	 * and the destinations (ClearGroups) to which these may be sent in clear. */
	__u32 group_ranges, clear_groups;
	struct xdpsec_ports group_ports[XDPSEC_MAX_PORT_RANGES];
	struct xdpsec_prefix clear_group[XDPSEC_MAX_CLEAR_GROUPS];
};

/*
 * Map "device_slots", a DEVMAP, and the one element of map "devices": the devices that packets are redirected
 * to. The kernel empties an element when its device is deleted or leaves the namespace. So an index found
 * here belongs to the right device (device.bpf.h).
 *
 * near: the device that packets enter. far: its veth peer, where they come out. Inline mode, the hop: packets
 * with a pending checksum or GSO go to near, and come out of far segmented and with checksums. Tunnel mode,
 * the tunnel device: routes point to near, packets are encapsulated on far, and decapsulated ones are
 * injected into far to arrive on near.
 */
enum xdpsec_device {
	XDPSEC_DEVICE_PROTECTED, /* config.device */
	XDPSEC_DEVICE_NEAR,
	XDPSEC_DEVICE_FAR,
	XDPSEC_DEVICE_FAST, /* the first of those of the fast path */
	XDPSEC_DEVICE_COUNT = XDPSEC_DEVICE_FAST + XDPSEC_FAST_DEVICES - 1,
};

/* Map "fast_devices", tunnel mode with a fast path: the underlay's device, and those of FastPath, in their order. */
struct xdpsec_fast_device {
	__u32 index;	 /* ifindex; 0: none */
	__u32 transmits; /* it takes redirected frames, as the program on it has seen it last */
};

#define XDPSEC_FAST_UNDERLAY 0

/* The constants of a program of the fast path, which the loader fills in before it loads the program. */
struct xdpsec_fast_settings {
	__u32 asks_flowtable; /* only flows of a flowtable of the firewall; 0: all, as there is no firewall */
	__u32 is_veth;	      /* the program's device is a veth */
	__u32 slot;	      /* of the program's device, in map "fast_devices" */
};

/* Map "fast_packets", per CPU: the packets that took the fast path, 8 bytes each. */
enum xdpsec_fast_direction {
	XDPSEC_FAST_OUT, /* sealed */
	XDPSEC_FAST_IN,	 /* opened */
	XDPSEC_FAST_DIRECTIONS,
};

/* Source ports chosen by flow: the dynamic ones (RFC 6335 section 6), as other tunnels use them. */
#define XDPSEC_FLOW_PORT_FIRST 49152
#define XDPSEC_FLOW_PORTS 16384

/* Map "policies" (LPM): which peer a remote address belongs to, and which of its flows are protected. In
 * tunnel mode the prefixes are the AllowedIPs, and there are no ports. Map "hosts" (a hash): the same for those
 * prefixes that are one address; it may lack some, and has none that "policies" lacks. */
struct xdpsec_policy {
	__u32 peer; /* index into "peers" */
	__u16 ranges;
	__u8 ipv4; /* an IPv4 prefix; ::/0 would match mapped addresses too */
	__u8 pad;
	struct xdpsec_ports ports[XDPSEC_MAX_PORT_RANGES];
};

/* Map "peers". */
struct xdpsec_peer {
	__u32 tx_sa; /* index into "sas"; XDPSEC_NO_SA: protected, but there is no SA to seal with */
	__u32 pad;
};

/* The outer address and UDP port of a peer. */
struct xdpsec_location {
	__u8 address[16]; /* as struct xdpsec_prefix.address */
	__u16 port;	  /* host byte order */
	__u8 known;	  /* 0: not known yet */
	__u8 pad;
};

/* The origin of the source address for packets to a peer. */
enum xdpsec_local {
	XDPSEC_LOCAL_NONE,   /* unknown: the routing table chooses */
	XDPSEC_LOCAL_DEVICE, /* a packet of the peer, addressed to it, came in by config.device */
	XDPSEC_LOCAL_VLAN,   /* likewise, with a VLAN tag: by a device on top of config.device */
	XDPSEC_LOCAL_FIXED,  /* the configuration */
};

/* An outer address of this host, and the port that the peer has sent to. */
struct xdpsec_source {
	__u8 address[16]; /* as struct xdpsec_prefix.address */
	__u8 local;	  /* enum xdpsec_local */
	__u8 pad;
	__u16 port; /* host byte order; 0: unknown, or we choose source ports by flow */
};

/*
 * Map "endpoints", tunnel mode: the same index as in "peers". Packets from a peer that roams move its
 * endpoint: the new location is written into the unused element, which then becomes the current one. The same
 * is done with the address that the peer sends to, as answers must come from it.
 */
struct xdpsec_endpoint {
	struct bpf_spin_lock lock; /* taken by every writer of the fields below, up to path_mtu_until */
	__u32 current;		   /* 0 or 1 */
	struct xdpsec_location at[2];
	struct xdpsec_source from[2];
	__u8 roams;	     /* authenticated packets from another location move it */
	__u8 keepalive_once; /* the agent wants one to be sent */
	__u16 port;	 /* its port in the configuration, which no port chosen by flow replaces; 0: none */
	__u32 moves;	 /* how often it was moved */
	__u32 keepalive; /* seconds without a packet to the peer after which one is sent; 0: never */
	__u32 path_mtu;	 /* of outer packets, from a router's message; 0: none */
	__u64 path_mtu_until; /* CLOCK_MONOTONIC, ns, coarse */
	__u64 sent;	      /* time of the last packet, to within a second; CLOCK_MONOTONIC, ns, coarse */
	__u64 checked;	      /* time of the last check whether the source can be used; the same clock */
	__u64 hopped;	      /* time of the last move between ports chosen by flow; the same clock */
	/* The device of the last packet, to within a second. Later packets use it while no route can be
	 * looked up. */
	__u32 device;
	__u8 usable; /* result of that check */
	__u8 pad2[3];
	__u8 source[16];
	__u8 sources[2][16]; /* from the configuration, for IPv4 and IPv6; zero: none */
};

/* A block as it lies in memory: XOR does not depend on byte order. */
struct xdpsec_block {
	__u64 a, b;
};

/*
 * Map "sas": the part of an SA that never changes. The context is in "contexts" under the same index. The key
 * is in no map.
 *
 * RFC 7253 section 4.2 has Offset_i = Offset_(i-1) ^ L_ntz(i). Unrolled, Offset_i = Offset_0 ^ C_i, where C_i
 * is the XOR of L_k over the bits k that are set in the Gray code of i.
 */
struct xdpsec_sa {
	__u32 spi;
	__u32 peer;
	__u8 next_header; /* enum xdpsec_next_header: UDP inline; in tunnel mode IPV4, for all payloads */
	__u8 binding;	  /* enum xdpsec_binding */
	__u8 pad[2];
	__u32 zero;  /* start value of loops: a zero that the verifier cannot know (ocb.bpf.h) */
	__u64 id;    /* of this use of the slot: no other one has had it (map "sa_ids") */
	__u32 event; /* the first packet that it opens is reported to the agent, and this is cleared */
	__u32 pad2;
	struct xdpsec_block l_star, l_dollar; /* L_* and L_$ */
	struct xdpsec_block l[4];	      /* L_0 .. L_3 */
	struct xdpsec_block groups[65];	      /* C_0, C_16 .. C_1024 */
};

/* Map "sequences": the next sequence number of an SA. The range [next, limit) is reserved on disk. */
struct xdpsec_sequence {
	__u64 next;
	__u64 limit;
	__u64 pad[6]; /* a cache line of its own: every sealing CPU writes here */
};

/* Map "replay_windows" (RFC 6479). */
struct xdpsec_replay {
	struct bpf_spin_lock lock;
	__u32 pad;
	__u64 next; /* one more than the highest authenticated sequence number; 0: none yet */
	__u64 bitmap[XDPSEC_REPLAY_WORDS];
};

/* Map "sa_counters", per CPU, by XDPSEC_COUNTERS(slot): packets sealed by the Tx SAs of a peer, or opened by its Rx
 * SAs. */
struct xdpsec_counters {
	__u64 packets;
	__u64 bytes;	 /* of plaintext: UDP payload in inline mode */
	__u64 last_seen; /* CLOCK_MONOTONIC, ns, coarse; 0: never */
	__u64 drops[XDPSEC_DROP_COUNT];
};

/* Map "ktops", per CPU: E(K, nonce without its low six bits) of the last packet (RFC 7253 section 4.2). */
struct xdpsec_ktop {
	struct xdpsec_block value;
	__u64 nonce_head; /* the nonce block as it was encrypted; all zero: nothing cached, as it holds a 1
			     bit */
	__u64 nonce_tail;
	__u64 id; /* of the SA whose key it was */
};

/* The most packets that an agreed key seals: at most 1026 blocks each, 2^47.01 in all. RFC 7253 section 5.1 allows 2^48. */
#define XDPSEC_AGREED_LIMIT (1ULL << 37)

/*
 * Map "instance_owner", one element, written by root only: the agent that may change SAs of agreed peers. Every start of
 * an agent writes another value, so an older one that still runs can no longer change anything.
 */
struct xdpsec_owner {
	__u64 value;	      /* 0: there is none */
	__u64 control_cookie; /* inline mode: SO_COOKIE of the agent's socket; 0: none */
	__u8 next_header;     /* what SAs of this instance carry, as struct xdpsec_sa.next_header */
	__u8 pad[7];
};

/* Map "agreed", by peer, written by root only. */
struct xdpsec_agreed {
	__u64 key_hash; /* of the peer's public key (docs/agreement.md); 0: the peer has manual keys */
};

/* How far the programs have got with an agreed SA. They allow no other order. */
enum xdpsec_stage {
	XDPSEC_STAGE_EMPTY,
	XDPSEC_STAGE_FILLING,  /* a program is installing it */
	XDPSEC_STAGE_KEYED,    /* it has a key, and no tables yet */
	XDPSEC_STAGE_FILLED,   /* nothing has referred to it yet */
	XDPSEC_STAGE_LINKED,   /* peers[].tx_sa or spis[] refers to it */
	XDPSEC_STAGE_UNLINKED, /* nothing does any more, and nothing will before it is erased */
};

/* Map "agreements", by slot: an SA of an agreed peer, for the next agent and for `status`. */
struct xdpsec_agreement {
	__u32 stage;   /* enum xdpsec_stage; only the programs change it */
	__u32 partner; /* the slot of the other direction; XDPSEC_NO_SA: none */
	__u64 id;
	__u64 key_hash; /* as in "agreed" when it was installed */
	__u64 peer_life, own_life;
	__u64 birth, deadline, since; /* CLOCK_BOOTTIME, ns */
	__u32 spi_rx, spi_tx;
	__u32 generation;
	__u16 reject_after; /* seconds */
	__u8 state;	    /* enum agreement_state, the agent's */
	__u8 initiator;	    /* was it us? */
	__u8 suite;
	__u8 binding; /* enum xdpsec_binding */
	__u8 opened;  /* it has opened a packet */
	__u8 bulk;    /* its context is one of the module for many blocks at a time */
	__u8 pad[4];
};

/* Map "activity", by peer: of agreed SAs, to within a second. CLOCK_BOOTTIME, ns; 0: never. Data is not
 * XDPSEC_NEXT_NONE. */
struct xdpsec_activity {
	__u64 sealed; /* data */
	__u64 sealed_any;
	__u64 opened;	   /* anything */
	__u64 opened_data; /* data */
	__u64 wanted;	   /* the last event XDPSEC_EVENT_WANTED */
	__u64 offset;	   /* CLOCK_BOOTTIME less CLOCK_MONOTONIC, when it was looked at last */
	__u64 newest;	   /* the id of the newest SA that has opened a packet: it shows where the peer is */
	__u32 newest_slot;
	__u32 pad;
};

enum xdpsec_event_kind {
	XDPSEC_EVENT_WANTED = 1, /* a packet was dropped for want of a key; once a second for a peer */
	XDPSEC_EVENT_FIRST,	 /* an SA with xdpsec_sa.event has opened its first packet */
	XDPSEC_EVENT_FORKED,	 /* the machine is a copy, and all sealing has stopped; of no peer */
};

/* Map "events", a ring buffer. An event may be lost when it is full. */
struct xdpsec_event {
	__u32 peer;
	__u32 kind; /* enum xdpsec_event_kind */
	__u32 slot, spi;
	__u64 id;
};

/* A whole page on every machine. */
#define XDPSEC_EVENTS_BYTES 65536

/* Map "asking": SPIs that the agent has allotted for answers it waits for; of any value. */
#define XDPSEC_MAX_ASKING (2 * XDPSEC_MAX_PEERS)

/* Map "clear_fragments" (LRU), value: valid until (CLOCK_MONOTONIC, ns, coarse). Fragmented datagrams
 * whose first fragment belongs to no protected flow. Their later fragments may pass; no other later
 * fragment may. */
struct xdpsec_fragment {
	__u8 source[16], destination[16]; /* as struct xdpsec_prefix.address */
	__u32 id_be;			  /* IPv4: 16 bits */
};

_Static_assert(sizeof(struct xdpsec_config) == 464, "ABI");
_Static_assert(sizeof(struct xdpsec_prefix) == 20, "ABI");
_Static_assert(sizeof(struct xdpsec_policy) == 8 + 4 * XDPSEC_MAX_PORT_RANGES, "ABI");
_Static_assert(sizeof(struct xdpsec_peer) == 8, "ABI");
_Static_assert(sizeof(struct xdpsec_location) == 20, "ABI");
_Static_assert(sizeof(struct xdpsec_source) == 20, "ABI");
_Static_assert(sizeof(struct xdpsec_endpoint) == 192, "ABI");
_Static_assert(sizeof(struct xdpsec_sa) == 32 + 16 * (2 + 4 + 65), "ABI");
_Static_assert(sizeof(struct xdpsec_sequence) == 64, "ABI");
_Static_assert(sizeof(struct xdpsec_replay) == 16 + 8 * XDPSEC_REPLAY_WORDS, "ABI");
_Static_assert(sizeof(struct xdpsec_counters) == 24 + 8 * XDPSEC_DROP_COUNT, "ABI");
_Static_assert(sizeof(struct xdpsec_ktop) == 40, "ABI");
_Static_assert(sizeof(struct xdpsec_fragment) == 36, "ABI");
_Static_assert(sizeof(struct xdpsec_owner) == 24, "ABI");
_Static_assert(sizeof(struct xdpsec_agreement) == 88, "ABI");
_Static_assert(sizeof(struct xdpsec_activity) == 64, "ABI");
_Static_assert(sizeof(struct xdpsec_event) == 24, "ABI");
_Static_assert(sizeof(struct xdpsec_fast_device) == 8, "ABI");

#endif
