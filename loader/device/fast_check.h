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

/* The reason why a device cannot be on a fast path, and the hint that mends it. */
struct fast_fault {
	char text[160], hint[PATH_MAX + 128]; /* a hint can have the path of a namespace */
};

/* Does it lack something, now? The first such thing, without a message: for `status`. */
bool fast_find_fault(const struct netdev *netdev, struct fast_fault *fault);

/* Is a device of FastPath suitable? where is put in front of messages. */
int fast_check_device(const struct netdev *netdev, const char *where);

/*
 * The first of the devices of FastPath, Device and the tunnel device that is in no flowtable with the others. NULL: all
 * are, or nothing asks flowtables. Before Linux 7.3 flows go through a flowtable without the tunnel device as well; since
 * then nft_flow_route() refuses them (net/netfilter/nf_flow_table_path.c, nft_dev_forward_path()).
 */
const char *fast_not_in_flowtable(const struct instance *instance);

/* Warn, with a hint, of a device that is in no flowtable. The instance is up. */
void fast_warn_of_flowtable(const struct config *config, const struct instance *instance);

#endif
