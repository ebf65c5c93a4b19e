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
#include <sys/utsname.h>
#include <time.h>
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <json-c/json.h>

#include "cleanup.h"
#include "core_abi.h"
#include "core.skel.h"
#include "key.h"
#include "message.h"
#include "objects.h"
#include "open.skel.h"
#include "plane.h"
#include "sa.h"
#include "seal.skel.h"

enum {
	ROUNDS = 15,		       /* at most */
	SIZES = 6,		       /* at most */
	NANOSECONDS_PER_RUN = 4000000, /* how long one measurement is to take */
	LOOPBACK = 1,		       /* ifindex in a new namespace; its MTU is beyond every packet here */
	PORT = 4789,
};

static unsigned int rounds = ROUNDS;
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

/* What each figure is compared with. */
static const enum figure baseline[FIGURES] = {
	BARE_ENCRYPT, BARE_ENCRYPT, BARE_ENCRYPT, BARE_DECRYPT, BARE_DECRYPT, BARE_DECRYPT,
};

struct row {
	const char *driver;
	struct bench *bench;
	unsigned int payload;
	unsigned int peers; /* whose packets take turns */
	double nanoseconds[FIGURES][ROUNDS];
	double ratio[FIGURES][ROUNDS];
};

struct bench {
	struct plane plane;
	struct core_bpf *core;
	struct core_settings settings;
	unsigned int peers;	/* that are set up */
	char bound[DRIVER_LEN]; /* what the kernel took for the cipher asked for */
};

/* One plane with one peer, one with many: what the number costs is measured in one run. */
enum { FEW, MANY, PLANES };

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(const double *values)
{
	double sorted[ROUNDS];

	memcpy(sorted, values, sizeof(sorted));
	qsort(sorted, rounds, sizeof(sorted[0]), compare_doubles);
	return sorted[rounds / 2];
}

/* ---- the plane: every peer one host of 198.18.0.0/15, with an SA each way that share a context ----------
 */

static unsigned int slot_tx(unsigned int peer)
{
	return 2 * peer;
}

static unsigned int slot_rx(unsigned int peer)
{
	return 2 * peer + 1;
}

static int add_peer(struct bench *b, unsigned int peer, const struct key *key, const char *driver)
{
	struct xdpsec_prefix prefix = {
		.length = 128,
		.address = { [10] = 0xff, 0xff, 198, 18, peer >> 8, peer },
	};
	struct xdpsec_policy policy = { .peer = peer, .ranges = 1, .ports = { { PORT, PORT } } };
	struct xdpsec_peer entry = { .tx_sa = slot_tx(peer) };
	__u32 spi = XDPSEC_SPI_MIN + peer, rx = slot_rx(peer);
	int err;

	err = sa_reset(&b->plane, slot_tx(peer), spi, peer);
	if (!err)
		err = sa_reset(&b->plane, slot_rx(peer), spi, peer);
	if (!err)
		err = sa_install(&b->plane, slot_tx(peer), key, driver, "benchmark", b->bound);
	if (!err)
		err = sa_share(&b->plane, slot_tx(peer), slot_rx(peer));
	if (!err)
		err = sa_derive(&b->plane, slot_tx(peer));
	if (!err)
		err = sa_derive(&b->plane, slot_rx(peer));
	if (!err)
		err = sa_set_range(&b->plane, slot_tx(peer), 0, XDPSEC_SEQUENCE_LIMIT);
	if (!err)
		err = sa_set_window(&b->plane, slot_rx(peer), 0);
	if (!err)
		err = plane_write(&b->plane, MAP_SPIS, &spi, &rx);
	if (!err)
		err = plane_write(&b->plane, MAP_PEERS, &peer, &entry);
	if (!err)
		err = plane_write(&b->plane, MAP_POLICIES, &prefix, &policy);
	return err;
}

static int set_peers(struct bench *b, unsigned int peers, const char *driver)
{
	struct key key = { .length = 16 };
	unsigned int peer;
	int err = 0;

	/* The first is set up anew, for another driver. */
	for (peer = 0; peer < peers && !err; peer++) {
		memcpy(key.bytes, &peer, sizeof(peer));
		err = add_peer(b, peer, &key, driver);
	}
	b->peers = peers;
	return err;
}

