// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The list of system calls.
 *
 * The effects of a call on a descriptor are bounded by the descriptors that the agent has; what it names (files, sockets,
 * commands of bpf(2), processes) is bounded here by its arguments. A call that an architecture or libseccomp does not
 * know is left out.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "agent/seccomp.h"
#include "base/array.h"
#include "base/message.h"

/* Memory, time, waiting, input and output on open descriptors, and the end of a process. */
static const char *const common_calls[] = {
	"brk",
	"munmap",
	"mremap",
	"madvise",
	"mlock",
	"munlock",
	"clock_gettime",
	"clock_gettime64",
	"clock_getres",
	"clock_getres_time64",
	"gettimeofday",
	"time",
	"clock_nanosleep",
	"clock_nanosleep_time64",
	"nanosleep",
	"restart_syscall",
	"futex",
	"futex_time64",
	"sched_yield",
	"rseq",
	"set_robust_list",
	"getrandom",
	"read",
	"readv",
	"pread64",
	"write",
	"writev",
	"pwrite64",
	"lseek",
	"_llseek",
	"close",
	"dup2",
	"dup3",
	"fstat",
	"fstat64",
	"fcntl",
	"fcntl64",
	"recvmsg",
	"recvfrom",
	"recv",
	"sendmsg",
	"sendto",
	"send",
	"poll",
	"ppoll",
	"ppoll_time64",
	"rt_sigreturn",
	"sigreturn",
	"rt_sigprocmask",
	"rt_sigaction",
	"getpid",
	"gettid",
	"exit",
	"exit_group",
};

/* The agent's loop, its keys and its state. */
static const char *const agent_calls[] = {
	"epoll_wait",	     "epoll_pwait", "epoll_pwait2",    "epoll_ctl",	    "recvmmsg",
	"recvmmsg_time64",   "sendmmsg",    "timerfd_settime", "timerfd_settime64", "timerfd_gettime",
	"timerfd_gettime64", "membarrier",  "fsync",	       "fdatasync",	    "msync",
	"ftruncate",	     "ftruncate64",
};

/* getaddrinfo(3) with the name services of this host: files, DNS, systemd-resolved, nscd. */
static const char *const resolver_calls[] = {
	"bind",		  "getsockname",     "getpeername",
	"setsockopt",	  "getsockopt",	     "sendmmsg",
	"recvmmsg",	  "recvmmsg_time64", "ioctl",
	"stat",		  "stat64",	     "lstat",
	"lstat64",	  "newfstatat",	     "fstatat64",
	"statx",	  "access",	     "faccessat",
	"faccessat2",	  "readlink",	     "readlinkat",
	"getdents64",	  "statfs",	     "statfs64",
	"fstatfs",	  "fstatfs64",	     "uname",
	"getuid",	  "geteuid",	     "getgid",
	"getegid",	  "getuid32",	     "geteuid32",
	"getgid32",	  "getegid32",	     "select",
	"pselect6",	  "pselect6_time64", "_newselect",
	"prlimit64",	  "ugetrlimit",	     "getrlimit",
	"sysinfo",	  "getppid",	     "pipe2",
	"eventfd2",	  "epoll_create1",   "epoll_ctl",
	"epoll_wait",	  "epoll_pwait",     "sched_getaffinity",
	"timerfd_create", "timerfd_settime", "mprotect",
	"mmap",		  "mmap2",
};

/* fork(2), waiting, and what the resolver restricts itself with. */
static const char *const keeper_calls[] = {
	"wait4", "waitid", "prctl", "seccomp", "fork", "socketpair", "capset", "capget",
};

static const unsigned int agent_bpf_commands[] = {
	BPF_MAP_LOOKUP_ELEM,
	BPF_MAP_UPDATE_ELEM, /* for the grace period: no other map that the agent has can be written */
	BPF_MAP_LOOKUP_BATCH,
	BPF_PROG_TEST_RUN,
};

static const int local_families[] = { AF_UNIX, AF_NETLINK };
static const int network_families[] = { AF_INET, AF_INET6 };

/* Names of calls that this libseccomp or architecture lacks are no mistake. */
static int allow(scmp_filter_ctx filter, const char *name)
{
	int call = seccomp_syscall_resolve_name(name), err;

	if (call == __NR_SCMP_ERROR)
		return 0;
	err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
	return err == -EDOM ? 0 : err;
}

static int rule_if(scmp_filter_ctx filter, uint32_t action, const char *name, struct scmp_arg_cmp argument)
{
	int call = seccomp_syscall_resolve_name(name), err;

	if (call == __NR_SCMP_ERROR)
		return 0;
	err = seccomp_rule_add(filter, action, call, 1, argument);
	return err == -EDOM ? 0 : err;
}

static int allow_if(scmp_filter_ctx filter, const char *name, struct scmp_arg_cmp argument)
{
	return rule_if(filter, SCMP_ACT_ALLOW, name, argument);
}

