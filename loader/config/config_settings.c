// SPDX-License-Identifier: GPL-2.0-or-later
/* The keys of the configuration file, and their setters. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/message.h"
#include "config/config_parse.h"

struct peer_config *current_peer(struct config *config)
{
	return &config->peers[config->n_peers - 1];
}

/* The kernel's isspace() accepts the no-break space of ISO 8859-1. A name "xs%d" would become "xs0"
 * (dev_alloc_name()). */
bool device_name_valid(const char *name)
{
	return strlen(name) < IF_NAMESIZE && !strpbrk(name, "/:% \t\n\v\f\r\xa0") && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

static int set_device(struct config *config, const struct config_line *where, char *value)
{
	if (!device_name_valid(value)) {
		fail_at(where, "%s: not a valid device name", value);
		hint("`ip link` lists the devices; %zu characters at most", sizeof(config->device) - 1);
		return -EINVAL;
	}
	strcpy(config->device, value);
	config->device_line = where->line;
	return 0;
}

static int set_mode(struct config *config, const struct config_line *where, char *value)
{
	config->mode_line = where->line;
	config->mode = MODE_INLINE;
	if (!strcmp(value, "inline"))
		return 0;
	config->mode = MODE_TUNNEL;
	if (!strcmp(value, "tunnel"))
		return 0;
	fail_at(where, "%s: not a mode", value);
	hint("inline: seal the UDP payloads between the peers in place; tunnel: create a device to route "
	     "into");
	return -EINVAL;
}

static int set_xdp(struct config *config, const struct config_line *where, char *value)
{
	for (enum xdp_mode mode = 0; mode < XDP_MODE_CONFIG_COUNT; mode++)
		if (!strcmp(value, xdp_mode_text(mode))) {
			config->xdp = mode;
			return 0;
		}
	fail_at(where, "%s: not an XDP mode", value);
	hint("auto, native or generic");
	return -EINVAL;
}

/* Is it a group, the broadcast address, or a single address? (Only its members know a subnet's broadcast
 * address.) */
static bool is_of_many(const struct xdpsec_prefix *prefix)
{
	if (!prefix_is_ipv4(prefix))
		return prefix->length >= 8 && prefix->address[0] == 0xff;
	return prefix->length == 128 || (prefix->length >= 100 && prefix->address[12] >= 224);
}

static int set_clear_groups(struct config *config, const struct config_line *where, char *value)
{
	struct xdpsec_prefix prefix;
	char *item;
	int err;

	while ((item = value_next(&value))) {
		if (config->n_clear_groups == XDPSEC_MAX_CLEAR_GROUPS)
			return fail_at(where, "more than %d groups", XDPSEC_MAX_CLEAR_GROUPS);
		err = value_prefix(where, item, &prefix);
		if (err)
			return err;
		if (!is_of_many(&prefix)) {
			fail_at(where, "%s: neither multicast groups nor a broadcast address", item);
			hint("for example 224.0.0.251 and ff02::fb, the groups of mDNS");
			return -EINVAL;
		}
		config->clear_groups[config->n_clear_groups++] = prefix;
	}
	return 0;
}

static int set_name(struct config *config, const struct config_line *where, char *value)
{
	struct peer_config *peer = current_peer(config), *other;
	char line[LINE_TEXT];
	size_t i;

	for (i = 0; value[i]; i++)
		if (!isascii(value[i]) || (!isalnum(value[i]) && !strchr("._-", value[i])))
			break;
	if (value[i] || i >= sizeof(peer->name)) {
		fail_at(where, "%s: not a valid peer name", value);
		hint("letters, digits, \".\", \"_\" and \"-\"; %zu characters at most",
		     sizeof(peer->name) - 1);
		return -EINVAL;
	}
	strcpy(peer->name, value);
	for (other = config->peers; other < peer; other++)
		if (!strcmp(other->name, value))
			return fail_at(where, "%s: already the name of the [Peer] in %s", value,
				       line_text(config, where->path, other, other->line, line));
	return 0;
}

static int add_prefix(struct peer_config *peer, const struct xdpsec_prefix *prefix, int line)
{
	struct xdpsec_prefix *prefixes;
	int *lines;

	prefixes = reallocarray(peer->prefixes, peer->n_prefixes + 1, sizeof(*prefixes));
	if (!prefixes)
		return fail(ENOMEM, "out of memory");
	peer->prefixes = prefixes;
	lines = reallocarray(peer->prefix_lines, peer->n_prefixes + 1, sizeof(*lines));
	if (!lines)
		return fail(ENOMEM, "out of memory");
	peer->prefix_lines = lines;
	prefixes[peer->n_prefixes] = *prefix;
	lines[peer->n_prefixes++] = line;
	return 0;
}

static int set_address(struct config *config, const struct config_line *where, char *value)
{
	struct xdpsec_prefix prefix;
	int err, first = 0;
	char *item;

	while ((item = value_next(&value))) {
		err = value_prefix(where, item, &prefix);
		if (!err)
			err = add_prefix(current_peer(config), &prefix, where->line);
		first = first ?: err;
	}
	return first;
}

static int set_ports(struct config *config, const struct config_line *where, char *value)
{
	struct peer_config *peer = current_peer(config);

	return value_ports(where, value, peer->ports, &peer->n_ports);
}

static int set_driver(struct config *config, const struct config_line *where, char *value)
{
	struct peer_config *peer = current_peer(config);
	size_t i;

	/* The name becomes part of an algorithm's name, "ecb(...)". */
	for (i = 0; value[i]; i++)
		if (!isascii(value[i]) || (!isalnum(value[i]) && !strchr("._-", value[i])))
			break;
	if (value[i] || i >= sizeof(peer->driver)) {
		fail_at(where, "%s: not the name of a cipher driver", value);
		hint("`xdpsec selftest` lists them, for example aes-generic");
		return -EINVAL;
	}
	strcpy(peer->driver, value);
	return 0;
}

static int set_bind(struct config *config, const struct config_line *where, char *value)
{
	struct peer_config *peer = current_peer(config);

	peer->binding_line = where->line;
	for (enum xdpsec_binding binding = XDPSEC_BIND_NONE; binding <= XDPSEC_BIND_ADDRESSES; binding++)
		if (!strcmp(value, binding_text(binding))) {
			peer->binding = binding;
			return 0;
		}
	fail_at(where, "%s: neither addresses, ports nor none", value);
	hint("addresses: and ports too, for a path without NAT; ports: for NAT of addresses alone; none: for "
	     "NAT of ports too");
	return -EINVAL;
}

static int set_tx_spi(struct config *config, const struct config_line *where, char *value)
{
	struct sa_config *sa = &current_peer(config)->tx;

	sa->spi_line = where->line;
	return value_spi(where, value, &sa->spi);
}

static int set_rx_spi(struct config *config, const struct config_line *where, char *value)
{
	struct peer_config *peer = current_peer(config);
	struct sa_config *sa = &peer->rx[!!peer->rx[0].spi_line];

	sa->spi_line = where->line;
	return value_spi(where, value, &sa->spi);
}

int value_path(const struct config_line *where, const char *value, char path[PATH_MAX])
{
	const char *file = where->path;
	int directory = value[0] == '/' ? 0 : strrchr(file, '/') + 1 - file;

	if (snprintf(path, PATH_MAX, "%.*s%s", directory, file, value) >= PATH_MAX)
		return fail_at(where, "%s: %s", value, strerror(ENAMETOOLONG));
	return 0;
}

static int set_key_file(const struct config_line *where, const char *value, struct sa_config *sa)
{
	int err = value_path(where, value, sa->key_file);

	if (!err)
		sa->key_file_line = where->line;
	return err;
}

static int set_tx_key_file(struct config *config, const struct config_line *where, char *value)
{
	return set_key_file(where, value, &current_peer(config)->tx);
}

static int set_rx_key_file(struct config *config, const struct config_line *where, char *value)
{
	struct peer_config *peer = current_peer(config);
	struct sa_config *sa = &peer->rx[!!peer->rx[0].key_file_line];

	/* The nth belongs to the nth RxSpi, also if it is refused. */
	sa->key_file_line = where->line;
	return set_key_file(where, value, sa);
}

const char *setting_instead(const struct setting *setting)
{
	static const struct {
		const char *name, *instead;
	} others[] = {
		{ "Ports", "a tunnel carries every packet that is routed into it" },
		{ "ClearGroups", "a tunnel carries every packet that is routed into it" },
		{ "AllowedIPs", "in inline mode, Address lists the prefixes of a peer" },
	};

	if (setting->modes == INLINE && !strcmp(setting->name, "Address"))
		return "in tunnel mode, Endpoint is the peer's address, and AllowedIPs lists the prefixes "
		       "behind it";
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (!strcmp(others[i].name, setting->name))
			return others[i].instead;
	return "Mode = tunnel in [Interface] creates a device to route into";
}

const struct setting settings[] = {
	{ SECTION_INTERFACE, "Device", set_device, REQUIRED, ALWAYS },
	{ SECTION_INTERFACE, "Mode", set_mode, OPTIONAL, ALWAYS },
	{ SECTION_INTERFACE, "Xdp", set_xdp, OPTIONAL, ALWAYS },
	{ SECTION_INTERFACE, "ClearGroups", set_clear_groups, MULTIPLE, INLINE },
	{ SECTION_INTERFACE, "Name", set_tunnel_name, REQUIRED, TUNNEL },
	{ SECTION_INTERFACE, "Address", set_tunnel_address, MULTIPLE, TUNNEL },
	{ SECTION_INTERFACE, "ListenPort", set_listen_port, OPTIONAL, ALWAYS },
	{ SECTION_INTERFACE, "MTU", set_mtu, OPTIONAL, TUNNEL },
	{ SECTION_INTERFACE, "SourcePort", set_source_port, OPTIONAL, TUNNEL },
	{ SECTION_INTERFACE, "Source", set_source, OPTIONAL, TUNNEL },
	{ SECTION_INTERFACE, "FwMark", set_fw_mark, OPTIONAL, TUNNEL },
	{ SECTION_INTERFACE, "Dscp", set_dscp, OPTIONAL, TUNNEL },
	{ SECTION_INTERFACE, "Table", set_table, OPTIONAL, TUNNEL },
	{ SECTION_INTERFACE, "FastPath", set_fast_path, OPTIONAL, TUNNEL },
	{ SECTION_INTERFACE, "FastPathFirewall", set_fast_path_firewall, OPTIONAL, TUNNEL },
	{ SECTION_INTERFACE, "PrivateKeyFile", set_private_key_file, OPTIONAL, ALWAYS },
	{ SECTION_INTERFACE, "PrivateKey", set_private_key, OPTIONAL, ALWAYS },
	{ SECTION_INTERFACE, "RejectAfter", set_reject_after, OPTIONAL, ALWAYS },
	{ SECTION_INTERFACE, "Idle", set_idle, OPTIONAL, ALWAYS },
	{ SECTION_INTERFACE, "Include", set_include, MULTIPLE, ALWAYS },
	{ SECTION_INTERFACE, "PostUp", set_post_up, MULTIPLE, ALWAYS },
	{ SECTION_INTERFACE, "PostDown", set_post_down, MULTIPLE, ALWAYS },
	{ SECTION_PEER, "Name", set_name, REQUIRED, ALWAYS },
	{ SECTION_PEER, "Address", set_address, REPEATABLE, INLINE },
	{ SECTION_PEER, "Ports", set_ports, REQUIRED, INLINE },
	{ SECTION_PEER, "Endpoint", set_endpoint, OPTIONAL, ALWAYS },
	{ SECTION_PEER, "Source", set_peer_source, OPTIONAL, TUNNEL },
	{ SECTION_PEER, "AllowedIPs", set_address, REPEATABLE, TUNNEL },
	{ SECTION_PEER, "Roaming", set_roaming, OPTIONAL, TUNNEL },
	{ SECTION_PEER, "PersistentKeepalive", set_keepalive, OPTIONAL, TUNNEL },
	{ SECTION_PEER, "Cipher", set_cipher, OPTIONAL, ALWAYS },
	{ SECTION_PEER, "Driver", set_driver, OPTIONAL, ALWAYS },
	{ SECTION_PEER, "Bind", set_bind, OPTIONAL, ALWAYS },
	{ SECTION_PEER, "TxSpi", set_tx_spi, MANUAL, ALWAYS },
	{ SECTION_PEER, "TxKeyFile", set_tx_key_file, MANUAL, ALWAYS },
	{ SECTION_PEER, "RxSpi", set_rx_spi, MANUAL, ALWAYS | TWICE },
	{ SECTION_PEER, "RxKeyFile", set_rx_key_file, MANUAL, ALWAYS | TWICE },
	{ SECTION_PEER, "PublicKey", set_public_key, OPTIONAL, ALWAYS },
	{ SECTION_PEER, "PresharedKeyFile", set_psk_file, OPTIONAL, ALWAYS },
	{ SECTION_PEER, "PresharedKey", set_psk, OPTIONAL, ALWAYS },
};
const size_t n_settings = ARRAY_SIZE(settings);
_Static_assert(ARRAY_SIZE(settings) <= MAX_SETTINGS, "raise MAX_SETTINGS");
