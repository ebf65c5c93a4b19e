/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data of `up`, and its checks before anything is changed. `check` does the same checks, and stops there.
 * All mistakes are reported, and the first error is returned.
 */
#ifndef XDPSEC_UP_H
#define XDPSEC_UP_H

#include "command/commands.h"
#include "config/config.h"
#include "net/netlink.h"
#include "plane/plane.h"

struct up {
	const struct options *options;
	struct config config;
	char (*fingerprints)[PEER_KEYS][FINGERPRINT_HEX]; /* of its keys */
	struct instance instance;
	struct plane plane;
	struct netdev device;	 /* the underlay's */
	int renamed;		 /* -errno: the instance is up, and devices of it have other names by now */
	struct netdev near, far; /* of the tunnel device, once it is there */
	__u32 hop_secret[4];
};

/* NULL after a message. */
struct up *up_new(const struct options *options);
void up_free(struct up *up);

/* Examine the file, the keys and the device. If there is no file, config has no path. */
int up_examine(struct up *up);
/* Check for conflicts with other things on this machine, and with earlier instances. */
int up_check_conflicts(struct up *up);
/* Only that the keys are not in use, and that what was recorded of them allows their use. */
int up_check_keys(struct up *up);
/* up_build.c: build and attach what was examined. up->hop_secret is set. 0, or -errno after a message, and it is undone. */
int up_build(struct up *up);
/* Is the instance of that file up here, with its program taken off the device? */
bool up_is_detached(const struct config *config);
/* -EEXIST after a message: an instance of that name is up. */
int up_refuse_existing(const struct config *config);

#endif
