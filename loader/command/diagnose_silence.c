// SPDX-License-Identifier: GPL-2.0-or-later
/* Why nothing comes back from a peer: by refusals, ICMP errors, the port, the host, and how far the path goes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agreement/message.h"
#include "command/diagnose.h"
#include "device/uplink.h"
#include "net/echo.h"
#include "net/reach.h"
#include "net/route.h"
#include "plane/self.h"

#define PROBE_PATIENCE 700
#define USUAL_PORT 7253

/* The known facts of the silence. */
struct silence {
	const char *what; /* "no answer to 3 attempts to agree on a key" */
	struct xdpsec_location place;
	char address[64];
	struct reach_target target;
	struct icmp_watch watch;
};

/* Messages that the agent has refused for this reason, from where the peer is. */
static __u64 refused(const struct diagnosis *d, const struct silence *silence, enum message_refusal reason)
{
	const struct agent_status *agent = d->report.agent_runs ? d->report.agent : NULL;

	if (!agent || memcmp(agent->refusals[reason].from.address, silence->place.address,
			     sizeof(silence->place.address)) != 0)
		return 0;
	return agent->refusals[reason].count;
}

static bool explain_by_refusals(struct diagnosis *d, const struct silence *silence)
{
	__u64 unknown = refused(d, silence, REFUSED_UNKNOWN_KEY),
	      ours = refused(d, silence, REFUSED_BAD_MAC1);
	char key[KEY32_TEXT + 1];

	if (!unknown && !ours)
		return false;
	if (unknown) {
		found(d, FINDING_WRONG,
		      "%s; and %s asks with a public key that no peer here has (%llu times): the key is "
		      "wrong, PublicKey of the peer here is not that of its PrivateKey",
		      silence->what, silence->address, (unsigned long long)unknown);
		mend(d, "set PublicKey of %s in %s to what `xdpsec pubkey` prints there; %s reload %s",
		     d->peer->record.name, d->report.instance.path, self(), d->name);
		return true;
	}
	key32_encode(d->report.instance.public_key, key);
	found(d, FINDING_WRONG,
	      "%s; and what %s sends is not for our public key (%llu times): the key is wrong there",
	      silence->what, silence->address, (unsigned long long)ours);
	mend(d, "at the other end, set PublicKey of this site to %s, and reload", key);
	return true;
}

/* Does another likely port of the host take datagrams, while that of Endpoint is refused? */
static __u16 other_port(const struct diagnosis *d, struct silence *silence)
{
	const __u16 candidates[] = { USUAL_PORT, d->report.config.listen_port };
	struct icmp_message error;

	for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++) {
		struct reach_target target = silence->target;

		target.port = candidates[i];
		if (target.port != silence->place.port && !exchange_is_protected(d, target.port) &&
		    reach_try(&target, &silence->watch, 0, PROBE_PATIENCE, &error) == 0)
			return target.port;
	}
	return 0;
}

static void say_refused(struct diagnosis *d, struct silence *silence)
{
	__u16 port = other_port(d, silence);

	if (port) {
		if (exchange_is_former(d, silence->place.port))
			found(d, FINDING_WRONG,
			      "%s: the port may be wrong: %s is up with UDP port %u, and a site with a "
			      "ListenPort does not open packets to %u, the default of earlier versions",
			      silence->what, silence->address, port, silence->place.port);
		else
			found(d, FINDING_WRONG,
			      "%s: the port is wrong: %s says \"port unreachable\" of UDP port %u, and not "
			      "of %u",
			      silence->what, silence->address, silence->place.port, port);
		mend(d, "set Endpoint = %s%s%s:%u in %s; %s reload %s",
		     address_is_ipv4(silence->place.address) ? "" : "[", silence->address,
		     address_is_ipv4(silence->place.address) ? "" : "]", port, d->report.instance.path,
		     self(), d->name);
		return;
	}
	found(d, FINDING_WRONG, "%s: the other site is not up: %s says \"port unreachable\" of UDP port %u",
	      silence->what, silence->address, silence->place.port);
	mend(d, "at the other end: xdpsec up NAME, and compare its ListenPort with %u", silence->place.port);
}

