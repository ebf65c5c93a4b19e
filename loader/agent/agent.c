// SPDX-License-Identifier: GPL-2.0-or-later
/* The agent's process: from root to one without rights, and to its end. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "agent/agent.h"
#include "agent/landlock.h"
#include "agent/log.h"
#include "agent/seccomp.h"
#include "agreement/agreement_selftest.h"
#include "base/message.h"

/* Only the directories of preshared keys are read from now on. */
static int restrict_files(const struct agent *agent)
{
	int *directories = calloc(agent->n_psks + 1, sizeof(*directories)), err;
	size_t n = 0;

	if (!directories)
		return fail(ENOMEM, "out of memory");
	for (size_t i = 0; i < agent->n_psks; i++)
		if (agent->psks[i].directory >= 0)
			directories[n++] = agent->psks[i].directory;
	err = landlock_enter(directories, n);
	free(directories);
	return err;
}

static void say_user(const struct agent *agent)
{
	if (strcmp(agent->user.name, AGENT_USER) == 0)
		return;
	log_line(LOG_WARNING, "there is no user %s: runs as %s", AGENT_USER, agent->user.name);
}

static int enter_agent_sandbox(const struct agent *agent)
{
	int err = sandbox_leave_root(&agent->user);

	if (!err)
		err = restrict_files(agent);
	return err ?: seccomp_enter(SECCOMP_AGENT);
}

/* The driver of a peer decides too; a record of no peer is erased anyway. */
static bool could_be_faster(const struct agent *agent, const struct agreement_record *record)
{
	const struct peer_config *config = agent->peers[record->slot / XDPSEC_SLOTS_PER_PEER].config;

	return agent->has_bulk && record->outdated && config && strcmp(config->driver, "aes") == 0;
}

/* Take over the keys that are in use; they are whole, whatever became of the agent that agreed on them. */
static int adopt(struct agent *agent, uint64_t now)
{
	static struct agreement_record records[XDPSEC_MAX_SAS];
	size_t n = 0;
	int err = agree_read_records(&agent->plane, records, &n);

	for (size_t i = 0; !err && i < n; i++)
		records[i].outdated = could_be_faster(agent, &records[i]);
	if (!err)
		err = agreement_adopt(agent->agreement, records, n, now);
	return err ? fail(-err, "%s: cannot take over the keys in use: %s", agent->instance_name,
			  strerror(-err))
		   : 0;
}

static int agent_begin(struct agent *agent, agent_ready ready, void *data)
{
	int err = adopt(agent, agent_now());

	if (err)
		return err;
	for (uint32_t i = 0; i < XDPSEC_MAX_PEERS; i++)
		if (agent->peers[i].name.host[0])
			agent_look_up(agent, i, agent_now());
	agreement_start(agent->agreement, agent_now());
	agent_write_status(agent);
	if (log_has_file())
		log_line(LOG_INFO, "no syslog here (/dev/log): the agent's log is %s", log_destination());
	if (ready)
		ready(data);
	notify_send(&agent->notify, "READY=1");
	say_user(agent);
	log_line(LOG_INFO, "agrees on keys with %zu peer%s, at UDP port %u", agent->n_agreed,
		 agent->n_agreed == 1 ? "" : "s", agent->config.listen_port);
	return 0;
}

static struct agent *agent_new(const char *name)
{
	struct agent *agent = calloc(1, sizeof(*agent));

	if (!agent) {
		fail(ENOMEM, "out of memory");
		return NULL;
	}
	snprintf(agent->instance_name, sizeof(agent->instance_name), "%s", name);
	log_start(agent->instance_name);
	agent->lock = agent->socket = agent->resolver = agent->instance_map = -1;
	agree_init(&agent->plane);
	agent->clock.fd = agent->notify.socket = -1;
	agent->exit_code = -1;
	return agent;
}

static int test_cryptography(const struct agent *agent)
{
	const char *what = "unknown step";
	int err = agreement_selftest(&what);

	if (!err)
		return 0;
	fail(-err, "%s: the self-test of the key agreement has failed: %s", agent->instance_name, what);
	hint("libcrypto may be set to a mode without X25519, ChaCha20-Poly1305 or BLAKE2s: openssl list "
	     "-providers");
	return err;
}

/* The resolver first: it must not inherit a key, nor the lock. */
static int agent_start(struct agent *agent, agent_ready ready, void *data)
{
	int err = sandbox_find_user(&agent->user);

	if (!err)
		err = developer_read(&agent->developer);
	if (!err)
		err = resolver_start(&agent->user, &agent->resolver);
	if (!err)
		err = sandbox_lock_memory();
	if (!err)
		err = test_cryptography(agent);
	if (!err)
		err = agent_open(agent);
	if (!err)
		err = enter_agent_sandbox(agent);
	return err ?: agent_begin(agent, ready, data);
}

int agent_run(const char *name, agent_ready ready, void *data)
{
	struct agent *agent = agent_new(name);
	int code;

	if (!agent)
		return AGENT_EXIT_FAILED;
	if (agent_start(agent, ready, data) == 0) {
		agent_loop(agent);
		notify_send(&agent->notify, "STOPPING=1");
		agreement_stop(agent->agreement);
		code = agent->exit_code;
	} else {
		code = AGENT_EXIT_FAILED;
	}
	agent_close(agent);
	free(agent);
	return code;
}
