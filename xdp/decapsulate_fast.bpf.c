// SPDX-License-Identifier: GPL-2.0-only
/* XDP of the underlay's device, in tunnel mode with a fast path. */
#define DECAPSULATE_FAST
#include "decapsulate.bpf.c"