static void say_error(struct diagnosis *d, struct silence *silence, const struct icmp_message *error)
{
	char from[64];

	address_text(error->from, from, sizeof(from));
	if (error->meaning == ICMP_REFUSED &&
	    memcmp(error->from, silence->place.address, sizeof(error->from)) == 0) {
		say_refused(d, silence);
		return;
	}
	if (error->meaning == ICMP_PROHIBITED || error->meaning == ICMP_REFUSED) {
		found(d, FINDING_WRONG, "%s: UDP port %u is blocked by a firewall: %s says \"%s\"",
		      silence->what, silence->place.port, from, icmp_meaning_text(error->meaning));
		mend(d, "on %s: let UDP port %u pass, in both directions", from, silence->place.port);
		return;
	}
	found(d, FINDING_WRONG, "%s: %s says \"%s\" of %s: the host is down, or there is no route on the way",
	      silence->what, from, icmp_meaning_text(error->meaning), silence->address);
	mend(d, "%sping %s; on %s: ip route get %s", self_enter(), silence->address, from, silence->address);
}

static bool explain_by_error(struct diagnosis *d, struct silence *silence)
{
	struct icmp_message error;
	int result = 0;

	if (d->exchange.has_error) {
		say_error(d, silence, &d->exchange.error);
		return true;
	}
	if (!exchange_is_protected(d, silence->place.port))
		result = reach_try(&silence->target, &silence->watch, 0, PROBE_PATIENCE, &error);
	if (result == 1) {
		say_error(d, silence, &error);
		return true;
	}
	if (result == -EPERM) {
		found(d, FINDING_WRONG, "%s: a firewall of this host drops UDP port %u on the way out",
		      silence->what, silence->place.port);
		mend(d, "%snft list ruleset", self_enter());
		return true;
	}
	if (result == -EHOSTUNREACH) {
		found(d, FINDING_WRONG, "%s: the next router, or the host, does not answer its neighbours",
		      silence->what);
		mend(d, "%s neighbour show dev %s", self_ip(), d->report.instance.device);
		return true;
	}
	return false;
}

/* source NULL: the kernel chooses. */
static bool answers_ping(const struct diagnosis *d, const unsigned char *address, const unsigned char *source)
{
	struct echo_way way = { .source = source, .mark = d->report.config.mark };
	_cleanup_echo_ struct echo echo = { .fd = -1 };

	if (echo_open(&echo, address, &way))
		return false;
	echo.patience = PROBE_PATIENCE;
	return echo_try(&echo, echo.ipv4 ? ECHO_MINIMUM_IPV4 : ECHO_MINIMUM_IPV6) == 1;
}

/*
 * The agents have agreed, so the keys are right: their messages go from ListenPort to ListenPort. Sealed packets come
 * from the port of their flow, which a stateful firewall or NAT does not take for an answer.
 */
static void say_half_blocked(struct diagnosis *d, const struct silence *silence)
{
	__u16 port = silence->place.port;

	found(d, FINDING_WRONG,
	      "%s: %s answers to ping, and has agreed on keys: its sealed packets are blocked on the way by "
	      "a firewall, or by NAT, such as one that lets only answers pass, and no other port than %u",
	      silence->what, silence->address, port);
	mend(d,
	     "set SourcePort = listen at both ends, and reload; or let UDP port %u pass in both directions, "
	     "from any port; then run `xdpsec diagnose` at the other end",
	     port);
}

static void say_blocked(struct diagnosis *d, const struct silence *silence)
{
	const struct agreement_status *status = &d->peer->agreed.status;
	__u16 port = silence->place.port;
	char key[KEY32_TEXT + 1];

	if (d->peer->agreed.has_status && status->unconfirmed) {
		found(d, FINDING_WRONG,
		      "%s, but it asks, and has not confirmed our %u answers: UDP port %u is blocked on the "
		      "way there, or the preshared keys differ",
		      silence->what, status->unconfirmed, port);
		mend(d, "let UDP port %u pass from here to %s", port, silence->address);
		return;
	}
	if (d->peer->agreed.agreed && d->peer->agreed.state == AGREED_STATE_AGREED) {
		say_half_blocked(d, silence);
		return;
	}
	key32_encode(d->peer->record.public_key, key);
	found(d, FINDING_WRONG,
	      "%s: %s answers to ping, and nothing comes from UDP port %u: it is blocked on the way by a "
	      "firewall, or that host has another ListenPort, or its public key is not %s",
	      silence->what, silence->address, port, key);
	mend(d, "let UDP port %u pass in both directions; then run `xdpsec diagnose` at the other end", port);
}

