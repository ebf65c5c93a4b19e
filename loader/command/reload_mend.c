// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mending: a reload restores what others have changed on a running instance, such as detached programs,
 * changed offloads and sysctls, devices set down. It does what `up` would have done, and reports it. Faults
 * that cannot be mended are reported, and the reload then ends with an error after everything else is done.
 */
#include <errno.h>
#include <string.h>
#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "command/reload.h"
#include "device/fast_check.h"
#include "device/hop.h"
#include "device/pair.h"
#include "device/tunnel.h"
#include "net/ethtool.h"
#include "net/napi.h"
#include "net/sysctl.h"
#include "net/vrf.h"
#include "plane/attach.h"
#include "plane/devices.h"
#include "plane/fast.h"

/* Use the pinned program, which `up` has loaded. */
static int attach_link_again(const struct plane *plane, enum program program, const char *device,
			     unsigned int index)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	int err;

	plane_pin(plane, "programs", plane_programs[program].name, path, sizeof(path));
	fd = bpf_obj_get(path);
	if (fd < 0)
		return fail(errno, "%s: cannot open it: %s", path, strerror(errno));
	/* The pinned link is useless: its device is gone, or it was detached. */
	err = detach_tcx(plane, plane_programs[program].name);
	if (!err)
		err = attach_tcx(plane, program, fd, device, index);
	if (!err)
		warning("%s: was detached from %s, and is attached again", device,
			tcx_hook_text(program, index));
	return err;
}

static int mend_tcx(const struct plane *plane, enum program program, const char *device, unsigned int index)
{
	unsigned int attached;

	if (attached_tcx(plane, program, &attached) == 0 && attached == index)
		return 0;
	return attach_link_again(plane, program, device, index);
}

static int mend_xdp(struct reload *reload)
{
	struct instance *instance = &reload->instance;
	int err;

	if (instance->no_attach ||
	    attached_xdp(&reload->plane, instance->device_index).mode != XDP_IN_USE_NONE)
		return 0;
	err = attach_xdp(&reload->plane, reload->device.name, instance->device_index, reload->config.xdp,
			 &instance->xdp);
	if (!err)
		warning("%s: was detached from XDP, and is attached again", reload->device.name);
	return err ?: plane_write_instance(&reload->plane, instance);
}

/* The kernel empties an element when its device leaves the namespace. The device may have come back. */
static int mend_element(const struct plane *plane, enum xdpsec_device which, const struct netdev *netdev)
{
	int err;

	if (devices_get(plane, which) == netdev->index)
		return 0;
	err = devices_set(plane, which, netdev->index);
	if (!err)
		warning("%s: was in another network namespace, and is back", netdev->name);
	return err;
}

static int mend_device(struct reload *reload)
{
	struct instance *instance = &reload->instance;
	int err = mend_element(&reload->plane, XDPSEC_DEVICE_PROTECTED, &reload->device);

	if (err || memcmp(instance, &reload->recorded, sizeof(*instance)) == 0)
		return err;
	/* The present names are recorded. */
	return plane_write_instance(&reload->plane, instance);
}

/* pair_mend() has found the pair whole. */
static int mend_elements(const struct plane *plane, const struct netdev *near, const struct netdev *far)
{
	int err = mend_element(plane, XDPSEC_DEVICE_FAR, far);

	return err ?: mend_element(plane, XDPSEC_DEVICE_NEAR, near);
}

static int mend_hop(struct reload *reload)
{
	struct netdev near, far;
	const struct netdev *end;
	int err = pair_mend(&reload->instance, "hop", HOP_MTU, &near, &far);

	if (err)
		return err;
	sysctl_silence_ipv6(near.name);
	sysctl_silence_ipv6(far.name);
	err = mend_elements(&reload->plane, &near, &far);
	end = pair_program_end(&near, &far);
	return err ?: mend_tcx(&reload->plane, PROGRAM_HOP, end->name, end->index);
}

static int mend_egress(struct reload *reload)
{
	const struct instance *instance = &reload->instance;

	return instance->no_attach
		       ? 0
		       : mend_tcx(&reload->plane, PROGRAM_SEAL, reload->device.name, instance->device_index);
}

static int mend_forwarding(const struct netdev *far)
{
	int err;

	if (tunnel_forwards(far->name))
		return 0;
	err = tunnel_let_forward(far->name);
	if (!err)
		warning("%s: its forwarding was switched off, and is on again", far->name);
	return err;
}

static int mend_vrf(const struct reload *reload, const struct netdev *far)
{
	bool changed;
	int err = vrf_follow(far, reload->instance.device_index, &changed);

	if (!err && changed)
		warning("%s: %s was moved into a VRF, or out of one, and it follows", far->name,
			reload->device.name);
	return err;
}

static int mend_forwarding_of(unsigned int index)
{
	struct netdev far;
	int err = netdev_find_index(index, &far);

	return err ?: mend_forwarding(&far);
}

static int mend_gro(const struct plane *plane, const struct netdev *near)
{
	struct xdpsec_config config;
	__u32 key = 0;
	int err;

	if (!near->xdp_program && !plane_read(plane, MAP_CONFIG, &key, &config))
		napi_hold(near->index, config.hop_secret);
	if (gro_is_on(near->name))
		return 0;
	err = gro_on(near->name);
	if (!err)
		warning("%s: its GRO was switched off, and is on again", near->name);
	return err;
}

