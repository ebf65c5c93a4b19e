// SPDX-License-Identifier: GPL-2.0-or-later
/* The metrics of the machine and of each instance. */
#include <string.h>
#include <time.h>

#include "agreement/message.h"
#include "base/array.h"
#include "base/program_version.h"
#include "command/metrics_collect.h"

/* A metric with one sample for each instance. value() is false where there is none. */
struct instance_metric {
	struct family family;
	bool (*value)(const struct report *report, __u64 *value);
};

static bool started(const struct report *report, __u64 *value)
{
	*value = report->instance.started;
	return true;
}

/* With no_attach, egress may be a filter of tc that is not visible here. */
static bool attached(const struct report *report, __u64 *value)
{
	*value = report->xdp.mode != XDP_IN_USE_NONE && (report->egress || report->instance.no_attach);
	return report->reachable;
}

static bool outdated(const struct report *report, __u64 *value)
{
	*value = strcmp(report->instance.version, program_version()) != 0;
	return true;
}

static bool warnings(const struct report *report, __u64 *value)
{
	*value = report->n_warnings;
	return true;
}

static bool peers(const struct report *report, __u64 *value)
{
	*value = report->n_peers;
	return true;
}

static bool mtu(const struct report *report, __u64 *value)
{
	*value = report->near.index ? report->near.mtu : report->config.mtu;
	return report->instance.mode == MODE_TUNNEL;
}

static bool has_hop(const struct report *report)
{
	return report->instance.mode == MODE_INLINE && report->pair_exists;
}

static bool hop_packets(const struct report *report, __u64 *value)
{
	*value = report->near.tx_packets;
	return has_hop(report);
}

static bool hop_dropped(const struct report *report, __u64 *value)
{
	*value = report->near.tx_dropped;
	return has_hop(report);
}

static bool agent_running(const struct report *report, __u64 *value)
{
	*value = report->agent_runs;
	return report->agrees;
}

static bool agent_started(const struct report *report, __u64 *value)
{
	if (!report->agrees || !report->agent_runs || !report->agent)
		return false;
	*value = (__u64)report->agent->started;
	return true;
}

static const struct instance_metric instance_metrics[] = {
	{ { "xdpsec_instance_start_timestamp_seconds", METRIC_GAUGE, "seconds",
	    "When the instance was brought up, in seconds since the Epoch." },
	  started },
	{ { "xdpsec_instance_attached", METRIC_GAUGE, NULL,
	    "1: the programs are attached in both directions; 0: they are not, and packets may leave in "
	    "clear." },
	  attached },
	{ { "xdpsec_instance_outdated", METRIC_GAUGE, NULL,
	    "1: its programs are of another version of xdpsec than the one that is installed." },
	  outdated },
	{ { "xdpsec_instance_warnings", METRIC_GAUGE, NULL,
	    "How many warnings xdpsec status -j lists; its advice is none." },
	  warnings },
	{ { "xdpsec_instance_peers", METRIC_GAUGE, NULL, "How many peers it has." }, peers },
	{ { "xdpsec_instance_mtu_bytes", METRIC_GAUGE, "bytes", "The MTU of the tunnel device." }, mtu },
	{ { "xdpsec_hop_packets", METRIC_COUNTER, "packets",
	    "Packets that took the way by the hop device to be segmented or checksummed." },
	  hop_packets },
	{ { "xdpsec_hop_dropped_packets", METRIC_COUNTER, "packets",
	    "Packets dropped at the hop device, with those that its program drops on a netkit." },
	  hop_dropped },
	{ { "xdpsec_agent_running", METRIC_GAUGE, NULL, "1: the agent, which agrees on keys, is running." },
	  agent_running },
	{ { "xdpsec_agent_start_timestamp_seconds", METRIC_GAUGE, "seconds",
	    "When the agent was started, in seconds since the Epoch." },
	  agent_started },
};

static void print_each(struct exposition *exposition, const struct metrics *metrics)
{
	__u64 value;

	for (size_t i = 0; i < ARRAY_SIZE(instance_metrics); i++) {
		exposition_family(exposition, &instance_metrics[i].family);
		for (size_t j = 0; j < metrics->n_reports; j++)
			if (instance_metrics[i].value(&metrics->reports[j], &value))
				exposition_number(exposition, value,
						  LABELS({ "name", metrics->reports[j].instance.name }));
	}
}

static void print_up(struct exposition *exposition, const struct metrics *metrics)
{
	static const struct family any = { "xdpsec_up", METRIC_GAUGE, NULL,
					   "1: an instance is up, of those asked for; 0: none is." },
				   each = { "xdpsec_instance_up", METRIC_GAUGE, NULL,
					    "1: the instance is up; 0: it cannot be read, is left "
					    "incomplete, or its pins are lost." };

	exposition_family(exposition, &any);
	exposition_number(exposition, metrics->n_reports > 0, NO_LABELS);
	exposition_family(exposition, &each);
	for (size_t i = 0; i < metrics->n_reports; i++)
		exposition_number(exposition, 1, LABELS({ "name", metrics->reports[i].instance.name }));
	for (size_t i = 0; i < metrics->n_faults; i++)
		exposition_number(exposition, 0, LABELS({ "name", metrics->faults[i] }));
}

