/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instances whose pins are gone, while their devices and their XDP program live on: somebody has removed the
 * pins, or the BPF file system that they were in has ended. What they were is told by the alias of their
 * devices, and by the maps of the program, which keeps all of the data plane for that (attach.h).
 */
#ifndef XDPSEC_LOST_H
#define XDPSEC_LOST_H

#include <stdbool.h>
#include <stddef.h>

#include "instance.h"

struct lost {
	char name[XDPSEC_NAME_LEN];
	/* Its TC programs are still attached, and so somebody holds their links: its pins are in a BPF file
	 * system that cannot be seen from here, or are just being made. */
	bool held;
	unsigned int device;  /* index of the protected device; 0: only the pair is left */
	unsigned int program; /* id of the program at XDP of that; 0: likewise */
};

/* Those of this network namespace, in *lost, which is to be freed. 0, or -errno after a message. */
int lost_list(struct lost **lost, size_t *n);

/* Is there one of that name? Without a message. */
bool lost_exists(const char *name);

/* Take down what is left of the one of that name. None is no error. To be called under the lock. 0, or -errno
 * after a message: -EBUSY when its pins are elsewhere. */
int lost_teardown(const char *name);

#endif
