// SPDX-License-Identifier: GPL-2.0-or-later
/* The keys of tunnel mode. */
#include <errno.h>
#include <string.h>

#include "base/message.h"
#include "config/config_parse.h"

/* As device.c has it for the underlay. */
#define KEEPALIVE_MAX 65535

int set_tunnel_name(struct config *config, const struct config_line *where, char *value)
{
	struct tunnel_config *tunnel = &config->tunnel;

	if (!device_name_valid(value)) {
		fail_at(where, "%s: not a valid device name", value);
		hint("for example xs0; %zu characters at most, without \"/\", \":\" and \"%%\"",
		     sizeof(tunnel->name) - 1);
		return -EINVAL;
	}
	strcpy(tunnel->name, value);
	tunnel->name_line = where->line;
	return 0;
}

int set_tunnel_address(struct config *config, const struct config_line *where, char *value)
{
	struct tunnel_config *tunnel = &config->tunnel;
	char *item;
	int err = 0;

	while (!err && (item = value_next(&value))) {
		if (tunnel->n_addresses == TUNNEL_ADDRESSES_MAX)
			return fail_at(where, "more than %d addresses", TUNNEL_ADDRESSES_MAX);
		err = value_address(where, item, &tunnel->addresses[tunnel->n_addresses]);
		tunnel->n_addresses += !err;
	}
	return err;
}

int set_listen_port(struct config *config, const struct config_line *where, char *value)
{
	unsigned long number;

	if (!value_number(value, 65535, &number) || !number) {
		fail_at(where, "%s: not a port", value);
		hint("1 to 65535, for example 7253");
		return -EINVAL;
	}
	config->listen_port = config->tunnel.listen_port = (unsigned int)number;
	config->listen_port_line = where->line;
	config->tunnel.former_port = 0;
	return 0;
}

int set_mtu(struct config *config, const struct config_line *where, char *value)
{
	unsigned long number;

	if (!value_number(value, XDPSEC_PAYLOAD_MAX, &number) || number < IPV4_MTU_MIN) {
		fail_at(where, "%s: not an MTU", value);
		hint("%d to %d bytes; the default is the MTU of Device less the overhead", IPV4_MTU_MIN,
		     XDPSEC_PAYLOAD_MAX);
		return -EINVAL;
	}
	config->tunnel.mtu = (unsigned int)number;
	config->tunnel.mtu_line = where->line;
	return 0;
}

int set_source_port(struct config *config, const struct config_line *where, char *value)
{
	if (strcmp(value, "flow") != 0 && strcmp(value, "listen") != 0) {
		fail_at(where, "%s: neither flow nor listen", value);
		hint("flow: one port for each inner flow; listen: always ListenPort, which NAT needs");
		return -EINVAL;
	}
	config->tunnel.listen_only = value[0] == 'l';
	return 0;
}

int set_dscp(struct config *config, const struct config_line *where, char *value)
{
	unsigned long number = 0;

	config->tunnel.dscp_fixed = strcmp(value, "uniform") != 0;
	if (config->tunnel.dscp_fixed && !value_number(value, 63, &number)) {
		fail_at(where, "%s: not a DSCP", value);
		hint("uniform: the DSCP of the inner packet; a number, 0 to 63: the same for all packets");
		return -EINVAL;
	}
	config->tunnel.dscp = (unsigned char)number;
	return 0;
}

int set_table(struct config *config, const struct config_line *where, char *value)
{
	unsigned long number;

	if (value_number(value, 0xffffffff, &number) && number) {
		fail_at(where, "%s: routes go to the main table, or to that of the VRF of the device", value);
		hint("Table = off, and `ip route add PREFIX dev DEVICE table %s` after `xdpsec up`", value);
		return -EINVAL;
	}
	if (strcmp(value, "auto") != 0 && strcmp(value, "off") != 0) {
		fail_at(where, "%s: neither auto nor off", value);
		hint("auto: add a route for each prefix of AllowedIPs; off: add no routes");
		return -EINVAL;
	}
	config->tunnel.no_routes = value[0] == 'o';
	return 0;
}

