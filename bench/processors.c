// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How much faster several processors seal, and open, with one SA than one does. All of them take their numbers from one
 * counter, and note in one window what they have received. BPF_PROG_TEST_RUN runs the real program on each at the same
 * time. One processor and all of them take turns; what is printed is the median of the rounds.
 *
 *	processors [-c CIPHER] [-j FILE] [-r ROUNDS]
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <json-c/json.h>

#include "base/array.h"
#include "base/message.h"
#include "plane/bench.h"
#include "core.skel.h"

enum {
	PROCESSORS = 64,		 /* at most */
	NANOSECONDS_PER_RUN = 100000000, /* how long each processor seals in a round */
};

static const unsigned int payloads[] = { 64, 512, 1408 };

enum way { SEAL, OPEN, WAYS };

static const char *const way_names[WAYS] = { "seal", "open" };

struct row {
	unsigned int payload;
	struct {
		double alone[BENCH_ROUNDS], together[BENCH_ROUNDS],
			ratio[BENCH_ROUNDS]; /* packets a second */
	} of[WAYS];
};

struct worker {
	pthread_t thread;
	pthread_barrier_t *start;
	const struct bench *bench;
	enum way way;
	int cpu;
	unsigned int payload, repeat;
	double nanoseconds; /* a packet; negative after a message */
};

static double time_way(const struct worker *w)
{
	const struct bench *b = w->bench;
	unsigned char frame[CORE_IMAGE_MAX];

	bench_make_packet(b, frame, w->payload, 0, false);
	if (w->way == SEAL)
		return bench_time_program(b->core->progs.before_seal, frame, bench_headers(b) + w->payload,
					  w->repeat, bench_sealed_verdict(b));
	/* The wrapper has the sealed packet. */
	return bench_time_program(b->core->progs.before_open_each, frame, CORE_HEADERS + 32 + w->payload,
				  w->repeat, bench_opened_verdict(b));
}

static void *work(void *argument)
{
	struct worker *w = argument;
	cpu_set_t own;
	int err = 0;

	CPU_ZERO(&own);
	CPU_SET(w->cpu, &own);
	if (sched_setaffinity(0, sizeof(own), &own))
		err = fail(errno, "benchmark: processor %d: %s", w->cpu, strerror(errno));
	pthread_barrier_wait(w->start);
	w->nanoseconds = err ? -1 : time_way(w);
	return NULL;
}

/* Packets a second of the first n processors together, or -1 after a message. */
static double work_together(const struct bench *b, enum way way, const int *cpus, unsigned int n,
			    unsigned int payload)
{
	/* About 6 ns a byte and 500 a packet, on a slow machine. */
	unsigned int repeat = NANOSECONDS_PER_RUN / (500 + 6 * payload), started;
	struct worker workers[PROCESSORS];
	pthread_barrier_t start;
	double sum = 0;

	pthread_barrier_init(&start, NULL, n);
	for (started = 0; started < n; started++) {
		workers[started] = (struct worker){
			.start = &start,
			.bench = b,
			.way = way,
			.cpu = cpus[started],
			.payload = payload,
			.repeat = repeat,
		};
		/* The others would wait for ever. */
		if (pthread_create(&workers[started].thread, NULL, work, &workers[started])) {
			fail(EAGAIN, "benchmark: no thread for processor %d", cpus[started]);
			exit(1);
		}
	}
	for (unsigned int i = 0; i < n; i++) {
		pthread_join(workers[i].thread, NULL);
		if (workers[i].nanoseconds <= 0)
			sum = -1;
		else if (sum >= 0)
			sum += 1e9 / workers[i].nanoseconds;
	}
	pthread_barrier_destroy(&start);
	return sum;
}

/* A sealed packet for each processor, with a number of its own. */
static int write_sealed(struct bench *b, const int *cpus, unsigned int n, unsigned int payload)
{
	static unsigned char frame[CORE_IMAGE_MAX];

	for (unsigned int i = 0; i < n; i++) {
		__u32 index = cpus[i];
		int err = bench_make_sealed(b, frame, payload, 0, false, CORE_SEQUENCE(index));

		if (!err &&
		    bpf_map_update_elem(bpf_map__fd(b->core->maps.peer_images), &index, frame, BPF_ANY))
			err = fail(errno, "benchmark: %s", strerror(errno));
		if (err)
			return err;
	}
	return 0;
}

static int prepare(struct bench *b, enum way way, const int *cpus, unsigned int n, unsigned int payload)
{
	static unsigned char frame[CORE_IMAGE_MAX];
	__u32 zero = 0;
	int err;

	b->settings = (struct core_settings){
		.payload = payload,
		.headers = bench_headers(b),
		.slot = way == SEAL ? bench_slot_tx(0) : bench_slot_rx(0),
		.peers = 1,
		.restore = 1,
	};
	err = way == OPEN ? write_sealed(b, cpus, n, payload) : 0;
	if (err)
		return err;
	bench_make_packet(b, frame, payload, 0, false);
	if (bpf_map_update_elem(bpf_map__fd(b->core->maps.image), &zero, frame, BPF_ANY) ||
	    bench_apply_settings(b) || bench_go_on_to(b->core->maps.next_tc, bench_sealer(b)) ||
	    bench_go_on_to(b->core->maps.next_xdp, bench_opener(b)))
		return fail(errno, "benchmark: %s", strerror(errno));
	return 0;
}

