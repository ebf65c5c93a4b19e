// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line. */
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

#include "base/array.h"
#include "base/cleanup.h"
#include "base/message.h"
#include "command/commands.h"
#include "config/config.h"
#include "config/config_parse.h"
#include "plane/self.h"
#include "plane/state.h"

#define NETNS_DIR "/run/netns"

#define EXIT_FAILED 1

/* Options with a long name only. */
enum {
	OPTION_STATE_DIR = 256,
	OPTION_NEW_KEY,
	OPTION_MOVED_STATE,
	OPTION_NO_ATTACH,
	OPTION_MANUAL,
	OPTION_NO_AGENT,
	OPTION_BACKGROUND,
	OPTION_BITS,
	OPTION_DEVICE,
};

/* Options of commands: bits of struct command.options. Every command accepts --netns and --state-dir,
 * which say where to look, so that scripts can give the same options to all. */
enum {
	TAKES_JSON = 1 << 0,
	TAKES_CLAIMS = 1 << 1,
	TAKES_NO_ATTACH = 1 << 2,
	TAKES_MANUAL = 1 << 3,
	TAKES_BITS = 1 << 4,
	TAKES_NO_AGENT = 1 << 5,
	TAKES_BACKGROUND = 1 << 6,
	TAKES_OUTPUT = 1 << 7,
	TAKES_DEVICE = 1 << 8,
};

enum argument {
	ARGUMENT_NONE,
	ARGUMENT_FILE,
	ARGUMENT_NAME,
	ARGUMENT_NAME_OPTIONAL,
	ARGUMENT_PEER,
};

static const char *const argument_names[] = {
	[ARGUMENT_NONE] = "",
	[ARGUMENT_FILE] = "FILE",
	[ARGUMENT_NAME] = "NAME",
	[ARGUMENT_NAME_OPTIONAL] = "[NAME]",
	[ARGUMENT_PEER] = "NAME PEER [ADDRESS]",
};

static const struct command {
	const char *name;
	enum argument argument;
	unsigned int options;
	int (*run)(const struct options *options);
	const char *help;
} commands[] = {
	{ "up", ARGUMENT_FILE, TAKES_CLAIMS | TAKES_NO_ATTACH | TAKES_NO_AGENT, command_up,
	  "start the instance that FILE (NAME.conf) configures" },
	{ "down", ARGUMENT_NAME, 0, command_down, "stop an instance, remove what up has made" },
	{ "reload", ARGUMENT_NAME, TAKES_CLAIMS | TAKES_NO_AGENT, command_reload,
	  "read the configuration again, apply the changes" },
	{ "status", ARGUMENT_NAME_OPTIONAL, TAKES_JSON, command_status,
	  "counters of one instance, or of all" },
	{ "agree", ARGUMENT_NAME, TAKES_BACKGROUND, command_agree,
	  "agree on keys with the peers of an instance, until it is stopped" },
	{ "rekey", ARGUMENT_NAME, 0, command_rekey,
	  "give up all agreed keys at once, and agree on new ones" },
	{ "probe", ARGUMENT_PEER, 0, command_probe,
	  "find the largest packet that gets through the tunnel to a peer" },
	{ "check", ARGUMENT_FILE, TAKES_CLAIMS | TAKES_NO_ATTACH, command_check,
	  "report all that up or reload would refuse, change nothing" },
	{ "genkey", ARGUMENT_NONE, TAKES_MANUAL | TAKES_BITS, command_genkey, "print a new private key" },
	{ "pubkey", ARGUMENT_NONE, 0, command_pubkey,
	  "read a private key from standard input, print its public key" },
	{ "genpsk", ARGUMENT_NONE, 0, command_genpsk, "print a new preshared key" },
	{ "import", ARGUMENT_FILE, TAKES_OUTPUT | TAKES_DEVICE, command_import,
	  "make the configuration of a tunnel from a file of wg-quick" },
	{ "selftest", ARGUMENT_NONE, TAKES_JSON, command_selftest,
	  "run the test vectors of RFC 7253 in the kernel; list its ciphers" },
	{ "version", ARGUMENT_NONE, 0, command_version, "print versions" },
};

static const struct flag {
	struct option option;
	unsigned int takes; /* 0: every command accepts it */
	const char *argument, *help;
} flags[] = {
	{ { "netns", required_argument, NULL, 'n' },
	  0,
	  "NETNS",
	  "work in this network namespace: a name of `ip netns`, or a path" },
	{ { "state-dir", required_argument, NULL, OPTION_STATE_DIR },
	  0,
	  "DIR",
	  "where `up` records used sequence numbers; " STATE_DIR },
	{ { "new-key", no_argument, NULL, OPTION_NEW_KEY },
	  TAKES_CLAIMS,
	  NULL,
	  "keys without recorded state have never been used before" },
	{ { "moved-state", no_argument, NULL, OPTION_MOVED_STATE },
	  TAKES_CLAIMS,
	  NULL,
	  "the state directory has moved here from where it was last used" },
	{ { "no-attach", no_argument, NULL, OPTION_NO_ATTACH },
	  TAKES_NO_ATTACH,
	  NULL,
	  "load and pin only; attach the programs by hand" },
	{ { "no-agent", no_argument, NULL, OPTION_NO_AGENT },
	  TAKES_NO_AGENT,
	  NULL,
	  "a supervisor runs `xdpsec agree`, not this command" },
	{ { "background", no_argument, NULL, OPTION_BACKGROUND },
	  TAKES_BACKGROUND,
	  NULL,
	  "return when the agent is ready; it goes on" },
	{ { "json", no_argument, NULL, 'j' }, TAKES_JSON, NULL, "print JSON" },
	{ { "manual", no_argument, NULL, OPTION_MANUAL },
	  TAKES_MANUAL,
	  NULL,
	  "a manual key, for TxKeyFile and RxKeyFile" },
	{ { "bits", required_argument, NULL, OPTION_BITS },
	  TAKES_BITS,
	  "BITS",
	  "of a manual key: 128 (the default) or 256" },
	{ { "output", required_argument, NULL, 'o' },
	  TAKES_OUTPUT,
	  "FILE",
	  "write the configuration there, where no file may be yet" },
	{ { "device", required_argument, NULL, OPTION_DEVICE },
	  TAKES_DEVICE,
	  "DEVICE",
	  "that of the sealed packets; default: that of the route to the peers" },
	{ { "help", no_argument, NULL, 'h' }, 0, NULL, "print this" },
	{ { "version", no_argument, NULL, 'V' }, 0, NULL, "print versions" },
};

