// SPDX-License-Identifier: GPL-2.0-or-later
/* Searching /proc for the socket and then for its process. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "net/port_holder.h"

/* As loader/command/agree.c sets it. */
#define AGENT_PROCESS "xdpsec-agent"

/* The inode of the first socket in a table of /proc/net; 0: none. */
static unsigned long find_socket(const char *table, __u16 port)
{
	_cleanup_fclose_ FILE *file = fopen(table, "re");
	unsigned long inode;
	unsigned int found;
	char line[512];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, " %*u: %*[^:]:%x %*s %*s %*s %*s %*s %*s %*s %lu", &found, &inode) == 2 &&
		    found == port)
			return inode;
	return 0;
}

static bool has_descriptor(int pid, const char *wanted)
{
	char path[64], target[64];
	struct dirent *entry;
	bool found = false;
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	directory = opendir(path);
	while (directory && !found && (entry = readdir(directory))) {
		ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1);

		target[length < 0 ? 0 : length] = '\0';
		found = strcmp(target, wanted) == 0;
	}
	if (directory)
		closedir(directory);
	return found;
}

static int find_process(unsigned long inode)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;
	char wanted[64];
	int found = 0;

	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	while (processes && !found && (entry = readdir(processes))) {
		int pid = (int)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && has_descriptor(pid, wanted))
			found = pid;
	}
	if (processes)
		closedir(processes);
	return found;
}

static size_t read_of_process(int pid, const char *name, char *text, size_t size)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[64];
	size_t length;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	file = fopen(path, "re");
	length = file ? fread(text, 1, size - 1, file) : 0;
	text[length] = '\0';
	return length;
}

/* The instance is the last word of `xdpsec agree NAME`. */
static void describe_process(struct port_holder *holder)
{
	char arguments[512];
	size_t length;

	read_of_process(holder->pid, "comm", holder->name, sizeof(holder->name));
	holder->name[strcspn(holder->name, "\n")] = '\0';
	if (strcmp(holder->name, AGENT_PROCESS) != 0)
		return;
	length = read_of_process(holder->pid, "cmdline", arguments, sizeof(arguments));
	while (length && !arguments[length - 1])
		length--;
	while (length && arguments[length - 1])
		length--;
	snprintf(holder->instance, sizeof(holder->instance), "%.63s", arguments + length);
}

bool port_find_holder(__u16 port, struct port_holder *holder)
{
	unsigned long inode = find_socket("/proc/thread-self/net/udp6", port);

	*holder = (struct port_holder){};
	if (!inode)
		inode = find_socket("/proc/thread-self/net/udp", port);
	if (inode)
		holder->pid = find_process(inode);
	if (holder->pid)
		describe_process(holder);
	return holder->pid;
}

const char *port_holder_text(const struct port_holder *holder, char *text, unsigned int size)
{
	if (!holder->pid)
		snprintf(text, size, "another socket");
	else if (holder->instance[0])
		snprintf(text, size, "the agent of %s, process %d,", holder->instance, holder->pid);
	else
		snprintf(text, size, "process %d (%s)", holder->pid, holder->name);
	return text;
}