static int measure(struct bench *b, const int *cpus, unsigned int n, struct row *row, unsigned int round)
{
	for (enum way way = SEAL; way < WAYS; way++) {
		double alone, together;
		int err = prepare(b, way, cpus, n, row->payload);

		if (err)
			return err;
		alone = work_together(b, way, cpus, 1, row->payload);
		together = work_together(b, way, cpus, n, row->payload);
		if (alone < 0 || together < 0)
			return -EIO;
		row->of[way].alone[round] = alone;
		row->of[way].together[round] = together;
		row->of[way].ratio[round] = together / alone;
	}
	return 0;
}

static struct json_object *report_row(const struct row *row, const char *mode, unsigned int rounds)
{
	struct json_object *object = json_object_new_object();

	printf("%-6s %7u", mode, row->payload);
	json_object_object_add(object, "mode", json_object_new_string(mode));
	json_object_object_add(object, "payload", json_object_new_int((int)row->payload));
	for (enum way way = SEAL; way < WAYS; way++) {
		double alone = bench_median(row->of[way].alone, rounds),
		       together = bench_median(row->of[way].together, rounds),
		       ratio = bench_median(row->of[way].ratio, rounds);
		struct json_object *figures = json_object_new_object();

		printf(" |%10.0f %10.0f %9.2f", alone, together, ratio);
		json_object_object_add(figures, "one", json_object_new_double(alone));
		json_object_object_add(figures, "all", json_object_new_double(together));
		json_object_object_add(figures, "ratio", json_object_new_double(ratio));
		json_object_object_add(object, way_names[way], figures);
	}
	printf("\n");
	return object;
}

static void print_head(const struct bench *b, const char *cipher, unsigned int n)
{
	char all[32];

	snprintf(all, sizeof(all), "%u of them", n);
	printf("\necb(%s), by %s: packets a second by one processor, and by all with the same SA\n", cipher,
	       b->bound);
	printf("%-6s %7s |%10s %10s %9s |%10s %10s %9s\n", "mode", "payload", "seal: one", all, "times one",
	       "open: one", all, "times one");
}

/* A packet that is dropped costs less: then there is no figure. */
static int check_drops(const struct bench *b)
{
	__u64 drops[XDPSEC_DROP_COUNT], sum = 0;
	int err = plane_read_drops(&b->plane, drops);

	for (size_t i = 0; !err && i < XDPSEC_DROP_COUNT; i++)
		sum += drops[i];
	return sum ? fail(EPROTO, "benchmark: %llu packets were dropped", sum) : err;
}

/* All rows of a mode. */
static int run_mode(bool tunnel, const char *cipher, const int *cpus, unsigned int n, unsigned int rounds,
		    struct json_object *results)
{
	struct bench b = { .peers = 1 };
	struct row rows[ARRAY_SIZE(payloads)] = {};
	int err = bench_open(&b, tunnel);

	if (!err)
		err = bench_set_peers(&b, 1, cipher);
	if (!err && !tunnel)
		print_head(&b, cipher, n);
	for (unsigned int round = 0; round < rounds; round++)
		for (size_t i = 0; !err && i < ARRAY_SIZE(rows); i++) {
			rows[i].payload = payloads[i];
			err = measure(&b, cpus, n, &rows[i], round);
		}
	if (!err)
		err = check_drops(&b);
	for (size_t i = 0; !err && i < ARRAY_SIZE(rows); i++)
		json_object_array_add(results, report_row(&rows[i], tunnel ? "tunnel" : "inline", rounds));
	core_bpf__destroy(b.core);
	plane_close(&b.plane);
	return err;
}

/* The processors that this process may use: how many, and which. */
static unsigned int list_processors(int cpus[PROCESSORS])
{
	unsigned int n = 0;
	cpu_set_t all;

	if (sched_getaffinity(0, sizeof(all), &all))
		return 0;
	for (int cpu = 0; cpu < CPU_SETSIZE && n < PROCESSORS; cpu++)
		if (CPU_ISSET(cpu, &all))
			cpus[n++] = cpu;
	return n;
}

int main(int argc, char **argv)
{
	struct json_object *report, *results;
	const char *json_path = NULL, *cipher = "aes";
	unsigned int rounds = BENCH_ROUNDS, n;
	int option, err, cpus[PROCESSORS];

	while ((option = getopt(argc, argv, "c:j:r:")) != -1) {
		if (option == 'c') {
			cipher = optarg;
		} else if (option == 'j') {
			json_path = optarg;
		} else if (option == 'r' && atoi(optarg) > 0 && atoi(optarg) <= BENCH_ROUNDS) {
			rounds = atoi(optarg);
		} else {
			fprintf(stderr, "usage: processors [-c CIPHER] [-j FILE] [-r ROUNDS]\n");
			return 2;
		}
	}
	n = list_processors(cpus);
	if (n < 2) {
		printf("one processor: nothing to compare\n");
		return 0;
	}
	if (unshare(CLONE_NEWNET))
		return fail(errno, "benchmark: a network namespace of its own: %s", strerror(errno)), 1;
	report = bench_report_begin(rounds, &results);
	json_object_object_add(report, "processors", json_object_new_int((int)n));
	err = run_mode(false, cipher, cpus, n, rounds, results);
	if (!err)
		err = run_mode(true, cipher, cpus, n, rounds, results);
	err = bench_report_end(report, json_path, err);
	return err ? 1 : 0;
}
