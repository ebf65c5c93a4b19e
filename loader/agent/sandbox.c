// SPDX-License-Identifier: GPL-2.0-or-later
/* Becoming a process that can do nothing but its work. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>
#include <linux/capability.h>
#include <openssl/crypto.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "agent/sandbox.h"
#include "base/message.h"

int sandbox_find_user(struct agent_user *user)
{
	const struct passwd *entry = getpwnam(AGENT_USER);

	user->name = AGENT_USER;
	if (!entry) {
		entry = getpwnam(AGENT_USER_FALLBACK);
		user->name = AGENT_USER_FALLBACK;
	}
	if (!entry || !entry->pw_uid || !entry->pw_gid) {
		fail(ENOENT, "the agent needs an unprivileged user: there is no user %s", AGENT_USER);
		hint("systemd-sysusers, or: useradd --system --shell /usr/sbin/nologin %s", AGENT_USER);
		return -ENOENT;
	}
	user->uid = entry->pw_uid;
	user->gid = entry->pw_gid;
	return 0;
}

int sandbox_lock_memory(void)
{
	/* fs/coredump.c: a limit of 0 does not stop a dump to a pipe, a limit of 1 does. */
	const struct rlimit core = { 1, 1 }, locked = { RLIM_INFINITY, RLIM_INFINITY };
	int what = MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT;

	if (setrlimit(RLIMIT_CORE, &core))
		return fail(errno, "cannot disable core dumps: %s", strerror(errno));
	/* The limit counts once CAP_IPC_LOCK is gone: under a low one later memory could not be had at all. Keys are in
	 * memory that is locked by itself. */
	if (setrlimit(RLIMIT_MEMLOCK, &locked))
		what = MCL_CURRENT | MCL_ONFAULT;
	if (mlockall(what))
		return fail(errno, "cannot keep the memory out of swap: %s", strerror(errno));
	return 0;
}

static int drop_bounding_set(void)
{
	for (unsigned long capability = 0; capability < 64; capability++)
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) && errno != EINVAL)
			return fail(errno, "capabilities: cannot drop %lu from the bounding set: %s",
				    capability, strerror(errno));
	return 0;
}

/* kept: as bits */
static int drop_capabilities(__u32 kept)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct wanted[2] = { { .effective = kept, .permitted = kept } }, left[2];

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) ||
	    syscall(SYS_capset, &header, wanted) || syscall(SYS_capget, &header, left))
		return fail(errno, "capabilities: cannot drop them: %s", strerror(errno));
	if (memcmp(left, wanted, sizeof(wanted)) != 0)
		return fail(EPERM, "capabilities: some are left");
	return 0;
}

static int leave_root(const struct agent_user *user, __u32 kept)
{
	int err = drop_bounding_set();

	if (err)
		return err;
	if (kept && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
		return fail(errno, "capabilities: cannot keep one: %s", strerror(errno));
	if (setgroups(0, NULL) || setresgid(user->gid, user->gid, user->gid) ||
	    setresuid(user->uid, user->uid, user->uid))
		return fail(errno, "cannot become user %s: %s", user->name, strerror(errno));
	err = drop_capabilities(kept);
	if (err)
		return err;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail(errno, "cannot give up new privileges: %s", strerror(errno));
	/* setresuid() has set it to fs.suid_dumpable, which may be 1 or 2. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return fail(errno ?: EPERM, "cannot close the memory to other processes of user %s",
			    user->name);
	return 0;
}

int sandbox_leave_root(const struct agent_user *user)
{
	return leave_root(user, 0);
}

int sandbox_leave_root_but_mark(const struct agent_user *user)
{
	return leave_root(user, 1U << CAP_NET_ADMIN);
}

int sandbox_drop_capabilities(void)
{
	return drop_capabilities(0);
}

void *sandbox_secret(size_t size)
{
	void *secret = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (secret == MAP_FAILED) {
		fail(errno, "memory for secrets: %s", strerror(errno));
		return NULL;
	}
	if (mlock(secret, size) || madvise(secret, size, MADV_DONTDUMP) ||
	    madvise(secret, size, MADV_WIPEONFORK)) {
		fail(errno, "memory for secrets: cannot lock it: %s", strerror(errno));
		munmap(secret, size);
		return NULL;
	}
	return secret;
}

void sandbox_free_secret(void *secret, size_t size)
{
	if (!secret)
		return;
	OPENSSL_cleanse(secret, size);
	munmap(secret, size);
}
