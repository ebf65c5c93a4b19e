/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The identity of this machine, for state that must not be used on two machines. */
#ifndef XDPSEC_MACHINE_H
#define XDPSEC_MACHINE_H

#define MACHINE_HEX 13 /* 48 bits in hex, and the NUL */

/*
 * A digest of the UUID from firmware or hypervisor: a copy of the disk in another machine sees another
 * digest. "-" if there is no UUID, or a meaningless one. /etc/machine-id would be copied along, or created at
 * every boot.
 */
void machine_digest(char digest[MACHINE_HEX]);

#endif
