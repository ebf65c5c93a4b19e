/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stopping to seal when the machine turns out to be a copy (fork.bpf.c). */
#ifndef XDPSEC_FORK_H
#define XDPSEC_FORK_H

#include "plane/plane.h"

/* Attach the program, pinned as the instance's `fork`, if this kernel lets us. No message if it does not. */
void fork_watch(const struct plane *plane);
/* Is it attached? */
bool fork_is_watched(const struct plane *plane);

#endif
