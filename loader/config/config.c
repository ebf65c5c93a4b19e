// SPDX-License-Identifier: GPL-2.0-or-later
/* Mistakes, names and memory of a configuration. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "config/config.h"

const char *mode_text(enum mode mode)
{
	return mode == MODE_TUNNEL ? "tunnel" : "inline";
}

const char *xdp_mode_text(enum xdp_mode mode)
{
	static const char *const names[XDP_MODE_CONFIG_COUNT] = {
		[XDP_MODE_CONFIG_AUTO] = "auto",
		[XDP_MODE_CONFIG_NATIVE] = "native",
		[XDP_MODE_CONFIG_GENERIC] = "generic",
	};

	return mode < XDP_MODE_CONFIG_COUNT ? names[mode] : names[XDP_MODE_CONFIG_AUTO];
}

const struct sa_config *peer_sa(const struct peer_config *peer, size_t key)
{
	return key ? &peer->rx[key - 1] : &peer->tx;
}

const char *binding_text(enum xdpsec_binding binding)
{
	static const char *const names[] = {
		[XDPSEC_BIND_NONE] = "none",
		[XDPSEC_BIND_PORTS] = "ports",
		[XDPSEC_BIND_ADDRESSES] = "addresses",
	};

	return binding <= XDPSEC_BIND_ADDRESSES ? names[binding] : names[XDPSEC_BIND_NONE];
}

bool config_has_driver_before(const struct config *config, size_t peer)
{
	for (size_t i = 0; i < peer; i++)
		if (strcmp(config->peers[i].driver, config->peers[peer].driver) == 0)
			return true;
	return false;
}

bool config_mistake(struct config *config)
{
	if (config->mistakes == CONFIG_MISTAKES_MAX)
		return true;
	config->mistakes++;
	if (config->mistakes < CONFIG_MISTAKES_MAX)
		return false;
	fail(EINVAL, "%s: %d mistakes so far: the rest is not checked", config->path, CONFIG_MISTAKES_MAX);
	return true;
}

bool instance_name_valid(const char *name)
{
	size_t i;

	/* ASCII only, whatever the locale: the name becomes a directory of the bpffs. */
	for (i = 0; name[i]; i++) {
		if (i >= XDPSEC_NAME_LEN - 1)
			return false;
		if (isascii(name[i]) && isalnum(name[i]))
			continue;
		if (i == 0 || (name[i] != '-' && name[i] != '_'))
			return false;
	}
	return i > 0;
}

/* Like reallocarray(), but no preshared key stays behind where the array was before. */
static int make_peer_room(struct config *config, size_t *allocated)
{
	size_t room = *allocated ? 2 * *allocated : 4;
	struct peer_config *peers;

	if (config->n_peers < *allocated)
		return 0;
	peers = calloc(room, sizeof(*peers));
	if (!peers)
		return -ENOMEM;
	if (config->n_peers) {
		memcpy(peers, config->peers, config->n_peers * sizeof(*peers));
		explicit_bzero(config->peers, config->n_peers * sizeof(*peers));
	}
	free(config->peers);
	config->peers = peers;
	*allocated = room;
	return 0;
}

int config_add_peer(struct config *config, size_t *allocated, const char *path, int line)
{
	if (config->n_peers == XDPSEC_MAX_PEERS)
		return fail(EINVAL, "%s:%d: [Peer]: more than %d peers", path, line, XDPSEC_MAX_PEERS);
	if (make_peer_room(config, allocated))
		return fail(ENOMEM, "%s:%d: out of memory", path, line);
	config->peers[config->n_peers++] = (struct peer_config){
		.line = line,
		.cipher = "aes-128-ocb",
		.key_length = 16,
		.driver = "aes",
	};
	return 0;
}

void config_free(struct config *config)
{
	size_t i;

	config_forget_private_key(config);
	config_forget_psks(config);
	for (i = 0; i < config->n_peers; i++) {
		free(config->peers[i].prefixes);
		free(config->peers[i].prefix_lines);
	}
	free(config->peers);
	config->peers = NULL;
	config->n_peers = 0;
	config_free_includes(config);
	hooks_free(&config->post_up);
	hooks_free(&config->post_down);
}
