// SPDX-License-Identifier: GPL-2.0-or-later
/* Mounting the BPF file system, and telling whether it stays mounted. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <linux/magic.h>

#include "base/cleanup.h"
#include "base/kernel.h"
#include "base/message.h"
#include "command/bpffs.h"
#include "net/namespace.h"

static bool is_mounted(void)
{
	struct statfs status;

	return statfs(BPFFS, &status) == 0 && status.f_type == BPF_FS_MAGIC;
}

static bool same_file(const char *a, const char *b)
{
	struct stat one, other;

	return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

/* The parent process; 0: unknown */
static int parent_of(int process)
{
	char path[64];
	_cleanup_fclose_ FILE *file = NULL;
	int parent;

	snprintf(path, sizeof(path), "/proc/%d/stat", process);
	file = fopen(path, "re");
	/* The name between the brackets may have any character, but is no longer than 15. */
	return file && fscanf(file, "%*d (%*15[^)]) %*c %d", &parent) == 1 ? parent : 0;
}

static bool has_other_mounts(int process)
{
	struct stat own, its;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", process);
	return stat("/proc/self/ns/mnt", &own) == 0 && stat(path, &its) == 0 && own.st_ino != its.st_ino;
}

/*
 * Find a process that outlives this command and has another mount namespace: process 1, or, if that is not
 * visible, an ancestor of this one. 0: none is known.
 */
static int find_outer(void)
{
	struct stat status;
	int process;

	if (stat("/proc/1/ns/mnt", &status) == 0)
		return has_other_mounts(1) ? 1 : 0;
	for (process = getppid(); process > 1; process = parent_of(process))
		if (has_other_mounts(process))
			return process;
	return 0;
}

/* `ip netns exec` mounts its own /sys and keeps the root directory; a container has its own for both. */
static bool is_netns_exec(int outer)
{
	char root[64], sys[80];

	snprintf(root, sizeof(root), "/proc/%d/root/", outer);
	snprintf(sys, sizeof(sys), "%ssys", root);
	return same_file("/", root) && access(sys, F_OK) == 0 && !same_file("/sys", sys);
}

/* Print the command that works. */
static void hint_command(const struct options *options, int outer)
{
	const char *argument = options->argument ?: "", *blank = argument[0] ? " " : "";
	char path[300], name[256];
	struct namespace here;

	if (is_netns_exec(outer) && namespace_here(&here) == 0 &&
	    namespace_find(here.inode, path, sizeof(path), name, sizeof(name)) && name[0])
		hint("xdpsec -n %s %s%s%s, without `ip netns exec`", name, options->command, blank, argument);
	else
		hint("run xdpsec %s%s%s in a mount namespace that stays; if this one stays, first `mount -t "
		     "bpf -o mode=0700 bpf %s`",
		     options->command, blank, argument, BPFFS);
}

static int refuse_bpffs(const struct options *options, int outer)
{
	fail(ENOTSUP,
	     "%s: a file system mounted there would disappear with the mount namespace of this command, and "
	     "the pins with it",
	     BPFFS);
	hint_command(options, outer);
	return -ENOTSUP;
}

int bpffs_check(const struct options *options)
{
	int outer = is_mounted() ? 0 : find_outer();

	return outer ? refuse_bpffs(options, outer) : 0;
}

/* set if this command has mounted it */
static bool mounted;

int bpffs_prepare(void)
{
	int err;

	if (is_mounted())
		return 0;
	if (mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0) {
		err = errno;
		fail(err, "%s: no BPF file system is mounted there, and mounting it failed: %s", BPFFS,
		     strerror(err));
		hint(err == ENODEV ? "this kernel was built without CONFIG_BPF_SYSCALL"
				   : "mount -t bpf -o mode=0700 bpf " BPFFS);
		return -err;
	}
	mounted = true;
	return 0;
}

/* Is another one mounted here than outside? */
static bool is_own(int outer)
{
	char bpffs[80];

	snprintf(bpffs, sizeof(bpffs), "/proc/%d/root%s", outer, BPFFS);
	return !same_file(BPFFS, bpffs);
}

int bpffs_check_stays(const struct options *options)
{
	int outer = find_outer();

	if (outer && (mounted || (is_netns_exec(outer) && is_own(outer))))
		return refuse_bpffs(options, outer);
	if (mounted && access("/proc/1/ns/mnt", F_OK))
		warning("%s: mounted a BPF file system: if this mount namespace is a private one, the pins "
			"disappear when it ends",
			BPFFS);
	return 0;
}

void bpffs_undo(void)
{
	if (mounted)
		umount2(BPFFS, MNT_DETACH);
	mounted = false;
}