static void print_machine(struct exposition *exposition)
{
	static const struct family build = { "xdpsec_build", METRIC_INFO, NULL,
					     "The version of the xdpsec that wrote this." },
				   time_ = { "xdpsec_collection_timestamp_seconds", METRIC_GAUGE, "seconds",
					     "When the values were read, in seconds since the Epoch." };

	exposition_family(exposition, &build);
	exposition_number(exposition, 1, LABELS({ "version", program_version() }));
	exposition_family(exposition, &time_);
	exposition_number(exposition, (__u64)time(NULL), NO_LABELS);
}

static void print_instance_info(struct exposition *exposition, const struct metrics *metrics)
{
	static const struct family info = {
		"xdpsec_instance", METRIC_INFO, NULL,
		"The device and mode of an instance, how XDP is attached, and the version of its programs."
	};

	exposition_family(exposition, &info);
	for (size_t i = 0; i < metrics->n_reports; i++) {
		const struct report *report = &metrics->reports[i];

		exposition_number(
			exposition, 1,
			LABELS({ "name", report->instance.name }, { "device", report->instance.device },
			       { "mode", mode_text(report->instance.mode) },
			       { "xdp", report->reachable ? xdp_text(report->xdp.mode) : "unknown" },
			       { "version", report->instance.version }));
	}
}

/* Every reason is there from the start, so that a first drop is an increase. */
static void print_instance_drops(struct exposition *exposition, const struct metrics *metrics)
{
	static const struct family dropped = { "xdpsec_dropped_packets", METRIC_COUNTER, "packets",
					       "Packets that were dropped, by reason (xdpsec(8), Drops)." };

	exposition_family(exposition, &dropped);
	for (size_t i = 0; i < metrics->n_reports; i++)
		for (int reason = 0; reason < XDPSEC_DROP_COUNT; reason++)
			exposition_number(exposition, metrics->reports[i].drops[reason],
					  LABELS({ "name", metrics->reports[i].instance.name },
						 { "reason", report_drop_name(reason) }));
}

static void print_fast_packets(struct exposition *exposition, const struct metrics *metrics)
{
	static const struct family fast = {
		"xdpsec_fast_packets", METRIC_COUNTER, "packets",
		"Packets that took the fast path, to peers (tx) and from them (rx)."
	};

	exposition_family(exposition, &fast);
	for (size_t i = 0; i < metrics->n_reports; i++) {
		const struct report *report = &metrics->reports[i];

		if (!report->instance.n_fast)
			continue;
		exposition_number(exposition, report->fast.packets[XDPSEC_FAST_OUT],
				  LABELS({ "name", report->instance.name }, { "direction", "tx" }));
		exposition_number(exposition, report->fast.packets[XDPSEC_FAST_IN],
				  LABELS({ "name", report->instance.name }, { "direction", "rx" }));
	}
}

/* The agent's file has both kinds of counters in one list. */
static bool is_refusal(const char *name)
{
	for (int i = 1; i < MESSAGE_REFUSAL_COUNT; i++)
		if (strcmp(name, message_refusal_name((enum message_refusal)i)) == 0)
			return true;
	return false;
}

static void print_agent_counters(struct exposition *exposition, const struct metrics *metrics, bool refusals)
{
	for (size_t i = 0; i < metrics->n_reports; i++) {
		const struct report *report = &metrics->reports[i];
		const struct agent_status_counter *counter = report->agent ? report->agent->counters : NULL;

		for (size_t j = 0; counter && j < AGENT_COUNTERS_MAX && counter->name[0]; j++, counter++)
			if (is_refusal(counter->name) == refusals)
				exposition_number(exposition, counter->value,
						  LABELS({ "name", report->instance.name },
							 { refusals ? "reason" : "event", counter->name }));
	}
}

static void print_agents(struct exposition *exposition, const struct metrics *metrics)
{
	static const struct family
		events = { "xdpsec_agreement_events", METRIC_COUNTER, NULL,
			   "Messages and events of the key agreement since the agent was started." },
		refused = { "xdpsec_agreement_refused_messages", METRIC_COUNTER, "messages",
			    "Messages of the key agreement that the agent did not accept, by reason." };

	exposition_family(exposition, &events);
	print_agent_counters(exposition, metrics, false);
	exposition_family(exposition, &refused);
	print_agent_counters(exposition, metrics, true);
}

void metrics_print_instances(struct exposition *exposition, const struct metrics *metrics)
{
	print_up(exposition, metrics);
	print_machine(exposition);
	print_instance_info(exposition, metrics);
	print_each(exposition, metrics);
	print_instance_drops(exposition, metrics);
	print_fast_packets(exposition, metrics);
	print_agents(exposition, metrics);
}
