// SPDX-License-Identifier: GPL-2.0-or-later
/* PostUp and PostDown: commands that root will run, and who may therefore write to the configuration. */
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "config/config_parse.h"

/* Does the file or directory belong to root, and may nobody else write to it? */
static int check_hook_owner(const struct config_line *where, const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return fail_at(where, "%s: %s", path, strerror(errno));
	if (st.st_uid == 0 && !(st.st_mode & 022))
		return 0;
	fail_at(where, "%s, owner %u, permissions %04o: others could have root run their commands", path,
		st.st_uid, st.st_mode & 07777);
	hint("chown root %s && chmod go-w %s", path, path);
	return -EPERM;
}

/* Write permission for the directory, or for that to which a symbolic link leads, is enough to replace the file. */
static int check_hook_file(const struct config_line *where)
{
	_cleanup_free_ char *target = realpath(where->path, NULL), *copy = strdup(where->path);
	int err = target && copy ? check_hook_owner(where, target)
				 : fail_at(where, "%s: %s", where->path, strerror(errno));

	if (!err)
		err = check_hook_owner(where, dirname(target));
	return err ?: check_hook_owner(where, dirname(copy));
}

int hooks_add(struct hooks *hooks, const struct config_line *where, const char *command)
{
	char **commands;

	if (strlen(command) > HOOK_LEN)
		return fail_at(where, "longer than %d characters", HOOK_LEN);
	if (hooks->n == HOOKS_MAX)
		return fail_at(where, "more than %d commands", HOOKS_MAX);
	commands = reallocarray(hooks->commands, hooks->n + 1, sizeof(*commands));
	if (!commands)
		return fail_at(where, "out of memory");
	hooks->commands = commands;
	commands[hooks->n] = strdup(command);
	if (!commands[hooks->n])
		return fail_at(where, "out of memory");
	hooks->n++;
	return 0;
}

static int set_hook(struct hooks *hooks, const struct config_line *where, const char *command)
{
	/* The file is the same for all lines. */
	int err = hooks->n ? 0 : check_hook_file(where);

	return err ?: hooks_add(hooks, where, command);
}

int set_post_up(struct config *config, const struct config_line *where, char *value)
{
	return set_hook(&config->post_up, where, value);
}

int set_post_down(struct config *config, const struct config_line *where, char *value)
{
	return set_hook(&config->post_down, where, value);
}

void hooks_free(struct hooks *hooks)
{
	for (size_t i = 0; i < hooks->n; i++)
		free(hooks->commands[i]);
	free(hooks->commands);
	*hooks = (struct hooks){};
}
