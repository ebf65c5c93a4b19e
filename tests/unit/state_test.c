// SPDX-License-Identifier: GPL-2.0-or-later
/* State files: no sequence number is given out twice, whatever happens in between, and no key serves both
 * directions. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/fs.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "base/machine.h"
#include "plane/state.h"
#include "xdpsec/wire.h"

#define FINGERPRINT "00112233445566778899aabbccddeeff"
#define OTHER "ffeeddccbbaa99887766554433221100"

static char base[] = "/tmp/xdpsec-state-XXXXXX", dir[64], messages[64];

/* ---- death at a system call ---------------------------------------------------------------------------- */

/* The steps of writing a file pass through here; a process that is to die does it in front of step die_at. */
static int step, die_at = -1, die_within = -1;

static void take_step(void)
{
	if (++step == die_at)
		_exit(99);
}

ssize_t write(int fd, const void *data, size_t n)
{
	take_step();
	if (step == die_within) {
		syscall(SYS_write, fd, data, n / 2);
		_exit(99);
	}
	return syscall(SYS_write, fd, data, n);
}

int fsync(int fd)
{
	take_step();
	return syscall(SYS_fsync, fd);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	take_step();
	return syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

/* ---- another machine ---------------------------------------------------------------------------------- */

static const char *machine = "0123456789ab";

/* In the place of that of loader/base/machine.c. */
void machine_digest(char digest[MACHINE_HEX])
{
	strcpy(digest, machine);
}

/* ---- fixture ----------------------------------------------------------------------------------------- */

static int run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int run(const char *format, ...)
{
	char command[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	return system(command);
}

static int make_base(void **state)
{
	(void)state;
	if (!mkdtemp(base))
		return -1;
	snprintf(dir, sizeof(dir), "%s/state", base);
	snprintf(messages, sizeof(messages), "%s/messages", base);
	return freopen(messages, "a", stderr) ? 0 : -1;
}

static int remove_base(void **state)
{
	(void)state;
	return run("rm -rf %s", base);
}

static int clean(void **state)
{
	(void)state;
	machine = "0123456789ab";
	return run("rm -rf %s %s.copy; : >%s", dir, dir, messages);
}

static const char *path_of(const char *file)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return path;
}

static size_t read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, text, size - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	close(fd);
	return n;
}

static void write_file(const char *path, const char *text, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(syscall(SYS_write, fd, text, n), n);
	close(fd);
}

static void assert_message(const char *wanted)
{
	char text[4096];

	fflush(stderr);
	read_file(messages, text, sizeof(text));
	if (!strstr(text, wanted))
		fail_msg("wanted \"%s\", got \"%s\"", wanted, text);
	assert_int_equal(truncate(messages, 0), 0);
}

/* As the comment in state.c describes version 1 of the format. */
static void write_state(const char *file, uint64_t number)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char line[256];
	int i, n;

	n = sprintf(line, "xdpsec-state 1 %s %llu", file, (unsigned long long)number);
	assert_true(EVP_Digest(line, n, digest, NULL, EVP_sha256(), NULL));
	n += sprintf(line + n, " ");
	for (i = 0; i < 8; i++)
		n += sprintf(line + n, "%02x", digest[i]);
	n += sprintf(line + n, "\n");
	mkdir(dir, 0700);
	write_file(path_of(file), line, n);
}

static int reserve(bool is_new, __u64 *first, __u64 *limit)
{
	const struct state_claims claims = { .new_key = is_new };

	return state_reserve(dir, FINGERPRINT, &claims, "site-b", first, limit);
}

static int reserve_moved(__u64 *first, __u64 *limit)
{
	const struct state_claims claims = { .new_key = true, .moved = true };

	return state_reserve(dir, FINGERPRINT, &claims, "site-b", first, limit);
}

static int receive(__u64 *next)
{
	const struct state_claims claims = { .new_key = true };

	return state_receive(dir, FINGERPRINT, &claims, "site-b", next);
}

