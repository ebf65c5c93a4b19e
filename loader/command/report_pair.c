// SPDX-License-Identifier: GPL-2.0-or-later
/* Warnings about the pair of devices: what somebody has changed of it, in either mode, and reload mends. */
#include <string.h>

#include "command/report.h"
#include "device/hop.h"
#include "device/pair.h"

/* Each packet with a pending checksum or GSO is counted as no_hop. */
static void warn_of_offloads(struct report *report)
{
	const char *name = report->instance.name;

	if (report->offloads)
		add_warning(report, WARNING_DEVICE,
			    "offloads of %s were switched on: packets with a pending checksum, or GSO, are "
			    "dropped as no_hop; xdpsec reload %s",
			    report->near.name, name);
	if (report->far_state.merges)
		add_warning(report, WARNING_DEVICE,
			    "GRO of %s was switched on: packets that it joins are dropped as no_hop; xdpsec "
			    "reload %s",
			    report->far.name, name);
}

/* The tunnel's near end has a warning of its own, as it loses its routes. */
static void warn_of_down(struct report *report)
{
	bool tunnel = report->instance.mode == MODE_TUNNEL;

	if (report->far.index && !report->far.up)
		add_warning(report, WARNING_DEVICE, "%s was set down: %s; xdpsec reload %s", report->far.name,
			    tunnel ? "nothing is sent or received"
				   : "packets with a pending checksum, or GSO, are lost",
			    report->instance.name);
	if (!tunnel && report->near.index && !report->near.up)
		add_warning(report, WARNING_DEVICE,
			    "%s was set down: packets with a pending checksum, or GSO, are lost; xdpsec "
			    "reload %s",
			    report->near.name, report->instance.name);
}

static void warn_of_end_mtu(struct report *report, const struct netdev *end, unsigned int mtu)
{
	if (end->index && end->mtu != mtu)
		add_warning(report, WARNING_DEVICE,
			    "the MTU of %s was changed to %u, from %u: xdpsec reload %s", end->name, end->mtu,
			    mtu, report->instance.name);
}

/* Opened packets are addressed to the near end, by what is recorded. What leaves it has no neighbour to ask for. */
static void warn_of_link(struct report *report)
{
	const char *near = report->near.name, *name = report->instance.name;

	if (report->far_state.takes_no)
		add_warning(report, WARNING_DEVICE,
			    "%s has fewer receive queues than %s sends on: XDP cannot redirect to it, and "
			    "nothing arrives; xdpsec reload %s",
			    report->far.name, near, name);
	if (!report->near.index)
		return;
	if (memcmp(report->near.address, report->config.near_mac, sizeof(report->config.near_mac)) != 0)
		add_warning(report, WARNING_DEVICE,
			    "the MAC address of %s was changed: nothing arrives on it; xdpsec reload %s",
			    near, name);
	if (report->near.arp)
		add_warning(
			report, WARNING_DEVICE,
			"ARP of %s was switched on, and nobody answers: nothing is sent; xdpsec reload %s",
			near, name);
}

void report_warn_pair(struct report *report)
{
	warn_of_offloads(report);
	warn_of_down(report);
	warn_of_end_mtu(report, &report->far, FAR_MTU);
	if (report->instance.mode == MODE_TUNNEL)
		warn_of_link(report);
	else
		warn_of_end_mtu(report, &report->near, HOP_MTU);
}
