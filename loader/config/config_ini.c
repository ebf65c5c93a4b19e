// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sections and keys of the configuration file. libinih splits lines into keys and values. The reader in front
 * of it handles cases that inih 55 gets wrong without an error: it truncates lines of more than 197
 * characters, takes an indented line as the continuation of the previous one, knows no "#" behind a value,
 * cannot distinguish one [Peer] from the next, and has no line numbers in its callback.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <ini.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/line.h"
#include "base/message.h"
#include "base/similar.h"
#include "config/config_parser.h"

/* Take all keys that the refused line could have meant as given. */
static void take_line_as_given(const struct parser *parser, char *line)
{
	line[strcspn(line, " \t=")] = '\0';
	section_take_as_given(parser, line);
}

/* "Key Value" without "=", whose value has another "=" or a ":". */
static int refuse_words(const struct parser *parser, const char *words)
{
	const struct config_line where = { parser->path, parser->line, NULL };
	char word[64];

	snprintf(word, sizeof(word), "%s", words);
	take_line_as_given(parser, word);
	return fail_at(&where, "expected [Section] or Key = Value");
}

static int unknown_key(const struct parser *parser, const char *key)
{
	const struct config_line where = { parser->path, parser->line, key };
	const char *names[MAX_SETTINGS] = {}, *meant;
	size_t i, n = 0;

	if (strpbrk(key, " \t"))
		return refuse_words(parser, key);
	for (i = 0; i < n_settings; i++)
		if (settings[i].section == parser->section)
			names[n++] = settings[i].name;
	meant = did_you_mean(key, names, n);
	if (parser->included && !strcasecmp(key, "Include")) {
		fail_at(&where, "not in a file that is itself included");
		hint("all Include lines are in [Interface] of %s", parser->config->path);
		return -EINVAL;
	}
	for (i = 0; i < n_settings && !meant; i++)
		if (settings[i].section != parser->section && !strcasecmp(settings[i].name, key))
			return fail_at(&where, "belongs in %s, not in %s", section_names[settings[i].section],
				       section_names[parser->section]);
	if (refuse_wg_quick(&where))
		return -EINVAL;
	fail_at(&where, "unknown key in %s", section_names[parser->section]);
	if (meant) {
		hint("did you mean %s?", meant);
		section_take_as_given(parser, meant);
	} else {
		hint("xdpsec.conf(5) lists the keys");
	}
	return -EINVAL;
}

/* The mode is final: Mode was given, or [Interface] has ended without it. */
static bool is_mode_known(const struct parser *parser)
{
	return !parser->mode_unknown &&
	       (parser->config->mode_line || (parser->interface_line && parser->section == SECTION_PEER));
}

static int set(struct parser *parser, const char *key, const char *value)
{
	const struct config_line where = { parser->path, parser->line, key };
	_cleanup_free_ char *copy = NULL;
	const struct setting *setting;
	int *lines, err;
	size_t i;

	if (parser->section == SECTION_REFUSED)
		return 0;
	for (i = 0; i < n_settings; i++)
		if (settings[i].section == parser->section && !strcmp(settings[i].name, key))
			break;
	if (i == n_settings)
		return unknown_key(parser, key);
	setting = &settings[i];
	lines = parser->sections[parser->n_sections - 1].lines;
	if (is_mode_known(parser) && !(setting->modes & 1U << parser->config->mode)) {
		parser->sections[parser->n_sections - 1].misfit = true;
		return section_refuse_in_mode(parser, setting, parser->path, parser->line);
	}
	if (lines[i] && setting->presence != REPEATABLE && setting->presence != MULTIPLE) {
		if (section_refuse_again(parser, &where, i))
			return -EINVAL;
	} else {
		lines[i] = parser->line;
	}
	if (!*value)
		return fail_at(&where, "has no value");
	copy = strdup(value);
	if (!copy)
		return fail(ENOMEM, "%s:%d: out of memory", where.path, where.line);
	err = setting->set(parser->config, &where, copy);
	explicit_bzero(copy, strlen(value));
	parser->mode_unknown |= err && !strcmp(key, "Mode");
	return err;
}

