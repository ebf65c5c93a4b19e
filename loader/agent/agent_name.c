// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Peers whose Endpoint is a name. It is looked up at the start, and again whenever the peer does not answer, at most
 * every few seconds. Its addresses are tried in turn, one with each Initiation, and so is the address where the peer
 * was last.
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/log.h"

#define LOOKUP_INTERVAL (5 * NS_PER_SECOND)
/* A name without an address is looked up as often for a minute and a half, as the network may just be coming up. */
#define LOOKUPS_OFTEN 18
#define LOOKUP_INTERVAL_SLOW (30 * NS_PER_SECOND)

void agent_look_up(struct agent *agent, uint32_t peer, uint64_t now)
{
	struct agent_name *name = &agent->peers[peer].name;
	struct resolver_question question = { .peer = peer };
	uint64_t interval = name->failures < LOOKUPS_OFTEN ? LOOKUP_INTERVAL : LOOKUP_INTERVAL_SLOW;

	if (agent->resolver < 0 || name->waiting || (name->asked && now - name->asked < interval))
		return;
	snprintf(question.name, sizeof(question.name), "%s", name->host);
	name->asked = now;
	name->waiting = resolver_ask(agent->resolver, &question);
}

void agent_look_up_missing(struct agent *agent, uint64_t now)
{
	for (uint32_t i = 0; agent->n_names && i < XDPSEC_MAX_PEERS; i++)
		if (agent->peers[i].name.host[0] && !agent->peers[i].name.n)
			agent_look_up(agent, i, now);
}

static void take_addresses(struct agent *agent, const struct resolver_answer *answer, uint64_t now)
{
	struct agent_peer *peer = &agent->peers[answer->peer];
	struct agent_name *name = &peer->name;
	bool first = !name->n;

	name->waiting = false;
	if (answer->error) {
		if (!name->failures++)
			log_line(LOG_WARNING, "%s: Endpoint %s: %s", peer->config->name, name->host,
				 gai_strerror(answer->error));
		return;
	}
	name->failures = 0;
	name->n = answer->n;
	memcpy(name->addresses, answer->addresses, sizeof(name->addresses));
	if (first)
		agreement_found(agent->agreement, answer->peer, now);
}

/* Its open questions are lost, and asked anew when a peer does not answer. */
static void note_death(struct agent *agent, int signal)
{
	for (uint32_t i = 0; i < XDPSEC_MAX_PEERS; i++)
		agent->peers[i].name.waiting = false;
	if (!agent->resolver_died)
		log_line(LOG_WARNING, "the resolver's process has died (signal %d): it is started again",
			 signal);
	agent->resolver_died = true;
}

void agent_take_answer(struct agent *agent, uint64_t now)
{
	struct resolver_answer answer;
	int got;

	while ((got = resolver_receive(agent->resolver, &answer)) == 1)
		if (answer.peer == RESOLVER_DIED)
			note_death(agent, answer.error);
		else if (answer.peer == RESOLVER_UNMARKED)
			log_line(LOG_WARNING, "questions to the name server have no FwMark here: %s",
				 strerror(-answer.error));
		else if (answer.peer < XDPSEC_MAX_PEERS && agent->peers[answer.peer].name.host[0] &&
			 answer.n <= RESOLVER_ADDRESSES_MAX)
			take_addresses(agent, &answer, now);
	if (got != -EPIPE)
		return;
	log_line(LOG_ERR, "the resolver's process has ended for good: names are not looked up until the "
			  "agent is started anew");
	close(agent->resolver);
	agent->resolver = -1;
}

static bool is_among(const struct agent_name *name, const struct agreement_address *address, uint16_t port)
{
	for (unsigned int i = 0; i < name->n; i++)
		if (address->port == port && memcmp(name->addresses[i], address->address, 16) == 0)
			return true;
	return false;
}

bool agent_choose_address(struct agent *agent, uint32_t index, unsigned int attempt,
			  const struct agreement_address *endpoint, struct agreement_address *chosen)
{
	const struct agent_peer *peer = &agent->peers[index];
	const struct agent_name *name = &peer->name;
	uint16_t port = (uint16_t)peer->config->endpoint_port;
	unsigned int choices = name->n, choice;
	bool apart = endpoint->port && !is_among(name, endpoint, port);

	choices += apart;
	if (!choices)
		return false;
	/* The place where it was last comes first. */
	choice = attempt % choices;
	if (apart && choice-- == 0) {
		*chosen = *endpoint;
		return true;
	}
	if (!apart && endpoint->port && attempt == 0) {
		*chosen = *endpoint;
		return true;
	}
	chosen->port = port;
	memcpy(chosen->address, name->addresses[choice], 16);
	return true;
}
