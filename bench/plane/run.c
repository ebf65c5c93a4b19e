// SPDX-License-Identifier: GPL-2.0-or-later
/* Running the programs of core.bpf.c, medians over rounds, and the report that names kernel and processor. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <json-c/json.h>

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

/* The processor's name. x86 has a line for it; ARM has numbers: who made the processor, and which it is. */
static const char *cpu_model(char *model, size_t size)
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

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double bench_median(const double *values, unsigned int rounds)
{
	double sorted[BENCH_ROUNDS];

	memcpy(sorted, values, rounds * sizeof(sorted[0]));
	qsort(sorted, rounds, sizeof(sorted[0]), compare_doubles);
	return sorted[rounds / 2];
}

struct json_object *bench_report_begin(unsigned int rounds, struct json_object **results)
{
	struct json_object *report = json_object_new_object();
	struct utsname kernel;
	char cpu[128];

	uname(&kernel);
	printf("Linux %s, %s, medians of %u interleaved rounds\n", kernel.release,
	       cpu_model(cpu, sizeof(cpu)), rounds);
	*results = json_object_new_array();
	json_object_object_add(report, "kernel", json_object_new_string(kernel.release));
	json_object_object_add(report, "cpu", json_object_new_string(cpu));
	json_object_object_add(report, "rounds", json_object_new_int((int)rounds));
	json_object_object_add(report, "results", *results);
	return report;
}

int bench_report_end(struct json_object *report, const char *path, int err)
{
	if (!err && path && json_object_to_file_ext(path, report, JSON_C_TO_STRING_PRETTY))
		err = fail(errno, "%s: %s", path, strerror(errno));
	json_object_put(report);
	return err;
}