static int allow_all(scmp_filter_ctx filter, const char *const *names, size_t n)
{
	int err = 0;

	for (size_t i = 0; !err && i < n; i++)
		err = allow(filter, names[i]);
	return err;
}

/* A file is opened to read; no file is made. */
static int allow_reading(scmp_filter_ctx filter)
{
	const unsigned int mask = O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
	int err = allow_if(filter, "openat", SCMP_A2(SCMP_CMP_MASKED_EQ, mask, O_RDONLY));

	return err ?: allow_if(filter, "open", SCMP_A1(SCMP_CMP_MASKED_EQ, mask, O_RDONLY));
}

/* abort() and raise() signal the own process, and nobody else. */
static int allow_abort(scmp_filter_ctx filter)
{
	int err = allow_if(filter, "tgkill", SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));

	return err ?: allow_if(filter, "tkill", SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
}

/* No memory becomes code. */
static int allow_data(scmp_filter_ctx filter)
{
	int err = allow_if(filter, "mmap", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	if (!err)
		err = allow_if(filter, "mmap2", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return err ?: allow_if(filter, "mprotect", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

/* fstat(3), as libc makes it: of a descriptor, without a name. */
static int allow_fstat(scmp_filter_ctx filter)
{
	int err = allow_if(filter, "newfstatat", SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH));

	if (!err)
		err = allow_if(filter, "fstatat64", SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH));
	return err ?: allow_if(filter, "statx", SCMP_A2(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
}

static int allow_agent(scmp_filter_ctx filter)
{
	int err = allow_all(filter, agent_calls, ARRAY_SIZE(agent_calls));

	if (!err)
		err = allow_data(filter);
	if (!err)
		err = allow_fstat(filter);
	for (size_t i = 0; !err && i < ARRAY_SIZE(agent_bpf_commands); i++)
		err = allow_if(filter, "bpf", SCMP_A0(SCMP_CMP_EQ, agent_bpf_commands[i]));
	/* syslog(3) connects again after its server was started anew. */
	if (!err)
		err = allow_if(filter, "socket", SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
	return err ?: allow(filter, "connect");
}

/* network: what becomes of its sockets of IPv4 and IPv6 */
static int allow_resolver(scmp_filter_ctx filter, uint32_t network)
{
	int err = allow_all(filter, resolver_calls, ARRAY_SIZE(resolver_calls));

	for (size_t i = 0; !err && i < ARRAY_SIZE(local_families); i++)
		err = allow_if(filter, "socket", SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)local_families[i]));
	for (size_t i = 0; !err && i < ARRAY_SIZE(network_families); i++)
		err = rule_if(filter, network, "socket",
			      SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)network_families[i]));
	return err ?: allow(filter, "connect");
}

/* The keeper forks the resolver, whose list is added to this one. No namespace is made. */
static int allow_keeper(scmp_filter_ctx filter)
{
	const unsigned int namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
					CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
	int err = allow_resolver(filter, SCMP_ACT_ALLOW);

	if (!err)
		err = allow_if(filter, "clone", SCMP_A0(SCMP_CMP_MASKED_EQ, namespaces, 0));
	for (size_t i = 0; !err && i < ARRAY_SIZE(keeper_calls); i++)
		err = allow(filter, keeper_calls[i]);
	return err;
}

static int fill_filter(scmp_filter_ctx filter, enum seccomp_role role, uint32_t network)
{
	int err = allow_all(filter, common_calls, ARRAY_SIZE(common_calls));

	if (!err)
		err = allow_reading(filter);
	if (!err)
		err = allow_abort(filter);
	if (!err)
		err = role == SECCOMP_AGENT    ? allow_agent(filter)
		      : role == SECCOMP_KEEPER ? allow_keeper(filter)
					       : allow_resolver(filter, network);
	return err;
}

/* listener NULL: all sockets are the process's own */
static int enter(enum seccomp_role role, int *listener)
{
	const char *action = getenv("XDPSEC_SECCOMP");
	bool kills = action && strcmp(action, "kill") == 0;
	scmp_filter_ctx filter = seccomp_init(kills ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(EPERM));
	int err;

	if (!filter)
		return -ENOMEM;
	/* A kernel or libseccomp without it keeps the filter, and logs nothing. */
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
	err = fill_filter(filter, role, listener ? SCMP_ACT_NOTIFY : SCMP_ACT_ALLOW);
	if (!err)
		err = seccomp_load(filter);
	if (!err && listener)
		*listener = fcntl(seccomp_notify_fd(filter), F_DUPFD_CLOEXEC, 0);
	if (!err && listener)
		close(seccomp_notify_fd(filter));
	seccomp_release(filter);
	return err;
}

int seccomp_enter(enum seccomp_role role)
{
	int err = enter(role, NULL);

	return err ? fail(-err, "seccomp: cannot restrict the system calls: %s", strerror(-err)) : 0;
}

int seccomp_enter_listened(int *listener)
{
	return enter(SECCOMP_RESOLVER, listener);
}
