// SPDX-License-Identifier: GPL-2.0-or-later
/* The warnings of `status`: faults of an instance, and commands that help. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/report.h"
#include "device/present_name.h"
#include "device/tunnel.h"
#include "plane/bulk.h"

/* RFC 7253 section 5: no more than 2^48 blocks under a key. */
#define KEY_BLOCKS (1ULL << 48)

void add_warning(struct report *report, enum warning_topic topic, const char *format, ...)
{
	struct warning *warnings = realloc(report->warnings, (report->n_warnings + 1) * sizeof(*warnings));
	va_list arguments;
	int length;

	if (!warnings)
		return;
	report->warnings = warnings;
	va_start(arguments, format);
	length = vasprintf(&warnings[report->n_warnings].text, format, arguments);
	va_end(arguments);
	if (length >= 0)
		warnings[report->n_warnings++].topic = topic;
}

static void warn_of_missing(struct report *report, enum warning_topic topic, const char *what,
			    const struct missing *missing)
{
	char text[64];

	if (missing->count)
		add_warning(report, topic, "%s lacks %u of its %s, first %s: xdpsec reload %s",
			    report->near.name, missing->count, what,
			    prefix_text(&missing->first, text, sizeof(text)), report->instance.name);
}

static void warn_of_rivals(struct report *report)
{
	static const char *const what[] = {
		[RIVAL_EQUAL] = "has a route to it of the same metric, and only one of the two is used",
		[RIVAL_AHEAD] = "has a route to it of a lower metric: packets leave by that, in clear",
		[RIVAL_BEHIND] =
			"is in that network, whose hosts cannot be reached: their packets go into the tunnel",
	};
	char text[64], more[32] = "";

	if (!report->rivals.count)
		return;
	if (report->rivals.count > 1)
		snprintf(more, sizeof(more), " (and %u more)", report->rivals.count - 1);
	prefix_text(&report->rivals.prefix, text, sizeof(text));
	add_warning(report, WARNING_RIVAL, "AllowedIPs: %s%s: %s %s: ip%s route show %s", text, more,
		    report->rivals.device, what[report->rivals.rival],
		    prefix_is_ipv4(&report->rivals.prefix) ? "" : " -6", text);
}

/* The least overhead towards any peer. Packets to other peers that are too big are answered. */
static unsigned int least_overhead(const struct report *report)
{
	bool known = false;

	for (size_t i = 0; i < report->n_peers; i++) {
		struct xdpsec_prefix address = prefix_of(&report->peers[i].location);

		if (!report->peers[i].location.known)
			continue;
		if (prefix_is_ipv4(&address))
			return XDPSEC_TUNNEL_OVERHEAD_IPV4;
		known = true;
	}
	return known ? XDPSEC_TUNNEL_OVERHEAD_IPV6 : XDPSEC_TUNNEL_OVERHEAD_IPV4;
}

static void warn_of_mtu(struct report *report)
{
	const struct netdev *near = &report->near;
	unsigned int overhead = least_overhead(report);

	if (near->mtu != report->config.mtu)
		add_warning(report, WARNING_DEVICE,
			    "the MTU of %s was changed to %u, from %u: xdpsec reload %s", near->name,
			    near->mtu, report->config.mtu, report->instance.name);
	else if (report->device_mtu && report->device_mtu < near->mtu + overhead)
		add_warning(report, WARNING_DEVICE,
			    "the MTU of %s is now %u: packets of %u bytes from %s and %u bytes of overhead "
			    "do not fit; xdpsec reload %s",
			    report->instance.device, report->device_mtu, near->mtu, near->name, overhead,
			    report->instance.name);
}

