// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The primitives of the key agreement, against Python's hashlib and python3-cryptography; Noise, against published
 * vectors (tests/agreement/noise_ikpsk2.json).
 */
#include <errno.h>
#include <stdlib.h>
#include <json-c/json.h>

#include "unit.h"
#include "other_end.h"
#include "agreement/agreement_selftest.h"
#include "agreement/noise.h"

#define VECTORS "tests/agreement/noise_ikpsk2.json"

enum { ROUNDS = 64, DATA_MAX = 200 };

/* ---- primitives -------------------------------------------------------------------------------------- */

static void same(const char *name, const void *got, size_t n)
{
	uint8_t want[512];

	other_end_bytes(name, want, n);
	assert_memory_equal(got, want, n);
}

static void compare_hashes(const uint8_t *ck, const uint8_t *ikm, size_t n_ikm, const uint8_t *data, size_t n,
			   const uint8_t *key)
{
	uint8_t out[3][HASH_LEN];

	assert_int_equal(primitive_hash(out[0], ck, HASH_LEN, data, n), 0);
	same("hash", out, HASH_LEN);
	assert_int_equal(primitive_mac(out[0], MAC_LEN, key, SECRET_LEN, data, n), 0);
	same("mac", out, MAC_LEN);
	assert_int_equal(primitive_mac(out[0], 32, key, SECRET_LEN, data, n), 0);
	same("mac32", out, 32);
	assert_int_equal(primitive_mac(out[0], MAC_LEN, key, 16, data, n), 0);
	same("mac_short", out, MAC_LEN);
	assert_int_equal(primitive_hkdf(out[0], out[1], NULL, ck, ikm, n_ikm), 0);
	same("hkdf2", out, sizeof(out[0]) * 2);
	assert_int_equal(primitive_hkdf(out[0], out[1], out[2], ck, ikm, n_ikm), 0);
	same("hkdf3", out, sizeof(out));
	/* An output may lie where an input is. */
	memcpy(out[1], ck, HASH_LEN);
	assert_int_equal(primitive_hkdf(out[1], out[0], NULL, out[1], ikm, n_ikm), 0);
	memcpy(out[2], out[0], HASH_LEN);
	same("hkdf2", out[1], sizeof(out[0]) * 2);
	assert_int_equal(primitive_expand(out[0], 32, key, data, n), 0);
	same("expand", out, 32);
	assert_int_equal(primitive_expand(out[0], 33, key, data, n), -EINVAL);
}

static void compare_ciphers(const uint8_t *ck, const uint8_t *data, size_t n, const uint8_t *key,
			    uint64_t counter)
{
	uint8_t sealed[DATA_MAX + AEAD_TAG_LEN], opened[DATA_MAX];
	struct identity own, peer;
	struct secret shared;

	assert_int_equal(primitive_seal(sealed, key, counter, ck, HASH_LEN, data, n), 0);
	same("sealed", sealed, n + AEAD_TAG_LEN);
	assert_int_equal(primitive_open(opened, key, counter, ck, HASH_LEN, sealed, n + AEAD_TAG_LEN), 0);
	assert_memory_equal(opened, data, n);
	assert_int_equal(identity_make(&own, (const struct secret *)key), 0);
	same("public", &own.public_key, PUBLIC_LEN);
	assert_int_equal(identity_make(&peer, (const struct secret *)ck), 0);
	assert_int_equal(primitive_dh(&shared, &own, &peer.public_key), 0);
	same("dh", &shared, SECRET_LEN);
}

