// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading an instance and its peers for `status`. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/message.h"
#include "base/similar.h"
#include "command/report.h"
#include "device/present_name.h"
#include "device/tunnel.h"
#include "net/namespace.h"
#include "net/netlink.h"
#include "net/sysctl.h"
#include "plane/attach.h"
#include "plane/devices.h"
#include "plane/fork.h"
#include "plane/held.h"
#include "plane/peer.h"
#include "plane/plane.h"
#include "plane/self.h"
#include "plane/state.h"

/* Seconds; the interval for NAT. */
#define KEEPALIVE_USUAL 25

const char *report_drop_name(int reason)
{
	static const char *const names[XDPSEC_DROP_COUNT] = {
#define REASON(id, name, text) [XDPSEC_DROP_##id] = name,
		XDPSEC_DROP_REASONS(REASON)
#undef REASON
	};

	return names[reason];
}

__u64 report_peer_drops(const struct peer_report *peer, int reason)
{
	return peer->tx.drops[reason] + peer->rx.drops[reason];
}

const char *xdp_text(enum xdp_in_use xdp)
{
	static const char *const names[] = {
		[XDP_IN_USE_NONE] = "none",
		[XDP_IN_USE_NATIVE] = "native",
		[XDP_IN_USE_GENERIC] = "generic",
	};

	return names[xdp];
}

const char *peer_state_text(enum peer_state state)
{
	static const char *const names[] = {
		[PEER_NEVER] = "never",
		[PEER_ALIVE] = "alive",
		[PEER_SILENT] = "silent",
	};

	return names[state];
}

void report_free(struct report *report)
{
	for (size_t i = 0; i < report->n_peers; i++)
		free(report->peers[i].prefixes);
	for (size_t i = 0; i < report->n_warnings; i++)
		free(report->warnings[i].text);
	for (size_t i = 0; i < ARRAY_SIZE(report->fast.faults); i++)
		free(report->fast.faults[i]);
	sharers_free(&report->sharers);
	free(report->agent);
	free(report->peers);
	free(report->warnings);
	memset(report, 0, sizeof(*report));
}

double report_range_used(const struct sa_report *tx)
{
	__u64 left = tx->next < tx->record.limit ? tx->record.limit - tx->next : 0;

	return left >= STATE_RANGE ? 0 : 100 - 100.0 * (double)left / (double)STATE_RANGE;
}

/* The data plane uses CLOCK_MONOTONIC. */
static __u64 since_epoch(__u64 monotonic_ns)
{
	struct timespec now;

	if (!monotonic_ns || clock_gettime(CLOCK_MONOTONIC, &now))
		return 0;
	return (__u64)time(NULL) - ((__u64)now.tv_sec - monotonic_ns / 1000000000);
}

static __u64 monotonic(void)
{
	struct timespec now;

	return clock_gettime(CLOCK_MONOTONIC, &now) ? 0 : (__u64)now.tv_sec * 1000000000 + (__u64)now.tv_nsec;
}

static int read_counters(const struct plane *plane, struct sa_report *sa, int cpus)
{
	_cleanup_free_ struct xdpsec_counters *counters = calloc((size_t)cpus, sizeof(*counters));
	__u32 index = XDPSEC_COUNTERS(sa->record.slot);
	__u64 last = 0;
	int err;

	if (!counters)
		return fail(ENOMEM, "out of memory");
	err = plane_read(plane, MAP_SA_COUNTERS, &index, counters);
	for (int cpu = 0; !err && cpu < cpus; cpu++) {
		sa->packets += counters[cpu].packets;
		sa->bytes += counters[cpu].bytes;
		if (counters[cpu].last_seen > last)
			last = counters[cpu].last_seen;
		for (int i = 0; i < XDPSEC_DROP_COUNT; i++)
			sa->drops[i] += counters[cpu].drops[i];
	}
	sa->last_seen = since_epoch(last);
	return err;
}

/* Three times the interval in which the peer should be heard. It need not answer. But with keepalives at
 * both ends it is heard, and with traffic it usually is. */
static enum peer_state peer_state(const struct peer_report *peer)
{
	__u64 patience = 3 * (peer->record.keepalive > KEEPALIVE_USUAL ? peer->record.keepalive
								       : KEEPALIVE_USUAL),
	      sent = since_epoch(peer->endpoint.sent), heard = peer->rx.last_seen;

	if (!heard)
		return PEER_NEVER;
	return sent > heard && (__u64)time(NULL) > heard + patience ? PEER_SILENT : PEER_ALIVE;
}

