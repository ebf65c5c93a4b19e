// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The five messages of the key agreement: byte by byte from fixed keys, both ways against tests/agreement/oracle.py,
 * and no bit of any can be changed.
 */
#include <errno.h>
#include <openssl/evp.h>

#include "unit.h"
#include "other_end.h"
#include "agreement/handshake.h"
#include "xdpsec/wire.h"

enum { ROUNDS = 40, SESSION = 0x11111111, SPI = 0x22222222 };

/* Two sites, and a handshake between them. */
static struct site {
	struct identity identity;
	struct mac_keys keys;
} site_i, site_r;

static struct secret psk;
static struct initiation initiation;
static uint8_t first[INITIATION_LEN], second[RESPONSE_LEN];
static struct handshake_result result_i, result_r;

static struct initiation_payload offered;
static struct response_payload chosen;

static struct secret filled_with(uint8_t byte)
{
	struct secret secret;

	memset(&secret, byte, sizeof(secret));
	return secret;
}

static void make_site(struct site *site, struct secret private_key)
{
	assert_int_equal(identity_make(&site->identity, &private_key), 0);
	assert_int_equal(mac_keys_make(&site->keys, &site->identity.public_key), 0);
}

static int initiate(struct secret ephemeral, const struct cookie *cookie)
{
	static const struct secret zero;
	int err = initiation_make(&initiation, first, &site_i.identity, &site_r.identity.public_key,
				  &site_r.keys, SESSION, &offered, &ephemeral, cookie);

	assert_memory_equal(&ephemeral, &zero, sizeof(zero));
	return err;
}

static enum message_refusal take(const uint8_t *message, struct opening *opening,
				 struct initiation_payload *payload)
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

static int respond(struct opening *opening, struct secret ephemeral)
{
	static const struct opening no_opening;
	static const struct secret zero;
	int err = response_make(&result_r, second, opening, &site_i.keys, &chosen, &ephemeral, &psk);

	assert_memory_equal(&ephemeral, &zero, sizeof(zero));
	assert_memory_equal(opening, &no_opening, sizeof(no_opening));
	return err;
}

static enum message_refusal conclude(const uint8_t *message, const struct secret *psks, size_t n,
				     size_t *used, struct response_payload *payload)
{
	return response_consume(&result_i, payload, used, &initiation, &site_i.identity, &site_i.keys, psks,
				n, message);
}

static void expect_same_keys(void)
{
	assert_memory_equal(&result_i.send, &result_r.receive, sizeof(struct data_key));
	assert_memory_equal(&result_i.receive, &result_r.send, sizeof(struct data_key));
	assert_memory_equal(&result_i.proofs, &result_r.proofs, sizeof(struct proofs));
	assert_memory_not_equal(&result_i.send, &result_i.receive, sizeof(struct data_key));
}

/* The inputs of the example in docs/agreement.md. */
static int fixed_handshake(void **state)
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

/* ---- the example ------------------------------------------------------------------------------------- */

/* Digests and keys by another implementation: `tests/agreement/oracle.py example`. */
static void expect_digest(const void *bytes, size_t n, const char *want)
{
	uint8_t digest[EVP_MAX_MD_SIZE];

	assert_int_equal(EVP_Digest(bytes, n, digest, NULL, EVP_sha256(), NULL), 1);
	assert_string_equal(hex(digest, 16), want);
}

static void example_is_that_of_the_page(void **state)
{
	static const uint8_t nonce[32] = { [0 ... 31] = 6 };
	const struct cookie_source source = { { [10] = 0xff, 0xff, 192, 0, 2, 1 }, 4500 };
	struct cookie_secrets secrets = {};
	struct secret secret = filled_with(7);
	uint8_t message[COOKIE_LEN];
	struct cookie cookie;

	(void)state;
	expect_digest(second, sizeof(second), "e62d25b16941865dbc6f93f235deb4ef");
	expect_digest(result_i.proofs.confirm, CONFIRM_LEN, "2ae8cb6054c35e9d596afb43a708b6bf");
	expect_digest(result_r.proofs.ack, CONFIRM_LEN, "9aecbac3b02e837b32e1befa28ca5310");
	assert_int_equal(result_i.send.length, 16);
	assert_string_equal(hex(result_i.send.bytes, 16), "759652ca6bdcdb73cc1233ef68523c93");
	assert_string_equal(hex(result_r.send.bytes, 16), "5eb1feb791432215037eef3153b03388");
	cookie_secrets_renew(&secrets, &secret, 1);
	assert_int_equal(cookie_message_make(message, &secrets, &source, &site_r.keys, first, nonce), 0);
	expect_digest(message, sizeof(message), "d85ad29035e03f1d42b8dcd4736d1036");
	assert_int_equal(cookie_message_open(&cookie, message, &site_r.keys, initiation.mac1), 0);
	assert_int_equal(initiate(filled_with(2), &cookie), 0);
	expect_digest(first, sizeof(first), "f4d7470c3e5bc651139dda3a7b4ba4f9");
}

