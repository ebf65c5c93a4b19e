/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The instances on one device: which there are, and which maps and devices each of them has. */
#ifndef XDPSEC_SHARERS_H
#define XDPSEC_SHARERS_H

#include "instance.h"

/* With as many programs in a row, the kernel takes one tail call less (include/linux/bpf.h,
 * MAX_TAIL_CALL_CNT). */
#define SHARERS_MAX 32

/* An instance, whole or (staged) left half-way by a command that was killed. */
struct sharer {
	struct instance instance;
	bool staged;
	bool foreign; /* made by another version: instance has its name and what struct instance_head has */
	bool here;    /* it is on the device that was asked for */
	__u32 drops_map; /* the id of its map "drops", which all of its programs use; 0: it has none yet */
};

struct sharers {
	struct sharer *list;
	size_t n;
	char unknown[XDPSEC_NAME_LEN]; /* an instance that cannot be read, on whatever device; "": none */
};

/* All that there are; here are those on the device of that index in this network namespace. 0, or -errno
 * after a message. To be freed in both cases. */
int sharers_find(struct sharers *sharers, unsigned int device);
void sharers_free(struct sharers *sharers);
#define _cleanup_sharers_ __attribute__((cleanup(sharers_free)))

/* On the device, and other than the instance of that name: NULL where there is none behind after (NULL: at
 * all). */
const struct sharer *sharers_next(const struct sharers *sharers, const char *name,
				  const struct sharer *after);

#endif
