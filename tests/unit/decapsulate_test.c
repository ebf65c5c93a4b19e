// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xdpsec_decapsulate: what a peer sends to the tunnel's port is opened and delivered to the tunnel device,
 * byte for byte; what is not for the tunnel passes as it is. What is not delivered: refused_test.c. Where the
 * peer is then: roaming_test.c.
 */
#include "unit.h"
#include "tunnel.h"

static uint8_t text[9000], buffer[FRAME_MAX];

static uint64_t expect_length(const struct tunnel_direction *direction, size_t length, uint64_t sequence)
{
	struct packet inner = tunnel_inner_from(direction->host, text, length);
	struct packet outer = tunnel_incoming(direction->peer, sequence, &inner, buffer);

	expect_decapsulated(&outer, &inner, direction->peer);
	return sequence + 1;
}

static void test_sizes(void **state)
{
	uint64_t sequence = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		size_t headers = tunnel_inner_headers(tunnel_directions[i].host);

		for (size_t length = 0; length <= 40; length++)
			sequence = expect_length(&tunnel_directions[i], length, sequence);
		for (size_t blocks = 128; blocks < TUNNEL_DEVICE_MTU - 20; blocks += 128)
			for (size_t total = blocks - 17; total <= blocks + 17; total++)
				sequence = expect_length(&tunnel_directions[i], total - headers, sequence);
		for (size_t total = TUNNEL_DEVICE_MTU - 20; total <= TUNNEL_DEVICE_MTU; total++)
			sequence = expect_length(&tunnel_directions[i], total - headers, sequence);
	}
}

/* The hash of hosts says who may send from an address, where it is asked. */
static void test_hosts(void **state)
{
	static const char *const hosts[] = { INNER_B4, INNER_B6 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct packet inner = tunnel_inner_from(hosts[i], text, 60), outer;

		rig_host(hosts[i], TUNNEL_C);
		outer = tunnel_incoming(TUNNEL_C, 3 * i, &inner, buffer);
		expect_opened_and_dropped(&outer, TUNNEL_C, XDPSEC_DROP_SPOOFED);
		rig_use_hosts(true);
		outer = tunnel_incoming(TUNNEL_C, 3 * i + 1, &inner, buffer);
		expect_decapsulated(&outer, &inner, TUNNEL_C);
		outer = tunnel_incoming(TUNNEL_B, 3 * i, &inner, buffer);
		expect_opened_and_dropped(&outer, TUNNEL_B, XDPSEC_DROP_SPOOFED);
		rig_host_remove(hosts[i]);
		outer = tunnel_incoming(TUNNEL_B, 3 * i + 1, &inner, buffer);
		expect_decapsulated(&outer, &inner, TUNNEL_B);
		rig_use_hosts(false);
	}
}

/* In several buffers: XDP has the first 3.5 KiB of a frame in one. */
static void test_jumbo(void **state)
{
	struct xdpsec_config config = tunnel_config();
	uint64_t sequence = 0;

	(void)state;
	rig_device_mtu(9000);
	config.mtu = 9000 - 80;
	tunnel_configure(&config);
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		size_t headers = tunnel_inner_headers(tunnel_directions[i].host);

		for (size_t total = 3300; total <= 3700; total += 7)
			sequence = expect_length(&tunnel_directions[i], total - headers, sequence);
		for (size_t total = 4096; total <= config.mtu; total += 301)
			sequence = expect_length(&tunnel_directions[i], total - headers, sequence);
		sequence = expect_length(&tunnel_directions[i], config.mtu - headers, sequence);
	}
}

/* Longer than the tunnel device's MTU. */
static void test_larger(void **state)
{
	struct xdpsec_config config = tunnel_config();
	uint64_t sequence = 0;

	(void)state;
	rig_device_mtu(9000);
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		size_t headers = tunnel_inner_headers(tunnel_directions[i].host);

		config.mtu = TUNNEL_DEVICE_MTU;
		tunnel_configure(&config);
		for (size_t total = TUNNEL_DEVICE_MTU + 1; total < TUNNEL_DEVICE_MTU + 40; total++)
			sequence = expect_length(&tunnel_directions[i], total - headers, sequence);
		for (size_t total = TUNNEL_DEVICE_MTU + 40; total < 3 * TUNNEL_DEVICE_MTU; total += 301)
			sequence = expect_length(&tunnel_directions[i], total - headers, sequence);
		config.mtu = 68;
		tunnel_configure(&config);
		sequence = expect_length(&tunnel_directions[i], 1400, sequence);
	}
}

/* Padding behind the packet is in the last of several buffers, or is all that this buffer holds. */
static void test_jumbo_padding(void **state)
{
	struct xdpsec_config config = tunnel_config();
	uint64_t sequence = 0;

	(void)state;
	config.mtu = 9000 - 80;
	tunnel_configure(&config);
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++)
		for (size_t length = 3100; length <= 3700; length += 60)
			for (size_t padding = 1; padding < 6000; padding += 701) {
				struct packet inner = tunnel_inner_from(tunnel_directions[i].host, text,
									length);
				struct packet outer = tunnel_incoming(tunnel_directions[i].peer, sequence++,
								      &inner, buffer);

				outer.padding = padding;
				expect_decapsulated(&outer, &inner, tunnel_directions[i].peer);
			}
}

