/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of the programs of the data plane: which mode has them, and where they are attached. */
#ifndef XDPSEC_PROGRAMS_H
#define XDPSEC_PROGRAMS_H

#include <stdbool.h>

#include "config/mode.h"

enum hook {
	HOOK_TCX_EGRESS,
	HOOK_TCX_INGRESS,
	HOOK_XDP,
};

/*
 * X(identifier, name, mode, hook, whether that is of the far end of the pair; else of the protected device). A program
 * is xdpsec_NAME, and alone in NAME.bpf.o. Its pin is programs/NAME, and that of its TCX link links/NAME.
 */
#define PLANE_PROGRAMS(X)                                                                                    \
	X(SEAL, seal, MODE_INLINE, HOOK_TCX_EGRESS, false)                                                   \
	X(HOP, hop, MODE_INLINE, HOOK_TCX_INGRESS, true)                                                     \
	X(OPEN, open, MODE_INLINE, HOOK_XDP, false)                                                          \
	X(ENCAPSULATE, encapsulate, MODE_TUNNEL, HOOK_TCX_INGRESS, true)                                     \
	X(KEEPALIVE, keepalive, MODE_TUNNEL, HOOK_TCX_EGRESS, true)                                          \
	X(DECAPSULATE, decapsulate, MODE_TUNNEL, HOOK_XDP, false)

enum program {
#define PLANE_ENUM(id, ...) PROGRAM_##id,
	PLANE_PROGRAMS(PLANE_ENUM)
#undef PLANE_ENUM
		PROGRAM_COUNT,
};

extern const struct program_info {
	const char *name;
	enum mode mode;
	enum hook hook;
	bool on_far;
} plane_programs[PROGRAM_COUNT];

#endif
