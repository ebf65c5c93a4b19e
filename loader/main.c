// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "base/similar.h"
#include "command/commands.h"
#include "command/usage.h"
#include "config/config.h"
#include "config/config_parse.h"
#include "plane/self.h"
#include "plane/state.h"

#define NETNS_DIR "/run/netns"

#define EXIT_FAILED 1

/* Forbid core dumps, and ptrace() by other processes of the user: a key will be read. */
static int keep_memory_private(void)
{
	/* fs/coredump.c: a limit of 0 does not stop a dump to a pipe, a limit of 1 does. */
	const struct rlimit none = { 1, 1 };

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || setrlimit(RLIMIT_CORE, &none))
		return fail(errno, "cannot disable core dumps: %s", strerror(errno));
	return 0;
}

/* Unlike `ip netns exec` this mounts nothing: /sys/fs/bpf does not change. */
static int enter_netns(const char *netns)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	int err;

	if (!*netns || (size_t)snprintf(path, sizeof(path), strchr(netns, '/') ? "%.0s%s" : "%s/%s",
					NETNS_DIR, netns) >= sizeof(path))
		return fail(EINVAL, "network namespace %s: not a valid name", netns);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		err = errno;
		fail(err, "network namespace %s: %s: %s", netns, path, strerror(err));
		if (err == ENOENT)
			hint("`ip netns` lists the names; /proc/PID/ns/net is a path");
		return -err;
	}
	if (setns(fd, CLONE_NEWNET)) {
		err = errno;
		if (err == EINVAL)
			return fail(err, "network namespace %s: %s: not a network namespace", netns, path);
		fail(err, "network namespace %s: %s", netns, strerror(err));
		if (err == EPERM)
			hint("this needs root");
		return -err;
	}
	return 0;
}

/* The command line. Options that the command does not have are reported after parsing, as options may
 * stand in front of the command. */
struct invocation {
	struct options options;
	const char *netns;
	const struct command *meant; /* whose page a hint names; NULL: not known */
	__u32 used;		     /* a bit for each of flags */
	bool help, version;
};

static int set_bits(struct invocation *invocation, const char *text)
{
	if (strcmp(text, "128") && strcmp(text, "256")) {
		fail(EINVAL, "--bits %s: keys have 128 or 256 bits", text);
		return usage_hint(invocation->meant);
	}
	invocation->options.key_bits = text[0] == '1' ? 128 : 256;
	return 0;
}

static int set_device_option(struct invocation *invocation, const char *name)
{
	if (!*name || !device_name_valid(name)) {
		fail(EINVAL, "--device %s: not a valid device name", name);
		hint("`ip link` lists the devices");
		return EXIT_USAGE;
	}
	invocation->options.device = name;
	return 0;
}

/* Options without an argument. NULL: it has one, or is unknown. */
static bool *find_flag(struct invocation *invocation, int value)
{
	struct options *options = &invocation->options;

	switch (value) {
	case 'j':
		return &options->json;
	case 'l':
		return &options->whole;
	case 'w':
		return &options->watch;
	case 'h':
		return &invocation->help;
	case 'V':
		return &invocation->version;
	case OPTION_NEW_KEY:
		return &options->claims.new_key;
	case OPTION_MOVED_STATE:
		return &options->claims.moved;
	case OPTION_NO_ATTACH:
		return &options->no_attach;
	case OPTION_MANUAL:
		return &options->manual;
	case OPTION_NO_AGENT:
		return &options->no_agent;
	case OPTION_BACKGROUND:
		return &options->background;
	default:
		return NULL;
	}
}

static int set_option(struct invocation *invocation, int value)
{
	bool *flag = find_flag(invocation, value);
	size_t i;

	for (i = 0; i < n_flags; i++)
		if (flags[i].option.val == value)
			invocation->used |= 1U << i;
	if (flag) {
		*flag = true;
		return 0;
	}
	switch (value) {
	case 'n':
		invocation->netns = optarg;
		return 0;
	case OPTION_STATE_DIR:
		invocation->options.state_dir = optarg;
		return 0;
	case 'o':
		invocation->options.output = optarg;
		return 0;
	case OPTION_LISTEN:
		invocation->options.listen = optarg;
		return 0;
	case OPTION_FROM:
		invocation->options.from = optarg;
		return 0;
	case OPTION_DEVICE:
		return set_device_option(invocation, optarg);
	case OPTION_BITS:
		return set_bits(invocation, optarg);
	default:
		return usage_hint(invocation->meant);
	}
}

