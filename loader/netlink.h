/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network devices by rtnetlink, in the network namespace of the process. */
#ifndef XDPSEC_NETLINK_H
#define XDPSEC_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <net/if.h>
#include <linux/types.h>

struct netdev {
	unsigned int index;
	unsigned int peer;	/* IFLA_LINK: of a veth its other end */
	bool peer_elsewhere;	/* which is in another namespace, where the index counts */
	__u32 xdp_program;	/* id; 0: none */
	unsigned int master;	/* of what it is a part, a VRF or bridge for example; 0: of nothing */
	unsigned int vrf_table; /* of a VRF: the routing table of its parts */
	char name[IF_NAMESIZE];
	char kind[16];		  /* "veth"; empty for hardware */
	char alias[256];	  /* empty: none */
	unsigned char address[6]; /* zero: it has none of that length */
	/* Of a VXLAN device: what it is on, and where it sends what it does not know the receiver of. */
	struct {
		unsigned int underlay;
		bool has_group;
		unsigned char group[16]; /* as struct xdpsec_prefix.address */
		unsigned int port;
	} vxlan;
	unsigned int mtu;    /* bytes */
	unsigned short type; /* ARPHRD_* */
	bool up;
	__u64 tx_packets, tx_dropped, rx_dropped;
};

/* 0 or -errno, without a message; -ENODEV where there is none. *netdev is unchanged on failure. */
int netdev_find(const char *name, struct netdev *netdev);
int netdev_find_index(unsigned int index, struct netdev *netdev);

/* All of them, in *netdevs, which is to be freed. */
int netdev_list(struct netdev **netdevs, size_t *n);

/* One end of a pair of veth devices. */
struct veth_end {
	const char *name;
	unsigned int mtu;
};

/* A pair of veth devices, both down, both without IPv6 addresses of their own making. queues is how many each
 * has in either direction; 0: as the kernel likes. 0 or -errno. */
int netdev_create_veth(const struct veth_end *near, const struct veth_end *far, unsigned int queues);
/* No IPv6 addresses of the kernel's own making. */
int netdev_set_no_ipv6_addresses(unsigned int index);
int netdev_set_alias(unsigned int index, const char *alias);
int netdev_set_up(unsigned int index);
int netdev_set_mtu(unsigned int index, unsigned int mtu);
/* Like other devices of tunnels: no ARP or neighbour discovery, no multicast groups that are announced. */
int netdev_set_quiet(unsigned int index);
/* Of a veth, the other end goes with it. */
int netdev_delete(unsigned int index);

/* Holds the longest message of the kernel, of requests too. */
#define NETLINK_BUFFER 32768

/*
 * One request of rtnetlink and its answer: socket, sending, receiving, acknowledgement. each is called for every message
 * of the answer, as mnl_cb_run() does; NULL where only the acknowledgement matters. 0 or -errno.
 */
struct nlmsghdr;
int netlink_talk(struct nlmsghdr *request, int (*each)(const struct nlmsghdr *message, void *data),
		 void *data);

#endif
