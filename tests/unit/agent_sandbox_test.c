// SPDX-License-Identifier: GPL-2.0-or-later
/* The sandbox: what a process in it cannot do any more, each in a child of its own that then does it. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/bpf.h>

#include "unit.h"

#include "agent/landlock.h"
#include "agent/resolver.h"
#include "agent/sandbox.h"
#include "agent/seccomp.h"

/* Exit codes of a child. */
enum { REFUSED, ALLOWED, UNPREPARED };

static int verdict(long result)
{
	return result < 0 && (errno == EPERM || errno == EACCES) ? REFUSED : ALLOWED;
}

static int try_inet(void)
{
	return verdict(socket(AF_INET, SOCK_DGRAM, 0));
}

static int try_unix(void)
{
	return verdict(socket(AF_UNIX, SOCK_DGRAM, 0));
}

static int try_packet(void)
{
	return verdict(socket(AF_PACKET, SOCK_RAW, 0));
}

static int try_write_file(void)
{
	return verdict(open("/tmp/xdpsec-sandbox", O_WRONLY | O_CREAT, 0600));
}

static int try_read_file(void)
{
	return verdict(open("/etc/hostname", O_RDONLY));
}

static int try_fork(void)
{
	return verdict(fork());
}

static int try_exec(void)
{
	return verdict(execl("/bin/true", "true", NULL));
}

static int try_kill(void)
{
	return verdict(kill(getppid(), 0));
}

static int try_ptrace(void)
{
	return verdict(syscall(SYS_ptrace, 0, 0, 0, 0));
}

static int try_make_map(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1
	};

	return verdict(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static int try_find_map(void)
{
	union bpf_attr attr = {};

	return verdict(syscall(SYS_bpf, BPF_MAP_GET_NEXT_ID, &attr, sizeof(attr)));
}

/* EBADF: the command itself is allowed. */
static int try_read_map(void)
{
	union bpf_attr attr = { .map_fd = 1000 };

	return verdict(syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)));
}

/* A pin could be opened again, and then be written to by the user who has made it. */
static int try_pin_map(void)
{
	union bpf_attr attr = { .bpf_fd = 1000 };

	return verdict(syscall(SYS_bpf, BPF_OBJ_PIN, &attr, sizeof(attr)));
}

static int try_code(void)
{
	void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return code == MAP_FAILED && errno == EPERM ? REFUSED : ALLOWED;
}

static int try_memory(void)
{
	void *memory = malloc(1 << 22);

	return memory ? ALLOWED : REFUSED;
}

static int try_root(void)
{
	return verdict(setresuid(0, 0, 0));
}

static int try_namespace(void)
{
	return verdict(unshare(CLONE_NEWNET));
}

static const struct attempt {
	const char *name;
	int (*try)(void);
	int agent, resolver;
} attempts[] = {
	{ "a socket of IPv4", try_inet, REFUSED, ALLOWED },
	{ "a socket of this host", try_unix, ALLOWED, ALLOWED },
	{ "a raw socket", try_packet, REFUSED, REFUSED },
	{ "make a file", try_write_file, REFUSED, REFUSED },
	/* The agent has Landlock as well, where the kernel has it. */
	{ "read a file", try_read_file, ALLOWED, ALLOWED },
	{ "fork", try_fork, REFUSED, REFUSED },
	{ "run a program", try_exec, REFUSED, REFUSED },
	{ "kill another process", try_kill, REFUSED, REFUSED },
	{ "trace another process", try_ptrace, REFUSED, REFUSED },
	{ "make a BPF map", try_make_map, REFUSED, REFUSED },
	{ "look for BPF maps", try_find_map, REFUSED, REFUSED },
	{ "pin a BPF map", try_pin_map, REFUSED, REFUSED },
	{ "read a BPF map that it has", try_read_map, ALLOWED, REFUSED },
	{ "memory that is code", try_code, REFUSED, ALLOWED },
	{ "memory", try_memory, ALLOWED, ALLOWED },
	{ "become root", try_root, REFUSED, REFUSED },
	{ "another namespace", try_namespace, REFUSED, REFUSED },
};

