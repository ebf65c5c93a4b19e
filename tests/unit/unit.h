/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The headers of every unit test: cmocka with those that it needs in front, and TAP as its output. */
#ifndef XDPSEC_UNIT_H
#define XDPSEC_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/array.h"

/* A test that is one row of a table: the function finds the row in *state. */
#define unit_test_row(text, function, row)                                                                   \
	(struct CMUnitTest)                                                                                  \
	{                                                                                                    \
		.name = (text), .test_func = (function), .initial_state = (void *)(row)                      \
	}

#endif
