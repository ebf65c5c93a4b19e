/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent's log: one line for each event, to standard error, or to syslog once the agent is in the background.
 * Somebody who can send it packets must not be able to fill a disk, so that lines beyond a burst are only counted.
 */
#ifndef XDPSEC_AGENT_LOG_H
#define XDPSEC_AGENT_LOG_H

/* The instance's name, in front of every line. It is kept. */
void log_start(const char *instance);
/* Connect to syslog, before the sandbox: the time zone is read as well. */
void log_prepare_syslog(void);
/* From now on to syslog. */
void log_use_syslog(void);

/* priority is LOG_INFO, LOG_WARNING or LOG_ERR of syslog(3). */
void log_line(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
