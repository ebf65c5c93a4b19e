// SPDX-License-Identifier: GPL-2.0-only
/* TC ingress of the tunnel device's far end, of an instance with a fast path. */
#define ENCAPSULATE_FAST
#include "encapsulate.bpf.c"
