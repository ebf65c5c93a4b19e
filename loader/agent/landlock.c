// SPDX-License-Identifier: GPL-2.0-or-later
/* Restricting the files that can be opened, by system calls that glibc has no functions for. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <linux/types.h>
#include <sys/syscall.h>

#include "agent/landlock.h"
#include "base/cleanup.h"
#include "base/message.h"

/* include/uapi/linux/landlock.h, which Debian 12 has without the later fields. The numbers of the calls are the same
 * on every architecture. */
#define CALL_CREATE_RULESET 444
#define CALL_ADD_RULE 445
#define CALL_RESTRICT_SELF 446
#define CREATE_RULESET_VERSION 1
#define RULE_PATH_BENEATH 1
#define ACCESS_READ_FILE (1ULL << 2)

struct ruleset_attr {
	__u64 handled_access_fs, handled_access_net, scoped;
};

struct path_beneath_attr {
	__u64 allowed_access;
	__s32 parent_fd;
} __attribute__((packed));

/* The rights that each version of the interface knows; of a later one those of the last. */
static const struct {
	__u64 files, net, scoped;
	size_t size;
} landlock_versions[] = {
	{ (1ULL << 13) - 1, 0, 0, 8 },	/* 1: files */
	{ (1ULL << 14) - 1, 0, 0, 8 },	/* 2: moves between directories */
	{ (1ULL << 15) - 1, 0, 0, 8 },	/* 3: truncation */
	{ (1ULL << 15) - 1, 3, 0, 16 }, /* 4: TCP */
	{ (1ULL << 16) - 1, 3, 0, 16 }, /* 5: ioctl() of devices */
	{ (1ULL << 16) - 1, 3, 2, 24 }, /* 6: signals to others; abstract sockets may be the log's */
};

static int allow_directories(int ruleset, const int *directories, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct path_beneath_attr rule = { .allowed_access = ACCESS_READ_FILE,
						  .parent_fd = directories[i] };

		if (syscall(CALL_ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0) < 0)
			return -errno;
	}
	return 0;
}

int landlock_enter(const int *directories, size_t n)
{
	long version = syscall(CALL_CREATE_RULESET, NULL, 0, CREATE_RULESET_VERSION);
	const long known = sizeof(landlock_versions) / sizeof(landlock_versions[0]);
	struct ruleset_attr attr;
	_cleanup_close_ int ruleset = -1;
	int err;

	if (version < 1)
		return 0;
	version = version > known ? known : version;
	attr = (struct ruleset_attr){ landlock_versions[version - 1].files,
				      landlock_versions[version - 1].net,
				      landlock_versions[version - 1].scoped };
	ruleset = (int)syscall(CALL_CREATE_RULESET, &attr, landlock_versions[version - 1].size, 0);
	err = ruleset < 0 ? -errno : allow_directories(ruleset, directories, n);
	if (!err && syscall(CALL_RESTRICT_SELF, ruleset, 0) < 0)
		err = -errno;
	return err ? fail(-err, "Landlock: cannot restrict the files: %s", strerror(-err)) : 0;
}
