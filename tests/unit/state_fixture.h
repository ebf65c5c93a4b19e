/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fixture of the tests of state files: a directory, another machine to read it, and one key, of the peer site-b. */
#ifndef XDPSEC_STATE_FIXTURE_H
#define XDPSEC_STATE_FIXTURE_H

#include "unit.h"

#include "plane/state.h"
#include "xdpsec/wire.h"

#define FINGERPRINT "00112233445566778899aabbccddeeff"
#define OTHER "ffeeddccbbaa99887766554433221100"

extern char fixture_base[];	    /* the fixture's own directory */
extern char fixture_dir[64];	    /* in it: that of the state files. The code that is tested makes it */
extern const char *fixture_machine; /* the digest of this machine, which a test may change */

/* Setup and teardown of a group of tests, and setup of each test. */
int fixture_make(void **state);
int fixture_remove(void **state);
int fixture_clean(void **state);

/* A shell's command. 0: it succeeded. */
int fixture_run(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* In fixture_dir; until the next call. */
const char *fixture_path(const char *file);
size_t fixture_read(const char *path, char *text, size_t size);
/* Not by write(2), whose calls a test counts. */
void fixture_write(const char *path, const char *text, size_t n);
/* A state file as the comment in state.c describes version 1 of the format. */
void fixture_write_state(const char *file, uint64_t number);
/* The text is in what stderr got since the last call. */
void assert_message(const char *wanted);

/* state_reserve() and others, with the key FINGERPRINT. */
int site_b_reserve(bool is_new, __u64 *first, __u64 *limit);
int site_b_reserve_moved(__u64 *first, __u64 *limit);
int site_b_receive(__u64 *next);
int site_b_check(enum state_use use, bool is_new);
void assert_reserved(__u64 wanted_first, __u64 wanted_limit);
/* Reserve the first range of a new key. */
void start_new(void);

#endif