/* Is it there at all? */
static const char *gateway_text(const struct diagnosis *d, const struct silence *silence, char *text,
				size_t size)
{
	struct route route = {};
	char gateway[64];

	text[0] = '\0';
	if (route_find(silence->place.address, d->report.vrf, d->report.config.mark, &route) ||
	    !route.has_gateway)
		return text;
	snprintf(text, size, " (the next one, %s, %s to ping)",
		 address_text(route.gateway, gateway, sizeof(gateway)),
		 answers_ping(d, route.gateway, NULL) ? "answers" : "does not answer");
	return text;
}

static void say_black_hole(struct diagnosis *d, struct silence *silence)
{
	unsigned char from[16];
	char text[128];
	int hops = exchange_is_protected(d, silence->place.port)
			   ? 0
			   : reach_last_hop(&silence->target, &silence->watch, from);

	if (hops) {
		address_text(from, text, sizeof(text));
		found(d, FINDING_WRONG,
		      "%s: packets to %s vanish: neither ping nor UDP is answered, and the last router that "
		      "answers is %s, %d hop%s away: behind it is a black hole, or the host is down",
		      silence->what, silence->address, text, hops, hops == 1 ? "" : "s");
		mend(d, "on %s: ip route get %s", text, silence->address);
		return;
	}
	found(d, FINDING_WRONG,
	      "%s: packets to %s vanish: neither ping nor UDP is answered, and no router on the way says "
	      "anything%s: a black hole, or the host is down",
	      silence->what, silence->address, gateway_text(d, silence, text, sizeof(text)));
	mend(d, "%straceroute -n %s", self_enter(), silence->address);
}

/* Is there an answer to another source than the one in use? */
static bool explain_by_source(struct diagnosis *d, const struct silence *silence)
{
	const unsigned char *used = silence->target.source;
	char theirs[64], other[64];
	struct way way = {};

	if (!used || way_find(silence->place.address, d->report.vrf, NULL, d->report.config.mark, &way) ||
	    !way.has_source || memcmp(way.source, used, sizeof(way.source)) == 0 ||
	    !answers_ping(d, silence->place.address, way.source))
		return false;
	address_text(used, theirs, sizeof(theirs));
	address_text(way.source, other, sizeof(other));
	found(d, FINDING_WRONG,
	      "%s: the source address is wrong: %s answers to ping from %s, and not from %s, which Source "
	      "says: it is dropped on the way as spoofed, or there is no route back to it",
	      silence->what, silence->address, other, theirs);
	mend(d, "set Source = %s in %s, or remove it; %s reload %s", other, d->report.instance.path, self(),
	     d->name);
	return true;
}

/* With manual keys no agent answers: that nothing comes is no fault by itself. */
static void say_quiet(struct diagnosis *d, const struct silence *silence, bool pings)
{
	found(d, FINDING_UNKNOWN,
	      "%s; with manual keys nothing has to come back: nobody behind the peer answers, or UDP port %u "
	      "is blocked on the way, or its keys are others, or the host is down (%s %s to ping)",
	      silence->what, silence->place.port, silence->address, pings ? "answers" : "does not answer");
	mend(d, "run `xdpsec diagnose` at the other end, and ping an address behind it");
}

static void explain_from(struct diagnosis *d, struct silence *silence)
{
	bool pings;

	if (explain_by_refusals(d, silence) || explain_by_error(d, silence))
		return;
	pings = answers_ping(d, silence->place.address, silence->target.source);
	if (!pings && explain_by_source(d, silence))
		return;
	if (!d->peer->agreed.agreed)
		say_quiet(d, silence, pings);
	else if (pings)
		say_blocked(d, silence);
	else
		say_black_hole(d, silence);
}

void explain_silence(struct diagnosis *d, const char *what)
{
	struct silence silence = { .what = what, .watch = { .ipv4 = -1, .ipv6 = -1 } };

	if (!peer_place(d, &silence.place)) {
		found(d, FINDING_UNKNOWN, "%s, and it is not known where the peer is", what);
		return;
	}
	address_text(silence.place.address, silence.address, sizeof(silence.address));
	memcpy(silence.target.address, silence.place.address, sizeof(silence.target.address));
	silence.target.port = silence.place.port;
	silence.target.mark = d->report.config.mark;
	if (d->peer->uplink.has_source)
		silence.target.source = d->peer->uplink.source;
	icmp_watch_open(&silence.watch);
	explain_from(d, &silence);
	icmp_watch_close(&silence.watch);
}