static int open_core(struct bench *b)
{
	struct xdpsec_config config = { .abi_version = XDPSEC_ABI_VERSION, .device = LOOPBACK };
	__u32 zero = 0;
	struct bpf_map *map;
	int err;

	plane_init(&b->plane);
	err = objects_load_sa(&b->plane);
	if (!err)
		err = objects_load_data(&b->plane);
	if (!err)
		err = plane_write(&b->plane, MAP_CONFIG, &zero, &config);
	if (err)
		return err;
	b->core = core_bpf__open();
	if (!b->core)
		return fail(errno, "benchmark: its programs cannot be opened: %s", strerror(errno));
	bpf_object__for_each_map (map, b->core->obj) {
		unsigned int i;

		bpf_map__set_pin_path(map, NULL);
		for (i = 0; i < MAP_COUNT; i++)
			if (!strcmp(bpf_map__name(map), plane_map_name(i)) &&
			    bpf_map__reuse_fd(map, b->plane.maps[i]))
				return fail(errno, "benchmark: map %s: %s", plane_map_name(i),
					    strerror(errno));
	}
	err = core_bpf__load(b->core);
	if (err)
		return fail(-err, "benchmark: its programs cannot be loaded: %s", strerror(-err));
	return 0;
}

/* ---- packets ------------------------------------------------------------------------------------------- */

static unsigned short ip_checksum(const unsigned char *header)
{
	unsigned int sum = 0, i;

	for (i = 0; i < 20; i += 2)
		sum += header[i] << 8 | header[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	return htons(~((sum & 0xffff) + (sum >> 16)));
}

/* A plain packet; a checksum that is not zero is not looked at by the programs, and so need not be right. */
static void make_packet(unsigned char *frame, unsigned int payload, bool to_peer, unsigned int peer,
			bool checksummed)
{
	unsigned char us[4] = { 198, 19, 255, 254 }, them[4] = { 198, 18, peer >> 8, peer };
	unsigned char *ip = frame + 14, *udp = ip + 20;
	unsigned int i;

	memset(frame, 0, CORE_HEADERS);
	memcpy(frame, "\2\0\0\0\0\2\2\0\0\0\0\1\10", 13);
	ip[0] = 0x45;
	ip[2] = (28 + payload) >> 8;
	ip[3] = 28 + payload;
	ip[8] = 64;
	ip[9] = 17;
	memcpy(ip + 12, to_peer ? us : them, 4);
	memcpy(ip + 16, to_peer ? them : us, 4);
	*(unsigned short *)(ip + 10) = ip_checksum(ip);
	*(unsigned short *)udp = htons(PORT);
	*(unsigned short *)(udp + 2) = htons(PORT);
	*(unsigned short *)(udp + 4) = htons(8 + payload);
	*(unsigned short *)(udp + 6) = checksummed ? 0xabcd : 0;
	for (i = 0; i < payload; i++)
		frame[CORE_HEADERS + i] = i * 7;
}

/* Have the real program seal a packet of this peer, and turn it round: that is what arrives from there. */
static int make_sealed(struct bench *b, unsigned char *frame, unsigned int payload, unsigned int peer,
		       bool checksummed)
{
	unsigned char plain[CORE_IMAGE_MAX];
	unsigned char addresses[4];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = plain, .data_size_in = CORE_HEADERS + payload,
		    .data_out = frame, .data_size_out = CORE_IMAGE_MAX);
	int err;

	err = sa_set_range(&b->plane, slot_tx(peer), 1, XDPSEC_SEQUENCE_LIMIT);
	if (err)
		return err;
	make_packet(plain, payload, true, peer, checksummed);
	if (payload > 3000) {
		/* TEST_RUN takes a page for TC: the wrapper makes such packets. */
		run.data_size_in = CORE_HEADERS + 64;
	}
	err = bpf_prog_test_run_opts(payload > 3000 ? bpf_program__fd(b->core->progs.before_seal)
						    : bpf_program__fd(b->plane.seal->progs.xdpsec_seal),
				     &run);
	if (err || run.retval != (__u32)-1 || run.data_size_out != CORE_HEADERS + 32 + payload)
		return fail(err ? errno : EPROTO, "benchmark: sealing %u bytes: verdict %d, %u bytes",
			    payload, (int)run.retval, run.data_size_out);
	memcpy(addresses, frame + 26, 4);
	memcpy(frame + 26, frame + 30, 4);
	memcpy(frame + 30, addresses, 4);
	return 0;
}

/* ---- measuring ----------------------------------------------------------------------------------------- */

static int apply_settings(struct bench *b)
{
	__u32 zero = 0;

	return bpf_map_update_elem(bpf_map__fd(b->core->maps.settings), &zero, &b->settings, BPF_ANY);
}

static int go_on_to(struct bpf_map *array, const struct bpf_program *program)
{
	__u32 zero = 0, fd = bpf_program__fd(program);

	return bpf_map_update_elem(bpf_map__fd(array), &zero, &fd, BPF_ANY);
}

