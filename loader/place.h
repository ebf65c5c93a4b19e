/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a command is in the network namespace of the instance. */
#ifndef XDPSEC_PLACE_H
#define XDPSEC_PLACE_H

#include "plane.h"

enum place {
	PLACE_HERE,
	PLACE_ELSEWHERE,
	PLACE_GONE, /* the namespace, or the device in it, is no more */
};

/* 0, or -errno after a message. */
int place_find(const struct plane *plane, const struct instance *instance, enum place *place);

/* -EXDEV after a message that says where the instance is, if that can be found out, and how to give the
 * command there, with arguments behind the instance ("" for none). */
int place_refuse(const struct instance *instance, const char *command, const char *arguments);

#endif
