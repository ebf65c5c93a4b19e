/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lock that a running agent holds: on the directory of the instance's pins, which no mount namespace and no
 * cleaning of /run can double. Two agents would be two writers. `reload` holds it while it changes agreed peers.
 */
#ifndef XDPSEC_AGENT_INSTANCE_LOCK_H
#define XDPSEC_AGENT_INSTANCE_LOCK_H

#include <stdbool.h>
#include <linux/types.h>

struct plane;

/* Take the lock. Close *fd at the end. 0, -EBUSY without a message if somebody holds it, or another -errno after one. */
int instance_lock_take(const struct plane *plane, int *fd);

/* Does somebody hold it, most likely an agent? *pid, unless NULL, gets the process; 0: it is not visible here. */
bool instance_lock_held(const struct plane *plane, int *pid);

/* Send the process that holds the lock a signal. -ESRCH without a message: nobody holds it, or it is not visible here. */
int instance_lock_signal(const struct plane *plane, int signal);

/*
 * End the agent of an instance, if one is running, and take the lock in its place. First it is asked, by
 * instance.ending; after 3 seconds it gets SIGTERM, after 5 SIGKILL. 0, or -errno after a message.
 */
int instance_lock_from_agent(const struct plane *plane, __u8 ending, int *fd);

#endif
