// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading the corpus, and changing its files by chance. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus.h"
#include "fuzz/chance.h"

enum { FILES_MAX = 4096 };

static struct file {
	uint8_t *bytes;
	size_t n;
} files[FILES_MAX];
static size_t n_files;

/* The file that is being made. */
struct draft {
	uint8_t *bytes;
	size_t n, max;
};

void corpus_add(const uint8_t *bytes, size_t n)
{
	struct file *file = &files[n_files < FILES_MAX ? n_files++ : below(FILES_MAX)];

	free(file->bytes);
	file->bytes = malloc(n + 1);
	if (!file->bytes)
		abort();
	memcpy(file->bytes, bytes, n);
	file->n = n;
}

size_t corpus_size(void)
{
	return n_files;
}

/* Instead of the so many bytes at that place. */
static void replace(struct draft *draft, size_t at, size_t old, const void *bytes, size_t n)
{
	if (at + old > draft->n)
		old = draft->n - at;
	if (draft->n - old + n > draft->max)
		return;
	memmove(draft->bytes + at + n, draft->bytes + at + old, draft->n - at - old);
	memcpy(draft->bytes + at, bytes, n);
	draft->n += n - old;
}

static size_t some_place(const struct draft *draft)
{
	return below(draft->n + 1);
}

static void change_bits(struct draft *draft)
{
	if (draft->n)
		draft->bytes[below(draft->n)] ^= 1 << below(8);
}

static void change_byte(struct draft *draft)
{
	static const char characters[] = "\0\t\n\r #%,-./0123456789:;=AFXZ[\\]_afxz~\x7f\x80\xff";
	uint8_t byte = one_in(4) ? chance() : (uint8_t)characters[below(sizeof(characters) - 1)];

	replace(draft, some_place(draft), below(2), &byte, 1);
}

static void change_word(struct draft *draft, const char *const *words)
{
	size_t n = 0;
	const char *word;

	while (words[n])
		n++;
	word = words[below(n)];
	replace(draft, some_place(draft), one_in(2) ? 0 : below(12), word, strlen(word));
}

/* At the ends of what numbers can be. */
static void change_number(struct draft *draft)
{
	static const char *const numbers[] = { "0",
					       "1",
					       "127",
					       "128",
					       "255",
					       "256",
					       "4095",
					       "65535",
					       "65536",
					       "2147483648",
					       "4294967295",
					       "4294967296",
					       "18446744073709551615",
					       "18446744073709551616",
					       "-1",
					       "0x7fffffff",
					       "0x100000000" };
	const char *number = one_of(numbers);
	size_t at = some_place(draft), end;

	while (at < draft->n && (draft->bytes[at] < '0' || draft->bytes[at] > '9'))
		at++;
	for (end = at; end < draft->n && draft->bytes[end] >= '0' && draft->bytes[end] <= '9'; end++)
		;
	replace(draft, at, end - at, number, strlen(number));
}

static void cut(struct draft *draft)
{
	replace(draft, some_place(draft), 1 + below(one_in(4) ? 300 : 10), "", 0);
}

/* A piece of a file, again and again at times. */
static void insert_piece(struct draft *draft, const struct file *from)
{
	uint8_t piece[512];
	size_t start = below(from->n + 1), n = 1 + below(one_in(4) ? sizeof(piece) : 20), times, at;

	if (n > from->n - start)
		n = from->n - start;
	memcpy(piece, from->bytes + start, n);
	at = some_place(draft);
	for (times = one_in(10) ? below(100) : 1; times > 0; times--)
		replace(draft, at, 0, piece, n);
}

static size_t line_start(const uint8_t *bytes, size_t at)
{
	while (at > 0 && bytes[at - 1] != '\n')
		at--;
	return at;
}

static size_t line_end(const uint8_t *bytes, size_t n, size_t at)
{
	while (at < n && bytes[at] != '\n')
		at++;
	return at < n ? at + 1 : n;
}

/* A whole line of a file goes to the start of another line, in its place or in front of it. */
static void move_line(struct draft *draft, const struct file *from)
{
	uint8_t line[512];
	size_t start = line_start(from->bytes, below(from->n + 1)),
	       n = line_end(from->bytes, from->n, start) - start;
	size_t at = line_start(draft->bytes, some_place(draft));

	if (n > sizeof(line))
		n = sizeof(line);
	memcpy(line, from->bytes + start, n);
	replace(draft, at, one_in(2) ? line_end(draft->bytes, draft->n, at) - at : 0, line, n);
}

static void cut_line(struct draft *draft)
{
	size_t at = line_start(draft->bytes, some_place(draft));

	replace(draft, at, line_end(draft->bytes, draft->n, at) - at, "", 0);
}

static void change(struct draft *draft, const char *const *words)
{
	switch (below(9)) {
	case 0:
		change_bits(draft);
		break;
	case 1:
	case 2:
		change_byte(draft);
		break;
	case 3:
		change_word(draft, words);
		break;
	case 4:
		change_number(draft);
		break;
	case 5:
		cut(draft);
		break;
	case 6:
		insert_piece(draft, &files[below(n_files)]);
		break;
	case 7:
		move_line(draft, &files[below(n_files)]);
		break;
	case 8:
		cut_line(draft);
		break;
	}
}

size_t corpus_change(uint8_t *bytes, size_t max, const char *const *words)
{
	const struct file *file = &files[below(n_files)];
	struct draft draft = { .bytes = bytes, .n = file->n, .max = max };

	memcpy(bytes, file->bytes, file->n);
	for (uint32_t times = 1 + below(one_in(4) ? 12 : 3); times > 0; times--)
		change(&draft, words);
	return draft.n;
}
