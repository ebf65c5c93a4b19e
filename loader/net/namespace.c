// SPDX-License-Identifier: GPL-2.0-or-later
/* Finding, entering and comparing network namespaces. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/message.h"
#include "net/namespace.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* The number of namespaces after which a search ends. */
#define NAMESPACES_MAX 65536

static void cleanup_closedir(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

int namespace_here(struct namespace *namespace)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t length = sizeof(namespace->cookie);
	struct stat status;

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &namespace->cookie, &length) < 0 ||
	    stat("/proc/self/ns/net", &status) < 0)
		return fail(errno, "network namespace: cannot identify the current one: %s", strerror(errno));
	namespace->inode = status.st_ino;
	return 0;
}

static bool is_same_netns(const char *path, __u64 inode)
{
	struct stat status;

	return stat(path, &status) == 0 && status.st_ino == inode;
}

bool namespace_find(__u64 inode, char *path, size_t path_size, char *name, size_t name_size)
{
	DIR *named __attribute__((cleanup(cleanup_closedir))) = opendir("/run/netns");
	DIR *processes __attribute__((cleanup(cleanup_closedir))) = opendir("/proc");
	struct dirent *entry;

	while (named && (entry = readdir(named))) {
		snprintf(path, path_size, "/run/netns/%s", entry->d_name);
		if (entry->d_name[0] != '.' && is_same_netns(path, inode)) {
			snprintf(name, name_size, "%s", entry->d_name);
			return true;
		}
	}
	name[0] = '\0';
	while (processes && (entry = readdir(processes))) {
		snprintf(path, path_size, "/proc/%s/ns/net", entry->d_name);
		if (isdigit((unsigned char)entry->d_name[0]) && is_same_netns(path, inode))
			return true;
	}
	return false;
}

int namespace_enter(__u64 inode, __u64 cookie, int *back)
{
	char path[sizeof("/run/netns/") + 256], name[256];
	struct namespace entered;
	_cleanup_close_ int fd = -1;

	*back = -1;
	if (!namespace_find(inode, path, sizeof(path), name, sizeof(name)))
		return -ENOENT;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	*back = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || *back < 0 || setns(fd, CLONE_NEWNET) < 0)
		return -errno;
	if (namespace_here(&entered) == 0 && entered.cookie == cookie)
		return 0;
	namespace_leave(back);
	return -ENOENT;
}

/* Enter the namespace at path, unless it was seen before. */
static bool enter_once(const char *path, __u64 *seen, size_t *n, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) || *n == size)
		return false;
	for (size_t i = 0; i < *n; i++)
		if (seen[i] == status.st_ino)
			return false;
	seen[(*n)++] = status.st_ino;
	return setns(fd, CLONE_NEWNET) == 0;
}

bool namespace_each_other(bool (*each)(const char *path, void *data), void *data)
{
	static const char *const directories[] = { "/run/netns", "/proc" };
	_cleanup_free_ __u64 *seen = calloc(NAMESPACES_MAX, sizeof(*seen));
	char path[sizeof("/run/netns/") + 256 + sizeof("/ns/net")];
	struct namespace here;
	bool done = false;
	size_t n = 0;
	int back = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (!seen || back < 0 || namespace_here(&here)) {
		namespace_leave(&back);
		return false;
	}
	seen[n++] = here.inode;
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
		DIR *directory __attribute__((cleanup(cleanup_closedir))) = opendir(directories[i]);
		struct dirent *entry;

		while (!done && directory && (entry = readdir(directory))) {
			if (i ? !isdigit((unsigned char)entry->d_name[0]) : entry->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s%s", directories[i], entry->d_name,
				 i ? "/ns/net" : "");
			done = enter_once(path, seen, &n, NAMESPACES_MAX) && each(path, data);
		}
	}
	namespace_leave(&back);
	return done;
}

void namespace_leave(int *back)
{
	if (*back < 0)
		return;
	if (setns(*back, CLONE_NEWNET) < 0)
		warning("network namespace: cannot return to the previous one: %s", strerror(errno));
	close(*back);
	*back = -1;
}
