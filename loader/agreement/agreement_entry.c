// SPDX-License-Identifier: GPL-2.0-or-later
/* The functions of agreement.h: machine and exchange in one. (A file of its own, because both include that header.) */
#include "agreement/agreement.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agreement/exchange.h"
#include "agreement/secret_memory.h"

void agreement_key_wipe(struct agreement_key *key)
{
	explicit_bzero(key, sizeof(*key));
}

/* ---- begin and end ----------------------------------------------------------------------------------- */

static int make_index(struct agreement *agreement, uint32_t peers)
{
	uint32_t n = 16;

	while (n < 2 * peers)
		n *= 2;
	agreement->index_mask = n - 1;
	agreement->index = malloc(n * sizeof(*agreement->index));
	if (!agreement->index)
		return -ENOMEM;
	memset(agreement->index, 0xff, n * sizeof(*agreement->index));
	return 0;
}

static int set_up(struct agreement *agreement, const struct agreement_settings *settings,
		  const struct agreement_host *host)
{
	struct machine_codec codec = exchange_codec(agreement);
	_cleanup_secret_ struct secret private_key;
	int error = machine_init(&agreement->machine, settings, host, &codec);

	if (error)
		return error;
	memcpy(private_key.bytes, settings->private_key, sizeof(private_key.bytes));
	error = identity_make(&agreement->own, &private_key);
	if (!error)
		error = mac_keys_make(&agreement->own_keys, &agreement->own.public_key);
	if (!error)
		error = make_index(agreement, settings->peers);
	if (error)
		return error;
	agreement->peers = secret_memory((settings->peers ? settings->peers : 1) * sizeof(*agreement->peers));
	host->random(host->data, agreement->buckets.key.bytes, sizeof(agreement->buckets.key.bytes));
	return agreement->peers ? 0 : -ENOMEM;
}

int agreement_create(struct agreement **agreement, const struct agreement_settings *settings,
		     const struct agreement_host *host)
{
	struct agreement *made;
	int error;

	if ((settings->carries != CARRIES_TUNNEL && settings->carries != CARRIES_INLINE) ||
	    (settings->reject_after < REJECT_AFTER_MIN && !settings->times))
		return -EINVAL;
	error = primitive_setup();
	if (error)
		return error;
	made = secret_memory(sizeof(*made));
	if (!made)
		return -ENOMEM;
	error = set_up(made, settings, host);
	if (error) {
		agreement_free(made);
		return error;
	}
	*agreement = made;
	return 0;
}

void agreement_free(struct agreement *agreement)
{
	if (!agreement)
		return;
	secret_memory_free(agreement->peers, (agreement->machine.n_peers ? agreement->machine.n_peers : 1) *
						     sizeof(*agreement->peers));
	free(agreement->index);
	machine_release(&agreement->machine);
	secret_memory_free(agreement, sizeof(*agreement));
}

int agreement_key_hash(const uint8_t public_key[AGREEMENT_KEY_LEN], uint64_t *key_hash)
{
	static const char label[] = "xdpsec1 peer";
	uint8_t hash[HASH_LEN];
	int error = primitive_setup();

	if (!error)
		error = primitive_hash(hash, label, sizeof(label) - 1, public_key, AGREEMENT_KEY_LEN);
	if (error)
		return error;
	*key_hash = 0;
	for (int i = 0; i < 8; i++)
		*key_hash = *key_hash << 8 | hash[i];
	if (*key_hash == 0)
		*key_hash = 1;
	return 0;
}

int agreement_add_peer(struct agreement *agreement, uint32_t number,
		       const struct agreement_peer_settings *settings)
{
	struct public_key public_key;
	struct exchange_peer *peer;
	uint64_t key_hash;
	uint32_t i;
	int own, error;

	memcpy(public_key.bytes, settings->public_key, sizeof(public_key.bytes));
	own = memcmp(agreement->own.public_key.bytes, public_key.bytes, sizeof(public_key.bytes));
	if (number >= agreement->machine.n_peers || own == 0 || !public_key_usable(&public_key))
		return -EINVAL;
	if (exchange_find(agreement, &public_key) != AGREEMENT_NO_PEER)
		return -EEXIST;
	peer = &agreement->peers[number];
	error = agreement_key_hash(settings->public_key, &key_hash);
	if (!error)
		error = machine_add_peer(&agreement->machine, number, settings, key_hash, own < 0);
	if (!error)
		error = mac_keys_make(&peer->mac_keys, &public_key);
	if (error)
		return error;
	peer->public_key = public_key;
	peer->has_psk = settings->has_psk;
	for (memcpy(&i, public_key.bytes, sizeof(i));
	     agreement->index[i & agreement->index_mask] != AGREEMENT_NO_PEER; i++)
		;
	agreement->index[i & agreement->index_mask] = number;
	return 0;
}

