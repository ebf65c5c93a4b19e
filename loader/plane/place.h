/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a command in the network namespace of the instance? */
#ifndef XDPSEC_PLACE_H
#define XDPSEC_PLACE_H

#include "plane/plane.h"

enum place {
	PLACE_HERE,
	PLACE_ELSEWHERE,
	PLACE_GONE, /* the namespace, or the device in it, no longer exists */
};

/* 0, or -errno after a message. */
int place_find(const struct plane *plane, const struct instance *instance, enum place *place);

/* Print where the instance is, if that is known, and the command to use there; arguments are those after
 * the instance ("" for none). Returns -EXDEV. */
int place_refuse(const struct instance *instance, const char *command, const char *arguments);

#endif
