/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interface between the files that read a file of wg-quick. All others use wg_quick.h. */
#ifndef XDPSEC_WG_PARSE_H
#define XDPSEC_WG_PARSE_H

#include "config/config_parse.h"

enum wg_kind {
	WG_VALUE,
	WG_LIST,     /* may be given more than once, and be longer than a line of inih */
	WG_SECRET,   /* is not given to inih, whose stack would keep it */
	WG_LEFT_OUT, /* a key of wg-quick that has no place in a configuration; and any value */
};

/* One key of wg-quick. set() gets a value that is not empty, and may change it. 0, or -errno after a message. */
struct wg_setting {
	enum section section;
	const char *name;
	enum wg_kind kind;
	int (*set)(struct config *config, const struct config_line *where, char *value);
};

#define WG_SETTINGS_MAX 20
extern const struct wg_setting wg_settings[];
extern const size_t n_wg_settings;

/* The key at the beginning of the line, in any case; NULL: the section has none of that name. */
const struct wg_setting *wg_setting_find(enum section section, const char *line);

/* The names that comments suggest for the next peer, and for the one whose section it is. */
struct wg_names {
	char name[XDPSEC_NAME_LEN]; /* of the last comments; empty: none */
	bool is_explicit;	    /* "Name = site-b" */
	bool is_apart;		    /* an empty line has followed */
	bool has_key;		    /* the section has a key already */
	int strength;		    /* of the peer's name: 0: it has none */
};

/* A line that is only a comment (without "#"), an empty one, the header of a section, a key. */
void wg_names_comment(struct wg_names *names, const char *comment);
void wg_names_empty(struct wg_names *names);
/* comment: the one behind the header; NULL: none. peer: NULL: of another section. */
void wg_names_section(struct wg_names *names, struct peer_config *peer, const char *comment);
void wg_names_key(struct wg_names *names, struct peer_config *peer);
/* Peers without a name get one, and those that share one a second. */
void wg_names_complete(struct config *config);

#endif
