// SPDX-License-Identifier: GPL-2.0-or-later
/* An end of the key agreement with real cryptography. */
#include "agreement_end.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

static int end_install(void *data, const struct agreement_sa *sa, struct agreement_key *key, uint64_t *id)
{
	struct end *end = data;
	int error = sa->seals && end->install_error ? end->install_error
						    : plane_install(&end->plane, 1, sa, 0, id);

	if (!error)
		memcpy(end->keys[sa->slot], key->bytes, sizeof(end->keys[sa->slot]));
	agreement_key_wipe(key);
	return error;
}

static int end_link(void *data, uint32_t slot)
{
	struct end *end = data;

	return plane_link(&end->plane, 1, slot);
}

static int end_unlink(void *data, uint32_t slot)
{
	struct end *end = data;

	return plane_unlink(&end->plane, 1, slot);
}

static int end_grace(void *data)
{
	struct end *end = data;

	end->plane.graces++;
	return 0;
}

static int end_erase(void *data, uint32_t slot)
{
	struct end *end = data;

	return plane_erase(&end->plane, 1, slot);
}

static int end_note(void *data, uint32_t slot, const struct agreement_record *record)
{
	struct end *end = data;

	return plane_note(&end->plane, 1, slot, record, false);
}

static int end_send(void *data, uint32_t peer, const struct agreement_path *path, const void *bytes, size_t n)
{
	struct end *end = data;
	struct end_message *message = &end->box[end->n_box];

	if (end->n_box == END_BOX) {
		end->lost++;
		return 0;
	}
	message->peer = peer;
	message->path = *path;
	memcpy(message->bytes, bytes, n);
	message->n = n;
	end->n_box++;
	return 0;
}

static int end_asking(void *data, uint32_t spi, bool add)
{
	(void)data, (void)spi, (void)add;
	return 0;
}

static bool end_where(void *data, uint32_t peer, unsigned int attempt, struct agreement_path *path)
{
	const struct end *end = data;

	(void)attempt;
	memset(path, 0, sizeof(*path));
	path->remote = end->peers[peer];
	return path->remote.port != 0;
}

static int end_endpoint(void *data, uint32_t peer, const struct agreement_path *path)
{
	struct end *end = data;

	(void)peer;
	end->endpoint = *path;
	end->moves++;
	return 0;
}

static void end_keepalive(void *data, uint32_t peer)
{
	struct end *end = data;

	(void)peer;
	end->keepalives++;
}

static int end_psk(void *data, uint32_t peer, struct agreement_psk *psk)
{
	const struct end *end = data;

	(void)peer;
	*psk = end->psk;
	return end->psk_error;
}

static void end_floor(void *data, const uint8_t stamp[AGREEMENT_STAMP_LEN])
{
	struct end *end = data;

	memcpy(end->floor, stamp, sizeof(end->floor));
	end->floors++;
}

static void end_random(void *data, void *bytes, size_t n)
{
	struct end *end = data;

	for (size_t i = 0; i < n; i++) {
		end->random ^= end->random << 13;
		end->random ^= end->random >> 7;
		end->random ^= end->random << 17;
		((uint8_t *)bytes)[i] = (uint8_t)(end->random * UINT64_C(0x2545f4914f6cdd1d) >> 56);
	}
}

static int64_t end_realtime(void *data)
{
	const struct end *end = data;

	return end->realtime + (int64_t)*end->now;
}

static void end_report(void *data, uint32_t peer, const struct agreement_report *report)
{
	struct end *end = data;

	(void)peer;
	end->report = *report;
	end->reports[report->event]++;
	if (report->event == AGREEMENT_REFUSED || report->event == AGREEMENT_REFUSES)
		end->denial = report->denial;
}

static void start(struct end *end, uint32_t peers, const struct agreement_settings *given)
{
	struct agreement_host host = {
		.data = end,
		.install = end_install,
		.link = end_link,
		.unlink = end_unlink,
		.grace = end_grace,
		.erase = end_erase,
		.note = end_note,
		.send = end_send,
		.asking = end_asking,
		.where = end_where,
		.endpoint = end_endpoint,
		.keepalive = end_keepalive,
		.psk = end_psk,
		.floor = end_floor,
		.random = end_random,
		.realtime = end_realtime,
		.report = end_report,
	};
	struct agreement_settings settings = { .carries = CARRIES_TUNNEL, .reject_after = 540 };

	if (given)
		settings = *given;
	settings.peers = peers;
	memcpy(settings.private_key, end->private_key, sizeof(settings.private_key));
	memcpy(settings.floor, end->floor, sizeof(settings.floor));
	assert_int_equal(agreement_create(&end->agreement, &settings, &host), 0);
}

