/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time that only moves on, for deadlines. */
#ifndef XDPSEC_MONOTONIC_H
#define XDPSEC_MONOTONIC_H

/* Milliseconds of CLOCK_MONOTONIC, which no change of the clock moves. */
long long monotonic_ms(void);

#endif
