// SPDX-License-Identifier: GPL-2.0-or-later
/* xdpsec status: what instances there are, and what they have done. */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "kernel.h"
#include "message.h"
#include "plane.h"
#include "report.h"

static const struct {
	const char *name;
} reasons[XDPSEC_DROP_COUNT] = {
#define REASON(id, name, text) [XDPSEC_DROP_##id] = { name },
	XDPSEC_DROP_REASONS(REASON)
#undef REASON
};

static const char *const xdp_names[] = {
	[XDP_IN_USE_NONE] = "none",
	[XDP_IN_USE_NATIVE] = "native",
	[XDP_IN_USE_GENERIC] = "generic",
};

/* A peer's packets are lost on either of its SAs. */
static __u64 peer_drops(const struct peer_report *peer, int reason)
{
	return peer->tx.drops[reason] + peer->rx.drops[reason];
}

static void add_number(struct json_object *object, const char *name, __u64 number)
{
	json_object_object_add(object, name, json_object_new_uint64(number));
}

static void add_text(struct json_object *object, const char *name, const char *text)
{
	json_object_object_add(object, name, json_object_new_string(text));
}

static struct json_object *sa_json(const struct sa_report *sa, bool sends)
{
	struct json_object *object = json_object_new_object();

	add_number(object, "spi", sa->record.spi);
	add_number(object, "packets", sa->packets);
	add_number(object, "bytes", sa->bytes);
	if (sends) {
		add_number(object, "sequence", sa->next);
		add_number(object, "limit", sa->record.limit);
	} else {
		add_number(object, "highest_sequence", sa->next ? sa->next - 1 : 0);
	}
	json_object_object_add(object, "last_seen",
			       sa->last_seen ? json_object_new_uint64(sa->last_seen) : NULL);
	add_text(object, "driver", sa->record.driver);
	add_text(object, "key", sa->record.fingerprint);
	return object;
}

static struct json_object *drops_json(const struct report *report, const struct peer_report *peer)
{
	struct json_object *object = json_object_new_object();

	for (int i = 0; i < XDPSEC_DROP_COUNT; i++)
		add_number(object, reasons[i].name, peer ? peer_drops(peer, i) : report->drops[i]);
	return object;
}

static struct json_object *prefixes_json(const struct peer_report *peer)
{
	struct json_object *array = json_object_new_array(), *object;
	char text[512];

	for (size_t i = 0; i < peer->n_prefixes; i++) {
		const struct protected_prefix *prefix = &peer->prefixes[i];

		object = json_object_new_object();
		add_text(object, "prefix", prefix_text(&prefix->prefix, text, sizeof(text)));
		add_text(object, "ports", ports_text(prefix->ports, prefix->n_ports, text, sizeof(text)));
		json_object_array_add(array, object);
	}
	return array;
}

static const char *const state_names[] = {
	[PEER_NEVER] = "never",
	[PEER_ALIVE] = "alive",
	[PEER_SILENT] = "silent",
};

static struct json_object *allowed_json(const struct peer_report *peer)
{
	struct json_object *array = json_object_new_array();
	char text[64];

	for (size_t i = 0; i < peer->n_prefixes; i++)
		json_object_array_add(array, json_object_new_string(prefix_text(&peer->prefixes[i].prefix,
										text, sizeof(text))));
	return array;
}

static void add_known(struct json_object *object, const char *name, unsigned int number)
{
	json_object_object_add(object, name, number ? json_object_new_uint64(number) : NULL);
}

static void add_tunnel(struct json_object *object, const struct peer_report *peer)
{
	char text[64];

	json_object_object_add(object, "endpoint",
			       peer->location.known ? json_object_new_string(location_text(
							      &peer->location, text, sizeof(text)))
						    : NULL);
	json_object_object_add(object, "allowed_ips", allowed_json(peer));
	add_text(object, "state", state_names[peer->state]);
	json_object_object_add(object, "roaming", json_object_new_boolean(peer->endpoint.roams));
	add_number(object, "moves", peer->endpoint.moves);
	add_number(object, "keepalive", peer->endpoint.keepalive);
	add_known(object, "path_mtu", peer->inner_mtu);
	add_known(object, "outer_path_mtu", peer->outer_mtu);
}

static struct json_object *peer_json(const struct report *report, const struct peer_report *peer)
{
	struct json_object *object = json_object_new_object();

