/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a network device's settings are only found under in /proc/sys/net. */
#ifndef XDPSEC_SYSCTL_H
#define XDPSEC_SYSCTL_H

#include <stdbool.h>

/* family is "ipv4" or "ipv6"; of the network namespace that the process is in. 0 or -errno, without a
 * message. */
int sysctl_set(const char *family, const char *device, const char *name, int value);
int sysctl_get(const char *family, const char *device, const char *name, int *value);

/*
 * IPv6 would announce itself on the device (MLD reports, router solicitations). There is no netlink attribute
 * for this. Where it cannot be written there is no IPv6, or only those few packets.
 */
void sysctl_silence_ipv6(const char *device);

#endif
