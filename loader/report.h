/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that `status` shows of an instance, read at once. */
#ifndef XDPSEC_REPORT_H
#define XDPSEC_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "attach.h"
#include "config.h"
#include "instance.h"

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

struct peer_report {
	struct peer_record record;
	struct sa_report tx, rx;
	struct protected_prefix *prefixes;
	size_t n_prefixes;
};

struct report {
	struct instance instance;
	struct peer_report *peers; /* by the order of their indexes */
	size_t n_peers;
	__u64 drops[XDPSEC_DROP_COUNT];
	bool reachable;		   /* the namespace was found: what follows is known */
	struct xdp_attachment xdp; /* what is really attached */
	bool egress;		   /* the seal link's device is there; unknown with no_attach */
	bool hop_exists;
	__u64 hop_packets, hop_dropped;
	char **warnings;
	size_t n_warnings;
};

/* 0, or -errno after a message. To be freed in both cases. */
int report_read(struct report *report, const char *name);
void report_free(struct report *report);
#define _cleanup_report_ __attribute__((cleanup(report_free)))

/* The share of a reserved range that is used, 0 to 100. */
double report_range_used(const struct sa_report *tx);

#endif
