// SPDX-License-Identifier: GPL-2.0-or-later
/* One end of the key agreement, its data plane, and the other end; and the entry of both fuzzers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agreement/agreement.h"
#include "agreement/handshake.h"
#include "agreement_side.h"
#include "driver.h"

enum { PEER = 2, SLOTS = SLOTS_PEER * (PEER + 1), AGAIN_MAX = 40, SPIS = 64 };

static const struct agreement_path path = {
	.remote = { { [10] = 0xff, 0xff, 192, 0, 2, 1 }, 4500 },
	.local = { { [10] = 0xff, 0xff, 198, 51, 100, 1 }, 4500 },
	.device = 2,
};

/* The keys of both ends do not change. */
static struct identity us, them;
static struct mac_keys our_keys, their_keys;

static struct {
	struct agreement *agreement;
	bool initiator;
	uint64_t now, ids, randoms;
	/* The datagram that came, and the one that went out meanwhile. */
	uint8_t datagram[512];
	size_t n_datagram;
	bool receiving;
	uint8_t sent[MESSAGE_LEN_MAX];
	/* The other end: what it can answer with. */
	uint8_t initiation[INITIATION_LEN];
	bool have_initiation;
	struct initiation asked;
	struct handshake_result result;
	/* The data plane. */
	uint64_t slots[SLOTS];
	uint32_t spis[SLOTS];
	bool linked[SLOTS];
} side;

static void make_random(void *data, void *bytes, size_t n);

/* ---- the data plane ---------------------------------------------------------------------------------- */

static bool seals(uint32_t slot)
{
	return slot % SLOTS_PEER < SLOTS_SEAL;
}

static int install(void *data, const struct agreement_sa *sa, struct agreement_key *key, uint64_t *id)
{
	(void)data;
	driver_check(sa->peer == PEER && sa->slot / SLOTS_PEER == PEER && sa->slot < SLOTS);
	driver_check(sa->seals == seals(sa->slot) && sa->spi >= 256);
	driver_check(key->length == 16 || key->length == 32);
	driver_check(sa->record.deadline > side.now);
	driver_check(!side.slots[sa->slot]); /* nothing is installed over another key */
	agreement_key_wipe(key);
	side.slots[sa->slot] = *id = ++side.ids;
	side.spis[sa->slot] = sa->spi;
	return 0;
}

static int link_slot(void *data, uint32_t slot)
{
	uint32_t i;

	(void)data;
	driver_check(slot < SLOTS && side.slots[slot]);
	for (i = PEER * SLOTS_PEER; seals(slot) && i < PEER * SLOTS_PEER + SLOTS_SEAL; i++)
		side.linked[i] = false;
	side.linked[slot] = true;
	return 0;
}

static int unlink_slot(void *data, uint32_t slot)
{
	(void)data;
	driver_check(slot < SLOTS);
	side.linked[slot] = false;
	return 0;
}

static int erase(void *data, uint32_t slot)
{
	(void)data;
	driver_check(slot < SLOTS && !side.linked[slot]);
	side.slots[slot] = 0;
	return 0;
}

static int grace(void *data)
{
	(void)data;
	return 0;
}

static int note(void *data, uint32_t slot, const struct agreement_record *record)
{
	(void)data, (void)record;
	driver_check(slot < SLOTS);
	return 0;
}

/* ---- what goes out ----------------------------------------------------------------------------------- */

static int send_message(void *data, uint32_t peer, const struct agreement_path *to, const void *bytes,
			size_t n)
{
	struct message_header header;

	(void)data, (void)peer;
	driver_check(to && message_read_header(&header, bytes, n) == ACCEPTED);
	/* An answer is not longer than the question. A Cookie is authentic, and answers what we have asked. */
	driver_check(!side.receiving || n <= side.n_datagram ||
		     (header.type == MESSAGE_INITIATION && side.datagram[4] == MESSAGE_COOKIE));
	memcpy(side.sent, bytes, n);
	if (header.type == MESSAGE_INITIATION) {
		memcpy(side.initiation, bytes, n);
		side.have_initiation = true;
	}
	return 0;
}

