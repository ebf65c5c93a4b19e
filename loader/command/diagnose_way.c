// SPDX-License-Identifier: GPL-2.0-or-later
/* Checks of the way to a peer, as far as this host decides it: endpoint, route, source, reverse path filter. */
#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>
#include <net/if.h>
#include <netinet/in.h>
#include <linux/rtnetlink.h>

#include "command/diagnose.h"
#include "device/uplink.h"
#include "net/route.h"
#include "net/sysctl.h"
#include "plane/self.h"

bool peer_place(const struct diagnosis *d, struct xdpsec_location *place)
{
	const struct peer_report *peer = d->peer;
	const struct agreement_address *asked = &peer->agreed.asked;

	if (is_tunnel(d) && peer->location.known) {
		*place = peer->location;
		return true;
	}
	memset(place, 0, sizeof(*place));
	if (asked->port) {
		memcpy(place->address, asked->address, sizeof(place->address));
		place->port = asked->port;
		place->known = 1;
	} else if (!is_tunnel(d) && peer->n_prefixes && peer->prefixes[0].prefix.length == 128) {
		memcpy(place->address, peer->prefixes[0].prefix.address, sizeof(place->address));
		place->port = d->report.config.listen_port;
		place->known = 1;
	}
	return place->known;
}

/* Somebody asks with a key that no peer has, from where no other peer is. */
static bool is_stranger(const struct diagnosis *d, const struct agent_status_refusal *refusal)
{
	for (size_t i = 0; i < d->report.n_peers; i++)
		if (d->report.peers[i].location.known &&
		    memcmp(d->report.peers[i].location.address, refusal->from.address,
			   sizeof(refusal->from.address)) == 0)
			return false;
	return refusal->count > 0;
}

static void say_unknown(struct diagnosis *d)
{
	const struct agent_status *agent = d->report.agent_runs ? d->report.agent : NULL;
	const struct agent_status_refusal *strange = agent ? &agent->refusals[REFUSED_UNKNOWN_KEY] : NULL;
	char text[64];

	if (d->peer->agreed.unresolved) {
		found(d, FINDING_WRONG, "the name in Endpoint has no address");
		mend(d, "getent ahosts NAME");
	} else if (strange && is_stranger(d, strange)) {
		found(d, FINDING_WRONG,
		      "it has no Endpoint and was not heard of, but %s asks with a public key that no peer "
		      "has, %llu times: if that is it, its PublicKey here is wrong",
		      address_text(strange->from.address, text, sizeof(text)),
		      (unsigned long long)strange->count);
		mend(d, "set PublicKey of %s in %s to what `xdpsec pubkey` prints there; %s reload %s",
		     d->peer->record.name, d->report.instance.path, self(), d->name);
	} else {
		found(d, FINDING_UNKNOWN, "it has no Endpoint, and was not heard of yet: it has to begin");
		mend(d, "run `xdpsec diagnose` there");
	}
}

void check_endpoint(struct diagnosis *d)
{
	struct xdpsec_location place;
	char text[80];

	if (!peer_place(d, &place)) {
		if (is_tunnel(d) || d->peer->agreed.agreed)
			say_unknown(d);
		return;
	}
	location_text(&place, text, sizeof(text));
	if (is_tunnel(d) &&
	    memcmp(&d->peer->record.endpoint, &d->peer->location, sizeof(d->peer->location)) != 0)
		found(d, FINDING_OK, "%s, from where its last packet came", text);
	else
		found(d, FINDING_OK, "%s", text);
}

/* ---- route ------------------------------------------------------------------------------------------- */

const char *table_words(__u32 table, char text[TABLE_WORDS])
{
	text[0] = '\0';
	if (table && table != RT_TABLE_MAIN)
		snprintf(text, TABLE_WORDS, " table %u", table);
	return text;
}

/* The command that leads the address by Device: in the table of the route that is taken instead, which a rule may have
 * chosen, and in place of one to the same address. */
static void mend_route(struct diagnosis *d, const unsigned char address[16], __u32 table, const char *more)
{
	const struct instance *instance = &d->report.instance;
	char text[64], gateway[64] = "GATEWAY", in[TABLE_WORDS];
	struct route route = {};
	bool found_one;

	found_one = route_find(address, instance->device_index, d->report.config.mark, &route) == 0 &&
		    route.is_unicast && route.device == instance->device_index;
	if (route.has_gateway)
		address_text(route.gateway, gateway, sizeof(gateway));
	mend(d, "%s route replace %s%s%s%s dev %s%s%s", self_ip(), address_text(address, text, sizeof(text)),
	     found_one && !route.has_gateway ? "" : " via ",
	     route.has_gateway && address_is_ipv4(address) && !address_is_ipv4(route.gateway) ? "inet6 " : "",
	     found_one && !route.has_gateway ? "" : gateway, instance->device, table_words(table, in), more);
}

