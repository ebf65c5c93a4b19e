/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzers of what the loader reads. A file of the corpus is changed by chance and read by the loader's own
 * code, which is built with AddressSanitizer and UndefinedBehaviorSanitizer; a file that leads to code that
 * none led to before joins the corpus for the rest of the run (the compiler calls __sanitizer_cov_trace_pc()
 * at each basic block).
 *
 *	config_fuzz		the corpus, and changed files, as many as limits.h says
 *	config_fuzz FILE...	only these: to repeat a fault
 */
#ifndef XDPSEC_FUZZ_DRIVER_H
#define XDPSEC_FUZZ_DRIVER_H

#include <stddef.h>
#include <stdint.h>

enum { DRIVER_FILE_MAX = 8192 };

struct file_fuzzer {
	const char *name;
	unsigned int short_run;	  /* files, without any limit */
	const char *corpus;	  /* directory in the tree */
	const char *const *words; /* what such files are made of; the last is NULL */
	void (*setup)(void);	  /* may be NULL */
	/* Reads a file with these bytes. What is wrong is told by driver_fault(). */
	void (*read)(const uint8_t *bytes, size_t n);
};

/* Does not return. */
void driver_fault(const char *what) __attribute__((noreturn));
#define driver_check(condition)                                                                              \
	do {                                                                                                 \
		if (!(condition))                                                                            \
			driver_fault(#condition);                                                            \
	} while (0)

/* A directory of the fuzzer's own, which is removed at the end, and a file in it. */
const char *driver_directory(void);
const char *driver_path(const char *file);
void driver_write(const char *file, const void *bytes, size_t n);

/* The loader's output on standard error since the last call. Its prefix is checked here. */
const char *driver_messages(void);

int driver_main(int argc, char **argv, const struct file_fuzzer *fuzzer);

#endif