static int asking(void *data, uint32_t spi, bool add)
{
	(void)data, (void)spi, (void)add;
	return 0;
}

static bool where(void *data, uint32_t peer, unsigned int attempt, struct agreement_path *to)
{
	(void)data, (void)peer, (void)attempt;
	*to = path;
	return side.initiator;
}

static int endpoint(void *data, uint32_t peer, const struct agreement_path *from)
{
	(void)data, (void)from;
	driver_check(peer == PEER);
	return 0;
}

static void keepalive(void *data, uint32_t peer)
{
	(void)data, (void)peer;
}

static int read_psk(void *data, uint32_t peer, struct agreement_psk *psk)
{
	(void)data, (void)peer;
	memset(psk->now, 5, sizeof(psk->now));
	memset(psk->before, 6, sizeof(psk->before));
	psk->has_before = true;
	return 0;
}

static void raise_floor(void *data, const uint8_t stamp[AGREEMENT_STAMP_LEN])
{
	(void)data, (void)stamp;
}

/* The same in each run. */
static void make_random(void *data, void *bytes, size_t n)
{
	uint8_t *out = bytes;

	(void)data;
	while (n--)
		*out++ = (uint8_t)((++side.randoms * 0x9e3779b97f4a7c15) >> 56);
}

static int64_t realtime(void *data)
{
	(void)data;
	return INT64_C(1795780000000000000) + (int64_t)side.now;
}

static void report(void *data, uint32_t peer, const struct agreement_report *what)
{
	(void)data, (void)peer;
	driver_check(what->denial < DENIAL_COUNT);
}

/* ---- the steps --------------------------------------------------------------------------------------- */

static void receive(const uint8_t *bytes, size_t n, bool more)
{
	memmove(side.datagram, bytes, n);
	side.n_datagram = n;
	side.receiving = true;
	/* A copy of exactly this size, so that the sanitizer sees what is read behind it. */
	uint8_t *copy = malloc(n ? n : 1);

	driver_check(copy);
	memcpy(copy, bytes, n);
	agreement_receive(side.agreement, &path, copy, n, more, side.now);
	free(copy);
	side.receiving = false;
}

static void let_time_pass(uint64_t ns)
{
	uint64_t until = side.now + ns, next = agreement_next(side.agreement);

	while (next <= until) {
		side.now = next > side.now ? next : side.now;
		next = agreement_tick(side.agreement, side.now);
		driver_check(next > side.now);
	}
	side.now = until;
}

static void authentic_initiation(const uint8_t *bytes)
{
	uint8_t message[INITIATION_LEN];
	struct secret ephemeral;
	struct initiation_payload payload;

	make_random(NULL, &ephemeral, sizeof(ephemeral));
	/* Fields out of range are written as well. */
	payload = (struct initiation_payload){
		.generation = (uint32_t)bytes[16] << 24 | bytes[17] << 16 | bytes[18] << 8 | bytes[19],
		.life = bytes[20],
		.carries = bytes[28],
		.binding = bytes[29],
		.suites = bytes[30],
		.reject_after = bytes[32] << 8 | bytes[33],
	};
	memcpy(payload.timestamp.bytes, bytes + 4, TIMESTAMP_LEN);
	if (!initiation_make(&side.asked, message, &them, &us.public_key, &our_keys,
			     (uint32_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3], &payload,
			     &ephemeral, NULL))
		receive(message, sizeof(message), false);
}