static void primitives_are_those_of_python(void **state)
{
	uint8_t ck[HASH_LEN], ikm[64], data[DATA_MAX], key[SECRET_LEN];
	size_t n, n_ikm;
	uint64_t counter;
	int round;

	(void)state;
	if (!have_other_end)
		skip();
	for (round = 0; round < ROUNDS; round++) {
		n = round ? repeatable_below(DATA_MAX + 1) : 0;
		n_ikm = round ? repeatable_below(sizeof(ikm) + 1) : 0;
		repeatable(ck, sizeof(ck));
		repeatable(ikm, sizeof(ikm));
		repeatable(data, sizeof(data));
		repeatable(key, sizeof(key));
		repeatable(&counter, sizeof(counter));
		assert_true(other_end_ask("primitives ck=%s ikm=%s data=%s key=%s counter=#%llu", hex(ck, 32),
					  hex(ikm, n_ikm), hex(data, n), hex(key, 32),
					  (unsigned long long)counter));
		compare_hashes(ck, ikm, n_ikm, data, n, key);
		compare_ciphers(ck, data, n, key, counter);
	}
}

static void forged_bytes_are_not_given_out(void **state)
{
	static const uint8_t zero[24];
	uint8_t key[SECRET_LEN], sealed[sizeof(zero) + AEAD_TAG_LEN], out[sizeof(zero)];
	size_t bit;

	(void)state;
	repeatable(key, sizeof(key));
	assert_int_equal(primitive_seal(sealed, key, 0, "ad", 2, key, sizeof(zero)), 0);
	for (bit = 0; bit < 8 * sizeof(sealed); bit++) {
		sealed[bit / 8] ^= 1 << bit % 8;
		memset(out, 0xa5, sizeof(out));
		assert_int_equal(primitive_open(out, key, 0, "ad", 2, sealed, sizeof(sealed)), -EBADMSG);
		assert_memory_equal(out, zero, sizeof(out));
		sealed[bit / 8] ^= 1 << bit % 8;
	}
	assert_int_equal(primitive_open(out, key, 1, "ad", 2, sealed, sizeof(sealed)), -EBADMSG);
	assert_int_equal(primitive_open(out, key, 0, "aD", 2, sealed, sizeof(sealed)), -EBADMSG);
	assert_int_equal(primitive_open(out, key, 0, "ad", 2, sealed, AEAD_TAG_LEN - 1), -EBADMSG);
	assert_int_equal(primitive_open(out, key, 0, "ad", 2, sealed, sizeof(sealed)), 0);
	assert_memory_equal(out, key, sizeof(out));
}

