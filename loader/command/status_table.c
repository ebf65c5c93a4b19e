// SPDX-License-Identifier: GPL-2.0-or-later
/* The peers of an instance as a table, one line each: the text output of `status` where there are many. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <libsmartcols/libsmartcols.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/message.h"
#include "command/status.h"
#include "plane/self.h"

enum column {
	COLUMN_MARK,
	COLUMN_PEER,
	COLUMN_STATE,
	COLUMN_PLACE,
	COLUMN_HANDSHAKE,
	COLUMN_LAST,
	COLUMN_RX,
	COLUMN_TX,
	COLUMN_DROPPED,
	COLUMN_COUNT,
};

static const struct {
	const char *title;
	int flags;
} columns[COLUMN_COUNT] = {
	[COLUMN_MARK] = { "", 0 },
	[COLUMN_PEER] = { "PEER", 0 },
	[COLUMN_STATE] = { "STATE", SCOLS_FL_TRUNC },
	[COLUMN_PLACE] = { "ENDPOINT", 0 },
	[COLUMN_HANDSHAKE] = { "HANDSHAKE", SCOLS_FL_RIGHT },
	[COLUMN_LAST] = { "RECEIVED", SCOLS_FL_RIGHT },
	[COLUMN_RX] = { "RX", SCOLS_FL_RIGHT },
	[COLUMN_TX] = { "TX", SCOLS_FL_RIGHT },
	[COLUMN_DROPPED] = { "DROPPED", SCOLS_FL_RIGHT },
};

/* One line: a peer, and what its state is called. */
struct row {
	const struct peer_report *peer;
	char state[64];
	bool dead;
};

static void free_table(struct libscols_table **table)
{
	scols_unref_table(*table);
}

/* Dead is a peer that nothing can be sent to, or from which nothing comes. With a key, silence since `up` is no fault. */
static void judge_peer(struct row *row, const struct peer_report *peer)
{
	const struct agreed_report *agreed = &peer->agreed;
	bool keyed = agreed->state == AGREED_STATE_AGREED && agreed->expires;

	row->peer = peer;
	row->dead = peer->state != PEER_ALIVE;
	snprintf(row->state, sizeof(row->state), "%s", peer_state_text(peer->state));
	if (!agreed->agreed)
		return;
	if (!keyed) {
		row->dead = true;
		agreed_state_text(agreed, row->state, sizeof(row->state));
	} else if (peer->state == PEER_NEVER) {
		row->dead = false;
		snprintf(row->state, sizeof(row->state), "idle");
	}
}

/* The dead first, else in the order of the configuration. */
static int compare_rows(const void *left, const void *right)
{
	const struct row *a = left, *b = right;

	if (a->dead != b->dead)
		return a->dead ? -1 : 1;
	return a->peer < b->peer ? -1 : 1;
}

static void place_text(const struct report *report, const struct peer_report *peer, char *text, size_t size)
{
	size_t n;

	if (report->instance.mode == MODE_TUNNEL) {
		if (peer->location.known)
			location_text(&peer->location, text, size);
		else
			snprintf(text, size, "not known yet");
		return;
	}
	text[0] = '\0';
	if (peer->n_prefixes)
		prefix_text(&peer->prefixes[0].prefix, text, size);
	n = strlen(text);
	if (peer->n_prefixes > 1)
		snprintf(text + n, size - n, " and %zu more", peer->n_prefixes - 1);
}

static unsigned long long dropped(const struct peer_report *peer)
{
	unsigned long long sum = 0;

	for (int reason = 0; reason < XDPSEC_DROP_COUNT; reason++)
		sum += report_peer_drops(peer, reason);
	return sum;
}

static int fill_line(struct libscols_line *line, const struct report *report, const struct row *row)
{
	const struct peer_report *peer = row->peer;
	const struct agreed_report *agreed = &peer->agreed;
	char texts[COLUMN_COUNT][96] = {};
	int err = 0;

	strcpy(texts[COLUMN_MARK], row->dead ? "!" : "");
	strcpy(texts[COLUMN_PEER], peer->record.name);
	strcpy(texts[COLUMN_STATE], row->state);
	place_text(report, peer, texts[COLUMN_PLACE], sizeof(texts[0]));
	if (agreed->agreed && agreed->handshake_known)
		seconds_ago_text(agreed->handshake, texts[COLUMN_HANDSHAKE], sizeof(texts[0]));
	else
		strcpy(texts[COLUMN_HANDSHAKE], agreed->agreed ? "never" : "-");
	ago_text(peer->rx.last_seen, texts[COLUMN_LAST], sizeof(texts[0]));
	bytes_text(peer->rx.bytes, texts[COLUMN_RX], sizeof(texts[0]));
	bytes_text(peer->tx.bytes, texts[COLUMN_TX], sizeof(texts[0]));
	snprintf(texts[COLUMN_DROPPED], sizeof(texts[0]), "%llu", dropped(peer));
	for (size_t i = 0; i < COLUMN_COUNT && !err; i++)
		err = scols_line_set_data(line, i, texts[i]);
	return err;
}

/* In the order of enum column. */
static int add_columns(struct libscols_table *table, const struct report *report)
{
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		bool hidden = i == COLUMN_HANDSHAKE && !report->agrees;
		const char *title = i == COLUMN_PLACE && report->instance.mode == MODE_INLINE
					    ? "ADDRESS"
					    : columns[i].title;

		if (!scols_table_new_column(table, title, 0,
					    columns[i].flags | (hidden ? SCOLS_FL_HIDDEN : 0)))
			return -ENOMEM;
	}
	return 0;
}

static int print_rows(const struct report *report, const struct row *rows)
{
	struct libscols_table *table __attribute__((cleanup(free_table))) = scols_new_table();
	bool colors = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	struct libscols_line *line;
	int err = table ? add_columns(table, report) : -ENOMEM;

	if (err)
		return err;
	scols_table_set_stream(table, stdout);
	scols_table_enable_colors(table, colors);
	for (size_t i = 0; i < report->n_peers; i++) {
		line = scols_table_new_line(table, NULL);
		err = line ? fill_line(line, report, &rows[i]) : -ENOMEM;
		if (err)
			return err;
		if (colors && rows[i].dead)
			scols_line_set_color(line, "red");
	}
	return scols_print_table(table);
}

void peers_print_table(const struct report *report)
{
	_cleanup_free_ struct row *rows = calloc(report->n_peers, sizeof(*rows));
	size_t dead = 0;

	if (!rows) {
		fail(ENOMEM, "out of memory");
		return;
	}
	for (size_t i = 0; i < report->n_peers; i++) {
		judge_peer(&rows[i], &report->peers[i]);
		dead += rows[i].dead;
	}
	qsort(rows, report->n_peers, sizeof(*rows), compare_rows);
	putchar('\n');
	if (print_rows(report, rows))
		fail(ENOMEM, "out of memory");
	printf("\n%zu peers, %zu of them not alive%s; `%s status %s PEER` shows one, --long all\n",
	       report->n_peers, dead, dead ? " (!)" : "", self(), report->instance.name);
}
