/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several instances on one device: which there are, and what would keep them from being there together.
 *
 * Each packet is judged by one instance after the other, inline mode first (chain.h), so that no two may want
 * the same one: tunnels have ports of their own, the prefixes of inline mode do not overlap, and none of them
 * protects what a tunnel sends.
 */
#ifndef XDPSEC_SHARING_H
#define XDPSEC_SHARING_H

#include "config.h"
#include "instance.h"

/* With as many programs in a row, the kernel takes one tail call less (include/linux/bpf.h,
 * MAX_TAIL_CALL_CNT). */
#define SHARING_MAX 32

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

/* Can the configuration, whose device has that index, be up beside the others? 0, or -errno after a message.
 */
int sharing_check(const struct config *config, const struct sharers *sharers);

/* A number that no other instance on the device has in the names of its devices: 0 for the first, and up to
 * SHARING_MAX - 1. */
unsigned int sharing_number(const struct instance *instance, const struct sharers *sharers);

#endif
