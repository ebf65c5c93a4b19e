// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of the peers in a file of wg-quick, which has none: people write them into comments. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/message.h"
#include "config/wg_parse.h"

/* Longer comments are sentences, not names. */
#define WORDS_MAX 4

enum { FROM_PLACE = 1, FROM_HEADER, FROM_NAME };

/* The words that programs, and people, write in front of a name. */
static const struct {
	const char *word, *separators;
} introductions[] = {
	{ "Name", "=:" },	 { "friendly_name", "=:" }, { "Client", " \t=:" },
	{ "BEGIN_PEER", " \t" }, { "begin", " \t" },
};

/* The text behind such a word; NULL: the comment does not begin with one. */
static const char *introduced(const char *text)
{
	size_t n, space;

	for (size_t i = 0; i < ARRAY_SIZE(introductions); i++) {
		n = strlen(introductions[i].word);
		if (strncasecmp(text, introductions[i].word, n) != 0)
			continue;
		space = strspn(text + n, " \t");
		if (space && strpbrk(introductions[i].separators, " "))
			return text + n + space;
		if (text[n + space] && strchr(introductions[i].separators, text[n + space]))
			return text + n + space + 1;
	}
	return NULL;
}

static bool is_name_character(char character)
{
	return isascii(character) && (isalnum(character) || strchr("._", character));
}

/* Whatever cannot be in a name becomes one "-". */
static void clean(const char *text, char name[XDPSEC_NAME_LEN])
{
	size_t n = 0;

	for (; *text && n < XDPSEC_NAME_LEN - 1; text++) {
		if (is_name_character(*text))
			name[n++] = *text;
		else if (n && name[n - 1] != '-')
			name[n++] = '-';
	}
	while (n && strchr(".-", name[n - 1]))
		n--;
	name[n] = '\0';
}

static size_t count_words(const char *text)
{
	size_t words = 0;

	for (text += strspn(text, " \t"); *text; text += strspn(text, " \t")) {
		words++;
		text += strcspn(text, " \t");
	}
	return words;
}

/* Is it a key that somebody has put into a comment, the end of a peer, or a sentence? */
static bool is_other(const char *text)
{
	return strchr(text, '=') || !strncasecmp(text, "end", 3) || count_words(text) > WORDS_MAX;
}

static void name_in(const char *comment, char name[XDPSEC_NAME_LEN], bool *is_explicit)
{
	const char *text = comment + strspn(comment, "#+-=*. \t"), *behind = introduced(text);

	*is_explicit = behind;
	*name = '\0';
	if (behind || !is_other(text))
		clean(behind ?: text, name);
}

void wg_names_comment(struct wg_names *names, const char *comment)
{
	char name[XDPSEC_NAME_LEN];
	bool is_explicit;

	name_in(comment, name, &is_explicit);
	if (!name[0] || (names->name[0] && names->is_explicit >= is_explicit && !names->is_apart))
		return;
	strcpy(names->name, name);
	names->is_explicit = is_explicit;
	names->is_apart = false;
}

void wg_names_empty(struct wg_names *names)
{
	names->is_apart = true;
}

static void give(struct wg_names *names, struct peer_config *peer, const char *name, int strength)
{
	if (!peer || !name[0] || strength <= names->strength)
		return;
	strcpy(peer->name, name);
	names->strength = strength;
}

void wg_names_section(struct wg_names *names, struct peer_config *peer, const char *comment)
{
	char name[XDPSEC_NAME_LEN];
	bool is_explicit;

	names->has_key = false;
	names->strength = 0;
	give(names, peer, names->name, names->is_explicit ? FROM_NAME : FROM_PLACE);
	names->name[0] = '\0';
	if (!comment)
		return;
	name_in(comment, name, &is_explicit);
	give(names, peer, name, is_explicit ? FROM_NAME : FROM_HEADER);
}

void wg_names_key(struct wg_names *names, struct peer_config *peer)
{
	if (names->is_explicit)
		give(names, peer, names->name, FROM_NAME);
	else if (!names->has_key)
		give(names, peer, names->name, FROM_PLACE);
	names->has_key = true;
	names->name[0] = '\0';
}

static bool is_taken(const struct config *config, const struct peer_config *but, const char *name)
{
	for (const struct peer_config *peer = config->peers; peer < config->peers + config->n_peers; peer++)
		if (peer != but && !strcmp(peer->name, name))
			return true;
	return false;
}

/* The first number, from one on, that makes a name of its own. */
static void number(const struct config *config, struct peer_config *peer, const char *stem, size_t from)
{
	char name[XDPSEC_NAME_LEN];
	/* Ten characters for the number, and the "-". */
	const int room = XDPSEC_NAME_LEN - 12;

	do
		snprintf(name, sizeof(name), "%.*s-%zu", room, stem, from++);
	while (is_taken(config, peer, name));
	strcpy(peer->name, name);
}

/* Does an earlier peer have the name? */
static bool is_second(const struct config *config, const struct peer_config *peer)
{
	for (const struct peer_config *other = config->peers; other < peer; other++)
		if (!strcmp(other->name, peer->name))
			return true;
	return false;
}

void wg_names_complete(struct config *config)
{
	struct peer_config *peer;
	char name[XDPSEC_NAME_LEN];

	for (peer = config->peers; peer < config->peers + config->n_peers; peer++) {
		strcpy(name, peer->name);
		if (name[0] && !is_second(config, peer))
			continue;
		if (name[0])
			number(config, peer, name, 2);
		else
			number(config, peer, "peer", peer - config->peers + 1);
		warning("%s:%d: [Peer]: %s: Name = %s", config->path, peer->line,
			name[0] ? "another peer has the same name" : "no comment says its name", peer->name);
	}
}
