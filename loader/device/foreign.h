/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instances made by another version of the program, whose maps have another layout. */
#ifndef XDPSEC_FOREIGN_H
#define XDPSEC_FOREIGN_H

#include "plane/plane.h"

/*
 * Take such an instance down without interpreting its maps: by its pins, the alias of its devices, and the
 * programs that use its maps. Its unused sequence numbers are lost, which is safe, and so is its replay
 * window. The network namespace must be the instance's, or be gone: otherwise -EXDEV after a message, and
 * nothing was done. 0, or -errno after a message.
 */
int foreign_teardown(const char *name, bool staged);

#endif