/* inih's callback; 0 means failure. */
static int handle(void *user, const char *section, const char *key, const char *value)
{
	struct parser *parser = user;

	(void)section;
	/* "= value" stays pending, and the reader refuses it. */
	if (!*key)
		return 0;
	parser->pending = NULL;
	return !parser_fail(parser, set(parser, key, value));
}

static int begin_peer(struct parser *parser)
{
	struct config *config = parser->config;
	int err = config_add_peer(config, &parser->peers_allocated, parser->path, parser->line);

	if (!err && parser->included)
		config->peers[config->n_peers - 1].file = parser->path;
	return err;
}

static int add_section(struct parser *parser, enum section section)
{
	struct given *sections;
	size_t room;

	if (parser->n_sections == parser->sections_allocated) {
		room = parser->sections_allocated ? 2 * parser->sections_allocated : 4;
		sections = reallocarray(parser->sections, room, sizeof(*sections));
		if (!sections)
			return fail(ENOMEM, "%s:%d: out of memory", parser->path, parser->line);
		parser->sections = sections;
		parser->sections_allocated = room;
	}
	parser->sections[parser->n_sections++] = (struct given){
		.section = section,
		.path = parser->path,
		.line = parser->line,
	};
	parser->section = section;
	if (section == SECTION_PEER && begin_peer(parser)) {
		parser->n_sections--;
		parser->section = SECTION_REFUSED;
		return -EINVAL;
	}
	return 0;
}

static int begin_section(struct parser *parser, const char *text)
{
	const struct config_line where = { parser->path, parser->line, NULL };
	enum section section;
	const char *meant;

	parser->section = SECTION_REFUSED;
	for (section = SECTION_INTERFACE; section <= SECTION_PEER; section++)
		if (!strcmp(text, section_names[section]))
			break;
	if (section > SECTION_PEER) {
		fail_at(&where, "%s: unknown section", text);
		meant = did_you_mean(text, section_names + 1, 2);
		if (meant)
			hint("did you mean %s?", meant);
		else
			hint("the sections are [Interface] and [Peer]");
		parser->refused++;
		return -EINVAL;
	}
	if (section == SECTION_INTERFACE && parser->included) {
		fail_at(&where, "[Interface]: not in a file of Include");
		hint("such a file has [Peer] sections only; [Interface] is in %s", parser->config->path);
		return -EINVAL;
	}
	if (section == SECTION_INTERFACE && parser->interface_line)
		return fail_at(&where, "[Interface]: given twice, first in line %d", parser->interface_line);
	if (section == SECTION_INTERFACE)
		parser->interface_line = parser->line;
	return add_section(parser, section);
}

/* Is the key of the line one of these? */
static bool has_key(const char *line, const char *const *keys, size_t n_keys)
{
	size_t n = strcspn(line, " \t=");

	for (size_t i = 0; i < n_keys; i++)
		if (strlen(keys[i]) == n && !strncmp(line, keys[i], n))
			return true;
	return false;
}

/* Commands for a shell, which has ";" between them. */
static const char *const commands[] = { "PostUp", "PostDown" };