/* https://cr.yp.to/ecdh.html, "Don't forget to validate"; little-endian. */
static const char *const low_order[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

static void points_of_low_order_are_refused(void **state)
{
	struct identity own;
	struct public_key point;
	struct secret secret, shared;
	size_t i, k;

	(void)state;
	repeatable(&secret, sizeof(secret));
	assert_int_equal(identity_make(&own, &secret), 0);
	for (i = 0; i < 2 * ARRAY_SIZE(low_order); i++) {
		for (k = 0; k < PUBLIC_LEN; k++)
			sscanf(low_order[i / 2] + 2 * k, "%2hhx", &point.bytes[k]);
		if (i % 2)
			point.bytes[PUBLIC_LEN - 1] |= 0x80;
		assert_int_equal(primitive_dh(&shared, &own, &point), -EINVAL);
		assert_false(public_key_usable(&point));
	}
	assert_true(public_key_usable(&own.public_key));
	assert_int_equal(primitive_dh(&shared, &own, &own.public_key), 0);
	own.public_key.bytes[PUBLIC_LEN - 1] |= 0x80; /* the same point, and another key for memcmp() */
	assert_false(public_key_usable(&own.public_key));
}

static void nothing_works_before_setup(void **state)
{
	struct identity own = {};
	struct secret key = { { 1 } };
	uint8_t out[64] = {};

	(void)state;
	primitive_release();
	assert_int_equal(primitive_hash(out, "a", 1, "b", 1), -EIO);
	assert_int_equal(primitive_mac(out, MAC_LEN, key.bytes, 32, "a", 1), -EIO);
	assert_int_equal(primitive_hkdf(out, NULL, NULL, key.bytes, NULL, 0), -EIO);
	assert_int_equal(primitive_seal(out, key.bytes, 0, "a", 1, NULL, 0), -EIO);
	assert_int_equal(primitive_open(out, key.bytes, 0, "a", 1, out, AEAD_TAG_LEN), -EIO);
	assert_int_equal(primitive_setup(), 0);
	assert_int_equal(primitive_setup(), 0);
	assert_int_equal(primitive_hash(out, "a", 1, "b", 1), 0);
	assert_int_equal(identity_make(&own, &key), 0);
}

/* ---- Noise ------------------------------------------------------------------------------------------- */

struct bytes {
	uint8_t data[512];
	size_t n;
};

static struct bytes bytes_of(struct json_object *text)
{
	const char *digits = json_object_get_string(text);
	struct bytes bytes = { .n = strlen(digits) / 2 };
	size_t i;

	assert_true(bytes.n <= sizeof(bytes.data));
	for (i = 0; i < bytes.n; i++)
		assert_int_equal(sscanf(digits + 2 * i, "%2hhx", &bytes.data[i]), 1);
	return bytes;
}

static struct bytes field(struct json_object *vector, const char *name)
{
	struct json_object *value;

	assert_true(json_object_object_get_ex(vector, name, &value));
	if (json_object_is_type(value, json_type_array)) {
		assert_int_equal(json_object_array_length(value), 1);
		value = json_object_array_get_idx(value, 0);
	}
	return bytes_of(value);
}

static struct json_object *message_of(struct json_object *vector, size_t i)
{
	struct json_object *messages;

	assert_true(json_object_object_get_ex(vector, "messages", &messages));
	return json_object_array_get_idx(messages, i);
}

static struct secret secret_of(struct json_object *vector, const char *name)
{
	struct bytes bytes = field(vector, name);
	struct secret secret;

	assert_int_equal(bytes.n, sizeof(secret));
	memcpy(&secret, bytes.data, sizeof(secret));
	return secret;
}

struct end {
	struct identity own, ephemeral;
	struct noise noise;
};

static void begin(struct end *end, struct json_object *vector, const char *role, const struct public_key *r)
{
	struct bytes prologue;
	struct secret secret;
	char name[64];

	snprintf(name, sizeof(name), "%s_static", role);
	secret = secret_of(vector, name);
	assert_int_equal(identity_make(&end->own, &secret), 0);
	snprintf(name, sizeof(name), "%s_ephemeral", role);
	secret = secret_of(vector, name);
	assert_int_equal(identity_make(&end->ephemeral, &secret), 0);
	snprintf(name, sizeof(name), "%s_prologue", role);
	prologue = field(vector, name);
	assert_int_equal(noise_begin(&end->noise, prologue.data, prologue.n, r ? r : &end->own.public_key),
			 0);
}

static void run_first(struct end *i, struct end *r, struct json_object *vector)
{
	struct bytes payload = field(message_of(vector, 0), "payload"),
		     want = field(message_of(vector, 0), "ciphertext");
	uint8_t sealed[512], opened[512];
	struct public_key initiator;

	memcpy(sealed, &i->ephemeral.public_key, PUBLIC_LEN);
	assert_int_equal(noise_write_first(&i->noise, &i->own, &i->ephemeral, &r->own.public_key,
					   sealed + PUBLIC_LEN, payload.data, payload.n,
					   sealed + PUBLIC_LEN + NOISE_STATIC_LEN),
			 0);
	assert_int_equal(want.n, PUBLIC_LEN + NOISE_STATIC_LEN + payload.n + AEAD_TAG_LEN);
	assert_memory_equal(sealed, want.data, want.n);
	assert_int_equal(noise_read_first_static(&r->noise, &r->own, &i->ephemeral.public_key,
						 sealed + PUBLIC_LEN, &initiator),
			 0);
	assert_memory_equal(&initiator, &i->own.public_key, sizeof(initiator));
	assert_int_equal(noise_read_first_payload(&r->noise, &r->own, &initiator,
						  sealed + PUBLIC_LEN + NOISE_STATIC_LEN,
						  payload.n + AEAD_TAG_LEN, opened),
			 0);
	assert_memory_equal(opened, payload.data, payload.n);
}

static void run_second(struct end *i, struct end *r, struct json_object *vector)
{
	struct bytes payload = field(message_of(vector, 1), "payload"),
		     want = field(message_of(vector, 1), "ciphertext"),
		     hash = field(vector, "handshake_hash");
	struct secret psk = secret_of(vector, "init_psks");
	uint8_t sealed[512], opened[512];

	memcpy(sealed, &r->ephemeral.public_key, PUBLIC_LEN);
	assert_int_equal(noise_write_second(&r->noise, &r->ephemeral, &i->ephemeral.public_key,
					    &i->own.public_key, &psk, payload.data, payload.n,
					    sealed + PUBLIC_LEN),
			 0);
	assert_int_equal(want.n, PUBLIC_LEN + payload.n + AEAD_TAG_LEN);
	assert_memory_equal(sealed, want.data, want.n);
	assert_int_equal(noise_read_second_keys(&i->noise, &i->own, &i->ephemeral, &r->ephemeral.public_key),
			 0);
	assert_int_equal(noise_read_second_payload(&i->noise, &psk, sealed + PUBLIC_LEN,
						   payload.n + AEAD_TAG_LEN, opened),
			 0);
	assert_memory_equal(opened, payload.data, payload.n);
	assert_memory_equal(i->noise.h, hash.data, HASH_LEN);
	assert_memory_equal(r->noise.h, hash.data, HASH_LEN);
}

static void run_transport(const struct noise *noise, struct json_object *vector)
{
	struct secret keys[2];
	uint8_t sealed[512];
	size_t i;

	assert_int_equal(noise_split(noise, &keys[0], &keys[1]), 0);
	for (i = 0; i < 4; i++) {
		struct bytes payload = field(message_of(vector, 2 + i), "payload"),
			     want = field(message_of(vector, 2 + i), "ciphertext");

		assert_int_equal(
			primitive_seal(sealed, keys[i % 2].bytes, i / 2, NULL, 0, payload.data, payload.n),
			0);
		assert_memory_equal(sealed, want.data, want.n);
	}
}

static void noise_is_that_of_the_vectors(void **state)
{
	struct json_object *file = json_object_from_file(VECTORS), *vectors, *vector;
	struct end i, r;

	(void)state;
	assert_non_null(file);
	assert_true(json_object_object_get_ex(file, "vectors", &vectors));
	assert_int_equal(json_object_array_length(vectors), 1);
	vector = json_object_array_get_idx(vectors, 0);
	begin(&r, vector, "resp", NULL);
	begin(&i, vector, "init", &r.own.public_key);
	run_first(&i, &r, vector);
	run_second(&i, &r, vector);
	run_transport(&i.noise, vector);
	run_transport(&r.noise, vector);
	json_object_put(file);
}

static void python_passes_the_same_vectors(void **state)
{
	(void)state;
	if (!have_other_end)
		skip();
	assert_int_equal(system("/usr/bin/python3 tests/agreement/oracle.py vectors " VECTORS " >/dev/null"),
			 0);
}

static void selftest_passes(void **state)
{
	const char *what = NULL;

	(void)state;
	assert_int_equal(agreement_selftest(&what), 0);
	assert_null(what);
	assert_int_equal(agreement_selftest(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(primitives_are_those_of_python),
		cmocka_unit_test(forged_bytes_are_not_given_out),
		cmocka_unit_test(points_of_low_order_are_refused),
		cmocka_unit_test(nothing_works_before_setup),
		cmocka_unit_test(noise_is_that_of_the_vectors),
		cmocka_unit_test(python_passes_the_same_vectors),
		cmocka_unit_test(selftest_passes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("noise", tests, other_end_set_up, other_end_tear_down);
}