void end_init(struct end *end, unsigned int number, uint32_t peers, const struct agreement_settings *settings,
	      const uint64_t *now)
{
	struct secret private_key;
	struct public_key public_key;

	memset(end, 0, sizeof(*end));
	end->now = now;
	end->random = 88172645463325252u + number;
	end->realtime = INT64_C(1700000000000000000);
	plane_begin(&end->plane, peers);
	end->plane.owner = 1;
	memset(end->private_key, 1, sizeof(end->private_key));
	memcpy(end->private_key + 8, &number, sizeof(number));
	assert_int_equal(primitive_setup(), 0);
	memcpy(private_key.bytes, end->private_key, sizeof(private_key.bytes));
	assert_int_equal(primitive_public(&public_key, &private_key), 0);
	memcpy(end->public_key, public_key.bytes, sizeof(end->public_key));
	if (number < 256) {
		/* 192.0.2.0/24, as IPv4 in IPv6. */
		memset(end->address.address + 10, 0xff, 2);
		memcpy(end->address.address + 12, "\xc0\x00\x02", 3);
		end->address.address[15] = (uint8_t)number;
	} else {
		/* A /64 of 2001:db8::/32 for each. */
		memcpy(end->address.address, "\x20\x01\x0d\xb8", 4);
		memcpy(end->address.address + 4, &number, sizeof(number));
	}
	end->address.port = 51823;
	end->keys = calloc((size_t)peers * SLOTS_PEER, sizeof(*end->keys));
	end->peers = calloc(peers, sizeof(*end->peers));
	assert_true(end->keys && end->peers);
	start(end, peers, settings);
}

void end_release(struct end *end)
{
	agreement_free(end->agreement);
	plane_release(&end->plane);
	free(end->keys);
	free(end->peers);
}

void end_restart(struct end *end, uint32_t peers, const struct agreement_settings *settings)
{
	agreement_free(end->agreement);
	start(end, peers, settings);
}

int end_add(struct end *end, uint32_t peer, const struct end *other,
	    const struct agreement_peer_settings *given)
{
	struct agreement_peer_settings settings = { .suites = { SUITE_AES_128_OCB, SUITE_AES_256_OCB },
						    .n_suites = 2 };
	int error;

	if (given)
		settings = *given;
	memcpy(settings.public_key, other->public_key, sizeof(settings.public_key));
	error = agreement_add_peer(end->agreement, peer, &settings);
	if (!error)
		end->peers[peer] = other->address;
	return error;
}

bool end_take(struct end *end, struct end_message *message)
{
	if (end->n_box == 0)
		return false;
	*message = end->box[0];
	memmove(&end->box[0], &end->box[1], --end->n_box * sizeof(end->box[0]));
	return true;
}

void end_deliver(struct end *end, const struct end *from, const struct end_message *message)
{
	struct agreement_path path = { .remote = from->address, .local = end->address };

	agreement_receive(end->agreement, &path, message->bytes, message->n, false, *end->now);
}

void end_settle(struct end *a, struct end *b)
{
	struct end_message message;
	bool any;

	do {
		any = false;
		while (end_take(a, &message)) {
			end_deliver(b, a, &message);
			any = true;
		}
		while (end_take(b, &message)) {
			end_deliver(a, b, &message);
			any = true;
		}
	} while (any);
}

bool end_opens(const struct end *end, uint32_t peer, const struct end *sealer, uint32_t sealers_peer)
{
	const struct plane_slot *seals = plane_seals(&sealer->plane, sealers_peer);

	for (uint32_t k = SLOTS_SEAL; seals && k < SLOTS_PEER; k++) {
		uint32_t slot = peer * SLOTS_PEER + k;

		if (end->plane.slots[slot].linked && end->plane.slots[slot].sa.spi == seals->sa.spi)
			return !memcmp(end->keys[slot], sealer->keys[seals->sa.slot], AGREEMENT_KEY_LEN);
	}
	return false;
}

uint64_t end_counter(const struct end *end, const char *name)
{
	const char *found;
	uint64_t value;

	for (size_t i = 0; (found = agreement_counter(end->agreement, i, &value)); i++)
		if (!strcmp(found, name))
			return value;
	fail_msg("no counter %s", name);
	return 0;
}
