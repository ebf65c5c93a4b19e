/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inline mode: UDP to many. A VXLAN device with a group sends there what it does not know the receiver of,
 * and no peer has the group's address: what has a port that is protected for some peer leaves and arrives in
 * clear only where the configuration says so.
 */
#ifndef XDPSEC_GROUP_BPF_H
#define XDPSEC_GROUP_BPF_H

#include "policy.bpf.h"

/* How hosts come by their addresses, which nothing is protected without: DHCP (RFC 2131 section 4.1) and
 * DHCPv6 (RFC 8415 section 7). */
#define GROUP_DHCP_SERVER 67
#define GROUP_DHCP_CLIENT 68
#define GROUP_DHCPV6_CLIENT 546
#define GROUP_DHCPV6_SERVER 547

/* Is it sent to a group or to broadcast? A subnet's broadcast address is only known by the frame's. */
static __always_inline bool group_is_sent_to(const struct packet *packet, const void *data,
					     const void *data_end)
{
	const u8 *mac = data;

	if (packet_is_to_group(packet))
		return true;
	return (const void *)(mac + 1) <= data_end && *mac & 1;
}

static __always_inline bool group_is_dhcp(const struct packet *packet)
{
	u16 from = packet->source_port, to = packet->destination_port;

	if (packet->ipv6)
		return (from == GROUP_DHCPV6_CLIENT || from == GROUP_DHCPV6_SERVER) &&
		       to == GROUP_DHCPV6_SERVER;
	return (from == GROUP_DHCP_CLIENT && to == GROUP_DHCP_SERVER) ||
	       (from == GROUP_DHCP_SERVER && to == GROUP_DHCP_CLIENT);
}

static __always_inline bool group_has_port(const struct xdpsec_config *here, const struct packet *packet)
{
	u32 i;

	for (i = 0; i < XDPSEC_MAX_PORT_RANGES; i++) {
		u16 first = here->group_ports[i].first, last = here->group_ports[i].last;

		if (i >= here->group_ranges)
			break;
		if ((packet->source_port >= first && packet->source_port <= last) ||
		    (packet->destination_port >= first && packet->destination_port <= last))
			return true;
	}
	return false;
}

/* Do the first bits of both agree? */
static __always_inline bool group_matches(const struct xdpsec_prefix *prefix, const u32 address[4])
{
	u32 bits = prefix->length, differs = 0, i;

#pragma unroll
	for (i = 0; i < 4; i++) {
		u32 mask = bits >= 32 ? ~0U : bits ? ~0U << (32 - bits) : 0;

		differs |= (((const u32 *)prefix->address)[i] ^ address[i]) & bpf_htonl(mask);
		bits -= bits >= 32 ? 32 : bits;
	}
	return !differs;
}

/* Does ClearGroups have the destination? */
static __always_inline bool group_is_clear(const struct xdpsec_config *here, const struct packet *packet)
{
	u32 i;

	for (i = 0; i < XDPSEC_MAX_CLEAR_GROUPS; i++) {
		if (i >= here->clear_groups)
			break;
		if (group_matches(&here->clear_group[i], packet->destination))
			return true;
	}
	return false;
}

/*
 * Is a packet to many, of no protected flow, to be dropped? Of a datagram in fragments only the first has
 * ports; the others go by what it showed. A call of its own, as it is rare and needs stack.
 */
static __noinline int group_is_closed(const struct packet *packet)
{
	const struct xdpsec_config *here;
	u32 zero = 0;

	here = bpf_map_lookup_elem(&config, &zero);
	if (!here)
		return true;
	if (!here->group_ranges || group_is_clear(here, packet))
		return false;
	if (packet->kind == PACKET_MALFORMED)
		return true;
	if (packet->kind == PACKET_FRAGMENT)
		return !policy_fragment(packet, POLICY_FRAGMENT_KNOWN);
	if (group_has_port(here, packet) && !group_is_dhcp(packet)) {
		if (packet->first_fragment)
			policy_fragment(packet, POLICY_FRAGMENT_FORGET);
		return true;
	}
	if (packet->first_fragment)
		policy_fragment(packet, POLICY_FRAGMENT_CLEAR);
	return false;
}

/* The same of any packet, without a call for most of them. */
static __always_inline bool group_must_drop(const struct packet *packet, const void *data,
					    const void *data_end)
{
	return group_is_sent_to(packet, data, data_end) && group_is_closed(packet);
}

#endif
