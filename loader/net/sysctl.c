// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading and writing settings in /proc/sys/net. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "net/sysctl.h"

static int open_sysctl(const char *family, const char *device, const char *name, int flags)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, device, name);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int sysctl_set(const char *family, const char *device, const char *name, int value)
{
	_cleanup_close_ int fd = open_sysctl(family, device, name, O_WRONLY);
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", value);

	if (fd < 0)
		return fd;
	return write(fd, text, (size_t)length) == length ? 0 : -errno;
}

static int read_value(int fd, int *value)
{
	char text[16] = "";

	if (read(fd, text, sizeof(text) - 1) < 0)
		return -errno;
	return sscanf(text, "%d", value) == 1 ? 0 : -EINVAL;
}

int sysctl_get(const char *family, const char *device, const char *name, int *value)
{
	_cleanup_close_ int fd = open_sysctl(family, device, name, O_RDONLY);

	return fd < 0 ? fd : read_value(fd, value);
}

int sysctl_get_global(const char *family, const char *name, int *value)
{
	char path[128];
	_cleanup_close_ int fd = -1;

	snprintf(path, sizeof(path), "/proc/sys/net/%s/%s", family, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : read_value(fd, value);
}

void sysctl_silence_ipv6(const char *device)
{
	sysctl_set("ipv6", device, "disable_ipv6", 1);
}
