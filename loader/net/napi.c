// SPDX-License-Identifier: GPL-2.0-or-later
/* Attaching the program of the near end, which keeps its NAPI. */
#include <errno.h>
#include <string.h>
#include <linux/if_link.h>
#include <bpf/libbpf.h>

#include "net/napi.h"
#include "near.skel.h"

int napi_hold(unsigned int index, const __u32 secret[4])
{
	struct near_bpf *program = near_bpf__open();
	int err;

	if (!program)
		return -errno;
	memcpy((void *)&program->rodata->near_secret, secret, sizeof(program->rodata->near_secret));
	err = near_bpf__load(program);
	if (!err)
		err = bpf_xdp_attach((int)index, bpf_program__fd(program->progs.xdpsec_near),
				     XDP_FLAGS_DRV_MODE | XDP_FLAGS_UPDATE_IF_NOEXIST, NULL);
	near_bpf__destroy(program);
	return err;
}
