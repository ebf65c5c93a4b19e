// SPDX-License-Identifier: GPL-2.0-or-later
/* The keys of a file of wg-quick, and how they are taken over. No message repeats a secret. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/message.h"
#include "base/prefix.h"
#include "config/wg_parse.h"

/* The key of the configuration that has the same name, and the same values. */
static int take_same(struct config *config, const struct config_line *where, enum section section,
		     char *value)
{
	size_t i = 0;

	while (settings[i].section != section || strcmp(settings[i].name, where->key) != 0)
		i++;
	return settings[i].set(config, where, value);
}

static int take_in_interface(struct config *config, const struct config_line *where, char *value)
{
	return take_same(config, where, SECTION_INTERFACE, value);
}

static int take_in_peer(struct config *config, const struct config_line *where, char *value)
{
	return take_same(config, where, SECTION_PEER, value);
}

static int decode_secret(const struct config_line *where, const char *value, unsigned char key[KEY32_BYTES])
{
	if (key32_decode(value, key) == 0)
		return 0;
	fail_at(where, "expected 32 bytes in base64, 44 characters");
	hint("`wg genkey` and `xdpsec genkey` print such a key");
	return -EINVAL;
}

static int take_private_key(struct config *config, const struct config_line *where, char *value)
{
	int err;

	config->private_key_line = where->line;
	err = decode_secret(where, value, config->private_key);
	if (!err && key32_is_zero(config->private_key)) {
		err = fail_at(where, "the key is all zero");
		hint("xdpsec genkey");
	}
	config->has_private_key = !err;
	if (err)
		return err;
	warning("%s:%d: %s: taken over, but a key should not serve both protocols", where->path, where->line,
		where->key);
	hint("(umask 077; xdpsec genkey >/etc/xdpsec/%s.key), PrivateKeyFile = %s.key instead of PrivateKey, "
	     "and the peers need what `xdpsec pubkey </etc/xdpsec/%s.key` prints",
	     config->name, config->name, config->name);
	return 0;
}

/* One message stands for those of all peers. An all-zero key is WireGuard's way to say that there is none. */
static int take_psk(struct config *config, const struct config_line *where, char *value)
{
	struct peer_config *peer = current_peer(config), *other = config->peers;
	int err = decode_secret(where, value, peer->psk);

	if (err || key32_is_zero(peer->psk))
		return err;
	peer->has_psk = true;
	peer->psk_line = where->line;
	while (!other->has_psk)
		other++;
	if (other != peer)
		return 0;
	warning("%s:%d: %s: taken over, as those of all peers, but a key should not serve both protocols",
		where->path, where->line, where->key);
	hint("`xdpsec genpsk` prints another one, which both sites need");
	return 0;
}

/* 0 is no port: WireGuard then chooses one. */
static int take_listen_port(struct config *config, const struct config_line *where, char *value)
{
	unsigned long number;

	return value_number(value, 0, &number) ? 0 : set_listen_port(config, where, value);
}

/* Off is what the configuration means without it, but for default routes, which need a mark in both programs. */
static int take_fw_mark(struct config *config, const struct config_line *where, char *value)
{
	unsigned long number;

	if (!strcasecmp(value, "off") || value_number(value, 0, &number))
		return 0;
	return set_fw_mark(config, where, value);
}

/* The main table is where the routes go anyway. */
static int take_table(struct config *config, const struct config_line *where, char *value)
{
	if (!strcmp(value, "main") || !strcmp(value, "254"))
		return 0;
	if (!strcmp(value, "auto") || !strcmp(value, "off"))
		return set_table(config, where, value);
	config->tunnel.no_routes = true;
	warning("%s:%d: Table: %s: not taken over, Table = off takes its place: xdpsec adds routes to the "
		"main table only",
		where->path, where->line, value);
	hint("after `xdpsec up`, for each prefix of AllowedIPs: ip route add PREFIX dev %s table %s",
	     config->tunnel.name, value);
	return 0;
}

static int take_save_config(struct config *config, const struct config_line *where, char *value)
{
	(void)config;
	if (!strcmp(value, "false"))
		return 0;
	if (strcmp(value, "true") != 0)
		return fail_at(where, "%s: neither true nor false", value);
	warning("%s:%d: %s: not taken over", where->path, where->line, where->key);
	hint("%s", wg_quick_instead(where->key));
	return 0;
}

