/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The search of `probe`, for other commands. */
#ifndef XDPSEC_PROBE_H
#define XDPSEC_PROBE_H

#include "net/echo.h"

/* The largest packet, up to mtu, that is answered; *size 0: not even the smallest is. 0 or -errno, without a message. */
int probe_size(struct echo *echo, unsigned int mtu, unsigned int *size);

#endif
