/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of the rig, which its files share: the objects that are loaded. */
#ifndef XDPSEC_UNIT_RIG_OBJECTS_H
#define XDPSEC_UNIT_RIG_OBJECTS_H

#include <stddef.h>

#include "rig.h"

#define RIG_BPFFS "/sys/fs/bpf"

struct bpf_object;

extern struct rig_objects {
	struct bpf_object *of[PROGRAM_COUNT]; /* NULL: of the other mode */
	struct bpf_object *in_front, *near, *sa, *selftest, *fast_out, *fast_in, *encapsulate_fast;
	int programs[PROGRAMS];
} rig_objects;

/* One object, from its skeleton's bytes. */
struct bpf_object *rig_load(const void *(*bytes)(size_t *size));
int rig_only_program(const struct bpf_object *object);
int rig_program_called(const struct bpf_object *object, const char *name);
int rig_map_of(const struct bpf_object *object, const char *name);
/* Set a time in all elements of a per-CPU array of the program's own. The rest of them stays. */
void rig_set_times(const struct bpf_object *object, const char *map_name, const char *member, uint64_t time);
void rig_shell(const char *command);

#endif
