// SPDX-License-Identifier: GPL-2.0-or-later
/* Filling the maps of the site of inline mode. */
#include <arpa/inet.h>

#include "unit.h"
#include "site.h"

struct site_sa site_sas[SLOTS] = {
	[SLOT_B_TX] = { 0x1001, PEER_B, 16, REMOTE_B4, REMOTE_B6, .has_context = true,
			.binding = XDPSEC_BIND_ADDRESSES },
	[SLOT_B_RX] = { 0x1002, PEER_B, 16, REMOTE_B4, REMOTE_B6, .has_context = true,
			.binding = XDPSEC_BIND_ADDRESSES },
	[SLOT_C_TX] = { 0x2001, PEER_C, 32, REMOTE_C4, REMOTE_C6, .has_context = true,
			.binding = XDPSEC_BIND_ADDRESSES },
	[SLOT_C_RX] = { 0xffffffff, PEER_C, 32, REMOTE_C4, REMOTE_C6, .has_context = true,
			.binding = XDPSEC_BIND_ADDRESSES },
	[SLOT_NO_CONTEXT_TX] = { 0x3ff1, PEER_NO_CONTEXT, 16, REMOTE_NO_CONTEXT4, REMOTE_NO_CONTEXT6,
				 .has_context = false, .binding = XDPSEC_BIND_ADDRESSES },
	[SLOT_NO_CONTEXT_RX] = { 0x3ff2, PEER_NO_CONTEXT, 16, REMOTE_NO_CONTEXT4, REMOTE_NO_CONTEXT6,
				 .has_context = false, .binding = XDPSEC_BIND_ADDRESSES },
};

const struct site_policy site_policies[SITE_POLICIES] = {
	{ "198.51.100.0/25", PEER_B },		{ "2001:db8:2::/48", PEER_B },
	{ "198.51.100.128/25", PEER_C },	{ "2001:db8:3::/48", PEER_C },
	{ "203.0.113.0/26", PEER_NO_SA },	{ "2001:db8:4::/48", PEER_NO_SA },
	{ "203.0.113.64/26", PEER_NO_CONTEXT }, { "2001:db8:5::/48", PEER_NO_CONTEXT },
};

static void install(int slot, uint32_t seed)
{
	struct site_sa *site = &site_sas[slot];
	struct rig_sa sa = {
		.slot = slot,
		.spi = site->spi,
		.peer = site->peer,
		.next_header = XDPSEC_NEXT_UDP,
		.binding = site->binding,
		.key = site->key,
		.key_length = site->key_length,
		.next = 1,
		.limit = XDPSEC_SEQUENCE_LIMIT,
	};

	fill_pattern(site->key, site->key_length, 0x6b657900 + seed);
	site->oracle = oracle_new(site->key, site->key_length);
	if (site->has_context)
		rig_sa_install(&sa);
	else
		rig_sa_prepare(&sa);
}

void site_rekey(int slot, uint32_t seed)
{
	oracle_free(site_sas[slot].oracle);
	rig_sa_remove(slot);
	install(slot, seed);
}

void site_bind(int slot, enum xdpsec_binding binding)
{
	site_sas[slot].binding = binding;
	rig_sa_bind(slot, binding);
}

struct bound site_bound(const struct packet *packet, int slot)
{
	struct bound bound = {};
	size_t address = packet->family == 4 ? 4 : 16;

	if (site_sas[slot].binding == XDPSEC_BIND_NONE)
		return bound;
	if (site_sas[slot].binding == XDPSEC_BIND_ADDRESSES) {
		int family = packet->family == 4 ? AF_INET : AF_INET6;

		assert_int_equal(inet_pton(family, packet->source, bound.bytes), 1);
		assert_int_equal(inet_pton(family, packet->destination, bound.bytes + address), 1);
		bound.length = 2 * address;
	}
	write16(bound.bytes + bound.length, packet->source_port);
	write16(bound.bytes + bound.length + 2, packet->destination_port);
	bound.length += 4;
	return bound;
}

int site_setup(void **state)
{
	static const struct xdpsec_ports some[] = { { PORT, PORT }, { PORT_RANGE_FIRST, PORT_RANGE_LAST } };
	static const struct xdpsec_ports all = { 0, 65535 };

	rig_setup(state);
	for (int slot = 0; slot < SLOTS; slot++)
		install(slot, slot);
	rig_peer(PEER_B, SLOT_B_TX);
	rig_peer(PEER_C, SLOT_C_TX);
	rig_peer(PEER_NO_SA, XDPSEC_NO_SA);
	rig_peer(PEER_NO_CONTEXT, SLOT_NO_CONTEXT_TX);
	rig_spi(site_sas[SLOT_B_RX].spi, SLOT_B_RX);
	rig_spi(site_sas[SLOT_C_RX].spi, SLOT_C_RX);
	rig_spi(site_sas[SLOT_NO_CONTEXT_RX].spi, SLOT_NO_CONTEXT_RX);
	for (size_t i = 0; i < SITE_POLICIES; i++) {
		bool is_b = site_policies[i].peer == PEER_B;

		rig_policy(site_policies[i].prefix, site_policies[i].peer, is_b ? some : &all,
			   is_b ? ARRAY_SIZE(some) : 1);
	}
	return 0;
}

int site_teardown(void **state)
{
	for (int slot = 0; slot < SLOTS; slot++)
		oracle_free(site_sas[slot].oracle);
	return rig_teardown(state);
}

int site_reset(void **state)
{
	(void)state;
	for (int slot = 0; slot < SLOTS; slot++) {
		rig_sequence(slot, 1, XDPSEC_SEQUENCE_LIMIT);
		rig_window_reset(slot);
	}
	rig_fragments_forget();
	rig_hop(true);
	rig_device_mtu(RIG_DEVICE_MTU);
	return 0;
}

struct packet site_sealed(const struct packet *plain, int slot, uint64_t sequence, uint8_t *buffer)
{
	struct bound bound = site_bound(plain, slot);
	struct packet sealed = *plain;

	sealed.length = oracle_seal(site_sas[slot].oracle, site_sas[slot].spi, XDPSEC_NEXT_UDP, sequence,
				    &bound, plain->payload, plain->length, buffer);
	sealed.payload = buffer;
	return sealed;
}
