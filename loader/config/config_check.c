// SPDX-License-Identifier: GPL-2.0-or-later
/* Mistakes that involve two lines of the configuration file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "config/config_parse.h"

/* A prefix with its peer and line. */
struct entry {
	const struct xdpsec_prefix *prefix;
	const struct peer_config *peer;
	int line;
};

/* SA i of all peers in one direction: a peer has one Tx SA and PEER_RX Rx SAs. */
static const struct sa_config *sa_at(const struct config *config, bool is_rx, size_t i,
				     const struct peer_config **peer)
{
	*peer = &config->peers[is_rx ? i / PEER_RX : i];
	return is_rx ? &(*peer)->rx[i % PEER_RX] : &(*peer)->tx;
}

static int check_spis(struct config *config, bool is_rx)
{
	const char *setting = is_rx ? "RxSpi" : "TxSpi";
	const struct sa_config *one, *other;
	const struct peer_config *peer, *its;
	char line[LINE_TEXT];
	int err = 0;

	for (size_t i = 0; i < config->n_peers * (is_rx ? PEER_RX : 1); i++) {
		for (size_t j = 0; j < i; j++) {
			one = sa_at(config, is_rx, i, &peer);
			other = sa_at(config, is_rx, j, &its);
			/* 0: missing, or refused */
			if (!one->spi || one->spi != other->spi)
				continue;
			fail(EINVAL, "%s:%d: %s: 0x%08x: already the %s of peer %s in %s",
			     peer_path(config, peer), one->spi_line, setting, one->spi, setting,
			     peer_text(its),
			     line_text(config, peer_path(config, peer), its, other->spi_line, line));
			hint("each SA of a direction needs its own SPI");
			err = -EINVAL;
			if (config_mistake(config))
				return err;
			break;
		}
	}
	return err;
}

/* RxSpi and RxKeyFile are given as often. */
static int check_pairs(struct config *config)
{
	int err = 0;

	for (const struct peer_config *peer = config->peers; peer < config->peers + config->n_peers; peer++) {
		int spi = peer->rx[1].spi_line, key = peer->rx[1].key_file_line;

		if (!spi == !key)
			continue;
		fail(EINVAL, "%s:%d: %s: the second of peer %s, which has one %s only",
		     peer_path(config, peer), spi ?: key, spi ? "RxSpi" : "RxKeyFile", peer_text(peer),
		     spi ? "RxKeyFile" : "RxSpi");
		hint("the first RxSpi and the first RxKeyFile belong together, and so do the second ones");
		err = -EINVAL;
		if (config_mistake(config))
			break;
	}
	return err;
}

static int compare_entries(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int order = memcmp(a->prefix->address, b->prefix->address, sizeof(a->prefix->address));

	if (order)
		return order;
	if (a->prefix->length != b->prefix->length)
		return a->prefix->length < b->prefix->length ? -1 : 1;
	if (a->peer != b->peer)
		return a->peer < b->peer ? -1 : 1;
	return a->line - b->line;
}

/* Find ports of inner that outer does not cover. Both are sorted and merged, so a range of one is either
 * completely in a range of the other, or not covered. */
static const struct xdpsec_ports *first_uncovered(const struct peer_config *outer,
						  const struct peer_config *inner)
{
	size_t i, j;

	for (i = 0; i < outer->n_ports; i++) {
		for (j = 0; j < inner->n_ports; j++)
			if (inner->ports[j].first <= outer->ports[i].first &&
			    outer->ports[i].last <= inner->ports[j].last)
				break;
		if (j == inner->n_ports)
			return &outer->ports[i];
	}
	return NULL;
}

static const char *prefix_setting(const struct config *config)
{
	return config->mode == MODE_TUNNEL ? "AllowedIPs" : "Address";
}

