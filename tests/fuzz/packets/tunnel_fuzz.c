// SPDX-License-Identifier: GPL-2.0-or-later
/* Fuzzer of tunnel mode: xdpsec_encapsulate, xdpsec_keepalive and xdpsec_decapsulate, in the situation of
 * tunnel.h. */
#include "unit/unit.h"
#include "fuzz/chance.h"
#include "flow.h"
#include "make.h"
#include "targets.h"
#include "unit/tunnel.h"

const char *const hosts[HOSTS] = { INNER_B4,	       INNER_B6,	   INNER_C4,	INNER_C6,
				   INNER_NO_ENDPOINT4, INNER_UNREACHABLE6, INNER_LOOP4, INNER_NO_SA4,
				   INNER_NOBODY4,      INNER_NOBODY6 };

static int setup(void **state)
{
	tunnel_setup(state);
	for (int peer = 0; peer < TUNNEL_PEERS; peer++) {
		flow_add(tunnel_peers[peer].prefix4, peer);
		flow_add(tunnel_peers[peer].prefix6, peer);
	}
	return 0;
}

/* Set the endpoints again, as packets move them. Some paths are narrow, some peers have keepalives. */
static void refresh(void)
{
	for (int peer = TUNNEL_B; peer <= TUNNEL_C; peer++) {
		struct xdpsec_endpoint endpoint = {
			.roams = 1,
			.keepalive = one_in(2),
			.path_mtu = one_in(2) ? 552 : 1300 + below(200),
			.path_mtu_until = one_in(2) ? UINT64_MAX : 0,
			.at[0] = tunnel_location(tunnel_peers[peer].endpoint, tunnel_peers[peer].port),
		};

		tunnel_set_endpoint(peer, &endpoint);
	}
	rig_allow_answers();
	rig_allow_learning();
}

/* A SYN with any options. */
static void make_tcp(struct packet *packet)
{
	static const uint8_t kinds[] = { 0, 1, 1, 2, 2, 3, 8, 254 };
	static uint8_t segment[80];
	unsigned int options = below(41);

	fill_pattern(segment, sizeof(segment), chance());
	segment[12] = (one_in(10) ? below(16) : (20 + options + 3) / 4) << 4;
	segment[13] = one_in(4) ? below(256) : 2;
	for (size_t at = 20; at < 60;) {
		uint8_t *option = segment + at;

		option[0] = one_of(kinds);
		if (option[0] != 1)
			option[1] = one_in(8) ? below(256) : option[0] == 2 ? 4 : 2 + below(9);
		at += option[0] == 1 ? 1 : option[1] ?: 1;
	}
	packet->no_udp = true;
	packet->protocol = PROTOCOL_TCP;
	packet->payload = segment;
	packet->length = 20 + options;
}

void make_inner_odd(struct packet *packet)
{
	packet->tos = below(256);
	make_odd(packet);
	packet->vlans = one_in(40);
	packet->padding = one_in(10) ? below(40) : 0;
	if (one_in(5))
		make_tcp(packet);
}

int main(void)
{
	static const struct fuzz_target targets[] = {
		{ "encapsulate", PROGRAM_ENCAPSULATE, 3, make_encapsulate, judge_encapsulate },
		{ "keepalive", PROGRAM_KEEPALIVE, 1, make_keepalive, judge_keepalive },
		{ "decapsulate", PROGRAM_DECAPSULATE, 4, make_decapsulate, judge_decapsulate },
	};
	static const struct fuzzer fuzzer = {
		.name = "tunnel mode",
		.setup = setup,
		.reset = tunnel_reset,
		.teardown = tunnel_teardown,
		.refresh = refresh,
		.targets = targets,
		.n_targets = ARRAY_SIZE(targets),
		.outcomes = 1 << OUTCOME_DROPPED | 1 << OUTCOME_PASSED | 1 << OUTCOME_ENCAPSULATED |
			    1 << OUTCOME_DELIVERED | 1 << OUTCOME_ANSWERED | 1 << OUTCOME_TICK,
	};

	return fuzz_main(&fuzzer);
}
