// SPDX-License-Identifier: GPL-2.0-or-later
/* The JSON output of `status -j` for an instance. */
#include <stdio.h>
#include <string.h>
#include <json-c/json.h>

#include "base/program_version.h"
#include "command/json_output.h"
#include "command/status.h"
#include "plane/plane.h"

static struct json_object *shared_json(const struct report *report)
{
	struct json_object *array = json_object_new_array();
	const struct sharer *sharer = NULL;

	while ((sharer = sharers_next(&report->sharers, report->instance.name, sharer)))
		json_append_text(array, sharer->instance.name);
	return array;
}

static struct json_object *sa_json(const struct sa_report *sa, bool sends)
{
	struct json_object *object = json_object_new_object();

	json_add_number(object, "spi", sa->record.spi);
	json_add_number(object, "packets", sa->packets);
	json_add_number(object, "bytes", sa->bytes);
	if (sends) {
		json_add_number(object, "sequence", sa->next);
		json_add_number(object, "limit", sa->record.limit);
	} else {
		json_add_number(object, "highest_sequence", sa->next ? sa->next - 1 : 0);
	}
	json_add_known(object, "last_seen", sa->last_seen, sa->last_seen);
	/* Agreed keys have no name, and a driver for a moment only. */
	if (sa->record.fingerprint[0]) {
		json_add_text(object, "driver", sa->record.driver);
		json_add_text(object, "key", sa->record.fingerprint);
	}
	return object;
}

static struct json_object *drops_json(const struct report *report, const struct peer_report *peer)
{
	struct json_object *object = json_object_new_object();

	for (int i = 0; i < XDPSEC_DROP_COUNT; i++)
		json_add_number(object, report_drop_name(i),
				peer ? report_peer_drops(peer, i) : report->drops[i]);
	return object;
}

static struct json_object *prefixes_json(const struct peer_report *peer)
{
	struct json_object *array = json_object_new_array(), *object;
	char text[512];

