// SPDX-License-Identifier: GPL-2.0-or-later
/* The metrics of peers. Labels have names and words only, no addresses: a peer that roams makes no new series. */
#include <string.h>
#include <time.h>

#include "agreement/message.h"
#include "base/array.h"
#include "command/metrics_collect.h"
#include "plane/bulk.h"
#include "plane/cipher.h"

#define SECOND 1000000000ULL

/* A metric with one sample for each peer. value() is false where there is none. */
struct peer_metric {
	struct family family;
	bool (*value)(const struct report *report, const struct peer_report *peer, __u64 *value);
};

static bool handshake(const struct report *report, const struct peer_report *peer, __u64 *value)
{
	(void)report;
	*value = (__u64)time(NULL) - peer->agreed.handshake;
	return peer->agreed.agreed && peer->agreed.handshake_known;
}

static bool handshakes(const struct report *report, const struct peer_report *peer, __u64 *value)
{
	(void)report;
	*value = peer->agreed.status.handshakes;
	return peer->agreed.has_status;
}

static bool attempts(const struct report *report, const struct peer_report *peer, __u64 *value)
{
	(void)report;
	*value = peer->agreed.status.attempts;
	return peer->agreed.has_status;
}

static bool restarts(const struct report *report, const struct peer_report *peer, __u64 *value)
{
	(void)report;
	*value = peer->agreed.status.restarts;
	return peer->agreed.has_status;
}

static bool ahead(const struct report *report, const struct peer_report *peer, __u64 *value)
{
	(void)report;
	*value = peer->agreed.status.ahead / SECOND;
	return peer->agreed.has_status;
}

static bool key_age(const struct report *report, const struct peer_report *peer, __u64 *value)
{
	(void)report;
	*value = peer->agreed.age;
	return peer->agreed.has_pair;
}

static bool key_expiry(const struct report *report, const struct peer_report *peer, __u64 *value)
{
	(void)report;
	*value = peer->agreed.expires;
	return peer->agreed.has_pair;
}

static bool path_mtu(const struct report *report, const struct peer_report *peer, __u64 *value)
{
	*value = peer->outer_mtu;
	return report->instance.mode == MODE_TUNNEL && peer->outer_mtu;
}

static bool inner_mtu(const struct report *report, const struct peer_report *peer, __u64 *value)
{
	*value = peer->inner_mtu;
	return report->instance.mode == MODE_TUNNEL && peer->inner_mtu;
}

static bool moves(const struct report *report, const struct peer_report *peer, __u64 *value)
{
	*value = peer->endpoint.moves;
	return report->instance.mode == MODE_TUNNEL;
}

static bool endpoint_known(const struct report *report, const struct peer_report *peer, __u64 *value)
{
	*value = peer->location.known;
	return report->instance.mode == MODE_TUNNEL;
}

static const struct peer_metric peer_metrics[] = {
	{ { "xdpsec_peer_handshake_timestamp_seconds", METRIC_GAUGE, "seconds",
	    "When the latest handshake was complete, in seconds since the Epoch." },
	  handshake },
	{ { "xdpsec_peer_handshakes", METRIC_COUNTER, NULL,
	    "Handshakes that were completed since the agent was started." },
	  handshakes },
	{ { "xdpsec_peer_handshake_attempts", METRIC_GAUGE, NULL,
	    "Initiations since the peer last answered; 0: nothing is asked." },
	  attempts },
	{ { "xdpsec_peer_restarts", METRIC_COUNTER, NULL,
	    "How often the peer has lost its keys, since the agent was started." },
	  restarts },
	{ { "xdpsec_peer_timestamp_ahead_seconds", METRIC_GAUGE, "seconds",
	    "How far the timestamps sent to the peer are ahead of the clock: it was set back." },
	  ahead },
	{ { "xdpsec_peer_key_age_seconds", METRIC_GAUGE, "seconds", "The age of the agreed key that seals." },
	  key_age },
	{ { "xdpsec_peer_key_expiry_seconds", METRIC_GAUGE, "seconds",
	    "The time until the agreed key that seals expires; 0: it has expired, and nothing is sealed." },
	  key_expiry },
	{ { "xdpsec_peer_path_mtu_bytes", METRIC_GAUGE, "bytes",
	    "The largest outer packet that fits the path to the peer, as far as is known." },
	  path_mtu },
	{ { "xdpsec_peer_inner_mtu_bytes", METRIC_GAUGE, "bytes",
	    "The largest packet inside the tunnel that fits the path." },
	  inner_mtu },
	{ { "xdpsec_peer_endpoint_known", METRIC_GAUGE, NULL,
	    "1: it is known where the peer can be reached." },
	  endpoint_known },
	{ { "xdpsec_peer_endpoint_moves", METRIC_COUNTER, NULL, "How often the peer's endpoint has moved." },
	  moves },
};