/* The name of the file is that of WireGuard's device; empty: it cannot be. */
static void wg_quick_device(const struct config *config, char device[IF_NAMESIZE])
{
	const char *slash = strrchr(config->path, '/'), *file = slash ? slash + 1 : config->path,
		   *end = strrchr(file, '.');
	size_t n = end && !strcmp(end, ".conf") ? (size_t)(end - file) : 0;

	snprintf(device, IF_NAMESIZE, "%.*s", n < IF_NAMESIZE ? (int)n : 0, file);
}

/* `wg set %i private-key FILE`, which wg-quick(8) recommends; no file: another command. */
static bool find_key_file(const struct config *config, const char *command, char path[PATH_MAX])
{
	static const char words[] = " private-key ";
	const char *found = strstr(command, words), *from;
	char device[IF_NAMESIZE];
	size_t n = 0;

	if (!found)
		return false;
	wg_quick_device(config, device);
	from = found + strlen(words);
	from += strspn(from, " \t");
	for (; *from && !strchr(" \t;&|", *from) && n < PATH_MAX - 1; from++) {
		if (strncmp(from, "%i", 2) != 0) {
			path[n++] = *from;
			continue;
		}
		n += snprintf(path + n, PATH_MAX - n, "%s", device);
		n = n < PATH_MAX ? n : PATH_MAX - 1;
		from++;
	}
	path[n] = '\0';
	/* Anything else is for a shell. */
	if (path[0] != '/' || strpbrk(path, "<>()$`'\"\\*?"))
		path[0] = '\0';
	return path[0];
}

/* Does the command call wg, which knows nothing of our tunnels? */
static bool calls_wg(const char *command)
{
	const char *word = command;

	while ((word = strstr(word, "wg"))) {
		bool begins = word == command || strchr(" \t;&|(/`", word[-1]);

		word += strlen("wg");
		if (begins && (!*word || strchr(" \t;&|)`", *word) || strncmp(word, "-quick", 6) == 0))
			return true;
	}
	return false;
}

static int leave_out(struct config *config, const struct config_line *where, char *value)
{
	if (!config->private_key_line && find_key_file(config, value, config->private_key_file)) {
		config->private_key_line = where->line;
		warning("%s:%d: %s: not taken over but for its key: PrivateKeyFile = %s", where->path,
			where->line, where->key, config->private_key_file);
		hint("a key should not serve both protocols: (umask 077; xdpsec genkey >/etc/xdpsec/%s.key), "
		     "PrivateKeyFile = %s.key",
		     config->name, config->name);
		return 0;
	}
	warning("%s:%d: %s: not taken over", where->path, where->line, where->key);
	hint("%s", wg_quick_instead(where->key)
			   ?: "wg knows nothing of the new tunnel: write the command without it, with the "
			      "same key");
	return 0;
}

static bool is_of_name(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_+.-", c));
}

/* Is the name in the command, not as a part of another word? */
static bool has_word(const char *command, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = command; n && (at = strstr(at, name)); at += n)
		if ((at == command || !is_of_name(at[-1])) && !is_of_name(at[n]))
			return true;
	return false;
}

static int take_hook(struct config *config, struct hooks *hooks, const struct config_line *where, char *value)
{
	char device[IF_NAMESIZE];

	if (calls_wg(value))
		return leave_out(config, where, value);
	wg_quick_device(config, device);
	if (has_word(value, device)) {
		warning("%s:%d: %s: taken over with the name %s, which is WireGuard's device", where->path,
			where->line, where->key, device);
		hint("%%i instead of %s stands for the new one, %s", device, config->tunnel.name);
	}
	return hooks_add(hooks, where, value);
}

static int take_post_up(struct config *config, const struct config_line *where, char *value)
{
	return take_hook(config, &config->post_up, where, value);
}

static int take_post_down(struct config *config, const struct config_line *where, char *value)
{
	return take_hook(config, &config->post_down, where, value);
}

/* WireGuard reads an IPv6 address without brackets as well, and takes the last number for the port. */
static int take_endpoint(struct config *config, const struct config_line *where, char *value)
{
	char *port = strrchr(value, ':'), text[128];

	if (value[0] == '[' || !port || strchr(value, ':') == port)
		return set_endpoint(config, where, value);
	if ((size_t)snprintf(text, sizeof(text), "[%.*s]%s", (int)(port - value), value, port) >=
	    sizeof(text))
		return set_endpoint(config, where, value);
	return set_endpoint(config, where, text);
}

