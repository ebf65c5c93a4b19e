/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration that the tests of tunnel mode share: a gateway with a peer for each situation, and what a
 * run of its programs over one packet must do.
 *
 *	peer                endpoint                       AllowedIPs                             SAs
 *	TUNNEL_B            198.51.100.2:7253              203.0.113.0/25   2001:db8:b::/48       AES-128
 *	TUNNEL_C            [2001:db8:2::2]:4501           203.0.113.128/26 2001:db8:c::/48       AES-256
 *	TUNNEL_NO_ENDPOINT  none                           203.0.113.192/28 2001:db8:d::/48       AES-128
 *	TUNNEL_UNREACHABLE  198.51.100.66, no route        203.0.113.208/28 2001:db8:e::/48       AES-128
 *	TUNNEL_LOOP         198.51.100.67, in the tunnel   203.0.113.224/28 2001:db8:f::/48       AES-128
 *	TUNNEL_NO_SA        198.51.100.4:7253              203.0.113.240/29 2001:db8:10::/48      none
 *	nobody                                             203.0.113.248/29 2001:db8:11::/48
 */
#ifndef XDPSEC_UNIT_TUNNEL_H
#define XDPSEC_UNIT_TUNNEL_H

#include "expect.h"
#include "oracle.h"
#include "packet.h"
#include "rig.h"

/* Inner addresses: of a host behind us, and of hosts behind peers. */
#define INNER_LOCAL4 "192.0.2.200"
#define INNER_LOCAL6 "2001:db8:a::1"
#define INNER_B4 "203.0.113.2"
#define INNER_B6 "2001:db8:b::2"
#define INNER_C4 "203.0.113.130"
#define INNER_C6 "2001:db8:c::2"
#define INNER_NO_ENDPOINT4 "203.0.113.194"
#define INNER_NO_ENDPOINT6 "2001:db8:d::2"
#define INNER_UNREACHABLE4 "203.0.113.210"
#define INNER_UNREACHABLE6 "2001:db8:e::2"
#define INNER_LOOP4 "203.0.113.226"
#define INNER_LOOP6 "2001:db8:f::2"
#define INNER_NO_SA4 "203.0.113.242"
#define INNER_NO_SA6 "2001:db8:10::2"
#define INNER_NOBODY4 "203.0.113.250"
#define INNER_NOBODY6 "2001:db8:11::2"

/* Outer addresses; ours are LOCAL4 and LOCAL6. */
#define ENDPOINT_B4 "198.51.100.2"
#define ENDPOINT_C6 "2001:db8:2::2"

enum {
	TUNNEL_PORT = 7253,
	TUNNEL_PORT_C = 4501, /* not ours: which is which shows */
	TUNNEL_MTU = 1500,    /* of the underlay */
	TUNNEL_DEVICE_MTU = TUNNEL_MTU - 80,
	/* The overhead: an IP header, a UDP header, and the sealed header with its tag (docs/protocol.md). */
	OVERHEAD_IPV4 = IPV4_LEN + UDP_LEN + 16 + 16,
	OVERHEAD_IPV6 = IPV6_LEN + UDP_LEN + 16 + 16,

	NEXT_IPV4 = 4,
	NEXT_IPV6 = 41,
	NEXT_NONE = 59,
};

enum {
	TUNNEL_B,
	TUNNEL_C,
	TUNNEL_NO_ENDPOINT,
	TUNNEL_UNREACHABLE,
	TUNNEL_LOOP,
	TUNNEL_NO_SA,
	TUNNEL_PEERS,
	TUNNEL_SEALING = TUNNEL_NO_SA, /* the first so many have SAs */
	TUNNEL_SLOTS = 2 * TUNNEL_SEALING,
};

#define TUNNEL_TX(peer) (2 * (peer))
#define TUNNEL_RX(peer) (2 * (peer) + 1)

struct tunnel_peer {
	const char *endpoint; /* NULL: not known */
	uint16_t port;
	size_t key_length; /* 0: no SA */
	const char *prefix4, *prefix6;
};

extern const struct tunnel_peer tunnel_peers[TUNNEL_PEERS];

enum { TUNNEL_DIRECTIONS = 4 };

/* Each family inside, over each outside. */
struct tunnel_direction {
	const char *host; /* behind peer */
	int peer;
};

extern const struct tunnel_direction tunnel_directions[TUNNEL_DIRECTIONS];

