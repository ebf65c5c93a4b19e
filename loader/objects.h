/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The BPF objects of a plane: loaded so that all of them share its maps. */
#ifndef XDPSEC_OBJECTS_H
#define XDPSEC_OBJECTS_H

#include "plane.h"

struct bpf_object;

/* The programs that install contexts (sa.bpf.c). The first object to be loaded creates the plane's maps. */
int objects_load_sa(struct plane *plane);
/* Those of the data plane that the mode has (programs.h). */
int objects_load_data(struct plane *plane);
int objects_load_selftest(struct plane *plane, struct bpf_object **selftest);
/* Each of the data plane's programs to PROGRAM under programs/. */
int objects_pin(const struct plane *plane);
/* A copy of open.bpf.o, or decapsulate.bpf.o, that shares the plane's maps and is not loaded yet, for libxdp,
 * which decides as what it is loaded. To be closed by the caller. */
int objects_open_xdp(const struct plane *plane, struct bpf_object **object);
/* The same, loaded; with_next: that which calls another program for what it lets pass (xdp/next.bpf.h). */
int objects_load_xdp(const struct plane *plane, bool with_next, struct bpf_object **object);
/* The file descriptor of a program that is loaded. */
int objects_program(const struct plane *plane, enum program program);

#endif