static void authentic_response(const uint8_t *bytes)
{
	uint8_t message[RESPONSE_LEN];
	struct secret ephemeral, psk;
	struct opening opening;
	struct initiation_payload offered;
	struct response_payload payload = {
		.spi = (uint32_t)bytes[4] << 24 | bytes[5] << 16 | bytes[6] << 8 | bytes[7],
		.generation = (uint32_t)bytes[8] << 24 | bytes[9] << 16 | bytes[10] << 8 | bytes[11],
		.life = bytes[12],
		.carries = bytes[20],
		.binding = bytes[21],
		.suite = bytes[22],
		.denial = bytes[23],
		.reject_after = bytes[24] << 8 | bytes[25],
	};

	if (!side.have_initiation || initiation_open(&opening, &them, side.initiation) ||
	    initiation_open_payload(&opening, &offered, &them, side.initiation))
		return;
	make_random(NULL, &ephemeral, sizeof(ephemeral));
	memset(&psk, bytes[1] & 1 ? 6 : 5, sizeof(psk));
	if (bytes[0] & 1) /* else the generation that was offered */
		payload.generation = offered.generation;
	if (suite_key_length(payload.suite) || !payload.suite)
		if (!response_make(&side.result, message, &opening, &our_keys, &payload, &ephemeral, &psk))
			receive(message, sizeof(message), false);
}

/* Confirm, as we consume the Response that it sent; or the Ack of our last Response to it. */
static void proof(uint8_t bit)
{
	struct secret psk = { { [0 ... 31] = 5 } };
	struct response_payload payload;
	uint8_t message[CONFIRM_LEN];
	size_t used;

	if (!side.initiator && side.sent[4] == MESSAGE_RESPONSE)
		response_consume(&side.result, &payload, &used, &side.asked, &them, &their_keys, &psk, 1,
				 side.sent);
	memcpy(message, side.initiator ? side.result.proofs.ack : side.result.proofs.confirm,
	       sizeof(message));
	if (bit != 255)
		message[bit / 8] ^= 1 << bit % 8;
	receive(message, sizeof(message), false);
}

static void authentic_cookie(uint8_t bit)
{
	static const uint8_t nonce[32];
	struct cookie_secrets secrets = { .now = { { 7 } }, .have_now = true };
	const struct cookie_source source = { { 0 }, 4500 };
	uint8_t message[COOKIE_LEN];

	if (!side.have_initiation ||
	    cookie_message_make(message, &secrets, &source, &their_keys, side.initiation, nonce))
		return;
	if (bit != 255)
		message[bit % COOKIE_LEN] ^= 1 << bit % 8;
	receive(message, sizeof(message), false);
}

static void event(uint8_t what, uint8_t slot)
{
	struct agreement_activity activity = { side.now - what, side.now - slot, side.now, what };

	slot %= SLOTS;
	if (what % 4 == 0)
		agreement_wanted(side.agreement, PEER, side.now);
	else if (what % 4 == 1)
		agreement_first(side.agreement, slot, side.spis[slot], side.slots[slot], side.now);
	else if (what % 4 == 2)
		agreement_first(side.agreement, slot, what, what, side.now);
	else
		agreement_activity(side.agreement, PEER, &activity, side.now);
}

/* Returns how many bytes belong to it. */
static size_t step(const uint8_t *bytes, size_t n)
{
	uint8_t message[256] = {}, fields[36] = {};
	size_t length = n > 1 ? bytes[1] : 0, times;

	if (length > n - (n > 1 ? 2 : 1))
		length = n - (n > 1 ? 2 : 1);
	switch (bytes[0] % 8) {
	case 0:
	case 1:
		if (n > 2)
			memcpy(message, bytes + 2, length);
		if (bytes[0] % 8 == 1 && length == INITIATION_LEN)
			mac1_write(message, INITIATION_MAC1, &our_keys);
		else if (bytes[0] % 8 == 1 && length == RESPONSE_LEN)
			mac1_write(message, RESPONSE_MAC1, &our_keys);
		receive(message, length, false);
		return 2 + length;
	case 2:
		memcpy(fields, bytes + 1, n - 1 < sizeof(fields) ? n - 1 : sizeof(fields));
		if (side.initiator)
			authentic_response(fields);
		else
			authentic_initiation(fields);
		return 1 + sizeof(fields);
	case 3:
		proof(n > 1 ? bytes[1] : 0);
		return 2;
	case 4:
		let_time_pass(n > 2 ? (uint64_t)((bytes[1] << 8 | bytes[2]) & 0xfff) << 26 : NS_PER_SECOND);
		return 3;
	case 5:
		event(n > 1 ? bytes[1] : 0, n > 2 ? bytes[2] : 0);
		return 3;
	case 6:
		authentic_cookie(n > 1 ? bytes[1] : 0);
		return 2;
	default:
		memcpy(message, side.datagram, sizeof(message));
		for (times = n > 1 ? bytes[1] % AGAIN_MAX : 1; times--;)
			receive(message, side.n_datagram, true);
		return 2;
	}
}