static bool parse_allowed(const char *item, struct xdpsec_prefix *prefix)
{
	const char *slash = strchr(item, '/');
	unsigned long length;
	unsigned int bits;
	char address[64];

	snprintf(address, sizeof(address), "%.*s", slash ? (int)(slash - item) : 63, item);
	if (!value_parse_address(address, prefix, &bits))
		return false;
	length = bits;
	if (slash && !value_number(slash + 1, bits, &length))
		return false;
	prefix->length = (unsigned int)length + 128 - bits;
	return true;
}

static bool has_prefix(const struct peer_config *peer, const struct xdpsec_prefix *prefix)
{
	for (size_t i = 0; i < peer->n_prefixes; i++)
		if (!memcmp(&peer->prefixes[i], prefix, sizeof(*prefix)))
			return true;
	return false;
}

/* WireGuard clears host bits, and takes a prefix twice. */
static int take_allowed_ip(struct config *config, const struct config_line *where, char *item)
{
	struct xdpsec_prefix prefix, network;
	char text[64];

	if (!parse_allowed(item, &prefix))
		return take_in_peer(config, where, item);
	network = prefix_network(&prefix);
	prefix_text(&network, text, sizeof(text));
	if (memcmp(&network, &prefix, sizeof(prefix)) != 0)
		warning("%s:%d: AllowedIPs: %s: host bits set: taken as %s", where->path, where->line, item,
			text);
	return has_prefix(current_peer(config), &network) ? 0 : take_in_peer(config, where, text);
}

static int take_allowed_ips(struct config *config, const struct config_line *where, char *value)
{
	int err = 0, step;
	char *item;

	while ((item = value_next(&value))) {
		step = take_allowed_ip(config, where, item);
		err = err ?: step;
	}
	return err;
}

const struct wg_setting wg_settings[] = {
	{ SECTION_INTERFACE, "PrivateKey", WG_SECRET, take_private_key },
	{ SECTION_INTERFACE, "ListenPort", WG_VALUE, take_listen_port },
	{ SECTION_INTERFACE, "FwMark", WG_VALUE, take_fw_mark },
	{ SECTION_INTERFACE, "Address", WG_LIST, take_in_interface },
	{ SECTION_INTERFACE, "MTU", WG_VALUE, take_in_interface },
	{ SECTION_INTERFACE, "Table", WG_VALUE, take_table },
	{ SECTION_INTERFACE, "SaveConfig", WG_VALUE, take_save_config },
	{ SECTION_INTERFACE, "DNS", WG_LEFT_OUT, leave_out },
	{ SECTION_INTERFACE, "PreUp", WG_LEFT_OUT, leave_out },
	{ SECTION_INTERFACE, "PostUp", WG_LEFT_OUT, take_post_up },
	{ SECTION_INTERFACE, "PreDown", WG_LEFT_OUT, leave_out },
	{ SECTION_INTERFACE, "PostDown", WG_LEFT_OUT, take_post_down },
	{ SECTION_PEER, "PublicKey", WG_VALUE, take_in_peer },
	{ SECTION_PEER, "PresharedKey", WG_SECRET, take_psk },
	{ SECTION_PEER, "Endpoint", WG_VALUE, take_endpoint },
	{ SECTION_PEER, "AllowedIPs", WG_LIST, take_allowed_ips },
	{ SECTION_PEER, "PersistentKeepalive", WG_VALUE, take_in_peer },
};
const size_t n_wg_settings = ARRAY_SIZE(wg_settings);
_Static_assert(ARRAY_SIZE(wg_settings) <= WG_SETTINGS_MAX, "raise WG_SETTINGS_MAX");

const struct wg_setting *wg_setting_find(enum section section, const char *line)
{
	size_t n = strcspn(line, "= \t");

	for (size_t i = 0; i < n_wg_settings; i++)
		if (wg_settings[i].section == section && strlen(wg_settings[i].name) == n &&
		    !strncasecmp(wg_settings[i].name, line, n))
			return &wg_settings[i];
	return NULL;
}
