// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * make bench-core: what sealing and opening cost beside the bare cipher, in BPF_PROG_TEST_RUN of the real
 * programs on whole packets.
 *
 * All of a row is measured in turn in each round, and what is printed is the median over the rounds of the
 * times and of the ratios within a round: a machine that is slow for a while is so for all of them.
 */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <json-c/json.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "plane/bench.h"
#include "core.skel.h"

enum {
	SIZES = 6,		       /* at most */
	PAYLOAD_MIN = 32,	       /* an IP packet with UDP in it */
	NANOSECONDS_PER_RUN = 4000000, /* how long one measurement is to take */
};

static unsigned int rounds = BENCH_ROUNDS;
static unsigned int n_payloads = SIZES;
static unsigned int payloads[SIZES] = { 64, 256, 512, 1024, 1408, 8900 };

enum figure {
	BARE_ENCRYPT,
	SEAL,	     /* without UDP checksum, as VXLAN over IPv4 sends */
	SEAL_SUMMED, /* with */
	BARE_DECRYPT,
	OPEN,
	OPEN_SUMMED,
	FIGURES,
};

static const char *const figure_names[FIGURES] = {
	"bare_encrypt", "seal", "seal_checksummed", "bare_decrypt", "open", "open_checksummed",
};

/* The reference for each figure. */
static const enum figure baseline[FIGURES] = {
	BARE_ENCRYPT, BARE_ENCRYPT, BARE_ENCRYPT, BARE_DECRYPT, BARE_DECRYPT, BARE_DECRYPT,
};

struct row {
	const char *driver;
	struct bench *bench;
	unsigned int payload;
	unsigned int peers; /* whose packets take turns */
	double nanoseconds[FIGURES][BENCH_ROUNDS];
	double ratio[FIGURES][BENCH_ROUNDS];
};

/* One plane with one peer, one with many, and one in tunnel mode: all are measured in one run. */
enum { FEW, MANY, TUNNEL, PLANES };

/* ---- measuring ----------------------------------------------------------------------------------------- */

/* Time of the real program: the time with its wrapper, less that of the wrapper before an empty program. */
static double time_wrapped(struct bench *b, const struct bpf_program *wrapper, struct bpf_map *array,
			   const struct bpf_program *empty, const struct bpf_program *real,
			   unsigned char *frame, unsigned int size, unsigned int repeat,
			   const int verdicts[2])
{
	double without, with;

	b->settings.restore = 0;
	if (bench_apply_settings(b) || bench_go_on_to(array, empty))
		return -1;
	without = bench_time_program(wrapper, frame, size, repeat, verdicts[0]);
	b->settings.restore = 1;
	if (without < 0 || bench_apply_settings(b) || bench_go_on_to(array, real))
		return -1;
	with = bench_time_program(wrapper, frame, size, repeat, verdicts[1]);
	return with < 0 ? -1 : with - without;
}

static int write_images(struct bench *b, unsigned int payload, bool checksummed, bool sealed)
{
	static unsigned char frame[CORE_IMAGE_MAX];
	__u32 peer, zero = 0;
	int err;

	if (!sealed) {
		bench_make_packet(b, frame, payload, 0, checksummed);
		return bpf_map_update_elem(bpf_map__fd(b->core->maps.image), &zero, frame, BPF_ANY);
	}
	for (peer = 0; peer < b->settings.peers; peer++) {
		err = bench_make_sealed(b, frame, payload, peer, checksummed, 1);
		if (!err && b->settings.peers > 1)
			err = bpf_map_update_elem(bpf_map__fd(b->core->maps.peer_images), &peer, frame,
						  BPF_ANY);
		if (err)
			return err;
	}
	return bpf_map_update_elem(bpf_map__fd(b->core->maps.image), &zero, frame, BPF_ANY);
}

static double measure_seal(struct bench *b, unsigned int payload, bool checksummed, unsigned int repeat)
{
	const int verdicts[2] = { 0, bench_sealed_verdict(b) };
	static unsigned char frame[CORE_IMAGE_MAX];
	unsigned int size = bench_headers(b) + (payload > 3000 ? 64 : payload);

	bench_make_packet(b, frame, payload, 0, checksummed);
	if (write_images(b, payload, checksummed, false))
		return -1;
	return time_wrapped(b, b->core->progs.before_seal, b->core->maps.next_tc, b->core->progs.empty_tc,
			    bench_sealer(b), frame, size, repeat, verdicts);
}

static double measure_open(struct bench *b, unsigned int payload, bool checksummed, unsigned int repeat)
{
	const int verdicts[2] = { 2, bench_opened_verdict(b) };
	static unsigned char frame[CORE_IMAGE_MAX];

	b->settings.slot = bench_slot_rx(0);
	/* For packets that only the wrapper can make, it needs the plain image first. */
	if (bench_apply_settings(b) || write_images(b, payload, checksummed, false) ||
	    bench_go_on_to(b->core->maps.next_tc, bench_sealer(b)) ||
	    write_images(b, payload, checksummed, true))
		return -1;
	return time_wrapped(b, b->core->progs.before_open, b->core->maps.next_xdp, b->core->progs.empty_xdp,
			    bench_opener(b), frame, CORE_HEADERS + 32 + payload, repeat, verdicts);
}