static int refuse_same(const struct config *config, const struct entry *one, const struct entry *other)
{
	const char *path = peer_path(config, one->peer);
	char text[64], line[LINE_TEXT];

	prefix_text(one->prefix, text, sizeof(text));
	line_text(config, path, other->peer, other->line, line);
	if (one->peer == other->peer)
		return fail(EINVAL, "%s:%d: %s: %s: already given for peer %s in %s", path, one->line,
			    prefix_setting(config), text, peer_text(one->peer), line);
	return fail(EINVAL, "%s:%d: %s: %s: given for peer %s, and in %s for peer %s", path, one->line,
		    prefix_setting(config), text, peer_text(one->peer), line, peer_text(other->peer));
}

static const char *uncovered_text(const struct xdpsec_ports *ports, char *text, size_t size)
{
	char numbers[16];

	ports_text(ports, 1, numbers, sizeof(numbers));
	if (!strcmp(numbers, "all"))
		snprintf(text, size, "every port");
	else
		snprintf(text, size, "port%s %s", ports->first == ports->last ? "" : "s", numbers);
	return text;
}

static int check_nested(const struct config *config, const struct entry *inner, const struct entry *outer)
{
	const struct xdpsec_ports *uncovered;
	const char *path = peer_path(config, inner->peer);
	char text[64], outer_text[64], ports[32], line[LINE_TEXT];

	/* In a tunnel the longest prefix only selects the peer. */
	if (inner->peer == outer->peer || config->mode == MODE_TUNNEL || !inner->peer->n_ports)
		return 0;
	uncovered = first_uncovered(outer->peer, inner->peer);
	if (!uncovered)
		return 0;
	fail(EINVAL,
	     "%s:%d: Address: %s of peer %s lies in %s of peer %s (%s), which also protects %s: such packets "
	     "would leave in clear, because the longest prefix wins",
	     path, inner->line, prefix_text(inner->prefix, text, sizeof(text)), peer_text(inner->peer),
	     prefix_text(outer->prefix, outer_text, sizeof(outer_text)), peer_text(outer->peer),
	     line_text(config, path, outer->peer, outer->line, line),
	     uncovered_text(uncovered, ports, sizeof(ports)));
	hint("add it to Ports of peer %s, or exclude the address from %s", peer_text(inner->peer),
	     outer_text);
	return -EINVAL;
}

/*
 * Check the sorted prefixes. Sorted by address, then length, every prefix comes before those that it
 * contains: the stack holds the prefixes around the current one. The innermost is enough to check, as each
 * covers the ports of the next.
 */
static int check_sorted(struct config *config, const struct entry *entries, size_t n)
{
	const struct entry *stack[129];
	size_t i, depth = 0;
	int err = 0, step;

	for (i = 0; i < n; i++) {
		if (i && !memcmp(entries[i].prefix, entries[i - 1].prefix, sizeof(struct xdpsec_prefix))) {
			step = refuse_same(config, &entries[i], &entries[i - 1]);
			err = err ?: step;
			if (config_mistake(config))
				break;
			continue;
		}
		while (depth && !prefix_contains(stack[depth - 1]->prefix, entries[i].prefix))
			depth--;
		if (depth) {
			step = check_nested(config, &entries[i], stack[depth - 1]);
			err = err ?: step;
			if (step && config_mistake(config))
				break;
		}
		stack[depth++] = &entries[i];
	}
	return err;
}

static int check_prefixes(struct config *config)
{
	_cleanup_free_ struct entry *entries = NULL;
	const struct peer_config *peer;
	size_t i, n = 0;

	for (peer = config->peers; peer < config->peers + config->n_peers; peer++)
		n += peer->n_prefixes;
	if (n > XDPSEC_MAX_PREFIXES)
		return fail(EINVAL, "%s: %s: %zu prefixes, at most %d are possible", config->path,
			    prefix_setting(config), n, XDPSEC_MAX_PREFIXES);
	entries = calloc(n ?: 1, sizeof(*entries));
	if (!entries)
		return fail(ENOMEM, "%s: out of memory", config->path);
	n = 0;
	for (peer = config->peers; peer < config->peers + config->n_peers; peer++)
		for (i = 0; i < peer->n_prefixes; i++)
			entries[n++] = (struct entry){ &peer->prefixes[i], peer, peer->prefix_lines[i] };
	qsort(entries, n, sizeof(*entries), compare_entries);
	return check_sorted(config, entries, n);
}

