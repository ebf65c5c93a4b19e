// SPDX-License-Identifier: GPL-2.0-or-later
/* Which devices XDP can forward between without the stack. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <net/if_arp.h>

#include "base/array.h"
#include "base/message.h"
#include "device/fast_check.h"
#include "net/ethtool.h"
#include "net/flowtable.h"
#include "plane/attach.h"
#include "plane/fast.h"
#include "plane/self.h"
#include "plane/sharers.h"

/* Hardware, or a veth: other devices have no native XDP, or what XDP sees on them is not all of a frame. */
static int find_kind(const struct netdev *netdev, struct fast_fault *fault)
{
	if (netdev->type == ARPHRD_ETHER && (!netdev->kind[0] || strcmp(netdev->kind, "veth") == 0))
		return 0;
	snprintf(fault->text, sizeof(fault->text), "not a network card or veth, but %s",
		 netdev->kind[0] ? netdev->kind : "no Ethernet device");
	snprintf(fault->hint, sizeof(fault->hint),
		 "the fast path needs native XDP on both sides; behind a bridge, bond or VLAN device packets "
		 "take the ordinary way");
	return -EINVAL;
}

static int find_master(const struct netdev *netdev, struct fast_fault *fault)
{
	struct netdev master;

	if (!netdev->master || netdev_find_index(netdev->master, &master) || strcmp(master.kind, "vrf") == 0)
		return 0;
	snprintf(fault->text, sizeof(fault->text),
		 "is a part of %s (%s): frames that belong there would be forwarded past it", master.name,
		 master.kind);
	snprintf(fault->hint, sizeof(fault->hint),
		 "%s link set dev %s nomaster; or leave FastPath out, or %s out of it", self_ip(),
		 netdev->name, netdev->name);
	return -EINVAL;
}

/* A veth's program looks beside each frame (xdp/fast_pending.bpf.h). */
static int find_vlan_offload(const struct netdev *netdev, struct fast_fault *fault)
{
	bool fixed;

	if (strcmp(netdev->kind, "veth") == 0 || !vlan_offload_is_on(netdev->name, &fixed))
		return 0;
	snprintf(fault->text, sizeof(fault->text),
		 "it takes VLAN tags out of frames (rx-vlan-offload): XDP would take frames of any VLAN for "
		 "its own");
	if (fixed)
		snprintf(fault->hint, sizeof(fault->hint),
			 "its driver cannot switch that off: leave FastPath out, or %s out of it",
			 netdev->name);
	else
		snprintf(fault->hint, sizeof(fault->hint), "%sethtool -K %s rxvlan off", self_enter(),
			 netdev->name);
	return -EOPNOTSUPP;
}

/* An instance of inline mode would be bypassed: its packets would leave in clear. */
static int find_inline_mode(const struct netdev *netdev, struct fast_fault *fault)
{
	if (!tcx_has_ours(netdev->index))
		return 0;
	snprintf(fault->text, sizeof(fault->text),
		 "an instance of inline mode seals what leaves by it, and the fast path would bypass that");
	snprintf(fault->hint, sizeof(fault->hint), "`%s status` lists the instances", self());
	return -EBUSY;
}

static int (*const finders[])(const struct netdev *netdev, struct fast_fault *fault) = {
	find_kind,
	find_master,
	find_vlan_offload,
	find_inline_mode,
};

bool fast_find_fault(const struct netdev *netdev, struct fast_fault *fault)
{
	for (size_t i = 0; i < ARRAY_SIZE(finders); i++)
		if (finders[i](netdev, fault))
			return true;
	return false;
}

int fast_check_device(const struct netdev *netdev, const char *where)
{
	struct fast_fault fault;
	int err = 0, step;

	for (size_t i = 0; i < ARRAY_SIZE(finders); i++) {
		step = finders[i](netdev, &fault);
		if (!step)
			continue;
		fail(-step, "%s%s: %s", where, netdev->name, fault.text);
		hint("%s", fault.hint);
		err = err ?: step;
	}
	return err;
}