static int check(enum state_use use, bool is_new)
{
	const struct state_claims claims = { .new_key = is_new };

	return state_check(dir, FINGERPRINT, use, &claims, "site-b");
}

static void assert_reserved(__u64 wanted_first, __u64 wanted_limit)
{
	__u64 first, limit;

	assert_int_equal(reserve(false, &first, &limit), 0);
	assert_int_equal(first, wanted_first);
	assert_int_equal(limit, wanted_limit);
}

static void start_new(void)
{
	__u64 first, limit;

	assert_int_equal(reserve(true, &first, &limit), 0);
	assert_int_equal(first, 0);
	assert_int_equal(limit, STATE_RANGE);
}

/* ---- tests ------------------------------------------------------------------------------------------- */

static void missing_state_is_refused(void **state)
{
	__u64 first = 7, limit = 8;

	(void)state;
	assert_int_equal(reserve(false, &first, &limit), -ENOENT);
	assert_message("xdpsec: peer site-b: TxKeyFile: state file ");
	assert_int_equal(first, 7);
	assert_int_equal(limit, 8);
	/* Asking must not make it known. */
	assert_int_equal(reserve(false, &first, &limit), -ENOENT);
	assert_message("hint: use --new-key if the key was never used before, on any host");
}

static void new_key_starts_at_zero(void **state)
{
	(void)state;
	start_new();
}

static void next_range_follows(void **state)
{
	(void)state;
	start_new();
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
	assert_reserved(2 * STATE_RANGE, 3 * STATE_RANGE);
}

static void known_key_is_never_new(void **state)
{
	__u64 first, limit;

	(void)state;
	start_new();
	assert_int_equal(reserve(true, &first, &limit), 0);
	assert_int_equal(first, STATE_RANGE);
}

static void keys_are_apart(void **state)
{
	const struct state_claims known = {}, new = { .new_key = true };
	__u64 first, limit;

	(void)state;
	start_new();
	assert_int_equal(state_reserve(dir, OTHER, &known, "site-c", &first, &limit), -ENOENT);
	assert_message("peer site-c");
	assert_int_equal(state_reserve(dir, OTHER, &new, "site-c", &first, &limit), 0);
	assert_int_equal(first, 0);
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
}

static void unused_numbers_come_back(void **state)
{
	(void)state;
	start_new();
	assert_int_equal(state_return(dir, FINGERPRINT, 1000, STATE_RANGE), 0);
	assert_reserved(1000, 1000 + STATE_RANGE);
}

static void used_up_range_does_not_come_back(void **state)
{
	(void)state;
	start_new();
	assert_int_equal(state_return(dir, FINGERPRINT, STATE_RANGE, STATE_RANGE), 0);
	assert_int_equal(state_return(dir, FINGERPRINT, STATE_RANGE + 1, STATE_RANGE), 0);
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
}

static void older_range_does_not_come_back(void **state)
{
	(void)state;
	start_new();
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
	assert_int_equal(state_return(dir, FINGERPRINT, 1000, STATE_RANGE), 0);
	assert_reserved(2 * STATE_RANGE, 3 * STATE_RANGE);
}

static void removed_state_is_written_again(void **state)
{
	(void)state;
	start_new();
	assert_int_equal(unlink(path_of(FINGERPRINT ".tx")), 0);
	assert_int_equal(state_return(dir, FINGERPRINT, 1000, STATE_RANGE), 0);
	assert_reserved(1000, 1000 + STATE_RANGE);
}