/* ---- both ways --------------------------------------------------------------------------------------- */

static void random_terms(void)
{
	static const uint8_t suites[] = { SUITE_AES_128_OCB, SUITE_AES_256_OCB, SUITE_AES_128_GCM,
					  SUITE_AES_256_GCM };

	repeatable(&offered.timestamp, sizeof(offered.timestamp));
	offered.generation = 1 + repeatable_below(GENERATION_END - 1);
	repeatable(&offered.life, sizeof(offered.life));
	offered.carries = repeatable_below(2) ? CARRIES_TUNNEL : CARRIES_INLINE;
	offered.binding = repeatable_below(3);
	offered.suites = 1 + repeatable_below(15);
	offered.reject_after = REJECT_AFTER_MIN + repeatable_below(0x10000 - REJECT_AFTER_MIN);
	chosen.spi = XDPSEC_SPI_MIN + repeatable_below(UINT32_MAX - XDPSEC_SPI_MIN);
	chosen.generation = offered.generation + repeatable_below(GENERATION_END - offered.generation);
	repeatable(&chosen.life, sizeof(chosen.life));
	chosen.carries = offered.carries;
	chosen.binding = offered.binding;
	chosen.suite = suite_choose(offered.suites, suites, ARRAY_SIZE(suites));
	chosen.reject_after = REJECT_AFTER_MIN +
			      repeatable_below(offered.reject_after - REJECT_AFTER_MIN + 1);
}

static struct secret random_secret(void)
{
	struct secret secret;

	repeatable(&secret, sizeof(secret));
	return secret;
}

static const char *terms_of_initiation(void)
{
	static char text[512];

	snprintf(text, sizeof(text),
		 "timestamp=%s generation=#%u life=#%llu carries=#%u binding=#%u suites=#%u reject_after=#%u",
		 hex(&offered.timestamp, TIMESTAMP_LEN), offered.generation, (unsigned long long)offered.life,
		 offered.carries, offered.binding, offered.suites, offered.reject_after);
	return text;
}

static const char *terms_of_response(void)
{
	static char text[512];

	snprintf(text, sizeof(text),
		 "spi=#%u generation=#%u life=#%llu carries=#%u binding=#%u suite=#%u reason=#%u "
		 "reject_after=#%u",
		 chosen.spi, chosen.generation, (unsigned long long)chosen.life, chosen.carries,
		 chosen.binding, chosen.suite, chosen.denial, chosen.reject_after);
	return text;
}

/* Everything that a handshake gives, from this end's point of view. */
static void expect_results(const struct handshake_result *result, bool initiator)
{
	uint8_t want[64];
	size_t n = suite_key_length(chosen.suite);

	assert_int_equal(result->send.length, n);
	assert_int_equal(result->receive.length, n);
	other_end_bytes(initiator ? "i_r" : "r_i", want, n);
	assert_memory_equal(result->send.bytes, want, n);
	other_end_bytes(initiator ? "r_i" : "i_r", want, n);
	assert_memory_equal(result->receive.bytes, want, n);
	other_end_bytes("confirm", want, CONFIRM_LEN);
	assert_true(confirm_right(&result->proofs, want));
	other_end_bytes("ack", want, CONFIRM_LEN);
	assert_true(ack_right(&result->proofs, want));
}

static void python_responds(void)
{
	struct secret ephemeral = random_secret();
	struct response_payload read = {};
	size_t used;

	assert_int_equal(initiate(random_secret(), NULL), 0);
	assert_true(other_end_ask("open s=%s message=%s", hex(&site_r.identity.private_key, 32),
				  hex(first, sizeof(first))));
	assert_int_equal(other_end_number("generation"), offered.generation);
	assert_int_equal(other_end_number("life"), offered.life);
	assert_int_equal(other_end_number("carries"), offered.carries);
	assert_int_equal(other_end_number("binding"), offered.binding);
	assert_int_equal(other_end_number("suites"), offered.suites);
	assert_int_equal(other_end_number("reject_after"), offered.reject_after);
	assert_int_equal(other_end_number("session"), SESSION);
	assert_true(other_end_ask("respond e=%s psk=%s %s", hex(&ephemeral, 32), hex(&psk, 32),
				  terms_of_response()));
	other_end_bytes("message", second, sizeof(second));
	assert_int_equal(conclude(second, &psk, 1, &used, &read), ACCEPTED);
	assert_memory_equal(&read, &chosen, sizeof(read));
	expect_results(&result_i, true);
}

