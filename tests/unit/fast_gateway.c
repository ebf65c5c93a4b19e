// SPDX-License-Identifier: GPL-2.0-or-later
/* A gateway with a fast path: the site of tunnel.h, a LAN, and the neighbours on both sides. */
#include "fast_gateway.h"
#include "unit.h"

uint8_t fast_text[9000];

static uint8_t buffer[FRAME_MAX];
static uint64_t sequence;

const uint8_t fast_neighbour[6] = { 0, 0, 0x5e, 0, 0x53, 0x81 };
static const uint8_t host[6] = { 0, 0, 0x5e, 0, 0x53, 0x82 }, own[6] = { 0, 0, 0x5e, 0, 0x53, 0x02 };

/* The hosts behind us are one more hop away: their routes lead back as well. */
static const char *const network[] = {
	"ip address add 192.0.2.129/25 dev lan",
	"ip address add 2001:db8:a::fe/64 dev lan nodad",
	"ip neigh add " INNER_LOCAL4 " lladdr " FAST_HOST " dev lan",
	"ip neigh add " INNER_LOCAL6 " lladdr " FAST_HOST " dev lan",
	"ip neigh add 192.0.2.254 lladdr " FAST_NEIGHBOUR " dev device",
	"ip neigh add 2001:db8:1::fe lladdr " FAST_NEIGHBOUR " dev device",
	"ip route add 203.0.113.0/24 dev hop-near",
	"ip route add 2001:db8:b::/48 dev hop-near",
	"ip route add 2001:db8:c::/48 dev hop-near",
};

int fast_setup(void **state)
{
	fill_pattern(fast_text, sizeof(fast_text), 0x66617374);
	tunnel_setup(state);
	rig_run_on_one_cpu();
	rig_fast();
	/* LOCAL4 and its network without the part that is the LAN. */
	tunnel_shell("ip address del " LOCAL4 "/24 dev device && ip address add " LOCAL4 "/25 dev device");
	tunnel_shell(
		"ip route add 192.0.2.254 dev device && ip route replace default via 192.0.2.254 dev device");
	for (size_t i = 0; i < ARRAY_SIZE(network); i++)
		tunnel_shell(network[i]);
	return 0;
}

struct packet fast_outgoing(const char *destination, size_t length)
{
	struct packet packet = tunnel_inner(destination, fast_text, length);

	packet.ingress = rig.lan;
	return packet;
}

void fast_note_devices(void)
{
	struct packet packet = fast_outgoing("198.51.100.99", 10);

	packet.ethertype = 0x0806;
	expect_packet_untouched(PROGRAM_FAST_OUT, &packet);
	packet.ingress = rig.device;
	expect_packet_untouched(PROGRAM_FAST_IN, &packet);
}

int fast_reset(void **state)
{
	tunnel_reset(state);
	rig_fast_forget();
	fast_note_devices();
	sequence = 0;
	return 0;
}

void fast_introduce(const struct packet *packet)
{
	uint64_t fast = rig_fast_packets(XDPSEC_FAST_OUT);

	expect_packet_untouched(PROGRAM_FAST_OUT, packet);
	assert_int_equal(rig_fast_packets(XDPSEC_FAST_OUT), fast);
}

uint16_t expect_fast_out(const struct packet *in, int peer)
{
	static uint8_t bytes[FRAME_MAX];
	static struct tally expected, after;
	static struct frame frame, out, want;
	struct packet inner = *in, outer;
	uint64_t fast = rig_fast_packets(XDPSEC_FAST_OUT), started;
	struct xdpsec_config config;
	size_t length;

	map_read(rig.maps.config, 0, &config);
	inner.ttl--;
	length = tunnel_inner_bytes(&inner, bytes);
	packet_build(&frame, in);
	tally_take(&expected);
	outer = tunnel_sealed(TUNNEL_TX(peer), inner.family == 4 ? NEXT_IPV4 : NEXT_IPV6,
			      expected.sas[TUNNEL_TX(peer)].sequence.next, bytes, length, buffer);
	outer.tos = config.dscp_fixed ? config.dscp << 2 | (in->tos & 3) : in->tos;
	started = tunnel_now();
	assert_int_equal(rig_run(PROGRAM_FAST_OUT, &frame, &out), XDP_REDIRECT);
	tally_take(&after);
	expected.sas[TUNNEL_TX(peer)].sequence.next++;
	tally_add_packet(&expected, &after, TUNNEL_TX(peer), length);
	expect_sent(&expected.endpoints[peer], &after.endpoints[peer], outer.source, started, tunnel_now());
	expect_same_tally(&after, &expected);
	if (config.flow_ports)
		outer.source_port = read16(out.bytes + ETHERNET_LEN +
					   (outer.family == 4 ? IPV4_LEN : IPV6_LEN));
	packet_build(&want, &outer);
	memcpy(want.bytes, fast_neighbour, 6);
	memcpy(want.bytes + 6, own, 6);
	expect_same_frame(&out, &want);
	assert_int_equal(rig_fast_packets(XDPSEC_FAST_OUT), fast + 1);
	return outer.source_port;
}

struct packet fast_incoming(int peer, const struct packet *inner)
{
	return tunnel_incoming(peer, ++sequence, inner, buffer);
}

void expect_fast_in(const struct packet *outer, const struct packet *inner, int peer, bool fast)
{
	static struct tally expected, after;
	static struct frame frame, out, want;
	uint64_t counted = rig_fast_packets(XDPSEC_FAST_IN);
	struct packet delivered = *inner;
	struct xdpsec_config config;

	map_read(rig.maps.config, 0, &config);
	delivered.ttl -= fast;
	packet_build(&frame, outer);
	packet_build(&want, &delivered);
	memcpy(want.bytes, fast ? host : config.near_mac, 6);
	memcpy(want.bytes + 6, fast ? own : config.far_mac, 6);
	tally_take(&expected);
	assert_int_equal(rig_run(PROGRAM_FAST_IN, &frame, &out), XDP_REDIRECT);
	tally_take(&after);
	tally_add_packet(&expected, &after, TUNNEL_RX(peer), want.length - ETHERNET_LEN);
	tally_move_window(&expected, &after, TUNNEL_RX(peer));
	expect_same_tally(&after, &expected);
	expect_same_frame(&out, &want);
	assert_int_equal(rig_fast_packets(XDPSEC_FAST_IN), counted + fast);
}

void expect_fast_incoming(const struct packet *inner, int peer, bool fast)
{
	struct packet outer = fast_incoming(peer, inner);

	expect_fast_in(&outer, inner, peer, fast);
}
