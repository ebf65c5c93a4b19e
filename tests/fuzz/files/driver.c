// SPDX-License-Identifier: GPL-2.0-or-later
/* The main loop of the fuzzers of files. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

#include "corpus.h"
#include "coverage.h"
#include "driver.h"
#include "fuzz/chance.h"
#include "fuzz/limits.h"

enum { ROUND = 1000, SECONDS_EACH = 20, MESSAGES_MAX = 1 << 20 };

static const struct file_fuzzer *fuzzer;
static uint8_t bytes[DRIVER_FILE_MAX];
static size_t length;
static char directory[PATH_MAX], fault_file[PATH_MAX];
static const char *program;
static int messages = -1;

/* ---- what went wrong --------------------------------------------------------------------------------- */

/* The file is kept, as it is what repeats the fault. Also called by the sanitizers, in whatever state. */
static void keep_file(void)
{
	int fd = open(fault_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, bytes, length) != (ssize_t)length)
		dprintf(STDOUT_FILENO, "# %s: cannot be written\n", fault_file);
	dprintf(STDOUT_FILENO, "# repeat it with: %s %s\n", program, fault_file);
}

void driver_fault(const char *what)
{
	printf("not ok - %s\n", what);
	fflush(stdout);
	keep_file();
	_exit(1);
}

static void on_alarm(int signal)
{
	static const char text[] = "# it does not come to an end\n";

	(void)signal;
	if (write(STDOUT_FILENO, text, sizeof(text) - 1) < 0)
		_exit(2);
	keep_file();
	_exit(1);
}

/* ---- where files are, and what is said --------------------------------------------------------------- */

const char *driver_directory(void)
{
	return directory;
}

const char *driver_path(const char *file)
{
	static char path[PATH_MAX + NAME_MAX];

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	return path;
}

void driver_write(const char *file, const void *data, size_t n)
{
	int fd = open(driver_path(file), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, n) != (ssize_t)n) {
		perror(driver_path(file));
		exit(2);
	}
	close(fd);
}

const char *driver_messages(void)
{
	static char text[MESSAGES_MAX];
	ssize_t n;
	char *line;

	fflush(stderr);
	n = pread(messages, text, sizeof(text) - 1, 0);
	text[n < 0 ? 0 : n] = '\0';
	if (ftruncate(messages, 0) || lseek(messages, 0, SEEK_SET))
		driver_fault("standard error cannot be emptied");
	for (line = text; *line; line++) {
		driver_check(strncmp(line, "xdpsec: ", 8) == 0 || strncmp(line, "hint: ", 6) == 0);
		line = strchr(line, '\n');
		driver_check(line);
	}
	return text;
}

static void remove_directory(void)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(directory);
}

static void set_up(void)
{
	/* On a disk each file that is renamed waits for it. */
	const char *temporary = access("/dev/shm", W_OK) ? getenv("TMPDIR") ?: "/tmp" : "/dev/shm";
	const char *output = getenv("OUTPUT");
	int reports = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);

	snprintf(directory, sizeof(directory), "%s/xdpsec-fuzz-XXXXXX", temporary);
	snprintf(fault_file, sizeof(fault_file), "%s/%s-fault", output ?: ".", fuzzer->name);
	messages = memfd_create("messages", MFD_CLOEXEC);
	if (!mkdtemp(directory) || reports < 0 || messages < 0) {
		perror(directory);
		exit(2);
	}
	atexit(remove_directory);
	__sanitizer_set_report_fd((void *)(intptr_t)reports);
	__sanitizer_set_death_callback(keep_file);
	signal(SIGALRM, on_alarm);
	if (fuzzer->setup)
		fuzzer->setup();
	fflush(stderr);
	dup2(messages, STDERR_FILENO);
	/* A file can have hundreds of mistakes. */
	setvbuf(stderr, NULL, _IOFBF, BUFSIZ);
}

/* ---- files ------------------------------------------------------------------------------------------- */

/* Does the file at hand lead to something new? */
static bool read_file(void)
{
	coverage_begin();
	alarm(SECONDS_EACH);
	fuzzer->read(bytes, length);
	alarm(0);
	return coverage_end();
}

static bool load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));

	if (fd >= 0)
		close(fd);
	length = n < 0 ? 0 : n;
	return n >= 0;
}

static int cmp_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In the order of their names, so that a seed repeats. */
static size_t read_corpus(void)
{
	static char *names[1000];
	DIR *dir = opendir(fuzzer->corpus);
	struct dirent *entry;
	char path[PATH_MAX];
	size_t n = 0;

	while (dir && n < sizeof(names) / sizeof(names[0]) && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			names[n++] = strdup(entry->d_name);
	if (dir)
		closedir(dir);
	qsort(names, n, sizeof(names[0]), cmp_names);
	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", fuzzer->corpus, names[i]);
		free(names[i]);
		if (!load(path))
			return 0;
		read_file();
		corpus_add(bytes, length);
	}
	return n;
}

static int read_arguments(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!load(argv[i])) {
			printf("%s: cannot be read\n", argv[i]);
			return 2;
		}
		read_file();
		printf("%s: no fault\n", argv[i]);
	}
	return 0;
}

int driver_main(int argc, char **argv, const struct file_fuzzer *file_fuzzer)
{
	struct limits limits = limits_read("FUZZ_FILES", file_fuzzer->short_run);
	uint64_t done = 0;
	size_t seeds;

	fuzzer = file_fuzzer;
	program = argv[0];
	set_up();
	if (argc > 1)
		return read_arguments(argc, argv);
	printf("1..2\n");
	fflush(stdout);
	seeds = read_corpus();
	printf("%s 1 - %s: %zu files of the corpus\n", seeds ? "ok" : "not ok", fuzzer->name, seeds);
	fflush(stdout);
	if (!seeds)
		return 1;
	chance_seed(limits.seed);
	do
		for (int i = 0; i < ROUND; i++, done++) {
			length = corpus_change(bytes, sizeof(bytes), fuzzer->words);
			if (read_file())
				corpus_add(bytes, length);
		}
	while (!limits_reached(&limits, done));
	printf("ok 2 - %s: %llu files from seed %#llx, %.0f files a second; %zu places reached, by %zu "
	       "files\n",
	       fuzzer->name, (unsigned long long)done, (unsigned long long)limits.seed,
	       done / limits_elapsed(&limits), coverage_reached(), corpus_size());
	return 0;
}