/* Has the device an address of that version, other than a link-local one? */
static bool has_address(const char *device, bool ipv4)
{
	struct ifaddrs *all = NULL;
	bool has = false;

	if (getifaddrs(&all))
		return true;
	for (const struct ifaddrs *one = all; one && !has; one = one->ifa_next) {
		const struct sockaddr_in6 *ipv6 = (const void *)one->ifa_addr;

		if (!one->ifa_addr || strcmp(one->ifa_name, device) != 0)
			continue;
		has = ipv4 ? one->ifa_addr->sa_family == AF_INET
			   : one->ifa_addr->sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&ipv6->sin6_addr);
	}
	freeifaddrs(all);
	return has;
}

static void say_none(struct diagnosis *d, const unsigned char to[16], const char *address)
{
	const struct uplink_report *uplink = &d->peer->uplink;
	const char *device = d->report.instance.device;
	bool ipv4 = address_is_ipv4(to),
	     known = uplink->has_source && address_is_ipv4(uplink->source) == ipv4;
	char source[64];

	if (has_address(device, ipv4) || d->report.vrf) {
		found(d, FINDING_WRONG, "there is none to %s", address);
		mend_route(d, to, 0, "");
		return;
	}
	found(d, FINDING_WRONG, "there is none to %s: %s has no IPv%d address", address, device,
	      ipv4 ? 4 : 6);
	mend(d, "%s address add %s/LENGTH dev %s; and the routes that went with it", self_ip(),
	     known ? address_text(uplink->source, source, sizeof(source)) : "ADDRESS", device);
}

static void say_no_route(struct diagnosis *d, const unsigned char to[16], const char *address, int err)
{
	const char *type = err == -EACCES ? "prohibit" : err == -EHOSTUNREACH ? "unreachable" : "blackhole";
	const char *version = address_is_ipv4(to) ? "" : " -6";

	if (err == -ENETUNREACH || err == -ESRCH || err == 0) {
		say_none(d, to, address);
		return;
	}
	found(d, FINDING_WRONG, "a route to %s says %s: nothing is sent", address, type);
	mend(d,
	     "%s%s route show table all type %s; %s%s route del %s PREFIX; or, if it is a rule: %s%s rule "
	     "show",
	     self_ip(), version, type, self_ip(), version, type, self_ip(), version);
}

static void say_other_device(struct diagnosis *d, const unsigned char to[16], const char *address,
			     const struct route *route)
{
	const struct instance *instance = &d->report.instance;
	char name[IF_NAMESIZE] = "another device", more[IF_NAMESIZE + 32];

	if_indextoname(route->device, name);
	if (route->device == d->report.near.index) {
		found(d, FINDING_WRONG, "that to %s leads into the tunnel itself", address);
		mend_route(d, to, 0, "");
		return;
	}
	found(d, FINDING_WRONG,
	      "that to %s leads by %s, and Device is %s: answers arrive there and are not opened", address,
	      name, instance->device);
	snprintf(more, sizeof(more), "; or set Device = %s", name);
	mend_route(d, to, route->table, more);
}

static bool is_special(int err)
{
	return err == -EINVAL || err == -EACCES || err == -EHOSTUNREACH;
}

void check_route(struct diagnosis *d)
{
	struct xdpsec_location place;
	char address[64], source[64], device[IF_NAMESIZE] = "?";
	struct route route = {};
	struct way way = {};
	int err;

	if (!peer_place(d, &place))
		return;
	address_text(place.address, address, sizeof(address));
	err = route_find(place.address, d->report.vrf, d->report.config.mark, &route);
	if (err || (!route.device && !route.is_local)) {
		say_no_route(d, place.address, address, err);
		return;
	}
	if (route.is_local) {
		found(d, FINDING_WRONG, "%s is an address of this host", address);
		mend(d, "set Endpoint of %s in %s", d->peer->record.name, d->report.instance.path);
		return;
	}
	if (!route.is_unicast) {
		say_no_route(d, place.address, address, is_special(err) ? err : -EINVAL);
		return;
	}
	if (!device_carries(d->report.instance.device_index, route.device)) {
		say_other_device(d, place.address, address, &route);
		return;
	}
	if_indextoname(route.device, device);
	way_find(place.address, d->report.vrf, NULL, d->report.config.mark, &way);
	found(d, FINDING_OK, "to %s by %s%s%s", address, device, way.has_source ? " from " : "",
	      way.has_source ? address_text(way.source, source, sizeof(source)) : "");
}