/* Outer packets over IPv4 have no UDP checksum. */
static bool has_figure(const struct row *row, enum figure figure)
{
	return !row->bench->tunnel || (figure != SEAL_SUMMED && figure != OPEN_SUMMED);
}

static int measure_round(struct row *row, unsigned int round, unsigned int repeat)
{
	static unsigned char frame[CORE_IMAGE_MAX];
	unsigned int payload = row->payload, size = CORE_HEADERS + (payload > 3000 ? 64 : payload), i;
	struct bench *b = row->bench;

	b->settings = (struct core_settings){
		.payload = payload,
		.headers = bench_headers(b),
		.slot = bench_slot_tx(0),
		.first_slot = bench_slot_rx(0),
		.peers = row->peers,
	};
	bench_make_packet(b, frame, payload, 0, false);
	if (bench_apply_settings(b))
		return -errno;
	row->nanoseconds[BARE_ENCRYPT][round] = bench_time_program(b->core->progs.bare_encrypt, frame, size,
								   repeat, 0);
	row->nanoseconds[BARE_DECRYPT][round] = bench_time_program(b->core->progs.bare_decrypt, frame, size,
								   repeat, 0);
	row->nanoseconds[SEAL][round] = measure_seal(b, payload, false, repeat);
	row->nanoseconds[OPEN][round] = measure_open(b, payload, false, repeat);
	if (!b->tunnel) {
		row->nanoseconds[SEAL_SUMMED][round] = measure_seal(b, payload, true, repeat);
		row->nanoseconds[OPEN_SUMMED][round] = measure_open(b, payload, true, repeat);
	}
	for (i = 0; i < FIGURES; i++) {
		if (!has_figure(row, i))
			continue;
		if (row->nanoseconds[i][round] < 0)
			return -EIO;
		row->ratio[i][round] = row->nanoseconds[i][round] / row->nanoseconds[baseline[i]][round];
	}
	return 0;
}

static int measure(struct row *rows, unsigned int n_rows)
{
	unsigned int round, i;
	int err;

	for (round = 0; round < rounds; round++)
		for (i = 0; i < n_rows; i++) {
			/* About 6 ns a byte and 500 a packet, on a slow machine. */
			unsigned int repeat = NANOSECONDS_PER_RUN / (500 + 6 * rows[i].payload);

			err = measure_round(&rows[i], round, repeat);
			if (err)
				return err;
		}
	return 0;
}

/* ---- reporting ----------------------------------------------------------------------------------------- */

static const char *mode_name(const struct row *row)
{
	return row->bench->tunnel ? "tunnel" : "inline";
}

static void print_rows(const struct row *rows, unsigned int n_rows)
{
	unsigned int i, f;

	printf("\necb(%s), by %s: ns, and the ratio to the bare kfunc in front\n", rows[0].driver,
	       rows[0].bench->bound);
	printf("%-6s %7s %5s %5s |%7s %13s %13s |%7s %13s %13s\n", "mode", "payload", "peers", "turns",
	       "encrypt", "seal", "seal+sum", "decrypt", "open", "open+sum");
	for (i = 0; i < n_rows; i++) {
		const struct row *r = &rows[i];

		printf("%-6s %7u %5u %5u", mode_name(r), r->payload, r->bench->peers, r->peers);
		for (f = 0; f < FIGURES; f++) {
			if (!has_figure(r, f))
				printf(" %13s", "-");
			else if (f == baseline[f])
				printf(" |%7.0f", bench_median(r->nanoseconds[f], rounds));
			else
				printf(" %6.0f %6.3f", bench_median(r->nanoseconds[f], rounds),
				       bench_median(r->ratio[f], rounds));
		}
		printf("\n");
	}
}

static struct json_object *json_rows(const struct row *rows, unsigned int n_rows)
{
	struct json_object *array = json_object_new_array();
	unsigned int i, f;

	for (i = 0; i < n_rows; i++) {
		struct json_object *row = json_object_new_object();

		json_object_object_add(row, "cipher", json_object_new_string(rows[i].driver));
		json_object_object_add(row, "driver", json_object_new_string(rows[i].bench->bound));
		json_object_object_add(row, "mode", json_object_new_string(mode_name(&rows[i])));
		json_object_object_add(row, "payload", json_object_new_int(rows[i].payload));
		json_object_object_add(row, "peers", json_object_new_int(rows[i].bench->peers));
		json_object_object_add(row, "peers_in_turn", json_object_new_int(rows[i].peers));
		for (f = 0; f < FIGURES; f++) {
			struct json_object *figure;

			if (!has_figure(&rows[i], f))
				continue;
			figure = json_object_new_object();
			json_object_object_add(
				figure, "nanoseconds",
				json_object_new_double(bench_median(rows[i].nanoseconds[f], rounds)));
			json_object_object_add(
				figure, "ratio",
				json_object_new_double(bench_median(rows[i].ratio[f], rounds)));
			json_object_object_add(row, figure_names[f], figure);
		}
		json_object_array_add(array, row);
	}
	return array;
}

