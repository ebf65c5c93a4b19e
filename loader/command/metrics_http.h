/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of libmicrohttpd that the listener needs. The library is loaded when there is something to serve: linked,
 * it would bring GnuTLS and ten libraries more into every command and into the agent, and 5 ms to each start.
 */
#ifndef XDPSEC_METRICS_HTTP_H
#define XDPSEC_METRICS_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "command/exposition.h"

/* The source of the text. read() returns 0, or -errno after a message; *type is the Content-Type. */
struct metrics_source {
	int (*read)(struct metrics_source *source, enum exposition_format wanted, char **text, size_t *length,
		    const char **type);
	const char *path; /* of a file */
	int collector;	  /* or the socket to the process that reads the instances */
	bool ended;	  /* set: there will be no more, and the listener ends as well */
};

/* Load it. 0, or -errno after a message: it is not installed, or this program was built without it. Call it before the
 * process gives up its rights, as it reads files. */
int http_load(void);

/* Answer requests on the listening socket until SIGINT, SIGTERM or SIGHUP, which are blocked. Takes over the socket. */
int http_serve(int listening, struct metrics_source *source);

#endif
