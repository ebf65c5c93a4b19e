// SPDX-License-Identifier: GPL-2.0-or-later
/* Initiations when there are too many. */
#include <string.h>

#include "agreement/load.h"
#include "base/prefix.h"

#define SECOND UINT64_C(1000000000)
#define TOKEN (SECOND / BUCKET_RATE) /* ns until a token comes back */

void load_count(struct load_meter *meter, uint64_t now)
{
	meter->times[meter->next] = now ? now : 1;
	meter->next = (meter->next + 1) % LOAD_INITIATIONS;
}

bool load_high(const struct load_meter *meter, uint64_t now, unsigned int waiting)
{
	uint64_t oldest = meter->times[meter->next]; /* the 400th before the next one */

	return waiting >= LOAD_WAITING || (oldest && now - oldest < SECOND);
}

/* One bucket for an IPv4 address (as ::ffff:a.b.c.d), or for an IPv6 /64, which one host may have. */
static bool find_bucket(const struct bucket_table *table, const struct cookie_source *source,
			unsigned int *bucket)
{
	size_t n = address_is_ipv4(source->address) ? sizeof(source->address) : 8;
	uint8_t mac[MAC_LEN];

	if (primitive_mac(mac, MAC_LEN, table->key.bytes, SECRET_LEN, source->address, n))
		return false;
	*bucket = (mac[0] << 8 | mac[1]) % BUCKETS;
	return true;
}

/* A bucket is full at full[]; each taking puts that off by what one token takes. */
bool bucket_take(struct bucket_table *table, const struct cookie_source *source, uint64_t now)
{
	unsigned int bucket;
	uint64_t full;

	if (!find_bucket(table, source, &bucket))
		return false;
	full = table->full[bucket] > now ? table->full[bucket] : now;
	if (full - now > (BUCKET_BURST - 1) * TOKEN)
		return false;
	table->full[bucket] = full + TOKEN;
	return true;
}
