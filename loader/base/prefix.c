// SPDX-License-Identifier: GPL-2.0-or-later
/* Comparing prefixes and addresses, and writing them as text. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/prefix.h"

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

bool address_is_ipv4(const unsigned char address[16])
{
	return !memcmp(address, mapped, sizeof(mapped));
}

void address_map_ipv4(unsigned char address[16], const void *ipv4)
{
	memcpy(address, mapped, sizeof(mapped));
	memcpy(address + sizeof(mapped), ipv4, 4);
}

bool prefix_is_ipv4(const struct xdpsec_prefix *prefix)
{
	return prefix->length >= IPV4_BITS && address_is_ipv4(prefix->address);
}

bool prefix_is_default(const struct xdpsec_prefix *prefix)
{
	return prefix->length == 0 || (prefix->length == IPV4_BITS && prefix_is_ipv4(prefix));
}

bool prefix_contains(const struct xdpsec_prefix *outer, const struct xdpsec_prefix *inner)
{
	unsigned int bytes = outer->length / 8, bits = outer->length % 8;

	if (outer->length > inner->length || memcmp(outer->address, inner->address, bytes))
		return false;
	return !bits || !((outer->address[bytes] ^ inner->address[bytes]) >> (8 - bits));
}

struct xdpsec_prefix prefix_network(const struct xdpsec_prefix *address)
{
	struct xdpsec_prefix network = *address;

	for (unsigned int bit = address->length; bit < 128; bit++)
		network.address[bit / 8] &= (__u8) ~(0x80 >> bit % 8);
	return network;
}

struct xdpsec_prefix prefix_of(const struct xdpsec_location *location)
{
	struct xdpsec_prefix prefix = { .length = 128 };

	memcpy(prefix.address, location->address, sizeof(prefix.address));
	return prefix;
}

const char *address_text(const unsigned char address[16], char *text, size_t size)
{
	bool ipv4 = address_is_ipv4(address);

	inet_ntop(ipv4 ? AF_INET : AF_INET6, ipv4 ? address + 12 : address, text, (socklen_t)size);
	return text;
}

const char *location_text(const struct xdpsec_location *location, char *text, size_t size)
{
	char address[INET6_ADDRSTRLEN];

	address_text(location->address, address, sizeof(address));
	snprintf(text, size, strchr(address, ':') ? "[%s]:%u" : "%s:%u", address, location->port);
	return text;
}

const char *prefix_text(const struct xdpsec_prefix *prefix, char *text, size_t size)
{
	char address[INET6_ADDRSTRLEN];

	if (prefix_is_ipv4(prefix)) {
		inet_ntop(AF_INET, prefix->address + 12, address, sizeof(address));
		snprintf(text, size, "%s/%u", address, prefix->length - 96);
	} else {
		inet_ntop(AF_INET6, prefix->address, address, sizeof(address));
		snprintf(text, size, "%s/%u", address, prefix->length);
	}
	return text;
}

const char *ports_text(const struct xdpsec_ports *ports, size_t n, char *text, size_t size)
{
	size_t i, used = 0;
	int length;

	if (n == 1 && ports[0].first == 0 && ports[0].last == 65535) {
		snprintf(text, size, "all");
		return text;
	}
	if (size)
		text[0] = '\0';
	for (i = 0; i < n && used < size; i++) {
		if (ports[i].first == ports[i].last)
			length = snprintf(text + used, size - used, "%s%u", i ? "," : "", ports[i].first);
		else
			length = snprintf(text + used, size - used, "%s%u-%u", i ? "," : "", ports[i].first,
					  ports[i].last);
		used += length;
	}
	return text;
}
