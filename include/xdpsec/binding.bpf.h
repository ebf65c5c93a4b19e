/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inline mode: the part of the packet around the payload that the tag binds. RFC 7253 calls it the associated data
 * A. HASH(K, A) is XORed onto the tag. It depends on nothing but key and A, so it is the same for all packets of a
 * flow, and is kept.
 *
 * A is put together from fields, because IPv4 options or IPv6 extension headers may lie between addresses and
 * ports. The fields are those on the wire: on egress behind SNAT, on ingress in front of DNAT.
 */
#ifndef XDPSEC_BINDING_BPF_H
#define XDPSEC_BINDING_BPF_H

#include "maps.bpf.h"
#include "packet.bpf.h"

/* Bytes of A. A shorter A is padded with a 1 bit and zeros, so it is no other A. */
#define BINDING_PORTS_LEN 4
#define BINDING_IPV4_LEN 12
#define BINDING_IPV6_LEN 36

/* A and its key, and HASH(K, A). */
struct binding {
	u64 id;	   /* of the SA, and so of its key; 0: unused */
	u8 length; /* of A */
	u8 is_new; /* computed for this packet, and not kept */
	u16 pad;
	u32 ports;
	u32 addresses[8]; /* source and destination; of IPv4 the first two words */
	struct xdpsec_block hash;
};

_Static_assert(sizeof(struct binding) == 64, "a cache line");

/* The elements of the map. Whatever is bound, the hash of a packet is in one of them. */
enum {
	BINDINGS = 256,		/* 0 to 255 are kept; a power of two */
	BINDING_NEW = BINDINGS, /* computed for this packet */
	BINDING_NONE,		/* zeros: nothing is bound */
	BINDING_ELEMENTS,
};

/* Each program has its own: what one seals is never opened by the other. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, BINDING_ELEMENTS);
	__type(key, u32);
	__type(value, struct binding);
} bindings SEC(".maps");

/* Source and destination port, as they lie in the packet. */
static __always_inline u32 binding_ports(const struct packet *packet)
{
	return bpf_htons(packet->source_port) | (u32)bpf_htons(packet->destination_port) << 16;
}

/* The element where A is kept. The flows between two sites differ mostly in the last bytes of addresses and ports. */
static __always_inline u32 binding_place(const struct packet *packet, u32 ports)
{
	u32 mixed = ports ^ packet->source[3] ^ packet->destination[3];

	mixed ^= mixed >> 16;
	return (mixed ^ mixed >> 8) & (BINDINGS - 1);
}

/* The length of A. 0: nothing is bound, and nothing of that length is kept. */
static __always_inline u32 binding_length(const struct packet *packet, const struct xdpsec_sa *sa)
{
	if (sa->binding == XDPSEC_BIND_ADDRESSES)
		return packet->ipv6 ? BINDING_IPV6_LEN : BINDING_IPV4_LEN;
	return sa->binding == XDPSEC_BIND_PORTS ? BINDING_PORTS_LEN : 0;
}

static __always_inline bool binding_same_address(const u32 a[4], const u32 b[4])
{
	return a[3] == b[3] && a[2] == b[2] && a[1] == b[1] && a[0] == b[0];
}

/* Is it for this packet and SA? */
static __always_inline bool binding_matches(const struct binding *binding, const struct packet *packet,
					    const struct xdpsec_sa *sa, u32 ports)
{
	const u32 *addresses = binding->addresses;
	u32 length = binding->length;

	if (binding->id != sa->id || binding->ports != ports || length != binding_length(packet, sa))
		return false;
	if (length == BINDING_IPV4_LEN)
		return addresses[0] == packet->source[3] && addresses[1] == packet->destination[3];
	return length == BINDING_PORTS_LEN || (binding_same_address(addresses, packet->source) &&
					       binding_same_address(addresses + 4, packet->destination));
}

static __always_inline struct xdpsec_block binding_block(const u32 words[4],
							 const struct xdpsec_block *offset)
{
	return (struct xdpsec_block){ (words[0] | (u64)words[1] << 32) ^ offset->a,
				      (words[2] | (u64)words[3] << 32) ^ offset->b };
}

/*
 * HASH of RFC 7253 section 4.1. 4 and 12 bytes are one partial block; 36 bytes are two full blocks, with the offsets
 * L_0 and L_0 ^ L_1, and a partial one. The partial block is always the third, in front of hash. 0, or the kfunc's
 * error.
 */
