/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The networks behind this host: where other hosts are that it may route for. */
#ifndef XDPSEC_LOCAL_NETWORK_H
#define XDPSEC_LOCAL_NETWORK_H

#include <stddef.h>
#include <net/if.h>

#include "xdpsec/abi.h"

struct local_network {
	unsigned char address[16]; /* of this host, as struct xdpsec_prefix.address */
	struct xdpsec_prefix prefix;
	char device[IF_NAMESIZE];
};

/*
 * List those of devices other than these (indexes, a 0 ends them) in *networks, which the caller frees. Devices by which a
 * gateway is reached are uplinks; and the bridges of containers and virtual machines, known by their names, are not meant
 * either. 0 or -errno, without a message.
 */
int local_networks(const unsigned int *without, struct local_network **networks, size_t *n);

#endif
