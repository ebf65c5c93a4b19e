// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fast path out: XDP of a device of FastPath. What the stack would route into the tunnel is encapsulated, sealed and
 * redirected to the underlay's device. Whatever is unusual passes as it is, and takes the ordinary way.
 */
#define SEAL_FROM_XDP
#define ENCAPSULATE_FAST

#include "xdpsec/fast.bpf.h"
#include "xdpsec/fast_flow.bpf.h"
#include "xdpsec/fast_pair.bpf.h"
#include "../tc/encapsulate_outer.bpf.h"
#include "fast_pending.bpf.h"

char _license[] SEC("license") = "GPL";

/* Nobody has looked at the header before. */
static __always_inline bool fast_header_is_intact(const void *start, const void *end, bool ipv6)
{
	const u32 *words = start;

	if ((const void *)(words + 5) > end)
		return false;
	return ipv6 || checksum_fold((u64)words[0] + words[1] + words[2] + words[3] + words[4]) == 0xffff;
}

/* Is it a frame for this host in one buffer, with a plain packet in it? ports: as fast_is_plain() has them */
static __always_inline bool fast_read(struct encapsulate *e, u32 *ports)
{
	struct xdp_md *xdp = e->seal.skb;
	void *data = (void *)(long)xdp->data, *data_end = (void *)(long)xdp->data_end;
	const struct net_device *device = device_of_xdp(xdp);
	const u16 *own = (const u16 *)device->dev_addr_shadow, *to = data;
	u32 length = bpf_xdp_get_buff_len(xdp);
	struct ethhdr *ethernet = data;
	void *start = ethernet + 1;

	if (start + sizeof(struct iphdr) > data_end || (u32)(xdp->data_end - xdp->data) != length)
		return false;
	if (to[0] != own[0] || to[1] != own[1] || to[2] != own[2])
		return false;
	if (ethernet->h_proto != bpf_htons(ETH_P_IP) && ethernet->h_proto != bpf_htons(ETH_P_IPV6))
		return false;
	return inner_read(start, data_end, length - sizeof(*ethernet), &e->inner) &&
	       e->inner.ipv6 == (ethernet->h_proto == bpf_htons(ETH_P_IPV6)) &&
	       fast_is_plain(&e->inner, start, data_end, ports) &&
	       fast_header_is_intact(start, data_end, e->inner.ipv6) && !fast_is_pending(xdp);
}

static __always_inline bool fast_find_peer(struct encapsulate *e)
{
	struct xdpsec_policy *policy = policy_find(e->seal.config, e->inner.destination);

	if (!policy || policy->ipv4 == e->inner.ipv6)
		return false;
	e->seal.peer = policy->peer;
	return true;
}

/* Keep the peer, which was found when AllowedIPs had this generation. The pair is this packet's. */
static __noinline int fast_keep_peer(const struct encapsulate *e, u32 from, u32 policy_generation)
{
	struct fast_pair *pair = fast_pair_find(&e->inner, from);

	if (!pair)
		return 0;
	pair->peer = e->seal.peer;
	pair->policy_generation = policy_generation;
	return 0;
}

/* Would the stack route it into the tunnel, and to which peer? */
static __always_inline bool fast_leads(struct encapsulate *e, u32 from, u32 near, u64 now)
{
	struct xdp_md *xdp = e->seal.skb;
	/* Before AllowedIPs are asked: what changes meanwhile counts as a change. */
	u32 policy_generation = e->seal.config->policy_generation;
	const struct fast_pair *pair = fast_pair_kept(xdp, &e->inner, from, policy_generation, now);

	if (pair && pair->to == near) {
		e->seal.peer = pair->peer;
		return true;
	}
	if (!fast_find_peer(e) || !fast_pair_holds(xdp, &e->inner, from, near, now))
		return false;
	fast_keep_peer(e, from, policy_generation);
	return true;
}

static __always_inline bool fast_find_endpoint(struct encapsulate *e)
{
	e->next_header = e->inner.ipv6 ? XDPSEC_NEXT_IPV6 : XDPSEC_NEXT_IPV4;
	e->endpoint = bpf_map_lookup_elem(&endpoints, &e->seal.peer);
	return e->endpoint && endpoint_at(e->endpoint)->known;
}

/* Does the underlay's device take redirected frames? */
static __always_inline bool fast_underlay_transmits(void)
{
	u32 underlay = XDPSEC_FAST_UNDERLAY;
	const struct xdpsec_fast_device *device = bpf_map_lookup_elem(&fast_devices, &underlay);

	return device && device->transmits;
}

/* Would the stack route it into the tunnel, and the firewall let it pass? */
static __always_inline bool fast_may(struct encapsulate *e, u32 ports, u64 now)
{
	struct xdp_md *xdp = e->seal.skb;
	u32 near = device_index(XDPSEC_DEVICE_NEAR), from = device_of_xdp(xdp)->ifindex;

	return near && fast_leads(e, from, near, now) && fast_flow_may(xdp, &e->inner, ports, from, near);
}

