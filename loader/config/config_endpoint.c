// SPDX-License-Identifier: GPL-2.0-or-later
/* Endpoints: an address or a name, and a port. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <netinet/in.h>

#include "base/message.h"
#include "config/config_parse.h"

/* A label of a name: letters, digits and "-", not at its ends. */
static bool is_label(const char *text, size_t n)
{
	if (n == 0 || n > 63 || text[0] == '-' || text[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isascii(text[i]) || (!isalnum(text[i]) && text[i] != '-'))
			return false;
	return true;
}

/* RFC 1123 section 2.1. The last label has a letter, so no address is taken for a name. */
static bool is_host_name(const char *text)
{
	size_t n;

	if (strlen(text) > HOST_NAME_LEN)
		return false;
	for (;; text += n + 1) {
		n = strcspn(text, ".");
		if (!is_label(text, n))
			return false;
		if (!text[n])
			return strspn(text, "0123456789") != n;
	}
}

/* Split at the colon in front of the port. *address gets the address without brackets. NULL: no port. */
static char *split_location(char *text, char **address)
{
	char *end;

	*address = text;
	if (text[0] != '[') {
		end = strrchr(text, ':');
		if (!end)
			return NULL;
		*end = '\0';
		return end + 1;
	}
	end = strstr(text, "]:");
	if (!end)
		return NULL;
	*address = text + 1;
	*end = '\0';
	return end + 2;
}

/* An IPv6 address without brackets, whose end may be the port. */
static void hint_brackets(const char *text)
{
	const char *port = strrchr(text, ':') + 1;
	struct xdpsec_prefix address;
	char front[INET6_ADDRSTRLEN];
	unsigned long number;
	unsigned int bits;

	snprintf(front, sizeof(front), "%.*s", (int)(port - 1 - text), text);
	if (value_number(port, 65535, &number) && number && value_parse_address(front, &address, &bits) &&
	    bits == 128)
		hint("[%s]:%s if %s is the port; else for example [%s]:7253", front, port, port, text);
	else
		hint("for example [%s]:7253", text);
}

static int refuse_location(const struct config_line *where, const char *text)
{
	struct xdpsec_prefix address;
	unsigned int bits;

	if (value_parse_address(text, &address, &bits)) {
		fail_at(where, "%s: no port given", text);
		if (bits == 32)
			hint("for example %s:7253", text);
		else
			hint_brackets(text);
		return -EINVAL;
	}
	if (is_host_name(text)) {
		fail_at(where, "%s: no port given", text);
		hint("for example %s:7253", text);
		return -EINVAL;
	}
	fail_at(where, "%s: not ADDRESS:PORT, nor NAME:PORT", text);
	hint("for example 198.51.100.2:7253, [2001:db8::1]:7253 or vpn.example.net:7253");
	return -EINVAL;
}

static int value_address_at(const struct config_line *where, const char *address, unsigned int port,
			    struct xdpsec_location *location)
{
	struct xdpsec_prefix found;
	unsigned int bits;

	value_parse_address(address, &found, &bits);
	if (!value_is_unicast(&found, bits) || (bits == 128 && found.address[0] == 0xfe)) {
		fail_at(where, "%s: not a routable unicast address", address);
		hint("multicast, loopback and link-local addresses cannot be an Endpoint");
		return -EINVAL;
	}
	memset(location, 0, sizeof(*location));
	memcpy(location->address, found.address, sizeof(location->address));
	location->port = (__u16)port;
	location->known = 1;
	return 0;
}

int value_location(const struct config_line *where, const char *text, struct xdpsec_location *location,
		   char name[HOST_NAME_LEN + 1], unsigned int *name_port)
{
	char copy[HOST_NAME_LEN + 8], *port, *host;
	struct xdpsec_prefix address;
	unsigned int bits;
	unsigned long number;
	bool is_address;

	if (strlen(text) >= sizeof(copy))
		return refuse_location(where, text);
	strcpy(copy, text);
	port = split_location(copy, &host);
	is_address = port && value_parse_address(host, &address, &bits) && (bits == 128) == (text[0] == '[');
	if (!port || (!is_address && (text[0] == '[' || !is_host_name(host))))
		return refuse_location(where, text);
	if (!value_number(port, 65535, &number) || !number) {
		fail_at(where, "%s: not a port", port);
		hint("the ListenPort of the other site, 1 to 65535");
		return -EINVAL;
	}
	if (is_address)
		return value_address_at(where, host, (unsigned int)number, location);
	strcpy(name, host);
	*name_port = (unsigned int)number;
	return 0;
}

int set_endpoint(struct config *config, const struct config_line *where, char *value)
{
	struct peer_config *peer = current_peer(config);

	peer->endpoint_line = where->line;
	return value_location(where, value, &peer->endpoint, peer->endpoint_host, &peer->endpoint_port);
}
