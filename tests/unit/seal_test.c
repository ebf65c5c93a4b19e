// SPDX-License-Identifier: GPL-2.0-or-later
/* xdpsec_seal: what is sealed, what passes, what is dropped, and why. Lengths and offsets: lengths_test.c. */
#include "unit.h"
#include "site.h"
#include "expect.h"
#include "malformed.h"

static uint8_t text[2000];

enum { TEXT_LEN = 40, FORWARDED = 1 /* ifindex of the loopback device, for want of another */ };

static struct packet to(const char *remote, uint16_t port)
{
	return packet_udp(remote, port, text, TEXT_LEN);
}

static struct packet good(int family)
{
	return to(family == 4 ? REMOTE_B4 : REMOTE_B6, PORT);
}

static void test_malformed(void **state)
{
	const struct malformed *malformed = *state;
	struct packet packet = good(malformed->family);

	malformed->change(&packet);
	expect_packet_drop(PROGRAM_SEAL, &packet, XDPSEC_DROP_MALFORMED,
			   malformed->flow_is_known ? SLOT_B_TX : SLOT_NONE);
	packet.destination = malformed->family == 4 ? REMOTE_CLEAR4 : REMOTE_CLEAR6;
	expect_packet_untouched(PROGRAM_SEAL, &packet);
}

/* Cut behind the addresses, everywhere. Before that nothing tells whose it is, nor could anybody deliver it.
 */