/* Is there a driver of this name? Then it gets a table of its own. */
static bool has_driver(const char *driver)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/crypto", "re");
	char line[256], want[256];

	snprintf(want, sizeof(want), "driver       : %s\n", driver);
	while (file && fgets(line, sizeof(line), file))
		if (!strcmp(line, want))
			return true;
	return false;
}

/* All sizes with one peer; then, small and large, one of many peers, and all of them in turn; then all sizes
 * in tunnel mode, where what is sealed is the whole IP packet. */
static int run_driver(struct bench benches[PLANES], const char *driver, struct json_object *results)
{
	static struct row rows[SIZES + 2 * SIZES + SIZES];
	struct json_object *array;
	unsigned int i, n = 0;
	size_t j;
	int err = 0;

	memset(rows, 0, sizeof(rows));
	for (i = 0; i < n_payloads; i++)
		rows[n++] = (struct row){ driver, &benches[FEW], payloads[i], 1, {}, {} };
	for (i = 0; i < n_payloads && benches[MANY].peers > 1; i++)
		if (payloads[i] == 64 || payloads[i] == 1408) {
			rows[n++] = (struct row){ driver, &benches[MANY], payloads[i], 1, {}, {} };
			rows[n++] = (struct row){ driver,      &benches[MANY],
						  payloads[i], benches[MANY].peers,
						  {},	       {} };
		}
	for (i = 0; i < n_payloads; i++)
		rows[n++] = (struct row){ driver, &benches[TUNNEL], payloads[i], 1, {}, {} };
	for (i = 0; i < PLANES && !err; i++)
		err = bench_set_peers(&benches[i], benches[i].peers, driver);
	if (!err)
		err = measure(rows, n);
	if (err)
		return err;
	print_rows(rows, n);
	array = json_rows(rows, n);
	for (j = 0; j < json_object_array_length(array); j++)
		json_object_array_add(results, json_object_get(json_object_array_get_idx(array, j)));
	json_object_put(array);
	return 0;
}

/* Payloads: no more of them than there are rows for, none larger than an image. */
static bool parse_sizes(char *list)
{
	char *size;

	n_payloads = 0;
	while ((size = strsep(&list, ","))) {
		if (n_payloads == SIZES || atoi(size) < PAYLOAD_MIN || atoi(size) > CORE_PAYLOAD_MAX)
			return false;
		payloads[n_payloads++] = atoi(size);
	}
	return true;
}

int main(int argc, char **argv)
{
	static struct bench benches[PLANES] = {
		[FEW] = { .peers = 1 }, [MANY] = { .peers = 1000 }, [TUNNEL] = { .peers = 1 }
	};
	const char *json_path = NULL, *cipher = NULL;
	struct json_object *report, *results;
	int option, err = 0, i;

	while ((option = getopt(argc, argv, "c:j:p:r:s:")) != -1) {
		if (option == 'c') {
			cipher = optarg;
		} else if (option == 'j') {
			json_path = optarg;
		} else if (option == 'p' && atoi(optarg) > 0 && atoi(optarg) <= CORE_PEERS) {
			benches[MANY].peers = atoi(optarg);
		} else if (option == 'r' && atoi(optarg) > 0 && atoi(optarg) <= BENCH_ROUNDS) {
			rounds = atoi(optarg);
		} else if (option != 's' || !parse_sizes(optarg)) {
			fprintf(stderr,
				"usage: core [-c CIPHER] [-j FILE] [-p PEERS] [-r ROUNDS] [-s SIZE,...]\n");
			return 2;
		}
	}
	if (unshare(CLONE_NEWNET))
		return fail(errno, "benchmark: a network namespace of its own: %s", strerror(errno)), 1;
	report = bench_report_begin(rounds, &results);
	for (i = 0; i < PLANES && !err; i++)
		err = bench_open(&benches[i], i == TUNNEL);
	if (!err)
		err = run_driver(benches, cipher ? cipher : "aes", results);
	if (!err && !cipher && has_driver("aes-generic"))
		err = run_driver(benches, "aes-generic", results);
	err = bench_report_end(report, json_path, err);
	for (i = 0; i < PLANES; i++) {
		core_bpf__destroy(benches[i].core);
		plane_close(&benches[i].plane);
	}
	return err ? 1 : 0;
}