/* The program of a fast path is the only one on its device. */
static int check_alone(const struct config *config, const struct netdev *netdev, const char *where)
{
	_cleanup_sharers_ struct sharers sharers = {};
	const struct sharer *other;
	int err;

	if (!netdev->xdp_program)
		return 0;
	err = sharers_find(&sharers, netdev->index);
	if (err)
		return err;
	other = sharers_next(&sharers, config->name, NULL) ?: sharers_fast(&sharers, config->name);
	if (other) {
		fail(EBUSY, "%s%s: is %s of %s, whose XDP program is on it", where, netdev->name,
		     other->here ? "Device" : "in FastPath", other->instance.name);
		hint("leave it out of FastPath, or `%s down %s`", self(), other->instance.name);
	} else {
		fail(EBUSY, "%s%s: another XDP program is on it", where, netdev->name);
		hint("`%s link show dev %s` shows it", self_ip(), netdev->name);
	}
	return -EBUSY;
}

static int check_name(const struct config *config, const char *name, const char *where)
{
	if (strcmp(name, config->device) == 0)
		return fail(EINVAL, "%s%s: is Device: the fast path is between it and others", where, name);
	if (strcmp(name, config->tunnel.name) == 0)
		return fail(EINVAL, "%s%s: is the tunnel device itself", where, name);
	return 0;
}

static int check_fast_place(const struct config *config, size_t place, const char *where,
			    struct instance *instance)
{
	const char *name = config->tunnel.fast[place];
	int err = check_name(config, name, where);
	struct netdev netdev;
	int step;

	if (err)
		return err;
	if (netdev_find(name, &netdev)) {
		fail(ENODEV, "%s%s: no such device in this network namespace", where, name);
		hint("`%s link` lists the devices", self_ip());
		return -ENODEV;
	}
	instance->fast_index[place] = netdev.index;
	err = fast_check_device(&netdev, where);
	/* One of inline mode has been named by that. */
	step = tcx_has_ours(netdev.index) ? 0 : check_alone(config, &netdev, where);
	return err ?: step;
}

int fast_check(const struct config *config, const struct netdev *underlay, struct instance *instance)
{
	const struct tunnel_config *tunnel = &config->tunnel;
	char where[PATH_MAX + 64];
	int err = 0, step;

	if (!tunnel->n_fast)
		return 0;
	snprintf(where, sizeof(where), "%s:%d: FastPath: ", config->path, tunnel->fast_line);
	if (config->xdp == XDP_MODE_CONFIG_GENERIC) {
		err = fail(EINVAL, "%sXdp = generic: the fast path needs native XDP", where);
		hint("Xdp = auto or native");
	}
	if (!tunnel->fast_no_firewall) {
		step = fast_check_kernel();
		err = err ?: step;
	}
	step = underlay->index ? fast_check_device(underlay, where) : 0;
	err = err ?: step;
	for (size_t i = 0; i < tunnel->n_fast; i++) {
		step = check_fast_place(config, i, where, instance);
		err = err ?: step;
	}
	return err;
}

const char *fast_not_in_flowtable(const struct instance *instance)
{
	const char *devices[FAST_DEVICES_MAX + 2], *missing = NULL;
	size_t n = 0;

	if (instance->fast_no_firewall || !instance->n_fast)
		return NULL;
	for (; n < instance->n_fast && n < FAST_DEVICES_MAX; n++)
		devices[n] = instance->fast[n];
	devices[n++] = instance->device;
	devices[n++] = instance->near;
	return flowtable_find(devices, n, &missing) ? NULL : missing;
}

void fast_warn_of_flowtable(const struct config *config, const struct instance *instance)
{
	const char *missing = fast_not_in_flowtable(instance), *first = instance->fast[0];
	bool lacks_first;

	if (!missing)
		return;
	if (strcmp(missing, instance->near) == 0) {
		warning("%s:%d: FastPath: the flowtable lacks %s: Linux 7.3 puts no flow into it then, and "
			"all packets take the ordinary way",
			config->path, config->tunnel.fast_line, missing);
		hint("PostUp = nft \"add flowtable inet gateway fast { hook ingress priority filter; devices "
		     "= { %s }; }\", with the family and the names of your table and flowtable",
		     missing);
		return;
	}
	lacks_first = strcmp(missing, first) == 0;
	warning("%s:%d: FastPath: no flowtable of nftables has %s%s%s: all packets take the ordinary way",
		config->path, config->tunnel.fast_line, first, lacks_first ? "" : " and ",
		lacks_first ? "" : missing);
	hint("a flowtable with `devices = { %s, %s, %s }`, and a rule `flow add` in its table's chain of the "
	     "hook forward; without a firewall, FastPathFirewall = none",
	     first, instance->device, instance->near);
}
