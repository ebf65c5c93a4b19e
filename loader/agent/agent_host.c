// SPDX-License-Identifier: GPL-2.0-or-later
/* The functions that the agreement asks for: the data plane, the socket, files, names. */
#include <errno.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <sys/random.h>

#include "agent/agent.h"
#include "agent/log.h"
#include "base/prefix.h"

/* ---- the data plane ---- */

static int host_install(void *data, const struct agreement_sa *sa, struct agreement_key *key, uint64_t *id)
{
	struct agent *agent = data;
	__u64 given = 0;
	int err = agree_install(&agent->plane, sa, agent->peers[sa->peer].config->driver, key, &given);

	*id = given;
	return err;
}

static int host_link(void *data, uint32_t slot)
{
	struct agent *agent = data;

	return agree_link(&agent->plane, slot);
}

static int host_unlink(void *data, uint32_t slot)
{
	struct agent *agent = data;

	return agree_unlink(&agent->plane, slot);
}

/* Without a grace period no slot may be used again: the agent ends rather than guess. */
static int host_grace(void *data)
{
	struct agent *agent = data;
	int err = agree_grace(&agent->plane);

	if (err) {
		log_line(LOG_ERR, "no grace period of the kernel: %s: ends", strerror(-err));
		agent->exit_code = AGENT_EXIT_FAILED;
	}
	return err;
}

static int host_erase(void *data, uint32_t slot)
{
	struct agent *agent = data;

	return agree_erase(&agent->plane, slot);
}

static int host_note(void *data, uint32_t slot, const struct agreement_record *record)
{
	struct agent *agent = data;

	return agree_note(&agent->plane, slot, record);
}

static int host_asking(void *data, uint32_t spi, bool add)
{
	struct agent *agent = data;

	return agree_asking(&agent->plane, spi, add);
}

static void host_keepalive(void *data, uint32_t peer)
{
	struct agent *agent = data;

	agree_keepalive(&agent->plane, peer);
}

/* ---- addresses ---- */

static int host_send(void *data, uint32_t peer, const struct agreement_path *path, const void *bytes,
		     size_t n)
{
	struct agent *agent = data;
	struct agreement_path way = *path;

	(void)peer;
	/* A link-local address is one of the underlay. */
	if (!way.device)
		way.device = agent->instance.device_index;
	return socket_send(agent->socket, &way, bytes, n);
}

/* The configured source for that version, or the one at which the peer has reached us. */
static void choose_source(const struct agent_peer *peer, const struct xdpsec_source *from,
			  struct agreement_path *path)
{
	bool ipv4 = address_is_ipv4(path->remote.address);
	const struct source_config *fixed = &peer->config->sources[ipv4 ? SOURCE_IPV4 : SOURCE_IPV6];

	memset(&path->local, 0, sizeof(path->local));
	if (fixed->line)
		memcpy(path->local.address, fixed->address, sizeof(path->local.address));
	else if (from->local != XDPSEC_LOCAL_NONE && address_is_ipv4(from->address) == ipv4)
		memcpy(path->local.address, from->address, sizeof(path->local.address));
}

/* Inline mode: Endpoint, or the only address that the peer has. */
static bool find_inline(const struct agent *agent, const struct peer_config *config,
			struct agreement_address *address)
{
	const struct xdpsec_prefix *prefix = config->prefixes;

	if (config->endpoint.known) {
		memcpy(address->address, config->endpoint.address, sizeof(address->address));
		address->port = config->endpoint.port;
		return true;
	}
	if (config->n_prefixes != 1 || prefix->length != 128)
		return false;
	memcpy(address->address, prefix->address, sizeof(address->address));
	address->port = (uint16_t)agent->config.listen_port;
	return true;
}

/* The peer's endpoint as the data plane has it; port 0: it has none. */
static void find_endpoint(struct agent *agent, uint32_t index, struct agreement_address *address,
			  struct xdpsec_source *from)
{
	struct xdpsec_endpoint endpoint;
	const struct xdpsec_location *at;

