/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tunnel mode: learning the path MTU from a router's message about an outer packet (RFC 1191, RFC 8201). No
 * socket of this host has sent that packet, so the stack would not believe the message. The endpoint keeps
 * the MTU.
 *
 * The message must quote a packet from an address and port of ours to an endpoint, with its SPI and a
 * sequence number used lately. It lowers the MTU for ten minutes, and not below the MTU that every path has.
 * Inner IPv6 has a limit of its own (tc/encapsulate.bpf.c).
 */
#ifndef XDPSEC_PATH_LEARN_BPF_H
#define XDPSEC_PATH_LEARN_BPF_H

#include "xdpsec/endpoint.bpf.h"
#include "budget.bpf.h"
#include "destination.bpf.h"
#include "too_big.bpf.h"

/* The least path MTU for IPv4: net.ipv4.route.min_pmtu. */
#define PATH_LEARN_MIN_IPV4 552
/* RFC 1191 section 6.3. */
#define PATH_LEARN_NS (600 * ENDPOINT_SECOND)
/* Messages that are looked at per second, on each CPU: each may cost a search through all peers. */
#define PATH_LEARN_PER_SECOND 100

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct budget);
} path_learn_buckets SEC(".maps");

static __always_inline bool path_learn_allowed(u64 now)
{
	u32 zero = 0;
	struct budget *budget = bpf_map_lookup_elem(&path_learn_buckets, &zero);

	return budget && budget_spend(budget, now, PATH_LEARN_PER_SECOND);
}

static __always_inline bool path_learn_is_our_port(const struct xdpsec_config *config, u16 port)
{
	if (config->flow_ports)
		return port >= XDPSEC_FLOW_PORT_FIRST;
	return port == config->listen_port || (port && port == config->former_port);
}

/* Has this host sent the quoted packet? Another gateway behind us may have a tunnel to the same endpoint.
 * The quoted packet is reversed, as if it came from there. */
static __always_inline bool path_learn_is_from_here(struct xdp_md *xdp, struct packet *quoted)
{
	int i;

#pragma unroll
	for (i = 0; i < 4; i++) {
		u32 source = quoted->source[i];

		quoted->source[i] = quoted->destination[i];
		quoted->destination[i] = source;
	}
	return destination_is(xdp, quoted, DESTINATION_LOCAL, bpf_ktime_get_coarse_ns());
}

/* Note the MTU for the peers at the quoted destination that the message is about. A call of its own, for
 * its stack. */
static __noinline int path_learn_note(const struct too_big *message, const struct xdpsec_config *config,
				      u32 mtu)
{
	const struct packet *quoted = &message->quoted;
	u64 now = bpf_ktime_get_coarse_ns();
	u32 left, index;

	/* Counts down from a value that the verifier does not know, or it would follow every turn. */
	for (left = config->peers & (2 * XDPSEC_MAX_PEERS - 1); left && loop_goes_on();) {
		struct xdpsec_endpoint *endpoint;

		left--;
		barrier_var(left);
		left &= 2 * XDPSEC_MAX_PEERS - 1;
		index = left;
		endpoint = bpf_map_lookup_elem(&endpoints, &index);
		if (!endpoint)
			break;
		if (!endpoint_is_at(endpoint, quoted->source, quoted->destination_port) ||
		    !too_big_is_sealed(index, message->spi, message->sequence))
			continue;
		if (now < endpoint->path_mtu_until && endpoint->path_mtu <= mtu)
			continue;
		endpoint->path_mtu = mtu;
		endpoint->path_mtu_until = now + PATH_LEARN_NS;
	}
	return 0;
}

/* A packet that is not UDP, on its way to the stack. A call of its own, for its stack. */
static __noinline int path_learn(struct xdp_md *xdp, const struct xdpsec_config *config)
{
	void *data = (void *)(long)xdp->data;
	struct cursor cursor = { data, data, (void *)(long)xdp->data_end };
	struct too_big message;
	u32 mtu, least;

	if (!too_big_find(&cursor, &message) || !message.has_header)
		return 0;
	mtu = bpf_ntohs(message.icmp->mtu_low);
	/* Routers older than RFC 1191 give no MTU. */
	if (!mtu)
		return 0;
	least = message.quoted.ipv6 ? XDPSEC_IPV6_MTU_MIN : PATH_LEARN_MIN_IPV4;
	if (mtu < least)
		mtu = least;
	if (!path_learn_is_our_port(config, message.quoted.source_port) ||
	    !path_learn_allowed(bpf_ktime_get_coarse_ns()) || !path_learn_is_from_here(xdp, &message.quoted))
		return 0;
	return path_learn_note(&message, config, mtu);
}

#endif
