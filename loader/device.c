// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <net/if_arp.h>

#include "device.h"
#include "message.h"

/* What every host must take: RFC 791 section 3.1 (576 bytes in pieces or whole) and RFC 8200 section 5. */
#define IPV4_MINIMUM 576
#define IPV6_MINIMUM 1280

static bool is_ipv4(const struct xdpsec_prefix *prefix)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	return prefix->length >= 96 && memcmp(prefix->address, mapped, sizeof(mapped)) == 0;
}

static bool has_ipv6(const struct config *config)
{
	for (size_t i = 0; i < config->n_peers; i++)
		for (size_t j = 0; j < config->peers[i].n_prefixes; j++)
			if (!is_ipv4(&config->peers[i].prefixes[j]))
				return true;
	return false;
}

int device_find(const struct config *config, struct link *device)
{
	unsigned int minimum = has_ipv6(config) ? IPV6_MINIMUM : IPV4_MINIMUM;
	struct link link;
	int err = link_find(config->device, &link);

	if (err == -ENODEV) {
		fail(ENODEV, "%s:%d: Device: %s: no such device in this network namespace", config->path,
		     config->device_line, config->device);
		hint("`ip link` lists the devices; `xdpsec -n NETNS` looks in another namespace");
		return err;
	}
	if (err)
		return fail(-err, "%s: cannot ask the kernel about it: %s", config->device, strerror(-err));
	if (link.type != ARPHRD_ETHER) {
		fail(EINVAL, "%s:%d: Device: %s: not an Ethernet device (type %u)", config->path,
		     config->device_line, config->device, link.type);
		hint("protect the Ethernet device that carries its packets");
		return -EINVAL;
	}
	if (link.mtu < minimum + XDPSEC_OVERHEAD) {
		fail(EMSGSIZE,
		     "%s:%d: Device: %s: an MTU of %u is too small: %u bytes of IPv%c and %d of XDPsec do "
		     "not fit",
		     config->path, config->device_line, config->device, link.mtu, minimum,
		     minimum == IPV6_MINIMUM ? '6' : '4', XDPSEC_OVERHEAD);
		hint("ip link set dev %s mtu %u", config->device, minimum + XDPSEC_OVERHEAD);
		return -EMSGSIZE;
	}
	*device = link;
	return 0;
}

int device_check(const struct config *config)
{
	struct link device;

	return device_find(config, &device);
}
