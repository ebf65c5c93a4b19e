// SPDX-License-Identifier: GPL-2.0-or-later
/* Frames for the benchmark, plain and sealed, and the programs that take them. */
#include <errno.h>
#include <string.h>
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/message.h"
#include "plane/bench.h"
#include "plane/sa.h"
#include "core.skel.h"

unsigned int bench_headers(const struct bench *b)
{
	return b->tunnel ? CORE_ETHERNET : CORE_HEADERS;
}

static const struct bpf_program *program_of(const struct bench *b, enum program program)
{
	return bpf_object__next_program(b->plane.objects[program], NULL);
}

const struct bpf_program *bench_sealer(const struct bench *b)
{
	return program_of(b, b->tunnel ? PROGRAM_ENCAPSULATE : PROGRAM_SEAL);
}

const struct bpf_program *bench_opener(const struct bench *b)
{
	return program_of(b, b->tunnel ? PROGRAM_DECAPSULATE : PROGRAM_OPEN);
}

/* TC_ACT_REDIRECT, TC_ACT_UNSPEC */
int bench_sealed_verdict(const struct bench *b)
{
	return b->tunnel ? 7 : -1;
}

/* XDP_REDIRECT, XDP_PASS */
int bench_opened_verdict(const struct bench *b)
{
	return b->tunnel ? 4 : 2;
}

static unsigned short ip_checksum(const unsigned char *header)
{
	unsigned int sum = 0, i;

	for (i = 0; i < 20; i += 2)
		sum += header[i] << 8 | header[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	return htons(~((sum & 0xffff) + (sum >> 16)));
}

/* A plain packet; a checksum that is not zero is not looked at by the programs, and so need not be right. */
void bench_make_packet(const struct bench *b, unsigned char *frame, unsigned int payload, unsigned int peer,
		       bool checksummed)
{
	unsigned char them[4] = { 198, 18, peer >> 8, peer };
	unsigned char *ip = frame + 14, *udp = ip + 20;
	unsigned int i;

	/* In a tunnel the IP packet is what is sealed. */
	if (b->tunnel)
		payload -= CORE_HEADERS - CORE_ETHERNET;
	memset(frame, 0, CORE_HEADERS);
	memcpy(frame, "\2\0\0\0\0\2\2\0\0\0\0\1\10", 13);
	ip[0] = 0x45;
	ip[2] = (28 + payload) >> 8;
	ip[3] = 28 + payload;
	ip[8] = 64;
	ip[9] = 17;
	/* A packet sealed for the peer is opened as the peer's, and the tag binds its addresses. */
	memcpy(ip + 12, them, 4);
	memcpy(ip + 16, them, 4);
	*(unsigned short *)(ip + 10) = ip_checksum(ip);
	*(unsigned short *)udp = htons(PORT);
	*(unsigned short *)(udp + 2) = htons(PORT);
	*(unsigned short *)(udp + 4) = htons(8 + payload);
	*(unsigned short *)(udp + 6) = checksummed ? 0xabcd : 0;
	for (i = 0; i < payload; i++)
		frame[CORE_HEADERS + i] = i * 7;
}

/* Have the real program seal a packet of this peer, and turn its outer header round: that is what arrives from there. */
int bench_make_sealed(struct bench *b, unsigned char *frame, unsigned int payload, unsigned int peer,
		      bool checksummed, __u64 sequence)
{
	unsigned char plain[CORE_IMAGE_MAX];
	unsigned char addresses[4];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = plain, .data_size_in = bench_headers(b) + payload,
		    .data_out = frame, .data_size_out = CORE_IMAGE_MAX);
	int err;

	err = sa_set_range(&b->plane, bench_slot_tx(peer), sequence, XDPSEC_SEQUENCE_LIMIT);
	if (err)
		return err;
	bench_make_packet(b, plain, payload, peer, checksummed);
	if (payload > 3000) {
		/* TEST_RUN takes a page for TC: the wrapper makes such packets. */
		run.data_size_in = bench_headers(b) + 64;
	}
	err = bpf_prog_test_run_opts(payload > 3000 ? bpf_program__fd(b->core->progs.before_seal)
						    : bpf_program__fd(bench_sealer(b)),
				     &run);
	if (err || (int)run.retval != bench_sealed_verdict(b) ||
	    run.data_size_out != CORE_HEADERS + 32 + payload)
		return fail(err ? errno : EPROTO, "benchmark: sealing %u bytes: verdict %d, %u bytes",
			    payload, (int)run.retval, run.data_size_out);
	memcpy(addresses, frame + 26, 4);
	memcpy(frame + 26, frame + 30, 4);
	memcpy(frame + 30, addresses, 4);
	return 0;
}
