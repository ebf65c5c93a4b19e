// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Nothing of a handshake stays in memory when its results are wiped: neither in our structures, nor on the stack, nor in
 * what libcrypto has freed. The memory of the process is searched for the secrets of the example in docs/agreement.md.
 */
#include <stdlib.h>
#include <unistd.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "unit.h"
#include "agreement/handshake.h"

enum { SECRET_MAX = 32, CHUNK = 1 << 16, CHUNK_SIZE = CHUNK + SECRET_MAX, MASK = 0x5a };

/* The shadow of AddressSanitizer has terabytes. */
#define MAPPING_MAX (1UL << 28)

/* As text, so that the search does not find itself: `tests/agreement/oracle.py example`. */
static const struct {
	const char *name, *digits;
} secrets[] = {
	{ "k_i", "03cbd449e17a6c83186e51c449f2e78e26ea3235f4210f71aa3bf24332b0fa7e" },
	{ "k_r", "539378d7413e9ea9a531524c1ecd1ffa5739c2c2b03e6b4691b6adeb22a75db6" },
	{ "K_data i to r", "759652ca6bdcdb73cc1233ef68523c93" },
	{ "K_data r to i", "5eb1feb791432215037eef3153b03388" },
	{ "K_confirm", "68b47f5f9ff1518440017b461ad7b4f3c7f62cd8edd767fe7248fed657c17188" },
	{ "K_ack", "74feec4625f6f97f9eaef2f1380bd5ad5b16871dfb0ee02073d4e996d2e80ad0" },
};

struct masked {
	unsigned char bytes[SECRET_MAX];
	size_t n;
};

static struct masked masked_of(const char *digits)
{
	struct masked masked = { .n = strlen(digits) / 2 };
	size_t i;

	for (i = 0; i < masked.n; i++) {
		char digit[3] = { digits[2 * i], digits[2 * i + 1] };

		masked.bytes[i] = strtoul(digit, NULL, 16) ^ MASK;
	}
	return masked;
}

static bool is_here(const unsigned char *at, const struct masked *masked)
{
	size_t i = 0;

	while (i < masked->n && (at[i] ^ MASK) == masked->bytes[i])
		i++;
	return i == masked->n;
}

/* A mapping of its own, which is not searched: it would find its own copies. */
static unsigned char *chunk;

static unsigned int count_in(int fd, unsigned long start, unsigned long end, const struct masked *masked)
{
	unsigned int found = 0;
	unsigned long at;
	ssize_t n, i;

	for (at = start; at < end; at += CHUNK) {
		n = pread(fd, chunk, end - at < CHUNK_SIZE ? end - at : CHUNK_SIZE, (off_t)at);
		for (i = 0; i + (ssize_t)masked->n <= n && i < CHUNK; i++)
			found += is_here(chunk + i, masked);
	}
	return found;
}

static unsigned int count_in_memory(const struct masked *masked)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	unsigned int found = 0;
	unsigned long start, end;
	char line[512], mode[8];

	assert_non_null(maps);
	assert_true(fd >= 0);
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %7s", &start, &end, mode) == 3 && mode[1] == 'w' &&
		    start != (unsigned long)chunk && end - start < MAPPING_MAX)
			found += count_in(fd, start, end, masked);
	close(fd);
	fclose(maps);
	return found;
}

/* ---- the handshake ----------------------------------------------------------------------------------- */

static const struct initiation_payload offered = {
	.timestamp = { { 0x40, 0, 0, 0, 0x6f, 0, 0, 0x0a } },
	.generation = 1,
	.life = 0xa1a2a3a4a5a6a7a8,
	.carries = CARRIES_TUNNEL,
	.suites = SUITE_AES_128_OCB | SUITE_AES_256_OCB,
	.reject_after = 540,
};

static const struct response_payload chosen = {
	.spi = 0x22222222,
	.generation = 1,
	.life = 0xb1b2b3b4b5b6b7b8,
	.carries = CARRIES_TUNNEL,
	.suite = SUITE_AES_128_OCB,
	.reject_after = 540,
};

static struct handshake_result result_i, result_r;

static struct secret filled_with(uint8_t byte)
{
	struct secret secret;

	memset(&secret, byte, sizeof(secret));
	return secret;
}

static void shake_hands(void)
{
	_cleanup_identity_ struct identity i, r;
	_cleanup_initiation_ struct initiation initiation;
	struct secret s_i = filled_with(1), s_r = filled_with(3), e_i = filled_with(2), e_r = filled_with(4),
		      psk = filled_with(5);
	uint8_t first[INITIATION_LEN], second[RESPONSE_LEN];
	struct mac_keys keys_i, keys_r;
	struct opening opening;
	struct initiation_payload taken;
	struct response_payload read;
	size_t used;

	assert_int_equal(identity_make(&i, &s_i) | identity_make(&r, &s_r), 0);
	assert_int_equal(mac_keys_make(&keys_i, &i.public_key) | mac_keys_make(&keys_r, &r.public_key), 0);
	/* The example has the MAC2 of a cookie, which no key depends on. */
	assert_int_equal(initiation_make(&initiation, first, &i, &r.public_key, &keys_r, 0x11111111, &offered,
					 &e_i, NULL),
			 0);
	assert_int_equal(initiation_open(&opening, &r, first), ACCEPTED);
	assert_int_equal(initiation_open_payload(&opening, &taken, &r, first), ACCEPTED);
	assert_int_equal(response_make(&result_r, second, &opening, &keys_i, &chosen, &e_r, &psk), 0);
	assert_int_equal(response_consume(&result_i, &read, &used, &initiation, &i, &keys_i, &psk, 1, second),
			 ACCEPTED);
}

static void keys_are_found_while_they_are_there(void **state)
{
	struct masked masked = masked_of(secrets[2].digits), other = masked_of(secrets[3].digits);

	(void)state;
	shake_hands();
	assert_in_range(count_in_memory(&masked), 2, 2); /* of both ends */
	assert_in_range(count_in_memory(&other), 2, 2);
	handshake_result_wipe(&result_r);
	assert_in_range(count_in_memory(&masked), 1, 1);
}

static void nothing_stays_of_a_handshake(void **state)
{
	struct masked masked;
	size_t i;

	(void)state;
	shake_hands();
	handshake_result_wipe(&result_i);
	handshake_result_wipe(&result_r);
	for (i = 0; i < ARRAY_SIZE(secrets); i++) {
		masked = masked_of(secrets[i].digits);
		if (count_in_memory(&masked))
			fail_msg("%s is still in memory", secrets[i].name);
	}
}

static int set_up(void **state)
{
	(void)state;
	/* Shared, so that the kernel does not join it to another mapping. */
	chunk = mmap(NULL, CHUNK_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(chunk != MAP_FAILED);
	return primitive_setup();
}

static int tear_down(void **state)
{
	(void)state;
	primitive_release();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_found_while_they_are_there),
		cmocka_unit_test(nothing_stays_of_a_handshake),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("secrets", tests, set_up, tear_down);
}
