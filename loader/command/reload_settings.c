// SPDX-License-Identifier: GPL-2.0-or-later
/* The settings with which an instance was made, and the device that it is on: a reload cannot change them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/message.h"
#include "command/reload.h"
#include "device/device.h"
#include "device/present_name.h"
#include "device/tunnel.h"
#include "plane/self.h"

static int cannot_change(const struct reload *reload, const char *keyword, const char *from)
{
	fail(EINVAL, "%s: %s cannot be changed by reload (it is %s)", reload->config.path, keyword, from);
	hint_restart(&reload->instance);
	return -EINVAL;
}

/* The name may be the recorded one (present_names_check() judges it), or the present one. */
static bool names_device(const char *name, const char *recorded, const char *present)
{
	return strcmp(name, recorded) == 0 || strcmp(name, present) == 0;
}

static bool names_fast_devices(const struct reload *reload)
{
	const struct tunnel_config *tunnel = &reload->config.tunnel;

	if (tunnel->n_fast != reload->instance.n_fast)
		return false;
	for (size_t i = 0; i < tunnel->n_fast; i++)
		if (!names_device(tunnel->fast[i], reload->recorded.fast[i], reload->instance.fast[i]))
			return false;
	return true;
}

/* Settings with which the device was made, or which the other sites use. */
static int reload_check_tunnel(const struct reload *reload)
{
	const struct tunnel_config *tunnel = &reload->config.tunnel;
	const struct instance *instance = &reload->instance;
	struct xdpsec_config config;
	__u32 key = 0;
	char text[64], fast[FAST_PATH_TEXT];
	int err = plane_read(&reload->plane, MAP_CONFIG, &key, &config), step;

	if (err)
		return err;
	if (strcmp(tunnel->name, instance->near) != 0)
		err = cannot_change(reload, "Name of [Interface]", instance->near);
	if (tunnel->n_addresses != instance->n_addresses ||
	    memcmp(tunnel->addresses, instance->addresses, sizeof(tunnel->addresses)) != 0)
		err = cannot_change(reload, "Address of [Interface]",
				    instance->n_addresses
					    ? prefix_text(&instance->addresses[0], text, sizeof(text))
					    : "none");
	snprintf(text, sizeof(text), "%u", config.listen_port);
	if (tunnel->listen_port != config.listen_port)
		err = cannot_change(reload, "ListenPort", text);
	if (tunnel->no_routes != instance->no_routes)
		err = cannot_change(reload, "Table", instance->no_routes ? "off" : "auto");
	if (!names_fast_devices(reload))
		err = cannot_change(reload, "FastPath", fast_path_text(instance, fast));
	if (tunnel->n_fast && tunnel->fast_no_firewall != instance->fast_no_firewall)
		err = cannot_change(reload, "FastPathFirewall",
				    instance->fast_no_firewall ? "none" : "flowtable");
	step = tunnel_check_device(instance);
	return err ?: step;
}

int reload_check_settings(const struct reload *reload)
{
	const struct instance *instance = &reload->instance;
	int err = 0, step = 0;

	if (reload->config.mode != (enum mode)instance->mode)
		err = cannot_change(reload, "Mode", mode_text(instance->mode));
	if (!names_device(reload->config.device, reload->recorded.device, instance->device))
		err = cannot_change(reload, "Device", instance->device);
	if (reload->config.xdp != (enum xdp_mode)instance->xdp_asked)
		err = cannot_change(reload, "Xdp", xdp_mode_text(instance->xdp_asked));
	if (!err && instance->mode == MODE_TUNNEL)
		step = reload_check_tunnel(reload);
	return err ?: step;
}

int reload_check_device(const struct reload *reload, const struct netdev *device)
{
	const struct instance *instance = &reload->instance;

	if (device->index == instance->device_index)
		return 0;
	fail(ENODEV, "%s: the device %s is not the one that the instance was started on", instance->name,
	     device->name);
	hint_restart(instance);
	return -ENODEV;
}
