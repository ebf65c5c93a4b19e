/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two modes of an instance. */
#ifndef XDPSEC_MODE_H
#define XDPSEC_MODE_H

enum mode {
	MODE_INLINE,
	MODE_TUNNEL,
};

#endif
