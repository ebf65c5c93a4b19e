/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The number of elements of an array. */
#ifndef XDPSEC_ARRAY_H
#define XDPSEC_ARRAY_H

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
