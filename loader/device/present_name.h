/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The present names of an instance's devices. The index tells a device while the kernel keeps it in map "devices"
 * (plane/devices.h); its name, which configuration and commands have, can be changed while it is up.
 */
#ifndef XDPSEC_PRESENT_NAME_H
#define XDPSEC_PRESENT_NAME_H

#include "config/config.h"
#include "plane/instance.h"
#include "plane/plane.h"

/*
 * Replace the recorded names of Device and of FastPath by the present ones. A device that is gone keeps its recorded
 * name. To be called in the instance's namespace.
 */
void present_names(const struct plane *plane, struct instance *instance);

/*
 * Does the configuration have present names, and not recorded ones that were changed? All that it has are reported. 0, or
 * -ENODEV after messages.
 */
int present_names_check(const struct config *config, const struct instance *recorded,
			const struct instance *present);

/* "lan0, lan1", as the file has it; "none". */
#define FAST_PATH_TEXT (FAST_DEVICES_MAX * (IF_NAMESIZE + 2))
const char *fast_path_text(const struct instance *instance, char text[FAST_PATH_TEXT]);

#endif