static void python_initiates(void)
{
	struct opening opening;
	struct initiation_payload taken = {};
	struct secret ephemeral = random_secret();

	assert_true(other_end_ask("initiation s=%s e=%s peer=%s session=#%u %s",
				  hex(&site_i.identity.private_key, 32), hex(&ephemeral, 32),
				  hex(&site_r.identity.public_key, 32), SESSION, terms_of_initiation()));
	other_end_bytes("message", first, sizeof(first));
	assert_int_equal(take(first, &opening, &taken), ACCEPTED);
	assert_memory_equal(&taken, &offered, sizeof(taken));
	assert_int_equal(opening.session, SESSION);
	assert_int_equal(respond(&opening, random_secret()), 0);
	assert_true(other_end_ask("consume psk=%s message=%s", hex(&psk, 32), hex(second, sizeof(second))));
	assert_int_equal(other_end_number("spi"), chosen.spi);
	assert_int_equal(other_end_number("life"), chosen.life);
	expect_results(&result_r, false);
}

static void either_end_may_be_python(void **state)
{
	int round;

	(void)state;
	if (!have_other_end)
		skip();
	for (round = 0; round < ROUNDS; round++) {
		make_site(&site_i, random_secret());
		make_site(&site_r, random_secret());
		psk = random_secret();
		random_terms();
		python_responds();
		python_initiates();
	}
}

