/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys that another instance uses. Each instance has its own replay window. Two instances with one Rx key
 * would accept a packet twice. Two with one Tx key would repeat sequence numbers, or the receiver would drop
 * the packets of the one that is behind.
 */
#ifndef XDPSEC_KEY_USE_H
#define XDPSEC_KEY_USE_H

#include "config/config.h"

/*
 * Check against all instances whose pins are visible here. fingerprints are those of the configuration's
 * keys, tx and rx for each peer. cookie is that of the network namespace of the configuration. A key that is
 * Tx here and Rx in another namespace is allowed: both ends of a tunnel on one machine. 0, or -errno after a
 * message.
 */
int key_use_check(const struct config *config, char (*fingerprints)[PEER_KEYS][FINGERPRINT_HEX],
		  __u64 cookie);

#endif
