// SPDX-License-Identifier: GPL-2.0-or-later
/* Running the programs of core.bpf.c, and the name of the processor that runs them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "plane/bench.h"
#include "core.skel.h"

int bench_apply_settings(struct bench *b)
{
	__u32 zero = 0;

	return bpf_map_update_elem(bpf_map__fd(b->core->maps.settings), &zero, &b->settings, BPF_ANY);
}

int bench_go_on_to(struct bpf_map *array, const struct bpf_program *program)
{
	__u32 zero = 0, fd = bpf_program__fd(program);

	return bpf_map_update_elem(bpf_map__fd(array), &zero, &fd, BPF_ANY);
}

double bench_time_program(const struct bpf_program *program, unsigned char *frame, unsigned int size,
			  unsigned int repeat, int verdict)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = size, .repeat = repeat);

	if (bpf_prog_test_run_opts(bpf_program__fd(program), &run)) {
		fail(errno, "benchmark: %s: %s", bpf_program__name(program), strerror(errno));
		return -1;
	}
	if ((int)run.retval != verdict) {
		fail(EPROTO, "benchmark: %s: verdict %d instead of %d", bpf_program__name(program),
		     (int)run.retval, verdict);
		return -1;
	}
	return run.duration;
}

const char *bench_cpu_model(char *model, size_t size)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256], implementer[16] = "";

	snprintf(model, size, "unknown");
	while (file && fgets(line, sizeof(line), file)) {
		char *value = strchr(line, ':');

		if (!value)
			continue;
		value += strspn(value, ": ");
		value[strcspn(value, "\n")] = '\0';
		if (strncmp(line, "model name", 10) == 0) {
			snprintf(model, size, "%s", value);
			break;
		}
		if (strncmp(line, "CPU implementer", 15) == 0)
			snprintf(implementer, sizeof(implementer), "%.15s", value);
		if (strncmp(line, "CPU part", 8) == 0) {
			snprintf(model, size, "ARM, implementer %s, part %.15s", implementer, value);
			break;
		}
	}
	return model;
}
