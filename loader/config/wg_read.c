// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lines and sections of a file of wg-quick. As in config_ini.c, libinih splits lines into keys and values, and the
 * reader in front of it handles what inih sees in another way than wg(8): "#" starts a comment anywhere, ";" and ":"
 * mean nothing, names of keys and sections are in any case, lists are of any length.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <ini.h>

#include "base/cleanup.h"
#include "base/line.h"
#include "base/message.h"
#include "base/prefix.h"
#include "base/similar.h"
#include "config/wg_parse.h"
#include "config/wg_quick.h"

struct wg_reader {
	struct config *config;
	FILE *file;
	char *buffer;
	size_t buffer_size;
	char *rest; /* of a list that inih gets in several lines */
	int line;
	enum section section;
	int section_line, interface_line;
	int lines[WG_SETTINGS_MAX]; /* of the section's keys; 0: not given */
	struct wg_names names;
	size_t peers_allocated;
	int err; /* the first */
	bool ended;
};

static struct config_line here(const struct wg_reader *reader)
{
	return (struct config_line){ reader->config->path, reader->line, NULL };
}

static void count_failure(struct wg_reader *reader, int err)
{
	if (!err)
		return;
	reader->err = reader->err ?: err;
	if (err == -ENOMEM || config_mistake(reader->config))
		reader->ended = true;
}

static const char *section_name(enum section section)
{
	return section == SECTION_PEER ? "[Peer]" : "[Interface]";
}

/* The key that was meant is not missing as well. */
static int unknown_wg_key(struct wg_reader *reader, const char *key)
{
	const struct config_line where = { reader->config->path, reader->line, key };
	const char *names[WG_SETTINGS_MAX] = {}, *meant;
	size_t n = 0;

	for (size_t i = 0; i < n_wg_settings; i++)
		if (wg_settings[i].section == reader->section)
			names[n++] = wg_settings[i].name;
	meant = did_you_mean(key, names, n);
	fail_at(&where, "unknown key in %s", section_name(reader->section));
	if (meant) {
		hint("did you mean %s?", meant);
		reader->lines[wg_setting_find(reader->section, meant) - wg_settings] = reader->line;
	} else {
		hint("wg-quick(8) and wg(8) list the keys");
	}
	return -EINVAL;
}

static int take_key(struct wg_reader *reader, const char *key, char *value)
{
	const struct wg_setting *setting = wg_setting_find(reader->section, key);
	struct config_line where = here(reader);
	int *line;

	if (!setting)
		return unknown_wg_key(reader, key);
	where.key = setting->name;
	line = &reader->lines[setting - wg_settings];
	if (*line && (setting->kind == WG_VALUE || setting->kind == WG_SECRET))
		return fail_at(&where, "given twice in this section, first in line %d", *line);
	*line = reader->line;
	if (!*value)
		return fail_at(&where, "has no value");
	return setting->set(reader->config, &where, value);
}

/* inih's callback; 0 means failure. */
static int handle_wg(void *user, const char *section, const char *key, const char *value)
{
	struct wg_reader *reader = user;
	_cleanup_free_ char *copy = strdup(value);
	int err = copy ? take_key(reader, key, copy)
		       : fail(ENOMEM, "%s:%d: out of memory", reader->config->path, reader->line);

	(void)section;
	count_failure(reader, err);
	return !err;
}

static void require(struct wg_reader *reader, const char *name, const char *advice)
{
	const struct config_line where = { reader->config->path, reader->section_line,
					   section_name(reader->section) };

	if (reader->ended || reader->lines[wg_setting_find(reader->section, name) - wg_settings])
		return;
	count_failure(reader, fail_at(&where, "%s is missing", name));
	hint("%s", advice);
}

static void end_section(struct wg_reader *reader)
{
	if (reader->section == SECTION_INTERFACE) {
		if (!reader->config->private_key_file[0])
			require(reader, "PrivateKey", "`wg genkey` and `xdpsec genkey` print one");
		/* So that config_check() does not say a second time that it is missing. */
		reader->config->private_key_line = reader->config->private_key_line ?: reader->section_line;
	} else if (reader->section == SECTION_PEER) {
		require(reader, "PublicKey", "the peer prints it: wg show DEVICE public-key");
		require(reader, "AllowedIPs",
			"the prefixes behind the peer; without one, nothing is sent to it");
	}
}

static int begin_wg_peer(struct wg_reader *reader)
{
	struct config *config = reader->config;
	int err = config_add_peer(config, &reader->peers_allocated, config->path, reader->line);

	if (err)
		return err;
	config->agreed = true;
	config->peers[config->n_peers - 1].agreed = true;
	return 0;
}

