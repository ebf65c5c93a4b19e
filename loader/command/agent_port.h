/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The UDP port that an instance's agent needs for itself. */
#ifndef XDPSEC_COMMAND_AGENT_PORT_H
#define XDPSEC_COMMAND_AGENT_PORT_H

#include "config/config.h"
#include "plane/instance.h"

/*
 * Check that no other instance in this namespace and VRF agrees on its keys at the same port, whether its agent runs now
 * or not, and that no socket has it. 0, or -errno after a message.
 */
int agent_port_check(const struct config *config, const struct instance *instance);

#endif
