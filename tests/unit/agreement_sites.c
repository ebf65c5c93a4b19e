// SPDX-License-Identifier: GPL-2.0-or-later
/* Two sites, and one handshake of the key agreement between them. */
#include "agreement_sites.h"

#include "other_end.h"

struct site site_i, site_r;

struct secret psk;
struct initiation initiation;
uint8_t first[INITIATION_LEN], second[RESPONSE_LEN];
struct handshake_result result_i, result_r;

struct initiation_payload offered;
struct response_payload chosen;

struct secret filled_with(uint8_t byte)
{
	struct secret secret;

	memset(&secret, byte, sizeof(secret));
	return secret;
}

void make_site(struct site *site, struct secret private_key)
{
	assert_int_equal(identity_make(&site->identity, &private_key), 0);
	assert_int_equal(mac_keys_make(&site->keys, &site->identity.public_key), 0);
}

int initiate(struct secret ephemeral, const struct cookie *cookie)
{
	static const struct secret zero;
	int err = initiation_make(&initiation, first, &site_i.identity, &site_r.identity.public_key,
				  &site_r.keys, SESSION, &offered, &ephemeral, cookie);

	assert_memory_equal(&ephemeral, &zero, sizeof(zero));
	return err;
}

enum message_refusal take(const uint8_t *message, struct opening *opening, struct initiation_payload *payload)
{
	struct message_header header;
	enum message_refusal refusal = message_read_header(&header, message, INITIATION_LEN);

	if (!refusal && !mac1_right(message, INITIATION_MAC1, &site_r.keys))
		refusal = REFUSED_BAD_MAC1;
	if (!refusal)
		refusal = initiation_open(opening, &site_r.identity, message);
	if (!refusal && memcmp(&opening->initiator, &site_i.identity.public_key, PUBLIC_LEN))
		refusal = REFUSED_UNKNOWN_KEY;
	if (!refusal)
		refusal = initiation_open_payload(opening, payload, &site_r.identity, message);
	return refusal;
}

int respond(struct opening *opening, struct secret ephemeral)
{
	static const struct opening no_opening;
	static const struct secret zero;
	int err = response_make(&result_r, second, opening, &site_i.keys, &chosen, &ephemeral, &psk);

	assert_memory_equal(&ephemeral, &zero, sizeof(zero));
	assert_memory_equal(opening, &no_opening, sizeof(no_opening));
	return err;
}

enum message_refusal conclude(const uint8_t *message, const struct secret *psks, size_t n, size_t *used,
			      struct response_payload *payload)
{
	return response_consume(&result_i, payload, used, &initiation, &site_i.identity, &site_i.keys, psks,
				n, message);
}

void expect_same_keys(void)
{
	assert_memory_equal(&result_i.send, &result_r.receive, sizeof(struct data_key));
	assert_memory_equal(&result_i.receive, &result_r.send, sizeof(struct data_key));
	assert_memory_equal(&result_i.proofs, &result_r.proofs, sizeof(struct proofs));
	assert_memory_not_equal(&result_i.send, &result_i.receive, sizeof(struct data_key));
}

struct secret random_secret(void)
{
	struct secret secret;

	repeatable(&secret, sizeof(secret));
	return secret;
}

int fixed_handshake(void **state)
{
	struct opening opening;
	struct initiation_payload taken;
	struct response_payload read;
	size_t used = 9;

	(void)state;
	offered = (struct initiation_payload){
		.timestamp = { { 0x40, 0, 0, 0, 0x6f, 0, 0, 0x0a } },
		.generation = 1,
		.life = 0xa1a2a3a4a5a6a7a8,
		.carries = CARRIES_TUNNEL,
		.suites = SUITE_AES_128_OCB | SUITE_AES_256_OCB,
		.reject_after = 540,
	};
	chosen = (struct response_payload){
		.spi = SPI,
		.generation = 1,
		.life = 0xb1b2b3b4b5b6b7b8,
		.carries = CARRIES_TUNNEL,
		.suite = SUITE_AES_128_OCB,
		.reject_after = 540,
	};
	make_site(&site_i, filled_with(1));
	make_site(&site_r, filled_with(3));
	psk = filled_with(5);
	assert_int_equal(initiate(filled_with(2), NULL), 0);
	assert_int_equal(take(first, &opening, &taken), ACCEPTED);
	assert_int_equal(respond(&opening, filled_with(4)), 0);
	assert_int_equal(conclude(second, &psk, 1, &used, &read), ACCEPTED);
	assert_int_equal(used, 0);
	expect_same_keys();
	return 0;
}

int sites_set_up(void **state)
{
	(void)state;
	return primitive_setup();
}

int sites_tear_down(void **state)
{
	(void)state;
	primitive_release();
	return 0;
}
