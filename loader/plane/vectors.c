// SPDX-License-Identifier: GPL-2.0-or-later
/* The vectors, and running each through sealing and opening. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/array.h"
#include "base/message.h"
#include "plane/bulk.h"
#include "plane/objects.h"
#include "plane/sa.h"
#include "plane/sa_abi.h"
#include "plane/vectors.h"

/*
 * RFC 7253 appendix A, AEAD_AES_128_OCB_TAGLEN128, K = 000102030405060708090A0B0C0D0E0F: the vectors with an
 * empty A, as we never have associated data. P is 00 01 02 .. of the given length. The RFC prints ciphertext
 * and tag as one string.
 */
struct vector {
	unsigned char nonce_end; /* N = BBAA9988776655443322 11 xx */
	unsigned int length;	 /* of P, bytes */
	const char *ciphertext, *tag;
};

static const struct vector vectors[] = {
	{ 0x00, 0, "", "785407BFFFC8AD9EDCC5520AC9111EE6" },
	{ 0x03, 8, "45DD69F8F5AAE724", "14054CD1F35D82760B2CD00D2F99BFA9" },
	{ 0x06, 16, "5CE88EC2E0692706A915C00AEB8B2396", "F40E1C743F52436BDF06D8FA1ECA343D" },
	{ 0x09, 24, "221BD0DE7FA6FE993ECCD769460A0AF2D6CDED0C395B1C3C", "E725F32494B9F914D85C0B1EB38357FF" },
	{ 0x0c, 32, "2942BFC773BDA23CABC6ACFD9BFD5835BD300F0973792EF46040C53F1432BCDF",
	  "B5E1DDE3BC18A5F840B52E653444D5DF" },
	{ 0x0f, 40, "4412923493C57D5DE0D700F753CCE0D1D2D95060122E9F15A5DDBFC5787E50B5CC55EE507BCB084E",
	  "479AD363AC366B95A98CA5F3000B1479" },
};

const unsigned int vectors_count = ARRAY_SIZE(vectors);

#define PAYLOAD_MAX 1380
#define FRAME_MAX (VECTOR_ETHERNET_LEN + XDPSEC_OVERHEAD + PAYLOAD_MAX)

struct frame {
	unsigned char bytes[FRAME_MAX];
	unsigned int length;
};

static void from_hex(unsigned char *to, const char *hex)
{
	unsigned int byte;

	for (; hex[0]; hex += 2) {
		sscanf(hex, "%2x", &byte);
		*to++ = (unsigned char)byte;
	}
}

static void start_frame(struct frame *frame, const struct vector *vector, __u32 slot)
{
	unsigned char *header = frame->bytes + VECTOR_ETHERNET_LEN;

	memset(frame, 0, sizeof(*frame));
	frame->length = VECTOR_ETHERNET_LEN + XDPSEC_OVERHEAD + vector->length;
	memcpy(header, &slot, sizeof(slot));
	from_hex(header + XDPSEC_NONCE_OFFSET, "BBAA99887766554433221100");
	header[XDPSEC_HEADER_LEN - 1] = vector->nonce_end;
}

static void clear_frame(struct frame *frame, const struct vector *vector, __u32 slot)
{
	unsigned char *payload = frame->bytes + VECTOR_ETHERNET_LEN + XDPSEC_OVERHEAD;

	start_frame(frame, vector, slot);
	for (unsigned int i = 0; i < vector->length; i++)
		payload[i] = (unsigned char)i;
}

static void sealed_frame(struct frame *frame, const struct vector *vector, __u32 slot)
{
	unsigned char *tag = frame->bytes + VECTOR_ETHERNET_LEN + XDPSEC_HEADER_LEN;

	start_frame(frame, vector, slot);
	from_hex(tag, vector->tag);
	from_hex(tag + XDPSEC_TAG_LEN, vector->ciphertext);
}

/* Run the program. Its vector_result, or -errno. */
static int run_vector(const struct bpf_object *selftest, const char *program, struct frame *frame)
{
	unsigned char out[FRAME_MAX] = {};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes, .data_size_in = frame->length,
		    .data_out = out, .data_size_out = sizeof(out), .repeat = 1);
	int err = bpf_prog_test_run_opts(bpf_program__fd(bpf_object__find_program_by_name(selftest, program)),
					 &options);

	if (err)
		return err;
	memcpy(frame->bytes, out, sizeof(out));
	if (options.data_size_out != frame->length)
		return -EBADMSG;
	return (int)options.retval;
}

static bool same_from(const struct frame *a, const struct frame *b, unsigned int offset)
{
	return memcmp(a->bytes + offset, b->bytes + offset, a->length - offset) == 0;
}

static int vector_failed(const struct vector *vector, const char *what, int result)
{
	fail(EBADMSG, "self-test: RFC 7253 appendix A, %u bytes: %s (%d)", vector->length, what, result);
	hint("this kernel's cipher or verifier does not work correctly, so nothing is attached; please "
	     "report the output of `xdpsec selftest`");
	return -EBADMSG;
}

