// SPDX-License-Identifier: GPL-2.0-or-later
/* Checks of the instance itself: its file, its devices and programs, its agent. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timex.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "base/program_version.h"
#include "command/check.h"
#include "command/commands.h"
#include "command/diagnose.h"
#include "command/lost.h"
#include "plane/plane.h"
#include "plane/self.h"

#define DAY (86400ULL * 1000000000ULL)

/* No machine that runs this is older: 2025-01-01. */
#define CLOCK_LEAST 1735689600

/* ---- configuration ----------------------------------------------------------------------------------- */

/* A peer of the file that is up with other values; NULL: none. */
static const char *find_changed(const struct config *config, const struct peer_record *records)
{
	for (size_t i = 0; i < config->n_peers; i++) {
		const struct peer_config *peer = &config->peers[i];
		const struct peer_record *record = records;

		while (record < records + XDPSEC_MAX_PEERS &&
		       (!record->in_use || strcmp(record->name, peer->name) != 0))
			record++;
		if (record == records + XDPSEC_MAX_PEERS)
			return peer->name;
		if (memcmp(record->public_key, peer->public_key, sizeof(record->public_key)) != 0)
			return peer->name;
		if (config->mode == MODE_TUNNEL && peer->endpoint.known &&
		    memcmp(&record->endpoint, &peer->endpoint, sizeof(record->endpoint)) != 0)
			return peer->name;
	}
	return NULL;
}

/* The file is right. Is it what is up? */
static void compare_with_file(struct diagnosis *d, const struct instance *instance)
{
	_cleanup_free_ struct peer_record *records = calloc(XDPSEC_MAX_PEERS, sizeof(*records));
	_cleanup_config_ struct config config = {};
	const char *changed = NULL;
	int err;

	message_hold();
	err = config_read(&config, instance->path);
	message_release();
	if (!err && records && plane_peek_peers(d->name, false, records) == 0)
		changed = find_changed(&config, records);
	if (!changed) {
		found(d, FINDING_OK, "%s is valid", instance->path);
		return;
	}
	found(d, FINDING_WRONG, "%s: peer %s was changed there, and what is up does not have it",
	      instance->path, changed);
	mend(d, "%s reload %s", self(), d->name);
}

/* An instance of another file may be left of which only the devices are known: check_instance() says so. */
static void say_no_file(struct diagnosis *d, const char *path)
{
	if (left_over_exists(d->name))
		return;
	found(d, FINDING_WRONG, "%s: %s, and no instance %s is up", path, strerror(ENOENT), d->name);
	mend(d, "`%s status` lists the instances that are up; `%s up FILE` starts one of another file",
	     self(), self());
}

void check_configuration(struct diagnosis *d)
{
	struct options options = *d->options;
	struct instance instance = {};
	bool up = plane_exists(d->name, false);
	char path[PATH_MAX];

	if (up && plane_peek(d->name, false, &instance)) {
		found(d, FINDING_UNKNOWN,
		      "what is up is of another version, and does not say which file it has");
		return;
	}
	if (up) {
		options.argument = instance.path;
		options.state_dir = instance.state_dir;
	}
	config_usual_path(d->name, path, sizeof(path));
	if (!up && access(path, F_OK) && errno == ENOENT) {
		say_no_file(d, path);
		return;
	}
	if (check_quietly(&options)) {
		found(d, FINDING_WRONG, "%s", message_failure());
		if (message_hint()[0])
			mend(d, "%s", message_hint());
		else
			mend(d, "%s check %s", self(), up ? instance.path : d->name);
		return;
	}
	if (up)
		compare_with_file(d, &instance);
	else
		found(d, FINDING_OK, "it is valid");
}

/* ---- instance ---------------------------------------------------------------------------------------- */

static void say_not_up(struct diagnosis *d)
{
	if (plane_exists(d->name, true)) {
		found(d, FINDING_WRONG,
		      "it was left incomplete by a command that was killed, or is being made");
		mend(d, "%s down %s", self(), d->name);
	} else if (lost_exists(d->name)) {
		found(d, FINDING_WRONG,
		      "its pins are gone, or in a BPF file system that is not visible here");
		mend(d, "%s down %s && %s up %s", self(), d->name, self(), d->name);
	} else {
		found(d, FINDING_WRONG, "it is not up");
		mend(d, "%s up %s", self(), d->name);
	}
}

