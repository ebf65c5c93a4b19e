/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent's log: one line for each event, to standard error; once the agent is in the background, to syslog, or where
 * nobody listens at /dev/log, as in most containers, to /run/xdpsec/NAME.log. Somebody who can send it packets must not
 * be able to fill a disk, so that lines beyond a burst are only counted.
 */
#ifndef XDPSEC_AGENT_LOG_H
#define XDPSEC_AGENT_LOG_H

#include <stdbool.h>

/* The instance's name, in front of every line. It is kept. */
void log_start(const char *instance);
/* Connect to syslog, or open the file, before the sandbox: the time zone is read as well. 0, or -errno after a message. */
int log_prepare_background(const char *instance);
/* Lines go there from now on. */
void log_use_background(void);

/* The place of lines once the agent runs: "syslog", "standard error", or the path of the file. */
const char *log_destination(void);
bool log_has_file(void);
/* Remove the file of an instance that is down. */
void log_remove(const char *instance);

/* priority is LOG_INFO, LOG_WARNING or LOG_ERR of syslog(3). */
void log_line(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
