// SPDX-License-Identifier: GPL-2.0-or-later
/* Filling the maps of the gateway of tunnel mode. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <stdlib.h>
#include <time.h>

#include "unit.h"
#include "tunnel.h"

_Static_assert((int)TUNNEL_SLOTS <= (int)TALLY_SAS && (int)TUNNEL_PEERS <= (int)TALLY_PEERS,
	       "all of it is tallied");

const struct tunnel_peer tunnel_peers[TUNNEL_PEERS] = {
	[TUNNEL_B] = { ENDPOINT_B4, TUNNEL_PORT, 16, "203.0.113.0/25", "2001:db8:b::/48" },
	[TUNNEL_C] = { ENDPOINT_C6, TUNNEL_PORT_C, 32, "203.0.113.128/26", "2001:db8:c::/48" },
	[TUNNEL_NO_ENDPOINT] = { NULL, 0, 16, "203.0.113.192/28", "2001:db8:d::/48" },
	[TUNNEL_UNREACHABLE] = { "198.51.100.66", TUNNEL_PORT, 16, "203.0.113.208/28", "2001:db8:e::/48" },
	[TUNNEL_LOOP] = { "198.51.100.67", TUNNEL_PORT, 16, "203.0.113.224/28", "2001:db8:f::/48" },
	[TUNNEL_NO_SA] = { "198.51.100.4", TUNNEL_PORT, 0, "203.0.113.240/29", "2001:db8:10::/48" },
};

const struct tunnel_direction tunnel_directions[TUNNEL_DIRECTIONS] = {
	{ INNER_B4, TUNNEL_B }, /* IPv4 in IPv4 */
	{ INNER_B6, TUNNEL_B }, /* IPv6 in IPv4 */
	{ INNER_C4, TUNNEL_C }, /* IPv4 in IPv6 */
	{ INNER_C6, TUNNEL_C }, /* IPv6 in IPv6 */
};

struct tunnel_sa tunnel_sas[TUNNEL_SLOTS];

static const uint8_t near_mac[6] = { 0x02, 0, 0, 0, 0x53, 0x0a }, far_mac[6] = { 0x02, 0, 0, 0, 0x53, 0x0b };

void tunnel_shell(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s: failed", command);
}

/* A gateway with one uplink. bpf_fib_lookup() wants forwarding on the device that it is asked for. */
static void configure_network(void)
{
	static const char *const commands[] = {
		"echo 1 > /proc/sys/net/ipv4/conf/all/forwarding",
		"echo 1 > /proc/sys/net/ipv6/conf/all/forwarding",
		"ip address add " LOCAL4 "/24 dev device",
		"ip address add " LOCAL6 "/64 dev device nodad",
		"ip route add default via 192.0.2.254",
		"ip route add default via 2001:db8:1::fe",
		"ip route add unreachable 198.51.100.66",
		"ip route add 198.51.100.67 dev hop-near",
	};

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		tunnel_shell(commands[i]);
}

static void install(int slot)
{
	const struct tunnel_peer *peer = &tunnel_peers[slot / 2];
	struct tunnel_sa *sa = &tunnel_sas[slot];
	struct rig_sa arguments = {
		.slot = slot,
		.spi = 0x1000 * (slot / 2 + 1) + slot % 2,
		.peer = slot / 2,
		.next_header = XDPSEC_NEXT_IPV4,
		.key = sa->key,
		.key_length = peer->key_length,
		.next = 1,
		.limit = XDPSEC_SEQUENCE_LIMIT,
	};

	sa->spi = arguments.spi;
	fill_pattern(sa->key, peer->key_length, 0x74756e00 + slot);
	sa->oracle = oracle_new(sa->key, peer->key_length);
	rig_sa_install(&arguments);
}

int tunnel_setup(void **state)
{
	rig_setup_tunnel(state);
	configure_network();
	for (int slot = 0; slot < TUNNEL_SLOTS; slot++)
		install(slot);
	for (int peer = 0; peer < TUNNEL_PEERS; peer++) {
		rig_peer(peer, tunnel_peers[peer].key_length ? (uint32_t)TUNNEL_TX(peer) : XDPSEC_NO_SA);
		if (tunnel_peers[peer].key_length)
			rig_spi(tunnel_sas[TUNNEL_RX(peer)].spi, TUNNEL_RX(peer));
		rig_policy(tunnel_peers[peer].prefix4, peer, NULL, 0);
		rig_policy(tunnel_peers[peer].prefix6, peer, NULL, 0);
	}
	rig_attach(PROGRAM_DECAPSULATE);
	return 0;
}

int tunnel_teardown(void **state)
{
	for (int slot = 0; slot < TUNNEL_SLOTS; slot++)
		oracle_free(tunnel_sas[slot].oracle);
	return rig_teardown(state);
}

int tunnel_reset(void **state)
{
	struct xdpsec_config config = tunnel_config();

	(void)state;
	for (int slot = 0; slot < TUNNEL_SLOTS; slot++) {
		rig_sequence(slot, 1, XDPSEC_SEQUENCE_LIMIT);
		rig_window_reset(slot);
	}
	for (int peer = 0; peer < TUNNEL_PEERS; peer++) {
		struct xdpsec_endpoint endpoint = { .roams = 1 };

		/* As in the middle of things: the peer has been heard of. */
		if (tunnel_peers[peer].endpoint) {
			endpoint.at[0] = tunnel_location(tunnel_peers[peer].endpoint,
							 tunnel_peers[peer].port);
			endpoint.from[0] = tunnel_source(strchr(tunnel_peers[peer].endpoint, ':') ? LOCAL6
												  : LOCAL4,
							 XDPSEC_LOCAL_DEVICE);
		}
		tunnel_set_endpoint(peer, &endpoint);
	}
	tunnel_configure(&config);
	rig_device_mtu(TUNNEL_MTU);
	rig_allow_answers();
	rig_allow_learning();
	return 0;
}

