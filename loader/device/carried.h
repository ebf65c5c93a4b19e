/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VXLAN devices and PPPoE sessions on top of the protected device. */
#ifndef XDPSEC_CARRIED_H
#define XDPSEC_CARRIED_H

#include "config/config.h"
#include "net/netlink.h"

/* Warn of VXLAN devices whose broadcast is dropped (inline mode), and of PPPoE sessions. */
void carried_check(const struct config *config, const struct netdev *device);

#endif
