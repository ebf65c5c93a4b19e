// SPDX-License-Identifier: GPL-2.0-or-later
/* Include: which files a configuration includes, opening them, and naming the one that a peer is from. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/line.h"
#include "base/message.h"
#include "base/owner.h"
#include "config/config_parse.h"

const char *peer_text(const struct peer_config *peer)
{
	return peer->name[0] ? peer->name : "(without a name)";
}

const char *peer_path(const struct config *config, const struct peer_config *peer)
{
	return peer->file ?: config->path;
}

const char *line_text(const struct config *config, const char *here, const struct peer_config *peer, int line,
		      char text[LINE_TEXT])
{
	const char *there = peer_path(config, peer);

	if (strcmp(here, there) == 0)
		snprintf(text, LINE_TEXT, "line %d", line);
	else
		snprintf(text, LINE_TEXT, "line %d of %s", line, there);
	return text;
}

int set_include(struct config *config, const struct config_line *where, char *value)
{
	struct include *includes;
	char pattern[PATH_MAX];
	int err = value_path(where, value, pattern);

	if (err)
		return err;
	includes = reallocarray(config->includes, config->n_includes + 1, sizeof(*includes));
	if (!includes)
		return fail_at(where, "out of memory");
	config->includes = includes;
	includes[config->n_includes] = (struct include){
		.pattern = strdup(pattern),
		.directory = strlen(pattern) - strlen(value),
		.line = where->line,
	};
	if (!includes[config->n_includes].pattern)
		return fail_at(where, "out of memory");
	config->n_includes++;
	return 0;
}

static void warn_of_file(const char *path, const struct stat *st)
{
	if (owner_is_foreign(st)) {
		warning("%s: owner %u: others can change what is protected", path, st->st_uid);
		hint("chown root %s", path);
	} else if (st->st_mode & 022) {
		warning("%s: permissions %04o are too open: others can change what is protected", path,
			st->st_mode & 07777);
		hint("chmod go-w %s", path);
	}
}

int config_open(const char *path, FILE **file)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return fail(errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(EINVAL, "%s: not a regular file", path);
	warn_of_file(path, &st);
	*file = fdopen(fd, "r");
	if (!*file)
		return fail(errno, "%s: %s", path, strerror(errno));
	take_fd(&fd);
	return 0;
}

int config_unreadable(const char *path, int line)
{
	if (errno == EFBIG)
		return fail(EFBIG, "%s:%d: longer than %u bytes: not a text file", path, line + 1,
			    LINE_BYTES);
	return fail(errno, "%s: %s", path, strerror(errno));
}

/* Write permission for the directory is permission to add peers. */
static void warn_of_directory(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	const char *directory = copy ? dirname(copy) : NULL;
	struct stat st;

	if (!directory || stat(directory, &st) || !owner_exposed(&st))
		return;
	warning("%s: owner %u, permissions %04o: others can change what is protected", directory, st.st_uid,
		st.st_mode & 07777);
	hint("chown root %s; chmod go-w %s", directory, directory);
}

static int add_file(struct config *config, const char *path)
{
	struct config_file *files = reallocarray(config->files, config->n_files + 1, sizeof(*files));

	if (!files)
		return fail(ENOMEM, "%s: out of memory", config->path);
	config->files = files;
	files[config->n_files] = (struct config_file){ .path = strdup(path) };
	if (!files[config->n_files].path)
		return fail(ENOMEM, "%s: out of memory", config->path);
	config->n_files++;
	return 0;
}

/* The error of a directory that glob() could not read. */
static int unreadable;

/* glob() ends if this is not 0. */
static int note_glob_error(const char *path, int error)
{
	(void)path;
	unreadable = error == ENOENT || error == ENOTDIR ? 0 : error;
	return unreadable;
}