static void range_ends_at_the_limit(void **state)
{
	__u64 first, limit;

	(void)state;
	write_state(FINGERPRINT ".tx", XDPSEC_SEQUENCE_LIMIT - 10);
	assert_reserved(XDPSEC_SEQUENCE_LIMIT - 10, XDPSEC_SEQUENCE_LIMIT);
	assert_int_equal(reserve(false, &first, &limit), -ERANGE);
	assert_message("xdpsec: peer site-b: TxKeyFile: every sequence number of this key is used\n"
		       "hint: make a new key for both sites: xdpsec genkey --manual");
	assert_int_equal(reserve(true, &first, &limit), -ERANGE);
	write_state(FINGERPRINT ".tx", UINT64_MAX);
	assert_int_equal(reserve(false, &first, &limit), -ERANGE);
}

static void whole_range_just_fits(void **state)
{
	(void)state;
	write_state(FINGERPRINT ".tx", XDPSEC_SEQUENCE_LIMIT - STATE_RANGE);
	assert_reserved(XDPSEC_SEQUENCE_LIMIT - STATE_RANGE, XDPSEC_SEQUENCE_LIMIT);
}

static void refuse_text(const char *text, size_t n)
{
	__u64 first, limit;

	write_file(path_of(FINGERPRINT ".tx"), text, n);
	if (reserve(true, &first, &limit) != -EBADMSG)
		fail_msg("accepted: \"%.*s\"", (int)n, text);
	if (state_return(dir, FINGERPRINT, 5, STATE_RANGE) != -EBADMSG)
		fail_msg("written over: \"%.*s\"", (int)n, text);
}

static void every_changed_byte_is_noticed(void **state)
{
	char text[256];
	size_t n, i;

	(void)state;
	start_new();
	n = read_file(path_of(FINGERPRINT ".tx"), text, sizeof(text));
	for (i = 0; i < n; i++) {
		text[i] ^= 1;
		refuse_text(text, n);
		text[i] ^= 1;
	}
	assert_message(": corrupted: the sequence numbers that were used are unknown\nhint: make new keys "
		       "for both sites (xdpsec genkey --manual), and use --new-key");
}

static void every_truncation_is_noticed(void **state)
{
	char text[256];
	size_t n, i;

	(void)state;
	start_new();
	n = read_file(path_of(FINGERPRINT ".tx"), text, sizeof(text));
	for (i = 0; i < n; i++)
		refuse_text(text, i);
	memcpy(text + n, "\n", 2);
	refuse_text(text, n + 1);
	text[n] = '\0';
	refuse_text(text, n + 1);
}

static void copy_under_another_name_is_noticed(void **state)
{
	const struct state_claims new = { .new_key = true };
	__u64 first, limit;

	(void)state;
	start_new();
	assert_int_equal(run("cp %s/" FINGERPRINT ".tx %s/" OTHER ".tx", dir, dir), 0);
	assert_int_equal(state_reserve(dir, OTHER, &new, "site-c", &first, &limit), -EBADMSG);
	assert_message("/" OTHER ".tx: corrupted");
	assert_int_equal(run("mv %s/" FINGERPRINT ".tx %s/" FINGERPRINT ".rx", dir, dir), 0);
	assert_int_equal(receive(&first), -EBADMSG);
}

static void link_is_not_followed(void **state)
{
	__u64 first, limit;

	(void)state;
	start_new();
	assert_int_equal(run("cd %s && mv " FINGERPRINT ".tx x && ln -s x " FINGERPRINT ".tx", dir), 0);
	assert_int_equal(reserve(true, &first, &limit), -ELOOP);
}

/* write, fsync of the file, rename, fsync of the directory. */
#define STEPS 4

static void die_in_child(bool within)
{
	__u64 first, limit;
	int status, at;
	pid_t pid;

	for (at = 1; at <= (within ? 1 : STEPS); at++) {
		run("rm -rf %s", dir);
		start_new();
		pid = fork();
		if (pid == 0) {
			step = 0;
			*(within ? &die_within : &die_at) = at;
			reserve(false, &first, &limit);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		/* That it died, and did not merely return, is what makes this a test. */
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 99);
		assert_int_equal(reserve(false, &first, &limit), 0);
		/* Before the rename nothing was given out; after it, a range is lost. */
		assert_int_equal(first, at <= 3 ? STATE_RANGE : 2 * STATE_RANGE);
		assert_int_equal(limit, first + STATE_RANGE);
		assert_int_not_equal(access(path_of("." FINGERPRINT ".tx.tmp"), F_OK), 0);
	}
}

