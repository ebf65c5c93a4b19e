/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names that somebody may have meant who has mistyped one. */
#ifndef XDPSEC_SIMILAR_H
#define XDPSEC_SIMILAR_H

#include <stddef.h>

/* The one of n names that is most similar to text, or NULL. */
const char *did_you_mean(const char *text, const char *const *names, size_t n);

#endif