/* Warnings about a near end in this namespace. In another namespace somebody else sets the device up. */
static void warn_of_near(struct report *report)
{
	if (!report->near.up)
		add_warning(report, WARNING_DEVICE,
			    "the tunnel device %s was set down, which removed its routes: xdpsec reload %s",
			    report->near.name, report->instance.name);
	if (report->deaf)
		add_warning(report, WARNING_DEVICE,
			    "GRO of %s is off and its XDP program is gone: no packet arrives on it; xdpsec "
			    "reload %s",
			    report->near.name, report->instance.name);
	else if (!report->near.xdp_program)
		add_warning(report, WARNING_DEVICE,
			    "the XDP program of %s is gone: packets larger than its MTU are lost; xdpsec "
			    "reload %s",
			    report->near.name, report->instance.name);
	warn_of_mtu(report);
	warn_of_missing(report, WARNING_DEVICE, "addresses", &report->addresses);
	warn_of_missing(report, WARNING_OTHER, "routes", &report->routes);
	warn_of_rivals(report);
}

static void warn_of_tunnel(struct report *report)
{
	const struct instance *instance = &report->instance;

	if (!report->pair_exists) {
		add_warning(report, WARNING_DEVICE, "the tunnel device %s is gone: run down and up",
			    instance->near);
		return;
	}
	if (report->near.index)
		warn_of_near(report);
	report_warn_pair(report);
	if (!report->egress)
		add_warning(report, WARNING_DEVICE,
			    "not attached to TC ingress of %s: nothing is sent; xdpsec reload %s",
			    instance->far, instance->name);
	if (report->rules_gone)
		add_warning(report, WARNING_DEVICE,
			    "the routing rules for the default route into %s were removed: their packets "
			    "leave in clear; xdpsec reload %s",
			    instance->near, instance->name);
	if (report->other_vrf)
		add_warning(report, WARNING_DEVICE,
			    "%s was moved into a VRF, or out of one: routes to the peers are not looked for "
			    "there; xdpsec reload %s",
			    instance->device, instance->name);
	if (!report->forwards)
		add_warning(report, WARNING_DEVICE,
			    "forwarding of %s was switched off, probably for the whole host: packets keep "
			    "their last device, and route changes are not followed; xdpsec reload %s",
			    instance->far, instance->name);
}

static void warn_of_inline(struct report *report)
{
	const struct instance *instance = &report->instance;

	if (!report->egress && !instance->no_attach)
		add_warning(report, WARNING_DEVICE,
			    "not attached to TC egress of %s: packets leave in clear; xdpsec reload %s",
			    instance->device, instance->name);
	if (!report->pair_exists)
		add_warning(report, WARNING_DEVICE,
			    "the hop device %s is gone: packets with a pending checksum are dropped; run "
			    "down and up",
			    instance->near);
	report_warn_pair(report);
}

/* value: of the keyword, with the present names. */
static void warn_of_name(struct report *report, const char *keyword, const char *value, const char *recorded,
			 const char *present)
{
	if (strcmp(recorded, present) != 0)
		add_warning(report, WARNING_OTHER,
			    "%s is now called %s: %s = %s in %s, then xdpsec reload %s", recorded, present,
			    keyword, value, report->instance.path, report->instance.name);
}

static void warn_of_names(struct report *report)
{
	const struct instance *present = &report->instance, *recorded = &report->recorded;
	char text[FAST_PATH_TEXT];

	warn_of_name(report, "Device", present->device, recorded->device, present->device);
	for (unsigned int i = 0; i < present->n_fast && i < FAST_DEVICES_MAX; i++)
		warn_of_name(report, "FastPath", fast_path_text(present, text), recorded->fast[i],
			     present->fast[i]);
}

static void warn_of_devices(struct report *report)
{
	const struct instance *instance = &report->instance;

	if (!report->reachable) {
		add_warning(report, WARNING_DEVICE, "the network namespace of %s is gone, or cannot be found",
			    instance->device);
		return;
	}
	if (!report->device_here) {
		add_warning(
			report, WARNING_DEVICE,
			"the device %s was deleted, or moved to another network namespace: programs still "
			"attached to it drop the protected flows%s; run down, then up where it is now",
			instance->device,
			instance->mode == MODE_TUNNEL
				? ""
				: ", and a device that took its place passes them in clear");
		return;
	}
	warn_of_names(report);
	if (report->xdp.mode == XDP_IN_USE_NONE)
		add_warning(report, WARNING_DEVICE, "not attached to XDP of %s: nothing is opened%s%s",
			    instance->device, instance->no_attach ? "" : "; xdpsec reload ",
			    instance->no_attach ? "" : instance->name);
	if (report->xdp.mode == XDP_IN_USE_GENERIC && instance->xdp_asked != XDP_MODE_CONFIG_GENERIC)
		add_warning(report, WARNING_OTHER,
			    "generic XDP, which is slow: the driver of %s has no native XDP",
			    instance->device);
	if (instance->mode == MODE_TUNNEL)
		warn_of_tunnel(report);
	else
		warn_of_inline(report);
}