static void test_truncated(void **state)
{
	static const struct {
		int family;
		unsigned int vlans, options;
		uint16_t extension;
	} shapes[] = { { 4, 0, 0, 0 }, { 4, 0, 40, 0 }, { 4, 2, 0, 0 }, { 6, 0, 0, 0 }, { 6, 1, 0, 24 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct packet packet = good(shapes[i].family);
		size_t readable = ETHERNET_LEN + VLAN_LEN * shapes[i].vlans +
				  (shapes[i].family == 4 ? IPV4_LEN : IPV6_LEN);
		size_t ports = readable + shapes[i].options + shapes[i].extension + UDP_LEN;
		struct frame frame, out;
		int verdict;

		packet.vlans = shapes[i].vlans;
		packet.options = shapes[i].options;
		if (shapes[i].extension)
			packet_extend(&packet, PROTOCOL_HOP_BY_HOP, shapes[i].extension);
		packet_build(&frame, &packet);
		while (--frame.length >= readable)
			expect_drop(PROGRAM_SEAL, &frame, XDPSEC_DROP_MALFORMED,
				    frame.length >= ports ? SLOT_B_TX : SLOT_NONE);
		for (; frame.length >= ETHERNET_LEN; frame.length--)
			if (rig_try(PROGRAM_SEAL, &frame, &out, &verdict))
				expect_untouched(PROGRAM_SEAL, &frame);
	}
}

static void test_ports(void **state)
{
	static const struct {
		uint16_t source, destination;
		bool is_protected;
	} flows[] = {
		{ 49152, PORT, true },
		{ PORT, 49152, true },
		{ PORT, PORT, true },
		{ 49152, PORT_RANGE_FIRST, true },
		{ 49152, PORT_RANGE_LAST, true },
		{ PORT_RANGE_LAST, 49152, true },
		{ 49152, PORT - 1, false },
		{ 49152, PORT + 1, false },
		{ 49152, PORT_RANGE_FIRST - 1, false },
		{ PORT_RANGE_LAST + 1, 49152, false },
		{ 0, 65535, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(flows); i++)
		for (int family = 4; family <= 6; family += 2) {
			struct packet packet = good(family);

			packet.source_port = flows[i].source;
			packet.destination_port = flows[i].destination;
			if (flows[i].is_protected)
				expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
			else
				expect_packet_untouched(PROGRAM_SEAL, &packet);
		}
}

static void test_all_ports(void **state)
{
	struct packet packet = to(REMOTE_C4, 0);

	(void)state;
	packet.source_port = 0;
	expect_sealed(PROGRAM_SEAL, &packet, SLOT_C_TX, SEAL_PASS);
	packet.destination_port = 65535;
	expect_sealed(PROGRAM_SEAL, &packet, SLOT_C_TX, SEAL_PASS);
}

/* The edges of 198.51.100.0/25, of 198.51.100.128/25 behind it, and of what is in no prefix. */
static void test_prefixes(void **state)
{
	static const struct {
		const char *remote;
		int slot;
	} remotes[] = {
		{ "198.51.100.0", SLOT_B_TX },
		{ "198.51.100.127", SLOT_B_TX },
		{ "198.51.100.128", SLOT_C_TX },
		{ "198.51.100.255", SLOT_C_TX },
		{ "198.51.99.255", SLOT_NONE },
		{ "198.51.101.0", SLOT_NONE },
		{ "203.0.113.128", SLOT_NONE },
		{ "2001:db8:2::", SLOT_B_TX },
		{ "2001:db8:2:ffff:ffff:ffff:ffff:ffff", SLOT_B_TX },
		{ "2001:db8:1:ffff:ffff:ffff:ffff:ffff", SLOT_NONE },
		{ "2001:db8:3::", SLOT_C_TX },
		{ "2001:db8:6::", SLOT_NONE },
		/* Prefixes of IPv4 are kept as this; a packet of IPv6 to it would be a forgery. */
		{ "::c633:6402", SLOT_NONE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(remotes); i++) {
		struct packet packet = to(remotes[i].remote, PORT);

		if (remotes[i].slot != SLOT_NONE)
			expect_sealed(PROGRAM_SEAL, &packet, remotes[i].slot, SEAL_PASS);
		else
			expect_packet_untouched(PROGRAM_SEAL, &packet);
	}
}

static void test_not_ours(void **state)
{
	static const struct {
		const char *remote;
		int ethertype, protocol;
	} others[] = {
		{ REMOTE_C4, AUTO, PROTOCOL_TCP },
		{ REMOTE_C4, AUTO, PROTOCOL_ICMP },
		{ REMOTE_C4, AUTO, 47 /* GRE */ },
		{ REMOTE_C4, AUTO, 50 /* ESP */ },
		{ REMOTE_C6, AUTO, PROTOCOL_TCP },
		{ REMOTE_C6, AUTO, PROTOCOL_ICMPV6 },
		{ REMOTE_C6, AUTO, PROTOCOL_NONE },
		{ REMOTE_C4, 0x0806 /* ARP */, PROTOCOL_UDP },
		{ REMOTE_C4, 0x88cc /* LLDP */, PROTOCOL_UDP },
		{ REMOTE_C6, 0x8847 /* MPLS */, PROTOCOL_UDP },
		{ REMOTE_C4, 40 /* 802.3 length */, PROTOCOL_UDP },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		for (unsigned int vlans = 0; vlans <= 2; vlans++) {
			struct packet packet = to(others[i].remote, PORT);

			packet.ethertype = others[i].ethertype;
			packet.protocol = others[i].protocol;
			packet.vlans = vlans;
			expect_packet_untouched(PROGRAM_SEAL, &packet);
		}
}

static void test_extension_headers(void **state)
{
	struct packet packet = good(6);

	(void)state;
	packet_extend(&packet, PROTOCOL_HOP_BY_HOP, 8);
	expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
	packet_extend(&packet, PROTOCOL_DESTINATION, 24);
	expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
	packet_extend(&packet, PROTOCOL_ROUTING, 40);
	expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
	packet_extend(&packet, PROTOCOL_DESTINATION, 16);
	expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
	packet.protocol = PROTOCOL_TCP;
	expect_packet_untouched(PROGRAM_SEAL, &packet);
}

/* Longer than any stack sends: what the program cannot move out of the way is dropped, never passed. */
static void test_long_extension_headers(void **state)
{
	enum { MOVED_MAX = 256 /* with the UDP header */, LONGEST = 2048 };

	(void)state;
	for (uint16_t length = 8; length <= LONGEST; length += 8) {
		struct packet packet = good(6);

		packet_extend(&packet, PROTOCOL_DESTINATION, length);
		if (length + UDP_LEN <= MOVED_MAX)
			expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
		else
			expect_packet_drop(PROGRAM_SEAL, &packet, XDPSEC_DROP_NO_ROOM, SLOT_B_TX);
	}
}

/* An IPv6 fragment header that fragments nothing (RFC 6946) is only one more extension header. */
static void test_atomic_fragment(void **state)
{
	struct packet packet = good(6);

	(void)state;
	packet_extend(&packet, PROTOCOL_FRAGMENT, 8);
	expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
}

static void test_checksum_zero_stays(void **state)
{
	struct packet packet = good(4);

	(void)state;
	packet.udp_checksum = 0;
	expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
}

/* RFC 6935: tunnels over IPv6 may go without. The tag covers the payload. */
static void test_checksum_zero_stays_ipv6(void **state)
{
	struct packet packet = good(6);

	(void)state;
	packet.udp_checksum = 0;
	expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
}

/* A forwarded packet: sealed with a new and right checksum, damaged data would pass for good at the receiver.
 */
static void test_checksum_wrong(void **state)
{
	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		struct packet packet = good(family);
		struct frame frame;
		struct layout layout;

		packet_build(&frame, &packet);
		assert_true(frame_layout(&frame, &layout));
		for (int bit = 0; bit < 16; bit++) {
			packet.udp_checksum = read16(frame.bytes + layout.transport + 6) ^ 1 << bit;
			packet.ingress = FORWARDED;
			if (packet.udp_checksum)
				expect_packet_drop(PROGRAM_SEAL, &packet, XDPSEC_DROP_BAD_CHECKSUM,
						   SLOT_B_TX);
		}
	}
}

/* Payloads whose checksum comes to zero, and is therefore sent as ones: before sealing, and after. */
static void test_checksum_of_ones(void **state)
{
	static uint8_t adjusted[TEXT_LEN], buffer[FRAME_MAX];
	struct packet packet = to(REMOTE_B4, PORT);
	bool seen_before = false, seen_after = false;
	struct layout layout;
	struct frame frame;

	(void)state;
	memcpy(adjusted, text, sizeof(adjusted));
	packet.payload = adjusted;
	for (uint32_t i = 0; i < 400000 && !(seen_before && seen_after); i++) {
		struct packet sealed;
		bool before, after;

		write32(adjusted, i * 2654435761u);
		packet_build(&frame, &packet);
		assert_true(frame_layout(&frame, &layout));
		before = read16(frame.bytes + layout.transport + 6) == 0xffff;
		sealed = site_sealed(&packet, SLOT_B_TX, 1000, buffer);
		packet_build(&frame, &sealed);
		after = read16(frame.bytes + layout.transport + 6) == 0xffff;
		if (!before && !after)
			continue;
		seen_before |= before;
		seen_after |= after;
		rig_sequence(SLOT_B_TX, 1000, 2000);
		expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
	}
	assert_true(seen_before && seen_after);
}

static void test_header_fields_stay(void **state)
{
	(void)state;
	for (int family = 4; family <= 6; family += 2)
		for (int value = 0; value < 256; value++) {
			struct packet packet = good(family);

			packet.tos = value;
			packet.ttl = 255 - value;
			packet.id = value << 8;
			packet.fragment = family == 4 && value % 2 ? IPV4_DONT_FRAGMENT : 0;
			expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
		}
}

static void test_no_sa(void **state)
{
	struct packet packet4 = to(REMOTE_NO_SA4, 53), packet6 = to(REMOTE_NO_SA6, 53);

	(void)state;
	expect_packet_drop(PROGRAM_SEAL, &packet4, XDPSEC_DROP_NO_KEY, SLOT_NONE);
	expect_packet_drop(PROGRAM_SEAL, &packet6, XDPSEC_DROP_NO_KEY, SLOT_NONE);
}

static void test_no_context(void **state)
{
	struct packet packet4 = to(REMOTE_NO_CONTEXT4, 53), packet6 = to(REMOTE_NO_CONTEXT6, 53);

	(void)state;
	expect_packet_drop(PROGRAM_SEAL, &packet4, XDPSEC_DROP_NO_KEY, SLOT_NO_CONTEXT_TX);
	expect_packet_drop(PROGRAM_SEAL, &packet6, XDPSEC_DROP_NO_KEY, SLOT_NO_CONTEXT_TX);
}

static void test_sequence_exhausted(void **state)
{
	struct packet packet = good(4);

	(void)state;
	rig_sequence(SLOT_B_TX, 98, 100);
	expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
	expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
	for (int i = 0; i < 3; i++)
		expect_packet_drop(PROGRAM_SEAL, &packet, XDPSEC_DROP_SEQUENCE_EXHAUSTED, SLOT_B_TX);
	rig_sequence(SLOT_B_TX, 0, 0);
	expect_packet_drop(PROGRAM_SEAL, &packet, XDPSEC_DROP_SEQUENCE_EXHAUSTED, SLOT_B_TX);
	rig_sequence(SLOT_B_TX, 101, 100);
	expect_packet_drop(PROGRAM_SEAL, &packet, XDPSEC_DROP_SEQUENCE_EXHAUSTED, SLOT_B_TX);
	rig_sequence(SLOT_B_TX, 100, 101);
	expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
}

/* Whatever a state file says, the wire format's own limit holds. */
static void test_sequence_limit(void **state)
{
	struct packet packet = good(4);

	(void)state;
	rig_sequence(SLOT_B_TX, XDPSEC_SEQUENCE_LIMIT - 1, UINT64_MAX);
	expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
	expect_packet_drop(PROGRAM_SEAL, &packet, XDPSEC_DROP_SEQUENCE_EXHAUSTED, SLOT_B_TX);
}

static void test_gso(void **state)
{
	struct packet packet = packet_udp(REMOTE_B4, PORT, text, 1800);
	struct frame frame;

	(void)state;
	packet.gso_size = 600;
	packet_build(&frame, &packet);
	expect_redirect(PROGRAM_SEAL, &frame);
	rig_hop(false);
	expect_packet_drop(PROGRAM_SEAL, &packet, XDPSEC_DROP_NO_HOP, SLOT_B_TX);
	packet.destination = REMOTE_CLEAR4;
	expect_packet_untouched(PROGRAM_SEAL, &packet);
}

static void test_gso_without_sa(void **state)
{
	struct packet packet = packet_udp(REMOTE_NO_SA4, PORT, text, 1800);

	(void)state;
	packet.gso_size = 600;
	expect_packet_drop(PROGRAM_SEAL, &packet, XDPSEC_DROP_NO_KEY, SLOT_NONE);
}

/* Packets that the hop program has sealed and sent here are recognized by the secret, and by nothing else. */
static void test_from_hop(void **state)
{
	struct packet packet = good(4);

	(void)state;
	packet.ingress = rig.far;
	expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
	memcpy(packet.cb, rig_hop_secret, sizeof(packet.cb));
	expect_packet_untouched(PROGRAM_SEAL, &packet);
	packet.ingress = 0;
	expect_packet_untouched(PROGRAM_SEAL, &packet);
	for (int word = 0; word < 4; word++) {
		packet.cb[word] ^= 1;
		expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
		packet.cb[word] ^= 1;
	}
}

/* Before the loader has written one: all zero is no secret. */
static void test_no_secret(void **state)
{
	struct packet packet = good(4);
	struct xdpsec_config config;

	(void)state;
	map_read(rig.maps.config, 0, &config);
	memset(config.hop_secret, 0, sizeof(config.hop_secret));
	map_write(rig.maps.config, 0, &config);
	expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
}

static void test_forwarded(void **state)
{
	(void)state;
	for (size_t length = 0; length <= 200; length++)
		for (int family = 4; family <= 6; family += 2) {
			struct packet packet = good(family);

			packet.length = length;
			packet.ingress = FORWARDED;
			expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
		}
}

static void test_sa_removed(void **state)
{
	struct packet packet = good(4);

	(void)state;
	expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
	rig_peer(PEER_B, XDPSEC_NO_SA);
	expect_packet_drop(PROGRAM_SEAL, &packet, XDPSEC_DROP_NO_KEY, SLOT_NONE);
	rig_peer(PEER_B, SLOT_B_TX);
	expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
}

/* The hash of hosts comes before all prefixes, and is not asked where it does not pay. */
static void test_hosts(void **state)
{
	static const char *const hosts[] = { REMOTE_B4, REMOTE_B6 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct packet packet = to(hosts[i], PORT), beside = to(hosts[1 - i], PORT);

		rig_host(hosts[i], PEER_C);
		expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
		rig_use_hosts(true);
		expect_sealed(PROGRAM_SEAL, &packet, SLOT_C_TX, SEAL_PASS);
		expect_sealed(PROGRAM_SEAL, &beside, SLOT_B_TX, SEAL_PASS);
		packet = to(REMOTE_CLEAR4, PORT);
		expect_packet_untouched(PROGRAM_SEAL, &packet);
		packet = to(hosts[i], PORT);
		rig_host_remove(hosts[i]);
		expect_sealed(PROGRAM_SEAL, &packet, SLOT_B_TX, SEAL_PASS);
		rig_use_hosts(false);
	}
}

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(test_truncated),
		cmocka_unit_test_setup(test_hosts, site_reset),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_all_ports),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_extension_headers),
		cmocka_unit_test(test_long_extension_headers),
		cmocka_unit_test(test_atomic_fragment),
		cmocka_unit_test(test_checksum_zero_stays),
		cmocka_unit_test(test_checksum_zero_stays_ipv6),
		cmocka_unit_test(test_checksum_wrong),
		cmocka_unit_test(test_checksum_of_ones),
		cmocka_unit_test(test_header_fields_stay),
		cmocka_unit_test(test_no_sa),
		cmocka_unit_test(test_no_context),
		cmocka_unit_test(test_sequence_exhausted),
		cmocka_unit_test(test_sequence_limit),
		cmocka_unit_test(test_gso),
		cmocka_unit_test(test_gso_without_sa),
		cmocka_unit_test(test_from_hop),
		cmocka_unit_test(test_no_secret),
		cmocka_unit_test(test_forwarded),
		cmocka_unit_test(test_sa_removed),
	};

	fill_pattern(text, sizeof(text), 11);
	return malformed_run_group("seal", test_malformed, others, ARRAY_SIZE(others));
}
