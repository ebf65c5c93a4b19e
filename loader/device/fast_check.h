/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of the devices of a fast path, before its programs are attached. */
#ifndef XDPSEC_FAST_CHECK_H
#define XDPSEC_FAST_CHECK_H

#include "config/config.h"
#include "net/netlink.h"
#include "plane/instance.h"

/*
 * Can FastPath be as the configuration has it, with this underlay's device? The indexes of its devices are noted in
 * *instance. All mistakes are reported. 0, or the first -errno after a message.
 */
int fast_check(const struct config *config, const struct netdev *underlay, struct instance *instance);

/* Is a device of FastPath suitable? where is put in front of messages. */
int fast_check_device(const struct netdev *netdev, const char *where);

/* The device that is in no flowtable with the underlay's, or the underlay's; NULL: all are, or nothing asks flowtables. */
const char *fast_not_in_flowtable(const struct instance *instance);

#endif
