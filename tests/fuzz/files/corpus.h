/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that others are made of, and how. */
#ifndef XDPSEC_FUZZ_CORPUS_H
#define XDPSEC_FUZZ_CORPUS_H

#include <stddef.h>
#include <stdint.h>

void corpus_add(const uint8_t *bytes, size_t n);
size_t corpus_size(void);
/* One of the files, changed in some places; of at most max bytes. Returns its length. */
size_t corpus_change(uint8_t *bytes, size_t max, const char *const *words);

#endif
