// SPDX-License-Identifier: GPL-2.0-or-later
/* The key agreement of one instance: to come. */
#include "agreement/agreement.h"

#include <errno.h>
#include <string.h>

void agreement_key_wipe(struct agreement_key *key)
{
	explicit_bzero(key, sizeof(*key));
}

int agreement_create(struct agreement **agreement, const struct agreement_settings *settings,
		     const struct agreement_host *host)
{
	(void)agreement, (void)settings, (void)host;
	return -ENOTSUP;
}

void agreement_free(struct agreement *agreement)
{
	(void)agreement;
}

int agreement_add_peer(struct agreement *agreement, uint32_t peer,
		       const struct agreement_peer_settings *settings)
{
	(void)agreement, (void)peer, (void)settings;
	return -ENOTSUP;
}

int agreement_key_hash(const uint8_t public_key[AGREEMENT_KEY_LEN], uint64_t *key_hash)
{
	(void)public_key, (void)key_hash;
	return -ENOTSUP;
}

int agreement_adopt(struct agreement *agreement, const struct agreement_record *records, size_t n,
		    uint64_t now)
{
	(void)agreement, (void)records, (void)n, (void)now;
	return -ENOTSUP;
}

void agreement_start(struct agreement *agreement, uint64_t now)
{
	(void)agreement, (void)now;
}

void agreement_receive(struct agreement *agreement, const struct agreement_path *path, const void *bytes,
		       size_t n, bool more, uint64_t now)
{
	(void)agreement, (void)path, (void)bytes, (void)n, (void)more, (void)now;
}

void agreement_wanted(struct agreement *agreement, uint32_t peer, uint64_t now)
{
	(void)agreement, (void)peer, (void)now;
}

void agreement_first(struct agreement *agreement, uint32_t slot, uint32_t spi, uint64_t id, uint64_t now)
{
	(void)agreement, (void)slot, (void)spi, (void)id, (void)now;
}

void agreement_activity(struct agreement *agreement, uint32_t peer, const struct agreement_activity *activity,
			uint64_t now)
{
	(void)agreement, (void)peer, (void)activity, (void)now;
}

uint64_t agreement_tick(struct agreement *agreement, uint64_t now)
{
	(void)agreement, (void)now;
	return AGREEMENT_NEVER;
}

uint64_t agreement_next(const struct agreement *agreement)
{
	(void)agreement;
	return AGREEMENT_NEVER;
}

void agreement_ask_all(struct agreement *agreement, uint64_t now)
{
	(void)agreement, (void)now;
}

void agreement_renew(struct agreement *agreement, uint64_t now)
{
	(void)agreement, (void)now;
}

void agreement_stop(struct agreement *agreement)
{
	(void)agreement;
}

bool agreement_stale(const struct agreement *agreement)
{
	(void)agreement;
	return false;
}

bool agreement_status(const struct agreement *agreement, uint32_t peer, struct agreement_status *status,
		      uint64_t now)
{
	(void)agreement, (void)peer, (void)status, (void)now;
	return false;
}

const char *agreement_counter(const struct agreement *agreement, size_t index, uint64_t *value)
{
	(void)agreement, (void)index, (void)value;
	return NULL;
}
