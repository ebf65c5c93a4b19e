/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The preshared keys of the peers. A PresharedKeyFile is read anew for every handshake, as another program may write
 * it (Rosenpass, every two minutes). A file that is missing, unreadable or damaged gives no key, not a key of zeros.
 */
#ifndef XDPSEC_AGENT_PSK_H
#define XDPSEC_AGENT_PSK_H

#include <limits.h>
#include <stdbool.h>
#include <linux/types.h>

#include "config/key32.h"

/* How long a key that was replaced is still tried. */
#define PSK_BEFORE_NS (180 * 1000000000ULL)

/* One of a peer. It holds keys: put it into sandbox_secret(). */
struct psk {
	int directory; /* that of the file; -1: there is no file */
	int file;      /* the file as root has opened it, in case that the agent may not; -1: none */
	char name[NAME_MAX + 1]; /* of the file in its directory */
	unsigned char now[KEY32_BYTES], before[KEY32_BYTES];
	bool has_now, has_before;
	__u64 changed; /* when `before` was replaced, CLOCK_BOOTTIME ns */
	__u64 read;    /* when `now` was last read from the file */
	__u64 failed;  /* when the file was last found damaged, after all pauses; 0: not since it was right */
};

/* Open the file of a peer as root. It need not be there yet, but its directory. 0, or -errno after a message. */
int psk_open(struct psk *psk, const char *path, const char *peer);

/* Read the file, and tell the keys. -errno without a message: there is none. A key in place of a file never fails. */
int psk_read(struct psk *psk, __u64 now);

/* Is the key before still to be tried? */
bool psk_has_before(const struct psk *psk, __u64 now);

#endif
