/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a reload is about: the peers that are up, those of the configuration, and what takes the one to the
 * other. reload_recover.c puts in order what a killed one has left, reload_prepare.c creates what is new,
 * reload_switch.c makes the data plane use it, and reload_sweep.c erases what the configuration does not
 * have.
 */
#ifndef XDPSEC_RELOAD_H
#define XDPSEC_RELOAD_H

#include <stdbool.h>

#include "commands.h"
#include "config.h"
#include "netlink.h"
#include "peer.h"
#include "held.h"

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
	struct held held;	    /* before anything is changed */
	struct peer_record *before; /* all of XDPSEC_MAX_PEERS; after reload_recover() as the data plane is */
	struct change *changes;	    /* one for each peer of the configuration */
	char (*fingerprints)[2][FINGERPRINT_HEX];
	struct xdpsec_prefix *stale; /* prefixes that are to go */
	size_t n_stale;
	/* Tunnel mode. */
	struct netdev device;	       /* the underlay's */
	struct xdpsec_config settings; /* map "config", as it is to be */
	unsigned int mtu_before;       /* of the tunnel device; 0: it is not changed */
	bool silent_before;	       /* IPv6 was switched off on it */
	struct xdpsec_prefix *routes;  /* that were added */
	size_t n_routes;
	int unmended; /* what is broken and could not be mended: the first -errno of reload_mend() */
};

/*
 * What is attached, and the devices of the instance, as `up` has made them: what is not so any more is
 * mended, with a warning, or else named, with an error in reload->unmended. The rest of the reload goes on.
 */
void reload_mend(struct reload *reload);
/* Once the tunnel device has its MTU. */
void reload_mend_addresses(struct reload *reload);

/* Put in order what a reload that was killed has left. 0, or -errno after a message. */
int reload_recover(struct reload *reload);

/*
 * Create the new SAs in slots that nothing refers to, and find what is to go. 0, or -errno after a message,
 * and nothing has changed.
 */
int reload_prepare(struct reload *reload);
void reload_undo_prepare(struct reload *reload);

/* Is the record's SA the one that opens its SPI? */
bool reload_receives(const struct plane *plane, const struct sa_record *rx);
/* The change of the peer with this index; NULL: it is to go. */
const struct change *reload_change_of(const struct reload *reload, __u32 index);

/* What tunnel mode adds to each of the two (reload_tunnel.c). */
int reload_prepare_tunnel(struct reload *reload);
void reload_undo_tunnel(const struct reload *reload);
/* Before the first peer is switched; for each peer before it is used. */
int reload_switch_tunnel(const struct reload *reload);
int reload_switch_endpoint(const struct reload *reload, const struct change *change);
/* What no peer of the configuration has: routes; endpoints and keepalives. */
int reload_sweep_routes(const struct reload *reload);
int reload_sweep_endpoints(const struct reload *reload);

/* Make the data plane use what was prepared: new before old. 0, or -errno after a message. */
int reload_switch(struct reload *reload);
/* Everything that is in the maps, and not of the configuration: no longer used, and after a grace period
 * saved and erased. 0, or -errno after a message. */
int reload_sweep(const struct reload *reload);

/* NULL after a message. */
struct reload *reload_new(const struct options *options);
void reload_free(struct reload *reload);
/* Read what is up. 0, or -errno after a message. */
int reload_open(struct reload *reload, const char *name);
/* All that `reload` would refuse, for `check`. device is that of the configuration; index 0 where there is
 * none. 0, or the first -errno after messages. */
int reload_check(struct reload *reload, struct config *config, char (*fingerprints)[2][FINGERPRINT_HEX],
		 const struct netdev *device);

#endif