/* Does the command that is meant take the option? */
static bool takes_flag(const struct invocation *invocation, const struct flag *flag)
{
	return !flag->takes || !invocation->meant || flag->takes & invocation->meant->options;
}

/* The option that was meant by a long one that is unknown; NULL: none is like it. */
static const char *option_meant(const struct invocation *invocation, const char *text)
{
	const char *names[FLAGS_MAX];
	char name[64];
	size_t n = 0;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, "="), text);
	for (size_t i = 0; i < n_flags; i++)
		if (takes_flag(invocation, &flags[i]))
			names[n++] = flags[i].option.name;
	return did_you_mean(name, names, n);
}

/* A long option that is unknown, or the beginning of several. */
static int refuse_long(const struct invocation *invocation, const char *text)
{
	const char *name = text + 2, *meant = option_meant(invocation, name);
	size_t n = strcspn(name, "="), first = n_flags;

	for (size_t i = 0; i < n_flags; i++) {
		if (strncmp(flags[i].option.name, name, n) != 0)
			continue;
		if (first < n_flags) {
			fail(EINVAL, "%s: several options begin so", text);
			hint("--%s, --%s", flags[first].option.name, flags[i].option.name);
			return EXIT_USAGE;
		}
		first = i;
	}
	fail(EINVAL, "%.*s: unknown option", (int)n + 2, text);
	if (!meant)
		return usage_hint(invocation->meant);
	hint("did you mean --%s?", meant);
	return EXIT_USAGE;
}

/* A letter that is unknown, and known as a capital or the other way round, as `wg -v` is `xdpsec -V`. */
static int refuse_letter(const struct invocation *invocation, int letter)
{
	int other = isupper(letter) ? tolower(letter) : toupper(letter);

	fail(EINVAL, "-%c: unknown option", letter);
	for (size_t i = 0; i < n_flags; i++)
		if (flags[i].option.val == other && takes_flag(invocation, &flags[i])) {
			hint("did you mean -%c?", other);
			return EXIT_USAGE;
		}
	return usage_hint(invocation->meant);
}

/* getopt_long() has found a mistake; text is what it has looked at last. */
static int refuse_option(const struct invocation *invocation, int value, const char *text)
{
	const struct flag *flag = flags;

	while (flag < flags + n_flags && flag->option.val != optopt)
		flag++;
	if (!optopt)
		return refuse_long(invocation, text);
	if (flag == flags + n_flags)
		return refuse_letter(invocation, optopt);
	if (value == ':')
		fail(EINVAL, "%s: %s is missing", text, flag->argument);
	else
		fail(EINVAL, "--%s: takes no argument", flag->option.name);
	return usage_hint(invocation->meant);
}

/* The command that stands somewhere among the words. */
static const struct command *command_among(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		for (size_t k = 0; k < n_commands; k++)
			if (!strcmp(argv[i], commands[k].name))
				return &commands[k];
	return NULL;
}

static int parse_options(struct invocation *invocation, int argc, char **argv)
{
	struct option longs[FLAGS_MAX + 1] = {};
	int value, err;
	size_t i;

	for (i = 0; i < n_flags; i++)
		longs[i] = flags[i].option;
	invocation->meant = command_among(argc, argv);
	while ((value = getopt_long(argc, argv, ":n:o:jlwhV", longs, NULL)) != -1) {
		err = value == '?' || value == ':' ? refuse_option(invocation, value, argv[optind - 1])
						   : set_option(invocation, value);
		if (err)
			return err;
	}
	return 0;
}

static int check_options(const struct command *command, __u32 used)
{
	size_t i;

	for (i = 0; i < n_flags; i++) {
		if (!(used & 1U << i) || !(flags[i].takes & ~command->options))
			continue;
		fail(EINVAL, "%s: takes no --%s", command->name, flags[i].option.name);
		return usage_hint(command);
	}
	return 0;
}

