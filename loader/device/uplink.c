// SPDX-License-Identifier: GPL-2.0-or-later
/* Looking up the route to an endpoint, and judging the device that it leads to. */
#include <errno.h>
#include <string.h>
#include <net/if.h>
#include <sys/socket.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "base/message.h"
#include "base/prefix.h"
#include "device/uplink.h"
#include "net/netlink.h"
#include "net/vrf.h"
#include "plane/self.h"

/* Levels of stacked devices: more than there are in practice, and a protection against cycles. */
#define LAYERS_MAX 8

static int parse_way_attribute(const struct nlattr *attribute, void *data)
{
	struct way *way = data;
	__u16 length = mnl_attr_get_payload_len(attribute);

	switch (mnl_attr_get_type(attribute)) {
	case RTA_OIF:
		if (mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
			way->device = mnl_attr_get_u32(attribute);
		break;
	case RTA_PREFSRC:
		memset(way->source, 0, sizeof(way->source));
		if (length == 4)
			way->source[10] = way->source[11] = 0xff;
		if (length == 4 || length == 16)
			memcpy(way->source + 16 - length, mnl_attr_get_payload(attribute), length);
		way->has_source = length == 4 || length == 16;
		break;
	}
	return MNL_CB_OK;
}

static int parse_way(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(message);
	struct way *way = data;

	way->is_local = header->rtm_type == RTN_LOCAL;
	return mnl_attr_parse(message, sizeof(*header), parse_way_attribute, way);
}

static void put_address(struct nlmsghdr *request, __u16 type, const unsigned char address[16])
{
	bool ipv4 = address_is_ipv4(address);

	mnl_attr_put(request, type, ipv4 ? 4 : 16, ipv4 ? address + 12 : address);
}

int way_find(const unsigned char address[16], unsigned int vrf, const unsigned char *source, __u32 mark,
	     struct way *way)
{
	unsigned char length = address_is_ipv4(address) ? 32 : 128;
	char buffer[512];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct rtmsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	struct way found = {};
	int err;

	request->nlmsg_type = RTM_GETROUTE;
	header->rtm_family = length == 32 ? AF_INET : AF_INET6;
	header->rtm_dst_len = length;
	put_address(request, RTA_DST, address);
	if (source) {
		header->rtm_src_len = length;
		put_address(request, RTA_SRC, source);
	}
	if (mark)
		mnl_attr_put_u32(request, RTA_MARK, mark);
	if (vrf)
		mnl_attr_put_u32(request, RTA_OIF, vrf);
	err = netlink_talk(request, parse_way, &found);
	if (err)
		return err;
	if (source) {
		memcpy(found.source, source, sizeof(found.source));
		found.has_source = true;
	}
	*way = found;
	return 0;
}

bool address_is_here(const unsigned char address[16], unsigned int vrf)
{
	struct way way;

	return way_find(address, vrf, NULL, 0, &way) == 0 && way.is_local;
}

/* The devices above and below a device. */
struct place_in_stack {
	unsigned int master, below;
};

static int parse_place(const struct nlattr *attribute, void *data)
{
	struct place_in_stack *place = data;

	if (mnl_attr_validate(attribute, MNL_TYPE_U32) != 0)
		return MNL_CB_OK;
	if (mnl_attr_get_type(attribute) == IFLA_MASTER)
		place->master = mnl_attr_get_u32(attribute);
	if (mnl_attr_get_type(attribute) == IFLA_LINK)
		place->below = mnl_attr_get_u32(attribute);
	return MNL_CB_OK;
}

static int parse_master(const struct nlmsghdr *message, void *data)
{
	return mnl_attr_parse(message, sizeof(struct ifinfomsg), parse_place, data);
}

static struct place_in_stack place_in_stack(unsigned int device)
{
	char buffer[512];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(request, sizeof(*info));
	struct place_in_stack place = {};
	struct netdev netdev;

	request->nlmsg_type = RTM_GETLINK;
	info->ifi_index = (int)device;
	if (netlink_talk(request, parse_master, &place))
		return (struct place_in_stack){};
	/* A veth has its other end as the device "below". */
	if (netdev_find_index(device, &netdev) || !strcmp(netdev.kind, "veth"))
		place.below = 0;
	return place;
}

unsigned int device_upper(unsigned int device)
{
	return place_in_stack(device).master;
}

static bool is_part_of(unsigned int device, unsigned int other)
{
	for (int i = 0; device && i < LAYERS_MAX; i++) {
		if (device == other)
			return true;
		device = device_upper(device);
	}
	return false;
}

bool device_carries(unsigned int device, unsigned int other)
{
	for (int i = 0; other && i < LAYERS_MAX; i++) {
		if (is_part_of(device, other))
			return true;
		other = place_in_stack(other).below;
	}
	return false;
}

static void check_source(const struct config *config, const struct peer_config *peer, int family,
			 unsigned int vrf)
{
	const struct source_config *source = &peer->sources[family];
	char text[64];

	if (!source->line || address_is_here(source->address, vrf))
		return;
	address_text(source->address, text, sizeof(text));
	warning("%s:%d: Source: %s: not an address of this host: nothing is sent to peer %s over IPv%c until "
		"it is",
		source->file ?: config->path, source->line, text, peer_text(peer),
		family == SOURCE_IPV6 ? '6' : '4');
	hint("`%s address` lists its addresses", self_ip());
}

/* Replies arrive on the device of the source address, that of the route: XDP must be attached there. */
static void check_return_device(const struct config *config, const struct peer_config *peer,
				unsigned int device, unsigned int vrf)
{
	const unsigned char *to = peer->endpoint.address;
	const struct source_config *source = &peer->sources[address_is_ipv4(to) ? SOURCE_IPV4 : SOURCE_IPV6];
	char name[IF_NAMESIZE], text[64];
	struct way way;

	if (way_find(to, vrf, source->line ? source->address : NULL, config->tunnel.mark, &way) ||
	    !way.device || way.is_local || device_carries(device, way.device) ||
	    !if_indextoname(way.device, name))
		return;
	warning("%s:%d: Device: %s: packets to peer %s at %s leave by %s: its answers arrive there and are "
		"not opened",
		config->path, config->device_line, config->device, peer_text(peer),
		location_text(&peer->endpoint, text, sizeof(text)), name);
	hint("Device = %s", name);
}

void uplink_check(const struct config *config, unsigned int device)
{
	unsigned int vrf = vrf_of(device);

	for (const struct peer_config *peer = config->peers; peer < config->peers + config->n_peers; peer++) {
		for (int family = 0; family < SOURCES; family++)
			check_source(config, peer, family, vrf);
		if (peer->endpoint.known)
			check_return_device(config, peer, device, vrf);
	}
}
