// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sending to a peer, and watching. In a tunnel an echo request to an address behind the peer makes the agent ask for a
 * key if there is none; the peer's agent answers data within 16 seconds, whether the host behind it does or not.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/message.h"
#include "base/monotonic.h"
#include "command/commands.h"
#include "command/diagnose.h"
#include "device/uplink.h"
#include "net/echo.h"
#include "net/reach.h"

/* Milliseconds. An agent repeats an Initiation every 5.3 seconds at most, in the first 90. A keepalive answers
 * data after 10 seconds, that of the agent and the 5 of the kernel's tick. */
#define ECHO_PATIENCE 400
#define PROBE_PATIENCE 500
#define LOOK_EVERY 250
#define WAIT_ASKING 6000
#define WAIT_KEEPALIVE 17000
#define WAIT_MANUAL 1500
#define WAIT_INLINE 500

/* The prefix's first host that is not this one. False: there is none. */
static bool host_behind(const struct diagnosis *d, const struct xdpsec_prefix *prefix,
			unsigned char address[16])
{
	unsigned int vrf = d->report.near.master;

	first_host(prefix, address);
	if (!address_is_here(address, vrf))
		return true;
	if (prefix->length >= 127)
		return false;
	address[15]++;
	return !address_is_here(address, vrf);
}

/* The only single address, or the first host of the smallest network. */
static void choose_target(struct diagnosis *d)
{
	const struct peer_report *peer = d->peer;
	unsigned char address[16];
	__u32 longest = 0;

	if (!is_tunnel(d) || !d->report.near.index)
		return;
	for (size_t i = 0; i < peer->n_prefixes; i++) {
		const struct xdpsec_prefix prefix = peer->prefixes[i].prefix;

		if (prefix_is_default(&prefix) || prefix.length <= longest ||
		    !host_behind(d, &prefix, address))
			continue;
		longest = prefix.length;
		memcpy(d->exchange.target, address, sizeof(address));
	}
	d->exchange.has_target = longest != 0;
}

bool exchange_answers(const struct diagnosis *d, const unsigned char *source)
{
	_cleanup_echo_ struct echo echo = { .fd = -1 };
	struct echo_way way = { .device = d->report.near.name, .source = source };

	if (!d->exchange.has_target || echo_open(&echo, d->exchange.target, &way))
		return false;
	echo.patience = ECHO_PATIENCE;
	return echo_try(&echo, echo.ipv4 ? ECHO_MINIMUM_IPV4 : ECHO_MINIMUM_IPV6) == 1;
}

bool exchange_is_protected(const struct diagnosis *d, __u16 port)
{
	const struct peer_report *peer = d->peer;

	/* Ports of sockets that are not bound are dynamic ones. */
	for (size_t i = 0; !is_tunnel(d) && i < peer->n_prefixes; i++)
		for (__u32 k = 0; k < peer->prefixes[i].n_ports; k++)
			if ((peer->prefixes[i].ports[k].first <= port &&
			     port <= peer->prefixes[i].ports[k].last) ||
			    peer->prefixes[i].ports[k].last >= 32768)
				return true;
	return false;
}

bool exchange_is_former(const struct diagnosis *d, __u16 port)
{
	return is_tunnel(d) && !d->peer->agreed.agreed && port == LISTEN_PORT_FORMER;
}

/* The counters before, which are replaced by what came in between. */
struct before {
	__u64 sealed, opened, spoofed;
	__u64 drops[XDPSEC_DROP_COUNT];
};

static void compare_counters(struct diagnosis *d, const struct before *before)
{
	struct exchange *exchange = &d->exchange;

	exchange->sealed = d->peer->tx.packets - before->sealed;
	exchange->opened = d->peer->rx.packets - before->opened;
	exchange->spoofed = peer_drops(d, XDPSEC_DROP_SPOOFED) - before->spoofed;
	for (int i = 0; i < XDPSEC_DROP_COUNT; i++)
		exchange->drops[i] = d->report.drops[i] - before->drops[i];
}

/* Is there nothing to wait for? */
static bool is_clear(const struct diagnosis *d)
{
	const struct agreed_report *agreed = &d->peer->agreed;
	bool has_key = !agreed->agreed || agreed->state == AGREED_STATE_AGREED;

	if (d->exchange.has_error || d->exchange.answered)
		return true;
	if (agreed->state == AGREED_STATE_REFUSED || agreed->status.psk_unreadable ||
	    agreed->status.response_wrong)
		return true;
	return has_key && (d->exchange.opened || !is_tunnel(d)) && agreed->agreed;
}

static int patience(const struct diagnosis *d)
{
	const struct agreed_report *agreed = &d->peer->agreed;
	__u64 heard = d->peer->rx.last_seen, now = (__u64)time(NULL);

	if (!agreed->agreed)
		return is_tunnel(d) ? WAIT_MANUAL : WAIT_INLINE;
	if (agreed->state != AGREED_STATE_AGREED)
		return WAIT_ASKING;
	if (!is_tunnel(d) || heard + 10 > now)
		return WAIT_INLINE;
	return WAIT_KEEPALIVE;
}

/* Keep an error that is about a packet to the peer's place. The two that probing itself draws are no fault. */
static void note_error(struct diagnosis *d, const struct xdpsec_location *place,
		       const struct icmp_message *error)
{
	if (memcmp(error->destination, place->address, sizeof(place->address)) != 0 ||
	    error->port != place->port || error->meaning == ICMP_TOO_LARGE || error->meaning == ICMP_EXPIRED)
		return;
	d->exchange.has_error = true;
	d->exchange.error = *error;
}

static void probe_port(struct diagnosis *d, const struct icmp_watch *watch,
		       const struct xdpsec_location *place)
{
	struct reach_target target = { .port = place->port, .mark = d->report.config.mark };
	struct icmp_message error;

	memcpy(target.address, place->address, sizeof(target.address));
	if (d->peer->uplink.has_source)
		target.source = d->peer->uplink.source;
	if (!exchange_is_protected(d, place->port) && !exchange_is_former(d, place->port) &&
	    reach_try(&target, watch, 0, PROBE_PATIENCE, &error) == 1)
		note_error(d, place, &error);
}

static int wait_and_watch(struct diagnosis *d, const struct icmp_watch *watch, const struct before *before)
{
	struct xdpsec_location place;
	bool placed = peer_place(d, &place);
	long long until = monotonic_ms() + patience(d);
	struct icmp_message error;
	int err = diagnosis_read(d);

	compare_counters(d, before);
	if (!err && placed && !is_clear(d) && !d->exchange.opened)
		probe_port(d, watch, &place);
	while (!err && !is_clear(d) && monotonic_ms() < until) {
		if (icmp_watch_next(watch, LOOK_EVERY, &error) && placed)
			note_error(d, &place, &error);
		err = diagnosis_read(d);
		if (!err)
			compare_counters(d, before);
	}
	return err;
}

int exchange_run(struct diagnosis *d)
{
	_cleanup_icmp_watch_ struct icmp_watch watch = { .ipv4 = -1, .ipv6 = -1 };
	struct before before;
	int err;

	if (d->exchange.done)
		return 0;
	d->exchange.done = true;
	icmp_watch_open(&watch);
	err = diagnosis_read(d);
	if (err)
		return err;
	before.sealed = d->peer->tx.packets;
	before.opened = d->peer->rx.packets;
	before.spoofed = peer_drops(d, XDPSEC_DROP_SPOOFED);
	memcpy(before.drops, d->report.drops, sizeof(before.drops));
	choose_target(d);
	d->exchange.answered = exchange_answers(d, NULL);
	return wait_and_watch(d, &watch, &before);
}