/* The first buffer holds less than the headers: where the kernel can put them together it is opened,
 * elsewhere the stack gets what it finds no socket for. */
static void test_short_first_buffer(void **state)
{
	static const uint32_t linears[] = { 14, 15, 34, 42, 54, 62, 74, 94, 108, 128, 191, 192, 256 };
	bool pulls = rig_kernel_pulls();
	uint64_t sequence = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++)
		for (size_t j = 0; j < ARRAY_SIZE(linears); j++) {
			struct packet inner = tunnel_inner_from(tunnel_directions[i].host, text, 1000 + j);
			struct packet outer = tunnel_incoming(tunnel_directions[i].peer, sequence++, &inner,
							      buffer);

			outer.linear = linears[j];
			if (pulls || linears[j] >= 192)
				expect_decapsulated(&outer, &inner, tunnel_directions[i].peer);
			else
				expect_packet_untouched(PROGRAM_DECAPSULATE, &outer);
			inner = tunnel_inner_from("198.51.100.77", text, 1000);
			inner.linear = linears[j];
			expect_packet_untouched(PROGRAM_DECAPSULATE, &inner);
		}
}

/* Nobody checks the outer UDP checksum, as the tag is stronger: none, a right and a wrong one. */
static void test_outer_checksum(void **state)
{
	static const int checksums[] = { 0, AUTO, 0x1234 };
	uint64_t sequence = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++)
		for (size_t j = 0; j < ARRAY_SIZE(checksums); j++) {
			struct packet inner = tunnel_inner_from(tunnel_directions[i].host, text, 99);
			struct packet outer = tunnel_incoming(tunnel_directions[i].peer, sequence++, &inner,
							      buffer);

			outer.udp_checksum = checksums[j];
			expect_decapsulated(&outer, &inner, tunnel_directions[i].peer);
		}
}

/* VLAN tags, IPv4 options, IPv6 extension headers, Ethernet's padding: gone with the outer header. */
static void test_outer_headers(void **state)
{
	uint64_t sequence = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		for (unsigned int vlans = 0; vlans <= 2; vlans++)
			for (unsigned int more = 0; more <= 40; more += 8)
				for (size_t padding = 0; padding <= 20; padding += 10) {
					struct packet inner = tunnel_inner_from(tunnel_directions[i].host,
										text, 1 + more);
					struct packet outer = tunnel_incoming(tunnel_directions[i].peer,
									      sequence++, &inner, buffer);

					outer.vlans = vlans;
					outer.padding = padding;
					if (outer.family == 4)
						outer.options = more;
					else if (more)
						packet_extend(&outer, PROTOCOL_DESTINATION, more);
					expect_decapsulated(&outer, &inner, tunnel_directions[i].peer);
				}
	}
}

static void test_inner_headers(void **state)
{
	uint64_t sequence = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		struct packet inner = tunnel_inner_from(tunnel_directions[i].host, text, 80);
		struct packet outer;

		if (inner.family == 4)
			inner.options = 40;
		else
			packet_extend(&inner, PROTOCOL_DESTINATION, 24);
		outer = tunnel_incoming(tunnel_directions[i].peer, sequence++, &inner, buffer);
		expect_decapsulated(&outer, &inner, tunnel_directions[i].peer);
		inner.no_udp = true;
		inner.protocol = 132;
		outer = tunnel_incoming(tunnel_directions[i].peer, sequence++, &inner, buffer);
		expect_decapsulated(&outer, &inner, tunnel_directions[i].peer);
	}
}

/* Packets from any port are taken, to our port and our address alone: a gateway behind us may use the same port. */
static void test_not_ours(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		struct packet inner = tunnel_inner_from(tunnel_directions[i].host, text, 60);
		struct packet outer = tunnel_incoming(tunnel_directions[i].peer, i, &inner, buffer), other;

		other = outer;
		other.destination_port = TUNNEL_PORT + 1;
		expect_packet_untouched(PROGRAM_DECAPSULATE, &other);
		other.destination_port = TUNNEL_PORT - 1;
		expect_packet_untouched(PROGRAM_DECAPSULATE, &other);
		other.source_port = TUNNEL_PORT;
		expect_packet_untouched(PROGRAM_DECAPSULATE, &other);
		other = outer;
		other.destination = other.family == 4 ? "192.0.2.77" : "2001:db8:1::77";
		expect_packet_untouched(PROGRAM_DECAPSULATE, &other);
		other.destination = other.family == 4 ? "198.51.100.200" : "2001:db8:77::1";
		expect_packet_untouched(PROGRAM_DECAPSULATE, &other);
		other = outer;
		other.protocol = PROTOCOL_TCP;
		expect_packet_untouched(PROGRAM_DECAPSULATE, &other);
		other.protocol = 136; /* UDP-Lite */
		expect_packet_untouched(PROGRAM_DECAPSULATE, &other);
		other = outer;
		other.ethertype = 0x88b5; /* RFC 9542: for experiments */
		expect_packet_untouched(PROGRAM_DECAPSULATE, &other);
		expect_decapsulated(&outer, &inner, tunnel_directions[i].peer);
	}
}

