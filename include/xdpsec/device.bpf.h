/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The identity of devices: on which one a program runs, and to which ones it may send.
 *
 * An interface index is no identity. It belongs to one network namespace, and the kernel reuses it once the
 * device is gone. So a program compares the namespace first, by the cookie, which the kernel never reuses. It
 * takes the index of another device from a DEVMAP. The kernel empties an element of that map when the device
 * is deleted or leaves the namespace (kernel/bpf/devmap.c, dev_map_notification on NETDEV_UNREGISTER). Both
 * net/core/dev.c, unregister_netdevice_many_notify, and __dev_change_net_namespace call synchronize_net()
 * between that and the end of RTNL: no program that still read the old element can meet a new device with its
 * index.
 */
#ifndef XDPSEC_DEVICE_BPF_H
#define XDPSEC_DEVICE_BPF_H

#include "kernel.bpf.h"
#include "maps.bpf.h"

/* IFF_SLAVE of include/uapi/linux/if.h, which needs the C library: a device of a bond. */
#define DEVICE_IS_OF_BOND 0x800

/* The index of a device of the instance. 0: deleted, moved to another namespace, or never made. */
static __always_inline u32 device_index(const u32 which)
{
	u32 zero = 0, key = which, *index;
	void *map = bpf_map_lookup_elem(&devices, &zero);

	if (!map)
		return 0;
	index = bpf_map_lookup_elem(map, &key);
	return index ? *index : 0;
}

static __always_inline bool device_is_in_namespace(const struct net_device *device,
						   const struct xdpsec_config *config)
{
	return device->nd_net.net->net_cookie == config->netns_cookie;
}

/* Does a TC program run in the namespace that the instance was made in? */
static __always_inline bool device_skb_is_here(struct __sk_buff *skb, const struct xdpsec_config *config)
{
	const struct sk_buff *kernel_skb = bpf_cast_to_kern_ctx(skb);

	return device_is_in_namespace(kernel_skb->dev, config);
}

/* The device that an XDP program runs on. */
static __always_inline const struct net_device *device_of_xdp(struct xdp_md *xdp)
{
	const struct xdp_buff *kernel_xdp = bpf_cast_to_kern_ctx(xdp);

	return kernel_xdp->rxq->dev;
}

/* Does an XDP program run on the device that it was made for? A bond runs its program on its member
 * devices (drivers/net/bonding/bond_main.c, bond_xdp_set). */
static __always_inline bool device_xdp_is_here(struct xdp_md *xdp, const struct xdpsec_config *config)
{
	const struct net_device *device = device_of_xdp(xdp);

	return device_is_in_namespace(device, config) &&
	       (device->ifindex == config->device || device->flags & DEVICE_IS_OF_BOND);
}

#endif