static int check_addresses(struct config *config)
{
	const struct tunnel_config *tunnel = &config->tunnel;
	char text[64];
	int err = 0;

	for (size_t i = 0; i < tunnel->n_addresses; i++)
		for (size_t j = 0; j < i; j++)
			if (!memcmp(&tunnel->addresses[i], &tunnel->addresses[j],
				    sizeof(tunnel->addresses[i])))
				err = fail(EINVAL, "%s: Address: %s: given twice", config->path,
					   prefix_text(&tunnel->addresses[i], text, sizeof(text)));
	return err;
}

/* Report peers without Endpoint that may not roam: they can never be reached. */
static int check_roaming(struct config *config)
{
	int err = 0;

	for (const struct peer_config *peer = config->peers; peer < config->peers + config->n_peers; peer++) {
		/* The Endpoint line was refused. */
		if (peer->endpoint.known || peer->endpoint_line || peer->roaming != ROAMING_NO)
			continue;
		fail(EINVAL,
		     "%s:%d: Roaming: peer %s has no Endpoint, and its address could never be learned",
		     peer_path(config, peer), peer->roaming_line, peer_text(peer));
		hint("Endpoint = ADDRESS:PORT, or Roaming = yes");
		err = -EINVAL;
		if (config_mistake(config))
			break;
	}
	return err;
}

/* The tunnel's own packets must not be routed into it. */
static int check_mark(const struct config *config)
{
	const struct peer_config *peer;

	if (config->mode != MODE_TUNNEL || config->tunnel.no_routes || config->tunnel.mark)
		return 0;
	for (peer = config->peers; peer < config->peers + config->n_peers; peer++)
		for (size_t i = 0; i < peer->n_prefixes; i++) {
			if (!prefix_is_default(&peer->prefixes[i]))
				continue;
			fail(EINVAL, "%s:%d: AllowedIPs: a default route needs FwMark, which is off",
			     peer_path(config, peer), peer->prefix_lines[i]);
			hint("remove FwMark (the default is %d), or set Table = off and add the routes "
			     "yourself",
			     FULL_TUNNEL_MARK);
			return -EINVAL;
		}
	return 0;
}

/* FastPathFirewall without FastPath: its writer may think that there is a fast path. */
static int check_fast_firewall(const struct config *config)
{
	const struct tunnel_config *tunnel = &config->tunnel;

	if (tunnel->n_fast || !tunnel->fast_firewall_line)
		return 0;
	fail(EINVAL, "%s:%d: FastPathFirewall: there is no FastPath", config->path,
	     tunnel->fast_firewall_line);
	hint("FastPath = lan0 names the devices towards the hosts of this site");
	return -EINVAL;
}

/* The outer packet of a tunnel may change on the way, and the inner one has its own addresses. */
static int check_bindings(struct config *config)
{
	int err = 0;

	if (config->mode != MODE_TUNNEL)
		return 0;
	for (const struct peer_config *peer = config->peers; peer < config->peers + config->n_peers; peer++) {
		if (peer->binding == XDPSEC_BIND_NONE)
			continue;
		fail(EINVAL, "%s:%d: Bind: %s: a tunnel binds nothing of its outer packets",
		     peer_path(config, peer), peer->binding_line, binding_text(peer->binding));
		hint("remove the line: the addresses and ports of a tunnel's packets are inside, sealed");
		err = -EINVAL;
		if (config_mistake(config))
			break;
	}
	return err;
}

int config_check(struct config *config)
{
	int err = check_addresses(config), step;

	step = config_check_agreement(config);
	err = err ?: step;
	step = check_roaming(config);
	err = err ?: step;
	step = check_bindings(config);
	err = err ?: step;
	step = check_fast_firewall(config);
	err = err ?: step;
	step = check_mark(config);
	err = err ?: step;
	step = check_spis(config, false);
	err = err ?: step;
	step = check_spis(config, true);
	err = err ?: step;
	step = check_pairs(config);
	err = err ?: step;
	step = check_prefixes(config);
	return err ?: step;
}
