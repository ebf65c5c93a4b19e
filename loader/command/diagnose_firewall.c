// SPDX-License-Identifier: GPL-2.0-or-later
/* The check of the firewall: do the rules of nftables on this host let messages of the key agreement pass? */
#include <stdio.h>
#include <string.h>
#include <json-c/json.h>

#include "command/diagnose.h"
#include "device/uplink.h"
#include "net/ruleset.h"
#include "plane/self.h"

/* Hooks that a message passes on its way out, and in. A tunnel's data passes none of them. */
static const struct {
	const char *name;
	bool out;
} hooks[] = {
	{ "output", true },   { "postrouting", true }, { "egress", true },
	{ "ingress", false }, { "prerouting", false }, { "input", false },
};

static void describe_rule(const struct diagnosis *d, const struct xdpsec_location *place, bool out,
			  struct ruleset_packet *packet)
{
	struct way way = {};
	__u16 port = d->report.config.listen_port;

	way_find(place->address, d->report.vrf, NULL, d->report.config.mark, &way);
	memset(packet, 0, sizeof(*packet));
	memcpy(out ? packet->destination : packet->source, place->address, 16);
	memcpy(out ? packet->source : packet->destination,
	       d->peer->uplink.has_source ? d->peer->uplink.source : way.source, 16);
	packet->source_port = out ? port : place->port;
	packet->port = out ? place->port : port;
	*(out ? &packet->out : &packet->in) = d->report.instance.device;
	/* Packets that come in are answers, as this end asks as well. */
	packet->state = out ? "new" : "established";
}

static void say(struct diagnosis *d, enum ruleset_answer answer, const struct ruleset_chain *chain,
		const struct ruleset_packet *packet, bool out)
{
	char rule[32] = "its policy";

	if (chain->handle)
		snprintf(rule, sizeof(rule), "its rule %d", chain->handle);
	if (answer == RULESET_UNCERTAIN) {
		found(d, FINDING_UNKNOWN,
		      "chain %s of table %s %s may drop UDP port %u on the way %s: not all of it can be "
		      "judged here",
		      chain->name, chain->family, chain->table, packet->port, out ? "out" : "in");
		return;
	}
	found(d, FINDING_WRONG, "UDP port %u is blocked on the way %s: chain %s of table %s %s, by %s",
	      packet->port, out ? "out" : "in", chain->name, chain->family, chain->table, rule);
	mend(d, "%snft insert rule %s %s %s udp dport %u accept", self_enter(), chain->family, chain->table,
	     chain->name, packet->port);
}

/* A chain that lets only answers out is no fault if the peer asks. */
static enum ruleset_answer judge_hook(const struct diagnosis *d, struct json_object *ruleset,
				      const char *hook, struct ruleset_packet *packet,
				      struct ruleset_chain *chain)
{
	const struct agreed_report *agreed = &d->peer->agreed;
	enum ruleset_answer answer = ruleset_judge(ruleset, hook, packet, chain);

	if (!packet->out || answer != RULESET_DROPS || agreed->state != AGREED_STATE_AGREED || agreed->by_us)
		return answer;
	packet->state = "established";
	return ruleset_judge(ruleset, hook, packet, chain);
}

static void judge_verdict(struct diagnosis *d, struct json_object *ruleset,
			  const struct xdpsec_location *place)
{
	enum ruleset_answer worst = RULESET_PASSES, answer;
	struct ruleset_packet packet, shown = {};
	struct ruleset_chain chain, blamed = {};
	bool out = false;

	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		describe_rule(d, place, hooks[i].out, &packet);
		answer = judge_hook(d, ruleset, hooks[i].name, &packet, &chain);
		if (answer == RULESET_PASSES || (worst != RULESET_PASSES && answer == RULESET_UNCERTAIN))
			continue;
		worst = answer;
		blamed = chain;
		shown = packet;
		out = hooks[i].out;
		if (answer == RULESET_DROPS)
			break;
	}
	if (worst == RULESET_PASSES)
		found(d, FINDING_OK, "nftables of this host lets UDP port %u out, and %u in", place->port,
		      d->report.config.listen_port);
	else
		say(d, worst, &blamed, &shown, out);
}

void check_firewall(struct diagnosis *d)
{
	struct json_object *ruleset;
	struct xdpsec_location place;

	if (!d->peer->agreed.agreed || !peer_place(d, &place))
		return;
	if (ruleset_has_legacy()) {
		found(d, FINDING_UNKNOWN, "iptables-legacy has rules, which are not judged here");
		mend(d, "%siptables-legacy-save", self_enter());
		return;
	}
	ruleset = ruleset_read();
	if (!ruleset) {
		found(d, FINDING_UNKNOWN, "nft is not installed, or cannot read the rules");
		return;
	}
	judge_verdict(d, ruleset, &place);
	json_object_put(ruleset);
}
