// SPDX-License-Identifier: GPL-2.0-or-later
/* Searching the routing tables for the routes of others. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <net/if.h>
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

struct taken {
	struct xdpsec_prefix prefix;
	__u32 table, metric, device;
	bool has_gateway;
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
	case RTA_GATEWAY:
	case RTA_VIA:
	case RTA_MULTIPATH:
		taken->has_gateway = true;
		break;
	}
	return MNL_CB_OK;
}

static bool has_network(const struct rival_search *search, const struct xdpsec_prefix *prefix)
{
	for (size_t i = 0; i < search->n_own; i++)
		if (search->own[i].length == prefix->length && prefix_contains(prefix, &search->own[i]))
			return true;
	return false;
}

static int compare_routes(const void *left, const void *right)
{
	const struct wanted_route *one = left, *other = right;

	return memcmp(one->prefix, other->prefix, sizeof(*one->prefix));
}

/* A route by a gateway that ours comes before is a reserve. */
static void compare_metrics(const struct rival_search *search, const struct wanted_route *wanted,
			    const struct taken *taken)
{
	__u32 ours = prefix_is_ipv4(&taken->prefix) ? 0 : IPV6_METRIC;

	if (taken->metric == ours)
		search->found(wanted, RIVAL_EQUAL, taken->device, search->data);
	else if (taken->metric < ours)
		search->found(wanted, RIVAL_AHEAD, taken->device, search->data);
	else if (taken->device && !taken->has_gateway)
		search->found(wanted, RIVAL_BEHIND, taken->device, search->data);
}

static int look_for(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(message);
	bool ipv4 = header->rtm_family == AF_INET;
	struct taken taken = { .table = header->rtm_table };
	const struct rival_search *search = data;
	const struct wanted_route key = { .prefix = &taken.prefix }, *wanted;

	if (ipv4)
		taken.prefix.address[10] = taken.prefix.address[11] = 0xff;
	taken.prefix.length = header->rtm_dst_len + (ipv4 ? IPV4_BITS : 0);
	if (mnl_attr_parse(message, sizeof(*header), parse_taken_attribute, &taken) < 0)
		return MNL_CB_ERROR;
	if (taken.table != RT_TABLE_MAIN || !header->rtm_dst_len ||
	    (search->tunnel && taken.device == search->tunnel) || has_network(search, &taken.prefix))
		return MNL_CB_OK;
	wanted = bsearch(&key, search->wanted, search->n, sizeof(key), compare_routes);
	if (wanted)
		compare_metrics(search, wanted, &taken);
	return MNL_CB_OK;
}

static int search_family(struct rival_search *search, unsigned char family, unsigned char protocol)
{
	char buffer[256];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct rtmsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

	request->nlmsg_type = RTM_GETROUTE;
	request->nlmsg_flags |= NLM_F_DUMP;
	header->rtm_family = family;
	header->rtm_table = RT_TABLE_MAIN;
	header->rtm_protocol = protocol;
	return netlink_talk(request, look_for, search);
}

int routes_find_rivals(struct rival_search *search)
{
	static const unsigned char any[] = { RTPROT_UNSPEC }, networks[] = { RTPROT_KERNEL, RTPROT_RA };
	const unsigned char *protocols = search->networks_only ? networks : any;
	size_t n = search->networks_only ? sizeof(networks) : sizeof(any);
	int err = 0, step;

	/* The prefixes are sorted, as there may be many routes. */
	if (search->n)
		qsort(search->wanted, search->n, sizeof(*search->wanted), compare_routes);
	for (size_t i = 0; i < n; i++) {
		step = search_family(search, AF_INET, protocols[i]);
		err = err ?: step;
		step = search_family(search, AF_INET6, protocols[i]);
		err = err ?: step;
	}
	return err;
}

static void report_rival(const struct wanted_route *wanted, enum rival rival, unsigned int device, void *data)
{
	const char *family = prefix_is_ipv4(wanted->prefix) ? "" : " -6";
	char text[64], name[IF_NAMESIZE] = "another device";
	int *err = data;

	prefix_text(wanted->prefix, text, sizeof(text));
	if_indextoname(device, name);
	if (rival == RIVAL_EQUAL) {
		*err = fail(EEXIST, "%s:%d: AllowedIPs: %s: a route to it through another device exists",
			    wanted->path, wanted->line, text);
		hint("`%s%s route show %s` shows it; with Table = off you add the routes yourself", self_ip(),
		     family, text);
		return;
	}
	if (rival == RIVAL_AHEAD)
		warning("%s:%d: AllowedIPs: %s: the route to it through %s has a lower metric: packets leave "
			"by that, in clear",
			wanted->path, wanted->line, text, name);
	else
		warning("%s:%d: AllowedIPs: %s: is the network of %s, too: its hosts cannot be reached any "
			"more, as the route into the tunnel has a lower metric",
			wanted->path, wanted->line, text, name);
	hint("`%s%s route show %s` shows it; one of the two networks needs other addresses", self_ip(),
	     family, text);
}

static int collect_routes(const struct config *config, struct rival_search *search)
{
	const struct peer_config *peer, *end = config->peers + config->n_peers;
	size_t count = 0;

	for (peer = config->peers; peer < end; peer++)
		count += peer->n_prefixes;
	search->wanted = calloc(count ?: 1, sizeof(*search->wanted));
	if (!search->wanted)
		return fail(ENOMEM, "out of memory");
	for (peer = config->peers; peer < end; peer++)
		for (size_t i = 0; i < peer->n_prefixes; i++)
			search->wanted[search->n++] = (struct wanted_route){ &peer->prefixes[i],
									     peer_path(config, peer),
									     peer->prefix_lines[i] };
	return 0;
}

static bool is_own_address(const struct config *config, const struct xdpsec_prefix *prefix)
{
	const struct tunnel_config *tunnel = &config->tunnel;

	for (size_t i = 0; i < tunnel->n_addresses && prefix->length == 128; i++)
		if (memcmp(tunnel->addresses[i].address, prefix->address, sizeof(prefix->address)) == 0)
			return true;
	return false;
}

void routes_check_own(const struct config *config)
{
	const struct peer_config *peer;
	char text[64];

	for (peer = config->peers; peer < config->peers + config->n_peers; peer++)
		for (size_t i = 0; i < peer->n_prefixes; i++) {
			if (!is_own_address(config, &peer->prefixes[i]))
				continue;
			warning("%s:%d: AllowedIPs: %s: is Address of this site: packets to it never go to "
				"peer %s",
				peer_path(config, peer), peer->prefix_lines[i],
				prefix_text(&peer->prefixes[i], text, sizeof(text)), peer_text(peer));
			hint("AllowedIPs of a peer are the addresses and networks of the other site");
		}
}

int routes_check_taken(const struct config *config, unsigned int tunnel)
{
	int err = 0;
	struct rival_search search = { .own = config->tunnel.addresses,
				       .n_own = config->tunnel.n_addresses,
				       .tunnel = tunnel,
				       .found = report_rival,
				       .data = &err };

	if (config->tunnel.no_routes)
		return 0;
	err = collect_routes(config, &search);
	/* An error here is found again by `up`. */
	if (!err)
		routes_find_rivals(&search);
	free(search.wanted);
	return err;
}
