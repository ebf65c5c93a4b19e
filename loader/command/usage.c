// SPDX-License-Identifier: GPL-2.0-or-later
/* The commands and options that there are, and xdpsec help. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/message.h"
#include "base/similar.h"
#include "command/usage.h"
#include "command/usage_pages.h"

static const char *const argument_names[] = {
	[ARGUMENT_NONE] = "",
	[ARGUMENT_FILE] = "FILE",
	[ARGUMENT_NAME] = "NAME",
	[ARGUMENT_NAME_OPTIONAL] = "[NAME]",
	[ARGUMENT_PEER_OPTIONAL] = "[NAME [PEER]]",
	[ARGUMENT_PEER] = "NAME PEER [ADDRESS]",
	[ARGUMENT_NAME_PEER] = "NAME [PEER]",
	[ARGUMENT_COMMAND_OPTIONAL] = "[COMMAND]",
};

const struct command commands[] = {
	{ "up", ARGUMENT_FILE, TAKES_CLAIMS | TAKES_NO_ATTACH | TAKES_NO_AGENT, command_up,
	  "start the instance that FILE (NAME.conf) configures" },
	{ "down", ARGUMENT_NAME, 0, command_down, "stop an instance, remove what up has made" },
	{ "reload", ARGUMENT_NAME, TAKES_CLAIMS | TAKES_NO_AGENT, command_reload,
	  "read the configuration again, apply the changes" },
	{ "status", ARGUMENT_PEER_OPTIONAL, TAKES_JSON | TAKES_VIEW, command_status,
	  "counters of one instance, or of all; of one peer" },
	{ "metrics", ARGUMENT_NAME_OPTIONAL, TAKES_OUTPUT | TAKES_LISTEN, command_metrics,
	  "counters and states for a monitoring system, as OpenMetrics" },
	{ "agree", ARGUMENT_NAME, TAKES_BACKGROUND, command_agree,
	  "agree on keys with the peers of an instance, until it is stopped" },
	{ "rekey", ARGUMENT_NAME, 0, command_rekey,
	  "give up all agreed keys at once, and agree on new ones" },
	{ "diagnose", ARGUMENT_NAME_PEER, TAKES_JSON, command_diagnose,
	  "say the first thing that is wrong on the way to a peer" },
	{ "probe", ARGUMENT_PEER, TAKES_JSON, command_probe,
	  "find the largest packet that gets through the tunnel to a peer" },
	{ "check", ARGUMENT_FILE, TAKES_CLAIMS | TAKES_NO_ATTACH | TAKES_JSON, command_check,
	  "report all that up or reload would refuse, change nothing" },
	{ "genkey", ARGUMENT_NONE, TAKES_MANUAL | TAKES_BITS, command_genkey, "print a new private key" },
	{ "pubkey", ARGUMENT_NONE, 0, command_pubkey,
	  "read a private key from standard input, print its public key" },
	{ "genpsk", ARGUMENT_NONE, 0, command_genpsk, "print a new preshared key" },
	{ "import", ARGUMENT_FILE, TAKES_OUTPUT | TAKES_DEVICE, command_import,
	  "make the configuration of a tunnel from a file of wg-quick" },
	{ "selftest", ARGUMENT_NONE, TAKES_JSON, command_selftest,
	  "run the test vectors of RFC 7253 in the kernel; list its ciphers" },
	{ "version", ARGUMENT_NONE, TAKES_JSON, command_version, "print versions" },
	{ "help", ARGUMENT_COMMAND_OPTIONAL, 0, command_help, "print this, or the page of a command" },
};
const size_t n_commands = ARRAY_SIZE(commands);

const struct flag flags[] = {
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
	{ { "long", no_argument, NULL, 'l' }, TAKES_VIEW, NULL, "all of each peer, even if there are many" },
	{ { "watch", no_argument, NULL, 'w' }, TAKES_VIEW, NULL, "again every second, until Ctrl-C" },
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
	  "write there; import: where no file may be yet" },
	{ { "listen", required_argument, NULL, OPTION_LISTEN },
	  TAKES_LISTEN,
	  "ADDRESS:PORT",
	  "serve the metrics over HTTP, at /metrics" },
	{ { "from", required_argument, NULL, OPTION_FROM },
	  TAKES_LISTEN,
	  "FILE",
	  "serve this file, which `metrics -o` writes; needs no root" },
	{ { "device", required_argument, NULL, OPTION_DEVICE },
	  TAKES_DEVICE,
	  "DEVICE",
	  "that of the sealed packets; default: that of the route to the peers" },
	{ { "help", no_argument, NULL, 'h' }, 0, NULL, "print this, or the page of the command" },
	{ { "version", no_argument, NULL, 'V' }, 0, NULL, "print versions" },
};
const size_t n_flags = ARRAY_SIZE(flags);
_Static_assert(ARRAY_SIZE(flags) <= FLAGS_MAX, "raise FLAGS_MAX");

const char *argument_name(enum argument argument)
{
	return argument_names[argument];
}

int usage_hint(const struct command *command)
{
	hint("xdpsec %s%s--help", command ? command->name : "", command ? " " : "");
	return EXIT_USAGE;
}

/* Words of other programs for the same. */
static const struct {
	const char *word, *command;
} others[] = {
	{ "start", "up" },	  { "stop", "down" },	    { "show", "status" },   { "list", "status" },
	{ "restart", "reload" },  { "syncconf", "reload" }, { "keygen", "genkey" }, { "convert", "import" },
	{ "verify", "check" },	  { "validate", "check" },  { "test", "selftest" }, { "ping", "probe" },
	{ "doctor", "diagnose" }, { "debug", "diagnose" },  { "ls", "status" },	    { "set", "reload" },
	{ "setconf", "reload" },  { "addconf", "reload" },  { "add", "up" },	    { "del", "down" },
	{ "delete", "down" },	  { "remove", "down" },
};

