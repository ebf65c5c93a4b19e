// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opening, as root, what the agent works with: the lock, the data plane's descriptors, configuration and keys, the
 * socket, the state. Whatever is opened here and not meant for the loop is closed again.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <openssl/crypto.h>

#include "agent/agent.h"
#include "agent/instance_lock.h"
#include "agent/log.h"
#include "base/message.h"
#include "base/program_version.h"
#include "net/netlink.h"
#include "net/vrf.h"
#include "plane/bulk.h"
#include "plane/place.h"
#include "plane/plane.h"
#include "plane/self.h"

/* 2020-01-01: a clock before it was never set. */
#define CLOCK_PLAUSIBLE 1577836800

static int refuse_second(const struct agent *agent, const struct plane *plane)
{
	int pid = 0;

	instance_lock_held(plane, &pid);
	if (!pid) {
		fail(EBUSY, "%s: an agent is running already", agent->instance_name);
		hint("`fuser -v %s` shows its process", plane->directory);
		return -EBUSY;
	}
	fail(EBUSY, "%s: an agent is running already: process %d", agent->instance_name, pid);
	hint("ps -fp %d", pid);
	return -EBUSY;
}

static int refuse_without_agreed(const struct agent *agent)
{
	fail(ENOENT, "%s: no peer has a PublicKey: there are no keys to agree on", agent->instance_name);
	hint("%s reload %s, if %s has such a peer since", self(), agent->instance_name, agent->instance.path);
	return -ENOENT;
}

/* The files of Include have no peer yet: a supervisor that started the agent ever again would help nobody. */
static bool may_get_peers(const struct config *config)
{
	return config->n_includes && !config->n_peers && config->private_key_line;
}

/* Check that the instance is here, and that no agent has it; from then on older agents install nothing. */
static int take_instance(struct agent *agent, struct plane *plane)
{
	int err = plane_read_instance(plane, &agent->instance);

	if (!err)
		err = place_check(plane, &agent->instance, "agree", "");
	if (!err)
		err = instance_lock_take(plane, &agent->lock);
	if (err == -EBUSY)
		return refuse_second(agent, plane);
	if (!err && agent->instance.ending) {
		/* Meant for an agent that was killed before it could look. */
		agent->instance.ending = INSTANCE_STAYS;
		err = plane_write_instance(plane, &agent->instance);
	}
	return err ?: agree_open(&agent->plane, agent->instance_name, agent_take_event, agent);
}

/* The map in which commands write that the agent has to end: to be read only. */
static int open_instance_map(struct agent *agent, const struct plane *plane)
{
	LIBBPF_OPTS(bpf_obj_get_opts, options, .file_flags = BPF_F_RDONLY);
	char path[PATH_MAX];

	plane_pin(plane, "maps", plane_map_name(MAP_INSTANCE), path, sizeof(path));
	agent->instance_map = bpf_obj_get_opts(path, &options);
	return agent->instance_map < 0 ? fail(errno, "%s: cannot open it: %s", path, strerror(errno)) : 0;
}

static const struct peer_config *find_peer_config(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_peers; i++)
		if (strcmp(config->peers[i].name, name) == 0)
			return &config->peers[i];
	return NULL;
}

/* The file may have changed since `up` or `reload`: the data plane says whose keys it takes. */
static bool is_same_peer(const struct peer_config *peer, uint64_t key_hash)
{
	uint64_t hash;

	return peer && peer->agreed && agreement_key_hash(peer->public_key, &hash) == 0 && hash == key_hash;
}

static void take_peer(struct agent *agent, __u32 index, const struct peer_config *config)
{
	struct agent_peer *peer = &agent->peers[index];

	peer->config = config;
	agent->n_agreed++;
	snprintf(peer->name.host, sizeof(peer->name.host), "%s", config->endpoint_host);
	agent->n_names += peer->name.host[0] != '\0';
	agent->n_psks += config->psk_line != 0;
}

