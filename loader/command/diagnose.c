// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xdpsec diagnose: say the first thing that is wrong with an instance or on the way to a peer, and the command that
 * mends it. The exit code is 0 if nothing is, 1 if something is.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>

#include "base/array.h"
#include "base/kernel.h"
#include "base/message.h"
#include "command/bpffs.h"
#include "command/commands.h"
#include "command/diagnose.h"
#include "command/json_output.h"
#include "plane/place.h"
#include "plane/self.h"

#define EXIT_WRONG 1

/* In the order of a packet's way. Those of the instance run once, and those of peers for each. The last ones run if
 * every packet arrives. */
enum subject { OF_INSTANCE, OF_PEER, OF_INSTANCE_LAST };
static const struct {
	const char *name;
	void (*run)(struct diagnosis *d);
	enum subject subject;
} checks[] = {
	{ "configuration", check_configuration, OF_INSTANCE },
	{ "instance", check_instance, OF_INSTANCE },
	{ "device", check_device, OF_INSTANCE },
	{ "attachment", check_attachment, OF_INSTANCE },
	{ "programs", check_programs, OF_INSTANCE },
	{ "offloads", check_offloads, OF_INSTANCE },
	{ "own device", check_pair, OF_INSTANCE },
	{ "other networks", check_rivals, OF_INSTANCE },
	{ "agent", check_agent, OF_INSTANCE },
	{ "clock", check_clock, OF_INSTANCE },
	{ "endpoint", check_endpoint, OF_PEER },
	{ "route", check_route, OF_PEER },
	{ "source", check_source, OF_PEER },
	{ "rp_filter", check_return, OF_PEER },
	{ "firewall", check_firewall, OF_PEER },
	{ "AllowedIPs", check_own, OF_PEER },
	{ "handshake", check_handshake, OF_PEER },
	{ "packets", check_packets, OF_PEER },
	{ "forwarding", check_forwarding, OF_PEER },
	{ "tunnel rp_filter", check_inner_return, OF_PEER },
	{ "path MTU", check_mtu, OF_PEER },
	{ "inner route", check_inner_route, OF_PEER },
	{ "AllowedIPs", check_allowed, OF_PEER },
	{ "flows", check_flows, OF_INSTANCE_LAST },
};

static struct finding *last(const struct diagnosis *d)
{
	return d->n ? &d->findings[d->n - 1] : NULL;
}

void found(struct diagnosis *d, enum finding_result result, const char *format, ...)
{
	struct finding *findings = realloc(d->findings, (d->n + 1) * sizeof(*findings)), *added;
	va_list arguments;

	if (!findings) {
		d->failed = fail(ENOMEM, "out of memory");
		return;
	}
	d->findings = findings;
	added = &findings[d->n++];
	*added = (struct finding){ .check = d->check, .result = result };
	if (d->peer)
		memcpy(added->peer, d->peer->record.name, sizeof(added->peer));
	va_start(arguments, format);
	vsnprintf(added->text, sizeof(added->text), format, arguments);
	va_end(arguments);
}

void mend(struct diagnosis *d, const char *format, ...)
{
	struct finding *to = last(d);
	va_list arguments;

	if (!to)
		return;
	va_start(arguments, format);
	vsnprintf(to->hint, sizeof(to->hint), format, arguments);
	va_end(arguments);
}

bool is_wrong(const struct diagnosis *d)
{
	return d->n && last(d)->result == FINDING_WRONG;
}

bool is_tunnel(const struct diagnosis *d)
{
	return d->report.instance.mode == MODE_TUNNEL;
}

__u64 peer_drops(const struct diagnosis *d, enum xdpsec_drop reason)
{
	return report_peer_drops(d->peer, (int)reason);
}

int diagnosis_read(struct diagnosis *d)
{
	char peer[XDPSEC_NAME_LEN] = "";
	int err;

	if (d->peer)
		memcpy(peer, d->peer->record.name, sizeof(peer));
	if (d->has_report)
		report_free(&d->report);
	d->peer = NULL;
	err = report_read(&d->report, d->name);
	d->has_report = true;
	for (size_t i = 0; !err && i < d->report.n_peers; i++)
		if (strcmp(d->report.peers[i].record.name, peer) == 0)
			d->peer = &d->report.peers[i];
	if (!err && peer[0] && !d->peer) {
		err = fail(ENOENT, "%s: peer %s was removed meanwhile", d->name, peer);
		hint("%s diagnose %s", self(), d->name);
	}
	d->failed = err;
	return err;
}

