// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading a configuration file: where it is, which instance it names, and what it says. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "config/config.h"
#include "config/config_parse.h"

#define SUFFIX ".conf"
#define DIRECTORY "/etc/xdpsec"
/* Unassigned (IANA has nothing at 7237 to 7261), below the ports that systems give to sockets, and the
 * number of OCB's RFC. */
#define LISTEN_PORT 7253

static int set_instance_name(struct config *config, const char *path, const char *file)
{
	size_t length = strlen(file);

	if (length <= strlen(SUFFIX) || strcmp(file + length - strlen(SUFFIX), SUFFIX)) {
		fail(EINVAL, "%s: the file name does not end in " SUFFIX, path);
		hint("NAME" SUFFIX " configures the instance NAME");
		return -EINVAL;
	}
	length -= strlen(SUFFIX);
	if (length < sizeof(config->name)) {
		memcpy(config->name, file, length);
		config->name[length] = '\0';
	}
	if (length >= sizeof(config->name) || !instance_name_valid(config->name)) {
		fail(EINVAL, "%s: %.*s: not a valid instance name", path, (int)length, file);
		hint("a letter or digit first, then letters, digits, \"-\" and \"_\"; %d characters at most",
		     XDPSEC_NAME_LEN - 1);
		return -EINVAL;
	}
	return 0;
}

/* The directory is resolved, the file is not: the name of a symbolic link is the instance's name, and
 * relative key files are beside the link. */
static int set_path(struct config *config, const char *path)
{
	_cleanup_free_ char *for_directory = strdup(path), *for_file = strdup(path), *directory = NULL;
	const char *file;
	int err;

	if (!for_directory || !for_file)
		return fail(ENOMEM, "%s: out of memory", path);
	file = basename(for_file);
	err = set_instance_name(config, path, file);
	if (err)
		return err;
	directory = realpath(dirname(for_directory), NULL);
	if (!directory)
		return fail(errno, "%s: %s", path, strerror(errno));
	/* The root directory already ends with a slash. */
	if ((size_t)snprintf(config->path, sizeof(config->path), "%s/%s", directory[1] ? directory : "",
			     file) >= sizeof(config->path))
		return fail(ENAMETOOLONG, "%s: %s", path, strerror(ENAMETOOLONG));
	return 0;
}

void config_usual_path(const char *name, char *path, size_t size)
{
	snprintf(path, size, DIRECTORY "/%s" SUFFIX, name);
}

/* A name without a directory is that of a file in the usual directory. */
static int find_file(struct config *config, const char *name, FILE **file)
{
	char usual[sizeof(DIRECTORY "/" SUFFIX) + XDPSEC_NAME_LEN];
	bool is_name = instance_name_valid(name);
	int err;

	config_usual_path(is_name ? name : "", usual, sizeof(usual));
	err = set_path(config, is_name ? usual : name);
	if (!err)
		err = config_open(config->path, file);
	if (!err)
		return 0;
	config->path[0] = '\0';
	if (is_name && err == -ENOENT)
		hint("%s alone means %s; give another file with its path or suffix: ./%s" SUFFIX, name, usual,
		     name);
	return err;
}

void config_begin(struct config *config)
{
	memset(config, 0, sizeof(*config));
	config->listen_port = config->tunnel.listen_port = LISTEN_PORT;
	config->reject_after = REJECT_AFTER;
	config->tunnel.former_port = LISTEN_PORT_FORMER;
}

static void wipe_buffer(char (*buffer)[BUFSIZ])
{
	explicit_bzero(*buffer, sizeof(*buffer));
}

int config_read(struct config *config, const char *path)
{
	/* The buffer of stdio, wiped after the file is closed: PrivateKey may stand in it. */
	char buffer[BUFSIZ] __attribute__((cleanup(wipe_buffer)));
	_cleanup_fclose_ FILE *file = NULL;
	int err, step;

	config_begin(config);
	err = find_file(config, path, &file);
	if (err)
		return err;
	setvbuf(file, buffer, _IOFBF, sizeof(buffer));
	err = config_parse(config, file);
	if (err == -ENOMEM || config->mistakes == CONFIG_MISTAKES_MAX)
		return err;
	step = config_check(config);
	return err ?: step;
}
