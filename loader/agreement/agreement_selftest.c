// SPDX-License-Identifier: GPL-2.0-or-later
/* Self-test of the key agreement's cryptography. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "agreement/agreement_selftest.h"
#include "agreement/handshake.h"
#include "base/array.h"

/* ---- a published vector ------------------------------------------------------------------------------ */

/* https://github.com/haskell-cryptography/cacophony, vectors/cacophony.txt: Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s */
static const struct secret initiator_static = { {
	0xe6, 0x1e, 0xf9, 0x91, 0x9c, 0xde, 0x45, 0xdd, 0x5f, 0x82, 0x16, 0x64, 0x04, 0xbd, 0x08, 0xe3,
	0x8b, 0xce, 0xb5, 0xdf, 0xdf, 0xde, 0xd0, 0xa3, 0x4c, 0x8d, 0xf7, 0xed, 0x54, 0x22, 0x14, 0xd1,
} };

static const struct secret initiator_ephemeral = { {
	0x89, 0x3e, 0x28, 0xb9, 0xdc, 0x6c, 0xa8, 0xd6, 0x11, 0xab, 0x66, 0x47, 0x54, 0xb8, 0xce, 0xb7,
	0xba, 0xc5, 0x11, 0x73, 0x49, 0xa4, 0x43, 0x9a, 0x6b, 0x05, 0x69, 0xda, 0x97, 0x7c, 0x46, 0x4a,
} };

static const struct secret responder_static = { {
	0x4a, 0x3a, 0xcb, 0xfd, 0xb1, 0x63, 0xde, 0xc6, 0x51, 0xdf, 0xa3, 0x19, 0x4d, 0xec, 0xe6, 0x76,
	0xd4, 0x37, 0x02, 0x9c, 0x62, 0xa4, 0x08, 0xb4, 0xc5, 0xea, 0x91, 0x14, 0x24, 0x6e, 0x48, 0x93,
} };

static const struct secret responder_ephemeral = { {
	0xbb, 0xdb, 0x4c, 0xdb, 0xd3, 0x09, 0xf1, 0xa1, 0xf2, 0xe1, 0x45, 0x69, 0x67, 0xfe, 0x28, 0x8c,
	0xad, 0xd6, 0xf7, 0x12, 0xd6, 0x5d, 0xc7, 0xb7, 0x79, 0x3d, 0x5e, 0x63, 0xda, 0x6b, 0x37, 0x5b,
} };

static const uint8_t handshake_hash[HASH_LEN] = {
	0xf5, 0x19, 0x1b, 0x87, 0x52, 0x90, 0xab, 0xcd, 0x41, 0x34, 0x7a, 0xc3, 0x62, 0x2d, 0x96, 0x79,
	0x68, 0x8a, 0x7e, 0x98, 0x02, 0x29, 0xcb, 0x93, 0x7e, 0xf7, 0x48, 0x33, 0x6c, 0xfd, 0xe0, 0xe5,
};

static const uint8_t transport[] = {
	0x81, 0x53, 0xca, 0x98, 0x33, 0xbc, 0x3c, 0x1b, 0x91, 0xa7, 0xe6, 0x6e, 0x5f, 0x4d,
	0x4f, 0x5b, 0x59, 0xbf, 0x9e, 0x64, 0xc2, 0xf2, 0x0d, 0x15, 0xf0, 0xbb, 0xa7,
};

/* "This is my Austrian perspective!" */
static const struct secret preshared = { {
	0x54, 0x68, 0x69, 0x73, 0x20, 0x69, 0x73, 0x20, 0x6d, 0x79, 0x20, 0x41, 0x75, 0x73, 0x74, 0x72,
	0x69, 0x61, 0x6e, 0x20, 0x70, 0x65, 0x72, 0x73, 0x70, 0x65, 0x63, 0x74, 0x69, 0x76, 0x65, 0x21,
} };
static const char prologue[] = "John Galt", first[] = "Ludwig von Mises", second[] = "Murray Rothbard",
		  third[] = "F. A. Hayek";

struct vector_end {
	struct identity own, ephemeral;
	struct noise noise;
};

static void wipe_vector_end(struct vector_end *end)
{
	identity_wipe(&end->own);
	identity_wipe(&end->ephemeral);
	noise_wipe(&end->noise);
}

#define _cleanup_vector_end_ __attribute__((cleanup(wipe_vector_end)))

static int begin_vector(struct vector_end *end, const struct secret *own, const struct secret *ephemeral,
			const struct public_key *responder)
{
	return identity_make(&end->own, own)
		?: identity_make(&end->ephemeral, ephemeral)
		?: noise_begin(&end->noise, prologue, sizeof(prologue) - 1,
			       responder ? responder : &end->own.public_key);
}

/* The hash covers all that was sent; the first transport message shows that the keys are right. */
static int check_vector_end(const struct noise *noise)
{
	_cleanup_secret_ struct secret k_i, k_r;
	uint8_t sealed[sizeof(third) - 1 + AEAD_TAG_LEN];
	int err = noise_split(noise, &k_i, &k_r)
			  ?: primitive_seal(sealed, k_i.bytes, 0, NULL, 0, (const uint8_t *)third,
					    sizeof(third) - 1);

	if (err)
		return err;
	return memcmp(noise->h, handshake_hash, HASH_LEN) || memcmp(sealed, transport, sizeof(sealed))
		       ? -EBADMSG
		       : 0;
}