/* The next hop, if it is on the underlay's device and the packet fits the path; else NULL. */
static __always_inline const struct next_hop *fast_find_next_hop(struct encapsulate *e, u64 now)
{
	struct seal *s = &e->seal;
	const struct next_hop *hop;
	u32 path_mtu;

	encapsulate_describe(e);
	path_mtu = endpoint_path_mtu(e->endpoint, now);
	if (path_mtu && e->inner.length + endpoint_overhead(s->packet.ipv6) > path_mtu)
		return NULL;
	hop = next_hop_find(s->skb, &s->packet, s->config, e->endpoint, now);
	return hop && !hop->is_narrow && !hop->is_old && hop->device == s->config->device &&
			       device_index(XDPSEC_DEVICE_PROTECTED) == hop->device
		       ? hop
		       : NULL;
}

/* The outer headers, and one hop less of the inner packet. 0, or -1. A call of its own, for its stack. */
static __noinline int fast_write(struct encapsulate *e, const struct next_hop *hop)
{
	u32 at = sizeof(struct ethhdr) + endpoint_overhead(e->seal.packet.ipv6);
	void *data, *data_end;

	if (encapsulate_write_headers(e))
		return -1;
	data = (void *)(long)e->seal.skb->data;
	data_end = (void *)(long)e->seal.skb->data_end;
	if (data + sizeof(struct ethhdr) > data_end)
		return -1;
	packet_copy_ethernet(data, hop->neighbour.addresses);
	return fast_decrease_ttl(data + at, data_end, e->inner.ipv6) ? 0 : -1;
}

/* Ethernet's padding is cut off, and the head grows. False: it has not, and the packet is as it was. */
static __always_inline bool fast_make_room(struct encapsulate *e)
{
	struct xdp_md *xdp = e->seal.skb;
	int behind = (int)bpf_xdp_get_buff_len(xdp) - (int)(sizeof(struct ethhdr) + e->inner.length);

	if (behind && bpf_xdp_adjust_tail(xdp, -behind))
		return false;
	return bpf_xdp_adjust_head(xdp, -(int)endpoint_overhead(e->seal.packet.ipv6)) == 0;
}

/* From here on the packet is sent, or dropped under the same names as on the ordinary way. */
static __always_inline int fast_send(struct encapsulate *e, const struct next_hop *hop, u64 now,
				     const struct xdpsec_sa *sa, struct bpf_crypto_ctx *ctx)
{
	struct seal *s = &e->seal;
	u32 zero = 0, reason;
	void *map;

	if (fast_write(e, hop))
		return drop(XDPSEC_DROP_NO_ROOM, s->sa);
	reason = seal_payload(s, sa, ctx, e->next_header, NULL);
	if (reason != DROP_NONE)
		return drop(reason, s->sa);
	map = bpf_map_lookup_elem(&devices, &zero);
	if (!map || bpf_redirect_map(map, XDPSEC_DEVICE_PROTECTED, XDP_DROP) != XDP_REDIRECT)
		return drop(XDPSEC_DROP_NO_DEVICE, s->sa);
	encapsulate_note(e, hop->device, now);
	count_packet(s->sa, e->inner.length, now);
	fast_count(XDPSEC_FAST_OUT);
	return VERDICT_REDIRECT;
}

static __always_inline int fast_packet(struct xdp_md *xdp)
{
	struct encapsulate e = { .seal = { .skb = xdp, .sa = XDPSEC_NO_SA } };
	u64 now = bpf_ktime_get_coarse_ns();
	const struct next_hop *hop;
	struct bpf_crypto_ctx *ctx;
	struct xdpsec_sa *sa;
	u32 zero = 0, ports;

	e.seal.config = bpf_map_lookup_elem(&config, &zero);
	/* Moved to another namespace, the device has nothing to do with the tunnel any more. */
	if (!e.seal.config || !device_is_in_namespace(device_of_xdp(xdp), e.seal.config))
		return VERDICT_PASS;
	fast_note_device(xdp);
	if (!fast_underlay_transmits() || !fast_read(&e, &ports) || e.inner.length > e.seal.config->mtu ||
	    !fast_may(&e, ports, now) || !fast_find_endpoint(&e))
		return VERDICT_PASS;
	hop = fast_find_next_hop(&e, now);
	if (!hop)
		return VERDICT_PASS;
	/* Last, as it notes that something is sealed. */
	if (seal_find_sa(&e.seal, &sa, &ctx) != DROP_NONE ||
	    seal_check_time(&e.seal, true, now) != DROP_NONE || !fast_make_room(&e))
		return VERDICT_PASS;
	return fast_send(&e, hop, now, sa, ctx);
}

SEC("xdp.frags")
int xdpsec_fast_encapsulate(struct xdp_md *xdp)
{
	return xdp_action(fast_packet(xdp));
}
