/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The protected device, which carries the sealed packets (the underlay). */
#ifndef XDPSEC_DEVICE_H
#define XDPSEC_DEVICE_H

#include "config/config.h"
#include "net/netlink.h"

/*
 * Find the configuration's device, and check that it can be protected: it exists in this network namespace,
 * is Ethernet, and a minimal packet fits its MTU after sealing. 0, or -errno after a message.
 */
int device_find(const struct config *config, struct netdev *device);

#endif
