/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands in hints. They are to be taken as they are: with the options that said where to look, as another
 * namespace has other devices, and another state directory other numbers.
 */
#ifndef XDPSEC_SELF_H
#define XDPSEC_SELF_H

#include "instance.h"

/* What the command line said; netns NULL: nothing. The strings are kept. */
void self_set(const char *netns);

/* "xdpsec", or "xdpsec -n site-a"; the same for ip(8); and what stands in front of other commands: "", or
 * "nsenter --net=/run/netns/site-a ". */
const char *self(void);
const char *self_ip(void);
const char *self_enter(void);

/* The hint to take the instance down and bring it up again. */
void hint_restart(const struct instance *instance);

#endif
