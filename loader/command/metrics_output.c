// SPDX-License-Identifier: GPL-2.0-or-later
/* Writing the file of node_exporter's textfile collector, which takes those that end in ".prom". */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "command/metrics_output.h"

static int write_all(int fd, const char *text, size_t length)
{
	ssize_t written;

	while (length) {
		written = write(fd, text, length);
		if (written < 0)
			return -errno;
		text += written;
		length -= (size_t)written;
	}
	return 0;
}

/* The metrics are no secret, and their reader is another user. */
static int fill_file(int fd, const char *text, size_t length)
{
	int err = write_all(fd, text, length);

	return err ?: fchmod(fd, 0644) ? -errno : 0;
}

/* Why there can be no file. */
static int refuse_path(const char *path, int err)
{
	fail(err, "%s: %s", path, strerror(err));
	if (err == ENOENT)
		hint("make its directory; for node_exporter it is that of --collector.textfile.directory");
	else if (err == ENOTDIR || err == EISDIR)
		hint("FILE is the path of a file, such as /var/lib/prometheus/node-exporter/xdpsec.prom");
	return -err;
}

/* The file takes the place of what is there: of a device, that would be its end for all others. */
static int refuse_target(const char *path, mode_t mode)
{
	if (S_ISDIR(mode))
		return refuse_path(path, EISDIR);
	fail(EINVAL, "%s: not a regular file, whose place another could take", path);
	hint("without --output, xdpsec metrics prints them; for a symbolic link, give the path of its file");
	return -EINVAL;
}

int metrics_write(const char *path, const char *text, size_t length)
{
	_cleanup_close_ int fd = -1;
	char temporary[PATH_MAX];
	struct stat there;
	int err;

	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= sizeof(temporary))
		return refuse_path(path, ENAMETOOLONG);
	if (lstat(path, &there) == 0 && !S_ISREG(there.st_mode))
		return refuse_target(path, there.st_mode);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return refuse_path(path, errno);
	err = fill_file(fd, text, length);
	if (!err && rename(temporary, path))
		err = -errno;
	if (!err)
		return 0;
	unlink(temporary);
	return refuse_path(path, -err);
}
