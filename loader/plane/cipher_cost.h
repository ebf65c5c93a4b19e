/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long the kernel's cipher takes, by a measurement of less than a millisecond. */
#ifndef XDPSEC_CIPHER_COST_H
#define XDPSEC_CIPHER_COST_H

/* For one call over CIPHER_COST_BYTES (sa_abi.h): nanoseconds, or -errno without a message. driver as in Driver. */
int cipher_cost(const char *driver);

#endif
