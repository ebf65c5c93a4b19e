// SPDX-License-Identifier: GPL-2.0-or-later
/* Prefixes and ports as the configuration file has them. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "config.h"

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

const char *prefix_text(const struct xdpsec_prefix *prefix, char *text, size_t size)
{
	char address[INET6_ADDRSTRLEN];

	if (prefix->length >= 96 && !memcmp(prefix->address, mapped, sizeof(mapped))) {
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