void check_source(struct diagnosis *d)
{
	const struct uplink_report *uplink = &d->peer->uplink;
	char text[64];

	if (!is_tunnel(d) || !uplink->has_source)
		return;
	address_text(uplink->source, text, sizeof(text));
	if (uplink->source_gone || !address_is_here(uplink->source, d->report.vrf)) {
		found(d, FINDING_WRONG, "%s is not an address of this host: nothing is sent from it%s", text,
		      uplink->source_gone ? "; it is the configured Source"
					  : "; the peer has sent to it before");
		mend(d, "%s address add %s dev %s%s", self_ip(), text, d->report.instance.device,
		     uplink->source_gone ? ", or remove Source" : "");
		return;
	}
	found(d, FINDING_OK, "%s is an address of this host", text);
}

/* Is there nothing of the other site? Both sites' AllowedIPs are easily swapped. */
void check_own(struct diagnosis *d)
{
	char text[64];

	if (!is_tunnel(d) || !d->peer->n_prefixes)
		return;
	for (size_t i = 0; i < d->peer->n_prefixes; i++)
		if (d->peer->prefixes[i].prefix.length < 128 ||
		    !address_is_here(d->peer->prefixes[i].prefix.address, d->report.near.master))
			return;
	found(d, FINDING_WRONG, "%s is an address of this host: packets to it never go to the peer",
	      address_text(d->peer->prefixes[0].prefix.address, text, sizeof(text)));
	mend(d, "set AllowedIPs of %s in %s to the addresses and networks of the other site; %s reload %s",
	     d->peer->record.name, d->report.instance.path, self(), d->name);
}

/* ---- reverse path ------------------------------------------------------------------------------------ */

static bool is_strict(const char *device)
{
	int all = 0, own = 0;

	sysctl_get("ipv4", "all", "rp_filter", &all);
	sysctl_get("ipv4", device, "rp_filter", &own);
	return (all > own ? all : own) == 1;
}

/* In names of settings "/" is the dot of a device's name. */
const char *setting_device(const char *device, char text[IF_NAMESIZE])
{
	snprintf(text, IF_NAMESIZE, "%s", device);
	for (char *at = text; *at; at++)
		if (*at == '.')
			*at = '/';
	return text;
}

/* RFC 3704: packets are dropped unless the route to their source leads by the device that they come in by. The kernel
 * looks it up without our mark. Only what goes up the stack is concerned: not a tunnel's data on the device. */
void check_return(struct diagnosis *d)
{
	const char *device = d->report.instance.device;
	struct xdpsec_location place;
	struct route route = {};
	char other[IF_NAMESIZE] = "another device", setting[IF_NAMESIZE];

	if (!peer_place(d, &place) || !address_is_ipv4(place.address))
		return;
	if (!is_strict(device)) {
		found(d, FINDING_OK, "not strict on %s", device);
		return;
	}
	if (route_find(place.address, d->report.vrf, 0, &route) == 0 &&
	    device_carries(d->report.instance.device_index, route.device)) {
		found(d, FINDING_OK, "strict on %s, and the route back leads by it", device);
		return;
	}
	if_indextoname(route.device, other);
	found(d, FINDING_WRONG,
	      "strict on %s, and without a mark the route to the peer leads by %s: its %s are dropped",
	      device, other, is_tunnel(d) ? "messages of the key agreement" : "packets");
	mend(d, "%ssysctl -w net.ipv4.conf.%s.rp_filter=2", self_enter(), setting_device(device, setting));
}

void first_host(const struct xdpsec_prefix *prefix, unsigned char address[16])
{
	memcpy(address, prefix->address, 16);
	if (prefix->length < 127)
		address[15] |= 1;
}

void check_inner_return(struct diagnosis *d)
{
	const struct netdev *near = &d->report.near;
	struct route route = {};
	char other[IF_NAMESIZE] = "another device", text[64], setting[IF_NAMESIZE];
	unsigned char address[16];

	/* Routes that are gone have their own check. */
	if (!is_tunnel(d) || !near->index || d->report.routes.count)
		return;
	if (!is_strict(near->name)) {
		found(d, FINDING_OK, "not strict on %s", near->name);
		return;
	}
	for (size_t i = 0; i < d->peer->n_prefixes; i++) {
		const struct xdpsec_prefix *prefix = &d->peer->prefixes[i].prefix;

		first_host(prefix, address);
		if (!prefix_is_ipv4(prefix) || prefix_is_default(prefix) ||
		    (route_find(address, near->master, 0, &route) == 0 && route.device == near->index))
			continue;
		if_indextoname(route.device, other);
		found(d, FINDING_WRONG,
		      "strict on %s, and the route to %s leads by %s: packets from there are dropped after "
		      "they are opened",
		      near->name, prefix_text(prefix, text, sizeof(text)), other);
		mend(d, "%ssysctl -w net.ipv4.conf.%s.rp_filter=2", self_enter(),
		     setting_device(near->name, setting));
		return;
	}
	found(d, FINDING_OK, "strict on %s, and the routes back lead into it", near->name);
}
