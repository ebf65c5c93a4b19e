/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lost instances: their pins are gone, while their devices and XDP program are still there. Somebody has
 * removed the pins, or their BPF file system has ended. The alias of the devices, and the maps of the
 * program, identify the instance; the program keeps all maps for that purpose (attach.h).
 */
#ifndef XDPSEC_LOST_H
#define XDPSEC_LOST_H

#include <stdbool.h>
#include <stddef.h>

#include "plane/instance.h"

struct lost {
	char name[XDPSEC_NAME_LEN];
	/* Its TC programs are still attached, so something holds their links: the pins are in a BPF file
	 * system that is not visible from here, or are being made now. */
	bool held;
	unsigned int device;  /* index of the protected device; 0: only the pair is left */
	unsigned int program; /* id of the program at XDP of that device; 0: likewise */
};

/* List those of this network namespace in *lost, which the caller frees. 0, or -errno after a message. */
int lost_list(struct lost **lost, size_t *n);

/* Is there a lost instance of that name? Without a message. */
bool lost_exists(const char *name);

/* Is something there of the instance, which is not up: left incomplete by a command that was killed, being made, or lost?
 * Only root sees what is lost. Without a message. */
bool left_over_exists(const char *name);

/* Take down the rest of the lost instance of that name. None is no error. Call it under the lock. 0, or
 * -errno after a message: -EBUSY if its pins are elsewhere. */
int lost_teardown(const char *name);

#endif