static int read_peer(const struct plane *plane, struct peer_report *peer, __u32 index, int cpus)
{
	struct xdpsec_sequence sequence;
	struct xdpsec_replay replay;
	int err;

	peer->tx.record = peer->record.tx;
	peer->rx.record = peer->record.rx[0];
	peer->second = peer->record.rx[1];
	if (peer_is_agreed(&peer->record)) {
		err = report_read_agreed(plane, peer, index);
		if (err)
			return err;
	}
	err = plane_read(plane, MAP_SEQUENCES, &peer->tx.record.slot, &sequence);
	if (!err)
		err = plane_read(plane, MAP_REPLAY_WINDOWS, &peer->rx.record.slot, &replay);
	if (!err)
		err = read_counters(plane, &peer->tx, cpus);
	if (!err)
		err = read_counters(plane, &peer->rx, cpus);
	if (!err)
		err = plane_read(plane, MAP_ENDPOINTS, &index, &peer->endpoint);
	if (err)
		return err;
	peer->location = peer->endpoint.at[!!peer->endpoint.current];
	peer->state = peer_state(peer);
	/* `next` also advances for packets dropped as sequence_exhausted; never show more than `limit`. */
	peer->tx.next = sequence.next < sequence.limit ? sequence.next : sequence.limit;
	peer->tx.record.limit = sequence.limit;
	peer->rx.next = replay.next;
	return 0;
}

/* While another command runs, unfinished work is normal. */
static int find_unfinished(struct report *report, const struct plane *plane,
			   const struct peer_record *records)
{
	struct held held;
	int err = held_read(&held, plane);

	report->unfinished = !err && held_differs(&held, records) && !plane_busy();
	held_free(&held);
	return err;
}

/* Otherwise a reload is creating this peer, or was killed while doing so. */
static bool is_complete(const struct peer_record *record)
{
	return record->in_use && (peer_is_agreed(record) ||
				  (record->tx.slot < XDPSEC_MAX_SAS && record->rx[0].slot < XDPSEC_MAX_SAS));
}

/* index[i] is one more than the position of peer i in the report. */
static int read_peers(struct report *report, const struct plane *plane, size_t index[XDPSEC_MAX_PEERS])
{
	_cleanup_free_ struct peer_record *records = calloc(XDPSEC_MAX_PEERS, sizeof(*records));
	struct peer_report *peers = calloc(XDPSEC_MAX_PEERS, sizeof(*peers));
	int cpus = libbpf_num_possible_cpus(), err;

	report->peers = peers;
	if (!peers || !records)
		return fail(ENOMEM, "out of memory");
	if (cpus < 0)
		return fail(-cpus, "cannot count the CPUs: %s", strerror(-cpus));
	err = plane_read_all(plane, MAP_PEER_RECORDS, records);
	for (__u32 i = 0; !err && i < XDPSEC_MAX_PEERS; i++) {
		if (!is_complete(&records[i]))
			continue;
		report->agrees |= peer_is_agreed(&records[i]);
		peers[report->n_peers].record = records[i];
		err = read_peer(plane, &peers[report->n_peers], i, cpus);
		index[i] = ++report->n_peers;
	}
	return err ?: find_unfinished(report, plane, records);
}

static int add_reported_prefix(struct peer_report *peer, const struct xdpsec_prefix *prefix,
			       const struct xdpsec_policy *policy)
{
	struct protected_prefix *prefixes = realloc(peer->prefixes,
						    (peer->n_prefixes + 1) * sizeof(*prefixes));

	if (!prefixes)
		return fail(ENOMEM, "out of memory");
	peer->prefixes = prefixes;
	prefixes += peer->n_prefixes++;
	prefixes->prefix = *prefix;
	prefixes->n_ports = policy->ranges;
	memcpy(prefixes->ports, policy->ports, sizeof(prefixes->ports));
	return 0;
}

static int read_prefixes(struct report *report, const struct plane *plane, const size_t *index)
{
	struct xdpsec_prefix prefix, *previous = NULL, last;
	struct xdpsec_policy policy;
	int fd = plane->maps[MAP_POLICIES], err = 0;

	while (!err && bpf_map_get_next_key(fd, previous, &prefix) == 0) {
		last = prefix;
		previous = &last;
		if (bpf_map_lookup_elem(fd, &prefix, &policy) || policy.peer >= XDPSEC_MAX_PEERS ||
		    !index[policy.peer] || policy.ranges > XDPSEC_MAX_PORT_RANGES)
			continue;
		err = add_reported_prefix(&report->peers[index[policy.peer] - 1], &prefix, &policy);
	}
	return err;
}

