/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory for secrets: never in swap, in no core dump, in no child, wiped when it is given back. It is locked by itself:
 * the process's mlockall() does not reach what is mapped later, where the limit cannot be raised (sandbox.c).
 */
#ifndef XDPSEC_SECRET_MEMORY_H
#define XDPSEC_SECRET_MEMORY_H

#include <stddef.h>

/* Zeroed pages. NULL: there is no memory, or it cannot be locked. */
void *secret_memory(size_t n);
/* memory NULL is allowed. */
void secret_memory_free(void *memory, size_t n);

#endif
