/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps, shared between all objects by their pins. docs/architecture.md says who writes which.
 */
#ifndef XDPSEC_MAPS_BPF_H
#define XDPSEC_MAPS_BPF_H

#include "kernel.bpf.h"
#include "abi.h"

/* Only the context: on 6.12 and 6.18 an update of an element by user space frees its kptr. So the rest of
 * an SA is in other maps, and contexts are set and removed by bpf_kptr_xchg (loader/plane/sa.bpf.c). */
struct context {
	struct bpf_crypto_ctx XDPSEC_KPTR *ctx;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, XDPSEC_MAX_SAS);
	__type(key, u32);
	__type(value, struct context);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} contexts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, XDPSEC_MAX_SAS);
	__type(key, u32);
	__type(value, struct xdpsec_sa);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} sas SEC(".maps");

/* How many ids SAs have got (struct xdpsec_sa.id). It only grows, as long as the maps live: what programs cache
 * of an SA is never taken for that of a later one in the same slot. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} sa_ids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, XDPSEC_MAX_SAS);
	__type(key, u32);
	__type(value, struct xdpsec_ktop);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} ktops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, XDPSEC_MAX_SAS);
	__type(key, u32);
	__type(value, struct xdpsec_sequence);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} sequences SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, XDPSEC_MAX_SAS);
	__type(key, u32);
	__type(value, struct xdpsec_replay);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} replay_windows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, XDPSEC_MAX_COUNTERS);
	__type(key, u32);
	__type(value, struct xdpsec_counters);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} sa_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, XDPSEC_DROP_COUNT);
	__type(key, u32);
	__type(value, u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} drops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct xdpsec_config);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} config SEC(".maps");

struct device_slots {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, XDPSEC_DEVICE_COUNT);
	__type(key, u32);
	__type(value, u32);
};

/* One DEVMAP, inside another map. libbpf before 1.7 does not accept a pinned DEVMAP as the declared one,
 * because the kernel adds BPF_F_RDONLY_PROG to its flags (libbpf.c, map_is_reuse_compat). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct device_slots);
} devices SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, XDPSEC_MAX_PREFIXES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct xdpsec_prefix);
	__type(value, struct xdpsec_policy);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} policies SEC(".maps");

/* The prefixes that are one address, for instances that have many of them: one step instead of ten. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, XDPSEC_MAX_PREFIXES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32[4]);
	__type(value, struct xdpsec_policy);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} hosts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, XDPSEC_MAX_PEERS);
	__type(key, u32);
	__type(value, struct xdpsec_peer);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} peers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, XDPSEC_MAX_PEERS);
	__type(key, u32);
	__type(value, struct xdpsec_endpoint);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} endpoints SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, XDPSEC_MAX_SAS);
	__type(key, u32); /* SPI, host byte order */
	__type(value, u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} spis SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, XDPSEC_MAX_FRAGMENTS);
	__type(key, struct xdpsec_fragment);
	__type(value, u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} clear_fragments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, XDPSEC_MAX_SAS);
	__type(key, u32);
	__type(value, struct xdpsec_agreement);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} agreements SEC(".maps");

/* CLOCK_BOOTTIME, ns: from then on the SA neither seals nor opens. 0: never, manual keys. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, XDPSEC_MAX_SAS);
	__type(key, u32);
	__type(value, u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} deadlines SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, XDPSEC_MAX_PEERS);
	__type(key, u32);
	__type(value, struct xdpsec_agreed);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} agreed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, XDPSEC_MAX_PEERS);
	__type(key, u32);
	__type(value, struct xdpsec_activity);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} activity SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct xdpsec_owner);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} instance_owner SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, XDPSEC_MAX_ASKING);
	__type(key, u32);
	__type(value, u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} asking SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, XDPSEC_EVENTS_BYTES);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} events SEC(".maps");

/* A sealed payload that lies in several buffers of the packet, put together here. */
struct scratch {
	u8 bytes[XDPSEC_OVERHEAD + XDPSEC_PAYLOAD_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct scratch);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} scratch SEC(".maps");

#endif