/* Its maps have another layout. */
static void say_other_version(struct diagnosis *d)
{
	struct instance_head head = {};

	plane_head(d->name, false, &head);
	d->check = "programs";
	found(d, FINDING_WRONG,
	      "they are of xdpsec %s with maps of version %u, and this is %s, which cannot read them",
	      head.version[0] ? head.version : "(not recorded)", head.abi_version, program_version());
	mend(d, "%s down %s && %s up %s", self(), d->name, self(), d->name);
}

void check_instance(struct diagnosis *d)
{
	int err;

	if (!plane_exists(d->name, false)) {
		say_not_up(d);
		return;
	}
	message_hold();
	err = diagnosis_read(d);
	message_release();
	d->failed = 0;
	if (err == -EPROTO) {
		say_other_version(d);
	} else if (err) {
		found(d, FINDING_WRONG, "%s", message_failure());
		mend(d, "%s", message_hint());
	} else if (d->report.unfinished) {
		found(d, FINDING_WRONG, "a reload was killed");
		mend(d, "%s reload %s", self(), d->name);
	} else {
		found(d, FINDING_OK, "up, in %s mode, with %zu peer%s", mode_text(d->report.instance.mode),
		      d->report.n_peers, d->report.n_peers == 1 ? "" : "s");
	}
}

/* ---- device and programs ----------------------------------------------------------------------------- */

/* IFF_UP and IFF_RUNNING of a device of this namespace; /sys may be that of another one. */
static int device_flags(const char *device)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {};

	if (fd < 0)
		fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	memcpy(request.ifr_name, device, sizeof(request.ifr_name) - 1);
	return fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) ? -1 : request.ifr_flags;
}

void check_device(struct diagnosis *d)
{
	const struct report *report = &d->report;
	struct netdev device;
	int flags;

	if (!report->reachable || !report->device_here ||
	    netdev_find_index(report->instance.device_index, &device)) {
		found(d, FINDING_WRONG, "%s was deleted, or moved to another network namespace",
		      report->instance.device);
		mend(d, "%s down %s && %s up %s", self(), d->name, self(), report->instance.path);
		return;
	}
	flags = device_flags(device.name);
	if (flags >= 0 && !(flags & IFF_UP)) {
		found(d, FINDING_WRONG, "%s is down", device.name);
		mend(d, "%s link set dev %s up", self_ip(), device.name);
	} else if (flags >= 0 && !(flags & IFF_RUNNING)) {
		found(d, FINDING_WRONG, "%s has no carrier: no cable, or its other end is down", device.name);
		mend(d, "%s link show dev %s", self_ip(), device.name);
	} else {
		found(d, FINDING_OK, "%s is up, MTU %u", device.name, device.mtu);
	}
}

void check_attachment(struct diagnosis *d)
{
	const struct instance *instance = &d->report.instance;
	bool tunnel = is_tunnel(d);

	if (d->report.xdp.mode == XDP_IN_USE_NONE)
		found(d, FINDING_WRONG, "the program is not at XDP of %s: nothing is opened",
		      instance->device);
	else if (!d->report.egress && !instance->no_attach)
		found(d, FINDING_WRONG, "the program is not at TC %s of %s: %s",
		      tunnel ? "ingress" : "egress", tunnel ? instance->far : instance->device,
		      tunnel ? "nothing is sent" : "packets leave in clear");
	else
		found(d, FINDING_OK, "XDP of %s (%s)%s", instance->device, xdp_text(d->report.xdp.mode),
		      instance->no_attach ? "" : ", and TC");
	if (!is_wrong(d))
		return;
	if (instance->no_attach)
		mend(d, "attach it by hand, as `%s up --no-attach` has printed", self());
	else
		mend(d, "%s reload %s", self(), d->name);
}

static bool is_old(const char *version)
{
	return version[0] && strcmp(version, program_version()) != 0;
}

void check_programs(struct diagnosis *d)
{
	const struct instance *instance = &d->report.instance;
	const struct agent_status *agent = d->report.agent_runs ? d->report.agent : NULL;

	if (is_old(instance->version)) {
		found(d, FINDING_WRONG, "they are old: of xdpsec %s, and this is %s", instance->version,
		      program_version());
		mend(d, "%s down %s && %s up %s", self(), d->name, self(), instance->path);
	} else if (agent && is_old(agent->version)) {
		found(d, FINDING_WRONG, "the agent is old: of xdpsec %.60s, and this is %s", agent->version,
		      program_version());
		mend(d, "%s reload %s", self(), d->name);
	} else {
		found(d, FINDING_OK, "of this version, %s", program_version());
	}
}

