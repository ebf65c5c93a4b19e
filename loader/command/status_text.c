// SPDX-License-Identifier: GPL-2.0-or-later
/* The text output of `status` for an instance. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/program_version.h"
#include "command/status.h"
#include "plane/plane.h"

const char *bytes_text(__u64 bytes, char *text, size_t size)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < ARRAY_SIZE(units)) {
		value /= 1024;
		unit++;
	}
	snprintf(text, size, unit ? "%.2f %s" : "%.0f %s", value, units[unit]);
	return text;
}

const char *seconds_ago_text(__u64 seconds, char *text, size_t size)
{
	if (seconds < 120)
		snprintf(text, size, "%llu s ago", seconds);
	else if (seconds < 7200)
		snprintf(text, size, "%llu min ago", seconds / 60);
	else if (seconds < 2 * 86400)
		snprintf(text, size, "%llu h ago", seconds / 3600);
	else
		snprintf(text, size, "%llu days ago", seconds / 86400);
	return text;
}

const char *ago_text(__u64 since_epoch, char *text, size_t size)
{
	__u64 now = (__u64)time(NULL);

	if (since_epoch)
		return seconds_ago_text(now > since_epoch ? now - since_epoch : 0, text, size);
	snprintf(text, size, "never");
	return text;
}

static void print_sa(const char *direction, const struct sa_report *sa)
{
	char bytes[32], ago[32], spi[32] = "no SA";

	if (sa->record.spi)
		snprintf(spi, sizeof(spi), "SPI 0x%08x", sa->record.spi);
	printf("  %s: %s, %llu packets, %s, last %s\n", direction, spi, sa->packets,
	       bytes_text(sa->bytes, bytes, sizeof(bytes)), ago_text(sa->last_seen, ago, sizeof(ago)));
}

/* Counters of zero are not printed. */
static void print_drops(const char *indent, const struct report *report, const struct peer_report *peer)
{
	const char *separator = "";
	bool any = false;

	for (int i = 0; i < XDPSEC_DROP_COUNT; i++) {
		__u64 count = peer ? report_peer_drops(peer, i) : report->drops[i];

		if (!count)
			continue;
		printf("%s%s%s %llu", any ? "" : indent, any ? separator : "dropped: ", report_drop_name(i),
		       count);
		separator = ", ";
		any = true;
	}
	if (any)
		putchar('\n');
}

static void print_protected(const struct peer_report *peer)
{
	char prefix[64], ports[256];

	for (size_t i = 0; i < peer->n_prefixes; i++)
		printf("  %s %s, UDP ports %s\n", i ? "         " : "protects:",
		       prefix_text(&peer->prefixes[i].prefix, prefix, sizeof(prefix)),
		       ports_text(peer->prefixes[i].ports, peer->prefixes[i].n_ports, ports, sizeof(ports)));
}

static void print_endpoint(const struct peer_report *peer)
{
	char text[64];

	printf("  endpoint: %s, %s%s\n",
	       peer->location.known ? location_text(&peer->location, text, sizeof(text)) : "not known yet",
	       peer->state == PEER_NEVER ? "no packet received yet" : peer_state_text(peer->state),
	       peer->endpoint.roams ? ", roaming" : "");
	if (peer->uplink.has_source)
		printf("  local: %s\n", address_text(peer->uplink.source, text, sizeof(text)));
	if (peer->endpoint.moves)
		printf("      moved %u time%s\n", peer->endpoint.moves, peer->endpoint.moves == 1 ? "" : "s");
	for (size_t i = 0; i < peer->n_prefixes; i++)
		printf("  %s %s\n", i ? "            " : "allowed IPs:",
		       prefix_text(&peer->prefixes[i].prefix, text, sizeof(text)));
	if (peer->endpoint.keepalive)
		printf("  keepalive: every %u s\n", peer->endpoint.keepalive);
	if (peer->outer_mtu)
		printf("  path MTU: %u, inside the tunnel %u\n", peer->outer_mtu, peer->inner_mtu);
}

static void print_manual_keys(const struct peer_report *peer)
{
	printf("  cipher: %s by %s\n", peer->record.cipher, peer->tx.record.driver);
	print_sa("tx", &peer->tx);
	printf("      sequence %llu, limit %llu (%.1f %% of the reserved range used)\n", peer->tx.next,
	       peer->tx.record.limit, report_range_used(&peer->tx));
}

static void print_agreed_keys(const struct peer_report *peer)
{
	agreement_print_peer(peer);
	print_sa("tx", &peer->tx);
	if (peer->agreed.has_pair)
		printf("      sequence %llu\n", peer->tx.next);
}

