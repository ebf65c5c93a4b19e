/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other end of a handshake: tests/agreement/oracle.py, in a process of its own. One command at a time; its answer
 * is asked for by name.
 */
#ifndef XDPSEC_OTHER_END_H
#define XDPSEC_OTHER_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* false: there is no python3-cryptography here. make check runs at the top of the tree. */
bool other_end_start(void);
void other_end_stop(void);

/* Start and end a group of tests that use it and the primitives; have_other_end is what other_end_start() said. */
extern bool have_other_end;
int other_end_set_up(void **state);
int other_end_tear_down(void **state);

/* A command with its arguments: "open s=... session=#1". false: refused. */
bool other_end_ask(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A value of the last answer, by its name. It must be there, and n bytes long. */
void other_end_bytes(const char *name, void *bytes, size_t n);
uint64_t other_end_number(const char *name);

/* Bytes in hexadecimal, in one of 16 buffers that take turns. n <= 512. */
const char *hex(const void *bytes, size_t n);

/* Random bytes and numbers that are the same in each run. */
void repeatable(void *bytes, size_t n);
uint32_t repeatable_below(uint32_t n);

#endif
