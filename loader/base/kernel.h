/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requirements that process and kernel must meet first; each has its own message. */
#ifndef XDPSEC_KERNEL_H
#define XDPSEC_KERNEL_H

#include <stddef.h>

#define BPFFS "/sys/fs/bpf"

/* The capabilities that loading, attaching and creating devices need. */
int kernel_check_privileges(void);

/* The kernel's own BTF, and the kfuncs that we call in it. */
int kernel_check_kfuncs(void);

/* Not a kernel with PREEMPT_RT. 0, or -ENOTSUP after a message. */
int kernel_check_preemption(void);

/* The names of the kfuncs that are needed, like "bpf_crypto_encrypt"; NULL ends the list. */
extern const char *const kernel_kfuncs[];

/*
 * Wait until every program that is running now has ended: an RCU grace period, by
 * membarrier(MEMBARRIER_CMD_GLOBAL).
 */
int kernel_wait_for_programs(void);

/*
 * Keep back the output of libbpf and libxdp. bpf_log_show() prints it after the message about a failure. They
 * also report problems that they then work around.
 */
void bpf_log_start(void);
void bpf_log_show(void);

#endif