/* Run the checks of one kind until one finds something. */
static void run_checks(struct diagnosis *d, enum subject subject)
{
	for (size_t i = 0; i < ARRAY_SIZE(checks) && !is_wrong(d) && !d->failed; i++) {
		if (checks[i].subject != subject)
			continue;
		d->check = checks[i].name;
		checks[i].run(d);
	}
}

static void run_peer_checks(struct diagnosis *d, size_t number)
{
	d->peer = &d->report.peers[number];
	d->exchange = (struct exchange){};
	run_checks(d, OF_PEER);
	d->peer = NULL;
}

/* name NULL: all peers, until something is wrong with one. */
static void run_peers(struct diagnosis *d, const char *name)
{
	const struct peer_report *peer = NULL;

	if (name) {
		d->failed = report_find_peer(&d->report, name, &peer);
		if (!d->failed)
			run_peer_checks(d, (size_t)(peer - d->report.peers));
		return;
	}
	for (size_t i = 0; i < d->report.n_peers && !is_wrong(d) && !d->failed; i++)
		run_peer_checks(d, i);
}

/* ---- output ------------------------------------------------------------------------------------------ */

static void print_finding(const struct finding *finding)
{
	static const char *const words[] = {
		[FINDING_OK] = "ok",
		[FINDING_WRONG] = "wrong",
		[FINDING_UNKNOWN] = "could not tell",
	};

	printf("%-14s  %s%s%s: %s\n", words[finding->result], finding->peer, finding->peer[0] ? ": " : "",
	       finding->check, finding->text);
	if (finding->hint[0])
		printf("hint: %s\n", finding->hint);
}

static void print_findings(const struct diagnosis *d, const char *peer)
{
	size_t unknown = 0;

	for (size_t i = 0; i < d->n; i++) {
		print_finding(&d->findings[i]);
		unknown += d->findings[i].result == FINDING_UNKNOWN;
	}
	if (is_wrong(d))
		return;
	printf("%s%s%s: nothing wrong was found", d->name, peer ? ": " : "", peer ?: "");
	if (unknown)
		printf("; %zu of %zu checks could not tell", unknown, d->n);
	putchar('\n');
}

static struct json_object *finding_json(const struct finding *finding)
{
	static const char *const words[] = {
		[FINDING_OK] = "ok",
		[FINDING_WRONG] = "wrong",
		[FINDING_UNKNOWN] = "unknown",
	};
	struct json_object *object = json_object_new_object();

	json_add_text(object, "check", finding->check);
	json_add_text(object, "peer", finding->peer);
	json_add_text(object, "result", words[finding->result]);
	json_add_text(object, "text", finding->text);
	json_add_text(object, "hint", finding->hint);
	return object;
}

static void print_json(const struct diagnosis *d)
{
	struct json_object *object = json_object_new_object(), *array = json_object_new_array();

	json_add_text(object, "name", d->name);
	json_add_bool(object, "wrong", is_wrong(d));
	json_object_object_add(object, "findings", array);
	for (size_t i = 0; i < d->n; i++)
		json_object_array_add(array, finding_json(&d->findings[i]));
	json_output(object);
}

static int diagnose(struct diagnosis *d, const char *peer)
{
	run_checks(d, OF_INSTANCE);
	if (!is_wrong(d) && !d->failed)
		run_peers(d, peer);
	run_checks(d, OF_INSTANCE_LAST);
	return d->failed;
}

/* Another namespace has other routes. An instance that is not up, or cannot be read, has its own check. */
static int check_is_here(const struct options *options)
{
	_cleanup_plane_ struct plane plane;
	struct instance instance;
	enum place place = PLACE_HERE;
	int err = 0;

	plane_init(&plane);
	if (plane_exists(options->argument, false) && plane_open_any(&plane, options->argument, false) == 0 &&
	    plane_peek(options->argument, false, &instance) == 0)
		err = place_find(&plane, &instance, &place);
	return err || place != PLACE_ELSEWHERE ? err
					       : place_refuse(&instance, "diagnose", options->peer ?: "");
}

int command_diagnose(const struct options *options)
{
	struct diagnosis d = { .options = options, .name = options->argument };
	int err = kernel_check_privileges(), result;

	if (!err)
		err = bpffs_check(options);
	if (!err)
		err = check_is_here(options);
	if (err)
		return err;
	bpf_log_start();
	err = diagnose(&d, options->peer);
	if (options->json)
		print_json(&d);
	else if (!err)
		print_findings(&d, options->peer);
	result = is_wrong(&d) ? EXIT_WRONG : 0;
	if (d.has_report)
		report_free(&d.report);
	free(d.findings);
	return err ?: result;
}
