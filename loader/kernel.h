/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold of the process and the kernel before anything else; each has its own message. */
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

/* A name like "bpf_crypto_encrypt" for each kfunc that is needed; NULL ends it. */
extern const char *const kernel_kfuncs[];

/*
 * Everything that ran in a program before this returns has ended: an RCU grace period, by
 * membarrier(MEMBARRIER_CMD_GLOBAL).
 */
int kernel_wait_for_programs(void);

/*
 * What libbpf and libxdp say is kept back, and shown by bpf_log_show() after the message about a failure:
 * they report what they then work around.
 */
void bpf_log_start(void);
void bpf_log_show(void);

#endif
