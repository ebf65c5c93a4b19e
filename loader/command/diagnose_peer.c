// SPDX-License-Identifier: GPL-2.0-or-later
/* Checks of what comes back from a peer: the key agreement, and packets. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agreement/message.h"
#include "command/diagnose.h"
#include "plane/self.h"

/* A peer that has begun anew so often, each within so many seconds, is more than one host: if it moves as well, or if keys
 * are agreed on with an address that is not its own, as where an Endpoint does not move. */
#define RESTARTS_MANY 2
#define MOVES_MANY 2
#define RESTART_SECONDS 600

/* Two keepalives. */
#define HEARD_RECENTLY 50

/* ---- handshake --------------------------------------------------------------------------------------- */

static bool is_elsewhere(const struct diagnosis *d)
{
	const struct agreement_address *with = &d->peer->agreed.with;
	struct xdpsec_location place;

	return with->port && peer_place(d, &place) &&
	       memcmp(with->address, place.address, sizeof(place.address)) != 0;
}

static bool is_doubled(const struct diagnosis *d)
{
	const struct agent_status *agent = d->report.agent;
	__u64 restarts = d->peer->agreed.status.restarts;
	__s64 runs = agent ? (__s64)time(NULL) - agent->started : 0;

	return agent && restarts >= RESTARTS_MANY && runs < (__s64)(restarts * RESTART_SECONDS) &&
	       (d->peer->endpoint.moves >= MOVES_MANY || is_elsewhere(d));
}

static const char *setting_of(enum denial denial)
{
	switch (denial) {
	case DENIAL_SUITE:
		return "Cipher";
	case DENIAL_CARRIES:
		return "Mode";
	case DENIAL_BINDING:
		return "Bind";
	default:
		return NULL;
	}
}

static void say_denied(struct diagnosis *d)
{
	enum denial denial = d->peer->agreed.status.denial;

	found(d, FINDING_WRONG, "the peer refuses to agree on a key: %s", denial_text(denial));
	if (setting_of(denial))
		mend(d, "set %s to the same at both ends, and reload", setting_of(denial));
	else
		mend(d, "xdpsec status NAME at the other end");
}

/* The agent knows why. */
static bool say_cause(struct diagnosis *d)
{
	const struct agreed_report *agreed = &d->peer->agreed;

	if (agreed->has_status && is_doubled(d)) {
		found(d, FINDING_WRONG,
		      "duplicate key: the peer has begun anew %llu times, and moved %u times: two hosts have "
		      "its private key, or it restarts again and again",
		      (unsigned long long)agreed->status.restarts, d->peer->endpoint.moves);
		mend(d, "xdpsec genkey on one of them, and a [Peer] of its own here");
	} else if (agreed->state == AGREED_STATE_REFUSED) {
		say_denied(d);
	} else if (agreed->status.psk_unreadable) {
		found(d, FINDING_WRONG, "the PresharedKeyFile cannot be read");
		mend(d, "%s check %s", self(), d->report.instance.path);
	} else if (agreed->status.response_wrong) {
		found(d, FINDING_WRONG, "its answers cannot be opened: the preshared keys differ");
		mend(d, "put the same preshared key at both ends: xdpsec genpsk makes a new one");
	} else {
		return false;
	}
	return true;
}

void check_handshake(struct diagnosis *d)
{
	const struct agreed_report *agreed;
	struct xdpsec_location place;
	char what[128];

	if (!d->peer->agreed.agreed ||
	    (!peer_place(d, &place) && d->peer->agreed.state != AGREED_STATE_AGREED) || exchange_run(d))
		return;
	agreed = &d->peer->agreed;
	if (say_cause(d))
		return;
	if (agreed->state == AGREED_STATE_AGREED) {
		found(d, FINDING_OK, "%llu seconds ago, by %s", (unsigned long long)agreed->handshake,
		      agreed->by_us ? "us" : "the peer");
		return;
	}
	snprintf(what, sizeof(what), "%sno answer to %u attempt%s to agree on a key",
		 agreed->state == AGREED_STATE_EXPIRED ? "the last key has expired; " : "",
		 agreed->status.attempts, agreed->status.attempts == 1 ? "" : "s");
	explain_silence(d, what);
}

/* ---- packets ----------------------------------------------------------------------------------------- */

