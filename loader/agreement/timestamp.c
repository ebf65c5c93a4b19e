// SPDX-License-Identifier: GPL-2.0-or-later
/* TAI64N: made, ordered, written to a file. */
#include <ctype.h>
#include <string.h>

#include "agreement/timestamp.h"

#define SECOND INT64_C(1000000000)
#define GRANULE (INT64_C(1) << 24) /* ns */
#define FLOOR_AHEAD (60 * SECOND)
/* 2^62, and the seconds by which TAI is ahead of UTC since 1970 in this form. */
#define TAI64_1970 ((UINT64_C(1) << 62) + 10)

static uint64_t seconds_of(const struct timestamp *timestamp)
{
	uint64_t seconds = 0;
	int i;

	for (i = 0; i < 8; i++)
		seconds = seconds << 8 | timestamp->bytes[i];
	return seconds;
}

static uint32_t nanoseconds_of(const struct timestamp *timestamp)
{
	uint32_t nanoseconds = 0;
	int i;

	for (i = 8; i < TIMESTAMP_LEN; i++)
		nanoseconds = nanoseconds << 8 | timestamp->bytes[i];
	return nanoseconds;
}

/* nanoseconds < 10^9. */
static struct timestamp make(uint64_t seconds, int64_t nanoseconds)
{
	struct timestamp timestamp;
	int i;

	nanoseconds &= ~(GRANULE - 1);
	for (i = 7; i >= 0; i--, seconds >>= 8)
		timestamp.bytes[i] = (uint8_t)seconds;
	for (i = TIMESTAMP_LEN - 1; i >= 8; i--, nanoseconds >>= 8)
		timestamp.bytes[i] = (uint8_t)nanoseconds;
	return timestamp;
}

struct timestamp timestamp_of(int64_t realtime)
{
	if (realtime < 0)
		realtime = 0;
	return make(TAI64_1970 + (uint64_t)(realtime / SECOND), realtime % SECOND);
}

int timestamp_compare(const struct timestamp *a, const struct timestamp *b)
{
	return memcmp(a->bytes, b->bytes, TIMESTAMP_LEN);
}

struct timestamp timestamp_add(const struct timestamp *timestamp, int64_t nanoseconds)
{
	int64_t sum = (int64_t)nanoseconds_of(timestamp) + nanoseconds % SECOND;
	uint64_t seconds = seconds_of(timestamp) + (uint64_t)(nanoseconds / SECOND);

	if (sum < 0) {
		sum += SECOND;
		seconds--;
	}
	return make(seconds + (uint64_t)(sum / SECOND), sum % SECOND);
}

struct timestamp timestamp_next(int64_t realtime, const struct timestamp *floor, const struct timestamp *last)
{
	struct timestamp next = timestamp_of(realtime), above = timestamp_add(last, GRANULE);

	if (timestamp_compare(&next, floor) < 0)
		next = *floor;
	return timestamp_compare(&next, &above) < 0 ? above : next;
}

bool timestamp_raise_floor(struct timestamp *floor, const struct timestamp *timestamp)
{
	if (timestamp_compare(timestamp, floor) < 0)
		return false;
	*floor = timestamp_add(timestamp, FLOOR_AHEAD);
	return true;
}

uint64_t timestamp_ahead(const struct timestamp *timestamp, int64_t realtime)
{
	struct timestamp clock = timestamp_of(realtime);
	uint64_t seconds = seconds_of(timestamp) - seconds_of(&clock);

	if (timestamp_compare(timestamp, &clock) <= 0)
		return 0;
	if (seconds > UINT64_MAX / SECOND - 2)
		return UINT64_MAX;
	return seconds * SECOND + nanoseconds_of(timestamp) - nanoseconds_of(&clock);
}

/* ---- the file of the floor --------------------------------------------------------------------------- */

void timestamp_format(char text[TIMESTAMP_TEXT_LEN + 1], const struct timestamp *timestamp)
{
	static const char digits[] = "0123456789abcdef";
	int i;

	for (i = 0; i < TIMESTAMP_LEN; i++) {
		text[2 * i] = digits[timestamp->bytes[i] >> 4];
		text[2 * i + 1] = digits[timestamp->bytes[i] & 0xf];
	}
	memcpy(text + 2 * TIMESTAMP_LEN, "\n", 2);
}

static bool parse_digits(struct timestamp *timestamp, const char *text)
{
	int i;

	memset(timestamp, 0, sizeof(*timestamp));
	for (i = 0; i < 2 * TIMESTAMP_LEN; i++) {
		char c = text[i];

		if (!isxdigit((unsigned char)c) || isupper((unsigned char)c))
			return false;
		timestamp->bytes[i / 2] = (uint8_t)(timestamp->bytes[i / 2] << 4 |
						    (c <= '9' ? c - '0' : c - 'a' + 10));
	}
	return nanoseconds_of(timestamp) < SECOND;
}

bool timestamp_parse(struct timestamp *timestamp, const char *text, size_t n)
{
	struct timestamp read;

	if (n != TIMESTAMP_TEXT_LEN || text[n - 1] != '\n' || !parse_digits(&read, text))
		return false;
	if (nanoseconds_of(&read) % GRANULE)
		read = timestamp_add(&read, GRANULE);
	*timestamp = read;
	return true;
}

/* ---- the responder ----------------------------------------------------------------------------------- */

bool acceptance_too_soon(const struct acceptance *acceptance, uint64_t now)
{
	return acceptance->any && now - acceptance->when < ACCEPTANCE_INTERVAL;
}

bool acceptance_replayed(const struct acceptance *acceptance, const struct timestamp *timestamp)
{
	return timestamp_compare(timestamp, &acceptance->newest) <= 0;
}

void acceptance_take(struct acceptance *acceptance, const struct timestamp *timestamp, uint64_t now)
{
	acceptance->newest = *timestamp;
	acceptance->when = now;
	acceptance->any = true;
}