/* Once it is known that it is a file of wg-quick. */
static void warn_of_permissions(const struct wg_reader *reader)
{
	const char *path = reader->config->path;
	struct stat st;

	if (fstat(fileno(reader->file), &st) || !S_ISREG(st.st_mode) || !(st.st_mode & 077))
		return;
	warning("%s: permissions %04o are too open: others can read its keys", path, st.st_mode & 07777);
	hint("chmod 600 %s, and make new keys if somebody may have read them", path);
}

static int begin_wg_section(struct wg_reader *reader, const char *text, const char *comment)
{
	struct config_line where = here(reader);
	int err;

	end_section(reader);
	reader->section = SECTION_REFUSED;
	reader->section_line = reader->line;
	memset(reader->lines, 0, sizeof(reader->lines));
	if (!strcasecmp(text, "[Interface]")) {
		if (reader->interface_line)
			return fail_at(&where, "[Interface]: given twice, first in line %d",
				       reader->interface_line);
		warn_of_permissions(reader);
		reader->interface_line = reader->line;
		reader->section = SECTION_INTERFACE;
		wg_names_section(&reader->names, NULL, NULL);
		return 0;
	}
	if (strcasecmp(text, "[Peer]") != 0) {
		fail_at(&where, "%s: unknown section", text);
		hint("a file of wg-quick has [Interface] and [Peer]");
		return -EINVAL;
	}
	err = begin_wg_peer(reader);
	if (err)
		return err;
	reader->section = SECTION_PEER;
	wg_names_section(&reader->names, current_peer(reader->config), comment);
	return 0;
}

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

/* The value, after the only "=" that separates. */
static char *value_of(char *line)
{
	return trim(line + strcspn(line, "=") + 1);
}

static int take_secret(struct wg_reader *reader, char *line)
{
	int err = take_key(reader, line, value_of(line));

	/* A longer line would move the buffer, and leave it behind. */
	explicit_bzero(reader->buffer, reader->buffer_size);
	return err;
}

/* A part of the list that fits a line of inih, with its key. */
static char *next_part(struct wg_reader *reader, char *text, size_t max)
{
	char *list = reader->rest;
	/* The longest key, " = " and the NUL. */
	size_t room = max - sizeof("AllowedIPs = "), n = strlen(list), cut = n;

	if (n > room) {
		for (cut = room; cut && list[cut] != ','; cut--)
			;
		cut = cut ?: room;
	}
	sprintf(text, "%s = %.*s", reader->section == SECTION_PEER ? "AllowedIPs" : "Address", (int)cut,
		list);
	reader->rest = list[cut] ? list + cut + (list[cut] == ',') : NULL;
	return text;
}

/* Give the line of a key to inih, at most max bytes. */
static int pass_on(struct wg_reader *reader, char *line, char *text, size_t max)
{
	const struct wg_setting *setting = wg_setting_find(reader->section, line);
	struct config_line where = here(reader);

	if (setting)
		where.key = setting->name;
	if (setting && setting->kind == WG_SECRET)
		return take_secret(reader, line);
	if (setting && setting->kind == WG_LEFT_OUT)
		return take_key(reader, line, value_of(line));
	if (strchr(line, ';'))
		return fail_at(&where, "\";\" starts no comment in files of wg-quick, only \"#\" does");
	if (setting && setting->kind == WG_LIST) {
		reader->rest = value_of(line);
		next_part(reader, text, max);
		return 0;
	}
	if (strlen(line) > max)
		return fail_at(&where, "line longer than %zu characters", max);
	strcpy(text, line);
	return 0;
}

static int take_line(struct wg_reader *reader, char *text, size_t max)
{
	const struct config_line where = here(reader);
	char *line = reader->buffer, *comment;

	if (reader->line == 1 && !strncmp(line, "\xef\xbb\xbf", 3))
		line += 3;
	comment = strchr(line, '#');
	if (comment)
		*comment++ = '\0';
	line = trim(line);
	if (*line == '[')
		return begin_wg_section(reader, line, comment ? trim(comment) : NULL);
	if (!*line) {
		if (comment)
			wg_names_comment(&reader->names, trim(comment));
		else
			wg_names_empty(&reader->names);
		return 0;
	}
	if (reader->section == SECTION_NONE) {
		reader->section = SECTION_REFUSED;
		fail_at(&where, "expected [Interface]");
		hint("is this a file of wg-quick? [Interface] comes before the first key");
		return -EINVAL;
	}
	if (reader->section == SECTION_REFUSED)
		return 0;
	wg_names_key(&reader->names, reader->section == SECTION_PEER ? current_peer(reader->config) : NULL);
	/* inih would take "Key: Value". */
	if (line[strcspn(line, "=:")] != '=' || *line == '=')
		return fail_at(&where, "expected [Section] or Key = Value");
	return pass_on(reader, line, text, max);
}