/* Programs first: no packet may enter the device unsealed. */
static int mend_tunnel(struct reload *reload)
{
	const struct plane *plane = &reload->plane;
	const struct instance *instance = &reload->instance;
	const char *far_name = instance->far;
	struct netdev near, far;
	int err = mend_tcx(plane, PROGRAM_ENCAPSULATE, far_name, instance->far_index), step;

	step = mend_tcx(plane, PROGRAM_KEEPALIVE, far_name, instance->far_index);
	err = err ?: step;
	if (pair_near_elsewhere(instance)) {
		step = mend_forwarding_of(instance->far_index);
		return err ?: step;
	}
	/* The configured MTU is set later. */
	step = pair_mend(instance, "tunnel", 0, &near, &far);
	if (step)
		return err ?: step;
	step = mend_vrf(reload, &far);
	err = err ?: step;
	sysctl_silence_ipv6(far.name);
	step = mend_elements(plane, &near, &far);
	err = err ?: step;
	step = netdev_set_quiet(near.index);
	if (step)
		fail(-step, "%s: cannot configure the tunnel device: %s", near.name, strerror(-step));
	err = err ?: step;
	step = mend_gro(plane, &near);
	err = err ?: step;
	step = mend_forwarding(&far);
	return err ?: step;
}

/* Is it already a device of FastPath? Then it has taken over the name of one that is gone. */
static bool has_other_place(const struct instance *instance, unsigned int place, unsigned int index)
{
	for (unsigned int i = 0; i < instance->n_fast && i < FAST_DEVICES_MAX; i++)
		if (i != place && instance->fast_index[i] == index)
			return true;
	return false;
}

/* A fault for which `up` refuses a device cannot be mended here: its message is repeated. */
static int mend_fast_attached(struct reload *reload, unsigned int place)
{
	struct netdev netdev;
	int err, step;

	if (netdev_find_index(reload->instance.fast_index[place], &netdev))
		return 0;
	err = mend_element(&reload->plane, XDPSEC_DEVICE_FAST + place, &netdev);
	step = fast_check_device(&netdev, "FastPath: ");
	err = err ?: step;
	step = fast_transmits_now(&reload->plane, place, &netdev) ? 0 : fast_refuse_transmits(&netdev);
	return err ?: step;
}

/* The device may have been deleted or moved away, and there is another one of the name; or its program was detached. */
static int mend_fast_device(struct reload *reload, unsigned int place)
{
	struct instance *instance = &reload->instance;
	struct netdev netdev;
	int err;

	if (fast_attached(&reload->plane, place))
		return mend_fast_attached(reload, place);
	if (netdev_find(instance->fast[place], &netdev) || has_other_place(instance, place, netdev.index)) {
		warning("FastPath: %s: no such device: packets to and from it take the ordinary way",
			instance->fast[place]);
		return 0;
	}
	err = fast_check_device(&netdev, "FastPath: ");
	if (err)
		return err;
	instance->fast_index[place] = netdev.index;
	err = plane_write_instance(&reload->plane, instance);
	if (!err)
		err = fast_attach(&reload->plane, place, &netdev);
	if (!err)
		warning("FastPath: %s: was detached from XDP, and is attached again", netdev.name);
	return err;
}

static int mend_fast(struct reload *reload)
{
	int err, step;

	if (!reload->instance.n_fast)
		return 0;
	err = fast_check_device(&reload->device, "FastPath: ");
	if (!fast_transmitted(&reload->plane, XDPSEC_FAST_UNDERLAY)) {
		step = fast_refuse_transmits(&reload->device);
		err = err ?: step;
	}
	for (unsigned int i = 0; i < reload->instance.n_fast && i < FAST_DEVICES_MAX; i++) {
		step = mend_fast_device(reload, i);
		err = err ?: step;
	}
	if (pair_near_elsewhere(&reload->instance)) {
		warning("FastPath: %s is in another network namespace: no packet takes the fast path",
			reload->instance.near);
		hint("routes to %s are in that one: leave FastPath out", reload->instance.near);
	} else {
		fast_warn_of_flowtable(&reload->config, &reload->instance);
	}
	return err;
}

/* The steps of each mode; NULL ends them. They are independent of one another. */
static int (*const steps[][8])(struct reload *reload) = {
	[MODE_INLINE] = { mend_device, mend_xdp, mend_hop, mend_egress },
	[MODE_TUNNEL] = { mend_device, mend_tunnel, mend_xdp, mend_fast },
};

void reload_mend(struct reload *reload)
{
	int (*const *step)(struct reload *reload);
	int err;

	for (step = steps[reload->plane.mode]; *step; step++) {
		err = (*step)(reload);
		reload->unmended = reload->unmended ?: err;
	}
}

void reload_mend_addresses(struct reload *reload)
{
	const struct instance *instance = &reload->instance;
	unsigned int added = 0;
	int err = tunnel_add_addresses(instance, &added);

	if (!err && added)
		warning("%s: its addresses were removed, and are added again", instance->near);
	reload->unmended = reload->unmended ?: err;
}
