/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timestamps of Initiations: TAI64N, nanoseconds rounded down to 2^24. An initiator's never go back, whatever its clock
 * does; a responder takes only a newer one. Pure: clocks are arguments.
 */
#ifndef XDPSEC_TIMESTAMP_H
#define XDPSEC_TIMESTAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TIMESTAMP_LEN = 12 };

/* The 12 bytes as they are on the wire: big-endian, so that memcmp() orders them. All zero: none, older than any. */
struct timestamp {
	uint8_t bytes[TIMESTAMP_LEN];
};

/* realtime: nanoseconds since 1970, CLOCK_REALTIME; before 1970 is taken as 1970. Rounded down. */
struct timestamp timestamp_of(int64_t realtime);

/* < 0, 0, > 0, as memcmp(). */
int timestamp_compare(const struct timestamp *a, const struct timestamp *b);

/* Nanoseconds are added, may be negative, and the result is rounded down. */
struct timestamp timestamp_add(const struct timestamp *timestamp, int64_t nanoseconds);

/*
 * The timestamp of the next Initiation to a peer: max(clock, floor, last + 2^24 ns), rounded. floor is that of all peers,
 * what was on disk at the start; last is the peer's newest; either may be zero. At or above floor, and above last.
 */
struct timestamp timestamp_next(int64_t realtime, const struct timestamp *floor,
				const struct timestamp *last);

/*
 * The floor on disk (not that of timestamp_next(), which would run ahead with it) must be above each timestamp before it
 * is sent: if this one is not below it, *floor is raised to 60 s above it, and true says that it has to be written first.
 */
bool timestamp_raise_floor(struct timestamp *floor, const struct timestamp *timestamp);

/* Nanoseconds by which the timestamp is ahead of the clock; 0 if it is not. */
uint64_t timestamp_ahead(const struct timestamp *timestamp, int64_t realtime);

/* The text of a floor in its file: 24 hexadecimal digits and a newline. */
enum { TIMESTAMP_TEXT_LEN = 2 * TIMESTAMP_LEN + 1 };
void timestamp_format(char text[TIMESTAMP_TEXT_LEN + 1], const struct timestamp *timestamp);
/* Rounded up, so that nothing below what the file says is used again. false: not such a text; *timestamp is untouched. */
bool timestamp_parse(struct timestamp *timestamp, const char *text, size_t n);

/* A responder's memory of a peer's Initiations. All zero: none yet. */
struct acceptance {
	struct timestamp newest;
	uint64_t when; /* ns, monotonic (boottime will do) */
	bool any;
};

#define ACCEPTANCE_INTERVAL UINT64_C(20000000) /* ns between two that are accepted */

/* Is it less than 20 ms since the last one that was accepted? */
bool acceptance_too_soon(const struct acceptance *acceptance, uint64_t now);
/* Is the timestamp not above the newest? */
bool acceptance_replayed(const struct acceptance *acceptance, const struct timestamp *timestamp);
/* Remember one that passed both; a message that is dropped changes nothing. */
void acceptance_take(struct acceptance *acceptance, const struct timestamp *timestamp, uint64_t now);

#endif
