/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inline mode: multicast and broadcast UDP. A VXLAN device with a group sends there all frames for unknown
 * receivers, and no peer has the group's address. So if the port is protected for some peer, such packets
 * leave and arrive in clear only if ClearGroups allows it.
 */
#ifndef XDPSEC_GROUP_BPF_H
#define XDPSEC_GROUP_BPF_H

#include "policy_judge.bpf.h"

/* DHCP (RFC 2131 section 4.1) and DHCPv6 (RFC 8415 section 7): hosts get their addresses by it, before
 * anything can be protected. */
#define GROUP_DHCP_SERVER 67
#define GROUP_DHCP_CLIENT 68
#define GROUP_DHCPV6_CLIENT 546
#define GROUP_DHCPV6_SERVER 547

/* Is the packet sent to a group or broadcast address? A subnet's broadcast address shows only in the
 * frame's address. */
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

/* Are the first bits of both addresses equal? */
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

/* Does ClearGroups contain the destination? */
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
 * Must a multicast or broadcast packet of no protected flow be dropped? Only the first fragment of a datagram
 * has ports; later fragments follow its result. A global function: it is rare, and the verifier checks it
 * once, not in every state of its callers.
 */
__noinline int group_is_closed(const struct packet *packet)
{
	const struct xdpsec_config *here;
	u32 zero = 0;

	here = bpf_map_lookup_elem(&config, &zero);
	if (!packet || !here)
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

/* The same for any packet; most need no call. */
static __always_inline bool group_must_drop(const struct packet *packet, const void *data,
					    const void *data_end)
{
	return group_is_sent_to(packet, data, data_end) && group_is_closed(packet);
}

#endif