static void cookies_are_those_of_python(void **state)
{
	struct cookie_source source = { .port = 4500 };
	struct cookie_secrets secrets = {};
	struct secret secret = random_secret(), copy = secret, nonce = random_secret();
	uint8_t message[COOKIE_LEN], want[COOKIE_LEN];
	struct cookie cookie;
	int v6;

	(void)state;
	if (!have_other_end)
		skip();
	cookie_secrets_renew(&secrets, &secret, 1);
	for (v6 = 0; v6 < 2; v6++) {
		repeatable(source.address, sizeof(source.address));
		if (!v6)
			memcpy(source.address, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
		assert_int_equal(
			cookie_message_make(message, &secrets, &source, &site_r.keys, first, nonce.bytes), 0);
		assert_true(other_end_ask(
			"cookie secret=%s address=%s port=#4500 peer=%s nonce=%s message=%s", hex(&copy, 32),
			hex(source.address + (v6 ? 0 : 12), v6 ? 16 : 4),
			hex(&site_r.identity.public_key, 32), hex(&nonce, 32), hex(first, sizeof(first))));
		other_end_bytes("message", want, sizeof(want));
		assert_memory_equal(message, want, sizeof(want));
		assert_int_equal(cookie_message_open(&cookie, want, &site_r.keys, first + INITIATION_MAC1),
				 0);
		other_end_bytes("cookie", want, MAC_LEN);
		assert_memory_equal(&cookie, want, MAC_LEN);
	}
}

/* ---- every bit --------------------------------------------------------------------------------------- */

/* All that an Initiation or a Response could change. */
struct everything {
	struct site i, r;
	struct initiation initiation;
	struct handshake_result result;
};

static void remember(struct everything *everything)
{
	memset(everything, 0, sizeof(*everything));
	everything->i = site_i;
	everything->r = site_r;
	everything->initiation = initiation;
	everything->result = result_i;
}

static void expect_unchanged(const struct everything *before)
{
	assert_memory_equal(&before->i, &site_i, sizeof(site_i));
	assert_memory_equal(&before->r, &site_r, sizeof(site_r));
	assert_memory_equal(&before->initiation, &initiation, sizeof(initiation));
	assert_memory_equal(&before->result, &result_i, sizeof(result_i));
}

static void expect_initiation_refused(const uint8_t *message, enum message_refusal least)
{
	static const struct opening no_opening;
	struct opening opening = {};
	struct initiation_payload payload, before;
	enum message_refusal refusal;

	memset(&payload, 0xa5, sizeof(payload));
	before = payload;
	refusal = take(message, &opening, &payload);
	if (refusal < least || refusal > REFUSED_DECRYPT)
		fail_msg("%s", message_refusal_name(refusal));
	assert_memory_equal(&payload, &before, sizeof(payload));
	assert_memory_equal(&opening, &no_opening, sizeof(opening));
}

static void no_bit_of_an_initiation_can_be_changed(void **state)
{
	struct everything before;
	size_t bit;

	(void)state;
	remember(&before);
	for (bit = 0; bit < 8 * INITIATION_MAC2; bit++) {
		uint8_t changed[INITIATION_LEN];

		memcpy(changed, first, sizeof(changed));
		changed[bit / 8] ^= 1 << bit % 8;
		expect_initiation_refused(changed, REFUSED_LENGTH);
		/* And by somebody who knows the receiver's public key. */
		if (bit < 8 * INITIATION_MAC1) {
			assert_int_equal(mac1_write(changed, INITIATION_MAC1, &site_r.keys), 0);
			expect_initiation_refused(changed, REFUSED_LENGTH);
		}
	}
	expect_unchanged(&before);
}

/* An answer is found by its Session before all else. */
static bool header_refused(const uint8_t *message, size_t n, enum message_type type, uint32_t session)
{
	struct message_header header;

	return message_read_header(&header, message, n) || header.type != type || header.session != session;
}

static void expect_response_refused(const uint8_t *message, size_t n_psks)
{
	struct response_payload payload, before;
	enum message_refusal refusal;
	size_t used = 9;

	memset(&payload, 0xa5, sizeof(payload));
	before = payload;
	refusal = conclude(message, &psk, n_psks, &used, &payload);
	if (refusal != REFUSED_BAD_MAC1 && refusal != REFUSED_DECRYPT && refusal != REFUSED_LOW_ORDER)
		fail_msg("%s", message_refusal_name(refusal));
	assert_memory_equal(&payload, &before, sizeof(payload));
	assert_int_equal(used, 9);
}

static void no_bit_of_a_response_can_be_changed(void **state)
{
	struct everything before;
	size_t bit;

	(void)state;
	remember(&before);
	for (bit = 0; bit < 8 * RESPONSE_LEN; bit++) {
		uint8_t changed[RESPONSE_LEN];

		memcpy(changed, second, sizeof(changed));
		changed[bit / 8] ^= 1 << bit % 8;
		if (header_refused(changed, sizeof(changed), MESSAGE_RESPONSE, SESSION))
			continue;
		assert_true(bit / 8 >= MESSAGE_HEADER_LEN);
		expect_response_refused(changed, 1);
		if (bit < 8 * RESPONSE_MAC1) {
			assert_int_equal(mac1_write(changed, RESPONSE_MAC1, &site_i.keys), 0);
			expect_response_refused(changed, 1);
		}
	}
	expect_unchanged(&before);
}

static void no_bit_of_a_proof_can_be_changed(void **state)
{
	uint8_t confirm[CONFIRM_LEN], ack[CONFIRM_LEN];
	size_t bit;

	(void)state;
	for (bit = 0; bit < 8 * CONFIRM_LEN; bit++) {
		memcpy(confirm, result_i.proofs.confirm, CONFIRM_LEN);
		memcpy(ack, result_r.proofs.ack, CONFIRM_LEN);
		assert_true(confirm_right(&result_r.proofs, confirm));
		assert_true(ack_right(&result_i.proofs, ack));
		confirm[bit / 8] ^= 1 << bit % 8;
		ack[bit / 8] ^= 1 << bit % 8;
		assert_false(confirm_right(&result_r.proofs, confirm));
		assert_false(ack_right(&result_i.proofs, ack));
	}
	/* Neither is taken for the other. */
	assert_false(confirm_right(&result_r.proofs, result_r.proofs.ack));
	assert_false(ack_right(&result_i.proofs, result_i.proofs.confirm));
	assert_false(header_refused(result_i.proofs.confirm, CONFIRM_LEN, MESSAGE_CONFIRM, SPI));
	assert_false(header_refused(result_i.proofs.ack, CONFIRM_LEN, MESSAGE_ACK, SESSION));
}

static void no_bit_of_a_cookie_message_can_be_changed(void **state)
{
	const struct cookie_source source = { { [10] = 0xff, 0xff, 192, 0, 2, 1 }, 4500 };
	struct cookie_secrets secrets = {};
	struct secret secret = random_secret(), nonce = random_secret();
	uint8_t message[COOKIE_LEN], mac1[MAC_LEN];
	struct cookie cookie, before;
	size_t bit;

	(void)state;
	assert_int_equal(cookie_message_make(message, &secrets, &source, &site_r.keys, first, nonce.bytes),
			 -EAGAIN);
	cookie_secrets_renew(&secrets, &secret, 1);
	assert_int_equal(cookie_message_make(message, &secrets, &source, &site_r.keys, first, nonce.bytes),
			 0);
	memset(&cookie, 0xa5, sizeof(cookie));
	before = cookie;
	for (bit = 0; bit < 8 * COOKIE_LEN; bit++) {
		message[bit / 8] ^= 1 << bit % 8;
		if (bit / 8 < MESSAGE_HEADER_LEN)
			assert_true(header_refused(message, sizeof(message), MESSAGE_COOKIE, SESSION));
		else
			assert_int_equal(cookie_message_open(&cookie, message, &site_r.keys, initiation.mac1),
					 -EBADMSG);
		message[bit / 8] ^= 1 << bit % 8;
	}
	for (bit = 0; bit < 8 * MAC_LEN; bit++) {
		memcpy(mac1, initiation.mac1, sizeof(mac1));
		mac1[bit / 8] ^= 1 << bit % 8;
		assert_int_equal(cookie_message_open(&cookie, message, &site_r.keys, mac1), -EBADMSG);
	}
	assert_int_equal(cookie_message_open(&cookie, message, &site_i.keys, initiation.mac1), -EBADMSG);
	assert_memory_equal(&cookie, &before, sizeof(cookie));
	assert_int_equal(cookie_message_open(&cookie, message, &site_r.keys, initiation.mac1), 0);
}

/* ---- headers ----------------------------------------------------------------------------------------- */

static void each_type_has_one_length(void **state)
{
	static const size_t lengths[256] = { [1] = 176, [2] = 112, [3] = 80, [4] = 32, [5] = 32 };
	uint8_t bytes[512];
	struct message_header header;
	unsigned int type;
	size_t n;

	(void)state;
	for (type = 0; type < 256; type++) {
		message_write_header(bytes, type, SESSION);
		for (n = 0; n <= sizeof(bytes); n++) {
			enum message_refusal want = n < MESSAGE_HEADER_LEN ? REFUSED_LENGTH
						    : !lengths[type]	   ? REFUSED_TYPE
						    : n != lengths[type]   ? REFUSED_LENGTH
									   : ACCEPTED;

			header = (struct message_header){};
			assert_int_equal(message_read_header(&header, bytes, n), want);
			assert_int_equal(header.type, want ? 0 : type);
			assert_int_equal(header.session, want ? 0 : SESSION);
		}
		assert_int_equal(message_length(type), lengths[type]);
	}
}

static void headers_have_one_form(void **state)
{
	uint8_t bytes[CONFIRM_LEN] = {};
	struct message_header header;
	unsigned int version;
	size_t bit;

	(void)state;
	for (version = 0; version < 256; version++) {
		message_write_header(bytes, MESSAGE_ACK, SESSION);
		bytes[5] = version;
		assert_int_equal(message_read_header(&header, bytes, sizeof(bytes)),
				 version == MESSAGE_VERSION ? ACCEPTED : REFUSED_VERSION);
	}
	for (bit = 0; bit < 8 * MESSAGE_HEADER_LEN; bit++) {
		enum message_refusal want = bit < 32 ? REFUSED_TYPE : REFUSED_RESERVED;

		if ((bit >= 32 && bit < 48) || (bit >= 64 && bit < 96))
			continue;
		message_write_header(bytes, MESSAGE_ACK, SESSION);
		bytes[bit / 8] ^= 1 << bit % 8;
		assert_int_equal(message_read_header(&header, bytes, sizeof(bytes)), want);
	}
}

static void refusals_have_names_of_their_own(void **state)
{
	int i, k;

	(void)state;
	for (i = ACCEPTED; i < MESSAGE_REFUSAL_COUNT; i++) {
		assert_int_equal(strspn(message_refusal_name(i), "abcdefghijklmnopqrstuvwxyz_0123456789"),
				 strlen(message_refusal_name(i)));
		assert_true(strlen(message_refusal_text(i)) > 0);
		for (k = ACCEPTED; k < i; k++)
			assert_string_not_equal(message_refusal_name(i), message_refusal_name(k));
	}
	assert_string_equal(message_refusal_name(MESSAGE_REFUSAL_COUNT), "unknown");
	for (i = DENIAL_NONE; i < DENIAL_COUNT; i++)
		assert_string_not_equal(denial_text(i), denial_text(DENIAL_COUNT));
}

/* ---- ranges ------------------------------------------------------------------------------------------ */

static enum message_refusal offer(struct initiation_payload payload, uint32_t session)
{
	struct secret ephemeral = random_secret();
	uint8_t message[INITIATION_LEN];
	struct initiation made;
	struct opening opening;
	struct initiation_payload taken;

	assert_int_equal(initiation_make(&made, message, &site_i.identity, &site_r.identity.public_key,
					 &site_r.keys, session, &payload, &ephemeral, NULL),
			 0);
	return take(message, &opening, &taken);
}

#define expect_offer(want, ...)                                                                              \
	do {                                                                                                 \
		struct initiation_payload changed = offered, *p = &changed;                                  \
		__VA_ARGS__;                                                                                 \
		assert_int_equal(offer(changed, session), want);                                             \
	} while (0)

static void ranges_of_an_initiation_are_checked(void **state)
{
	uint32_t session = SESSION;

	(void)state;
	expect_offer(ACCEPTED, (void)p);
	expect_offer(REFUSED_MALFORMED, p->generation = 0);
	expect_offer(ACCEPTED, p->generation = GENERATION_END - 1);
	expect_offer(REFUSED_MALFORMED, p->generation = GENERATION_END);
	expect_offer(REFUSED_MALFORMED, p->generation = UINT32_MAX);
	expect_offer(REFUSED_MALFORMED, p->suites = 0);
	expect_offer(ACCEPTED, p->suites = 0x80);
	expect_offer(REFUSED_MALFORMED, p->reject_after = 0);
	expect_offer(REFUSED_MALFORMED, p->reject_after = 179);
	expect_offer(ACCEPTED, p->reject_after = 180);
	expect_offer(ACCEPTED, p->reject_after = 65535);
	expect_offer(ACCEPTED, p->carries = CARRIES_INLINE);
	expect_offer(REFUSED_MALFORMED, p->carries = 0);
	expect_offer(REFUSED_MALFORMED, p->carries = 41);
	expect_offer(ACCEPTED, p->binding = XDPSEC_BIND_ADDRESSES);
	expect_offer(REFUSED_MALFORMED, p->binding = 3);
	expect_offer(ACCEPTED, p->life = 0);
	session = 255;
	expect_offer(REFUSED_MALFORMED, (void)p);
	session = 0;
	expect_offer(REFUSED_MALFORMED, (void)p);
	session = 256;
	expect_offer(ACCEPTED, (void)p);
}

static enum message_refusal answer(struct response_payload payload)
{
	struct secret ephemeral = random_secret();
	struct initiation_payload taken;
	struct response_payload read, before;
	struct opening opening;
	enum message_refusal refusal;
	size_t used;

	assert_int_equal(take(first, &opening, &taken), ACCEPTED);
	assert_int_equal(response_make(&result_r, second, &opening, &site_i.keys, &payload, &ephemeral, &psk),
			 0);
	memset(&read, 0xa5, sizeof(read));
	before = read;
	refusal = conclude(second, &psk, 1, &used, &read);
	if (refusal)
		assert_memory_equal(&read, &before, sizeof(read));
	return refusal;
}

#define expect_answer(want, ...)                                                                             \
	do {                                                                                                 \
		struct response_payload changed = chosen, *p = &changed;                                     \
		__VA_ARGS__;                                                                                 \
		assert_int_equal(answer(changed), want);                                                     \
	} while (0)

static void ranges_of_a_response_are_checked(void **state)
{
	(void)state;
	offered.generation = chosen.generation = 7;
	assert_int_equal(initiate(filled_with(2), NULL), 0);
	expect_answer(ACCEPTED, (void)p);
	expect_answer(REFUSED_MALFORMED, p->spi = 0);
	expect_answer(REFUSED_MALFORMED, p->spi = 255);
	expect_answer(ACCEPTED, p->spi = 256);
	expect_answer(REFUSED_MALFORMED, p->generation = 6);
	expect_answer(ACCEPTED, p->generation = GENERATION_END - 1);
	expect_answer(REFUSED_MALFORMED, p->generation = GENERATION_END);
	expect_answer(REFUSED_MALFORMED, p->carries = CARRIES_INLINE);
	expect_answer(REFUSED_MALFORMED, p->binding = XDPSEC_BIND_PORTS);
	expect_answer(REFUSED_MALFORMED, p->suite = SUITE_AES_128_OCB | SUITE_AES_256_OCB);
	expect_answer(REFUSED_MALFORMED, p->suite = SUITE_AES_128_GCM);
	expect_answer(REFUSED_MALFORMED, p->suite = 0x80);
	expect_answer(ACCEPTED, p->suite = SUITE_AES_256_OCB);
	expect_answer(ACCEPTED, p->reject_after = 180);
	expect_answer(REFUSED_MALFORMED, p->reject_after = 179);
	expect_answer(REFUSED_MALFORMED, p->reject_after = 541);
	/* A reason beside a suite is not looked at. */
	expect_answer(ACCEPTED, p->denial = 200);
}

static void refusal_has_a_reason_and_no_keys(void **state)
{
	static const struct handshake_result none;
	unsigned int reason;

	(void)state;
	for (reason = 0; reason < 256; reason++) {
		enum message_refusal want = reason && reason < DENIAL_COUNT ? ACCEPTED : REFUSED_MALFORMED;

		expect_answer(want, p->suite = 0, p->spi = 0, p->denial = reason);
		assert_memory_equal(&result_r, &none, sizeof(none));
		if (want == ACCEPTED)
			assert_memory_equal(&result_i, &none, sizeof(none));
	}
	/* The responder says what it has. */
	expect_answer(ACCEPTED, p->suite = 0, p->spi = 0, p->denial = DENIAL_CARRIES,
		      p->carries = CARRIES_INLINE);
	expect_answer(REFUSED_MALFORMED, p->suite = 0, p->denial = DENIAL_SUITE);
	expect_answer(REFUSED_MALFORMED, p->suite = 0, p->spi = 0, p->denial = DENIAL_SUITE,
		      p->generation = 2);
}

/* ---- keys that are not right ------------------------------------------------------------------------- */

static void ephemeral_of_low_order_is_refused(void **state)
{
	struct opening opening;
	struct initiation_payload taken;
	struct response_payload read;
	size_t used;

	(void)state;
	memset(first + INITIATION_EPHEMERAL, 0, PUBLIC_LEN);
	mac1_write(first, INITIATION_MAC1, &site_r.keys);
	assert_int_equal(take(first, &opening, &taken), REFUSED_LOW_ORDER);
	memset(second + RESPONSE_EPHEMERAL, 0, PUBLIC_LEN);
	second[RESPONSE_EPHEMERAL] = 1;
	mac1_write(second, RESPONSE_MAC1, &site_i.keys);
	assert_int_equal(conclude(second, &psk, 1, &used, &read), REFUSED_LOW_ORDER);
}

static void static_of_low_order_is_refused(void **state)
{
	static const struct initiation no_initiation;
	static const uint8_t no_message[INITIATION_LEN];
	struct opening opening;
	struct initiation_payload taken;

	(void)state;
	/* An initiator that says that it has one: its private key is any. */
	memset(&site_i.identity.public_key, 0, PUBLIC_LEN);
	assert_int_equal(initiate(filled_with(2), NULL), 0);
	assert_int_equal(take(first, &opening, &taken), REFUSED_LOW_ORDER);
	/* A peer that has one. */
	memset(&site_r.identity.public_key, 0, PUBLIC_LEN);
	assert_int_equal(initiate(filled_with(2), NULL), -EINVAL);
	assert_memory_equal(&initiation, &no_initiation, sizeof(initiation));
	assert_memory_equal(first, no_message, sizeof(first));
}

static void own_and_unknown_keys_are_seen(void **state)
{
	struct opening opening;
	struct initiation_payload taken;
	struct site other;

	(void)state;
	make_site(&other, filled_with(9));
	site_i = other;
	assert_int_equal(initiate(filled_with(2), NULL), 0);
	make_site(&site_i, filled_with(1));
	assert_int_equal(take(first, &opening, &taken), REFUSED_UNKNOWN_KEY);
	/* Our own key is that of no peer. */
	site_i = site_r;
	assert_int_equal(initiate(filled_with(2), NULL), 0);
	make_site(&site_i, filled_with(1));
	assert_int_equal(take(first, &opening, &taken), REFUSED_UNKNOWN_KEY);
	assert_memory_equal(&opening.initiator, &site_r.identity.public_key, PUBLIC_LEN);
	/* Somebody else's Initiation. */
	assert_int_equal(initiate(filled_with(2), NULL), 0);
	site_r = other;
	assert_int_equal(take(first, &opening, &taken), REFUSED_BAD_MAC1);
}

static void preshared_key_of_now_or_before_counts(void **state)
{
	struct secret psks[3] = { filled_with(6), psk, filled_with(0) };
	struct response_payload read;
	size_t used = 9;

	(void)state;
	assert_int_equal(conclude(second, psks, 2, &used, &read), ACCEPTED);
	assert_int_equal(used, 1);
	expect_same_keys();
	assert_int_equal(conclude(second, psks, 1, &used, &read), REFUSED_DECRYPT);
	assert_int_equal(conclude(second, &psks[2], 1, &used, &read), REFUSED_DECRYPT);
	assert_int_equal(conclude(second, psks, 0, &used, &read), REFUSED_DECRYPT);
	assert_int_equal(used, 1);
}

static void response_answers_one_initiation(void **state)
{
	struct response_payload read;
	size_t used;

	(void)state;
	assert_int_equal(initiate(filled_with(8), NULL), 0);
	assert_int_equal(conclude(second, &psk, 1, &used, &read), REFUSED_DECRYPT);
	/* Nor does it work with the same ephemeral and another Session: that is in the transcript. */
	assert_int_equal(initiate(filled_with(2), NULL), 0);
	assert_int_equal(conclude(second, &psk, 1, &used, &read), ACCEPTED);
	offered.generation++;
	assert_int_equal(initiate(filled_with(2), NULL), 0);
	assert_int_equal(conclude(second, &psk, 1, &used, &read), REFUSED_DECRYPT);
}

static void key_lengths_follow_the_suite(void **state)
{
	static const uint8_t lengths[256] = { [1] = 16, [2] = 32, [4] = 16, [8] = 32 };
	static const uint8_t order[] = { SUITE_AES_256_OCB, SUITE_AES_128_OCB };
	unsigned int suite;

	(void)state;
	for (suite = 0; suite < 256; suite++)
		assert_int_equal(suite_key_length(suite), lengths[suite]);
	expect_answer(ACCEPTED, p->suite = SUITE_AES_256_OCB);
	assert_int_equal(result_i.send.length, 32);
	expect_same_keys();
	assert_int_equal(suite_choose(3, order, 2), SUITE_AES_256_OCB);
	assert_int_equal(suite_choose(0xfd, order, 2), SUITE_AES_128_OCB);
	assert_int_equal(suite_choose(0xfc, order, 2), 0);
	assert_int_equal(suite_choose(3, order, 0), 0);
}

static void failure_of_libcrypto_leaves_nothing(void **state)
{
	static const struct initiation no_initiation;
	static const struct handshake_result no_result;
	static const uint8_t zero[INITIATION_LEN];
	struct opening opening = {};
	struct response_payload read;
	size_t used;

	(void)state;
	primitive_release();
	assert_int_equal(conclude(second, &psk, 1, &used, &read), REFUSED_BAD_MAC1);
	assert_int_equal(initiation_open(&opening, &site_r.identity, first), REFUSED_FAILED);
	assert_int_equal(respond(&opening, filled_with(4)), -EIO);
	assert_memory_equal(&result_r, &no_result, sizeof(no_result));
	assert_memory_equal(second, zero, sizeof(second));
	assert_int_equal(initiate(filled_with(2), NULL), -EIO);
	assert_memory_equal(&initiation, &no_initiation, sizeof(no_initiation));
	assert_memory_equal(first, zero, sizeof(first));
	assert_int_equal(primitive_setup(), 0);
}

#define after_a_handshake(function) cmocka_unit_test_setup(function, fixed_handshake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		after_a_handshake(example_is_that_of_the_page),
		after_a_handshake(either_end_may_be_python),
		after_a_handshake(cookies_are_those_of_python),
		after_a_handshake(no_bit_of_an_initiation_can_be_changed),
		after_a_handshake(no_bit_of_a_response_can_be_changed),
		after_a_handshake(no_bit_of_a_proof_can_be_changed),
		after_a_handshake(no_bit_of_a_cookie_message_can_be_changed),
		cmocka_unit_test(each_type_has_one_length),
		cmocka_unit_test(headers_have_one_form),
		cmocka_unit_test(refusals_have_names_of_their_own),
		after_a_handshake(ranges_of_an_initiation_are_checked),
		after_a_handshake(ranges_of_a_response_are_checked),
		after_a_handshake(refusal_has_a_reason_and_no_keys),
		after_a_handshake(ephemeral_of_low_order_is_refused),
		after_a_handshake(static_of_low_order_is_refused),
		after_a_handshake(own_and_unknown_keys_are_seen),
		after_a_handshake(preshared_key_of_now_or_before_counts),
		after_a_handshake(response_answers_one_initiation),
		after_a_handshake(key_lengths_follow_the_suite),
		after_a_handshake(failure_of_libcrypto_leaves_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("messages", tests, other_end_set_up, other_end_tear_down);
}
