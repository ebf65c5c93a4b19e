/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The BPF objects of a plane. All of them share its maps. */
#ifndef XDPSEC_OBJECTS_H
#define XDPSEC_OBJECTS_H

#include "plane/plane.h"

struct bpf_object;

/* Load the programs that install contexts (sa.bpf.c). The first object that is loaded creates the plane's
 * maps. */
int objects_load_sa(struct plane *plane);
/* Load the data plane's programs of the mode (programs.h). */
int objects_load_data(struct plane *plane);
int objects_load_selftest(struct plane *plane, struct bpf_object **selftest);
/* The programs by which agents change SAs (agree.bpf.c). The caller closes the object. */
int objects_load_agree(const struct plane *plane, struct bpf_object **object);
/* One of the programs for a machine that is a copy (fork.bpf.c). Without a message if the kernel refuses it. */
int objects_load_fork(const struct plane *plane, const char *program, struct bpf_object **object);
/* Pin each program of the data plane under programs/. */
int objects_pin(const struct plane *plane);
/* Open a copy of open.bpf.o, or decapsulate.bpf.o, with the plane's maps. It is not loaded yet: libxdp
 * loads it as an extension or as a plain XDP program. The caller closes it. */
int objects_open_xdp(const struct plane *plane, struct bpf_object **object);
/* The same, and load it. with_next: the variant that calls another program for packets that it lets pass
 * (xdp/next.bpf.h). */
int objects_load_xdp(const struct plane *plane, bool with_next, struct bpf_object **object);
/* The program of a device of FastPath, with these constants. The caller closes the object. */
int objects_load_fast(const struct plane *plane, const struct xdpsec_fast_settings *settings,
		      struct bpf_object **object);
/* The file descriptor of a loaded program. */
int objects_program(const struct plane *plane, enum program program);

#endif
