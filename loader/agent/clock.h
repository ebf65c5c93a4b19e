/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NAME.clock in the state directory: a time that no Initiation has reached yet. After a reboot the timestamps begin
 * there, even if the clock has gone back; other sites refuse one that is not newer than the last.
 *
 * The file has two records, which are written in turn, so that a power failure leaves the one before. It is opened as
 * root, and only written afterwards: the agent needs no right in the directory.
 */
#ifndef XDPSEC_AGENT_CLOCK_H
#define XDPSEC_AGENT_CLOCK_H

#include <stdint.h>

#include "agreement/timestamp.h"

struct clock_file {
	int fd;			/* -1: not open */
	int next;		/* the record to be written: 0 or 1 */
	struct timestamp floor; /* all zero: none is recorded */
	uint64_t number;	/* of the last record */
};

/* Open it, or make it, in that directory. A damaged file is taken for none, with a warning. 0, or -errno after a
 * message. */
int clock_open(struct clock_file *file, const char *directory, const char *instance);
void clock_close(struct clock_file *file);

/* Record a later floor: it is on the disk when this returns 0. -errno without a message. */
int clock_write(struct clock_file *file, const struct timestamp *floor);

#endif