static void print_peer(const struct report *report, const struct peer_report *peer)
{
	printf("\npeer: %s\n", peer->record.name);
	if (report->instance.mode == MODE_TUNNEL)
		print_endpoint(peer);
	else
		print_protected(peer);
	if (peer->agreed.agreed)
		print_agreed_keys(peer);
	else
		print_manual_keys(peer);
	if (report->instance.mode == MODE_INLINE)
		printf("  binds: %s\n", binding_text(peer->record.binding));
	print_sa("rx", &peer->rx);
	if (peer->rx.next)
		printf("      highest sequence %llu\n", peer->rx.next - 1);
	if (peer->second.slot != XDPSEC_NO_SA)
		printf("      and by SPI 0x%08x, a second one\n", peer->second.spi);
	print_drops("  ", report, peer);
}

static const char *attachment_text(const struct report *report, char *text, size_t size)
{
	const struct xdp_attachment *xdp = &report->xdp;

	if (!report->reachable)
		snprintf(text, size, "unknown");
	else if (!xdp->dispatcher)
		snprintf(text, size, "%s", xdp_text(xdp->mode));
	else if (!xdp->others)
		snprintf(text, size, "%s (libxdp's dispatcher, no other program)", xdp_text(xdp->mode));
	else
		snprintf(text, size, "%s, shared (libxdp's dispatcher, %d other program%s)",
			 xdp_text(xdp->mode), xdp->others, xdp->others == 1 ? "" : "s");
	return text;
}

static void print_tunnel_device(const struct report *report)
{
	const struct netdev *near = &report->near;

	printf("  tunnel device: %s%s, MTU %u, UDP port %u\n",
	       near->index ? near->name : report->instance.near,
	       report->near_elsewhere ? " (in another network namespace)" : "",
	       near->index ? near->mtu : report->config.mtu, report->config.listen_port);
}

static void print_fast(const struct report *report)
{
	const struct instance *instance = &report->instance;

	if (!instance->n_fast)
		return;
	printf("  fast path:");
	for (unsigned int i = 0; i < instance->n_fast && i < FAST_DEVICES_MAX; i++)
		printf("%s %s", i ? "," : "", instance->fast[i]);
	printf(", %s; %llu packets out, %llu in\n",
	       instance->fast_no_firewall ? "all flows" : "flows of the flowtable",
	       report->fast.packets[XDPSEC_FAST_OUT], report->fast.packets[XDPSEC_FAST_IN]);
}

/* An upgrade changes a running instance only by down and up. */
static void print_version(const char *version)
{
	bool is_this = strcmp(version, program_version()) == 0;

	printf("  version: %s%s%s%s\n", version[0] ? version : "not recorded",
	       is_this ? "" : ", but xdpsec is now ", is_this ? "" : program_version(),
	       is_this ? "" : ": run down and up to use it");
}

void fault_print(const struct fault *fault, size_t place)
{
	printf("%sinstance: %s\n", place ? "\n" : "", fault->name);
	if (fault->has_head) {
		print_version(fault->head.version);
		printf("  map version: %u, but xdpsec needs %d\n", fault->head.abi_version,
		       XDPSEC_ABI_VERSION);
	}
	printf("  error: %s\n", fault->error);
	if (fault->hint[0])
		printf("  hint: %s\n", fault->hint);
}

static void print_shared(const struct report *report)
{
	const struct sharer *sharer = NULL;
	const char *separator = "  the device is shared with: ";

	while ((sharer = sharers_next(&report->sharers, report->instance.name, sharer))) {
		printf("%s%s", separator, sharer->instance.name);
		separator = ", ";
	}
	if (separator[0] == ',')
		putchar('\n');
}

static void print_instance(const struct report *report)
{
	const struct instance *instance = &report->instance;
	char xdp[128];

	print_version(instance->version);
	printf("  config: %s\n", instance->path);
	printf("  device: %s, mode %s, XDP %s%s\n", instance->device, mode_text(instance->mode),
	       attachment_text(report, xdp, sizeof(xdp)), instance->no_attach ? ", attached by hand" : "");
	print_shared(report);
	if (instance->mode == MODE_TUNNEL)
		print_tunnel_device(report);
	else if (report->pair_exists)
		printf("  hop device: %s, %s, %llu packets, %llu dropped\n", instance->near,
		       report->near.kind, report->near.tx_packets, report->near.tx_dropped);
	print_fast(report);
	if (report->agrees)
		agreement_print(report);
	print_drops("  ", report, NULL);
}

void report_print(const struct report *report, size_t place, enum view view, const struct peer_report *peer)
{
	printf("%sinstance: %s\n", place ? "\n" : "", report->instance.name);
	if (view != VIEW_PEER)
		print_instance(report);
	for (size_t i = 0; i < report->n_warnings; i++)
		printf("  warning: %s\n", report->warnings[i].text);
	for (size_t i = 0; i < report->n_advice; i++)
		printf("  warning: %s; %s\n", report->advice[i].text, report->advice[i].hint);
	if (view == VIEW_PEER)
		print_peer(report, peer);
	else if (view == VIEW_DEFAULT && report->n_peers >= STATUS_TABLE_FROM)
		peers_print_table(report);
	else
		for (size_t i = 0; i < report->n_peers; i++)
			print_peer(report, &report->peers[i]);
}