static int refuse_pattern(const struct config_line *where, const struct include *include, int found)
{
	const char *pattern = include->pattern;

	if (found == GLOB_NOSPACE)
		return fail(ENOMEM, "%s:%d: out of memory", where->path, where->line);
	if (found == GLOB_ABORTED)
		return fail_at(where, "%s: cannot read the directory: %s", pattern, strerror(unreadable));
	/* Other keys take lists, and this would be a pattern that matches nothing: at `reload` all peers were gone. */
	if (strchr(pattern + include->directory, ',')) {
		fail_at(where, "%s: no file matches it, and it is no list", pattern);
		hint("a line with Include = for each pattern");
		return -EINVAL;
	}
	/* A pattern may match nothing yet, a name must not. */
	if (strpbrk(pattern + include->directory, "*?["))
		return 0;
	return fail_at(where, "%s: %s", pattern, strerror(ENOENT));
}

/* As glob() has to get it: what is no pattern is quoted. */
static void quote_directory(const struct include *include, char quoted[2 * PATH_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < include->directory; i++) {
		if (strchr("*?[\\", include->pattern[i]))
			quoted[n++] = '\\';
		quoted[n++] = include->pattern[i];
	}
	strcpy(quoted + n, include->pattern + include->directory);
}

static int refuse_directory(const struct config_line *where, const struct include *include)
{
	const char *name = include->pattern + include->directory;
	int n = (int)strlen(name);

	while (n > 1 && name[n - 1] == '/')
		n--;
	fail_at(where, "%s: is a directory", include->pattern);
	hint("Include = %.*s/*.conf", n, name);
	return -EISDIR;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int expand_include(struct config *config, struct include *include)
{
	const struct config_line where = { config->path, include->line, "Include" };
	char quoted[2 * PATH_MAX];
	glob_t names = {};
	int found, err;

	quote_directory(include, quoted);
	found = glob(quoted, 0, note_glob_error, &names);
	err = found ? refuse_pattern(&where, include, found) : 0;
	if (!found && is_directory(include->pattern))
		err = refuse_directory(&where, include);
	include->n_files = found ? 0 : names.gl_pathc;
	for (size_t i = 0; !err && i < include->n_files; i++)
		err = add_file(config, names.gl_pathv[i]);
	if (!err && include->n_files)
		warn_of_directory(include->pattern);
	globfree(&names);
	return err;
}

int config_expand_includes(struct config *config)
{
	int err = 0, step;

	for (size_t i = 0; i < config->n_includes; i++) {
		step = expand_include(config, &config->includes[i]);
		err = err ?: step;
		if (step && config_mistake(config))
			break;
	}
	return err;
}

static bool is_same_inode(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

int config_open_included(struct config *config, size_t i, FILE **file)
{
	struct config_file *included = &config->files[i];
	struct stat st;
	int err = config_open(included->path, file);

	if (err)
		return err;
	if (fstat(fileno(*file), &included->st))
		return fail(errno, "%s: %s", included->path, strerror(errno));
	if (stat(config->path, &st) == 0 && is_same_inode(&st, &included->st)) {
		fail(EINVAL, "%s: Include: is the configuration itself", included->path);
		hint("keep the files of peers in a directory of their own: Include = peers.d/*.conf");
		return -EINVAL;
	}
	for (size_t k = 0; k < i; k++)
		if (is_same_inode(&config->files[k].st, &included->st)) {
			fail(EINVAL, "%s: Include: the same file as %s, which is included already",
			     included->path, config->files[k].path);
			hint("remove one of the two, or narrow the pattern");
			return -EINVAL;
		}
	return 0;
}

void config_free_includes(struct config *config)
{
	for (size_t i = 0; i < config->n_includes; i++)
		free(config->includes[i].pattern);
	for (size_t i = 0; i < config->n_files; i++)
		free(config->files[i].path);
	free(config->includes);
	free(config->files);
	config->includes = NULL;
	config->files = NULL;
	config->n_includes = config->n_files = 0;
}