/* The argument is most likely a file. */
static void hint_name(const struct command *command, const char *argument)
{
	const char *file = strrchr(argument, '/') ? strrchr(argument, '/') + 1 : argument;
	char name[XDPSEC_NAME_LEN];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(file, "."), file);
	if (strcmp(file + strlen(name), ".conf") == 0 && instance_name_valid(name))
		hint("%s %s %s", self(), command->name, name);
	else
		hint("give the configuration file's name without directory and \".conf\"");
}

static bool takes_instance(enum argument argument)
{
	return argument != ARGUMENT_FILE && argument != ARGUMENT_COMMAND_OPTIONAL;
}

static bool has_peer(const struct command *command)
{
	return command->argument == ARGUMENT_PEER || command->argument == ARGUMENT_NAME_PEER;
}

static int check_argument(const struct command *command, const char *argument)
{
	if (argument && command->argument == ARGUMENT_NONE) {
		fail(EINVAL, "%s: %s: takes no argument", command->name, argument);
		return usage_hint(command);
	}
	if (!argument && *argument_name(command->argument) && *argument_name(command->argument) != '[') {
		fail(EINVAL, "%s: %s is missing", command->name,
		     has_peer(command) ? "NAME" : argument_name(command->argument));
		return usage_hint(command);
	}
	if (argument && takes_instance(command->argument) && !instance_name_valid(argument)) {
		fail(EINVAL, "%s: %s: not the name of an instance", command->name, argument);
		hint_name(command, argument);
		return EXIT_USAGE;
	}
	return 0;
}

static int check_count(const struct command *command, int argc, char **argv)
{
	bool two = command->argument == ARGUMENT_PEER_OPTIONAL || command->argument == ARGUMENT_NAME_PEER;
	int most = command->argument == ARGUMENT_PEER ? 4 : two ? 3 : 2;

	if (command->argument == ARGUMENT_PEER && argc < 3) {
		fail(EINVAL, "%s: PEER is missing", command->name);
		return usage_hint(command);
	}
	if (argc > most) {
		fail(EINVAL, "%s: %s: one argument too many", command->name, argv[most]);
		return usage_hint(command);
	}
	return 0;
}

static int run_command(struct invocation *invocation, int argc, char **argv)
{
	const struct command *command;
	int err;

	self_set(invocation->netns);
	if (argc == 0) {
		fail(EINVAL, "no command");
		return usage_hint(NULL);
	}
	command = command_find(argv[0]);
	if (!command)
		return EXIT_USAGE;
	err = check_options(command, invocation->used);
	if (err)
		return err;
	err = check_argument(command, argv[1]) ?: check_count(command, argc, argv);
	if (err)
		return err;
	invocation->options.command = command->name;
	invocation->options.argument = argv[1];
	invocation->options.peer = argc > 2 ? argv[2] : NULL;
	invocation->options.address = argc > 3 ? argv[3] : NULL;
	if (invocation->netns && enter_netns(invocation->netns))
		return EXIT_FAILED;
	err = command->run(&invocation->options);
	return err < 0 ? EXIT_FAILED : err;
}

/* A full disk or a closed pipe must not look like success. */
static int flush_output(int status)
{
	if (fflush(stdout) || ferror(stdout)) {
		fail(errno, "standard output: %s", strerror(errno));
		return status ? status : EXIT_FAILED;
	}
	return status;
}

/* The page of the command, if there is one. */
static int print_help(int argc, char **argv)
{
	const struct command *command;

	if (argc == 0) {
		usage_print();
		return EXIT_SUCCESS;
	}
	command = command_find(argv[0]);
	if (!command)
		return EXIT_USAGE;
	usage_print_command(command);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct invocation invocation = { .options = { .state_dir = STATE_DIR } };
	int err;

	if (keep_memory_private())
		return EXIT_FAILED;
	err = parse_options(&invocation, argc, argv);
	if (err)
		return err;
	if (invocation.help)
		return flush_output(print_help(argc - optind, argv + optind));
	if (invocation.version)
		return flush_output(command_version(&invocation.options));
	return flush_output(run_command(&invocation, argc - optind, argv + optind));
}
