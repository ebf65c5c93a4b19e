// SPDX-License-Identifier: GPL-2.0-or-later
/* Checks of what goes through a tunnel: forwarding, MTU, routes into it, and what both ends allow. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>

#include "base/cleanup.h"
#include "command/commands.h"
#include "command/diagnose.h"
#include "command/probe.h"
#include "net/echo.h"
#include "net/local_network.h"
#include "net/route.h"
#include "net/sysctl.h"
#include "plane/self.h"

/* One packet of so many. */
#define SPOOFED_FEW 100

/* Is the network's device in the VRF of the tunnel device, or both in none? No packet goes from one to another. */
static bool is_in_same_vrf(const struct diagnosis *d, const struct local_network *network)
{
	struct netdev netdev;

	return netdev_find(network->device, &netdev) == 0 && netdev.master == d->report.near.master;
}

/* The networks of this site, that are not the underlay and not the tunnel. */
static size_t list_networks(const struct diagnosis *d, struct local_network **networks)
{
	const unsigned int not_these[] = { d->report.instance.device_index, d->report.instance.near_index,
					   d->report.instance.far_index, 0 };
	size_t n = 0, kept = 0;

	if (local_networks(not_these, networks, &n))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (is_in_same_vrf(d, &(*networks)[i]))
			(*networks)[kept++] = (*networks)[i];
	return kept;
}

/* ---- forwarding -------------------------------------------------------------------------------------- */

static bool forwards(const struct local_network *network)
{
	int value = 0;

	sysctl_get(address_is_ipv4(network->address) ? "ipv4" : "ipv6", network->device, "forwarding",
		   &value);
	return value != 0;
}

/* Is there a network of that version behind the peer, so that this site's is likely to be meant as well? */
static bool has_inner_network(const struct peer_report *peer, bool ipv4)
{
	for (size_t i = 0; i < peer->n_prefixes; i++)
		if (peer->prefixes[i].prefix.length < 128 &&
		    prefix_is_ipv4(&peer->prefixes[i].prefix) == ipv4)
			return true;
	return false;
}

/* Packets that came for other hosts, and were not forwarded (net/ipv4/route.c, ip_error). */
static unsigned long not_forwarded(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/net/snmp", "re");
	unsigned long count = 0;
	char line[1024];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Ip: %*u %*u %*u %*u %lu", &count) == 1)
			return count;
	return 0;
}

/* "inside (203.0.113.126), lan (2001:db8:c::1)": those that are in the set. */
static const char *networks_text(const struct local_network *networks, size_t n,
				 bool (*is_in)(const struct local_network *network), char *text, size_t size)
{
	size_t used = 0;
	char prefix[64];

	text[0] = '\0';
	for (size_t i = 0; i < n && used < size; i++)
		if (is_in(&networks[i]))
			used += (size_t)snprintf(text + used, size - used, "%s%s (%s)", used ? ", " : "",
						 networks[i].device,
						 prefix_text(&networks[i].prefix, prefix, sizeof(prefix)));
	return text;
}

static bool does_not_forward(const struct local_network *network)
{
	return !forwards(network);
}

/* Keep those of one version; one that forwards is enough. Returns how many there are, or 0. */
static size_t choose_version(struct local_network *networks, size_t n, bool ipv4)
{
	size_t chosen = 0;

	for (size_t i = 0; i < n; i++) {
		if (address_is_ipv4(networks[i].address) != ipv4)
			continue;
		if (forwards(&networks[i]))
			return 0;
		networks[chosen++] = networks[i];
	}
	return chosen;
}

