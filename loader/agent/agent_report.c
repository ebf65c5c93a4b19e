// SPDX-License-Identifier: GPL-2.0-or-later
/* The reports of the agent: events of the agreement in the log, the state of each peer in the status file. */
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "agent/agent.h"
#include "agent/log.h"
#include "agreement/message.h"
#include "base/prefix.h"

/* Initiations without an answer after which it is said that there is none: some 12 s. */
#define SILENT_ATTEMPTS 5

/* ---- the log ---- */

static void put_endpoint(const struct agreement_address *address, char text[80])
{
	struct xdpsec_location location = { .port = address->port };

	memcpy(location.address, address->address, sizeof(location.address));
	location_text(&location, text, 80);
}

static const char *suite_text(uint8_t suite)
{
	switch (suite) {
	case SUITE_AES_128_OCB:
		return "aes-128-ocb";
	case SUITE_AES_256_OCB:
		return "aes-256-ocb";
	default:
		return "unknown cipher";
	}
}

/* Events that need no more than a sentence. */
static const struct {
	int priority;
	const char *text;
} sentences[] = {
	[AGREEMENT_EXPIRED] = { LOG_WARNING, "its keys have expired: packets are dropped until it answers" },
	[AGREEMENT_PSK_UNREADABLE] = { LOG_WARNING, "no handshake: its preshared key cannot be read" },
	[AGREEMENT_RESPONSE_WRONG] = { LOG_WARNING, "its answer does not decrypt: the preshared keys of both "
						    "ends differ" },
	[AGREEMENT_UNCONFIRMED] = { LOG_WARNING, "does not confirm our answers: they are lost, or the "
						 "preshared keys of both ends differ" },
	[AGREEMENT_PEER_RESTARTED] = { LOG_INFO, "has lost its keys, as by a restart" },
	[AGREEMENT_RESET] = { LOG_WARNING, "is faulty: all its keys are given up" },
	[AGREEMENT_NO_SLOT_FREE] = { LOG_WARNING, "a handshake was dropped: too many keys at a time" },
};

static void log_report(const char *peer, const struct agreement_report *report)
{
	char where[80] = "unknown";

	if (report->path)
		put_endpoint(&report->path->remote, where);
	switch (report->event) {
	case AGREEMENT_ASKED:
		/* Said once for a row of Initiations without an answer. */
		if (report->attempts == SILENT_ATTEMPTS)
			log_line(LOG_WARNING, "%s: does not answer at %s", peer, where);
		break;
	case AGREEMENT_AGREED:
		log_line(LOG_INFO, "%s: agreed on keys, asked by %s, at %s, %s", peer,
			 report->initiator ? "us" : "the peer", where, suite_text(report->suite));
		break;
	case AGREEMENT_REFUSED:
	case AGREEMENT_REFUSES:
		log_line(LOG_WARNING, "%s: %s: %s", peer,
			 report->event == AGREEMENT_REFUSED ? "refuses" : "is refused",
			 denial_text(report->denial));
		break;
	case AGREEMENT_INSTALL_FAILED:
		log_line(LOG_ERR, "%s: the kernel does not take a key: %s", peer, strerror(-report->error));
		break;
	default:
		log_line(sentences[report->event].priority, "%s: %s", peer, sentences[report->event].text);
	}
}

static const char *name_of(const struct agent *agent, uint32_t peer)
{
	return peer < XDPSEC_MAX_PEERS && agent->peers[peer].config ? agent->peers[peer].config->name : "?";
}

void agent_report(void *data, uint32_t peer, const struct agreement_report *report)
{
	struct agent *agent = data;

	if (report->event == AGREEMENT_AGREED && report->path && peer < XDPSEC_MAX_PEERS)
		agent->peers[peer].agreed = report->path->remote;
	log_report(name_of(agent, peer), report);
}

/* ---- the status file ---- */

static void write_peer(struct agent *agent, uint32_t index, uint64_t now)
{
	struct agent_status_peer *status = &agent->status->peers[index];
	const struct agent_peer *peer = &agent->peers[index];

	status->in_use = agreement_status(agent->agreement, index, &status->agreement, now);
	status->has_name = peer->name.host[0] != '\0';
	status->unresolved = status->has_name && !peer->name.n;
	status->asked = peer->asked;
	status->agreed = peer->agreed;
}

/* The counters of the agreement, and the agent's own. */
static void write_counters(struct agent *agent)
{
	uint64_t value;
	const char *name = "";

	for (size_t i = 0; i < AGENT_COUNTERS_MAX && name; i++) {
		struct agent_status_counter *counter = &agent->status->counters[i];

		name = agreement_counter(agent->agreement, i, &value);
		snprintf(counter->name, sizeof(counter->name), "%s", name ?: "socket_full");
		counter->value = name ? value : agent->socket_full;
	}
	for (unsigned int i = 0; i < MESSAGE_REFUSAL_COUNT; i++)
		agent->status->refusals[i].count = agreement_refused(agent->agreement, i,
								     &agent->status->refusals[i].from);
}

void agent_write_status(struct agent *agent)
{
	uint64_t now = agent_now();

	agent_status_begin(agent->status);
	agent->status->now = now;
	for (uint32_t i = 0; i < XDPSEC_MAX_PEERS; i++)
		if (agent->peers[i].config)
			write_peer(agent, i, now);
	write_counters(agent);
	agent_status_end(agent->status);
}