/* The two directions of a peer. */
struct direction_metric {
	struct family family;
	bool (*value)(const struct sa_report *sa, __u64 *value);
};

static bool packets(const struct sa_report *sa, __u64 *value)
{
	*value = sa->packets;
	return true;
}

static bool bytes(const struct sa_report *sa, __u64 *value)
{
	*value = sa->bytes;
	return true;
}

static bool last_packet(const struct sa_report *sa, __u64 *value)
{
	*value = sa->last_seen;
	return sa->last_seen;
}

static const struct direction_metric direction_metrics[] = {
	{ { "xdpsec_peer_packets", METRIC_COUNTER, "packets",
	    "Packets that were sealed (tx) or opened (rx)." },
	  packets },
	{ { "xdpsec_peer_bytes", METRIC_COUNTER, "bytes", "Bytes of what was sealed (tx) or opened (rx)." },
	  bytes },
	{ { "xdpsec_peer_last_packet_timestamp_seconds", METRIC_GAUGE, "seconds",
	    "When the last packet was sealed (tx) or opened (rx), in seconds since the Epoch." },
	  last_packet },
};

/* Call each for every peer of every instance. */
static void each_peer(struct exposition *exposition, const struct metrics *metrics,
		      void (*each)(struct exposition *exposition, const struct report *report,
				   const struct peer_report *peer, const void *data),
		      const void *data)
{
	for (size_t i = 0; i < metrics->n_reports; i++)
		for (size_t j = 0; j < metrics->reports[i].n_peers; j++)
			each(exposition, &metrics->reports[i], &metrics->reports[i].peers[j], data);
}

static void print_value(struct exposition *exposition, const struct report *report,
			const struct peer_report *peer, const void *data)
{
	const struct peer_metric *metric = data;
	__u64 value;

	if (metric->value(report, peer, &value))
		exposition_number(exposition, value,
				  LABELS({ "name", report->instance.name }, { "peer", peer->record.name }));
}

static void print_directions(struct exposition *exposition, const struct report *report,
			     const struct peer_report *peer, const void *data)
{
	const struct direction_metric *metric = data;
	__u64 value;

	if (metric->value(&peer->tx, &value))
		exposition_number(exposition, value,
				  LABELS({ "name", report->instance.name }, { "peer", peer->record.name },
					 { "direction", "tx" }));
	if (metric->value(&peer->rx, &value))
		exposition_number(exposition, value,
				  LABELS({ "name", report->instance.name }, { "peer", peer->record.name },
					 { "direction", "rx" }));
}

/* Reasons without a drop are left out: for a thousand peers they would be 66 000 zeros. */
static void print_peer_drops(struct exposition *exposition, const struct report *report,
			     const struct peer_report *peer, const void *data)
{
	const struct sa_report *directions[] = { &peer->tx, &peer->rx };

	(void)data;
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++)
		for (int reason = 0; reason < XDPSEC_DROP_COUNT; reason++)
			if (directions[i]->drops[reason])
				exposition_number(exposition, directions[i]->drops[reason],
						  LABELS({ "name", report->instance.name },
							 { "peer", peer->record.name },
							 { "direction", i ? "rx" : "tx" },
							 { "reason", report_drop_name(reason) }));
}

/* The driver of the next agreed key: one of agreed keys is not recorded. */
static void agreed_driver(const struct peer_report *peer, char *driver, size_t size)
{
	if (peer->agreed.has_pair && peer->agreed.pair.bulk && bulk_bound(driver, size))
		return;
	if (strcmp(peer->record.driver, "aes") != 0)
		snprintf(driver, size, "ecb(%s)", peer->record.driver);
	else if (!cipher_best("ecb(aes)", "lskcipher", driver, size))
		snprintf(driver, size, "unknown");
}

