/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instances that another version of the program has made, with maps of another layout. */
#ifndef XDPSEC_FOREIGN_H
#define XDPSEC_FOREIGN_H

#include "plane.h"

/*
 * Take it down without knowing what its maps mean: by its pins, the alias of its devices, and the programs
 * that use its maps. Numbers that it has not used are lost, which is safe, and so is what it has received.
 * The network namespace must be the instance's, or gone: -EXDEV after a message otherwise, and nothing was
 * done. 0, or -errno after a message.
 */
int foreign_teardown(const char *name, bool staged);

#endif
