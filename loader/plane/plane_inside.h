/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of plane.h, which its files share. */
#ifndef XDPSEC_PLANE_INSIDE_H
#define XDPSEC_PLANE_INSIDE_H

#include <stdbool.h>

#include "base/kernel.h"

struct plane;

/* value_size 0: that of a type that only the programs know. */
struct plane_table {
	const char *name;
	__u32 type, key_size, value_size, entries;
};

/* By enum plane_map, as in plane.h. */
extern const struct plane_table plane_tables[];

/* staged: the name that it has while it is built, or left. name may be plane->name. */
void plane_set_directory(struct plane *plane, const char *name, bool staged);

/* Check that nobody else can have made the directory, as on a file system that all users may write to. */
int plane_check_root(void);

#endif