/* " net.ipv4.ip_forward=1", or what sets the devices alone if that is set: it would change nothing. */
static const char *forwarding_settings(const struct local_network *networks, size_t n, bool ipv4, char *text,
				       size_t size)
{
	char device[IF_NAMESIZE];
	int all = 0;
	size_t used = 0;

	sysctl_get(ipv4 ? "ipv4" : "ipv6", "all", "forwarding", &all);
	if (!all) {
		snprintf(text, size, " %s=1", ipv4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding");
		return text;
	}
	for (size_t i = 0; i < n && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, " net.%s.conf.%s.forwarding=1",
					 ipv4 ? "ipv4" : "ipv6", setting_device(networks[i].device, device));
	return text;
}

/* True: something was found. */
static bool check_forwarding_of(struct diagnosis *d, bool ipv4)
{
	_cleanup_free_ struct local_network *networks = NULL;
	size_t all = list_networks(d, &networks), n = choose_version(networks, all, ipv4);
	char text[256];

	if (!n || (!has_inner_network(d->peer, ipv4) && !(ipv4 && not_forwarded())))
		return false;
	found(d, FINDING_WRONG, "off for %s: packets between hosts there and the tunnel are dropped",
	      networks_text(networks, n, does_not_forward, text, sizeof(text)));
	mend(d, "%ssysctl -w%s", self_enter(), forwarding_settings(networks, n, ipv4, text, sizeof(text)));
	return true;
}

void check_forwarding(struct diagnosis *d)
{
	_cleanup_free_ struct local_network *networks = NULL;
	size_t n = is_tunnel(d) ? list_networks(d, &networks) : 0, on = 0;

	if (!is_tunnel(d) || check_forwarding_of(d, true) || check_forwarding_of(d, false))
		return;
	for (size_t i = 0; i < n; i++)
		on += forwards(&networks[i]);
	if (!n)
		found(d, FINDING_OK, "there is no network behind this host");
	else
		found(d, FINDING_OK, "%s",
		      on ? "on" : "off, which only matters if networks behind this host use the tunnel");
}

/* ---- MTU --------------------------------------------------------------------------------------------- */

void check_mtu(struct diagnosis *d)
{
	_cleanup_echo_ struct echo echo = { .fd = -1 };
	unsigned int size = 0, mtu = d->report.config.mtu;

	if (!is_tunnel(d) || !d->report.near.index)
		return;
	if (!d->exchange.answered ||
	    echo_open(&echo, d->exchange.target, &(struct echo_way){ .device = d->report.near.name }) ||
	    probe_size(&echo, mtu, &size) || !size) {
		found(d, FINDING_UNKNOWN, "there is no address behind the peer that answers");
		mend(d, "%s probe %s %s ADDRESS", self(), d->name, d->peer->record.name);
		return;
	}
	if (size == mtu) {
		found(d, FINDING_OK, "packets of %u bytes, the MTU of %s, pass and come back", mtu,
		      d->report.near.name);
		return;
	}
	if (diagnosis_read(d))
		return;
	if (d->peer->inner_mtu && d->peer->inner_mtu <= size) {
		found(d, FINDING_OK, "packets of %u bytes pass, and a router has said so", size);
		return;
	}
	found(d, FINDING_WRONG,
	      "packets of %u bytes pass, and the MTU of %s is %u: larger ones vanish, and no router says so",
	      size, d->report.near.name, mtu);
	mend(d, "set MTU = %u in [Interface] of %s; %s reload %s", size, d->report.instance.path, self(),
	     d->name);
}

/* ---- routes and AllowedIPs --------------------------------------------------------------------------- */

void check_inner_route(struct diagnosis *d)
{
	const struct report *report = &d->report;
	struct route route = {};
	char text[64], device[16] = "no device", table[TABLE_WORDS];

	if (!is_tunnel(d) || !report->near.index)
		return;
	if (report->routes.count) {
		found(d, FINDING_WRONG, "%s lacks %u of its routes, first %s", report->near.name,
		      report->routes.count, prefix_text(&report->routes.first, text, sizeof(text)));
		mend(d, "%s reload %s", self(), d->name);
		return;
	}
	if (!d->exchange.has_target) {
		found(d, FINDING_OK, "those of AllowedIPs lead into %s", report->near.name);
		return;
	}
	address_text(d->exchange.target, text, sizeof(text));
	if (route_find(d->exchange.target, report->near.master, 0, &route) == 0 &&
	    route.device == report->near.index) {
		found(d, FINDING_OK, "that to %s leads into %s", text, report->near.name);
		return;
	}
	if_indextoname(route.device, device);
	found(d, FINDING_WRONG, "that to %s leads by %s, and not into %s", text, device, report->near.name);
	mend(d, "%s route replace %s dev %s%s", self_ip(), text, report->near.name,
	     table_words(route.table, table));
}

/* Ask from this host's address in each network of the target's family. Of several, some may be uplinks, or not meant: one
 * that is answered is enough. */
static void ask_for_networks(struct diagnosis *d)
{
	_cleanup_free_ struct local_network *networks = NULL;
	size_t n = list_networks(d, &networks), tried = 0;
	char text[256];

	for (size_t i = 0; i < n; i++) {
		if (!forwards(&networks[i]) ||
		    address_is_ipv4(networks[i].address) != address_is_ipv4(d->exchange.target))
			continue;
		if (exchange_answers(d, networks[i].address)) {
			found(d, FINDING_OK,
			      "the peer sends from its own, and answers this host and the network of %s",
			      networks[i].device);
			return;
		}
		networks[tried++] = networks[i];
	}
	if (!tried) {
		found(d, FINDING_OK, "the peer sends from its own, and answers this host");
		return;
	}
	networks_text(networks, tried, forwards, text, sizeof(text));
	found(d, FINDING_WRONG,
	      "the peer answers %s, and not the network behind this host, %s: it is missing in AllowedIPs of "
	      "this site there, or there is no route back to it",
	      d->report.near.name, text);
	mend(d, "at the other end: add the network to AllowedIPs of this site, and reload");
}

/*
 * Packets of the peer that show that a network is missing in its AllowedIPs: none from before a reload changed them; and
 * of many packets not the few that any host may send from an address of another network.
 */
static __u64 count_spoofed(const struct diagnosis *d)
{
	__u64 all = peer_drops(d, XDPSEC_DROP_SPOOFED), spoofed;
	__u32 since = (__u32)d->report.drops[XDPSEC_DROP_SPOOFED] - d->peer->record.spoofed_before;

	spoofed = since < all ? since : all;
	return d->exchange.spoofed || spoofed * SPOOFED_FEW > d->peer->rx.packets ? spoofed : 0;
}

void check_allowed(struct diagnosis *d)
{
	__u64 spoofed = count_spoofed(d);

	if (!is_tunnel(d))
		return;
	if (spoofed) {
		found(d, FINDING_WRONG,
		      "%llu packets of the peer were dropped as spoofed: it sends from a network that is "
		      "missing in its AllowedIPs here",
		      (unsigned long long)spoofed);
		mend(d, "add that network to AllowedIPs of %s in %s; %s reload %s", d->peer->record.name,
		     d->report.instance.path, self(), d->name);
	} else if (!d->exchange.answered) {
		found(d, FINDING_UNKNOWN,
		      "those here are kept; of those there nothing is known without an answer");
	} else {
		ask_for_networks(d);
	}
}