static int find_peers(struct agent *agent, const struct plane *plane)
{
	struct peer_record record;
	__u64 key_hash = 0;
	int err = 0;

	for (__u32 i = 0; !err && i < XDPSEC_MAX_PEERS; i++) {
		const struct peer_config *config;

		err = plane_read(plane, MAP_PEER_RECORDS, &i, &record);
		if (!err && record.in_use)
			err = agree_get_peer(plane, i, &key_hash);
		if (err || !record.in_use || !key_hash)
			continue;
		config = find_peer_config(&agent->config, record.name);
		if (is_same_peer(config, key_hash)) {
			take_peer(agent, i, config);
			continue;
		}
		warning("%s: peer %s has changed in %s: no key is agreed on with it", agent->instance_name,
			record.name, agent->instance.path);
		hint("%s reload %s", self(), agent->instance_name);
	}
	return err ?: agent->n_agreed || may_get_peers(&agent->config) ? err : refuse_without_agreed(agent);
}

static int open_psks(struct agent *agent)
{
	struct psk *psk;
	int err = 0;

	if (!agent->n_psks)
		return 0;
	agent->psks = psk = sandbox_secret(agent->n_psks * sizeof(*psk));
	if (!psk)
		return -ENOMEM;
	for (__u32 i = 0; !err && i < XDPSEC_MAX_PEERS; i++) {
		const struct peer_config *config = agent->peers[i].config;

		if (!config || !config->psk_line)
			continue;
		agent->peers[i].psk = psk;
		psk->directory = psk->file = -1;
		if (config->psk_file[0]) {
			err = psk_open(psk, config->psk_file, config->name);
		} else {
			memcpy(psk->now, config->psk, sizeof(psk->now));
			psk->has_now = true;
		}
		psk++;
	}
	return err;
}

static uint32_t own_mark(const struct agent *agent)
{
	return agent->config.mode == MODE_TUNNEL ? agent->config.tunnel.mark : 0;
}

static int open_socket(struct agent *agent)
{
	const struct socket_settings settings = {
		.port = (uint16_t)agent->config.listen_port,
		.mark = own_mark(agent),
		.vrf = vrf_of(agent->instance.device_index),
	};

	int err = socket_open(&settings, &agent->socket);

	/* Inline mode: the only packets of a protected port that may leave in clear. */
	if (!err && agent->config.mode != MODE_TUNNEL)
		err = agree_listen(&agent->plane, socket_cookie(agent->socket));
	return err;
}

/* The driver is chosen with a key of zeros: that of a peer is given to the kernel in one call. */
static int prefer_drivers(struct agent *agent)
{
	int err = 0;

	for (size_t i = 0; !err && i < agent->config.n_peers; i++)
		if (agent->config.peers[i].agreed && !config_has_driver_before(&agent->config, i))
			err = agree_prefer(agent->instance_name, agent->config.peers[i].driver);
	agent->has_bulk = bulk_state(NULL) == BULK_USABLE;
	return err ? fail(-err, "%s: the kernel's cipher: %s", agent->instance_name, strerror(-err)) : 0;
}

static int open_state(struct agent *agent)
{
	int err = clock_open(&agent->clock, agent->instance.state_dir, agent->instance_name);

	if (err)
		return err;
	agent->status = agent_status_create(agent->instance_name);
	if (!agent->status)
		return -EIO;
	agent->status->pid = getpid();
	agent->status->uid = agent->user.uid;
	agent->status->started = time(NULL);
	snprintf(agent->status->user, sizeof(agent->status->user), "%s", agent->user.name);
	snprintf(agent->status->log, sizeof(agent->status->log), "%s", log_destination());
	snprintf(agent->status->version, sizeof(agent->status->version), "%s", program_version());
	return notify_open(&agent->notify);
}

static void warn_of_clock(const struct agent *agent)
{
	time_t now = time(NULL) + (time_t)agent->developer.clock;

	if (now >= CLOCK_PLAUSIBLE)
		return;
	warning("%s: the clock says a time before 2020: timestamps begin at the last one that is recorded",
		agent->instance_name);
	hint("timedatectl, or `date -s`; a peer that knows newer timestamps of this site refuses older ones");
}