/* Remove the comment, and white space at both ends. */
static char *strip(char *line)
{
	const char *marks;
	char *end, *cut;

	while (isspace((unsigned char)*line))
		line++;
	marks = has_key(line, commands, ARRAY_SIZE(commands)) ? "#" : "#;";
	for (cut = line; *cut; cut++)
		if (strchr(marks, *cut) && (cut == line || isspace((unsigned char)cut[-1])))
			break;
	*cut = '\0';
	end = cut;
	while (end > line && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return line;
}

static const char *const secrets[] = { "PrivateKey", "PresharedKey" };

/* Is it a line that inih must not get: one with a secret, of which it would keep a copy on its stack, or a command, which may
 * be longer, and have what it takes for a comment? */
static bool is_raw(const char *line)
{
	return has_key(line, secrets, ARRAY_SIZE(secrets)) || has_key(line, commands, ARRAY_SIZE(commands));
}

static int set_raw(struct parser *parser, char *line)
{
	char *value = line + strcspn(line, " \t="), *end = value;
	int err;

	value += strspn(value, " \t");
	if (*value != '=') {
		parser->pending = line;
		return 0;
	}
	value++;
	value += strspn(value, " \t");
	*end = '\0';
	err = set(parser, line, value);
	/* A longer line would move the buffer, and leave it behind. */
	explicit_bzero(parser->buffer, parser->buffer_size);
	return err;
}

/* A key in front of the first section. */
static int refuse_first(struct parser *parser, const struct config_line *where)
{
	const char *section = section_names[parser->included ? SECTION_PEER : SECTION_INTERFACE];

	fail_at(where, "expected %s", section);
	hint("%s must come before the first key", section);
	parser->section = SECTION_REFUSED;
	parser->refused++;
	return -EINVAL;
}

/* Get one line for inih, at most size bytes with the NUL. */
static int next_line(struct parser *parser, char *text, int size)
{
	const struct config_line where = { parser->path, parser->line, NULL };
	char *line = parser->buffer;
	/* inih needs room for "\r\n" and the NUL. */
	size_t max = size - 3;

	if (parser->line == 1 && !strncmp(line, "\xef\xbb\xbf", 3))
		line += 3; /* the byte order mark that some editors write */
	line = strip(line);
	if (parser->section != SECTION_NONE && parser->section != SECTION_REFUSED && is_raw(line))
		return set_raw(parser, line);
	if (strlen(line) > max) {
		fail_at(&where, "line longer than %zu characters", max);
		hint("Address and AllowedIPs may be given several times");
		take_line_as_given(parser, line);
		return -EINVAL;
	}
	if (*line == '[') {
		strcpy(text, line);
		return begin_section(parser, line);
	}
	if (*line && parser->section == SECTION_NONE)
		return refuse_first(parser, &where);
	if (parser->section == SECTION_REFUSED)
		return 0;
	strcpy(text, line);
	parser->pending = *line ? line : NULL;
	return 0;
}

/* inih's reader, with the interface of fgets(). */
static char *read_line(char *text, int size, void *stream)
{
	struct parser *parser = stream;
	const struct config_line where = { parser->path, parser->line, NULL };
	ssize_t n;

	if (parser->ended)
		return NULL;
	if (parser->pending) {
		parser_fail(parser, fail_at(&where, "expected [Section] or Key = Value"));
		take_line_as_given(parser, parser->pending);
	}
	parser->pending = NULL;
	n = line_read(&parser->buffer, &parser->buffer_size, parser->file);
	if (n < 0) {
		parser->ended = errno;
		if (errno)
			parser_fail(parser, config_unreadable(parser->path, parser->line));
		return NULL;
	}
	parser->line++;
	*text = '\0';
	parser->ended = memchr(parser->buffer, '\0', n);
	if (parser->ended)
		parser_fail(parser,
			    fail(EINVAL, "%s:%d: NUL byte: not a text file", parser->path, parser->line));
	else
		parser_fail(parser, next_line(parser, text, size));
	return parser->ended ? NULL : text;
}

static void parse_file(struct parser *parser, const char *path, FILE *file)
{
	int err;

	parser->path = path;
	parser->file = file;
	parser->line = 0;
	parser->section = SECTION_NONE;
	parser->pending = NULL;
	err = ini_parse_stream(read_line, parser, handle, parser);
	if (err && !parser->err)
		parser_fail(parser, fail(err < 0 ? ENOMEM : EINVAL, "%s:%d: libinih: not understood", path,
					 err < 0 ? 0 : err));
}

/* PresharedKey may stand in the file. */
static void parse_included(struct parser *parser)
{
	struct config *config = parser->config;
	char buffer[BUFSIZ];

	parser->included = true;
	parser_fail(parser, config_expand_includes(config));
	for (size_t i = 0; i < config->n_files && !parser->ended; i++) {
		_cleanup_fclose_ FILE *file = NULL;

		if (parser_fail(parser, config_open_included(config, i, &file)))
			continue;
		setvbuf(file, buffer, _IOFBF, sizeof(buffer));
		parse_file(parser, config->files[i].path, file);
	}
	explicit_bzero(buffer, sizeof(buffer));
}

int config_parse(struct config *config, FILE *file)
{
	struct parser parser = { .config = config };

	parse_file(&parser, config->path, file);
	if (!parser.ended && config->n_includes)
		parse_included(&parser);
	free(parser.buffer);
	if (!parser.ended)
		sections_check(&parser);
	free(parser.sections);
	config_derive(config);
	return parser.err;
}