/* The mean time of a run in ns, or -1 after a message. */
static double time_program(const struct bpf_program *program, unsigned char *frame, unsigned int size,
			   unsigned int repeat, int verdict)
{
	static unsigned char out[CORE_IMAGE_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = size, .data_out = out,
		    .data_size_out = sizeof(out), .repeat = repeat);

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

/* What the real program takes: with the wrapper, less the wrapper before an empty one. */
static double time_wrapped(struct bench *b, const struct bpf_program *wrapper, struct bpf_map *array,
			   const struct bpf_program *empty, const struct bpf_program *real,
			   unsigned char *frame, unsigned int size, unsigned int repeat,
			   const int verdicts[2])
{
	double without, with;

	b->settings.restore = 0;
	if (apply_settings(b) || go_on_to(array, empty))
		return -1;
	without = time_program(wrapper, frame, size, repeat, verdicts[0]);
	b->settings.restore = 1;
	if (without < 0 || apply_settings(b) || go_on_to(array, real))
		return -1;
	with = time_program(wrapper, frame, size, repeat, verdicts[1]);
	return with < 0 ? -1 : with - without;
}

static int write_images(struct bench *b, unsigned int payload, bool checksummed, bool sealed)
{
	static unsigned char frame[CORE_IMAGE_MAX];
	__u32 peer, zero = 0;
	int err;

	if (!sealed) {
		make_packet(frame, payload, true, 0, checksummed);
		return bpf_map_update_elem(bpf_map__fd(b->core->maps.image), &zero, frame, BPF_ANY);
	}
	for (peer = 0; peer < b->settings.peers; peer++) {
		err = make_sealed(b, frame, payload, peer, checksummed);
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
	static const int verdicts[2] = { 0, -1 };
	static unsigned char frame[CORE_IMAGE_MAX];
	unsigned int size = CORE_HEADERS + (payload > 3000 ? 64 : payload);

	make_packet(frame, payload, true, 0, checksummed);
	if (write_images(b, payload, checksummed, false))
		return -1;
	return time_wrapped(b, b->core->progs.before_seal, b->core->maps.next_tc, b->core->progs.empty_tc,
			    b->plane.seal->progs.xdpsec_seal, frame, size, repeat, verdicts);
}

static double measure_open(struct bench *b, unsigned int payload, bool checksummed, unsigned int repeat)
{
	static const int verdicts[2] = { 2, 2 };
	static unsigned char frame[CORE_IMAGE_MAX];

	b->settings.slot = slot_rx(0);
	/* For packets that only the wrapper can make, it needs the plain image first. */
	if (apply_settings(b) || write_images(b, payload, checksummed, false) ||
	    go_on_to(b->core->maps.next_tc, b->plane.seal->progs.xdpsec_seal) ||
	    write_images(b, payload, checksummed, true))
		return -1;
	return time_wrapped(b, b->core->progs.before_open, b->core->maps.next_xdp, b->core->progs.empty_xdp,
			    b->plane.open->progs.xdpsec_open, frame, CORE_HEADERS + 32 + payload, repeat,
			    verdicts);
}

static int measure_round(struct row *row, unsigned int round, unsigned int repeat)
{
	static unsigned char frame[CORE_IMAGE_MAX];
	unsigned int payload = row->payload, size = CORE_HEADERS + (payload > 3000 ? 64 : payload), i;
	struct bench *b = row->bench;

	b->settings = (struct core_settings){
		.payload = payload,
		.slot = slot_tx(0),
		.first_slot = slot_rx(0),
		.peers = row->peers,
	};
	make_packet(frame, payload, true, 0, false);
	if (apply_settings(b))
		return -errno;
	row->nanoseconds[BARE_ENCRYPT][round] = time_program(b->core->progs.bare_encrypt, frame, size, repeat,
							     0);
	row->nanoseconds[BARE_DECRYPT][round] = time_program(b->core->progs.bare_decrypt, frame, size, repeat,
							     0);
	row->nanoseconds[SEAL][round] = measure_seal(b, payload, false, repeat);
	row->nanoseconds[SEAL_SUMMED][round] = measure_seal(b, payload, true, repeat);
	row->nanoseconds[OPEN][round] = measure_open(b, payload, false, repeat);
	row->nanoseconds[OPEN_SUMMED][round] = measure_open(b, payload, true, repeat);
	for (i = 0; i < FIGURES; i++) {
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

static void print_rows(const struct row *rows, unsigned int n_rows)
{
	unsigned int i, f;

	printf("\necb(%s), by %s: ns, and the ratio to the bare kfunc in front\n", rows[0].driver,
	       rows[0].bench->bound);
	printf("%7s %5s %5s |%7s %13s %13s |%7s %13s %13s\n", "payload", "peers", "turns", "encrypt", "seal",
	       "seal+sum", "decrypt", "open", "open+sum");
	for (i = 0; i < n_rows; i++) {
		const struct row *r = &rows[i];

		printf("%7u %5u %5u", r->payload, r->bench->peers, r->peers);
		for (f = 0; f < FIGURES; f++) {
			if (f == baseline[f])
				printf(" |%7.0f", median(r->nanoseconds[f]));
			else
				printf(" %6.0f %6.3f", median(r->nanoseconds[f]), median(r->ratio[f]));
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
		json_object_object_add(row, "payload", json_object_new_int(rows[i].payload));
		json_object_object_add(row, "peers", json_object_new_int(rows[i].bench->peers));
		json_object_object_add(row, "peers_in_turn", json_object_new_int(rows[i].peers));
		for (f = 0; f < FIGURES; f++) {
			struct json_object *figure = json_object_new_object();

			json_object_object_add(figure, "nanoseconds",
					       json_object_new_double(median(rows[i].nanoseconds[f])));
			json_object_object_add(figure, "ratio",
					       json_object_new_double(median(rows[i].ratio[f])));
			json_object_object_add(row, figure_names[f], figure);
		}
		json_object_array_add(array, row);
	}
	return array;
}

static const char *cpu_model(char *model, size_t size)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256], *value;

	snprintf(model, size, "unknown");
	while (file && fgets(line, sizeof(line), file)) {
		value = strchr(line, ':');
		if (strncmp(line, "model name", 10) || !value)
			continue;
		snprintf(model, size, "%.*s", (int)strcspn(value + 2, "\n"), value + 2);
		break;
	}
	return model;
}

/* Where is a driver of this name? Then it is worth a table of its own. */
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

/* All sizes with one peer; then, small and large, one of many peers, and all of them in turn. */
static int run_driver(struct bench benches[PLANES], const char *driver, struct json_object *results)
{
	static struct row rows[SIZES + 2 * SIZES];
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
	for (i = 0; i < PLANES && !err; i++)
		err = set_peers(&benches[i], benches[i].peers, driver);
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
		if (n_payloads == SIZES || atoi(size) < 16 || atoi(size) > CORE_PAYLOAD_MAX)
			return false;
		payloads[n_payloads++] = atoi(size);
	}
	return true;
}

int main(int argc, char **argv)
{
	static struct bench benches[PLANES] = { [FEW] = { .peers = 1 }, [MANY] = { .peers = 1000 } };
	const char *json_path = NULL, *cipher = NULL;
	struct json_object *report, *results;
	struct utsname kernel;
	char cpu[128];
	int option, err = 0, i;

	while ((option = getopt(argc, argv, "c:j:p:r:s:")) != -1) {
		if (option == 'c') {
			cipher = optarg;
		} else if (option == 'j') {
			json_path = optarg;
		} else if (option == 'p' && atoi(optarg) > 0 && atoi(optarg) <= CORE_PEERS) {
			benches[MANY].peers = atoi(optarg);
		} else if (option == 'r' && atoi(optarg) > 0 && atoi(optarg) <= ROUNDS) {
			rounds = atoi(optarg);
		} else if (option != 's' || !parse_sizes(optarg)) {
			fprintf(stderr,
				"usage: core [-c CIPHER] [-j FILE] [-p PEERS] [-r ROUNDS] [-s SIZE,...]\n");
			return 2;
		}
	}
	if (unshare(CLONE_NEWNET))
		return fail(errno, "benchmark: a network namespace of its own: %s", strerror(errno)), 1;
	uname(&kernel);
	printf("Linux %s, %s, medians of %u interleaved rounds\n", kernel.release,
	       cpu_model(cpu, sizeof(cpu)), rounds);
	report = json_object_new_object();
	results = json_object_new_array();
	json_object_object_add(report, "kernel", json_object_new_string(kernel.release));
	json_object_object_add(report, "cpu", json_object_new_string(cpu));
	json_object_object_add(report, "rounds", json_object_new_int(rounds));
	json_object_object_add(report, "results", results);
	for (i = 0; i < PLANES && !err; i++)
		err = open_core(&benches[i]);
	if (!err)
		err = run_driver(benches, cipher ? cipher : "aes", results);
	if (!err && !cipher && has_driver("aes-generic"))
		err = run_driver(benches, "aes-generic", results);
	if (!err && json_path && json_object_to_file_ext(json_path, report, JSON_C_TO_STRING_PRETTY))
		err = fail(errno, "%s: %s", json_path, strerror(errno));
	json_object_put(report);
	for (i = 0; i < PLANES; i++) {
		core_bpf__destroy(benches[i].core);
		plane_close(&benches[i].plane);
	}
	return err ? 1 : 0;
}
