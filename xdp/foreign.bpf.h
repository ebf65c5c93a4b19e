/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tunnel mode: packets to the tunnel's port on this host that are not the tunnel's. A socket, or NAT for a
 * host behind this one, may use the same port. A packet passes if it does not look sealed and its source is
 * not a peer's address. All others are dropped and counted, so that a fault can be seen. None is ever
 * delivered inside.
 */
#ifndef XDPSEC_FOREIGN_BPF_H
#define XDPSEC_FOREIGN_BPF_H

#include "xdpsec/endpoint.bpf.h"
#include "budget.bpf.h"
#include "open_payload.bpf.h"

/* A search through all peers costs more than opening a packet. So the result "no peer at this address"
 * stays valid for this long. */
#define FOREIGN_NS ENDPOINT_SECOND
#define FOREIGN_ADDRESSES 64
/* Searches per second on each CPU. Packets beyond that pass without a search: they are the stack's, like
 * packets to any other port. Dropping them would drop other applications' packets, too. */
#define FOREIGN_LOOKS 1000

struct foreign_address {
	u32 address[4];
	u64 until; /* CLOCK_MONOTONIC, ns, coarse */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FOREIGN_ADDRESSES);
	__type(key, u32);
	__type(value, struct foreign_address);
} foreign_addresses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct budget);
} foreign_looks SEC(".maps");

static __always_inline bool foreign_may_look(u64 now)
{
	u32 zero = 0;
	struct budget *looks = bpf_map_lookup_elem(&foreign_looks, &zero);

	return looks && budget_spend(looks, now, FOREIGN_LOOKS);
}

/* Is there a peer at this address, with any port? */
static __always_inline bool foreign_is_peers(const u32 address[4], const struct xdpsec_config *config)
{
	u32 left, index;

	/* Counts down from a value that the verifier does not know, or it would follow every turn. */
	for (left = config->peers & (2 * XDPSEC_MAX_PEERS - 1); left && loop_goes_on();) {
		const struct xdpsec_location *location;
		struct xdpsec_endpoint *endpoint;
		const u32 *words;

		left--;
		barrier_var(left);
		left &= 2 * XDPSEC_MAX_PEERS - 1;
		index = left;
		endpoint = bpf_map_lookup_elem(&endpoints, &index);
		if (!endpoint)
			break;
		location = endpoint_at(endpoint);
		words = (const u32 *)location->address;
		if (location->known && words[3] == address[3] && words[2] == address[2] &&
		    words[1] == address[1] && words[0] == address[0])
			return true;
	}
	return false;
}

/* Does the packet look sealed by XDPsec, in either mode, or have an SPI of ours? */
static __always_inline bool foreign_looks_sealed(struct xdp_md *xdp, const struct packet *packet)
{
	struct xdpsec_header header;
	u32 spi;

	if (bpf_xdp_load_bytes(xdp, packet->l4 + sizeof(struct udphdr), &header, sizeof(header)))
		return false;
	if (header.version == XDPSEC_WIRE_VERSION && !header.reserved &&
	    (header.next_header == XDPSEC_NEXT_UDP || open_fits_mode(header.next_header, XDPSEC_NEXT_IPV4)))
		return true;
	spi = bpf_ntohl(header.spi);
	return bpf_map_lookup_elem(&spis, &spi);
}

/* May a packet to our port that is not ours go to the stack? A call of its own, for its stack. */
static __noinline int foreign_may_pass(struct xdp_md *xdp, const struct packet *packet,
				       const struct xdpsec_config *config)
{
	const u32 *s = packet->source;
	u32 slot = (s[0] ^ s[1] ^ s[2] ^ s[3]) >> 24 & (FOREIGN_ADDRESSES - 1); /* the last byte */
	struct foreign_address *known = bpf_map_lookup_elem(&foreign_addresses, &slot);
	u64 now = bpf_ktime_get_coarse_ns();

	if (!known || foreign_looks_sealed(xdp, packet))
		return false;
	if (known->until > now && known->address[3] == s[3] && known->address[2] == s[2] &&
	    known->address[1] == s[1] && known->address[0] == s[0])
		return true;
	if (!foreign_may_look(now))
		return true;
	if (foreign_is_peers(s, config))
		return false;
	__builtin_memcpy(known->address, s, sizeof(known->address));
	known->until = now + FOREIGN_NS;
	return true;
}

#endif