/* inih's reader, with the interface of fgets(). */
static char *read_wg_line(char *text, int size, void *stream)
{
	struct wg_reader *reader = stream;
	/* inih needs room for "\r\n" and the NUL. */
	size_t max = size - 3;
	ssize_t n;

	if (reader->ended)
		return NULL;
	if (reader->rest)
		return next_part(reader, text, max);
	n = line_read(&reader->buffer, &reader->buffer_size, reader->file);
	if (n < 0) {
		reader->ended = errno;
		if (errno)
			count_failure(reader, config_unreadable(reader->config->path, reader->line));
		return NULL;
	}
	reader->line++;
	*text = '\0';
	reader->ended = memchr(reader->buffer, '\0', n);
	if (reader->ended)
		count_failure(reader, fail(EINVAL, "%s:%d: NUL byte: not a text file", reader->config->path,
					   reader->line));
	else
		count_failure(reader, take_line(reader, text, max));
	return reader->ended ? NULL : text;
}

/* A default route needs a mark, and with Table = off none. */
static void complete_mark(struct config *config)
{
	bool has_default = false;

	for (const struct peer_config *peer = config->peers; peer < config->peers + config->n_peers; peer++)
		for (size_t i = 0; i < peer->n_prefixes; i++)
			has_default |= prefix_is_default(&peer->prefixes[i]);
	if (!config->tunnel.mark_given && config->tunnel.no_routes)
		config->tunnel.mark_given = has_default;
	else if (!config->tunnel.mark_given && has_default)
		config->tunnel.mark = FULL_TUNNEL_MARK;
}

/* Keys that are not there: WireGuard means something by that. */
static void complete(struct wg_reader *reader)
{
	struct config *config = reader->config;

	if (!config->listen_port_line) {
		warning("%s: ListenPort is missing: %u takes the place of a port by chance", config->path,
			config->listen_port);
		hint("write ListenPort = PORT if other sites have this one as their Endpoint");
	}
	/* As WireGuard does: all packets from one port, and peers are followed wherever they are. */
	config->tunnel.listen_only = true;
	wg_names_complete(config);
}

static void check_sections(struct wg_reader *reader)
{
	const char *missing = reader->interface_line ? "[Peer]" : "[Interface]";

	end_section(reader);
	if (reader->err || (reader->interface_line && reader->config->n_peers))
		return;
	count_failure(reader, fail(EINVAL, "%s: no %s section", reader->config->path, missing));
	hint("wg-quick(8), EXAMPLES, has a complete file");
}

static int read_sections(struct config *config, FILE *file)
{
	struct wg_reader reader = { .config = config, .file = file };
	int err, step;

	err = ini_parse_stream(read_wg_line, &reader, handle_wg, &reader);
	if (reader.buffer)
		explicit_bzero(reader.buffer, reader.buffer_size);
	free(reader.buffer);
	if (err && !reader.err)
		count_failure(&reader, fail(err < 0 ? ENOMEM : EINVAL, "%s:%d: libinih: not understood",
					    config->path, err < 0 ? 0 : err));
	if (reader.ended)
		return reader.err;
	check_sections(&reader);
	complete_mark(config);
	if (!reader.err)
		complete(&reader);
	step = config_check(config);
	return reader.err ?: step;
}

static int open_wg_file(const char *path, FILE **file)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return fail(errno, "%s: %s", path, strerror(errno));
	*file = fdopen(fd, "r");
	if (!*file)
		return fail(errno, "%s: %s", path, strerror(errno));
	take_fd(&fd);
	return 0;
}

static void wipe_stdio(char (*buffer)[BUFSIZ])
{
	explicit_bzero(*buffer, sizeof(*buffer));
}

int wg_quick_read(struct config *config, const char *path, const char *name, const char *tunnel)
{
	/* The buffer of stdio, to be wiped after it is closed. */
	char buffer[BUFSIZ] __attribute__((cleanup(wipe_stdio)));
	_cleanup_fclose_ FILE *file = NULL;
	int err, step;

	config_begin(config);
	config->mode = MODE_TUNNEL;
	if (snprintf(config->path, sizeof(config->path), "%s", path) >= (int)sizeof(config->path))
		return fail(ENAMETOOLONG, "%s: %s", path, strerror(ENAMETOOLONG));
	snprintf(config->name, sizeof(config->name), "%s", name);
	snprintf(config->tunnel.name, sizeof(config->tunnel.name), "%s", tunnel);
	err = open_wg_file(path, &file);
	if (err)
		return err;
	setvbuf(file, buffer, _IOFBF, sizeof(buffer));
	err = read_sections(config, file);
	if (err == -ENOMEM || config->mistakes == CONFIG_MISTAKES_MAX)
		return err;
	step = config_check_keys(config, NULL);
	return err ?: step;
}
