// SPDX-License-Identifier: GPL-2.0-or-later
/* The way of a tunnel's packets: source address, device, and possible faults of these. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command/report.h"
#include "device/rule.h"
#include "device/uplink.h"

/* Seconds for which a change of ports is worth a warning. */
#define PORTS_CHANGED 60

static __u64 now_ns(void)
{
	struct timespec now;

	return clock_gettime(CLOCK_MONOTONIC, &now) ? 0 : (__u64)now.tv_sec * 1000000000 + (__u64)now.tv_nsec;
}

/* The source address that the data plane uses (tc/next_hop.bpf.h): the one that belongs to the endpoint,
 * if it is usable; else that of the last packet. */
static void read_source(struct peer_report *peer)
{
	const struct xdpsec_endpoint *endpoint = &peer->endpoint;
	const struct xdpsec_source *from = &endpoint->from[!!endpoint->current];
	bool learned = from->local == XDPSEC_LOCAL_FIXED ||
		       (from->local != XDPSEC_LOCAL_NONE && (!endpoint->checked || endpoint->usable));

	if (!peer->location.known || (!learned && !endpoint->device))
		return;
	memcpy(peer->uplink.source, learned ? from->address : endpoint->source, sizeof(peer->uplink.source));
	peer->uplink.has_source = true;
}

/* The last answers: many peers have the same. */
struct answers {
	unsigned int device; /* the last one looked up */
	char other[IF_NAMESIZE];
	unsigned char source[16];
	bool gone;
};

static void report_route_device(const struct report *report, struct uplink_report *uplink,
				unsigned int device, struct answers *last)
{
	if (!device)
		return;
	if (device != last->device) {
		last->device = device;
		if (device_carries(report->instance.device_index, device) ||
		    !if_indextoname(device, last->other))
			last->other[0] = '\0';
	}
	memcpy(uplink->other, last->other, sizeof(uplink->other));
}

static void report_source(const struct report *report, struct peer_report *peer, struct answers *last)
{
	struct uplink_report *uplink = &peer->uplink;

	if (peer->endpoint.from[!!peer->endpoint.current].local != XDPSEC_LOCAL_FIXED)
		return;
	if (memcmp(last->source, uplink->source, sizeof(last->source)) != 0) {
		memcpy(last->source, uplink->source, sizeof(last->source));
		last->gone = !address_is_here(last->source, report->vrf);
	}
	uplink->source_gone = last->gone;
}

static bool has_default(const struct report *report, bool ipv6)
{
	for (const struct peer_report *peer = report->peers; peer < report->peers + report->n_peers; peer++)
		for (size_t i = 0; i < peer->n_prefixes; i++)
			if (prefix_is_default(&peer->prefixes[i].prefix) &&
			    prefix_is_ipv4(&peer->prefixes[i].prefix) != ipv6)
				return true;
	return false;
}

static bool rules_gone(const struct report *report, bool ipv6)
{
	return report->instance.table && has_default(report, ipv6) &&
	       !rules_are_there(report->instance.table, report->config.mark, ipv6);
}

void report_read_uplinks(struct report *report)
{
	struct answers last = {};

	report->rules_gone = rules_gone(report, false) || rules_gone(report, true);
	for (struct peer_report *peer = report->peers; peer < report->peers + report->n_peers; peer++) {
		const struct xdpsec_endpoint *endpoint = &peer->endpoint;

		read_source(peer);
		if (!peer->uplink.has_source)
			continue;
		report_source(report, peer, &last);
		report_route_device(report, &peer->uplink, endpoint->device, &last);
		peer->uplink.changes_ports = endpoint->hopped &&
					     now_ns() - endpoint->hopped < PORTS_CHANGED * 1000000000ULL;
	}
}