struct tunnel_sa {
	uint32_t spi;
	uint8_t key[32];
	struct oracle *oracle;
};

extern struct tunnel_sa tunnel_sas[TUNNEL_SLOTS];

/* rig_setup() and the table above. */
int tunnel_setup(void **state);
int tunnel_teardown(void **state);

/* The test setup of every test: sequences from 1, windows empty, nothing sent, endpoints and configuration as
 * in the table. The default configuration has fixed ports and DSCP as it is inside. */
int tunnel_reset(void **state);

struct xdpsec_config tunnel_config(void);
void tunnel_configure(const struct xdpsec_config *config);
struct xdpsec_endpoint tunnel_endpoint(int peer);
void tunnel_set_endpoint(int peer, const struct xdpsec_endpoint *endpoint);
/* "198.51.100.2" or "2001:db8::1", as maps have it. */
struct xdpsec_location tunnel_location(const char *address, uint16_t port);
/* An address of ours that a peer is answered from. */
struct xdpsec_source tunnel_source(const char *address, enum xdpsec_local local);

/* CLOCK_MONOTONIC_COARSE in ns: what the programs take for now. */
uint64_t tunnel_now(void);

void tunnel_shell(const char *command);

/* An IP packet from a host behind us to one behind a peer, UDP, with so much payload. */
struct packet tunnel_inner(const char *destination, const void *payload, size_t length);

/* The other way: from a host behind a peer to one behind us. */
struct packet tunnel_inner_from(const char *source, const void *payload, size_t length);

/* The length of the headers in front of their payload, by the address of the host behind the peer. */
size_t tunnel_inner_headers(const char *host);

/* The overhead of a packet to peer. */
size_t tunnel_overhead(int peer);

/* The bytes of inner, without Ethernet. Returns how many. */
size_t tunnel_inner_bytes(const struct packet *inner, uint8_t *bytes);

/*
 * n bytes sealed by the SA in slot: the whole outer packet from our address to the peer's endpoint, with the
 * sealed payload in buffer.
 */
struct packet tunnel_sealed(int slot, uint8_t next_header, uint64_t sequence, const void *plain, size_t n,
			    uint8_t *buffer);

/* n bytes sealed by the peer, as they arrive. */
struct packet tunnel_arriving(int peer, uint8_t next_header, uint64_t sequence, const void *plain, size_t n,
			      uint8_t *buffer);

/* The same, with inner in it. */
struct packet tunnel_incoming(int peer, uint64_t sequence, const struct packet *inner, uint8_t *buffer);

/*
 * in goes to peer: what comes out is an outer packet with inner (as a rule the same as in) in it, and exactly
 * what OpenSSL makes of it. One sequence number is used, one packet counted. With flow_ports any port of the
 * range is right; returned is the port.
 */
uint16_t expect_encapsulated_as(const struct packet *in, const struct packet *inner, int peer, uint8_t tos);
uint16_t expect_encapsulated(const struct packet *inner, int peer);

/* By rig.device, from this address. */
void tunnel_note_way(struct xdpsec_endpoint *expected, const char *source);

/* Changes to the endpoint of a peer by a packet sent from this address. before and after are clocks around
 * the run. */
void expect_sent(struct xdpsec_endpoint *expected, const struct xdpsec_endpoint *got, const char *source,
		 uint64_t before, uint64_t after);

/* inner is dropped for reason, and counted for the SA in slot unless that is SLOT_NONE. */
void expect_refused(const struct packet *inner, enum xdpsec_drop reason, int slot);

/* outer comes from peer and has inner in it: delivered to the tunnel device, counted, window moved. */
void expect_decapsulated(const struct packet *outer, const struct packet *inner, int peer);

/* The tag holds, so that the window moves; but it is dropped, by that program or by PROGRAM_DECAPSULATE. */
void expect_opened_and_dropped_by(enum program program, const struct packet *outer, int peer,
				  enum xdpsec_drop reason);
void expect_opened_and_dropped(const struct packet *outer, int peer, enum xdpsec_drop reason);

/* Consumed: counted as a packet without any bytes. */
void expect_keepalive_consumed(const struct packet *outer, int peer);
/* The tick for a peer: an IP header from nobody to 169.254.16.0 and its number, with nothing behind it. */
struct packet tunnel_tick(const char *target);

#endif