	memset(address, 0, sizeof(*address));
	memset(from, 0, sizeof(*from));
	if (agent->config.mode != MODE_TUNNEL) {
		find_inline(agent, agent->peers[index].config, address);
		return;
	}
	if (agree_read_endpoint(&agent->plane, index, &endpoint))
		return;
	at = &endpoint.at[!!endpoint.current];
	if (!at->known)
		return;
	*from = endpoint.from[!!endpoint.current];
	memcpy(address->address, at->address, sizeof(address->address));
	address->port = at->port;
}

static bool host_where(void *data, uint32_t index, unsigned int attempt, struct agreement_path *path)
{
	struct agent *agent = data;
	struct agent_peer *peer = &agent->peers[index];
	struct agreement_address endpoint;
	struct xdpsec_source from;

	memset(path, 0, sizeof(*path));
	find_endpoint(agent, index, &endpoint, &from);
	if (peer->name.host[0]) {
		if (attempt || !endpoint.port)
			agent_look_up(agent, index, agent_now());
		if (!agent_choose_address(agent, index, attempt, &endpoint, &path->remote))
			return false;
	} else {
		path->remote = endpoint;
	}
	choose_source(peer, &from, path);
	peer->asked = path->remote;
	return path->remote.port != 0;
}

static int host_endpoint(void *data, uint32_t peer, const struct agreement_path *path)
{
	struct agent *agent = data;

	struct xdpsec_location at = { .port = path->remote.port, .known = 1 };
	struct xdpsec_source from = {};

	memcpy(at.address, path->remote.address, sizeof(at.address));
	/* Answers come from the address that the peer sends to, unless a Source is configured. */
	if (path->device == agent->instance.device_index) {
		memcpy(from.address, path->local.address, sizeof(from.address));
		from.local = XDPSEC_LOCAL_DEVICE;
	}
	return agree_endpoint(&agent->plane, peer, &at, &from);
}

/* ---- secrets, time ---- */

static int host_psk(void *data, uint32_t index, struct agreement_psk *result)
{
	struct agent *agent = data;
	struct psk *psk = agent->peers[index].psk;
	uint64_t now = agent_now();
	int err = psk ? psk_read(psk, now) : -ENOENT;

	if (err)
		return err;
	memcpy(result->now, psk->now, sizeof(result->now));
	result->has_before = psk_has_before(psk, now);
	memcpy(result->before, psk->before, sizeof(result->before));
	return 0;
}

static void host_floor(void *data, const uint8_t stamp[AGREEMENT_STAMP_LEN])
{
	struct agent *agent = data;
	struct timestamp floor;
	int err;

	memcpy(floor.bytes, stamp, sizeof(floor.bytes));
	err = clock_write(&agent->clock, &floor);
	if (err)
		log_line(LOG_WARNING, "%s/%s.clock: cannot write it: %s", agent->instance.state_dir,
			 agent->instance_name, strerror(-err));
}

static void host_random(void *data, void *bytes, size_t n)
{
	(void)data;
	for (size_t done = 0; done < n;) {
		ssize_t got = getrandom((uint8_t *)bytes + done, n - done, 0);

		if (got > 0)
			done += (size_t)got;
	}
}

static int64_t host_realtime(void *data)
{
	const struct agent *agent = data;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return ((int64_t)now.tv_sec + agent->developer.clock) * (int64_t)NS_PER_SECOND + now.tv_nsec;
}

void agent_host(struct agent *agent, struct agreement_host *host)
{
	*host = (struct agreement_host){
		.data = agent,
		.install = host_install,
		.link = host_link,
		.unlink = host_unlink,
		.grace = host_grace,
		.erase = host_erase,
		.note = host_note,
		.send = host_send,
		.asking = host_asking,
		.where = host_where,
		.endpoint = host_endpoint,
		.keepalive = host_keepalive,
		.psk = host_psk,
		.floor = host_floor,
		.random = host_random,
		.realtime = host_realtime,
		.report = agent_report,
	};
}
