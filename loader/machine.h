/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which machine this is, for what must not be used on two. */
#ifndef XDPSEC_MACHINE_H
#define XDPSEC_MACHINE_H

#define MACHINE_HEX 13 /* 48 bits in hex, and the NUL */

/*
 * A digest of the UUID that firmware or hypervisor give: a copy of the disk in another machine meets another
 * one. "-" where there is none, or it says nothing. /etc/machine-id would be copied along, or made anew at
 * every boot.
 */
void machine_digest(char digest[MACHINE_HEX]);

#endif
