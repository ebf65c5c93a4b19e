/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prefixes, addresses and ports of the data plane: comparisons, and their text in configuration files. */
#ifndef XDPSEC_PREFIX_H
#define XDPSEC_PREFIX_H

#include <stdbool.h>
#include <stddef.h>

#include "xdpsec/abi.h"

/* The leading bits of a mapped address, before the IPv4 address. */
#define IPV4_BITS 96

/* Is the address an IPv4 one, mapped (RFC 4291 section 2.5.5.2)? */
bool address_is_ipv4(const unsigned char address[16]);
/* The mapped address of four bytes. */
void address_map_ipv4(unsigned char address[16], const void *ipv4);
bool prefix_is_ipv4(const struct xdpsec_prefix *prefix);
/* 0.0.0.0/0 or ::/0 */
bool prefix_is_default(const struct xdpsec_prefix *prefix);
/* Is every address of inner in outer? */
bool prefix_contains(const struct xdpsec_prefix *outer, const struct xdpsec_prefix *inner);
/* The network of an address with a prefix length. */
struct xdpsec_prefix prefix_network(const struct xdpsec_prefix *address);
/* The prefix that holds only the address of the location. */
struct xdpsec_prefix prefix_of(const struct xdpsec_location *location);

/* All of these write to text, of size bytes, and return it. */

/* "198.51.100.2:7253", "[2001:db8::1]:7253", and without the port */
const char *location_text(const struct xdpsec_location *location, char *text, size_t size);
const char *address_text(const unsigned char address[16], char *text, size_t size);
/* "198.51.100.0/24", "2001:db8::/32" */
const char *prefix_text(const struct xdpsec_prefix *prefix, char *text, size_t size);
/* "4789,5201-5210" or "all" */
const char *ports_text(const struct xdpsec_ports *ports, size_t n, char *text, size_t size);

#endif
