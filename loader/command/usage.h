/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of commands and that of options, and the help that is made of them. */
#ifndef XDPSEC_USAGE_H
#define XDPSEC_USAGE_H

#include <getopt.h>
#include <stddef.h>

#include "command/commands.h"

/* Options with a long name only. */
enum {
	OPTION_STATE_DIR = 256,
	OPTION_NEW_KEY,
	OPTION_MOVED_STATE,
	OPTION_NO_ATTACH,
	OPTION_MANUAL,
	OPTION_NO_AGENT,
	OPTION_BACKGROUND,
	OPTION_BITS,
	OPTION_DEVICE,
	OPTION_LISTEN,
	OPTION_FROM,
};

/* Options of commands: bits of struct command.options. Every command accepts --netns and --state-dir,
 * which say where to look, so that scripts can give the same options to all. */
enum {
	TAKES_JSON = 1 << 0,
	TAKES_CLAIMS = 1 << 1,
	TAKES_NO_ATTACH = 1 << 2,
	TAKES_MANUAL = 1 << 3,
	TAKES_BITS = 1 << 4,
	TAKES_NO_AGENT = 1 << 5,
	TAKES_BACKGROUND = 1 << 6,
	TAKES_OUTPUT = 1 << 7,
	TAKES_DEVICE = 1 << 8,
	TAKES_VIEW = 1 << 9,
	TAKES_LISTEN = 1 << 10,
};

enum argument {
	ARGUMENT_NONE,
	ARGUMENT_FILE,
	ARGUMENT_NAME,
	ARGUMENT_NAME_OPTIONAL,
	ARGUMENT_PEER_OPTIONAL,
	ARGUMENT_PEER,
	ARGUMENT_NAME_PEER, /* PEER may be missing */
	ARGUMENT_COMMAND_OPTIONAL,
};

struct command {
	const char *name;
	enum argument argument;
	unsigned int options; /* TAKES_... */
	int (*run)(const struct options *options);
	const char *help; /* one line */
};

extern const struct command commands[];
extern const size_t n_commands;

struct flag {
	struct option option;
	unsigned int takes; /* 0: every command accepts it */
	const char *argument, *help;
};

/* Bits of a __u32. */
#define FLAGS_MAX 32
extern const struct flag flags[];
extern const size_t n_flags;

/* As the synopsis has it: "FILE", "[NAME]". */
const char *argument_name(enum argument argument);

/* NULL after a message, and a hint at the command that was meant. */
const struct command *command_find(const char *name);

/* One page for all commands, and one for each. */
void usage_print(void);
void usage_print_command(const struct command *command);

/* Print the hint after a wrong command line; NULL: the command is not known. Returns EXIT_USAGE. */
int usage_hint(const struct command *command);

#endif
