// SPDX-License-Identifier: GPL-2.0-or-later
/* Filling the maps of the site of inline mode. */
#include "unit.h"
#include "site.h"

struct site_sa site_sas[SLOTS] = {
	[SLOT_B_TX] = { 0x1001, PEER_B, 16, REMOTE_B4, REMOTE_B6, .has_context = true },
	[SLOT_B_RX] = { 0x1002, PEER_B, 16, REMOTE_B4, REMOTE_B6, .has_context = true },
	[SLOT_C_TX] = { 0x2001, PEER_C, 32, REMOTE_C4, REMOTE_C6, .has_context = true },
	[SLOT_C_RX] = { 0xffffffff, PEER_C, 32, REMOTE_C4, REMOTE_C6, .has_context = true },
	[SLOT_NO_CONTEXT_TX] = { 0x3ff1, PEER_NO_CONTEXT, 16, REMOTE_NO_CONTEXT4, REMOTE_NO_CONTEXT6,
				 .has_context = false },
	[SLOT_NO_CONTEXT_RX] = { 0x3ff2, PEER_NO_CONTEXT, 16, REMOTE_NO_CONTEXT4, REMOTE_NO_CONTEXT6,
				 .has_context = false },
};

const struct site_policy site_policies[SITE_POLICIES] = {
	{ "198.51.100.0/25", PEER_B },		{ "2001:db8:2::/48", PEER_B },
	{ "198.51.100.128/25", PEER_C },	{ "2001:db8:3::/48", PEER_C },
	{ "203.0.113.0/26", PEER_NO_SA },	{ "2001:db8:4::/48", PEER_NO_SA },
	{ "203.0.113.64/26", PEER_NO_CONTEXT }, { "2001:db8:5::/48", PEER_NO_CONTEXT },
};

static void install(int slot)
{
	struct site_sa *site = &site_sas[slot];
	struct rig_sa sa = {
		.slot = slot,
		.spi = site->spi,
		.peer = site->peer,
		.next_header = XDPSEC_NEXT_UDP,
		.key = site->key,
		.key_length = site->key_length,
		.next = 1,
		.limit = XDPSEC_SEQUENCE_LIMIT,
	};

	fill_pattern(site->key, site->key_length, 0x6b657900 + slot);
	site->oracle = oracle_new(site->key, site->key_length);
	if (site->has_context)
		rig_sa_install(&sa);
	else
		rig_sa_prepare(&sa);
}

int site_setup(void **state)
{
	static const struct xdpsec_ports some[] = { { PORT, PORT }, { PORT_RANGE_FIRST, PORT_RANGE_LAST } };
	static const struct xdpsec_ports all = { 0, 65535 };

	rig_setup(state);
	for (int slot = 0; slot < SLOTS; slot++)
		install(slot);
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
	struct packet sealed = *plain;

	sealed.length = oracle_seal(site_sas[slot].oracle, site_sas[slot].spi, XDPSEC_NEXT_UDP, sequence,
				    plain->payload, plain->length, buffer);
	sealed.payload = buffer;
	return sealed;
}