/* The answer for one driver: most peers have the same one, and /proc/crypto is long. */
struct driver_answer {
	char bound[DRIVER_LEN], preferred[DRIVER_LEN + 8];
	bool outdated;
	bool bulk; /* the module for many blocks at a time is there */
};

/* The key of a pair is in its contexts only, so there has to be another key. */
static void warn_of_agreed_driver(struct report *report, const struct peer_report *peer,
				  const struct driver_answer *answer)
{
	const struct agreed_report *agreed = &peer->agreed;

	if (!answer->bulk || !agreed->has_pair || agreed->pair.bulk)
		return;
	add_warning(report, WARNING_OTHER,
		    "%s: its key is from before the module " BULK_MODULE
		    " was loaded: the next one is by it, in two minutes or as soon as xdpsec reload %s has "
		    "it agreed on",
		    peer->record.name, report->instance.name);
}

static bool is_outdated(const char *bound, struct driver_answer *answer)
{
	if (strcmp(answer->bound, bound) != 0) {
		snprintf(answer->bound, sizeof(answer->bound), "%s", bound);
		answer->outdated = bulk_outdated(bound, answer->preferred, sizeof(answer->preferred));
	}
	return answer->outdated;
}

/* A context keeps the driver with which it was created. */
static void warn_of_driver(struct report *report, const struct peer_report *peer,
			   struct driver_answer *answer)
{
	const char *bound = peer->tx.record.driver;

	if (strcmp(peer->record.driver, "aes") != 0)
		return;
	if (peer->agreed.agreed) {
		warn_of_agreed_driver(report, peer, answer);
		return;
	}
	if (!is_outdated(bound, answer)) {
		bound = peer->rx.record.driver;
		if (!is_outdated(bound, answer))
			return;
	}
	add_warning(report, WARNING_OTHER,
		    "%s: it uses %s, since %s was loaded later: xdpsec reload %s switches to it",
		    peer->record.name, bound, answer->preferred, report->instance.name);
}

static void warn_of_way(struct report *report, const struct peer_report *peer)
{
	struct xdpsec_prefix address = prefix_of(&peer->location);
	char text[64];

	prefix_text(&address, text, sizeof(text));
	if (peer->loops)
		add_warning(report, WARNING_OTHER,
			    "%s: the route to its endpoint leads into the tunnel, so nothing is sent to it: "
			    "ip route add %s via GATEWAY dev %s",
			    peer->record.name, text, report->instance.device);
	else if (peer->no_way)
		add_warning(report, WARNING_OTHER, "%s: no route to its endpoint %s: nothing is sent to it",
			    peer->record.name, text);
}

static void warn_of_uplink(struct report *report, const struct peer_report *peer)
{
	const struct uplink_report *uplink = &peer->uplink;
	char text[64];

	if (uplink->source_gone)
		add_warning(report, WARNING_OTHER,
			    "%s: Source %s is not an address of this host: nothing is sent to it",
			    peer->record.name, address_text(uplink->source, text, sizeof(text)));
	if (uplink->other[0])
		add_warning(report, WARNING_OTHER,
			    "%s: packets to it leave by %s, and its answers arrive there and are not opened: "
			    "set Device = %s",
			    peer->record.name, uplink->other, uplink->other);
	if (uplink->changes_ports)
		add_warning(report, WARNING_OTHER,
			    "%s: its source port changes with each flow, and its endpoint with it (now %u): "
			    "set SourcePort = listen there, or Endpoint or Roaming = no here",
			    peer->record.name, peer->location.port);
}

