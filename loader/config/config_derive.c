// SPDX-License-Identifier: GPL-2.0-or-later
/* Settings that follow from several lines of the configuration. */
#include "config/config_parse.h"

/* A tunnel with a default route needs a mark, so that its own packets can leave. */
static void derive_mark(struct config *config, const struct peer_config *peer)
{
	for (size_t i = 0; i < peer->n_prefixes; i++)
		if (prefix_is_default(&peer->prefixes[i]) && !config->tunnel.mark_given)
			config->tunnel.mark = FULL_TUNNEL_MARK;
}

/*
 * The endpoint of a peer that sends from one port may follow its packets. Whether the peer does so, only its own
 * configuration says. If only our own SourcePort suggests it, the port of its Endpoint is kept, as the new port may be
 * one chosen by flow.
 */
static void derive_roaming(const struct config *config, struct peer_config *peer)
{
	peer->roams = peer->roaming == ROAMING_YES || (peer->roaming == ROAMING_DEFAULT &&
						       (!peer->endpoint.known || config->tunnel.listen_only));
	peer->keeps_port = peer->roaming == ROAMING_DEFAULT && peer->endpoint.known;
}

/* The peer's own Source, or that of [Interface]. */
static void derive_sources(const struct config *config, struct peer_config *peer)
{
	for (int family = 0; family < SOURCES; family++)
		if (!peer->sources[family].line)
			peer->sources[family] = config->tunnel.sources[family];
		else
			peer->sources[family].file = peer->file;
}

static void derive_binding(const struct config *config, struct peer_config *peer)
{
	if (!peer->binding_line)
		peer->binding = config->mode == MODE_TUNNEL ? XDPSEC_BIND_NONE : XDPSEC_BIND_ADDRESSES;
}

void config_derive(struct config *config)
{
	struct peer_config *peer;

	config_derive_agreement(config);
	for (peer = config->peers; peer < config->peers + config->n_peers; peer++) {
		derive_mark(config, peer);
		derive_roaming(config, peer);
		derive_sources(config, peer);
		derive_binding(config, peer);
	}
}
