// SPDX-License-Identifier: GPL-2.0-or-later
/* Writing the configuration of a tunnel whose keys are agreed on. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "base/prefix.h"
#include "config/wg_quick.h"

/* Lists go on in another line of the same key from here on; a line may have 197 characters. */
#define LIST_COLUMNS 100

void wg_quick_wipe(struct wg_quick_text *text)
{
	if (text->bytes)
		explicit_bzero(text->bytes, text->size);
	free(text->bytes);
	*text = (struct wg_quick_text){};
}

/* Like realloc(), without leaving a copy behind. */
static bool grow(struct wg_quick_text *text, size_t more)
{
	struct wg_quick_text larger = { .length = text->length, .size = 2 * text->size + more };

	larger.bytes = calloc(1, larger.size);
	if (!larger.bytes)
		return false;
	if (text->length)
		memcpy(larger.bytes, text->bytes, text->length);
	wg_quick_wipe(text);
	*text = larger;
	return true;
}

__attribute__((format(printf, 2, 3))) static void add(struct wg_quick_text *text, const char *format, ...)
{
	enum { LINE_MAX_ADDED = PATH_MAX + 64 };
	va_list arguments;

	text->failed |= text->size - text->length < LINE_MAX_ADDED && !grow(text, 2 * LINE_MAX_ADDED);
	if (text->failed)
		return;
	va_start(arguments, format);
	text->length += vsnprintf(text->bytes + text->length, text->size - text->length, format, arguments);
	va_end(arguments);
}

static void add_key32(struct wg_quick_text *text, const char *name, const unsigned char key[KEY32_BYTES])
{
	char encoded[KEY32_TEXT + 1];

	key32_encode(key, encoded);
	add(text, "%s = %s\n", name, encoded);
	explicit_bzero(encoded, sizeof(encoded));
}

static void add_prefixes(struct wg_quick_text *text, const char *name, const struct xdpsec_prefix *prefixes,
			 size_t n)
{
	char prefix[64];
	size_t column = 0;

	for (size_t i = 0; i < n; i++) {
		prefix_text(&prefixes[i], prefix, sizeof(prefix));
		if (column + strlen(prefix) > LIST_COLUMNS)
			column = 0;
		if (!column && i)
			add(text, "\n");
		if (column)
			add(text, ", %s", prefix);
		else
			add(text, "%s = %s", name, prefix);
		column += column ? strlen(prefix) + 2 : strlen(name) + 3 + strlen(prefix);
	}
	if (n)
		add(text, "\n");
}

static void add_hooks(struct wg_quick_text *text, const char *name, const struct hooks *hooks)
{
	for (size_t i = 0; i < hooks->n; i++)
		add(text, "%s = %s\n", name, hooks->commands[i]);
}

static void add_interface_section(struct wg_quick_text *text, const struct config *config)
{
	const struct tunnel_config *tunnel = &config->tunnel;

	add(text, "[Interface]\nDevice = %s\nMode = tunnel\nName = %s\n", config->device, tunnel->name);
	add_prefixes(text, "Address", tunnel->addresses, tunnel->n_addresses);
	add(text, "ListenPort = %u\n", config->listen_port);
	if (tunnel->listen_only)
		add(text, "# As WireGuard does it. Without this line, packets have a source port for each "
			  "flow inside.\n"
			  "SourcePort = listen\n");
	if (tunnel->mtu)
		add(text, "MTU = %u\n", tunnel->mtu);
	if (tunnel->mark_given && tunnel->mark)
		add(text, "FwMark = 0x%x\n", tunnel->mark);
	else if (tunnel->mark_given)
		add(text, "FwMark = off\n");
	if (tunnel->no_routes)
		add(text, "Table = off\n");
	if (config->private_key_file[0])
		add(text, "PrivateKeyFile = %s\n", config->private_key_file);
	else
		add_key32(text, "PrivateKey", config->private_key);
	add_hooks(text, "PostUp", &config->post_up);
	add_hooks(text, "PostDown", &config->post_down);
}

static void add_endpoint(struct wg_quick_text *text, const struct peer_config *peer)
{
	char location[64];

	if (peer->endpoint_host[0])
		add(text, "Endpoint = %s:%u\n", peer->endpoint_host, peer->endpoint_port);
	else if (peer->endpoint.known)
		add(text, "Endpoint = %s\n", location_text(&peer->endpoint, location, sizeof(location)));
}

static void add_peer_section(struct wg_quick_text *text, const struct peer_config *peer)
{
	add(text, "\n[Peer]\nName = %s\n", peer->name);
	add_key32(text, "PublicKey", peer->public_key);
	if (peer->has_psk)
		add_key32(text, "PresharedKey", peer->psk);
	add_endpoint(text, peer);
	add_prefixes(text, "AllowedIPs", peer->prefixes, peer->n_prefixes);
	if (peer->keepalive)
		add(text, "PersistentKeepalive = %u\n", peer->keepalive);
}

int wg_quick_write(const struct config *config, struct wg_quick_text *text)
{
	*text = (struct wg_quick_text){};
	add(text, "# Made by `xdpsec import`. The other sites need theirs too: WireGuard does not understand "
		  "XDPsec.\n");
	add_interface_section(text, config);
	for (const struct peer_config *peer = config->peers; peer < config->peers + config->n_peers; peer++)
		add_peer_section(text, peer);
	return text->failed ? fail(ENOMEM, "%s: out of memory", config->path) : 0;
}