static __always_inline int binding_hash(struct binding *binding, const struct packet *packet,
					const struct xdpsec_sa *sa, struct bpf_crypto_ctx *ctx, u32 length,
					u32 ports)
{
	struct xdpsec_block *blocks = (struct xdpsec_block *)binding, offset = {};
	u32 partial[4] = { ports, 0x80 };
	struct bpf_dynptr memory;
	int err;

	if (length == BINDING_IPV4_LEN) {
		partial[0] = packet->source[3];
		partial[1] = packet->destination[3];
		partial[2] = ports;
		partial[3] = 0x80;
	}
	if (length == BINDING_IPV6_LEN) {
		offset = sa->l[0];
		blocks[0] = binding_block(packet->source, &offset);
		offset.a ^= sa->l[1].a;
		offset.b ^= sa->l[1].b;
		blocks[1] = binding_block(packet->destination, &offset);
	}
	offset.a ^= sa->l_star.a;
	offset.b ^= sa->l_star.b;
	blocks[2] = binding_block(partial, &offset);

	err = bpf_dynptr_from_mem(blocks, 3 * sizeof(*blocks), 0, &memory);
	if (!err && length != BINDING_IPV6_LEN)
		err = bpf_dynptr_adjust(&memory, 2 * sizeof(*blocks), 3 * sizeof(*blocks));
	if (!err)
		err = bpf_crypto_encrypt(ctx, &memory, &memory, NULL);
	binding->hash = blocks[2];
	if (length == BINDING_IPV6_LEN) {
		binding->hash.a ^= blocks[0].a ^ blocks[1].a;
		binding->hash.b ^= blocks[0].b ^ blocks[1].b;
	}
	return err;
}

/* Write A over the blocks that were enciphered. */
static __always_inline void binding_describe(struct binding *binding, const struct packet *packet, u64 id,
					     u32 length, u32 ports)
{
	binding->id = id;
	binding->length = length;
	binding->is_new = 1;
	binding->pad = 0;
	binding->ports = ports;
	if (length == BINDING_IPV6_LEN) {
		__builtin_memcpy(binding->addresses, packet->source, 16);
		__builtin_memcpy(binding->addresses + 4, packet->destination, 16);
	} else {
		binding->addresses[0] = packet->source[3];
		binding->addresses[1] = packet->destination[3];
	}
}

/*
 * Compute the hash of a packet, for the SA in slot. The result is the element where it is, or none if the kfunc fails. A
 * global function: the verifier checks it once, and its callers do not have to be followed for each way through it.
 */
__noinline u32 binding_compute(const struct packet *packet, u32 slot)
{
	const struct xdpsec_sa *sa = bpf_map_lookup_elem(&sas, &slot);
	struct context *context = bpf_map_lookup_elem(&contexts, &slot);
	u32 length, ports, new = BINDING_NEW;
	struct binding *binding = bpf_map_lookup_elem(&bindings, &new);
	struct bpf_crypto_ctx *ctx;

	if (!packet || !sa || !context || !binding)
		return BINDING_ELEMENTS;
	ctx = context->ctx; /* load once: the verifier tracks this register as a context, not a second load */
	/* Without a key nothing will be sealed or opened. */
	length = binding_length(packet, sa);
	if (!length || !ctx)
		return BINDING_NONE;
	ports = binding_ports(packet);
	if (binding_hash(binding, packet, sa, ctx, length, ports))
		return BINDING_ELEMENTS;
	binding_describe(binding, packet, sa->id, length, ports);
	return BINDING_NEW;
}

/* Find the hash of a packet, or compute it. NULL: the kfunc has failed. */
static __always_inline const struct binding *binding_find(const struct packet *packet,
							  const struct xdpsec_sa *sa, u32 slot)
{
	u32 ports = binding_ports(packet), place = binding_place(packet, ports);
	const struct binding *binding = bpf_map_lookup_elem(&bindings, &place);

	if (binding && binding_matches(binding, packet, sa, ports))
		return binding;
	place = binding_compute(packet, slot);
	return bpf_map_lookup_elem(&bindings, &place);
}

/* Keep what was computed for a packet. */
static __noinline void binding_keep(const struct packet *packet)
{
	u32 place = binding_place(packet, binding_ports(packet)), new = BINDING_NEW;
	const struct binding *from = bpf_map_lookup_elem(&bindings, &new);
	struct binding *to = bpf_map_lookup_elem(&bindings, &place);

	if (!from || !to)
		return;
	*to = *from;
	to->is_new = 0;
}

/* Is an element that binding_find() has found a new one? Volatile: if the answer stayed in a register, the verifier would follow all
 * that comes between two questions for both answers. */
static __always_inline bool binding_is_new(const struct binding *binding)
{
	return *(const volatile u8 *)&binding->is_new;
}

static __always_inline bool binding_has_addresses(const struct binding *binding)
{
	return *(const volatile u8 *)&binding->length > BINDING_PORTS_LEN;
}

#endif
