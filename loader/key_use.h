/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys that another instance uses. Each has a replay window of its own, so that two with one key to receive
 * with accept one packet twice; with one key to seal with they repeat numbers, or the receiver drops those of
 * the one that is behind.
 */
#ifndef XDPSEC_KEY_USE_H
#define XDPSEC_KEY_USE_H

#include "config.h"

/*
 * fingerprints are those of the configuration's keys, tx and rx for each peer; cookie is of the network
 * namespace that it is for. A key that seals here and receives in another namespace is the two ends of a
 * tunnel on one machine. Other instances are all whose pins are seen here. 0, or -errno after a message.
 */
int key_use_check(const struct config *config, char (*fingerprints)[2][FINGERPRINT_HEX], __u64 cookie);

#endif