static void print_peer_info(struct exposition *exposition, const struct report *report,
			    const struct peer_report *peer, const void *data)
{
	bool agreed = peer->agreed.agreed;
	char driver[DRIVER_LEN];

	(void)data;
	if (agreed)
		agreed_driver(peer, driver, sizeof(driver));
	else
		snprintf(driver, sizeof(driver), "%s", peer->tx.record.driver);
	exposition_number(exposition, 1,
			  LABELS({ "name", report->instance.name }, { "peer", peer->record.name },
				 { "keys", agreed ? "agreed" : "manual" },
				 { "cipher", peer->agreed.has_pair ? suite_name(peer->agreed.pair.suite)
								   : peer->record.cipher },
				 { "driver", driver }));
}

/* One sample for each state, 1 for the one that it is in: so that each is there from the start. */
static void print_states(struct exposition *exposition, const struct report *report,
			 const struct peer_report *peer, const void *data)
{
	(void)data;
	if (report->instance.mode != MODE_TUNNEL)
		return;
	for (enum peer_state state = PEER_NEVER; state <= PEER_SILENT; state++)
		exposition_number(exposition, peer->state == state,
				  LABELS({ "name", report->instance.name }, { "peer", peer->record.name },
					 { "state", peer_state_text(state) }));
}

static void print_agreed_states(struct exposition *exposition, const struct report *report,
				const struct peer_report *peer, const void *data)
{
	(void)data;
	if (!peer->agreed.agreed)
		return;
	for (enum agreed_state state = AGREED_STATE_NONE; state <= AGREED_STATE_EXPIRED; state++)
		exposition_number(exposition, peer->agreed.state == state,
				  LABELS({ "name", report->instance.name }, { "peer", peer->record.name },
					 { "state", agreed_state_word(state) }));
}

static void print_refusal(struct exposition *exposition, const struct report *report,
			  const struct peer_report *peer, const void *data)
{
	(void)data;
	if (peer->agreed.has_status && peer->agreed.status.denial)
		exposition_number(exposition, 1,
				  LABELS({ "name", report->instance.name }, { "peer", peer->record.name },
					 { "reason", denial_text(peer->agreed.status.denial) }));
}

static void print_range(struct exposition *exposition, const struct report *report,
			const struct peer_report *peer, const void *data)
{
	(void)data;
	if (!peer->agreed.agreed)
		exposition_ratio(exposition, report_range_used(&peer->tx) / 100,
				 LABELS({ "name", report->instance.name }, { "peer", peer->record.name }));
}

static const struct {
	struct family family;
	void (*print)(struct exposition *exposition, const struct report *report,
		      const struct peer_report *peer, const void *data);
} others[] = {
	{ { "xdpsec_peer", METRIC_INFO, NULL,
	    "The keys of a peer, agreed or manual, with cipher and driver; the driver of agreed keys is the "
	    "next one's." },
	  print_peer_info },
	{ { "xdpsec_peer_dropped_packets", METRIC_COUNTER, "packets",
	    "Packets from or to the peer that were dropped, by reason; only reasons that occurred." },
	  print_peer_drops },
	{ { "xdpsec_peer_state", METRIC_GAUGE, NULL,
	    "1: the tunnel's peer is in this state; silent: it does not answer." },
	  print_states },
	{ { "xdpsec_peer_agreement_state", METRIC_GAUGE, NULL,
	    "1: the key agreement with the peer is in this state." },
	  print_agreed_states },
	{ { "xdpsec_peer_agreement_refused", METRIC_GAUGE, NULL,
	    "1: the peer refuses to agree on a key, for this reason; absent: it does not refuse." },
	  print_refusal },
	{ { "xdpsec_peer_sequence_range_used_ratio", METRIC_GAUGE, "ratio",
	    "Manual keys: the used share of the reserved range of sequence numbers; at 1 nothing is "
	    "sealed." },
	  print_range },
};

void metrics_print_peers(struct exposition *exposition, const struct metrics *metrics)
{
	for (size_t i = 0; i < ARRAY_SIZE(peer_metrics); i++) {
		exposition_family(exposition, &peer_metrics[i].family);
		each_peer(exposition, metrics, print_value, &peer_metrics[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(direction_metrics); i++) {
		exposition_family(exposition, &direction_metrics[i].family);
		each_peer(exposition, metrics, print_directions, &direction_metrics[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		exposition_family(exposition, &others[i].family);
		each_peer(exposition, metrics, others[i].print, NULL);
	}
}