	for (size_t i = 0; i < peer->n_prefixes; i++) {
		const struct protected_prefix *prefix = &peer->prefixes[i];

		object = json_object_new_object();
		json_add_text(object, "prefix", prefix_text(&prefix->prefix, text, sizeof(text)));
		json_add_text(object, "ports",
			      ports_text(prefix->ports, prefix->n_ports, text, sizeof(text)));
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *allowed_json(const struct peer_report *peer)
{
	struct json_object *array = json_object_new_array();
	char text[64];

	for (size_t i = 0; i < peer->n_prefixes; i++)
		json_append_text(array, prefix_text(&peer->prefixes[i].prefix, text, sizeof(text)));
	return array;
}

static void add_tunnel(struct json_object *object, const struct peer_report *peer)
{
	char text[64];

	json_add_text(object, "endpoint",
		      peer->location.known ? location_text(&peer->location, text, sizeof(text)) : NULL);
	json_add_text(object, "local",
		      peer->uplink.has_source ? address_text(peer->uplink.source, text, sizeof(text)) : NULL);
	json_object_object_add(object, "allowed_ips", allowed_json(peer));
	json_add_text(object, "state", peer_state_text(peer->state));
	json_add_bool(object, "roaming", peer->endpoint.roams);
	json_add_number(object, "moves", peer->endpoint.moves);
	json_add_number(object, "keepalive", peer->endpoint.keepalive);
	json_add_known(object, "path_mtu", peer->inner_mtu, peer->inner_mtu);
	json_add_known(object, "outer_path_mtu", peer->outer_mtu, peer->outer_mtu);
}

struct json_object *peer_json(const struct report *report, const struct peer_report *peer)
{
	struct json_object *object = json_object_new_object();

	json_add_text(object, "name", peer->record.name);
	json_add_text(object, "cipher", peer->record.cipher);
	json_add_text(object, "bind", binding_text(peer->record.binding));
	if (report->instance.mode == MODE_TUNNEL)
		add_tunnel(object, peer);
	else
		json_object_object_add(object, "protects", prefixes_json(peer));
	if (peer->agreed.agreed)
		agreement_add_peer_json(object, peer);
	json_object_object_add(object, "tx", sa_json(&peer->tx, true));
	json_object_object_add(object, "rx", sa_json(&peer->rx, false));
	json_add_known(object, "second_rx_spi", peer->second.slot != XDPSEC_NO_SA, peer->second.spi);
	json_object_object_add(object, "drops", drops_json(report, peer));
	return object;
}

static struct json_object *hop_json(const struct report *report)
{
	struct json_object *object = json_object_new_object();

	json_add_text(object, "device", report->instance.near);
	json_add_text(object, "kind", report->near.kind);
	json_add_number(object, "tx_packets", report->near.tx_packets);
	json_add_number(object, "tx_dropped", report->near.tx_dropped);
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

	json_add_text(object, "device", report->near.index ? report->near.name : instance->near);
	json_add_bool(object, "moved", report->near_elsewhere);
	for (unsigned int i = 0; i < instance->n_addresses; i++)
		json_append_text(addresses, prefix_text(&instance->addresses[i], text, sizeof(text)));
	json_object_object_add(object, "addresses", addresses);
	json_add_number(object, "mtu", report->near.index ? report->near.mtu : report->config.mtu);
	json_add_number(object, "listen_port", report->config.listen_port);
	json_add_text(object, "source_port", report->config.flow_ports ? "flow" : "listen");
	json_add_number(object, "fwmark", report->config.mark);
	json_add_known(object, "table", report->instance.table, report->instance.table);
	json_add_text(object, "dscp", dscp_text(&report->config, text, sizeof(text)));
	return object;
}

/* null: there is none */
static struct json_object *fast_json(const struct report *report)
{
	struct json_object *object, *devices;
	const struct instance *instance = &report->instance;

	if (!instance->n_fast)
		return NULL;
	object = json_object_new_object();
	devices = json_object_new_array();
	for (unsigned int i = 0; i < instance->n_fast && i < FAST_DEVICES_MAX; i++)
		json_append_text(devices, instance->fast[i]);
	json_object_object_add(object, "devices", devices);
	json_add_text(object, "firewall", instance->fast_no_firewall ? "none" : "flowtable");
	json_add_number(object, "packets_out", report->fast.packets[XDPSEC_FAST_OUT]);
	json_add_number(object, "packets_in", report->fast.packets[XDPSEC_FAST_IN]);
	return object;
}

/* null: the version that made it did not record its own */
static void add_version(struct json_object *object, const char *version)
{
	json_add_text(object, "version", version);
	json_add_bool(object, "outdated", strcmp(version, program_version()) != 0);
}

struct json_object *fault_json(const struct fault *fault)
{
	struct json_object *object = json_object_new_object();

	json_add_text(object, "name", fault->name);
	json_add_text(object, "error", fault->error);
	json_add_text(object, "hint", fault->hint);
	if (fault->has_head) {
		add_version(object, fault->head.version);
		json_add_number(object, "map_version", fault->head.abi_version);
	}
	return object;
}

static struct json_object *advice_json(const struct report *report)
{
	struct json_object *array = json_object_new_array();
	char text[sizeof(struct advice) + 2];

	for (size_t i = 0; i < report->n_advice; i++) {
		snprintf(text, sizeof(text), "%s; %s", report->advice[i].text, report->advice[i].hint);
		json_append_text(array, text);
	}
	return array;
}

static void add_mode(struct json_object *object, const struct report *report)
{
	if (report->instance.mode != MODE_TUNNEL) {
		json_object_object_add(object, "hop", report->pair_exists ? hop_json(report) : NULL);
		return;
	}
	json_object_object_add(object, "tunnel", tunnel_json(report));
	json_object_object_add(object, "fast_path", fast_json(report));
}

struct json_object *report_json(const struct report *report)
{
	struct json_object *object = json_object_new_object(), *peers = json_object_new_array(),
			   *warnings = json_object_new_array();
	bool ingress = report->xdp.mode != XDP_IN_USE_NONE;

	json_add_text(object, "name", report->instance.name);
	add_version(object, report->instance.version);
	json_add_text(object, "device", report->instance.device);
	json_add_text(object, "mode", mode_text(report->instance.mode));
	json_add_text(object, "xdp", xdp_text(report->xdp.mode));
	json_add_bool(object, "xdp_dispatcher", report->xdp.dispatcher);
	json_add_number(object, "xdp_others", report->xdp.others);
	json_object_object_add(object, "shared_with", shared_json(report));
	json_add_bool(object, "copies_noticed", report->fork_watched);
	json_add_text(object, "config", report->instance.path);
	json_add_number(object, "started", report->instance.started);
	/* With --no-attach egress may be a tc filter that we cannot see. */
	json_add_bool(object, "attached", ingress && (report->egress || report->instance.no_attach));
	json_add_bool(object, "by_hand", report->instance.no_attach);
	add_mode(object, report);
	if (report->agrees)
		agreement_add_json(object, report);
	for (size_t i = 0; i < report->n_peers; i++)
		json_object_array_add(peers, peer_json(report, &report->peers[i]));
	json_object_object_add(object, "peers", peers);
	json_object_object_add(object, "drops", drops_json(report, NULL));
	for (size_t i = 0; i < report->n_warnings; i++)
		json_append_text(warnings, report->warnings[i].text);
	json_object_object_add(object, "warnings", warnings);
	json_object_object_add(object, "advice", advice_json(report));
	return object;
}
