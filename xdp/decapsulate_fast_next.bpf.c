// SPDX-License-Identifier: GPL-2.0-only
/* XDP of the underlay's device, in tunnel mode with a fast path, in front of another instance's program. */
#define DECAPSULATE_FAST
#include "decapsulate_next.bpf.c"
