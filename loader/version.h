/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef XDPSEC_LOADER_VERSION_H
#define XDPSEC_LOADER_VERSION_H

/* Of this program, as `xdpsec version` prints it. */
const char *program_version(void);

#endif