static int in_child(enum seccomp_role role, int (*try)(void))
{
	struct agent_user user;
	int status;
	pid_t child = fork();

	if (child == 0) {
		if (sandbox_find_user(&user) || sandbox_leave_root(&user) || seccomp_enter(role))
			_exit(UNPREPARED);
		_exit(try());
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void attempted(void **state)
{
	const struct attempt *attempt = *state;

	if (geteuid())
		skip();
	assert_int_equal(in_child(SECCOMP_AGENT, attempt->try), attempt->agent);
	assert_int_equal(in_child(SECCOMP_RESOLVER, attempt->try), attempt->resolver);
}

/* Without the sandbox each of them is possible, so that the tests above mean something. */
static int try_outside(void)
{
	return try_write_file() == ALLOWED && unlink("/tmp/xdpsec-sandbox") == 0 && try_packet() == ALLOWED &&
			       try_code() == ALLOWED && try_root() == ALLOWED
		       ? ALLOWED
		       : REFUSED;
}

static void possible_outside(void **state)
{
	(void)state;
	if (geteuid())
		skip();
	assert_int_equal(try_outside(), ALLOWED);
}

static int read_status(const char *field, char *value, size_t size)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	int found = -1;

	while (file && found && fgets(line, sizeof(line), file))
		if (strncmp(line, field, strlen(field)) == 0) {
			snprintf(value, size, "%s", line + strlen(field));
			value[strcspn(value, "\n")] = '\0';
			found = 0;
		}
	if (file)
		fclose(file);
	return found;
}

/* In the child: everything that /proc/PID/status says of rights. */
static int check_rights(void)
{
	static const char *const empty[] = { "CapInh:\t", "CapPrm:\t", "CapEff:\t", "CapBnd:\t",
					     "CapAmb:\t" };
	struct rlimit core;
	char value[128];

	for (size_t i = 0; i < ARRAY_SIZE(empty); i++)
		if (read_status(empty[i], value, sizeof(value)) || strspn(value, "0") != strlen(value))
			return 10 + (int)i;
	if (read_status("NoNewPrivs:\t", value, sizeof(value)) || strcmp(value, "1") != 0)
		return 20;
	if (read_status("Groups:\t", value, sizeof(value)) || strspn(value, " ") != strlen(value))
		return 21;
	if (prctl(PR_GET_DUMPABLE) != 0)
		return 22;
	if (getrlimit(RLIMIT_CORE, &core) || core.rlim_cur != 1 || core.rlim_max != 1)
		return 23;
	return getuid() && getgid() && getuid() == geteuid() ? 0 : 24;
}

static void rights(void **state)
{
	struct agent_user user;
	int status;
	pid_t child;

	(void)state;
	if (geteuid())
		skip();
	child = fork();
	if (child == 0) {
		if (sandbox_find_user(&user) || sandbox_lock_memory() || sandbox_leave_root(&user))
			_exit(UNPREPARED);
		/* Not dumpable: /proc/self is root's, but for what everybody may read. */
		_exit(check_rights());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* Landlock: below the directory that was given, and nowhere else. */
static int try_landlock(void)
{
	int directory = open("/etc", O_RDONLY | O_DIRECTORY), none = -1;

	(void)none;
	if (landlock_enter(&directory, 1))
		return UNPREPARED;
	if (open("/etc/passwd", O_RDONLY) < 0)
		return 10;
	return verdict(open("/proc/self/status", O_RDONLY));
}

static void landlock(void **state)
{
	int status;
	pid_t child;

	(void)state;
	/* cmocka's skip() prints "not ok", which prove takes for a failure. */
	if (syscall(444, NULL, 0, 1) < 1) {
		print_message("# this kernel has no Landlock\n");
		return;
	}
	child = fork();
	if (child == 0)
		_exit(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? UNPREPARED : try_landlock());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, REFUSED << 8);
}

static void secret_is_wiped_in_a_child(void **state)
{
	char *secret = sandbox_secret(100);
	int status;
	pid_t child;

	(void)state;
	assert_non_null(secret);
	memset(secret, 7, 100);
	child = fork();
	if (child == 0)
		_exit(secret[50]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(secret[50], 7);
	sandbox_free_secret(secret, 100);
}

static void wait_for_answer(int fd, struct resolver_answer *answer)
{
	for (int i = 0; i < 1000; i++) {
		int got = resolver_receive(fd, answer);

		assert_true(got >= 0);
		if (got)
			return;
		usleep(10000);
	}
	fail_msg("no answer");
}

/* The only child of a process. */
static pid_t child_of(pid_t parent)
{
	char path[64], text[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	return (pid_t)strtol(text, NULL, 10);
}

static void resolver(void **state)
{
	static const uint8_t loopback4[16] = { [10] = 0xff, 0xff, 127, 0, 0, 1 };
	struct resolver_question question = { .peer = 5, .name = "localhost" };
	struct resolver_answer answer;
	struct agent_user user;
	int fd, found = 0;

	(void)state;
	if (geteuid())
		skip();
	assert_int_equal(sandbox_find_user(&user), 0);
	assert_int_equal(resolver_start(&user, &fd), 0);
	assert_int_equal(resolver_begin(fd, 0), 0);
	assert_int_equal(resolver_receive(fd, &answer), 0);
	assert_true(resolver_ask(fd, &question));
	wait_for_answer(fd, &answer);
	assert_int_equal(answer.peer, 5);
	assert_int_equal(answer.error, 0);
	for (uint32_t i = 0; i < answer.n; i++)
		found += memcmp(answer.addresses[i], loopback4, 16) == 0;
	assert_int_equal(found, 1);
	/* A name that cannot be. */
	question.peer = 6;
	strcpy(question.name, "no such name");
	assert_true(resolver_ask(fd, &question));
	wait_for_answer(fd, &answer);
	assert_int_equal(answer.peer, 6);
	assert_int_not_equal(answer.error, 0);
	/* The keeper starts another one if it dies, and says so. */
	assert_int_equal(kill(child_of(child_of(getpid())), SIGKILL), 0);
	wait_for_answer(fd, &answer);
	assert_int_equal(answer.peer, RESOLVER_DIED);
	assert_int_equal(answer.error, SIGKILL);
	question.peer = 7;
	strcpy(question.name, "localhost");
	assert_true(resolver_ask(fd, &question));
	wait_for_answer(fd, &answer);
	assert_int_equal(answer.peer, 7);
	assert_int_equal(answer.error, 0);
	/* Both end with the socket. */
	close(fd);
	assert_true(waitpid(-1, NULL, 0) > 0);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(attempts) + 5];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
		tests[n++] = (struct CMUnitTest)unit_test_row(attempts[i].name, attempted, &attempts[i]);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(possible_outside);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(rights);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(landlock);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(secret_is_wiped_in_a_child);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(resolver);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