static void print_help(FILE *out)
{
	char text[64], letter[8];
	size_t i;

	fputs("Usage: xdpsec [OPTIONS] COMMAND\n\nCommands:\n", out);
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		snprintf(text, sizeof(text), "%s %s", commands[i].name, argument_names[commands[i].argument]);
		fprintf(out, "  %-25s %s\n", text, commands[i].help);
	}
	fputs("\nOptions:\n", out);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		snprintf(letter, sizeof(letter), "-%c,", flags[i].option.val);
		snprintf(text, sizeof(text), "%s --%s %s", flags[i].option.val < 256 ? letter : "   ",
			 flags[i].option.name, flags[i].argument ? flags[i].argument : "");
		fprintf(out, "  %-21s %s\n", text, flags[i].help);
	}
	fputs("\nNAME is the file's name without \".conf\"; in the place of FILE it is "
	      "/etc/xdpsec/NAME.conf.\n"
	      "xdpsec(8) has the rest.\n",
	      out);
}

static int usage_hint(void)
{
	hint("xdpsec --help");
	return EXIT_USAGE;
}

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

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* The command line. Options that the command does not have are reported after parsing, as options may
 * stand in front of the command. */
struct invocation {
	struct options options;
	const char *netns;
	unsigned int used; /* TAKES_... */
	bool help, version;
};

static int set_bits(struct invocation *invocation, const char *text)
{
	if (strcmp(text, "128") && strcmp(text, "256")) {
		fail(EINVAL, "--bits %s: keys have 128 or 256 bits", text);
		return usage_hint();
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

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		if (flags[i].option.val == value)
			invocation->used |= flags[i].takes;
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
	case OPTION_DEVICE:
		return set_device_option(invocation, optarg);
	case OPTION_BITS:
		return set_bits(invocation, optarg);
	default:
		return usage_hint(); /* getopt_long() has printed the error */
	}
}

static int parse_options(struct invocation *invocation, int argc, char **argv)
{
	struct option longs[ARRAY_SIZE(flags) + 1] = {};
	int value, err;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		longs[i] = flags[i].option;
	while ((value = getopt_long(argc, argv, "n:o:jhV", longs, NULL)) != -1) {
		err = set_option(invocation, value);
		if (err)
			return err;
	}
	return 0;
}

static int check_options(const struct command *command, unsigned int used)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		if (!(flags[i].takes & used & ~command->options))
			continue;
		fail(EINVAL, "%s: takes no --%s", command->name, flags[i].option.name);
		return usage_hint();
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

static int check_argument(const struct command *command, const char *argument)
{
	if (argument && command->argument == ARGUMENT_NONE) {
		fail(EINVAL, "%s: %s: takes no argument", command->name, argument);
		return usage_hint();
	}
	if (!argument && command->argument != ARGUMENT_NONE && command->argument != ARGUMENT_NAME_OPTIONAL) {
		fail(EINVAL, "%s: %s is missing", command->name,
		     argument_names[command->argument == ARGUMENT_PEER ? ARGUMENT_NAME : command->argument]);
		return usage_hint();
	}
	if (argument && command->argument != ARGUMENT_FILE && !instance_name_valid(argument)) {
		fail(EINVAL, "%s: %s: not the name of an instance", command->name, argument);
		hint_name(command, argument);
		return EXIT_USAGE;
	}
	return 0;
}

static int check_count(const struct command *command, int argc, char **argv)
{
	int most = command->argument == ARGUMENT_PEER ? 4 : 2;

	if (command->argument == ARGUMENT_PEER && argc < 3) {
		fail(EINVAL, "%s: PEER is missing", command->name);
		return usage_hint();
	}
	if (argc > most) {
		fail(EINVAL, "%s: %s: one argument too many", command->name, argv[most]);
		return usage_hint();
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
		return usage_hint();
	}
	command = find_command(argv[0]);
	if (!command) {
		fail(EINVAL, "%s: not a command", argv[0]);
		return usage_hint();
	}
	err = check_options(command, invocation->used);
	if (err)
		return err;
	err = check_argument(command, argv[1]) ?: check_count(command, argc, argv);
	if (err)
		return err;
	invocation->options.command = command->name;
	invocation->options.argument = argv[1];
	if (command->argument == ARGUMENT_PEER) {
		invocation->options.peer = argv[2];
		invocation->options.address = argc > 3 ? argv[3] : NULL;
	}
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
		print_help(stdout);
	else if (invocation.version)
		command_version(&invocation.options);
	else
		return flush_output(run_command(&invocation, argc - optind, argv + optind));
	return flush_output(EXIT_SUCCESS);
}
