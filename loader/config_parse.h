/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files that read a configuration; everyone else uses config.h. */
#ifndef XDPSEC_CONFIG_PARSE_H
#define XDPSEC_CONFIG_PARSE_H

#include <stdio.h>

#include "config.h"

/* Where a message points to: "PATH:LINE: KEY: ...". */
struct place {
	const char *path;
	int line;
	const char *key; /* NULL: the line as a whole */
};

int fail_at(const struct place *place, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum section {
	SECTION_NONE,
	SECTION_INTERFACE,
	SECTION_PEER,
};

enum presence {
	OPTIONAL,   /* once or not at all */
	REQUIRED,   /* once */
	REPEATABLE, /* once or more often */
};

/* One key. set() gets a value that is not empty and that it may change; 0, or -errno after a message. */
struct setting {
	enum section section;
	const char *name;
	int (*set)(struct config *config, const struct place *place, char *value);
	enum presence presence;
};

#define MAX_SETTINGS 32
extern const struct setting settings[];
extern const size_t n_settings;

/* Sections and keys of the file into *config, whose name and path are set. 0, or -errno after a message. */
int config_parse(struct config *config, FILE *file);

/* What can be wrong although every line for itself is right. 0, or -EINVAL after a message. */
int config_check(const struct config *config);

/* One value each. 0, or -EINVAL after a message. */
int value_prefix(const struct place *place, const char *text, struct xdpsec_prefix *prefix);
/* ports has room for XDPSEC_MAX_PORT_RANGES; they come out sorted, and merged where they touch. text is cut
 * up. */
int value_ports(const struct place *place, char *text, struct xdpsec_ports *ports, size_t *n);
int value_spi(const struct place *place, const char *text, unsigned int *spi);

/* The next item of a comma separated list, without white space around it; NULL: no more. *rest starts as the
 * whole text, which is cut up. */
char *value_next(char **rest);

/* The one of n names that text most likely meant, or NULL. */
const char *did_you_mean(const char *text, const char *const *names, size_t n);

#endif