/* An address that is not ours is not taken, although one with the same last byte has just been found to be ours. */
static void test_not_ours_remembered(void **state)
{
	struct packet inner = tunnel_inner_from(INNER_B4, text, 60), outer, other;

	(void)state;
	for (uint64_t sequence = 0; sequence < 3; sequence++) {
		outer = tunnel_incoming(TUNNEL_B, sequence, &inner, buffer);
		expect_decapsulated(&outer, &inner, TUNNEL_B);
		other = outer;
		other.destination = "198.51.100.1";
		expect_packet_untouched(PROGRAM_DECAPSULATE, &other);
	}
}

/* A host that forwards nothing: what it is sent is for it. */
static void test_not_a_router(void **state)
{
	(void)state;
	tunnel_shell("echo 0 > /proc/sys/net/ipv4/conf/all/forwarding");
	tunnel_shell("echo 0 > /proc/sys/net/ipv6/conf/all/forwarding");
	rig_destinations_forget();
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		struct packet inner = tunnel_inner_from(tunnel_directions[i].host, text, 60);
		struct packet outer = tunnel_incoming(tunnel_directions[i].peer, i, &inner, buffer);

		expect_decapsulated(&outer, &inner, tunnel_directions[i].peer);
		outer.destination_port++;
		expect_packet_untouched(PROGRAM_DECAPSULATE, &outer);
	}
	tunnel_shell("echo 1 > /proc/sys/net/ipv4/conf/all/forwarding");
	tunnel_shell("echo 1 > /proc/sys/net/ipv6/conf/all/forwarding");
}

/* Addresses come and go; what has been found of one is believed for a second. */
static void test_new_address(void **state)
{
	struct packet inner = tunnel_inner_from(INNER_B4, text, 60);
	struct packet outer = tunnel_incoming(TUNNEL_B, 1, &inner, buffer);

	(void)state;
	outer.destination = "192.0.2.99";
	expect_packet_untouched(PROGRAM_DECAPSULATE, &outer);
	tunnel_shell("ip address add 192.0.2.99/24 dev device");
	expect_decapsulated(&outer, &inner, TUNNEL_B);
	tunnel_shell("ip address del 192.0.2.99/24 dev device");
	rig_destinations_forget();
	expect_packet_untouched(PROGRAM_DECAPSULATE, &outer);
}

/* A peer may send to any address. */
static void test_any_destination(void **state)
{
	static const char *const destinations[] = { "192.0.2.77",   "255.255.255.255", "224.0.0.5",
						    "198.51.100.9", INNER_B4,	       "2001:db8:77::1",
						    "ff02::5",	    INNER_C6 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(destinations); i++) {
		struct packet inner = packet_udp(destinations[i], 53, text, 60), outer;

		inner.source = inner.family == 4 ? INNER_B4 : INNER_B6;
		outer = tunnel_incoming(TUNNEL_B, i, &inner, buffer);
		expect_decapsulated(&outer, &inner, TUNNEL_B);
	}
}

/* Nothing to do but to count it, whatever is in it. */
static void test_keepalive(void **state)
{
	uint64_t sequence = 0;

	(void)state;
	for (int peer = TUNNEL_B; peer <= TUNNEL_C; peer++)
		for (size_t length = 0; length <= 70; length++) {
			struct packet outer = tunnel_arriving(peer, NEXT_NONE, sequence++, text, length,
							      buffer);

			expect_keepalive_consumed(&outer, peer);
			expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_REPLAYED,
					   TUNNEL_RX(peer));
			buffer[outer.length - 1] ^= 1;
			expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_AUTH_FAILED,
					   TUNNEL_RX(peer));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_sizes, tunnel_reset),
		cmocka_unit_test_setup(test_jumbo, tunnel_reset),
		cmocka_unit_test_setup(test_larger, tunnel_reset),
		cmocka_unit_test_setup(test_jumbo_padding, tunnel_reset),
		cmocka_unit_test_setup(test_short_first_buffer, tunnel_reset),
		cmocka_unit_test_setup(test_outer_checksum, tunnel_reset),
		cmocka_unit_test_setup(test_outer_headers, tunnel_reset),
		cmocka_unit_test_setup(test_inner_headers, tunnel_reset),
		cmocka_unit_test_setup(test_not_ours, tunnel_reset),
		cmocka_unit_test_setup(test_not_ours_remembered, tunnel_reset),
		cmocka_unit_test_setup(test_not_a_router, tunnel_reset),
		cmocka_unit_test_setup(test_new_address, tunnel_reset),
		cmocka_unit_test_setup(test_any_destination, tunnel_reset),
		cmocka_unit_test_setup(test_keepalive, tunnel_reset),
		cmocka_unit_test_setup(test_hosts, tunnel_reset),
	};

	fill_pattern(text, sizeof(text), 37);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("decapsulate", tests, tunnel_setup, tunnel_teardown);
}
