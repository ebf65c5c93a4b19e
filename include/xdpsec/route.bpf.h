/* SPDX-License-Identifier: GPL-2.0-only */
/* The generation of the routing tables: a result of bpf_fib_lookup() that is kept is right as long as it stays the same. */
#ifndef XDPSEC_ROUTE_BPF_H
#define XDPSEC_ROUTE_BPF_H

#include "kernel.bpf.h"

/*
 * The generations of both tables. The kernel counts on with each change of routes, rules, addresses, forwarding and
 * links (rt_cache_flush() and fib6_new_sernum()), since its own sockets keep results as well.
 */
static __always_inline u64 route_generation(const struct net *net)
{
	u64 generation = (u32)net->ipv4.rt_genid.counter;

	if (bpf_core_field_exists(net->ipv6.fib6_sernum))
		generation |= (u64)(u32)net->ipv6.fib6_sernum.counter << 32;
	return generation;
}

#endif
