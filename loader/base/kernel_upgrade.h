/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The remedy for a kernel that is too old: a command, where one is known. */
#ifndef XDPSEC_KERNEL_UPGRADE_H
#define XDPSEC_KERNEL_UPGRADE_H

#include <stdbool.h>
#include <stddef.h>

/* "6.1.0-37-amd64" is older than 6.12, "6.12.0-rc1" and "7.0" are not; nor is what is no number. */
bool kernel_is_too_old(const char *release);

/* The command for a release of Debian with that VERSION_CODENAME in the text of its /etc/os-release; NULL: none is known. */
const char *kernel_upgrade_command(const char *os_release);

/* Write the hint for the kernel that runs. */
void kernel_upgrade_hint(char *text, size_t size);

#endif
