// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * RFC 7253's own vectors, through the OCB code of the data plane (seal_vector, open_vector). XDPsec has no
 * associated data: of appendix A the vectors without it apply, and of the iterated test the steps without it.
 */
#include "plane/sa_abi.h"
#include "site.h"
#include "unit.h"

enum { VECTOR_SLOT = 40, TAGLEN = 128 };

/* Appendix A, K = 000102030405060708090A0B0C0D0E0F: P is the first n bytes of 00 01 02 .. 27. */
static const struct vector {
	const char *nonce;
	size_t n;
	const char *cipher; /* C, the tag at its end */
} vectors[] = {
	{ "BBAA99887766554433221100", 0, "785407BFFFC8AD9EDCC5520AC9111EE6" },
	{ "BBAA99887766554433221103", 8, "45DD69F8F5AAE72414054CD1F35D82760B2CD00D2F99BFA9" },
	{ "BBAA99887766554433221106", 16,
	  "5CE88EC2E0692706A915C00AEB8B2396F40E1C743F52436BDF06D8FA1ECA343D" },
	{ "BBAA99887766554433221109", 24,
	  "221BD0DE7FA6FE993ECCD769460A0AF2D6CDED0C395B1C3CE725F32494B9F914D85C0B1EB38357FF" },
	{ "BBAA9988776655443322110C", 32,
	  "2942BFC773BDA23CABC6ACFD9BFD5835BD300F0973792EF46040C53F1432BCDFB5E1DDE3BC18A5F840B52E653444D5D"
	  "F" },
	{ "BBAA9988776655443322110F", 40,
	  "4412923493C57D5DE0D700F753CCE0D1D2D95060122E9F15A5DDBFC5787E50B5CC55EE507BCB084E479AD363AC366B95"
	  "A98CA5F3000B1479" },
};

