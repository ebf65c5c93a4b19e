// SPDX-License-Identifier: GPL-2.0-or-later
/* Searching the routing tables for the routes of others. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "base/message.h"
#include "base/prefix.h"
#include "device/route_taken.h"
#include "net/netlink.h"
#include "plane/self.h"

/* The kernel's metric for a route without one: IP6_RT_PRIO_USER. */
#define IPV6_METRIC 1024

/* A prefix of AllowedIPs. */
struct wanted {
	const struct xdpsec_prefix *prefix;
	const char *path;
	int line;
};

/* The prefixes are sorted, as there may be a million routes. */
struct taken_listing {
	const struct config *config;
	struct wanted *wanted;
	size_t n;
	unsigned int tunnel;
	int err;
};

struct taken {
	struct xdpsec_prefix prefix;
	__u32 table, metric, device;
};

static int parse_taken_attribute(const struct nlattr *attribute, void *data)
{
	struct taken *taken = data;
	__u16 length = mnl_attr_get_payload_len(attribute);

	switch (mnl_attr_get_type(attribute)) {
	case RTA_DST:
		if (length == 4 || length == 16)
			memcpy(taken->prefix.address + 16 - length, mnl_attr_get_payload(attribute), length);
		break;
	case RTA_TABLE:
		taken->table = mnl_attr_get_u32(attribute);
		break;
	case RTA_PRIORITY:
		taken->metric = mnl_attr_get_u32(attribute);
		break;
	case RTA_OIF:
		taken->device = mnl_attr_get_u32(attribute);
		break;
	}
	return MNL_CB_OK;
}

static bool has_network(const struct config *config, const struct xdpsec_prefix *prefix)
{
	const struct tunnel_config *tunnel = &config->tunnel;

	for (size_t i = 0; i < tunnel->n_addresses; i++)
		if (tunnel->addresses[i].length == prefix->length &&
		    prefix_contains(prefix, &tunnel->addresses[i]))
			return true;
	return false;
}

static int compare_routes(const void *left, const void *right)
{
	const struct wanted *one = left, *other = right;

	return memcmp(one->prefix, other->prefix, sizeof(*one->prefix));
}

static void refuse_route(struct taken_listing *listing, const struct wanted *wanted)
{
	char text[64];

	prefix_text(wanted->prefix, text, sizeof(text));
	listing->err = fail(EEXIST, "%s:%d: AllowedIPs: %s: a route to it through another device exists",
			    wanted->path, wanted->line, text);
	hint("`%s%s route show %s` shows it; with Table = off you add the routes yourself", self_ip(),
	     prefix_is_ipv4(wanted->prefix) ? "" : " -6", text);
}

static int look_for(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(message);
	bool ipv4 = header->rtm_family == AF_INET;
	struct taken taken = { .table = header->rtm_table };
	struct taken_listing *listing = data;
	const struct config *config = listing->config;
	const struct wanted key = { .prefix = &taken.prefix }, *found;

	if (ipv4)
		taken.prefix.address[10] = taken.prefix.address[11] = 0xff;
	taken.prefix.length = header->rtm_dst_len + (ipv4 ? IPV4_BITS : 0);
	if (mnl_attr_parse(message, sizeof(*header), parse_taken_attribute, &taken) < 0)
		return MNL_CB_ERROR;
	if (taken.table != RT_TABLE_MAIN || taken.metric != (ipv4 ? 0 : IPV6_METRIC) ||
	    !header->rtm_dst_len || (listing->tunnel && taken.device == listing->tunnel) ||
	    has_network(config, &taken.prefix))
		return MNL_CB_OK;
	found = bsearch(&key, listing->wanted, listing->n, sizeof(key), compare_routes);
	if (found)
		refuse_route(listing, found);
	return MNL_CB_OK;
}

static int collect_routes(struct taken_listing *listing)
{
	const struct peer_config *peer, *end = listing->config->peers + listing->config->n_peers;

	for (peer = listing->config->peers; peer < end; peer++)
		listing->n += peer->n_prefixes;
	listing->wanted = calloc(listing->n ?: 1, sizeof(*listing->wanted));
	if (!listing->wanted)
		return fail(ENOMEM, "out of memory");
	listing->n = 0;
	for (peer = listing->config->peers; peer < end; peer++)
		for (size_t i = 0; i < peer->n_prefixes; i++)
			listing->wanted[listing->n++] = (struct wanted){ &peer->prefixes[i],
									 peer_path(listing->config, peer),
									 peer->prefix_lines[i] };
	qsort(listing->wanted, listing->n, sizeof(*listing->wanted), compare_routes);
	return 0;
}

int routes_check_taken(const struct config *config, unsigned int tunnel)
{
	static const unsigned char families[] = { AF_INET, AF_INET6 };
	struct taken_listing listing = { .config = config, .tunnel = tunnel };
	char buffer[256];
	int err;

	if (config->tunnel.no_routes)
		return 0;
	err = collect_routes(&listing);
	if (err)
		return err;
	for (size_t i = 0; i < sizeof(families); i++) {
		struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
		struct rtmsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

		request->nlmsg_type = RTM_GETROUTE;
		request->nlmsg_flags |= NLM_F_DUMP;
		header->rtm_family = families[i];
		header->rtm_table = RT_TABLE_MAIN;
		/* An error here is found again by `up`. */
		netlink_talk(request, look_for, &listing);
	}
	free(listing.wanted);
	return listing.err;
}
