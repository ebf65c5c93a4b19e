/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The instances on one device, with their maps and devices. */
#ifndef XDPSEC_SHARERS_H
#define XDPSEC_SHARERS_H

#include "plane/instance.h"

/* The most programs in a chain: one less than the kernel's limit of tail calls (include/linux/bpf.h,
 * MAX_TAIL_CALL_CNT). */
#define SHARERS_MAX 32

/* An instance, whole or (staged) left incomplete by a command that was killed. */
struct sharer {
	struct instance instance;
	bool staged;
	bool foreign; /* made by another version: instance has its name, and the fields of struct instance_head */
	bool here;	 /* it is on the device asked for */
	bool fast;	 /* it has that device in FastPath */
	__u32 drops_map; /* id of its map "drops", which all of its programs use; 0: none yet */
};

struct sharers {
	struct sharer *list;
	size_t n;
	char unknown[XDPSEC_NAME_LEN]; /* an instance on any device that cannot be read; "": none */
};

/* Find all instances. here marks those on the device with that index in this network namespace. 0, or
 * -errno after a message. Free it in both cases. */
int sharers_find(struct sharers *sharers, unsigned int device);
void sharers_free(struct sharers *sharers);
#define _cleanup_sharers_ __attribute__((cleanup(sharers_free)))

/* The next instance after `after` (NULL: the first) on the device, except the one of that name. NULL: no
 * more. */
const struct sharer *sharers_next(const struct sharers *sharers, const char *name,
				  const struct sharer *after);

/* The first instance that has the device in FastPath, except the one of that name. NULL: none has. */
const struct sharer *sharers_fast(const struct sharers *sharers, const char *name);

#endif
