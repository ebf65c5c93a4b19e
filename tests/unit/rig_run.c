// SPDX-License-Identifier: GPL-2.0-or-later
/* Running programs over frames. */
#include <errno.h>
#include <sched.h>
#include <bpf/bpf.h>

#include "rig_objects.h"
#include "unit.h"

static bool is_tc(enum program program)
{
	return program < PROGRAM_COUNT
		       ? plane_programs[program].hook != HOOK_XDP
		       : program == PROGRAM_SEAL_VECTOR || program == PROGRAM_ENCAPSULATE_FAST;
}

static bool is_of_far_end(enum program program)
{
	return program < PROGRAM_COUNT ? plane_programs[program].on_far : program == PROGRAM_ENCAPSULATE_FAST;
}

static int run(enum program program, const struct frame *in, struct frame *out, int *verdict, int times)
{
	struct __sk_buff context = {
		.ifindex = is_of_far_end(program) ? rig.far : rig.device,
		.ingress_ifindex = in->ingress,
		.gso_size = in->gso_size,
		.gso_segs = in->gso_size ? (in->length + in->gso_size - 1) / in->gso_size : 0,
	};
	struct bpf_test_run_opts options = {
		.sz = sizeof(options),
		.data_in = in->bytes,
		.data_size_in = in->length,
		.data_out = out->bytes,
		.data_size_out = sizeof(out->bytes),
		.repeat = times,
	};
	struct xdp_md xdp = {
		.data_end = in->linear ? in->linear : in->length,
		.ingress_ifindex = in->ingress ? in->ingress : (uint32_t)rig.device,
	};
	int err;

	memcpy(context.cb, in->cb, sizeof(in->cb));
	if (is_tc(program)) {
		options.ctx_in = options.ctx_out = &context;
		options.ctx_size_in = options.ctx_size_out = sizeof(context);
	} else {
		options.ctx_in = &xdp;
		options.ctx_size_in = sizeof(xdp);
	}
	err = bpf_prog_test_run_opts(rig_objects.programs[program], &options);
	out->length = options.data_size_out;
	out->mark = context.mark;
	*verdict = options.retval;
	return err;
}

void rig_run_on_one_cpu(void)
{
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	assert_return_code(sched_setaffinity(0, sizeof(first), &first), 0);
}

int rig_run(enum program program, const struct frame *in, struct frame *out)
{
	int verdict;

	assert_return_code(run(program, in, out, &verdict, 1), errno);
	return verdict;
}

int rig_repeat(enum program program, const struct frame *in, int times)
{
	static struct frame out;
	int verdict;

	assert_return_code(run(program, in, &out, &verdict, times), errno);
	return verdict;
}

bool rig_try(enum program program, const struct frame *in, struct frame *out, int *verdict)
{
	return run(program, in, out, verdict, 1) == 0;
}