static int check_vector(const struct bpf_object *selftest, const struct vector *vector, __u32 slot)
{
	struct frame clear, sealed, frame;
	int result;

	clear_frame(&clear, vector, slot);
	sealed_frame(&sealed, vector, slot);

	frame = clear;
	result = run_vector(selftest, "seal_vector", &frame);
	if (result != VECTOR_DONE || !same_from(&frame, &sealed, 0))
		return vector_failed(vector, "sealed to something else", result);

	frame = sealed;
	result = run_vector(selftest, "open_vector", &frame);
	/* The contents of the tag after opening do not matter. */
	if (result != VECTOR_DONE || !same_from(&frame, &clear, VECTOR_ETHERNET_LEN + XDPSEC_OVERHEAD))
		return vector_failed(vector, "opened to something else", result);

	for (unsigned int at = VECTOR_ETHERNET_LEN + XDPSEC_NONCE_OFFSET; at < sealed.length; at += 5) {
		frame = sealed;
		frame.bytes[at] ^= (unsigned char)(1 << at % 8);
		result = run_vector(selftest, "open_vector", &frame);
		if (result != VECTOR_TAG_FAILED)
			return vector_failed(vector, "a flipped bit was not refused", result);
	}
	return 0;
}

/* Lengths below and above that from which the module takes many blocks at a time, and one of a full packet. */
static const struct vector longer[] = {
	{ .nonce_end = 0x21, .length = 95 },
	{ .nonce_end = 0x22, .length = 112 },
	{ .nonce_end = 0x23, .length = 400 },
	{ .nonce_end = 0x24, .length = PAYLOAD_MAX },
};

static int bulk_failed(unsigned int length, const char *what, int result)
{
	fail(EBADMSG, "self-test: %u bytes by the module bpf_crypto_bulk: %s (%d)", length, what, result);
	hint("modprobe -r bpf_crypto_bulk; without it the kernel's own type is used");
	return -EBADMSG;
}

static int seal_longer(const struct bpf_object *selftest, __u32 slot, struct frame *frames)
{
	int result = VECTOR_DONE;

	for (size_t i = 0; result == VECTOR_DONE && i < ARRAY_SIZE(longer); i++) {
		clear_frame(&frames[i], &longer[i], slot);
		result = run_vector(selftest, "seal_vector", &frames[i]);
	}
	return result;
}

static int open_longer(const struct bpf_object *selftest, __u32 slot, const struct frame *sealed)
{
	struct frame clear, frame;
	int result;

	for (size_t i = 0; i < ARRAY_SIZE(longer); i++) {
		clear_frame(&clear, &longer[i], slot);
		frame = sealed[i];
		result = run_vector(selftest, "open_vector", &frame);
		if (result != VECTOR_DONE ||
		    !same_from(&frame, &clear, VECTOR_ETHERNET_LEN + XDPSEC_OVERHEAD))
			return bulk_failed(clear.length, "opened to something else", result);
	}
	return 0;
}

/* The slot has a context of the module. It gets one of the kernel's own type for the same key. */
static int check_bulk(const struct plane *plane, const struct bpf_object *selftest, __u32 slot,
		      const struct key *key)
{
	struct frame sealed[ARRAY_SIZE(longer)], by_blocks[ARRAY_SIZE(longer)];
	int result = seal_longer(selftest, slot, sealed), err;

	if (result != VECTOR_DONE)
		return bulk_failed(PAYLOAD_MAX, "not sealed", result);
	err = open_longer(selftest, slot, sealed);
	if (!err)
		err = sa_install_blocks(plane, slot, key);
	if (!err)
		err = sa_derive(plane, slot);
	if (err)
		return err;
	result = seal_longer(selftest, slot, by_blocks);
	if (result != VECTOR_DONE)
		return bulk_failed(PAYLOAD_MAX, "not sealed by the kernel", result);
	for (size_t i = 0; i < ARRAY_SIZE(longer); i++)
		if (!same_from(&sealed[i], &by_blocks[i], 0))
			return bulk_failed(sealed[i].length, "sealed to something else than by the kernel",
					   result);
	return 0;
}

int vectors_check(struct plane *plane, __u32 slot, const char *driver, char bound[DRIVER_LEN])
{
	struct bpf_object *selftest = NULL;
	const struct sa_record record = { .slot = slot };
	struct key key = { .length = 16 };
	int err, erased;

	for (unsigned char i = 0; i < 16; i++)
		key.bytes[i] = i;
	err = objects_load_selftest(plane, &selftest);
	if (!err)
		err = sa_claim(plane, &record);
	if (!err)
		err = sa_reset(plane, slot, slot, 0, XDPSEC_BIND_NONE);
	if (!err)
		err = sa_install(plane, slot, &key, driver, "self-test", bound);
	if (!err)
		err = sa_derive(plane, slot);
	for (unsigned int i = 0; !err && i < vectors_count; i++)
		err = check_vector(selftest, &vectors[i], slot);
	if (!err && bulk_is(bound))
		err = check_bulk(plane, selftest, slot, &key);
	erased = sa_erase(plane, slot);
	bpf_object__close(selftest);
	return err ?: erased;
}
