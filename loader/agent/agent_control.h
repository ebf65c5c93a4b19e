/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent, as `up`, `down`, `reload` and `rekey` deal with it: starting and ending the process, and asking it. */
#ifndef XDPSEC_AGENT_CONTROL_H
#define XDPSEC_AGENT_CONTROL_H

struct plane;

/* Start the agent of that instance in the background, and wait until it is ready. 0, or -errno after its message. */
int agent_spawn(const char *name);

/* Have a running agent give up all keys and agree on new ones. 0 once nothing seals with an old key any more, or -errno
 * after a message. */
int agent_renew(const struct plane *plane);

#endif
