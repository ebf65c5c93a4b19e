/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hop device: a pair of devices beside the protected device. Packets that have a pending checksum or are GSO
 * are sent into the near end. Its offloads are off, so the stack finishes them before a program seals them. A
 * netkit runs the program where the near end sends. Of a veth the far end has it, after the softirq in which it
 * receives: some 800 instructions more for each packet (docs/performance.md).
 */
#ifndef XDPSEC_HOP_H
#define XDPSEC_HOP_H

#include "plane/instance.h"
#include "plane/plane.h"

/* No packet is too long for it: packets that the device cannot carry are refused before they get here. */
#define HOP_MTU 65535

/* Name both ends after the protected device's index, so that the names can be recorded before the ends
 * exist. number distinguishes instances on one device. */
void hop_name(struct instance *instance, unsigned int number);

/* Create the pair named in instance, set it up, and record the indexes. 0, or -errno after a message; then
 * nothing is left behind. */
int hop_create(struct instance *instance);

/* Attach the program of that descriptor to what hop_create() has made. 0, or -errno after a message. */
int hop_attach(const struct plane *plane, const struct instance *instance, int program);

#endif
