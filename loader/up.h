/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `up` is about, and what is looked at before anything is changed: for `up`, and for `check`, which goes
 * no further. All mistakes are said, not only the first; what returns an error returns the first of them.
 */
#ifndef XDPSEC_UP_H
#define XDPSEC_UP_H

#include "commands.h"
#include "config.h"
#include "netlink.h"
#include "plane.h"

struct up {
	const struct options *options;
	struct config config;
	char (*fingerprints)[2][FINGERPRINT_HEX]; /* of its keys */
	struct instance instance;
	struct plane plane;
	struct netdev device;	 /* the underlay's */
	struct netdev near, far; /* of the tunnel device, once it is there */
	__u32 hop_secret[4];
};

/* NULL after a message. */
struct up *up_new(const struct options *options);
void up_free(struct up *up);

/* The file, the keys and the device. Where there is no file, config has no path. */
int up_examine(struct up *up);
/* What else there is on this machine, and what was. */
int up_check_conflicts(struct up *up);
/* Is the instance of that file up here, and its program taken off the device? */
bool up_is_detached(const struct config *config);
/* -EEXIST after a message: an instance of that name is up. */
int up_refuse_existing(const struct config *config);

#endif
