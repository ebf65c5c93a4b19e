/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory for secrets: in no core dump, in no child, wiped when it is given back. Locking it is the process's (mlockall). */
#ifndef XDPSEC_SECRET_MEMORY_H
#define XDPSEC_SECRET_MEMORY_H

#include <stddef.h>

/* Zeroed pages. NULL: there is no memory. */
void *secret_memory(size_t n);
/* memory NULL is allowed. */
void secret_memory_free(void *memory, size_t n);

#endif
