/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The version of this program. */
#ifndef XDPSEC_PROGRAM_VERSION_H
#define XDPSEC_PROGRAM_VERSION_H

/* The version of this program, as `xdpsec version` prints it. */
const char *program_version(void);

#endif
