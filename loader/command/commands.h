/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The subcommands, and the options that they share. main.c has the table. */
#ifndef XDPSEC_COMMANDS_H
#define XDPSEC_COMMANDS_H

#include <stdbool.h>

#include "plane/state.h"

/* The exit code for a wrong command line. */
#define EXIT_USAGE 2

struct options {
	const char *command;
	const char *argument;	    /* FILE or NAME; NULL: none given */
	const char *peer;	    /* probe, diagnose, status: of the instance NAME; NULL: none given */
	const char *address;	    /* probe: the address to test; NULL: none given */
	const char *state_dir;	    /* never NULL */
	bool json;		    /* -j */
	bool whole;		    /* status --long: no table */
	bool watch;		    /* status --watch */
	struct state_claims claims; /* --new-key, --moved-state */
	bool no_attach;		    /* --no-attach */
	bool no_agent;		    /* up, reload --no-agent */
	bool background;	    /* agree --background */
	bool manual;		    /* genkey --manual */
	const char *output;	    /* import, metrics -o; NULL: standard output */
	const char *listen;	    /* metrics --listen; NULL: not given */
	const char *from;	    /* metrics --from; NULL: not given */
	const char *device;	    /* import --device; NULL: not given */
	unsigned int key_bits;	    /* genkey --bits: 128 or 256; 0: not given */
};

/* Each returns 0, or -errno after a message, which main() turns into exit code 1. status, diagnose and agree have exit
 * codes of their own, too. */
int command_up(const struct options *options);
int command_down(const struct options *options);
int command_reload(const struct options *options);
int command_status(const struct options *options);
int command_metrics(const struct options *options);
int command_agree(const struct options *options);
int command_rekey(const struct options *options);
int command_diagnose(const struct options *options);
int command_probe(const struct options *options);
int command_check(const struct options *options);
int command_genkey(const struct options *options);
int command_pubkey(const struct options *options);
int command_genpsk(const struct options *options);
int command_import(const struct options *options);
int command_selftest(const struct options *options);
int command_version(const struct options *options);
int command_help(const struct options *options);

#endif
