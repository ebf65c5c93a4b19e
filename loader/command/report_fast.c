// SPDX-License-Identifier: GPL-2.0-or-later
/* The part of `status` about a fast path. */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "command/report.h"
#include "device/fast_check.h"
#include "plane/fast.h"

/* Since `up` the device may have become what it would refuse. */
static char *read_fault(unsigned int index)
{
	struct fast_fault fault;
	struct netdev netdev;
	char *text;

	if (netdev_find_index(index, &netdev) || !fast_find_fault(&netdev, &fault))
		return NULL;
	return asprintf(&text, "%s: %s; %s", netdev.name, fault.text, fault.hint) < 0 ? NULL : text;
}

int report_read_fast(struct report *report, const struct plane *plane)
{
	const struct instance *instance = &report->instance;

	if (!instance->n_fast)
		return 0;
	for (unsigned int i = 0; i < instance->n_fast && i < FAST_DEVICES_MAX; i++) {
		report->fast.attached[i] = fast_attached(plane, i);
		report->fast.transmits[i] = fast_transmitted(plane, i + 1);
		if (report->fast.attached[i])
			report->fast.faults[i] = read_fault(instance->fast_index[i]);
	}
	if (report->device_here)
		report->fast.faults[FAST_DEVICES_MAX] = read_fault(instance->device_index);
	report->fast.underlay_transmits = fast_transmitted(plane, XDPSEC_FAST_UNDERLAY);
	if (!report->near_elsewhere)
		report->fast.not_in_flowtable = fast_not_in_flowtable(instance);
	return fast_read_packets(plane, report->fast.packets);
}

static void warn_of_flowtable(struct report *report, const char *missing)
{
	if (strcmp(missing, report->instance.near) == 0)
		add_warning(report, WARNING_FAST_PATH,
			    "fast path: the flowtable lacks %s: Linux 7.3 puts no flow into it then, and "
			    "packets take the ordinary way",
			    missing);
	else
		add_warning(report, WARNING_FAST_PATH,
			    "fast path: %s is in no flowtable of nftables with the other devices: packets "
			    "take the ordinary way",
			    missing);
}

void report_warn_fast(struct report *report)
{
	const struct instance *instance = &report->instance;

	for (unsigned int i = 0; i < instance->n_fast && i < FAST_DEVICES_MAX; i++) {
		if (!report->fast.attached[i])
			add_warning(report, WARNING_FAST_PATH,
				    "fast path: %s was deleted or moved to another namespace, or its program "
				    "detached: its packets take the ordinary way; xdpsec reload %s",
				    instance->fast[i], instance->name);
		else if (!report->fast.transmits[i])
			add_warning(report, WARNING_FAST_PATH,
				    "fast path: %s takes no redirected frames: opened packets take the "
				    "ordinary way; of a veth, the other end must receive with GRO",
				    instance->fast[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(report->fast.faults); i++)
		if (report->fast.faults[i])
			add_warning(report, WARNING_FAST_PATH, "fast path: %s", report->fast.faults[i]);
	if (instance->n_fast && !report->fast.underlay_transmits)
		add_warning(report, WARNING_FAST_PATH,
			    "fast path: %s takes no redirected frames: all packets to peers take the "
			    "ordinary way",
			    instance->device);
	if (instance->n_fast && report->near_elsewhere)
		add_warning(
			report, WARNING_FAST_PATH,
			"fast path: %s is in another network namespace: nothing is routed to it here, and no "
			"packet takes the fast path",
			instance->near);
	if (report->fast.not_in_flowtable)
		warn_of_flowtable(report, report->fast.not_in_flowtable);
}