	add_text(object, "name", peer->record.name);
	add_text(object, "cipher", peer->record.cipher);
	if (report->instance.mode == MODE_TUNNEL)
		add_tunnel(object, peer);
	else
		json_object_object_add(object, "protects", prefixes_json(peer));
	json_object_object_add(object, "tx", sa_json(&peer->tx, true));
	json_object_object_add(object, "rx", sa_json(&peer->rx, false));
	json_object_object_add(object, "drops", drops_json(report, peer));
	return object;
}

static struct json_object *hop_json(const struct report *report)
{
	struct json_object *object = json_object_new_object();

	add_text(object, "device", report->instance.hop_near);
	add_number(object, "tx_packets", report->hop_packets);
	add_number(object, "tx_dropped", report->hop_dropped);
	return object;
}

static const char *dscp_text(const struct xdpsec_config *config, char *text, size_t size)
{
	if (config->dscp_fixed)
		snprintf(text, size, "%u", config->dscp);
	else
		snprintf(text, size, "uniform");
	return text;
}

static struct json_object *tunnel_json(const struct report *report)
{
	struct json_object *object = json_object_new_object(), *addresses = json_object_new_array();
	const struct instance *instance = &report->instance;
	char text[64];

	add_text(object, "device", instance->hop_near);
	for (unsigned int i = 0; i < instance->n_addresses; i++)
		json_object_array_add(addresses, json_object_new_string(prefix_text(&instance->addresses[i],
										    text, sizeof(text))));
	json_object_object_add(object, "addresses", addresses);
	add_number(object, "mtu", report->config.mtu);
	add_number(object, "listen_port", report->config.listen_port);
	add_text(object, "source_port", report->config.flow_ports ? "flow" : "listen");
	add_text(object, "dscp", dscp_text(&report->config, text, sizeof(text)));
	return object;
}

static struct json_object *report_json(const struct report *report)
{
	struct json_object *object = json_object_new_object(), *peers = json_object_new_array(),
			   *warnings = json_object_new_array();
	bool ingress = report->xdp.mode != XDP_IN_USE_NONE;

	add_text(object, "name", report->instance.name);
	add_text(object, "device", report->instance.device);
	add_text(object, "mode", mode_text(report->instance.mode));
	add_text(object, "xdp", xdp_names[report->xdp.mode]);
	json_object_object_add(object, "xdp_dispatcher", json_object_new_boolean(report->xdp.dispatcher));
	json_object_object_add(object, "xdp_others", json_object_new_int(report->xdp.others));
	add_text(object, "config", report->instance.path);
	add_number(object, "started", report->instance.started);
	/* With --no-attach, who knows of egress is who attached it. */
	json_object_object_add(
		object, "attached",
		json_object_new_boolean(ingress && (report->egress || report->instance.no_attach)));
	json_object_object_add(object, "by_hand", json_object_new_boolean(report->instance.no_attach));
	if (report->instance.mode == MODE_TUNNEL)
		json_object_object_add(object, "tunnel", tunnel_json(report));
	else
		json_object_object_add(object, "hop", report->hop_exists ? hop_json(report) : NULL);
	for (size_t i = 0; i < report->n_peers; i++)
		json_object_array_add(peers, peer_json(report, &report->peers[i]));
	json_object_object_add(object, "peers", peers);
	json_object_object_add(object, "drops", drops_json(report, NULL));
	for (size_t i = 0; i < report->n_warnings; i++)
		json_object_array_add(warnings, json_object_new_string(report->warnings[i]));
	json_object_object_add(object, "warnings", warnings);
	return object;
}

static const char *bytes_text(__u64 bytes, char *text, size_t size)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		unit++;
	}
	snprintf(text, size, unit ? "%.2f %s" : "%.0f %s", value, units[unit]);
	return text;
}

static const char *ago_text(__u64 since_epoch, char *text, size_t size)
{
	__u64 now = (__u64)time(NULL), seconds = now > since_epoch ? now - since_epoch : 0;

	if (!since_epoch)
		snprintf(text, size, "never");
	else if (seconds < 120)
		snprintf(text, size, "%llu s ago", seconds);
	else if (seconds < 7200)
		snprintf(text, size, "%llu min ago", seconds / 60);
	else if (seconds < 2 * 86400)
		snprintf(text, size, "%llu h ago", seconds / 3600);
	else
		snprintf(text, size, "%llu days ago", seconds / 86400);
	return text;
}

static void print_sa(const char *direction, const struct sa_report *sa)
{
	char bytes[32], ago[32];

	printf("  %s: SPI 0x%08x, %llu packets, %s, last %s\n", direction, sa->record.spi, sa->packets,
	       bytes_text(sa->bytes, bytes, sizeof(bytes)), ago_text(sa->last_seen, ago, sizeof(ago)));
}

