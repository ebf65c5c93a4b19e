/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a command in the network namespace of the instance? */
#ifndef XDPSEC_PLACE_H
#define XDPSEC_PLACE_H

#include "plane/plane.h"

enum place {
	PLACE_HERE,
	PLACE_ELSEWHERE,
	/* The namespace no longer exists. The device does not either, or it is in this namespace: a network card
	 * goes back to the first one, with its programs, which drop. */
	PLACE_GONE,
};

/* 0, or -errno after a message. */
int place_find(const struct plane *plane, const struct instance *instance, enum place *place);

/* Print where the instance is, if that is known, and the command to use there; arguments are those after
 * the instance ("" for none). Returns -EXDEV. */
int place_refuse(const struct instance *instance, const char *command, const char *arguments);

/* Refuse the command unless it is in the namespace of the instance. 0, or -errno after a message. */
int place_check(const struct plane *plane, const struct instance *instance, const char *command,
		const char *arguments);

#endif
