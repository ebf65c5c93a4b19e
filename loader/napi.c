// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "cleanup.h"
#include "napi.h"

/* include/uapi/linux/bpf.h; without it the kernel refuses a program beside a far end of that MTU. */
#define HAS_FRAGS (1U << 5)

int napi_hold(unsigned int index)
{
	/* r0 = XDP_PASS; exit */
	static const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .prog_flags = HAS_FRAGS);
	_cleanup_close_ int program = bpf_prog_load(BPF_PROG_TYPE_XDP, "xdpsec_near", "GPL", pass,
						    sizeof(pass) / sizeof(pass[0]), &options);

	if (program < 0)
		return program;
	return bpf_xdp_attach((int)index, program, XDP_FLAGS_DRV_MODE | XDP_FLAGS_UPDATE_IF_NOEXIST, NULL);
}