static int add_fast(struct tunnel_config *tunnel, const struct config_line *where, const char *name)
{
	if (!*name || !device_name_valid(name)) {
		fail_at(where, "%s: not a valid device name", name);
		hint("`ip link` lists the devices");
		return -EINVAL;
	}
	for (size_t i = 0; i < tunnel->n_fast; i++)
		if (strcmp(tunnel->fast[i], name) == 0)
			return fail_at(where, "%s: named twice", name);
	if (tunnel->n_fast == FAST_DEVICES_MAX)
		return fail_at(where, "more than %d devices", FAST_DEVICES_MAX);
	strcpy(tunnel->fast[tunnel->n_fast++], name);
	return 0;
}

int set_fast_path(struct config *config, const struct config_line *where, char *value)
{
	char *item;
	int err = 0;

	config->tunnel.fast_line = where->line;
	while (!err && (item = value_next(&value)))
		err = add_fast(&config->tunnel, where, item);
	return err;
}

int set_fast_path_firewall(struct config *config, const struct config_line *where, char *value)
{
	if (strcmp(value, "flowtable") != 0 && strcmp(value, "none") != 0) {
		fail_at(where, "%s: neither flowtable nor none", value);
		hint("flowtable: only flows that nftables has put into a flowtable take the fast path; none: "
		     "all do, past every rule");
		return -EINVAL;
	}
	config->tunnel.fast_firewall_line = where->line;
	config->tunnel.fast_no_firewall = value[0] == 'n';
	return 0;
}

static int add_source(struct source_config sources[SOURCES], const struct config_line *where,
		      const char *text)
{
	int family = strchr(text, ':') ? SOURCE_IPV6 : SOURCE_IPV4, err;
	struct source_config source = { .line = where->line };

	err = value_host(where, text, source.address);
	if (err)
		return err;
	if (sources[family].line)
		return fail_at(where, "%s: second IPv%c address, only one is possible", text,
			       family == SOURCE_IPV6 ? '6' : '4');
	sources[family] = source;
	return 0;
}

static int set_sources(struct source_config sources[SOURCES], const struct config_line *where, char *value)
{
	char *item;
	int err = 0;

	while (!err && (item = value_next(&value)))
		err = add_source(sources, where, item);
	return err;
}

int set_source(struct config *config, const struct config_line *where, char *value)
{
	return set_sources(config->tunnel.sources, where, value);
}

int set_peer_source(struct config *config, const struct config_line *where, char *value)
{
	return set_sources(current_peer(config)->sources, where, value);
}

int set_fw_mark(struct config *config, const struct config_line *where, char *value)
{
	unsigned long number = 0;

	if (strcmp(value, "off") != 0 && !value_number(value, 0xffffffff, &number)) {
		fail_at(where, "%s: not a firewall mark", value);
		hint("a 32-bit number, decimal or hexadecimal, as in `ip rule`; 0 or off: none");
		return -EINVAL;
	}
	config->tunnel.mark = (__u32)number;
	config->tunnel.mark_given = true;
	return 0;
}

int set_roaming(struct config *config, const struct config_line *where, char *value)
{
	struct peer_config *peer = current_peer(config);

	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0) {
		fail_at(where, "%s: neither yes nor no", value);
		return -EINVAL;
	}
	peer->roaming = value[0] == 'y' ? ROAMING_YES : ROAMING_NO;
	peer->roaming_line = where->line;
	return 0;
}

int set_keepalive(struct config *config, const struct config_line *where, char *value)
{
	unsigned long number = 0;

	if (strcmp(value, "off") != 0 && !value_number(value, KEEPALIVE_MAX, &number)) {
		fail_at(where, "%s: not a number of seconds", value);
		hint("for example 25; 0 or off: no keepalives");
		return -EINVAL;
	}
	current_peer(config)->keepalive = (unsigned int)number;
	return 0;
}
