/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a reload is about: the peers that are up, those of the configuration, and what takes the one to the
 * other. reload_prepare.c creates what is new, reload_switch.c makes the data plane use it and erases the
 * rest.
 */
#ifndef XDPSEC_RELOAD_H
#define XDPSEC_RELOAD_H

#include <stdbool.h>

#include "config.h"
#include "netlink.h"
#include "peer.h"

/* A context of the same key by another driver, to be exchanged for that of a slot in use: numbers and window
 * stay what they are. */
struct spare {
	bool created;
	struct sa_record record;
};

/* A peer of the configuration, and what it takes to get there. */
struct change {
	const struct peer_config *peer;
	__u32 index;
	bool is_new;
	bool tx, rx; /* an SA was created that is not used yet */
	struct spare tx_spare, rx_spare;
	bool spi;		   /* rx: another SPI for the same SA */
	bool flows;		   /* for the summary: other prefixes or ports */
	struct peer_record before; /* blank when new */
	struct peer_record after;
};

struct reload {
	struct config config;
	struct instance instance;
	struct plane plane;
	struct peer_context context;
	struct peer_record *before; /* all of XDPSEC_MAX_PEERS */
	struct change *changes;	    /* one for each peer of the configuration */
	char (*fingerprints)[2][FINGERPRINT_HEX];
	struct xdpsec_prefix *stale; /* prefixes that are to go */
	size_t n_stale;
	/* Tunnel mode. */
	struct link device;	       /* the underlay's */
	struct xdpsec_config settings; /* map "config", as it is to be */
	struct xdpsec_prefix *routes;  /* that were added */
	size_t n_routes;
};

/*
 * Create the new SAs in slots that nothing refers to, and find what is to go. 0, or -errno after a message,
 * and nothing has changed.
 */
int reload_prepare(struct reload *reload);
void reload_undo_prepare(struct reload *reload);

/* Is the record's SA the one that opens its SPI? After a reload that was killed, the records may say what the
 * data plane does not do. */
bool reload_receives(const struct plane *plane, const struct sa_record *rx);
/* The change of the peer with this index; NULL: it is to go. */
const struct change *reload_change_of(const struct reload *reload, __u32 index);

/* What tunnel mode adds to each of the two (reload_tunnel.c). */
int reload_prepare_tunnel(struct reload *reload);
void reload_undo_tunnel(const struct reload *reload);
/* Before the first peer is switched; for each peer before it is used; for one that is to go. */
int reload_switch_tunnel(const struct reload *reload);
int reload_switch_endpoint(const struct reload *reload, const struct change *change);
int reload_remove_endpoint(const struct reload *reload, __u32 index);

/* Make the data plane use what was prepared: new before old. 0, or -errno after a message. */
int reload_switch(struct reload *reload);
/* After a grace period, save and erase what nothing refers to any more. */
int reload_retire(const struct reload *reload);

#endif
