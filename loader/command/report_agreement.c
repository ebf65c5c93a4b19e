// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading how the key agreement stands: the maps have the keys in use, the agent's file what it is doing. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/instance_lock.h"
#include "agreement/message.h"
#include "command/report.h"
#include "plane/plane.h"
#include "plane/self.h"

#define SECOND 1000000000ULL
#define DAY (86400 * SECOND)

/* The number of Initiations, in some 20 seconds, after which a missing answer is a fault. */
#define ATTEMPTS_MANY 6

/* The number of Responses without a Confirm that is a fault: one or two may have been lost. */
#define UNCONFIRMED_MANY 3

static __u64 boottime(void)
{
	struct timespec now;

	return clock_gettime(CLOCK_BOOTTIME, &now) ? 0 : (__u64)now.tv_sec * SECOND + (__u64)now.tv_nsec;
}

/* Whole seconds from one time to a later one. */
static __u64 seconds_between(__u64 from, __u64 to)
{
	return to > from ? (to - from) / SECOND : 0;
}

static void describe_pair(struct peer_report *peer)
{
	struct agreed_report *agreed = &peer->agreed;
	const struct xdpsec_agreement *pair = &agreed->pair;
	__u64 now = boottime();

	agreed->age = seconds_between(pair->birth, now);
	agreed->expires = seconds_between(now, pair->deadline);
	agreed->state = now < pair->deadline ? AGREED_STATE_AGREED : AGREED_STATE_EXPIRED;
	agreed->handshake = agreed->age;
	agreed->handshake_known = true;
	agreed->by_us = pair->initiator;
	peer->tx.record.spi = pair->spi_tx;
	peer->rx.record.spi = pair->spi_rx;
	if (pair->partner < XDPSEC_MAX_SAS)
		peer->rx.record.slot = pair->partner;
}

/* Without an SA, the counters of the peer are those of its first slots. */
int report_read_agreed(const struct plane *plane, struct peer_report *peer, __u32 index)
{
	struct xdpsec_peer sealing;
	int err = plane_read(plane, MAP_PEERS, &index, &sealing);

	if (err)
		return err;
	peer->agreed.agreed = true;
	peer->tx.record.slot = index * XDPSEC_SLOTS_PER_PEER;
	peer->rx.record.slot = index * XDPSEC_SLOTS_PER_PEER + XDPSEC_SLOTS_TO_SEAL;
	if (sealing.tx_sa >= XDPSEC_MAX_SAS)
		return 0;
	peer->tx.record.slot = sealing.tx_sa;
	err = plane_read(plane, MAP_AGREEMENTS, &sealing.tx_sa, &peer->agreed.pair);
	peer->agreed.has_pair = !err;
	if (!err)
		describe_pair(peer);
	return err;
}

static void add_status(struct agreed_report *agreed, const struct agent_status_peer *from)
{
	agreed->has_status = true;
	agreed->status = from->agreement;
	agreed->has_name = from->has_name;
	agreed->unresolved = from->unresolved;
	agreed->asked = from->asked;
	agreed->with = from->agreed;
	if (from->agreement.handshake) {
		agreed->handshake = seconds_between(from->agreement.handshake, boottime());
		agreed->handshake_known = true;
	}
	if (from->agreement.denial)
		agreed->state = AGREED_STATE_REFUSED;
	else if (agreed->state != AGREED_STATE_AGREED && from->agreement.asking)
		agreed->state = AGREED_STATE_ASKING;
}

void report_read_agent(struct report *report, const struct plane *plane, const size_t *index)
{
	report->agent_runs = instance_lock_held(plane, &report->agent_pid);
	report->agent = agent_status_read(report->instance.name);
	/* The file outlives its agent: what that was doing is of no interest. */
	if (!report->agent || !report->agent_runs)
		return;
	for (__u32 i = 0; i < XDPSEC_MAX_PEERS; i++)
		if (index[i] && report->agent->peers[i].in_use)
			add_status(&report->peers[index[i] - 1].agreed, &report->agent->peers[i]);
}