/* ---- a run ------------------------------------------------------------------------------------------- */

static void set_up(void)
{
	driver_check(!primitive_setup());
}

static void make_keys(void)
{
	struct secret key;

	memset(&key, side.initiator ? 1 : 3, sizeof(key));
	driver_check(!identity_make(&us, &key));
	memset(&key, side.initiator ? 3 : 1, sizeof(key));
	driver_check(!identity_make(&them, &key));
	driver_check(!mac_keys_make(&our_keys, &us.public_key) &&
		     !mac_keys_make(&their_keys, &them.public_key));
}

static void begin(void)
{
	static const struct agreement_host host = {
		.install = install,
		.link = link_slot,
		.unlink = unlink_slot,
		.grace = grace,
		.erase = erase,
		.note = note,
		.send = send_message,
		.asking = asking,
		.where = where,
		.endpoint = endpoint,
		.keepalive = keepalive,
		.psk = read_psk,
		.floor = raise_floor,
		.random = make_random,
		.realtime = realtime,
		.report = report,
	};
	struct agreement_settings settings = { .peers = PEER + 1,
					       .carries = CARRIES_TUNNEL,
					       .reject_after = 540 };
	struct agreement_peer_settings peer = { .has_psk = true,
						.suites = { SUITE_AES_256_OCB, SUITE_AES_128_OCB },
						.n_suites = 2 };

	memcpy(settings.private_key, us.private_key.bytes, sizeof(settings.private_key));
	memcpy(peer.public_key, them.public_key.bytes, sizeof(peer.public_key));
	driver_check(!agreement_create(&side.agreement, &settings, &host));
	driver_check(!agreement_add_peer(side.agreement, PEER, &peer));
	driver_check(!agreement_adopt(side.agreement, NULL, 0, side.now));
	agreement_start(side.agreement, side.now);
	let_time_pass(2 * NS_PER_SECOND);
}

static void run_steps(const uint8_t *bytes, size_t n)
{
	memset(&side, 0, sizeof(side));
	side.initiator = agreement_fuzzer.initiator;
	side.now = 1000 * NS_PER_SECOND;
	make_keys();
	begin();
	while (n) {
		size_t taken = step(bytes, n);

		taken = taken < n ? taken : n;
		bytes += taken;
		n -= taken;
	}
	agreement_stop(side.agreement);
	agreement_free(side.agreement);
}

/* ---- the fuzzer -------------------------------------------------------------------------------------- */

#ifdef LIBFUZZER
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	set_up();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	run_steps(bytes, n);
	return 0;
}

void driver_fault(const char *what)
{
	(void)what;
	__builtin_trap();
}
#else
int main(int argc, char **argv)
{
	static const char *const words[] = { "\1\xb0",	 "\1\x70", "\1\x20", "\3\xff", "\4\1\1",
					     "\5\1\x10", "\6\xff", "\7\2",   NULL };
	const struct file_fuzzer fuzzer = {
		.name = agreement_fuzzer.name,
		.short_run = 600,
		.corpus = agreement_fuzzer.corpus,
		.words = words,
		.setup = set_up,
		.read = run_steps,
	};

	return driver_main(argc, argv, &fuzzer);
}
#endif
