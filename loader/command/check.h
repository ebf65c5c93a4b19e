/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checks of `check`, for other commands. */
#ifndef XDPSEC_CHECK_H
#define XDPSEC_CHECK_H

struct options;

/* All of them; options->argument is the file. 0 or -errno; nothing is printed, and message_failure() has the first mistake. */
int check_quietly(const struct options *options);

#endif