/* The first warning of `status` about this. NULL: there is none. */
static const char *warning_of(const struct report *report, enum warning_topic topic)
{
	for (size_t i = 0; i < report->n_warnings; i++)
		if (report->warnings[i].topic == topic)
			return report->warnings[i].text;
	return NULL;
}

/* Offloads and attachments have been checked before, each by itself. */
void check_pair(struct diagnosis *d)
{
	const struct report *report = &d->report;
	const char *warning = warning_of(report, WARNING_DEVICE);

	if (!warning) {
		found(d, FINDING_OK, "%s is as `up` has made it", report->instance.near);
		return;
	}
	found(d, FINDING_WRONG, "%s", warning);
	if (report->pair_exists)
		mend(d, "%s reload %s", self(), d->name);
	else
		mend(d, "%s down %s && %s up %s", self(), d->name, self(), report->instance.path);
}

/* `reload` does not change what others have set. */
void check_rivals(struct diagnosis *d)
{
	const struct xdpsec_prefix *prefix = &d->report.rivals.prefix;
	const char *warning = warning_of(&d->report, WARNING_RIVAL);
	char text[64];

	if (!warning)
		return;
	found(d, FINDING_WRONG, "%s", warning);
	mend(d, "%s%s route show %s; one of the two networks needs other addresses", self_ip(),
	     prefix_is_ipv4(prefix) ? "" : " -6", prefix_text(prefix, text, sizeof(text)));
}

/* Packets take the ordinary way instead, and arrive: so it is the last check. */
void check_flows(struct diagnosis *d)
{
	const struct instance *instance = &d->report.instance;
	const char *warning = warning_of(&d->report, WARNING_FAST_PATH);

	if (!instance->n_fast)
		return;
	if (warning) {
		found(d, FINDING_WRONG, "%s", warning);
		mend(d, "%s reload %s, which mends it or says what to do", self(), d->name);
	} else {
		found(d, FINDING_OK, "they can take the fast path");
	}
}

void check_offloads(struct diagnosis *d)
{
	if (!d->report.near.index) {
		found(d, FINDING_UNKNOWN, "%s is in another network namespace", d->report.instance.near);
	} else if (d->report.offloads) {
		found(d, FINDING_WRONG,
		      "those of %s are on: packets with a pending checksum, or GSO, are dropped as no_hop",
		      d->report.near.name);
		mend(d, "%s reload %s", self(), d->name);
	} else {
		found(d, FINDING_OK, "those of %s are off", d->report.near.name);
	}
}

/* ---- agent and clock --------------------------------------------------------------------------------- */

void check_agent(struct diagnosis *d)
{
	const struct report *report = &d->report;

	if (!report->agrees)
		return;
	if (!report->agent_runs) {
		found(d, FINDING_WRONG, "none is running: no keys are agreed on");
		mend(d, "%s agree --background %s", self(), d->name);
	} else if (!report->agent) {
		found(d, FINDING_UNKNOWN,
		      "process %d runs, but what it does cannot be read: it may be of another version",
		      report->agent_pid);
		mend(d, "%s reload %s starts another", self(), d->name);
	} else {
		found(d, FINDING_OK, "process %d, log: %.*s", report->agent_pid,
		      (int)sizeof(report->agent->log), report->agent->log);
	}
}

void check_clock(struct diagnosis *d)
{
	struct timex state = {};
	char day[32] = "";
	time_t now = time(NULL);
	struct tm fields;

	if (!d->report.agrees)
		return;
	if (gmtime_r(&now, &fields))
		strftime(day, sizeof(day), "%Y-%m-%d %H:%M UTC", &fields);
	for (size_t i = 0; i < d->report.n_peers; i++) {
		const struct agreed_report *agreed = &d->report.peers[i].agreed;

		if (!agreed->has_status || agreed->status.ahead <= DAY)
			continue;
		found(d, FINDING_WRONG,
		      "it was set back: the timestamps sent to %s are %llu days ahead of it (%s)",
		      d->report.peers[i].record.name, (unsigned long long)(agreed->status.ahead / DAY), day);
		mend(d, "timedatectl set-ntp true");
		return;
	}
	if (now < CLOCK_LEAST) {
		found(d, FINDING_WRONG, "it is %s: peers that have heard of a later time refuse this one",
		      day);
		mend(d, "timedatectl set-ntp true");
		return;
	}
	found(d, FINDING_OK, "%s%s", day,
	      adjtimex(&state) == TIME_ERROR ? ", not synchronized as far as the kernel knows" : "");
}
