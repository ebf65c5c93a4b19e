/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interface between the files that read a configuration. All others use config.h. */
#ifndef XDPSEC_CONFIG_PARSE_H
#define XDPSEC_CONFIG_PARSE_H

#include <stdio.h>

#include "config/config.h"

/* A line of the file. Messages start with it: "PATH:LINE: KEY: ...". */
struct config_line {
	const char *path;
	int line;
	const char *key; /* NULL: the line as a whole */
};

int fail_at(const struct config_line *where, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum section {
	SECTION_NONE,
	SECTION_INTERFACE,
	SECTION_PEER,
	SECTION_REFUSED, /* its keys are ignored */
};

enum presence {
	OPTIONAL,   /* once or not at all */
	REQUIRED,   /* once */
	REPEATABLE, /* once or more often */
	MULTIPLE,   /* any number of times */
};

/* The modes that have a key: bits of 1 << enum mode. */
enum {
	INLINE = 1 << MODE_INLINE,
	TUNNEL = 1 << MODE_TUNNEL,
	ALWAYS = INLINE | TUNNEL,
};

/* One key. set() gets a value that is not empty, and may change it. 0, or -errno after a message. */
struct setting {
	enum section section;
	const char *name;
	int (*set)(struct config *config, const struct config_line *where, char *value);
	enum presence presence;
	unsigned int modes;
};

#define MAX_SETTINGS 40
extern const struct setting settings[];
extern const size_t n_settings;

/* Names the key to use instead in the other mode, for a hint. */
const char *setting_instead(const struct setting *setting);

/* The keys that only tunnel mode has (config_tunnel.c). */
int set_tunnel_name(struct config *config, const struct config_line *where, char *value);
int set_listen_port(struct config *config, const struct config_line *where, char *value);
int set_tunnel_address(struct config *config, const struct config_line *where, char *value);
int set_mtu(struct config *config, const struct config_line *where, char *value);
int set_source_port(struct config *config, const struct config_line *where, char *value);
int set_dscp(struct config *config, const struct config_line *where, char *value);
int set_table(struct config *config, const struct config_line *where, char *value);
int set_source(struct config *config, const struct config_line *where, char *value);
int set_peer_source(struct config *config, const struct config_line *where, char *value);
int set_fw_mark(struct config *config, const struct config_line *where, char *value);
int set_endpoint(struct config *config, const struct config_line *where, char *value);
int set_roaming(struct config *config, const struct config_line *where, char *value);
int set_keepalive(struct config *config, const struct config_line *where, char *value);

/* The last [Peer], to which keys of [Peer] belong. */
struct peer_config *current_peer(struct config *config);
/* The kernel's dev_valid_name(), without patterns ("%"). */
bool device_name_valid(const char *name);

/* Parse sections and keys of the file into *config, whose name and path are set. 0, or the first -errno
 * after a message for each mistake; values that are certain are set nevertheless. */
int config_parse(struct config *config, FILE *file);

/* Checks across lines, each of which is right by itself. The same result. */
int config_check(struct config *config);

/* Each parses one value. 0, or -EINVAL after a message. */
int value_prefix(const struct config_line *where, const char *text, struct xdpsec_prefix *prefix);
/* ports has room for XDPSEC_MAX_PORT_RANGES. The result is sorted, and adjacent ranges are merged. text is
 * modified. */
int value_ports(const struct config_line *where, char *text, struct xdpsec_ports *ports, size_t *n);
/* An address with a prefix length (the full length if none is given). Host bits are kept. */
int value_address(const struct config_line *where, const char *text, struct xdpsec_prefix *address);
/* ADDRESS:PORT or [ADDRESS]:PORT. */
int value_location(const struct config_line *where, const char *text, struct xdpsec_location *location);
/* An address without a port, IPv4 mapped. */
int value_host(const struct config_line *where, const char *text, unsigned char address[16]);
/* A decimal or hexadecimal number without anything around it. */
bool value_number(const char *text, unsigned long max, unsigned long *number);
int value_spi(const struct config_line *where, const char *text, unsigned int *spi);

/* The next item of a comma separated list, without white space around it; NULL: no more. *rest starts as
 * the whole text, which is modified. */
char *value_next(char **rest);

/* The one of n names that is most similar to text, or NULL. */
const char *did_you_mean(const char *text, const char *const *names, size_t n);

#endif
