// SPDX-License-Identifier: GPL-2.0-or-later
/* Values of the configuration file: prefixes, ports, SPIs. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "config/config_parse.h"

int fail_at(const struct config_line *where, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (n < 0) {
		text = NULL;
		return fail(ENOMEM, "%s:%d: out of memory", where->path, where->line);
	}
	if (!where->key)
		return fail(EINVAL, "%s:%d: %s", where->path, where->line, text);
	return fail(EINVAL, "%s:%d: %s: %s", where->path, where->line, where->key, text);
}

/* A line has 200 characters at most, so it cannot hold more items. */
#define ITEMS_MAX 128

char *value_next(char **rest)
{
	char *item = strsep(rest, ","), *end;

	if (!item)
		return NULL;
	while (isspace((unsigned char)*item))
		item++;
	end = item + strlen(item);
	while (end > item && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return item;
}

/* strtoul() would also take signs, white space and octal numbers. */
bool value_number(const char *text, unsigned long max, unsigned long *number)
{
	bool is_hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = is_hex ? text + 2 : text;
	size_t i;

	if (!*digits)
		return false;
	for (i = 0; digits[i]; i++)
		if (!(is_hex ? isxdigit((unsigned char)digits[i]) : isdigit((unsigned char)digits[i])))
			return false;
	errno = 0;
	*number = strtoul(digits, NULL, is_hex ? 16 : 10);
	return !errno && *number <= max;
}

int value_spi(const struct config_line *where, const char *text, unsigned int *spi)
{
	unsigned long number;

	if (!value_number(text, 0xffffffff, &number)) {
		fail_at(where, "%s: not an SPI", text);
		hint("a 32-bit number, decimal or hexadecimal, for example 0x00001001");
		return -EINVAL;
	}
	if (number < XDPSEC_SPI_MIN) {
		fail_at(where, "%s: SPIs below %d are reserved", text, XDPSEC_SPI_MIN);
		hint("for example 0x%08lx; the other site's %s must be the same number", number + 0x1000,
		     where->key[0] == 'T' ? "RxSpi" : "TxSpi");
		return -EINVAL;
	}
	*spi = number;
	return 0;
}

/* Is it the empty item of a comma too many? After a message. */
static bool refuse_empty(const struct config_line *where, const char *item)
{
	if (*item)
		return false;
	fail_at(where, "an item of the list is empty");
	hint("remove the comma in front of it or behind it");
	return true;
}

static int parse_port(const struct config_line *where, const char *text, unsigned short *port)
{
	unsigned long number;

	if (!value_number(text, 65535, &number) || number == 0) {
		fail_at(where, "%s: not a port", text);
		hint("1 to 65535, a range such as 5201-5210, or \"all\"");
		return -EINVAL;
	}
	*port = number;
	return 0;
}

static int parse_range(const struct config_line *where, char *text, struct xdpsec_ports *ports)
{
	char *last = strchr(text, '-'), first[32];
	int err;

	if (refuse_empty(where, text))
		return -EINVAL;
	if (!last) {
		err = parse_port(where, text, &ports->first);
		if (!err)
			ports->last = ports->first;
		return err;
	}
	/* "5201 - 5210" is accepted, too. */
	snprintf(first, sizeof(first), "%.*s", (int)strcspn(text, "- \t"), text);
	last++;
	last += strspn(last, " \t");
	err = parse_port(where, first, &ports->first);
	if (err)
		return err;
	err = parse_port(where, last, &ports->last);
	if (err)
		return err;
	if (ports->first > ports->last) {
		fail_at(where, "%u-%u: a range that ends before it starts", ports->first, ports->last);
		hint("%u-%u", ports->last, ports->first);
		return -EINVAL;
	}
	return 0;
}

static int compare_ports(const void *left, const void *right)
{
	const struct xdpsec_ports *a = left, *b = right;

	return a->first != b->first ? a->first - b->first : a->last - b->last;
}

static size_t merge_ports(struct xdpsec_ports *ports, size_t n)
{
	size_t i, merged = 0;

	qsort(ports, n, sizeof(*ports), compare_ports);
	for (i = 1; i < n; i++) {
		if (ports[i].first <= ports[merged].last + 1) {
			if (ports[i].last > ports[merged].last)
				ports[merged].last = ports[i].last;
		} else {
			ports[++merged] = ports[i];
		}
	}
	return merged + 1;
}

int value_ports(const struct config_line *where, char *text, struct xdpsec_ports *ports, size_t *n)
{
	struct xdpsec_ports found[ITEMS_MAX];
	size_t count = 0;
	char *item;
	int err;

	if (!strcasecmp(text, "all")) {
		ports[0] = (struct xdpsec_ports){ 0, 65535 };
		*n = 1;
		return 0;
	}
	while ((item = value_next(&text))) {
		if (count == ITEMS_MAX)
			return fail_at(where, "too many ports in one line");
		err = parse_range(where, item, &found[count++]);
		if (err)
			return err;
	}
	count = merge_ports(found, count);
	if (count > XDPSEC_MAX_PORT_RANGES) {
		fail_at(where, "%zu port ranges, at most %d are possible", count, XDPSEC_MAX_PORT_RANGES);
		hint("adjacent ports count as one range; \"all\" protects every port");
		return -EINVAL;
	}
	memcpy(ports, found, count * sizeof(*ports));
	*n = count;
	return 0;
}

static void clear_host_bits(struct xdpsec_prefix *prefix)
{
	unsigned int i, keep;

	for (i = 0; i < sizeof(prefix->address); i++) {
		keep = prefix->length < 8 * i ? 0 : prefix->length - 8 * i;
		if (keep < 8)
			prefix->address[i] &= 0xff00 >> keep;
	}
}

bool value_parse_address(const char *text, struct xdpsec_prefix *prefix, unsigned int *bits)
{
	struct in_addr ipv4;

	memset(prefix, 0, sizeof(*prefix));
	if (inet_pton(AF_INET, text, &ipv4) == 1) {
		address_map_ipv4(prefix->address, &ipv4);
		*bits = 32;
		return true;
	}
	*bits = 128;
	return inet_pton(AF_INET6, text, prefix->address) == 1;
}

/* Parse the length behind a slash. An address without a slash has the full length. */
static int parse_length(const struct config_line *where, const char *text, const char *slash,
			unsigned int bits, unsigned int *length)
{
	unsigned long number = bits;

	if (slash && (!isdigit((unsigned char)slash[1]) || !value_number(slash + 1, bits, &number))) {
		fail_at(where, "%s: prefix length must be 0 to %u", text, bits);
		return -EINVAL;
	}
	*length = (unsigned int)number + 128 - bits;
	return 0;
}

int value_prefix(const struct config_line *where, const char *text, struct xdpsec_prefix *prefix)
{
	const char *slash = strchr(text, '/');
	struct xdpsec_prefix found, network;
	char address[64], hinted[64];
	unsigned int bits;
	int err;

	if (refuse_empty(where, text))
		return -EINVAL;
	snprintf(address, sizeof(address), "%.*s", slash ? (int)(slash - text) : 63, text);
	if (!value_parse_address(address, &found, &bits)) {
		fail_at(where, "%s: not an IPv4 or IPv6 prefix", text);
		hint("for example 198.51.100.0/24 or 2001:db8::/32; names are not resolved");
		return -EINVAL;
	}
	err = parse_length(where, text, slash, bits, &found.length);
	if (err)
		return err;
	network = found;
	clear_host_bits(&network);
	if (memcmp(&network, &found, sizeof(found))) {
		fail_at(where, "%s: host bits set", text);
		hint("%s for the network, %s/%u for the one address",
		     prefix_text(&network, hinted, sizeof(hinted)), address, bits);
		return -EINVAL;
	}
	*prefix = found;
	return 0;
}

bool value_is_unicast(const struct xdpsec_prefix *address, unsigned int bits)
{
	static const unsigned char none[16];
	const unsigned char *bytes = address->address;

	if (bits == 32)
		return bytes[12] != 0 && bytes[12] != 127 && bytes[12] < 224;
	return memcmp(bytes, none, 15) != 0 && bytes[0] != 0xff;
}

int value_address(const struct config_line *where, const char *text, struct xdpsec_prefix *address)
{
	const char *slash = strchr(text, '/');
	struct xdpsec_prefix found;
	char alone[64];
	unsigned int bits;
	int err;

	if (refuse_empty(where, text))
		return -EINVAL;
	snprintf(alone, sizeof(alone), "%.*s", slash ? (int)(slash - text) : 63, text);
	if (!value_parse_address(alone, &found, &bits) || !value_is_unicast(&found, bits)) {
		fail_at(where, "%s: not a valid address for a device", text);
		hint("for example 10.77.0.1/30 or fd00:77::1/64");
		return -EINVAL;
	}
	err = parse_length(where, text, slash, bits, &found.length);
	if (!err)
		*address = found;
	return err;
}

int value_host(const struct config_line *where, const char *text, unsigned char address[16])
{
	struct xdpsec_prefix found;
	unsigned int bits;

	if (refuse_empty(where, text))
		return -EINVAL;
	if (!value_parse_address(text, &found, &bits) || !value_is_unicast(&found, bits) ||
	    (bits == 128 && found.address[0] == 0xfe)) {
		fail_at(where, "%s: not a valid source address", text);
		hint("an address of this host without prefix length, for example 192.0.2.10 or 2001:db8::10");
		return -EINVAL;
	}
	memcpy(address, found.address, sizeof(found.address));
	return 0;
}
