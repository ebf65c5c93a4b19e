// SPDX-License-Identifier: GPL-2.0-or-later
/* Checks that nobody else may write to, or lock, a directory of ours. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/kernel.h"
#include "base/message.h"
#include "base/owner.h"

bool owner_is_foreign(const struct stat *status)
{
	return status->st_uid != 0 && status->st_uid != geteuid();
}

bool owner_others_write(const struct stat *status)
{
	return owner_is_foreign(status) || status->st_mode & 022;
}

bool owner_exposed(const struct stat *directory)
{
	return owner_is_foreign(directory) ||
	       (owner_others_write(directory) && !(directory->st_mode & S_ISVTX));
}

/* Does the directory contain an instance? Then it must not be removed: the programs would be detached. */
static bool holds_ours(const char *path)
{
	DIR *directory = opendir(path);
	bool found = false;
	struct dirent *entry;
	struct stat status;

	while (directory && !found && (entry = readdir(directory)))
		found = entry->d_name[0] != '.' &&
			fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISDIR(status.st_mode) && !owner_is_foreign(&status);
	if (directory)
		closedir(directory);
	return found;
}

static void fail_exposed(const char *path, const struct stat *status)
{
	fail(EPERM, "%s: owner %u, permissions %04o: others could rename, replace or lock the pins", path,
	     status->st_uid, status->st_mode & 07777);
}

int owner_check_pins(const char *path)
{
	struct stat status;

	if (lstat(path, &status))
		return errno == ENOENT ? -ENOENT : fail(errno, "%s: %s", path, strerror(errno));
	if (!S_ISDIR(status.st_mode)) {
		fail(EPERM, "%s: not a directory: another user created it", path);
		hint("rm %s; chmod 700 " BPFFS " prevents others from creating it again", path);
		return -EPERM;
	}
	if (!owner_others_write(&status))
		return 0;
	fail_exposed(path, &status);
	if (!owner_is_foreign(&status) || holds_ours(path))
		hint("chown root:root %s; chmod 700 %s", path, path);
	else
		hint("rm -r %s; chmod 700 " BPFFS " prevents others from creating it again", path);
	return -EPERM;
}

int owner_check_libxdp(const char *path)
{
	_cleanup_free_ char *target = NULL;
	struct stat status;

	if (lstat(path, &status) || !S_ISLNK(status.st_mode) || owner_is_foreign(&status))
		return owner_check_pins(path);
	target = realpath(path, NULL);
	if (target)
		return owner_check_pins(target);
	fail(errno, "%s: a symbolic link to nothing: libxdp cannot lock it", path);
	hint("rm %s", path);
	return -ENOTDIR;
}

int owner_check_bpffs(void)
{
	struct stat status;

	if (stat(BPFFS, &status))
		return fail(errno, "%s: %s", BPFFS, strerror(errno));
	if (!owner_exposed(&status))
		return 0;
	fail_exposed(BPFFS, &status);
	hint("chown root:root %s; chmod 700 %s", BPFFS, BPFFS);
	return -EPERM;
}