/* Drops that show what is wrong. */
static const struct {
	enum xdpsec_drop reason;
	const char *text, *hint;
} reasons[] = {
	{ XDPSEC_DROP_AUTH_FAILED, "the keys or Bind of both ends differ, or packets are changed on the way",
	  "compare the keys of both ends; with NAT in between: Bind = ports or none, or a tunnel" },
	{ XDPSEC_DROP_UNKNOWN_SPI,
	  "it seals for an SPI that is not here: TxSpi there is not RxSpi here, or a key was lost",
	  "TxSpi there is RxSpi here, and the other way round; with agreed keys: xdpsec reload at both "
	  "ends" },
	{ XDPSEC_DROP_PLAINTEXT, "it sends in clear: it is not up, or its Ports are others",
	  "at the other end: xdpsec up NAME, and compare Ports and Address" },
	{ XDPSEC_DROP_WRONG_PEER, "its packets come from an address that is of another peer",
	  "compare Address of the peers with the source that it sends from" },
	{ XDPSEC_DROP_REPLAYED,
	  "its sequence numbers were seen before: it has lost its state, or packets are doubled",
	  "new keys at both ends, if its state was lost" },
	{ XDPSEC_DROP_SPOOFED, "the sources of its packets are not in its AllowedIPs",
	  "add the network that it sends from to AllowedIPs of the peer, and reload" },
	{ XDPSEC_DROP_NO_HOP, "packets have a pending checksum, or GSO, and nothing completes them",
	  "xdpsec reload NAME" },
	{ XDPSEC_DROP_SEQUENCE_EXHAUSTED, "the reserved sequence numbers are used up", "xdpsec reload NAME" },
	{ XDPSEC_DROP_LOOP, "the route to its endpoint leads into the tunnel",
	  "ip route add ENDPOINT via GATEWAY" },
	{ XDPSEC_DROP_DISPLACED, "a program is on another device than its own", "xdpsec reload NAME" },
	{ XDPSEC_DROP_NO_DEVICE, "the device that packets go to was deleted or moved",
	  "xdpsec down NAME, and up" },
	{ XDPSEC_DROP_CRYPTO, "the kernel's cipher fails", "xdpsec selftest" },
};

/* Packets were dropped just now; or always, if nothing was ever opened. */
static bool say_drops(struct diagnosis *d)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		__u64 now = d->exchange.drops[reasons[i].reason],
		      all = d->peer->rx.packets ? 0 : d->report.drops[reasons[i].reason];

		if (!now && !all)
			continue;
		found(d, FINDING_WRONG, "%llu were dropped as %s: %s", (unsigned long long)(now ?: all),
		      report_drop_name((int)reasons[i].reason), reasons[i].text);
		mend(d, "%s", reasons[i].hint);
		return true;
	}
	return false;
}

static void say_counts(struct diagnosis *d, enum finding_result result, const char *more)
{
	found(d, result, "%llu out and %llu in meanwhile, %llu and %llu in all%s",
	      (unsigned long long)d->exchange.sealed, (unsigned long long)d->exchange.opened,
	      (unsigned long long)d->peer->tx.packets, (unsigned long long)d->peer->rx.packets, more);
}

void check_packets(struct diagnosis *d)
{
	struct xdpsec_location place;
	char text[64], more[128] = "";
	__u64 now = (__u64)time(NULL);
	bool heard;

	if ((is_tunnel(d) && !peer_place(d, &place)) || exchange_run(d))
		return;
	heard = d->peer->rx.last_seen + HEARD_RECENTLY > now && !d->exchange.has_error;
	if (d->exchange.answered)
		snprintf(more, sizeof(more), "; %s answers",
			 address_text(d->exchange.target, text, sizeof(text)));
	else if (d->exchange.has_target)
		snprintf(more, sizeof(more), "; %s does not answer to ping",
			 address_text(d->exchange.target, text, sizeof(text)));
	if (d->exchange.answered || d->exchange.opened)
		say_counts(d, FINDING_OK, more);
	else if (say_drops(d))
		return;
	else if (!is_tunnel(d) && d->peer->agreed.agreed)
		say_counts(d, FINDING_OK, "; both ends have agreed on a key");
	else if (heard || (!is_tunnel(d) && !d->peer->tx.packets))
		say_counts(d, FINDING_UNKNOWN, more);
	else if (is_tunnel(d))
		explain_silence(d, d->exchange.sealed ? "packets go out, and none come in"
						      : "no packets come in");
	else
		say_counts(d, FINDING_UNKNOWN, "; nothing came in lately");
}