int agreement_adopt(struct agreement *agreement, const struct agreement_record *records, size_t n,
		    uint64_t now)
{
	agreement->now = now;
	return machine_adopt(&agreement->machine, records, n, now);
}

/* ---- what happens ------------------------------------------------------------------------------------ */

void agreement_start(struct agreement *agreement, uint64_t now)
{
	agreement->now = now;
	machine_start(&agreement->machine, now);
}

void agreement_receive(struct agreement *agreement, const struct agreement_path *path, const void *bytes,
		       size_t n, bool more, uint64_t now)
{
	agreement->now = now;
	if (!agreement->machine.stale)
		exchange_receive(agreement, path, bytes, n, more);
}

void agreement_wanted(struct agreement *agreement, uint32_t peer, uint64_t now)
{
	agreement->now = now;
	machine_wanted(&agreement->machine, peer, now);
}

void agreement_found(struct agreement *agreement, uint32_t peer, uint64_t now)
{
	agreement->now = now;
	machine_found(&agreement->machine, peer, now);
}

void agreement_first(struct agreement *agreement, uint32_t slot, uint32_t spi, uint64_t id, uint64_t now)
{
	agreement->now = now;
	machine_first(&agreement->machine, slot, spi, id, now);
}

void agreement_activity(struct agreement *agreement, uint32_t peer, const struct agreement_activity *activity,
			uint64_t now)
{
	agreement->now = now;
	machine_activity(&agreement->machine, peer, activity, now);
}

uint64_t agreement_tick(struct agreement *agreement, uint64_t now)
{
	agreement->now = now;
	machine_tick(&agreement->machine, now);
	exchange_run_waiting(agreement);
	return agreement_next(agreement);
}

uint64_t agreement_next(const struct agreement *agreement)
{
	uint64_t due = machine_next(&agreement->machine), waiting = exchange_waiting_due(agreement);

	return waiting < due ? waiting : due;
}

void agreement_ask_all(struct agreement *agreement, uint64_t now)
{
	agreement->now = now;
	machine_ask_all(&agreement->machine, now);
}

void agreement_renew(struct agreement *agreement, uint64_t now)
{
	agreement->now = now;
	machine_renew(&agreement->machine, now);
}

void agreement_stop(struct agreement *agreement)
{
	const struct machine *machine = &agreement->machine;
	struct timestamp newest = { 0 };

	for (uint32_t peer = 0; peer < machine->n_peers; peer++)
		if (timestamp_compare(&machine->peers[peer].last, &newest) > 0)
			newest = machine->peers[peer].last;
	if (timestamp_compare(&newest, &(struct timestamp){ 0 }) == 0)
		return;
	newest = timestamp_add(&newest, (int64_t)NS_PER_SECOND);
	machine->host.floor(machine->host.data, newest.bytes);
}

bool agreement_stale(const struct agreement *agreement)
{
	return agreement->machine.stale;
}

/* ---- what is shown ----------------------------------------------------------------------------------- */

bool agreement_status(const struct agreement *agreement, uint32_t peer, struct agreement_status *status,
		      uint64_t now)
{
	const struct machine_peer *p;

	if (peer >= agreement->machine.n_peers || !agreement->machine.peers[peer].there)
		return false;
	p = &agreement->machine.peers[peer];
	*status = p->status;
	status->asking = p->asking;
	status->attempts = p->attempts;
	if (p->in_use >= 0) {
		const struct terms *terms = &p->seals[p->in_use].terms;

		status->deadline = machine_deadline_seal(&agreement->machine, terms);
		status->agreed = now < status->deadline;
		status->initiator = terms->mine;
		status->suite = terms->suite;
		status->generation = terms->generation;
		status->birth = terms->birth;
		/* Before this agent: the birth is near enough. */
		if (!status->handshake)
			status->handshake = terms->birth;
	}
	return true;
}

const char *agreement_counter(const struct agreement *agreement, size_t index, uint64_t *value)
{
#define COUNTER_NAME(constant, name) name,
	static const char *const names[] = { MACHINE_COUNTERS(COUNTER_NAME) EXCHANGE_COUNTERS(COUNTER_NAME) };
#undef COUNTER_NAME
	size_t n = sizeof(names) / sizeof(names[0]);

	if (index < n) {
		*value = index < MACHINE_COUNTER_COUNT ? agreement->machine.counters[index]
						       : agreement->counters[index - MACHINE_COUNTER_COUNT];
		return names[index];
	}
	index = index - n + 1; /* what was accepted is no refusal */
	if (index >= MESSAGE_REFUSAL_COUNT)
		return NULL;
	*value = agreement->refused[index];
	return message_refusal_name((enum message_refusal)index);
}

uint64_t agreement_refused(const struct agreement *agreement, unsigned int refusal,
			   struct agreement_address *from)
{
	*from = agreement->refused_from[refusal];
	return agreement->refused[refusal];
}
