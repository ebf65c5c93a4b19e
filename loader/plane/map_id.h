/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ids of maps: they tell which program uses the maps of which instance. */
#ifndef XDPSEC_MAP_ID_H
#define XDPSEC_MAP_ID_H

#include <stddef.h>

#include "plane/plane.h"

/* The most maps of a program: all of an instance, and some of its own. */
#define PROGRAM_MAPS_MAX (MAP_COUNT + 32)

/* The id of the map; 0: fd is -1, or the kernel does not say it. */
__u32 map_id(int fd);

/* List the ids of the maps that the program of this descriptor uses. 0, or -errno without a message. */
int program_map_ids(int program, __u32 ids[PROGRAM_MAPS_MAX], size_t *n);

#endif
