// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of programs, as data. */
#include "plane/programs.h"

const struct program_info plane_programs[PROGRAM_COUNT] = {
#define PLANE_PROGRAM(id, name, mode, hook, on_far) [PROGRAM_##id] = { #name, mode, hook, on_far },
	PLANE_PROGRAMS(PLANE_PROGRAM)
#undef PLANE_PROGRAM
};
