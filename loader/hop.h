/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hop device: a veth pair beside the protected device. What has a pending checksum or is a GSO packet is
 * sent into the near end, whose offloads are off, so that the stack finishes it before it comes out of the
 * far end.
 */
#ifndef XDPSEC_HOP_H
#define XDPSEC_HOP_H

#include "instance.h"

/* Nothing is too long for it: what the device cannot carry is refused before it is sent here. */
#define HOP_MTU 65535

/* Name both ends after the protected device's index, so that they can be recorded before they exist; number
 * tells instances on one device apart. */
void hop_name(struct instance *instance, unsigned int number);

/* Create the pair that instance names, set it up, and record the indexes. 0 or -errno after a message;
 * nothing is left behind then. */
int hop_create(struct instance *instance);

#endif
