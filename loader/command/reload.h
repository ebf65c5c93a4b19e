/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A reload: the peers that are up, those of the configuration, and the changes between them. reload_recover.c
 * repairs what a killed reload has left, reload_prepare.c creates new SAs, reload_switch.c makes the data
 * plane use them, and reload_sweep.c erases everything that is not in the configuration.
 */
#ifndef XDPSEC_RELOAD_H
#define XDPSEC_RELOAD_H

#include <stdbool.h>

#include "command/commands.h"
#include "config/config.h"
#include "net/netlink.h"
#include "plane/held.h"
#include "plane/peer.h"

/* A context of the same key by another driver, to replace that of a slot in use. Sequence numbers and
 * window do not change. */
struct spare {
	bool created;
	struct sa_record record;
};

/* How an Rx SA changes. */
struct rx_change {
	bool created; /* the SA, which is not used yet */
	bool spi;     /* another SPI for the same SA */
	struct spare spare;
};

/* A peer of the configuration, and the changes it needs. */
struct change {
	const struct peer_config *peer;
	__u32 index;
	bool is_new;
	bool tx; /* an SA was created that is not used yet */
	struct spare tx_spare;
	struct rx_change rx[PEER_RX];
	__u64 key_before, key_after; /* hashes of the peer's public key; 0: manual keys */
	bool flows;		     /* for the summary: other prefixes or ports */
	struct peer_record before;   /* blank when new */
	struct peer_record after;
};

struct reload {
	struct config config;
	struct instance instance; /* with the present names of its devices */
	struct instance recorded; /* as it was read */
	struct plane plane;
	struct peer_context context;
	struct held held; /* before anything is changed */
	struct peer_record
		*before; /* all of XDPSEC_MAX_PEERS; after reload_recover() they match the data plane */
	struct change *changes; /* one for each peer of the configuration */
	char (*fingerprints)[PEER_KEYS][FINGERPRINT_HEX];
	struct xdpsec_prefix *stale; /* prefixes to remove */
	size_t n_stale;
	/* Tunnel mode. */
	struct netdev device;	       /* the underlay's */
	struct xdpsec_config settings; /* map "config", as it will be */
	unsigned int mtu_before;       /* of the tunnel device; 0: it is not changed */
	bool silent_before;	       /* IPv6 was switched off on it */
	struct xdpsec_prefix *routes;  /* routes that were added */
	size_t n_routes;
	bool agent_ended; /* it was, and its lock is held; closed again when the data plane is changed */
	int agent_lock;
	int unmended; /* the first -errno of reload_mend(): something broken could not be mended */
};

/*
 * Settings that changed and cannot be changed (reload_settings.c). All are reported, not only the first. 0, or the first
 * -errno after messages.
 */
int reload_check_settings(const struct reload *reload);
/* Is the device that Device names the instance's own? 0, or -ENODEV after a message. */
int reload_check_device(const struct reload *reload, const struct netdev *device);

/*
 * Compare attachments and devices with what `up` has made. Differences are mended, with a warning, or else
 * reported as an error, in reload->unmended. The rest of the reload goes on.
 */
void reload_mend(struct reload *reload);
/* Called once the tunnel device has its MTU. */
void reload_mend_addresses(struct reload *reload);

/* Repair what a killed reload has left. 0, or -errno after a message. */
int reload_recover(struct reload *reload);

/*
 * Create the new SAs in slots that nothing refers to, and find what to remove. 0, or -errno after a message;
 * then nothing has changed.
 */
int reload_prepare(struct reload *reload);
void reload_undo_prepare(struct reload *reload);

/* Is the record's SA the one that opens its SPI? */
bool reload_receives(const struct plane *plane, const struct sa_record *rx);
/* The change of the peer with this index; NULL: the peer will be removed. */
const struct change *reload_change_of(const struct reload *reload, __u32 index);

/* The part of tunnel mode in prepare and switch (reload_tunnel.c). */
int reload_prepare_tunnel(struct reload *reload);
void reload_undo_tunnel(const struct reload *reload);
/* The first is called before the first peer is switched, the second for each peer before it is used. */
int reload_switch_tunnel(const struct reload *reload);
int reload_switch_endpoint(const struct reload *reload, const struct change *change);
/* Remove routes, endpoints and keepalives that no peer of the configuration has. */
int reload_sweep_routes(const struct reload *reload);
int reload_sweep_endpoints(const struct reload *reload);

/* Make the data plane use the new SAs, prefixes and routes: new before old. 0, or -errno after a message. */
int reload_switch(struct reload *reload);
/* Remove everything from the maps that is not in the configuration: first unused, and after a grace period
 * saved and erased. 0, or -errno after a message. */
int reload_sweep(const struct reload *reload);

/* NULL after a message. */
struct reload *reload_new(const struct options *options);
void reload_free(struct reload *reload);
/* Read what is up. 0, or -errno after a message. */
int reload_open(struct reload *reload, const char *name);
/* All errors that `reload` would report, for `check`. device is that of the configuration; index 0 if
 * there is none. 0, or the first -errno after messages. */
int reload_check(struct reload *reload, struct config *config,
		 char (*fingerprints)[PEER_KEYS][FINGERPRINT_HEX], const struct netdev *device);

#endif