/* The command that the beginning of a name stands for; NULL: none, or several. */
static const char *with_beginning(const char *name)
{
	const char *found = NULL;

	for (size_t i = 0; i < n_commands && *name; i++)
		if (!strncmp(commands[i].name, name, strlen(name))) {
			if (found)
				return NULL;
			found = commands[i].name;
		}
	return found;
}

static const char *command_meant(const char *name)
{
	const char *names[ARRAY_SIZE(commands)], *found = with_beginning(name);

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (!strcmp(others[i].word, name))
			return others[i].command;
	for (size_t i = 0; i < n_commands; i++)
		names[i] = commands[i].name;
	return found ?: did_you_mean(name, names, n_commands);
}

const struct command *command_find(const char *name)
{
	const char *meant;

	for (size_t i = 0; i < n_commands; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	fail(EINVAL, "%s: not a command", name);
	meant = command_meant(name);
	if (meant)
		hint("did you mean %s?", meant);
	else
		usage_hint(NULL);
	return NULL;
}

static void print_flag(const struct flag *flag)
{
	char text[64], letter[8];

	snprintf(letter, sizeof(letter), "-%c,", flag->option.val);
	snprintf(text, sizeof(text), "%s --%s %s", flag->option.val < 256 ? letter : "   ", flag->option.name,
		 flag->argument ? flag->argument : "");
	printf("  %-21s %s\n", text, flag->help);
}

static void print_end(void)
{
	fputs("\nNAME is the file's name without \".conf\"; in the place of FILE it is "
	      "/etc/xdpsec/NAME.conf.\n",
	      stdout);
}

void usage_print(void)
{
	char text[64];
	size_t i;

	fputs("Usage: xdpsec [OPTIONS] COMMAND\n\nCommands:\n", stdout);
	for (i = 0; i < n_commands; i++) {
		snprintf(text, sizeof(text), "%s %s", commands[i].name, argument_name(commands[i].argument));
		printf("  %-25s %s\n", text, commands[i].help);
	}
	fputs("\nOptions:\n", stdout);
	for (i = 0; i < n_flags; i++)
		print_flag(&flags[i]);
	print_end();
	fputs("`xdpsec help COMMAND` says more of one; xdpsec(8) has the rest.\n", stdout);
}

/* Does the command work with an instance, or the file of one? */
static bool is_for_instance(const struct command *command)
{
	return command->argument != ARGUMENT_NONE && command->argument != ARGUMENT_COMMAND_OPTIONAL &&
	       command->run != command_import;
}

void usage_print_command(const struct command *command)
{
	const char *argument = argument_name(command->argument);

	printf("Usage: xdpsec %s [OPTIONS]%s%s\n\n%s\n\nOptions:\n", command->name, *argument ? " " : "",
	       argument, usage_page(command->name));
	for (size_t i = 0; i < n_flags; i++)
		if (!flags[i].takes || flags[i].takes & command->options)
			print_flag(&flags[i]);
	if (is_for_instance(command))
		print_end();
	fputs(is_for_instance(command) ? "xdpsec(8), COMMANDS, has the rest.\n"
				       : "\nxdpsec(8), COMMANDS, has the rest.\n",
	      stdout);
}

int command_help(const struct options *options)
{
	const struct command *command;

	if (!options->argument) {
		usage_print();
		return 0;
	}
	command = command_find(options->argument);
	if (!command)
		return EXIT_USAGE;
	usage_print_command(command);
	return 0;
}