static bool carries_ipv6(const struct peer_report *peer)
{
	for (size_t i = 0; i < peer->n_prefixes; i++)
		if (!prefix_is_ipv4(&peer->prefixes[i].prefix))
			return true;
	return false;
}

/* Packets up to 1280 bytes are sent nevertheless (tc/encapsulate.bpf.c). A narrower Device has its own warning. */
static void warn_of_path(struct report *report, const struct peer_report *peer)
{
	if (!peer->inner_mtu || peer->inner_mtu >= XDPSEC_IPV6_MTU_MIN || !carries_ipv6(peer) ||
	    peer->outer_mtu == report->device_mtu)
		return;
	add_warning(report, WARNING_OTHER,
		    "%s: %s a path MTU of %u: IPv6 packets longer than %u in the tunnel may be lost, but "
		    "1280 must fit",
		    peer->record.name,
		    peer->route.mtu_counts && peer->route.mtu == peer->outer_mtu
			    ? "the route to its endpoint has"
			    : "a router reported",
		    peer->outer_mtu, peer->inner_mtu);
}

/* An MTU of the route that the kernel does not count for forwarded packets, and so not for ours. */
static void warn_of_route_mtu(struct report *report, const struct peer_report *peer)
{
	struct xdpsec_prefix address = prefix_of(&peer->location);
	unsigned int overhead = prefix_is_ipv4(&address) ? XDPSEC_TUNNEL_OVERHEAD_IPV4
							 : XDPSEC_TUNNEL_OVERHEAD_IPV6;

	if (!peer->route.mtu || peer->route.mtu_counts || peer->route.mtu >= report->device_mtu ||
	    peer->route.mtu >= report->config.mtu + overhead)
		return;
	add_warning(report, WARNING_OTHER,
		    "%s: the route to its endpoint has MTU %u, which is not locked and does not count: `mtu "
		    "lock %u` in that route, or MTU = %u in %s",
		    peer->record.name, peer->route.mtu, peer->route.mtu,
		    peer->route.mtu > overhead ? peer->route.mtu - overhead : 0, report->instance.path);
}

static void warn_of_tunnel_path(struct report *report, const struct peer_report *peer)
{
	warn_of_path(report, peer);
	warn_of_route_mtu(report, peer);
}

static void warn_of_peer(struct report *report, const struct peer_report *peer, struct driver_answer *answer)
{
	double used = report_range_used(&peer->tx);

	/* An agreed key is replaced long before that. */
	if (used > 90 && !peer->agreed.agreed)
		add_warning(report, WARNING_OTHER,
			    "%s: %.0f %% of the reserved sequence numbers are used: xdpsec reload %s "
			    "reserves more",
			    peer->record.name, used, report->instance.name);
	/* Full blocks; in addition each packet has one for the pad and one for the tag. */
	if (!peer->agreed.agreed && peer->tx.bytes / 16 + 2 * peer->tx.packets > KEY_BLOCKS / 10 * 9)
		add_warning(report, WARNING_OTHER,
			    "%s: the Tx key has encrypted almost 2^48 blocks: change it (RFC 7253 section 5)",
			    peer->record.name);
	warn_of_driver(report, peer, answer);
	warn_of_way(report, peer);
	warn_of_uplink(report, peer);
	if (report->instance.mode == MODE_TUNNEL)
		warn_of_tunnel_path(report, peer);
}

void report_warn(struct report *report)
{
	struct driver_answer answer = { .bulk = bulk_state(NULL) == BULK_USABLE };

	warn_of_devices(report);
	if (report->reachable)
		report_warn_fast(report);
	if (report->unfinished)
		add_warning(report, WARNING_OTHER,
			    "a reload was killed: SAs that are not shown may be in use; xdpsec reload %s",
			    report->instance.name);
	for (size_t i = 0; i < report->n_peers; i++)
		warn_of_peer(report, &report->peers[i], &answer);
	report_warn_agreement(report);
}
