// SPDX-License-Identifier: GPL-2.0-or-later
/* Privileges, BTF and kfuncs, and waiting until running programs have ended. */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <linux/capability.h>
#include <linux/membarrier.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/kernel.h"
#include "base/kernel_upgrade.h"
#include "base/message.h"

#ifndef CAP_BPF
#define CAP_BPF 39
#endif

const char *const kernel_kfuncs[] = {
	"bpf_crypto_ctx_create", "bpf_crypto_ctx_acquire", "bpf_crypto_ctx_release",
	"bpf_crypto_encrypt",	 "bpf_crypto_decrypt",	   NULL,
};

int kernel_check_privileges(void)
{
	static const struct {
		unsigned int number;
		const char *name, *purpose;
	} needed[] = {
		{ CAP_BPF, "CAP_BPF", "load BPF programs" },
		{ CAP_NET_ADMIN, "CAP_NET_ADMIN", "attach them and create devices" },
		{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "find programs and maps by their ids" },
	};
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

	if (syscall(SYS_capget, &header, data) < 0)
		return fail(errno, "capabilities: cannot read them: %s", strerror(errno));
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		if (data[needed[i].number / 32].effective & 1U << needed[i].number % 32)
			continue;
		fail(EPERM, "not permitted: %s is missing, which is needed to %s", needed[i].name,
		     needed[i].purpose);
		hint("run it as root (sudo)");
		return -EPERM;
	}
	return 0;
}

int kernel_check_kfuncs(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int err = libbpf_get_error(btf);
	char text[256];

	if (err) {
		fail(ENOTSUP, "this kernel has no BTF (/sys/kernel/btf/vmlinux)");
		hint("use a kernel with CONFIG_DEBUG_INFO_BTF, as distributions have it");
		return -ENOTSUP;
	}
	for (size_t i = 0; !err && kernel_kfuncs[i]; i++)
		if (btf__find_by_name_kind(btf, kernel_kfuncs[i], BTF_KIND_FUNC) < 0) {
			kernel_upgrade_hint(text, sizeof(text));
			err = fail(ENOTSUP, "this kernel has no kfunc %s", kernel_kfuncs[i]);
			hint("%s", text);
		}
	btf__free(btf);
	return err;
}

/*
 * Intermediate results for a packet are stored per CPU (ktops, scratch). With PREEMPT_RT a softirq may
 * interrupt another one on its CPU. Then a packet could be sealed under another packet's Ktop, with an offset
 * used twice. Not every such kernel does this, but none tells.
 */
int kernel_check_preemption(void)
{
	_cleanup_fclose_ FILE *file = fopen("/sys/kernel/realtime", "re");

	if (!file || fgetc(file) != '1')
		return 0;
	fail(ENOTSUP, "PREEMPT_RT kernels are not supported: packets of one CPU can preempt each other");
	hint("use a kernel without PREEMPT_RT, the default of distributions");
	return -ENOTSUP;
}

/* An update of a map of maps from user space waits for a grace period before it returns
 * (kernel/bpf/syscall.c, maybe_wait_bpf_programs). Used where membarrier fails, with nohz_full. */
static int wait_by_map_update(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, options);
	_cleanup_close_ int inner = -1, outer = -1;
	__u32 key = 0;

	inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "xs_inner", sizeof(key), sizeof(__u32), 1, NULL);
	if (inner < 0)
		return inner;
	options.inner_map_fd = (__u32)inner;
	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "xs_outer", sizeof(key), sizeof(__u32), 1,
			       &options);
	if (outer < 0)
		return outer;
	return bpf_map_update_elem(outer, &key, &inner, 0) ? -errno : 0;
}

int kernel_wait_for_programs(void)
{
	int err = 0;

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
		err = wait_by_map_update();
	if (err)
		return fail(-err, "cannot wait for packets in flight: %s", strerror(-err));
	return 0;
}
