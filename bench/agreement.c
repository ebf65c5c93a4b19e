// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How many handshakes a second one core can do, and how many messages of a flood it can refuse: the cryptography of the
 * key agreement, without sockets and without the data plane. By the processor time of the process, so that others on the
 * machine do not count; the best of some rounds.
 *
 *	agreement [-j FILE] [-r ROUNDS]
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <json-c/json.h>
#include <openssl/crypto.h>

#include "agreement/handshake.h"
#include "base/array.h"

#define ROUND_SECONDS 0.3

/* Two sites, and the messages between them. */
static struct identity site_i, site_r;
static struct mac_keys keys_i, keys_r;
static struct secret psk;
static struct initiation initiation;
static struct handshake_result result_i, result_r;
static uint8_t first[INITIATION_LEN], second[RESPONSE_LEN], forged[INITIATION_LEN], authentic[INITIATION_LEN];
static struct cookie_secrets cookie_secrets;
static const struct cookie_source source = { { [10] = 0xff, 0xff, 192, 0, 2, 1 }, 4500 };

static const struct initiation_payload offered = {
	.generation = 1,
	.carries = CARRIES_TUNNEL,
	.suites = SUITE_AES_128_OCB,
	.reject_after = 540,
};

static const struct response_payload chosen = {
	.spi = 0x2222,
	.generation = 1,
	.carries = CARRIES_TUNNEL,
	.suite = SUITE_AES_128_OCB,
	.reject_after = 540,
};

static struct secret some_secret(void)
{
	static uint64_t number;
	struct secret secret = {};

	number++;
	memcpy(secret.bytes + 1, &number, sizeof(number));
	return secret;
}

/* ---- what is measured -------------------------------------------------------------------------------- */

static bool ask(void)
{
	struct secret ephemeral = some_secret();

	return !initiation_make(&initiation, first, &site_i, &site_r.public_key, &keys_r, 0x1111, &offered,
				&ephemeral, NULL);
}

static bool answer(void)
{
	struct opening opening;
	struct initiation_payload taken;
	struct secret ephemeral = some_secret();

	return mac1_right(first, INITIATION_MAC1, &keys_r) && !initiation_open(&opening, &site_r, first) &&
	       !initiation_open_payload(&opening, &taken, &site_r, first) &&
	       !response_make(&result_r, second, &opening, &keys_i, &chosen, &ephemeral, &psk);
}

static bool consume(void)
{
	struct response_payload read;
	size_t used;

	return !response_consume(&result_i, &read, &used, &initiation, &site_i, &keys_i, &psk, 1, second) &&
	       confirm_right(&result_r.proofs, result_i.proofs.confirm);
}

/* The initiator's half of one handshake. first and second stay those of another one. */
static bool initiator(void)
{
	static uint8_t message[INITIATION_LEN];
	static struct initiation scratch;
	struct secret ephemeral = some_secret();

	return !initiation_make(&scratch, message, &site_i, &site_r.public_key, &keys_r, 0x1111, &offered,
				&ephemeral, NULL) &&
	       consume();
}

static bool refuse_mac1(void)
{
	struct message_header header;

	return !message_read_header(&header, forged, sizeof(forged)) &&
	       !mac1_right(forged, INITIATION_MAC1, &keys_r);
}

static bool refuse_forged(void)
{
	struct opening opening;

	return mac1_right(authentic, INITIATION_MAC1, &keys_r) &&
	       initiation_open(&opening, &site_r, authentic) == REFUSED_DECRYPT;
}

static bool answer_by_cookie(void)
{
	uint8_t message[COOKIE_LEN];

	return mac1_right(authentic, INITIATION_MAC1, &keys_r) &&
	       !cookie_mac2_right(&cookie_secrets, &source, authentic, 1) &&
	       !cookie_message_make(message, &cookie_secrets, &source, &keys_r, authentic, psk.bytes);
}

static const struct {
	const char *name, *text;
	bool (*run)(void);
} rows[] = {
	{ "responder", "handshakes, the responder's half", answer },
	{ "initiator", "handshakes, the initiator's half", initiator },
	{ "bad_mac1", "Initiations refused by MAC1", refuse_mac1 },
	{ "decrypt", "Initiations with a right MAC1, forged, refused", refuse_forged },
	{ "cookie", "Initiations answered by a Cookie, under load", answer_by_cookie },
};

/* ---- measuring --------------------------------------------------------------------------------------- */

static bool prepare(void)
{
	struct secret secret = some_secret(), other = some_secret(), fresh = some_secret();

	cookie_secrets_renew(&cookie_secrets, &fresh, 1);
	if (primitive_setup() || identity_make(&site_i, &secret) || identity_make(&site_r, &other) ||
	    mac_keys_make(&keys_i, &site_i.public_key) || mac_keys_make(&keys_r, &site_r.public_key) ||
	    !ask() || !answer() || !consume())
		return false;
	memcpy(forged, first, sizeof(forged));
	forged[INITIATION_STATIC] ^= 1;
	memcpy(authentic, forged, sizeof(authentic));
	return !mac1_write(authentic, INITIATION_MAC1, &keys_r);
}

static double processor_time(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

/* A second; 0: it failed. */
static double measure(bool (*run)(void), int rounds)
{
	double best = 0, start, spent;
	unsigned int n;

	while (rounds--) {
		start = processor_time();
		for (n = 0, spent = 0; spent < ROUND_SECONDS; n++) {
			if (!run())
				return 0;
			if (n % 64 == 63)
				spent = processor_time() - start;
		}
		best = n / spent > best ? n / spent : best;
	}
	return best;
}

int main(int argc, char **argv)
{
	struct json_object *json = json_object_new_object();
	const char *json_path = NULL;
	int option, rounds = 5;
	size_t i;

	while ((option = getopt(argc, argv, "j:r:")) != -1) {
		if (option == 'j') {
			json_path = optarg;
		} else if (option != 'r' || (rounds = atoi(optarg)) <= 0) {
			fprintf(stderr, "usage: agreement [-j FILE] [-r ROUNDS]\n");
			return 2;
		}
	}
	if (!prepare()) {
		fprintf(stderr, "agreement: libcrypto lacks something\n");
		return 1;
	}
	printf("%s, one core, a second\n", OpenSSL_version(OPENSSL_VERSION));
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		double rate = measure(rows[i].run, rounds);

		if (rate == 0) {
			fprintf(stderr, "agreement: %s: a result is wrong\n", rows[i].name);
			return 1;
		}
		printf("%10.0f  %s\n", rate, rows[i].text);
		json_object_object_add(json, rows[i].name, json_object_new_double(rate));
	}
	if (json_path && json_object_to_file_ext(json_path, json, JSON_C_TO_STRING_PRETTY)) {
		perror(json_path);
		return 1;
	}
	json_object_put(json);
	return 0;
}
