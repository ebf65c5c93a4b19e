/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The requirements of a command that changes an instance. */
#ifndef XDPSEC_REQUIREMENTS_H
#define XDPSEC_REQUIREMENTS_H

/* Checks privileges, kernel and kfuncs (kernel.h), and mounts the BPF file system (bpffs.h). 0, or -errno
 * after a message. */
int requirements_check(void);

#endif
