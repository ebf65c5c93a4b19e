/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings in /proc/sys/net that netlink does not have: of a network device, or of the network namespace. */
#ifndef XDPSEC_SYSCTL_H
#define XDPSEC_SYSCTL_H

#include <stdbool.h>

/* family is "ipv4" or "ipv6". For the network namespace of the process. 0 or -errno, without a message. */
int sysctl_set(const char *family, const char *device, const char *name, int value);
int sysctl_get(const char *family, const char *device, const char *name, int *value);

/* One that is not of a device: /proc/sys/net/FAMILY/NAME. */
int sysctl_get_global(const char *family, const char *name, int *value);

/*
 * Switch IPv6 off on the device. It would send MLD reports and router solicitations, and there is no netlink
 * attribute for this. If the setting cannot be written, there is no IPv6, or only these few packets are sent.
 */
void sysctl_silence_ipv6(const char *device);

#endif
