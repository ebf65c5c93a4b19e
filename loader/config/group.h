/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inline mode: packets to groups and to broadcast (include/xdpsec/group.bpf.h). */
#ifndef XDPSEC_GROUP_H
#define XDPSEC_GROUP_H

#include "config/config.h"

/* Write the ports that are protected for some peer, and the groups to which they may be in clear. */
void group_write_config(struct xdpsec_config *data_plane, const struct config *config);

/* Are UDP packets with this port to this group dropped on the device? */
bool group_is_closed(const struct config *config, const struct xdpsec_prefix *group, unsigned int port);

#endif
