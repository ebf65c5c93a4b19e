// SPDX-License-Identifier: GPL-2.0-or-later
/* The output of `status` about the key agreement: text and JSON. Public keys are shown, no others. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <json-c/json.h>

#include "agreement/message.h"
#include "base/array.h"
#include "command/json_output.h"
#include "command/status.h"
#include "plane/bulk.h"

/* "2 minutes, 3 seconds": the two greatest units. */
static const char *duration_text(__u64 seconds, char *text, size_t size)
{
	static const struct {
		const char *name;
		__u64 seconds;
	} units[] = { { "day", 86400 }, { "hour", 3600 }, { "minute", 60 }, { "second", 1 } };
	size_t used = 0, n = 0;
	__u64 count;

	for (size_t i = 0; i < ARRAY_SIZE(units) && n < 2; i++) {
		count = seconds / units[i].seconds;
		seconds %= units[i].seconds;
		if (!count && (n || i + 1 < ARRAY_SIZE(units)))
			continue;
		used += (size_t)snprintf(text + used, size - used, "%s%llu %s%s", n ? ", " : "", count,
					 units[i].name, count == 1 ? "" : "s");
		n++;
	}
	return text;
}

void agreement_print_peer(const struct peer_report *peer)
{
	const struct agreed_report *agreed = &peer->agreed;
	char text[128], key[KEY32_TEXT + 1];

	key32_encode(peer->record.public_key, key);
	printf("  public key: %s\n", key);
	printf("  state: %s\n", agreed_state_text(agreed, text, sizeof(text)));
	if (agreed->handshake_known)
		printf("  latest handshake: %s ago, by %s\n",
		       duration_text(agreed->handshake, text, sizeof(text)),
		       agreed->by_us ? "us" : "the peer");
	else
		printf("  latest handshake: never\n");
	if (!agreed->has_pair)
		return;
	printf("  key age: %s\n", duration_text(agreed->age, text, sizeof(text)));
	printf("  suite: %s%s\n", suite_name(agreed->pair.suite),
	       agreed->pair.bulk ? ", by the module " BULK_MODULE : "");
	printf("  expires in: %s\n",
	       agreed->expires ? duration_text(agreed->expires, text, sizeof(text)) : "expired");
}

static const char *counters_text(const struct agent_status *agent, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < AGENT_COUNTERS_MAX && agent->counters[i].name[0] && used < size; i++)
		if (agent->counters[i].value)
			used += (size_t)snprintf(text + used, size - used, "%s%s %llu", used ? ", " : "",
						 agent->counters[i].name,
						 (unsigned long long)agent->counters[i].value);
	return text;
}

void agreement_print(const struct report *report)
{
	const struct agent_status *agent = report->agent;
	char text[1024], key[KEY32_TEXT + 1];

	key32_encode(report->instance.public_key, key);
	printf("  public key: %s\n", key);
	if (!report->agent_runs) {
		printf("  agent: not running\n");
		return;
	}
	printf("  agent: process %d", report->agent_pid);
	if (agent)
		printf(", user %.*s, log: %.*s", (int)sizeof(agent->user), agent->user,
		       (int)sizeof(agent->log), agent->log);
	printf("\n");
	if (agent && counters_text(agent, text, sizeof(text))[0])
		printf("  key agreement: %s\n", text);
}

static void add_key(struct json_object *object, const unsigned char public_key[KEY32_BYTES])
{
	char key[KEY32_TEXT + 1];

	key32_encode(public_key, key);
	json_add_text(object, "public_key", key);
}

static void add_pair(struct json_object *object, const struct agreed_report *agreed)
{
	const struct xdpsec_agreement *pair = &agreed->pair;

	json_add_text(object, "role", !agreed->has_pair ? NULL : pair->initiator ? "initiator" : "responder");
	json_add_text(object, "suite", agreed->has_pair ? suite_name(pair->suite) : NULL);
	json_object_object_add(object, "module",
			       agreed->has_pair ? json_object_new_boolean(pair->bulk) : NULL);
	json_add_known(object, "generation", agreed->has_pair, pair->generation);
	json_add_known(object, "age", agreed->has_pair, agreed->age);
	json_add_known(object, "expires", agreed->has_pair, agreed->expires);
}

void agreement_add_peer_json(struct json_object *peer_object, const struct peer_report *peer)
{
	struct json_object *object = json_object_new_object();
	const struct agreed_report *agreed = &peer->agreed;
	const struct agreement_status *status = &agreed->status;

	add_key(peer_object, peer->record.public_key);
	json_object_object_add(peer_object, "agreement", object);
	json_add_text(object, "state", agreed_state_word(agreed->state));
	add_pair(object, agreed);
	json_add_known(object, "handshake", agreed->handshake_known, (__u64)time(NULL) - agreed->handshake);
	/* The agent alone knows the rest. */
	json_add_known(object, "attempts", agreed->has_status, status->attempts);
	json_add_text(object, "refused",
		      agreed->has_status && status->denial ? denial_text(status->denial) : NULL);
	json_add_known(object, "handshakes", agreed->has_status, status->handshakes);
	json_add_known(object, "restarts", agreed->has_status, status->restarts);
}

static struct json_object *agent_json(const struct report *report)
{
	struct json_object *object = json_object_new_object(), *counters = json_object_new_object();
	const struct agent_status *agent = report->agent_runs ? report->agent : NULL;

	json_add_bool(object, "running", report->agent_runs);
	json_add_known(object, "pid", report->agent_runs && report->agent_pid, (__u64)report->agent_pid);
	json_add_text(object, "user", agent ? agent->user : NULL);
	json_add_text(object, "log", agent ? agent->log : NULL);
	json_add_known(object, "started", agent, agent ? (__u64)agent->started : 0);
	for (size_t i = 0; agent && i < AGENT_COUNTERS_MAX && agent->counters[i].name[0]; i++)
		json_add_number(counters, agent->counters[i].name, agent->counters[i].value);
	json_object_object_add(object, "counters", counters);
	return object;
}

void agreement_add_json(struct json_object *object, const struct report *report)
{
	add_key(object, report->instance.public_key);
	json_object_object_add(object, "agent", agent_json(report));
}
