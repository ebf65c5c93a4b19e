/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of the parser, which config_ini.c and config_section.c share while they read a file. */
#ifndef XDPSEC_CONFIG_PARSER_H
#define XDPSEC_CONFIG_PARSER_H

#include <stdbool.h>
#include <stdio.h>

#include "config/config_parse.h"

/* A section of the file. */
struct given {
	enum section section;
	const char *path;
	int line;
	bool misfit;		 /* has a key of the other mode: missing keys are not reported then */
	int lines[MAX_SETTINGS]; /* first lines of the keys in the table; 0: not given */
	bool again[MAX_SETTINGS];
};

struct parser {
	struct config *config;
	FILE *file;
	const char *path; /* of the file */
	bool included;	  /* it is one of Include */
	char *buffer;
	size_t buffer_size;
	int line;
	size_t refused; /* number of sections with a mistyped name */
	char *pending;	/* the line that inih is parsing, and must return as a key and its value */
	int err;	/* the first error: reading goes on, to find all mistakes */
	bool ended;	/* reading was stopped nevertheless */
	enum section section;
	int interface_line;
	bool mode_unknown; /* the Mode line, or its section, was refused */
	/* The sections so far. The keys that they must have, or may not have, depend on the mode, which
	 * may come later in the file. */
	struct given *sections;
	size_t n_sections, sections_allocated;
	size_t peers_allocated;
};

extern const char *const section_names[];

/* Keep the first error. Reading goes on, unless there are too many mistakes, or no memory. Returns err. */
int parser_fail(struct parser *parser, int err);

/* A key of the current section by that name is not reported as missing: the line was mistyped. */
void section_take_as_given(const struct parser *parser, const char *name);
/* The key is one of the other mode. -EINVAL after a message. */
int section_refuse_in_mode(const struct parser *parser, const struct setting *setting, const char *path,
			   int line);
/* The current section has had the key settings[i] before: 0 if it may have it twice, or -EINVAL after a message. */
int section_refuse_again(const struct parser *parser, const struct config_line *where, size_t i);
/* The file has been read: report missing sections, missing keys and keys of the other mode. */
void sections_check(struct parser *parser);

#endif