static const uint8_t vector_key[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

static void install(const uint8_t *key, size_t key_length)
{
	rig_sa_install(&(struct rig_sa){
		.slot = VECTOR_SLOT,
		.spi = 0x7253,
		.next_header = XDPSEC_NEXT_UDP,
		.key = key,
		.key_length = key_length,
		.limit = XDPSEC_SEQUENCE_LIMIT,
	});
}

static void from_hex(uint8_t *out, const char *hex)
{
	unsigned int byte;

	for (; *hex; hex += 2, out++) {
		assert_int_equal(sscanf(hex, "%2x", &byte), 1);
		*out = byte;
	}
}

/* The frame that the vector programs take; the tag slot is for the caller. */
static uint8_t *vector_frame(struct frame *frame, const uint8_t nonce[XDPSEC_NONCE_LEN], const uint8_t *text,
			     size_t n)
{
	uint8_t *header = frame->bytes + ETHERNET_LEN;
	uint32_t slot = rig_slot(VECTOR_SLOT);

	memset(frame->bytes, 0xee, ETHERNET_LEN + XDPSEC_OVERHEAD);
	memcpy(header, &slot, sizeof(slot));
	memcpy(header + XDPSEC_NONCE_OFFSET, nonce, XDPSEC_NONCE_LEN);
	if (n)
		memcpy(header + XDPSEC_OVERHEAD, text, n);
	frame->length = ETHERNET_LEN + XDPSEC_OVERHEAD + n;
	return header;
}

/* OCB-ENCRYPT(K, N, <empty>, P) by the data plane: cipher gets n bytes and the tag behind them. */
static void seal_vector(const uint8_t nonce[XDPSEC_NONCE_LEN], const uint8_t *plain, size_t n,
			uint8_t *cipher)
{
	static struct frame frame, out;
	uint8_t *header = vector_frame(&frame, nonce, plain, n);

	assert_int_equal(rig_run(PROGRAM_SEAL_VECTOR, &frame, &out), VECTOR_DONE);
	assert_int_equal(out.length, frame.length);
	assert_memory_equal(out.bytes, frame.bytes, ETHERNET_LEN + XDPSEC_HEADER_LEN);
	header = out.bytes + ETHERNET_LEN;
	memcpy(cipher, header + XDPSEC_OVERHEAD, n);
	memcpy(cipher + n, header + XDPSEC_HEADER_LEN, XDPSEC_TAG_LEN);
}

/* OCB-DECRYPT. plain gets n - XDPSEC_TAG_LEN bytes. */
static int open_vector(const uint8_t nonce[XDPSEC_NONCE_LEN], const uint8_t *cipher, size_t n, uint8_t *plain)
{
	static struct frame frame, out;
	size_t text = n - XDPSEC_TAG_LEN;
	uint8_t *header = vector_frame(&frame, nonce, cipher, text);
	int result;

	memcpy(header + XDPSEC_HEADER_LEN, cipher + text, XDPSEC_TAG_LEN);
	result = rig_run(PROGRAM_OPEN_VECTOR, &frame, &out);
	assert_int_equal(out.length, frame.length);
	assert_memory_equal(out.bytes, frame.bytes, ETHERNET_LEN + XDPSEC_HEADER_LEN);
	memcpy(plain, out.bytes + ETHERNET_LEN + XDPSEC_OVERHEAD, text);
	return result;
}

static void test_vector_seals(void **state)
{
	const struct vector *vector = *state;
	uint8_t nonce[XDPSEC_NONCE_LEN], plain[40], expected[56], cipher[56];

	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = i;
	from_hex(nonce, vector->nonce);
	from_hex(expected, vector->cipher);
	install(vector_key, sizeof(vector_key));
	seal_vector(nonce, plain, vector->n, cipher);
	assert_memory_equal(cipher, expected, vector->n + XDPSEC_TAG_LEN);
}

static void test_vector_opens(void **state)
{
	const struct vector *vector = *state;
	size_t length = vector->n + XDPSEC_TAG_LEN;
	uint8_t nonce[XDPSEC_NONCE_LEN], plain[40], cipher[56];

	from_hex(nonce, vector->nonce);
	from_hex(cipher, vector->cipher);
	install(vector_key, sizeof(vector_key));
	assert_int_equal(open_vector(nonce, cipher, length, plain), VECTOR_DONE);
	for (size_t i = 0; i < vector->n; i++)
		assert_int_equal(plain[i], i);

	for (size_t bit = 0; bit < 8 * length; bit++) {
		cipher[bit / 8] ^= 1 << bit % 8;
		assert_int_equal(open_vector(nonce, cipher, length, plain), VECTOR_TAG_FAILED);
		cipher[bit / 8] ^= 1 << bit % 8;
	}
	for (size_t bit = 0; bit < 8 * sizeof(nonce); bit++) {
		nonce[bit / 8] ^= 1 << bit % 8;
		assert_int_equal(open_vector(nonce, cipher, length, plain), VECTOR_TAG_FAILED);
		nonce[bit / 8] ^= 1 << bit % 8;
	}
}

static const struct iterated {
	size_t key_length;
	const char *output;
} iterated[] = {
	{ 16, "67E944D23256C5E0B6C61FA22FDF1EA2" },
	{ 32, "D90EB8E9C977C88B79DD793D7FFA161C" },
};

static void number(uint8_t nonce[XDPSEC_NONCE_LEN], uint32_t n)
{
	memset(nonce, 0, XDPSEC_NONCE_LEN);
	write32(nonce + 8, n);
}

/*
 * Appendix A: K = zeros(KEYLEN-8) || num2str(TAGLEN,8); S = zeros(8i); for i = 0 to 127,
 * C = C || OCB-ENCRYPT(K,3i+1,S,S) || OCB-ENCRYPT(K,3i+2,<empty>,S) || OCB-ENCRYPT(K,3i+3,S,<empty>);
 * Output: OCB-ENCRYPT(K,385,C,<empty>). What has associated data is OpenSSL's, the rest the data plane's.
 */
static void test_iterated(void **state)
{
	static uint8_t c[22400]; /* the RFC's own figure for TAGLEN = 128 */
	const struct iterated *test = *state;
	uint8_t key[32] = {}, zeros[128] = {}, nonce[XDPSEC_NONCE_LEN], output[16], expected[16];
	struct oracle *oracle;
	uint8_t *at = c;

	key[test->key_length - 1] = TAGLEN;
	install(key, test->key_length);
	oracle = oracle_new(key, test->key_length);
	for (size_t i = 0; i < 128; i++) {
		number(nonce, 3 * i + 1);
		oracle_encrypt(oracle, nonce, zeros, i, zeros, i, at, at + i);
		at += i + XDPSEC_TAG_LEN;
		number(nonce, 3 * i + 2);
		seal_vector(nonce, zeros, i, at);
		at += i + XDPSEC_TAG_LEN;
		number(nonce, 3 * i + 3);
		oracle_encrypt(oracle, nonce, zeros, i, zeros, 0, at, at);
		at += XDPSEC_TAG_LEN;
	}
	assert_int_equal(at - c, sizeof(c));
	number(nonce, 385);
	oracle_encrypt(oracle, nonce, c, sizeof(c), zeros, 0, output, output);
	from_hex(expected, test->output);
	assert_memory_equal(output, expected, sizeof(output));
	oracle_free(oracle);
}

/* The kernel's key length decides the cipher; a context of the wrong one would be found here. */
static void test_another_key_gives_another_result(void **state)
{
	uint8_t nonce[XDPSEC_NONCE_LEN] = {}, key[32] = {}, plain[16], cipher[32];

	(void)state;
	install(vector_key, sizeof(vector_key));
	seal_vector(nonce, vector_key, 16, cipher);
	assert_int_equal(open_vector(nonce, cipher, sizeof(cipher), plain), VECTOR_DONE);
	install(key, 16);
	assert_int_equal(open_vector(nonce, cipher, sizeof(cipher), plain), VECTOR_TAG_FAILED);
	install(key, 32);
	assert_int_equal(open_vector(nonce, cipher, sizeof(cipher), plain), VECTOR_TAG_FAILED);
}

int main(void)
{
	static char names[2 * ARRAY_SIZE(vectors)][64];
	struct CMUnitTest tests[2 * ARRAY_SIZE(vectors) + 3];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		snprintf(names[n], sizeof(names[n]), "RFC 7253 appendix A, %zu bytes: sealed", vectors[i].n);
		tests[n] = unit_test_row(names[n], test_vector_seals, &vectors[i]);
		n++;
		snprintf(names[n], sizeof(names[n]),
			 "RFC 7253 appendix A, %zu bytes: opened, each bit flipped: not", vectors[i].n);
		tests[n] = unit_test_row(names[n], test_vector_opens, &vectors[i]);
		n++;
	}
	tests[n++] = unit_test_row("RFC 7253 appendix A, iterated, AES-128", test_iterated, &iterated[0]);
	tests[n++] = unit_test_row("RFC 7253 appendix A, iterated, AES-256", test_iterated, &iterated[1]);
	tests[n++] = unit_test_row("another key gives another result", test_another_key_gives_another_result,
				   NULL);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("ocb", tests, rig_setup, rig_teardown);
}