const char *agreed_state_word(enum agreed_state state)
{
	static const char *const words[] = {
		[AGREED_STATE_NONE] = "none",	    [AGREED_STATE_AGREED] = "agreed",
		[AGREED_STATE_ASKING] = "asking",   [AGREED_STATE_REFUSED] = "refused",
		[AGREED_STATE_EXPIRED] = "expired",
	};

	return words[state];
}

const char *agreed_state_text(const struct agreed_report *agreed, char *text, size_t size)
{
	static const char *const names[] = {
		[AGREED_STATE_NONE] = "no key",	    [AGREED_STATE_AGREED] = "agreed",
		[AGREED_STATE_ASKING] = "asking",   [AGREED_STATE_REFUSED] = "refused",
		[AGREED_STATE_EXPIRED] = "expired",
	};

	/* The agent has made no attempt, because it does not know where the peer is. */
	if (agreed->state == AGREED_STATE_ASKING && !agreed->status.attempts)
		snprintf(text, size, "%s", names[AGREED_STATE_NONE]);
	else if (agreed->state == AGREED_STATE_ASKING)
		snprintf(text, size, "asking (attempt %u)", agreed->status.attempts);
	else if (agreed->state == AGREED_STATE_REFUSED)
		snprintf(text, size, "refused: %s", denial_text(agreed->status.denial));
	else
		snprintf(text, size, "%s", names[agreed->state]);
	return text;
}

/* Why no key is agreed on, as far as the agent knows. */
static void warn_of_cause(struct report *report, const struct peer_report *peer)
{
	const struct agreed_report *agreed = &peer->agreed;
	const struct agreement_status *status = &agreed->status;
	const char *name = peer->record.name;

	if (agreed->state == AGREED_STATE_REFUSED)
		add_warning(report, WARNING_OTHER, "%s: it refuses to agree on a key: %s", name,
			    denial_text(status->denial));
	else if (status->psk_unreadable)
		add_warning(report, WARNING_OTHER,
			    "%s: its PresharedKeyFile cannot be read; xdpsec check %s says why", name,
			    report->instance.name);
	else if (status->response_wrong || status->unconfirmed >= UNCONFIRMED_MANY)
		add_warning(
			report, WARNING_OTHER,
			"%s: its answers cannot be opened, or it cannot open ours: the preshared keys differ",
			name);
	else if (agreed->unresolved)
		add_warning(report, WARNING_OTHER, "%s: the name in its Endpoint has no address", name);
	else if (agreed->state != AGREED_STATE_AGREED && status->attempts >= ATTEMPTS_MANY)
		add_warning(report, WARNING_OTHER,
			    "%s: no answer to %u attempts to agree on a key: is it up, do the public keys "
			    "match, and does UDP port %u pass in both directions?",
			    name, status->attempts, report->config.listen_port);
}

static void warn_of_agreed(struct report *report, const struct peer_report *peer)
{
	const struct agreed_report *agreed = &peer->agreed;

	/* An agent that does not ask lets it expire: Idle = silent. */
	if (agreed->state == AGREED_STATE_EXPIRED && !agreed->has_status)
		add_warning(
			report, WARNING_OTHER,
			"%s: its key has expired, and no other was agreed on: nothing is sealed or opened",
			peer->record.name);
	if (!agreed->has_status)
		return;
	warn_of_cause(report, peer);
	if (agreed->status.ahead > DAY)
		add_warning(report, WARNING_OTHER,
			    "%s: the timestamps sent to it are %llu days ahead of this clock",
			    peer->record.name, (unsigned long long)(agreed->status.ahead / DAY));
}

void report_warn_agreement(struct report *report)
{
	if (!report->agrees)
		return;
	if (!report->agent_runs)
		add_warning(report, WARNING_OTHER,
			    "no agent is running: no new keys are agreed on, and nothing is sealed once "
			    "those in use have expired; %s agree %s",
			    self(), report->instance.name);
	for (size_t i = 0; i < report->n_peers; i++)
		if (report->peers[i].agreed.agreed)
			warn_of_agreed(report, &report->peers[i]);
}