/* Read data that is visible only in the instance's own namespace. */
static int read_devices(struct report *report, const struct plane *plane)
{
	const struct instance *instance = &report->instance;
	struct namespace here;
	bool is_tunnel = instance->mode == MODE_TUNNEL;
	struct netdev device;
	int back = -1, err = namespace_here(&here);
	unsigned int index;

	if (err)
		return err;
	if (attached_tcx(plane, is_tunnel ? PROGRAM_ENCAPSULATE : PROGRAM_SEAL, &index) == 0)
		report->egress = index == (is_tunnel ? instance->far_index : instance->device_index);
	report->fork_watched = fork_is_watched(plane);
	if (here.cookie != instance->netns_cookie &&
	    namespace_enter(instance->netns_inode, instance->netns_cookie, &back))
		return 0;
	report->reachable = true;
	report->xdp = attached_xdp(plane, instance->device_index);
	err = sharers_find(&report->sharers, instance->device_index);
	report->device_here = devices_get(plane, XDPSEC_DEVICE_PROTECTED) == instance->device_index;
	report_read_near(report, plane);
	if (netdev_find_index(instance->device_index, &device) == 0)
		report->device_mtu = device.mtu;
	report->recorded = report->instance;
	present_names(plane, &report->instance);
	report->forwards = tunnel_forwards(instance->far);
	if (is_tunnel) {
		report_read_uplinks(report);
		report_read_tunnel(report);
		if (!err)
			err = report_read_fast(report, plane);
	}
	namespace_leave(&back);
	return err;
}

/* Find the largest packets that fit the path to the peer's current location. */
static void measure_path(const struct report *report, struct peer_report *peer)
{
	const struct xdpsec_endpoint *endpoint = &peer->endpoint;
	struct xdpsec_prefix address = prefix_of(&peer->location);
	unsigned int overhead = prefix_is_ipv4(&address) ? XDPSEC_TUNNEL_OVERHEAD_IPV4
							 : XDPSEC_TUNNEL_OVERHEAD_IPV6;

	if (!peer->location.known || report->device_mtu <= overhead)
		return;
	peer->outer_mtu = report->device_mtu;
	if (endpoint->path_mtu > overhead && endpoint->path_mtu < peer->outer_mtu &&
	    monotonic() < endpoint->path_mtu_until)
		peer->outer_mtu = endpoint->path_mtu;
	if (peer->route.mtu_counts && peer->route.mtu > overhead && peer->route.mtu < peer->outer_mtu)
		peer->outer_mtu = peer->route.mtu;
	peer->inner_mtu = peer->outer_mtu - overhead;
	if (peer->inner_mtu > report->config.mtu)
		peer->inner_mtu = report->config.mtu;
}

static bool leaves_driver_to_kernel(const struct report *report)
{
	for (size_t i = 0; i < report->n_peers; i++)
		if (strcmp(report->peers[i].record.driver, "aes") == 0)
			return true;
	return false;
}

int report_read(struct report *report, const char *name)
{
	size_t index[XDPSEC_MAX_PEERS] = {};
	_cleanup_plane_ struct plane plane;
	__u32 zero = 0;
	int err;

	memset(report, 0, sizeof(*report));
	plane_init(&plane);
	err = plane_open(&plane, name, false);
	if (!err)
		err = plane_read_instance(&plane, &report->instance);
	if (!err)
		err = plane_read(&plane, MAP_CONFIG, &zero, &report->config);
	if (!err)
		err = read_peers(report, &plane, index);
	if (!err && report->agrees)
		report_read_agent(report, &plane, index);
	if (!err)
		err = read_prefixes(report, &plane, index);
	if (!err)
		err = plane_read_drops(&plane, report->drops);
	if (!err)
		err = read_devices(report, &plane);
	if (err)
		return err;
	for (size_t i = 0; i < report->n_peers; i++)
		measure_path(report, &report->peers[i]);
	report_warn(report);
	if (leaves_driver_to_kernel(report))
		report->n_advice = advice_find(name, report->advice);
	return 0;
}

int report_find_peer(const struct report *report, const char *name, const struct peer_report **peer)
{
	const char *names[XDPSEC_MAX_PEERS], *meant;

	for (size_t i = 0; i < report->n_peers; i++) {
		names[i] = report->peers[i].record.name;
		if (strcmp(names[i], name) != 0)
			continue;
		*peer = &report->peers[i];
		return 0;
	}
	meant = did_you_mean(name, names, report->n_peers);
	fail(ENOENT, "%s: has no peer %s", report->instance.name, name);
	if (meant)
		hint("did you mean %s?", meant);
	else
		hint("`%s status %s` lists them", self(), report->instance.name);
	return -ENOENT;
}
