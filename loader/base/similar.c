// SPDX-License-Identifier: GPL-2.0-or-later
/* How similar two names are: the number of characters that are wrong, missing, too many, or swapped. */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/similar.h"

#define LENGTH_MAX 63

static bool is_same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Levenshtein's distance, in which two neighbours that are swapped count as one. Ignores case. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][LENGTH_MAX + 1], i, j, columns = strlen(b), *row = rows[0], *above, *second;

	if (columns > LENGTH_MAX)
		return LENGTH_MAX;
	for (j = 0; j <= columns; j++)
		row[j] = j;
	for (i = 1; a[i - 1]; i++) {
		above = row;
		second = rows[(i + 1) % 3];
		row = rows[i % 3];
		row[0] = i;
		for (j = 1; j <= columns; j++) {
			row[j] = above[j - 1] + !is_same_letter(a[i - 1], b[j - 1]);
			row[j] = least(row[j], least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && is_same_letter(a[i - 1], b[j - 2]) &&
			    is_same_letter(a[i - 2], b[j - 1]))
				row[j] = least(row[j], second[j - 2] + 1);
		}
	}
	return row[columns];
}

const char *did_you_mean(const char *text, const char *const *names, size_t n)
{
	const char *best = NULL;
	size_t i, found, nearest = 4;

	for (i = 0; i < n; i++) {
		found = distance(text, names[i]);
		/* Up to a third of the name may be wrong. */
		if (found < nearest && 3 * found <= strlen(names[i])) {
			nearest = found;
			best = names[i];
		}
	}
	return best;
}