static void describe_peer(struct agreement_peer_settings *settings, const struct peer_config *config)
{
	*settings = (struct agreement_peer_settings){
		.has_psk = config->psk_line != 0,
		.binding = (uint8_t)config->binding,
		.n_suites = config->n_suites,
	};
	memcpy(settings->public_key, config->public_key, sizeof(settings->public_key));
	memcpy(settings->suites, config->suites, sizeof(settings->suites));
}

static int add_agreed_peers(struct agent *agent)
{
	struct agreement_peer_settings settings;
	int err = 0;

	for (__u32 i = 0; !err && i < XDPSEC_MAX_PEERS; i++) {
		if (!agent->peers[i].config)
			continue;
		describe_peer(&settings, agent->peers[i].config);
		err = agreement_add_peer(agent->agreement, i, &settings);
		if (err)
			return fail(-err, "%s: peer %s: %s", agent->instance_name,
				    agent->peers[i].config->name, strerror(-err));
	}
	return err;
}

static int create_agreement(struct agent *agent)
{
	const struct developer *developer = &agent->developer;
	struct agreement_times times = agreement_times;
	struct agreement_settings settings = {
		.peers = XDPSEC_MAX_PEERS,
		.carries = agent->config.mode == MODE_TUNNEL ? 4 : 17,
		.reject_after = (uint16_t)agent->config.reject_after,
		.idle_silent = agent->config.idle_silent,
		.times = &times,
	};
	struct agreement_host host;
	int err;

	if (developer->rekey_ms)
		times = agreement_times_short(developer->rekey_ms * NS_PER_MS,
					      developer->grace_ms * NS_PER_MS);
	times.reject_after = developer->reject * NS_PER_SECOND;
	memcpy(settings.private_key, agent->config.private_key, sizeof(settings.private_key));
	memcpy(settings.floor, agent->clock.floor.bytes, sizeof(settings.floor));
	agent_host(agent, &host);
	err = agreement_create(&agent->agreement, &settings, &host);
	OPENSSL_cleanse(&settings, sizeof(settings));
	OPENSSL_cleanse(agent->config.private_key, sizeof(agent->config.private_key));
	if (err)
		return fail(-err, "%s: the key agreement: %s", agent->instance_name, strerror(-err));
	return add_agreed_peers(agent);
}

/* No name: no resolver. */
static int begin_resolver(struct agent *agent)
{
	if (agent->n_names)
		return resolver_begin(agent->resolver, own_mark(agent));
	close(agent->resolver);
	agent->resolver = -1;
	return 0;
}

static int open_all(struct agent *agent, struct plane *plane)
{
	int err = take_instance(agent, plane);

	if (!err)
		err = open_instance_map(agent, plane);
	if (!err)
		err = config_read(&agent->config, agent->instance.path);
	if (!err)
		err = agent->config.agreed || may_get_peers(&agent->config) ? 0
									    : refuse_without_agreed(agent);
	if (!err)
		err = find_peers(agent, plane);
	if (!err)
		err = config_read_private_key(&agent->config);
	if (!err)
		err = open_psks(agent);
	config_forget_psks(&agent->config);
	if (!err)
		err = prefer_drivers(agent);
	if (!err)
		err = open_socket(agent);
	if (!err)
		err = open_state(agent);
	if (!err)
		err = create_agreement(agent);
	return err;
}

int agent_open(struct agent *agent)
{
	_cleanup_plane_lock_ int lock = -1;
	_cleanup_plane_ struct plane plane;
	int err;

	plane_init(&plane);
	err = plane_lock(&lock);
	if (!err)
		err = plane_open(&plane, agent->instance_name, false);
	if (!err)
		err = open_all(agent, &plane);
	if (!err)
		err = agent_prepare_loop(agent);
	if (err)
		return err;
	warn_of_clock(agent);
	return begin_resolver(agent);
}

void agent_close(struct agent *agent)
{
	agreement_free(agent->agreement);
	agree_close(&agent->plane);
	sandbox_free_secret(agent->psks, agent->n_psks * sizeof(*agent->psks));
	config_free(&agent->config);
}
