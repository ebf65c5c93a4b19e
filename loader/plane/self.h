/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands in hints. They can be run as printed, with the options that select the namespace and the state
 * directory: another namespace has other devices, and another state directory other sequence numbers.
 */
#ifndef XDPSEC_SELF_H
#define XDPSEC_SELF_H

#include "plane/instance.h"

/* Set the namespace of the command line; netns NULL: none given. The strings are kept. */
void self_set(const char *netns);

/* "xdpsec", or "xdpsec -n site-a"; the same for ip(8); and the prefix of other commands: "", or "nsenter
 * --net=/run/netns/site-a ". */
const char *self(void);
const char *self_ip(void);
const char *self_enter(void);

/* Print the hint to take the instance down and bring it up again. */
void hint_restart(const struct instance *instance);

#endif