static void death_at_any_step_repeats_nothing(void **state)
{
	(void)state;
	die_in_child(false);
}

static void death_within_the_write_repeats_nothing(void **state)
{
	(void)state;
	die_in_child(true);
}

static void number_of_steps_is_right(void **state)
{
	__u64 first, limit;

	(void)state;
	step = 0;
	assert_int_equal(reserve(true, &first, &limit), 0);
	assert_int_equal(step, STEPS);
}

static void left_behind_file_is_replaced(void **state)
{
	(void)state;
	start_new();
	write_file(path_of("." FINGERPRINT ".tx.tmp"), "xdpsec-st", 9);
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
	assert_int_not_equal(access(path_of("." FINGERPRINT ".tx.tmp"), F_OK), 0);
}

static void unwritable_directory_gives_nothing(void **state)
{
	__u64 first = 7, limit = 8;

	(void)state;
	start_new();
	/* Root may write everywhere; a directory in the way stops it, too. */
	assert_int_equal(mkdir(path_of("." FINGERPRINT ".tx.tmp"), 0700), 0);
	assert_true(reserve(false, &first, &limit) < 0);
	assert_int_equal(first, 7);
	assert_int_equal(rmdir(path_of("." FINGERPRINT ".tx.tmp")), 0);
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
}