struct xdpsec_config tunnel_config(void)
{
	struct xdpsec_config config = {
		.abi_version = XDPSEC_ABI_VERSION,
		.device = rig.device,
		.netns_cookie = rig.netns_cookie,
		.listen_port = TUNNEL_PORT,
		.mtu = TUNNEL_DEVICE_MTU,
		.mtu_ipv6 = TUNNEL_DEVICE_MTU,
		.peers = TUNNEL_PEERS,
	};

	memcpy(config.hop_secret, rig_hop_secret, sizeof(config.hop_secret));
	memcpy(config.near_mac, near_mac, sizeof(near_mac));
	memcpy(config.far_mac, far_mac, sizeof(far_mac));
	return config;
}

void tunnel_configure(const struct xdpsec_config *config)
{
	map_write(rig.maps.config, 0, config);
}

struct xdpsec_endpoint tunnel_endpoint(int peer)
{
	struct xdpsec_endpoint endpoint;

	map_read(rig.maps.endpoints, peer, &endpoint);
	return endpoint;
}

void tunnel_set_endpoint(int peer, const struct xdpsec_endpoint *endpoint)
{
	map_write(rig.maps.endpoints, peer, endpoint);
}

struct xdpsec_location tunnel_location(const char *address, uint16_t port)
{
	struct xdpsec_location location = { .port = port, .known = 1 };

	if (strchr(address, ':')) {
		assert_int_equal(inet_pton(AF_INET6, address, location.address), 1);
	} else {
		memset(location.address + 10, 0xff, 2);
		assert_int_equal(inet_pton(AF_INET, address, location.address + 12), 1);
	}
	return location;
}

struct xdpsec_source tunnel_source(const char *address, enum xdpsec_local local)
{
	struct xdpsec_location location = tunnel_location(address, 0);
	struct xdpsec_source source = { .local = local,
					.port = local == XDPSEC_LOCAL_NONE ? 0 : TUNNEL_PORT };

	memcpy(source.address, location.address, sizeof(source.address));
	return source;
}

uint64_t tunnel_now(void)
{
	struct timespec now;

	assert_return_code(clock_gettime(CLOCK_MONOTONIC_COARSE, &now), 0);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

struct packet tunnel_inner(const char *destination, const void *payload, size_t length)
{
	struct packet packet = packet_udp(destination, 53, payload, length);

	packet.source = packet.family == 4 ? INNER_LOCAL4 : INNER_LOCAL6;
	return packet;
}

struct packet tunnel_inner_from(const char *source, const void *payload, size_t length)
{
	return packet_reversed(tunnel_inner(source, payload, length));
}

size_t tunnel_inner_headers(const char *host)
{
	return (strchr(host, ':') ? IPV6_LEN : IPV4_LEN) + UDP_LEN;
}

size_t tunnel_overhead(int peer)
{
	return strchr(tunnel_peers[peer].endpoint, ':') ? OVERHEAD_IPV6 : OVERHEAD_IPV4;
}

size_t tunnel_inner_bytes(const struct packet *inner, uint8_t *bytes)
{
	static struct frame frame;
	size_t length;

	packet_build(&frame, inner);
	length = frame.length - ETHERNET_LEN - inner->padding;
	memcpy(bytes, frame.bytes + ETHERNET_LEN, length);
	return length;
}

struct packet tunnel_sealed(int slot, uint8_t next_header, uint64_t sequence, const void *plain, size_t n,
			    uint8_t *buffer)
{
	const struct tunnel_peer *peer = &tunnel_peers[slot / 2];
	const struct tunnel_sa *sa = &tunnel_sas[slot];
	struct packet outer = packet_udp(peer->endpoint, peer->port, buffer, 0);

	outer.tos = 0;
	outer.ttl = 64;
	outer.flow_label = 0;
	outer.id = 0;
	outer.source_port = TUNNEL_PORT;
	if (outer.family == 4)
		outer.udp_checksum = 0;
	outer.length = oracle_seal(sa->oracle, sa->spi, next_header, sequence, NULL, plain, n, buffer);
	return outer;
}

struct packet tunnel_arriving(int peer, uint8_t next_header, uint64_t sequence, const void *plain, size_t n,
			      uint8_t *buffer)
{
	struct packet outer = packet_reversed(
		tunnel_sealed(TUNNEL_RX(peer), next_header, sequence, plain, n, buffer));

	outer.ingress = rig.device;
	return outer;
}

struct packet tunnel_incoming(int peer, uint64_t sequence, const struct packet *inner, uint8_t *buffer)
{
	static uint8_t bytes[FRAME_MAX];
	size_t length = tunnel_inner_bytes(inner, bytes);
	struct packet outer = tunnel_arriving(peer, inner->family == 4 ? NEXT_IPV4 : NEXT_IPV6, sequence,
					      bytes, length, buffer);

	outer.tos = inner->tos;
	return outer;
}

struct packet tunnel_tick(const char *target)
{
	struct packet packet = packet_udp(target, 0, NULL, 0);

	packet.no_udp = true;
	packet.protocol = PROTOCOL_NONE;
	packet.source = "0.0.0.0";
	packet.tos = 0;
	packet.ttl = 1;
	packet.id = 0;
	packet.fragment = 0;
	return packet;
}