static int run_noise_vector(void)
{
	_cleanup_vector_end_ struct vector_end i = {}, r = {};
	uint8_t sealed_static[NOISE_STATIC_LEN], sealed[64], payload[64];
	struct public_key initiator;
	size_t n_first = sizeof(first) - 1, n_second = sizeof(second) - 1;
	int err = begin_vector(&r, &responder_static, &responder_ephemeral, NULL)
		?: begin_vector(&i, &initiator_static, &initiator_ephemeral, &r.own.public_key)
		?: noise_write_first(&i.noise, &i.own, &i.ephemeral, &r.own.public_key, sealed_static,
				     (const uint8_t *)first, n_first, sealed)
		?: noise_read_first_static(&r.noise, &r.own, &i.ephemeral.public_key, sealed_static, &initiator)
		?: noise_read_first_payload(&r.noise, &r.own, &initiator, sealed, n_first + AEAD_TAG_LEN, payload);

	err = err
		?: noise_write_second(&r.noise, &r.ephemeral, &i.ephemeral.public_key, &initiator, &preshared,
				      (const uint8_t *)second, n_second, sealed)
		?: noise_read_second_keys(&i.noise, &i.own, &i.ephemeral, &r.ephemeral.public_key)
		?: noise_read_second_payload(&i.noise, &preshared, sealed, n_second + AEAD_TAG_LEN, payload);
	return err ?: check_vector_end(&i.noise) ?: check_vector_end(&r.noise);
}

/* ---- a handshake with itself ------------------------------------------------------------------------- */

static const struct initiation_payload offered = {
	.generation = 1,
	.life = 1,
	.carries = CARRIES_TUNNEL,
	.suites = SUITE_AES_128_OCB | SUITE_AES_256_OCB,
	.reject_after = REJECT_AFTER_MIN,
};

static const struct response_payload chosen = {
	.spi = 0x2222,
	.generation = 1,
	.life = 2,
	.carries = CARRIES_TUNNEL,
	.suite = SUITE_AES_256_OCB,
	.reject_after = REJECT_AFTER_MIN,
};

/* From here on the vector's keys are those of two sites. */
struct loopback {
	struct identity i, r;
	struct mac_keys keys_i, keys_r;
	struct initiation initiation;
	uint8_t message[MESSAGE_LEN_MAX];
	struct handshake_result result_i, result_r;
};

static void wipe_loopback(struct loopback *loopback)
{
	identity_wipe(&loopback->i);
	identity_wipe(&loopback->r);
	initiation_wipe(&loopback->initiation);
	handshake_result_wipe(&loopback->result_i);
	handshake_result_wipe(&loopback->result_r);
}

static int answer_itself(struct loopback *l)
{
	_cleanup_opening_ struct opening opening = {};
	_cleanup_secret_ struct secret ephemeral = responder_ephemeral;
	struct initiation_payload taken;

	l->message[INITIATION_PAYLOAD] ^= 1;
	if (initiation_open(&opening, &l->r, l->message) != ACCEPTED ||
	    initiation_open_payload(&opening, &taken, &l->r, l->message) != REFUSED_DECRYPT)
		return -EBADMSG;
	l->message[INITIATION_PAYLOAD] ^= 1;
	if (!mac1_right(l->message, INITIATION_MAC1, &l->keys_r) ||
	    initiation_open(&opening, &l->r, l->message) != ACCEPTED ||
	    initiation_open_payload(&opening, &taken, &l->r, l->message) != ACCEPTED)
		return -EBADMSG;
	return response_make(&l->result_r, l->message, &opening, &l->keys_i, &chosen, &ephemeral, &preshared);
}

static int conclude(struct loopback *l)
{
	struct response_payload read;
	size_t used;

	if (response_consume(&l->result_i, &read, &used, &l->initiation, &l->i, &l->keys_i, &preshared, 1,
			     l->message) != ACCEPTED)
		return -EBADMSG;
	return primitive_equal(&l->result_i.send, &l->result_r.receive, sizeof(struct data_key)) &&
			       primitive_equal(&l->result_i.receive, &l->result_r.send,
					       sizeof(struct data_key)) &&
			       confirm_right(&l->result_r.proofs, l->result_i.proofs.confirm) &&
			       ack_right(&l->result_i.proofs, l->result_r.proofs.ack)
		       ? 0
		       : -EBADMSG;
}

static int run_loopback(void)
{
	__attribute__((cleanup(wipe_loopback))) struct loopback l = {};
	_cleanup_secret_ struct secret ephemeral = initiator_ephemeral;

	return identity_make(&l.i, &initiator_static)
		?: identity_make(&l.r, &responder_static)
		?: mac_keys_make(&l.keys_i, &l.i.public_key)
		?: mac_keys_make(&l.keys_r, &l.r.public_key)
		?: initiation_make(&l.initiation, l.message, &l.i, &l.r.public_key, &l.keys_r, 0x1111, &offered,
				   &ephemeral, NULL)
		?: answer_itself(&l)
		?: conclude(&l);
}

int agreement_selftest(const char **what)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} steps[] = {
		{ "algorithms of libcrypto", primitive_setup },
		{ "Noise vector", run_noise_vector },
		{ "handshake with itself", run_loopback },
	};
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		err = steps[i].run();
		if (!err)
			continue;
		if (what)
			*what = steps[i].name;
		return err;
	}
	return 0;
}