/* Nothing is printed of what never happened. */
static void print_drops(const char *indent, const struct report *report, const struct peer_report *peer)
{
	const char *separator = "";
	bool any = false;

	for (int i = 0; i < XDPSEC_DROP_COUNT; i++) {
		__u64 count = peer ? peer_drops(peer, i) : report->drops[i];

		if (!count)
			continue;
		printf("%s%s%s %llu", any ? "" : indent, any ? separator : "dropped: ", reasons[i].name,
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
	       peer->state == PEER_NEVER ? "never heard of" : state_names[peer->state],
	       peer->endpoint.roams ? ", roaming" : "");
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

static void print_peer(const struct report *report, const struct peer_report *peer)
{
	printf("\npeer: %s\n", peer->record.name);
	if (report->instance.mode == MODE_TUNNEL)
		print_endpoint(peer);
	else
		print_protected(peer);
	printf("  cipher: %s by %s\n", peer->record.cipher, peer->tx.record.driver);
	print_sa("tx", &peer->tx);
	printf("      sequence %llu, limit %llu (%.1f %% of the reserved range used)\n", peer->tx.next,
	       peer->tx.record.limit, report_range_used(&peer->tx));
	print_sa("rx", &peer->rx);
	if (peer->rx.next)
		printf("      highest sequence %llu\n", peer->rx.next - 1);
	print_drops("  ", report, peer);
}

static const char *xdp_text(const struct report *report, char *text, size_t size)
{
	const struct xdp_attachment *xdp = &report->xdp;

	if (!report->reachable)
		snprintf(text, size, "unknown");
	else if (!xdp->dispatcher)
		snprintf(text, size, "%s", xdp_names[xdp->mode]);
	else if (!xdp->others)
		snprintf(text, size, "%s (libxdp's dispatcher, no other program)", xdp_names[xdp->mode]);
	else
		snprintf(text, size, "%s, shared (libxdp's dispatcher, %d other program%s)",
			 xdp_names[xdp->mode], xdp->others, xdp->others == 1 ? "" : "s");
	return text;
}

static void print_report(const struct report *report)
{
	const struct instance *instance = &report->instance;
	char xdp[128];

	printf("instance: %s\n", instance->name);
	printf("  config: %s\n", instance->path);
	printf("  device: %s, mode %s, XDP %s%s\n", instance->device, mode_text(instance->mode),
	       xdp_text(report, xdp, sizeof(xdp)), instance->no_attach ? ", attached by hand" : "");
	if (instance->mode == MODE_TUNNEL)
		printf("  tunnel device: %s, MTU %u, UDP port %u\n", instance->hop_near, report->config.mtu,
		       report->config.listen_port);
	else if (report->hop_exists)
		printf("  hop device: %s, %llu packets, %llu dropped\n", instance->hop_near,
		       report->hop_packets, report->hop_dropped);
	print_drops("  ", report, NULL);
	for (size_t i = 0; i < report->n_warnings; i++)
		printf("  warning: %s\n", report->warnings[i]);
	for (size_t i = 0; i < report->n_peers; i++)
		print_peer(report, &report->peers[i]);
}

struct listing {
	struct json_object *array; /* NULL: text */
	size_t count;
};

static int list(const char *name, void *data)
{
	_cleanup_report_ struct report report;
	struct listing *listing = data;
	int err = report_read(&report, name);

	/* Taken down meanwhile. */
	if (err == -ENOENT)
		return 0;
	if (err)
		return err;
	if (listing->array) {
		json_object_array_add(listing->array, report_json(&report));
	} else {
		if (listing->count)
			putchar('\n');
		print_report(&report);
	}
	listing->count++;
	return 0;
}

static int warn_of_leftover(const char *name, void *data)
{
	(void)data;
	warning("%s: left by a command that was killed", name);
	hint("xdpsec down %s", name);
	return 0;
}

static void print_json(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object,
					    JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

static int status_one(const struct options *options)
{
	_cleanup_report_ struct report report;
	int err = report_read(&report, options->argument);

	if (err)
		return err;
	if (options->json)
		print_json(report_json(&report));
	else
		print_report(&report);
	return 0;
}

int command_status(const struct options *options)
{
	struct listing listing = {};
	int err = kernel_check_privileges();

	if (err)
		return err;
	bpf_log_start();
	if (options->argument)
		return status_one(options);
	if (options->json)
		listing.array = json_object_new_array();
	err = plane_each(false, list, &listing);
	if (options->json)
		print_json(listing.array);
	if (!plane_busy())
		plane_each(true, warn_of_leftover, NULL);
	return err;
}