static void parallel_ranges_are_disjoint(void **state)
{
	enum { PROCESSES = 4, EACH = 25 };
	bool seen[PROCESSES * EACH + 1] = {};
	int pipes[2], i, k, status;
	__u64 first, limit;

	(void)state;
	start_new();
	assert_int_equal(pipe(pipes), 0);
	for (i = 0; i < PROCESSES; i++) {
		if (fork())
			continue;
		for (k = 0; k < EACH; k++)
			if (reserve(false, &first, &limit) || syscall(SYS_write, pipes[1], &first, 8) != 8)
				_exit(1);
		_exit(0);
	}
	close(pipes[1]);
	for (i = 0; i < PROCESSES; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	for (i = 0; read(pipes[0], &first, 8) == 8; i++) {
		assert_int_equal(first % STATE_RANGE, 0);
		assert_in_range(first / STATE_RANGE, 1, PROCESSES * EACH);
		assert_false(seen[first / STATE_RANGE]);
		seen[first / STATE_RANGE] = true;
	}
	close(pipes[0]);
	assert_int_equal(i, PROCESSES * EACH);
}

static void others_cannot_read_or_write(void **state)
{
	mode_t mask = umask(0);
	struct stat st;

	(void)state;
	start_new();
	umask(mask);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(path_of(FINGERPRINT ".tx"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void open_directory_is_refused(void **state)
{
	__u64 first, limit;

	(void)state;
	start_new();
	assert_int_equal(chmod(dir, 0770), 0);
	assert_int_equal(reserve(true, &first, &limit), -EPERM);
	assert_message("permissions 0770: others could make sequence numbers repeat\nhint: chown root ");
	assert_int_equal(chmod(dir, 0755), 0);
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
}

/* It is of no use to give a directory of others to root alone. */
static void directory_of_others_stays_as_it_is(void **state)
{
	__u64 first, limit;
	char wanted[192];

	(void)state;
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(chmod(dir, 01777), 0);
	snprintf(wanted, sizeof(wanted),
		 "hint: a new directory gets the right permissions: --state-dir %s/xdpsec", dir);
	assert_int_equal(reserve(true, &first, &limit), -EPERM);
	assert_message(wanted);
}

static void directory_that_is_a_file_is_refused(void **state)
{
	__u64 first, limit;

	(void)state;
	write_file(dir, "", 0);
	assert_int_equal(reserve(true, &first, &limit), -ENOTDIR);
	assert_message(": Not a directory");
	assert_int_equal(receive(&first), -ENOTDIR);
}

static void received_is_kept(void **state)
{
	const struct state_claims known = {};
	__u64 next = 7;

	(void)state;
	assert_int_equal(receive(&next), 0);
	assert_int_equal(next, 0);
	assert_int_equal(state_save_received(dir, FINGERPRINT, 4242), 0);
	assert_int_equal(receive(&next), 0);
	assert_int_equal(next, 4242);
	assert_int_equal(state_receive(dir, OTHER, &known, "site-c", &next), 0);
	assert_int_equal(next, 0);
}

static void received_never_goes_back(void **state)
{
	__u64 next;

	(void)state;
	assert_int_equal(state_save_received(dir, FINGERPRINT, 4242), 0);
	assert_int_equal(state_save_received(dir, FINGERPRINT, 4241), 0);
	assert_int_equal(receive(&next), 0);
	assert_int_equal(next, 4242);
	assert_int_equal(state_save_received(dir, FINGERPRINT, 4243), 0);
	assert_int_equal(receive(&next), 0);
	assert_int_equal(next, 4243);
}

static void received_is_not_guessed(void **state)
{
	__u64 next = 7;

	(void)state;
	assert_int_equal(state_save_received(dir, FINGERPRINT, 4242), 0);
	write_file(path_of(FINGERPRINT ".rx"), "4242\n", 5);
	assert_int_equal(receive(&next), -EBADMSG);
	assert_int_equal(next, 7);
	assert_int_equal(state_save_received(dir, FINGERPRINT, 5000), -EBADMSG);
}

/* ---- a key is for one direction ------------------------------------------------------------------------ */

static void received_with_is_never_new_to_send_with(void **state)
{
	__u64 next = 7, limit;

	(void)state;
	/* From the first start on, whether something was received or not. */
	assert_int_equal(receive(&next), 0);
	next = 7;
	assert_int_equal(reserve(true, &next, &limit), -EKEYREJECTED);
	assert_message("peer site-b: TxKeyFile: this key was used for receiving (");
	assert_int_equal(next, 7);
	assert_int_equal(state_save_received(dir, FINGERPRINT, 4242), 0);
	assert_int_equal(reserve(true, &next, &limit), -EKEYREJECTED);
	assert_int_equal(reserve(false, &next, &limit), -EKEYREJECTED);
	assert_int_equal(check(STATE_TX, true), -EKEYREJECTED);
	assert_message("hint: make new keys for both sites");
	assert_int_not_equal(access(path_of(FINGERPRINT ".tx"), F_OK), 0);
}

static void sent_with_is_never_received_with(void **state)
{
	__u64 next = 7;

	(void)state;
	start_new();
	assert_int_equal(receive(&next), -EKEYREJECTED);
	assert_message("peer site-b: RxKeyFile: this key was used for sealing (");
	assert_int_equal(check(STATE_RX, true), -EKEYREJECTED);
	/* Also where it has sealed nothing in the end. */
	assert_int_equal(state_return(dir, FINGERPRINT, 0, STATE_RANGE), 0);
	assert_int_equal(receive(&next), -EKEYREJECTED);
	assert_int_equal(next, 7);
	assert_int_not_equal(access(path_of(FINGERPRINT ".rx"), F_OK), 0);
}

/* As an earlier version could leave it. */
static void both_directions_are_refused(void **state)
{
	__u64 first, limit;

	(void)state;
	write_state(FINGERPRINT ".tx", 1000);
	write_state(FINGERPRINT ".rx", 1000);
	assert_int_equal(reserve(false, &first, &limit), -EKEYREJECTED);
	assert_int_equal(receive(&first), -EKEYREJECTED);
}

static void other_direction_of_another_key_is_none(void **state)
{
	const struct state_claims new = { .new_key = true };
	__u64 next, first, limit;

	(void)state;
	assert_int_equal(receive(&next), 0);
	assert_int_equal(state_reserve(dir, OTHER, &new, "site-b", &first, &limit), 0);
	assert_int_equal(receive(&next), 0);
}

/* ---- copies ------------------------------------------------------------------------------------------- */

static struct statx_timestamp birth(const char *path)
{
	struct statx status;

	assert_int_equal(statx(AT_FDCWD, path, 0, STATX_BTIME, &status), 0);
	if (!(status.stx_mask & STATX_BTIME))
		skip();
	return status.stx_btime;
}

/* Until a file is younger than that of the state: clocks of file systems tick every few milliseconds. */
static void let_time_pass(const char *file)
{
	struct statx_timestamp then = birth(path_of(file)), now;
	char path[128];

	snprintf(path, sizeof(path), "%s/clock", base);
	do {
		unlink(path);
		write_file(path, "", 0);
		now = birth(path);
	} while (now.tv_sec == then.tv_sec && now.tv_nsec == then.tv_nsec);
}

/* The state of now is kept as CMD does it, used, and brought back. */
static void restore_by(const char *keep, const char *bring_back)
{
	__u64 first = 7, limit = 8;

	start_new();
	assert_int_equal(state_return(dir, FINGERPRINT, 1000, STATE_RANGE), 0);
	let_time_pass(FINGERPRINT ".tx");
	assert_int_equal(run("cd %s && %s", dir, keep), 0);
	assert_reserved(1000, 1000 + STATE_RANGE);
	assert_int_equal(state_return(dir, FINGERPRINT, 2000, 1000 + STATE_RANGE), 0);
	let_time_pass(FINGERPRINT ".tx");
	assert_int_equal(run("cd %s && %s", dir, bring_back), 0);
	if (reserve(false, &first, &limit) != -ESTALE)
		fail_msg("accepted after: %s; %s", keep, bring_back);
	assert_message(
		"is a copy, for example from a backup: the sequence numbers used since then are unknown\n"
		"hint: make new keys for both sites (xdpsec genkey --manual); use --moved-state only if ");
	assert_int_equal(reserve(true, &first, &limit), -ESTALE);
	assert_int_equal(check(STATE_TX, true), -ESTALE);
	assert_int_equal(first, 7);
	/* The rest of a range of a running instance does not make it good. */
	assert_int_equal(state_return(dir, FINGERPRINT, 900, 1000), -ESTALE);
	assert_int_equal(reserve(false, &first, &limit), -ESTALE);
	assert_int_equal(run("rm -rf %s.copy %s", dir, dir), 0);
}

static void copy_brought_back_is_refused(void **state)
{
	(void)state;
	restore_by("cp -a . ../state.copy", "rm -r * && cp -a ../state.copy/. .");
	restore_by("cp -a . ../state.copy", "rm -r * && mv ../state.copy/* .");
	restore_by("mkdir ../state.copy && cp -p *.tx ../state.copy", "cp ../state.copy/*.tx .");
	restore_by("mkdir ../state.copy && cp *.tx ../state.copy", "cat ../state.copy/*.tx >$(ls *.tx)");
	restore_by("mkdir ../state.copy && tar -cf ../state.copy/x .", "tar -xf ../state.copy/x");
}

static void moved_state_goes_on(void **state)
{
	__u64 first, limit;

	(void)state;
	start_new();
	assert_int_equal(state_return(dir, FINGERPRINT, 1000, STATE_RANGE), 0);
	let_time_pass(FINGERPRINT ".tx");
	assert_int_equal(run("cp -a %s %s.copy && rm -r %s && mv %s.copy %s", dir, dir, dir, dir, dir), 0);
	assert_int_equal(reserve(false, &first, &limit), -ESTALE);
	assert_int_equal(reserve_moved(&first, &limit), 0);
	assert_int_equal(first, 1000);
	/* And is at home from then on. */
	assert_reserved(1000 + STATE_RANGE, 1000 + 2 * STATE_RANGE);
}

/* Within a file system nothing is copied. */
static void renamed_directory_goes_on(void **state)
{
	(void)state;
	start_new();
	let_time_pass(FINGERPRINT ".tx");
	assert_int_equal(run("mv %s %s.copy && mkdir -m 700 %s && mv %s.copy/* %s", dir, dir, dir, dir, dir),
			 0);
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
}

static void state_of_another_machine_is_refused(void **state)
{
	__u64 first, limit, next;

	(void)state;
	start_new();
	machine = "ba9876543210";
	assert_int_equal(reserve(false, &first, &limit), -ESTALE);
	assert_message(".tx was written by another host, for example from a backup");
	machine = "0123456789ab";
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
	machine = "ba9876543210";
	assert_int_equal(reserve_moved(&first, &limit), 0);
	assert_int_equal(first, 2 * STATE_RANGE);
	assert_reserved(3 * STATE_RANGE, 4 * STATE_RANGE);
	/* A machine that does not say which one it is. */
	machine = "-";
	assert_reserved(4 * STATE_RANGE, 5 * STATE_RANGE);
	machine = "0123456789ab";
	assert_reserved(5 * STATE_RANGE, 6 * STATE_RANGE);
	run("rm -r %s", dir);
	assert_int_equal(receive(&next), 0);
	machine = "ba9876543210";
	assert_int_equal(receive(&next), -ESTALE);
	assert_message("RxKeyFile: state file");
}

static void copy_of_what_was_received_is_refused(void **state)
{
	const struct state_claims moved = { .moved = true };
	__u64 next = 7;

	(void)state;
	assert_int_equal(state_save_received(dir, FINGERPRINT, 4242), 0);
	let_time_pass(FINGERPRINT ".rx");
	assert_int_equal(run("cd %s && cp *.rx x && mv x *.rx", dir), 0);
	assert_int_equal(receive(&next), -ESTALE);
	assert_message("peer site-b: RxKeyFile: state file");
	assert_int_equal(next, 7);
	/* One that is up knows better. */
	assert_int_equal(state_save_received(dir, FINGERPRINT, 5000), 0);
	assert_int_equal(receive(&next), 0);
	assert_int_equal(next, 5000);
	let_time_pass(FINGERPRINT ".rx");
	assert_int_equal(run("cd %s && cp *.rx x && mv x *.rx", dir), 0);
	assert_int_equal(state_receive(dir, FINGERPRINT, &moved, "site-b", &next), 0);
	assert_int_equal(next, 5000);
	assert_int_equal(receive(&next), 0);
	assert_int_equal(next, 5000);
}

/* Its files say nothing of where they belong, and are replaced. */
static void earlier_version_goes_on(void **state)
{
	char text[256];

	(void)state;
	write_state(FINGERPRINT ".tx", 1000);
	assert_reserved(1000, 1000 + STATE_RANGE);
	read_file(path_of(FINGERPRINT ".tx"), text, sizeof(text));
	assert_int_equal(strncmp(text, "xdpsec-state 2 ", 15), 0);
	assert_reserved(1000 + STATE_RANGE, 1000 + 2 * STATE_RANGE);
}

static void later_version_is_refused(void **state)
{
	const char line[] = "xdpsec-state 3 " FINGERPRINT ".tx 0 - - 0123456789abcdef\n";
	__u64 first, limit;

	(void)state;
	start_new();
	write_file(path_of(FINGERPRINT ".tx"), line, strlen(line));
	assert_int_equal(reserve(true, &first, &limit), -EBADMSG);
}

static void backups_are_kept_away(void **state)
{
	char text[512];
	int fd, flags;

	(void)state;
	start_new();
	read_file(path_of("CACHEDIR.TAG"), text, sizeof(text));
	/* https://bford.info/cachedir/ */
	assert_int_equal(strncmp(text, "Signature: 8a477f597d28d172789f06886806bc55\n", 44), 0);
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0)
		assert_true(flags & FS_NODUMP_FL);
	close(fd);
	assert_int_equal(run("tar --exclude-caches -cf - -C %s . | tar -t | grep -q '[.]tx$'", dir) == 0,
			 false);
	assert_int_equal(run("tar -cf - -C %s . | tar -t | grep -q '[.]tx$'", dir), 0);
}

/* ---- what changes nothing ------------------------------------------------------------------------------ */

static void check_changes_nothing(void **state)
{
	__u64 first, limit;

	(void)state;
	assert_int_equal(check(STATE_TX, false), -ENOENT);
	assert_message("the sequence numbers that this key has used are unknown\nhint: use --new-key");
	assert_int_equal(check(STATE_TX, true), 0);
	assert_int_equal(check(STATE_RX, false), 0);
	assert_int_not_equal(access(dir, F_OK), 0);
	start_new();
	assert_int_equal(check(STATE_TX, false), 0);
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
	write_state(FINGERPRINT ".tx", XDPSEC_SEQUENCE_LIMIT);
	assert_int_equal(check(STATE_TX, false), -ERANGE);
	write_file(path_of(FINGERPRINT ".tx"), "x", 1);
	assert_int_equal(check(STATE_TX, true), -EBADMSG);
	assert_int_equal(reserve(true, &first, &limit), -EBADMSG);
}

/* Whoever may read the directory may lock it. */
static void locked_directory_is_no_obstacle(void **state)
{
	int fd;

	(void)state;
	start_new();
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	alarm(10);
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
	alarm(0);
	close(fd);
}

#define TEST(function) cmocka_unit_test_setup(function, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(missing_state_is_refused),
		TEST(new_key_starts_at_zero),
		TEST(next_range_follows),
		TEST(known_key_is_never_new),
		TEST(keys_are_apart),
		TEST(unused_numbers_come_back),
		TEST(used_up_range_does_not_come_back),
		TEST(older_range_does_not_come_back),
		TEST(removed_state_is_written_again),
		TEST(range_ends_at_the_limit),
		TEST(whole_range_just_fits),
		TEST(every_changed_byte_is_noticed),
		TEST(every_truncation_is_noticed),
		TEST(copy_under_another_name_is_noticed),
		TEST(link_is_not_followed),
		TEST(death_at_any_step_repeats_nothing),
		TEST(death_within_the_write_repeats_nothing),
		TEST(number_of_steps_is_right),
		TEST(left_behind_file_is_replaced),
		TEST(unwritable_directory_gives_nothing),
		TEST(parallel_ranges_are_disjoint),
		TEST(others_cannot_read_or_write),
		TEST(open_directory_is_refused),
		TEST(directory_of_others_stays_as_it_is),
		TEST(directory_that_is_a_file_is_refused),
		TEST(received_is_kept),
		TEST(received_never_goes_back),
		TEST(received_is_not_guessed),
		TEST(received_with_is_never_new_to_send_with),
		TEST(sent_with_is_never_received_with),
		TEST(both_directions_are_refused),
		TEST(other_direction_of_another_key_is_none),
		TEST(copy_brought_back_is_refused),
		TEST(moved_state_goes_on),
		TEST(renamed_directory_goes_on),
		TEST(state_of_another_machine_is_refused),
		TEST(copy_of_what_was_received_is_refused),
		TEST(earlier_version_goes_on),
		TEST(later_version_is_refused),
		TEST(backups_are_kept_away),
		TEST(check_changes_nothing),
		TEST(locked_directory_is_no_obstacle),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("state files", tests, make_base, remove_base);
}
