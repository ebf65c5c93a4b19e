/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interface between the files that read a configuration. All others use config.h. */
#ifndef XDPSEC_CONFIG_PARSE_H
#define XDPSEC_CONFIG_PARSE_H

#include <stdio.h>

#include "config/config.h"

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
	MANUAL,	    /* once for a peer without PublicKey, else not at all */
};

/* The modes that have a key: bits of 1 << enum mode. */
enum {
	INLINE = 1 << MODE_INLINE,
	TUNNEL = 1 << MODE_TUNNEL,
	ALWAYS = INLINE | TUNNEL,
	/* Beside them: a second time is no mistake. */
	TWICE = 1 << 7,
};

/* One key. set() gets a value that is not empty, and may change it. 0, or -errno after a message. */
struct setting {
	enum section section;
	const char *name;
	int (*set)(struct config *config, const struct config_line *where, char *value);
	enum presence presence;
	unsigned int modes;
};

#define MAX_SETTINGS 48
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
int set_fast_path(struct config *config, const struct config_line *where, char *value);
int set_fast_path_firewall(struct config *config, const struct config_line *where, char *value);
int set_source(struct config *config, const struct config_line *where, char *value);
int set_peer_source(struct config *config, const struct config_line *where, char *value);
int set_fw_mark(struct config *config, const struct config_line *where, char *value);
int set_endpoint(struct config *config, const struct config_line *where, char *value);
int set_roaming(struct config *config, const struct config_line *where, char *value);
int set_keepalive(struct config *config, const struct config_line *where, char *value);

/* The keys of the key agreement (config_agreement.c), and Cipher, which manual peers have as well. */
int set_private_key_file(struct config *config, const struct config_line *where, char *value);
int set_private_key(struct config *config, const struct config_line *where, char *value);
int set_public_key(struct config *config, const struct config_line *where, char *value);
int set_psk_file(struct config *config, const struct config_line *where, char *value);
int set_psk(struct config *config, const struct config_line *where, char *value);
int set_reject_after(struct config *config, const struct config_line *where, char *value);
int set_idle(struct config *config, const struct config_line *where, char *value);
int set_cipher(struct config *config, const struct config_line *where, char *value);

/* Include (config_include.c): the names of the files, opening one of them (the configuration itself is refused, and one that
 * was opened before). */
int set_include(struct config *config, const struct config_line *where, char *value);
int config_expand_includes(struct config *config);
int config_open_included(struct config *config, size_t i, FILE **file);
/* Open a file of the configuration, which must be a regular one. */
int config_open(const char *path, FILE **file);
/* The message for what line_read() could not read behind a line, by errno. */
int config_unreadable(const char *path, int line);

/* PostUp and PostDown (config_hook.c). */
int set_post_up(struct config *config, const struct config_line *where, char *value);
int set_post_down(struct config *config, const struct config_line *where, char *value);

/* Is it a key of wg-quick's that xdpsec does not have? -EINVAL after a message that says what takes its place; 0: no,
 * and no message. */
int refuse_wg_quick(const struct config_line *where);
/* The text that says what takes its place; NULL: it is no such key. */
const char *wg_quick_instead(const char *key);

/* The last [Peer], to which keys of [Peer] belong. */
struct peer_config *current_peer(struct config *config);
/* The kernel's dev_valid_name(), without patterns ("%"). */
bool device_name_valid(const char *name);

/* A configuration in which nothing has been given yet. */
void config_begin(struct config *config);

/* Parse sections and keys of the file into *config, whose name and path are set. 0, or the first -errno
 * after a message for each mistake; values that are certain are set nevertheless. */
int config_parse(struct config *config, FILE *file);

/* Settings that follow from several lines (config_derive.c). */
void config_derive(struct config *config);
/* Settings of the key agreement that follow from several lines, and the checks across its lines. */
void config_derive_agreement(struct config *config);
int config_check_agreement(struct config *config);

/* Checks across lines, each of which is right by itself. The same result. */
int config_check(struct config *config);

/* Each parses one value. 0, or -EINVAL after a message. */
int value_prefix(const struct config_line *where, const char *text, struct xdpsec_prefix *prefix);
/* ports has room for XDPSEC_MAX_PORT_RANGES. The result is sorted, and adjacent ranges are merged. text is
 * modified. */
int value_ports(const struct config_line *where, char *text, struct xdpsec_ports *ports, size_t *n);
/* An address with a prefix length (the full length if none is given). Host bits are kept. */
int value_address(const struct config_line *where, const char *text, struct xdpsec_prefix *address);
/* An address of either family, alone. *bits is the greatest prefix length. false: it is none. No message. */
bool value_parse_address(const char *text, struct xdpsec_prefix *prefix, unsigned int *bits);
/* Is it an address of a single machine, at which it can be reached? */
bool value_is_unicast(const struct xdpsec_prefix *address, unsigned int bits);
/* ADDRESS:PORT or [ADDRESS]:PORT sets *location, NAME:PORT the other two. */
int value_location(const struct config_line *where, const char *text, struct xdpsec_location *location,
		   char name[HOST_NAME_LEN + 1], unsigned int *name_port);
/* The path of a file; a relative one begins beside the file that has the line. */
int value_path(const struct config_line *where, const char *value, char path[PATH_MAX]);
/* An address without a port, IPv4 mapped. */
int value_host(const struct config_line *where, const char *text, unsigned char address[16]);
/* A decimal or hexadecimal number without anything around it. */
bool value_number(const char *text, unsigned long max, unsigned long *number);
int value_spi(const struct config_line *where, const char *text, unsigned int *spi);

/* The next item of a comma separated list, without white space around it; NULL: no more. *rest starts as
 * the whole text, which is modified. */
char *value_next(char **rest);

#endif
