/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offloads of a network device, as with `ethtool -k` and `ethtool -K`. */
#ifndef XDPSEC_ETHTOOL_H
#define XDPSEC_ETHTOOL_H

#include <stdbool.h>

/*
 * Switch off everything that makes a device accept unfinished packets: checksum offload, scatter and gather,
 * every kind of segmentation. The stack then gives it only linear packets of MTU size with complete
 * checksums. The result is read back, because the kernel reports success even if some remain on. 0, or -errno
 * after a message.
 */
int offloads_off(const char *device);
/* Is any of these on? */
bool offloads_any(const char *device);

/* Switch on generic receive offload, which merges packets of a flow on their way up the stack. The result
 * is read back. 0, or -errno after a message. */
int gro_on(const char *device);
int gro_off(const char *device);
bool gro_is_on(const char *device);

/* The numbers of receive and transmit queues in use. 0 or -errno, without a message. */
int queues_read(const char *device, unsigned int *receive, unsigned int *transmit);
/* Use that many receive queues. 0 or -errno, without a message. */
int queues_set_receive(const char *device, unsigned int receive);

/* Does the driver take VLAN tags out of received frames and keep them beside (rx-vlan-offload)? XDP does not see these. *fixed:
 * it cannot be switched off. False as well where that is not known. */
bool vlan_offload_is_on(const char *device, bool *fixed);

#endif
