// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tunnel mode: what comes to the tunnel's port and is not the tunnel's. Another's packets pass, as a socket
 * or NAT may have the port: those that neither look sealed, nor have an SPI of ours, nor come from where a
 * peer is.
 */
#include <arpa/inet.h>

#include "unit.h"
#include "expect.h"
#include "tunnel.h"

enum {
	FORMER_PORT = 4500,
	LOOKS = 1000, /* a second, on each CPU: xdp/foreign.bpf.h */
	UNKNOWN_SPI = 0x77777777,
};

static uint8_t text[200], buffer[FRAME_MAX];

static const char *const foreign[] = { "203.0.113.9", "2001:db8:99::9" };
static const int at[] = { TUNNEL_B, TUNNEL_C }; /* peers, of the same families */

static struct packet from(const char *source, const void *payload, size_t length)
{
	struct packet packet = packet_reversed(packet_udp(source, TUNNEL_PORT, payload, length));

	packet.destination_port = TUNNEL_PORT;
	packet.ingress = rig.device;
	return packet;
}

/* As it lies in front of a payload, with the tag behind it. */
static void write_header(uint32_t spi, uint8_t next_header, uint8_t version, uint16_t reserved)
{
	memcpy(buffer, text, sizeof(text));
	write32(buffer, spi);
	buffer[4] = next_header;
	buffer[5] = version;
	write16(buffer + 6, reserved);
}

static void test_passes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		/* IKE, with its non-ESP marker; ESP; a keepalive of NAT, of one byte (RFC 3948). */
		static const uint32_t spis[] = { 0, 0xc0ffee11 };
		struct packet packet;

		for (size_t j = 0; j < ARRAY_SIZE(spis); j++)
			for (size_t length = 0; length <= sizeof(text); length += 7) {
				write_header(spis[j], 0, 0, 5);
				packet = from(foreign[i], buffer, length);
				expect_packet_untouched(PROGRAM_DECAPSULATE, &packet);
				packet.source_port = 4500;
				packet.vlans = 1;
				expect_packet_untouched(PROGRAM_DECAPSULATE, &packet);
			}
		packet = from(foreign[i], "\xff", 1);
		expect_packet_untouched(PROGRAM_DECAPSULATE, &packet);
		/* A message in fragments; lengths that lie are the stack's matter, too. */
		packet = from(foreign[i], text, sizeof(text));
		if (packet.family == 6)
			packet_extend(&packet, PROTOCOL_FRAGMENT, 8);
		packet.fragment = packet.family == 6 ? IPV6_MORE_FRAGMENTS : IPV4_MORE_FRAGMENTS;
		expect_packet_untouched(PROGRAM_DECAPSULATE, &packet);
		packet = from(foreign[i], text, sizeof(text));
		packet.udp_length = 100;
		expect_packet_untouched(PROGRAM_DECAPSULATE, &packet);
	}
}

/* Packets of our format, for nobody here. */
static void test_looks_sealed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
		for (int next_header = 0; next_header < 256; next_header++) {
			struct packet packet = from(foreign[i], buffer, 80);

			write_header(UNKNOWN_SPI, next_header, 1, 0);
			if (next_header == 4 || next_header == 17 || next_header == 41 || next_header == 59)
				expect_packet_drop(PROGRAM_DECAPSULATE, &packet, XDPSEC_DROP_UNKNOWN_SPI,
						   SLOT_NONE);
			else
				expect_packet_untouched(PROGRAM_DECAPSULATE, &packet);
			write_header(UNKNOWN_SPI, next_header, 2, 0);
			expect_packet_untouched(PROGRAM_DECAPSULATE, &packet);
			write_header(UNKNOWN_SPI, next_header, 1, 1);
			expect_packet_untouched(PROGRAM_DECAPSULATE, &packet);
		}
}

/* Packets with an SPI of ours, of any shape, are dropped. */
static void test_our_spi(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		struct packet packet = from(foreign[i], buffer, 80);
		int slot = TUNNEL_RX(at[i]);

		write_header(tunnel_sas[slot].spi, 4, 2, 0);
		expect_packet_drop(PROGRAM_DECAPSULATE, &packet, XDPSEC_DROP_MALFORMED, slot);
		write_header(tunnel_sas[slot].spi, 4, 1, 0);
		expect_packet_drop(PROGRAM_DECAPSULATE, &packet, XDPSEC_DROP_AUTH_FAILED, slot);
		write_header(tunnel_sas[slot].spi, 4, 2, 0);
		if (packet.family == 6)
			packet_extend(&packet, PROTOCOL_FRAGMENT, 8);
		packet.fragment = packet.family == 6 ? IPV6_MORE_FRAGMENTS : IPV4_MORE_FRAGMENTS;
		expect_packet_drop(PROGRAM_DECAPSULATE, &packet, XDPSEC_DROP_FRAGMENT, SLOT_NONE);
	}
}

/* Packets from a peer's address, from any port, are dropped and counted: something is wrong there. */
static void test_from_peer(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		struct packet packet = from(tunnel_peers[at[i]].endpoint, text, 80);

		expect_packet_drop(PROGRAM_DECAPSULATE, &packet, XDPSEC_DROP_PLAINTEXT, SLOT_NONE);
		packet.source_port = 1;
		expect_packet_drop(PROGRAM_DECAPSULATE, &packet, XDPSEC_DROP_PLAINTEXT, SLOT_NONE);
		packet.length = 1;
		expect_packet_drop(PROGRAM_DECAPSULATE, &packet, XDPSEC_DROP_PLAINTEXT, SLOT_NONE);
		packet.length = 80;
		packet.udp_length = 60;
		expect_packet_drop(PROGRAM_DECAPSULATE, &packet, XDPSEC_DROP_MALFORMED, SLOT_NONE);
	}
}

/* The peer's current location counts, not an earlier one. A search result for an address is valid for a
 * second at most. */
static void test_moved(void **state)
{
	struct xdpsec_endpoint endpoint = tunnel_endpoint(TUNNEL_B);
	struct packet packet = from(foreign[0], text, 80), was = from(ENDPOINT_B4, text, 80);

	(void)state;
	expect_packet_untouched(PROGRAM_DECAPSULATE, &packet);
	endpoint.at[1] = tunnel_location(foreign[0], 1234);
	endpoint.current = 1;
	tunnel_set_endpoint(TUNNEL_B, &endpoint);
	expect_packet_untouched(PROGRAM_DECAPSULATE, &packet);
	rig_foreign_forget();
	expect_packet_drop(PROGRAM_DECAPSULATE, &packet, XDPSEC_DROP_PLAINTEXT, SLOT_NONE);
	expect_packet_untouched(PROGRAM_DECAPSULATE, &was);
}

/* As many peers as the configuration says, and none that is not known. */
static void test_peers(void **state)
{
	struct xdpsec_config config = tunnel_config();
	struct packet packet = from(ENDPOINT_C6, text, 80), none = from("::", text, 80);

	(void)state;
	expect_packet_untouched(PROGRAM_DECAPSULATE, &none);
	config.peers = TUNNEL_C;
	tunnel_configure(&config);
	expect_packet_untouched(PROGRAM_DECAPSULATE, &packet);
	rig_foreign_forget();
	config.peers = XDPSEC_MAX_PEERS;
	tunnel_configure(&config);
	expect_packet_drop(PROGRAM_DECAPSULATE, &packet, XDPSEC_DROP_PLAINTEXT, SLOT_NONE);
}

/* So many addresses at once that peers are no longer looked for: they pass, as to any other port. */
static void test_flood(void **state)
{
	struct packet peers = from(ENDPOINT_B4, text, 80);
	static struct frame frame, out;
	bool passed = false;

	(void)state;
	/* The second may end in between: once more then. */
	for (int attempt = 0; attempt < 3 && !passed; attempt++) {
		rig_foreign_forget();
		for (int i = 0; i < LOOKS; i++) {
			char source[INET_ADDRSTRLEN];
			struct packet packet;

			snprintf(source, sizeof(source), "198.18.%d.%d", i / 250, i % 250);
			packet = from(source, text, 80);
			packet_build(&frame, &packet);
			assert_int_equal(rig_run(PROGRAM_DECAPSULATE, &frame, &out), XDP_PASS);
		}
		packet_build(&frame, &peers);
		passed = rig_run(PROGRAM_DECAPSULATE, &frame, &out) == XDP_PASS;
	}
	assert_true(passed);
	rig_foreign_forget();
	expect_packet_drop(PROGRAM_DECAPSULATE, &peers, XDPSEC_DROP_PLAINTEXT, SLOT_NONE);
}

/* The port of earlier versions: what can be opened is, and nothing else is touched. */
static void test_former_port(void **state)
{
	struct xdpsec_config config = tunnel_config();

	(void)state;
	/* With SourcePort = listen the peer would be answered from that port from here on (source_test.c). */
	config.flow_ports = 1;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		struct packet inner = tunnel_inner_from(tunnel_directions[i].host, text, 60), outer, other;
		int peer = tunnel_directions[i].peer;

		config.former_port = 0;
		tunnel_configure(&config);
		outer = tunnel_incoming(peer, i, &inner, buffer);
		outer.destination_port = FORMER_PORT;
		expect_packet_untouched(PROGRAM_DECAPSULATE, &outer);
		config.former_port = FORMER_PORT;
		tunnel_configure(&config);
		expect_decapsulated(&outer, &inner, peer);
		expect_packet_drop(PROGRAM_DECAPSULATE, &outer, XDPSEC_DROP_REPLAYED, TUNNEL_RX(peer));
		other = outer;
		other.destination_port++;
		expect_packet_untouched(PROGRAM_DECAPSULATE, &other);
		other = outer;
		other.destination = strchr(outer.destination, ':') ? "2001:db8:77::1" : "198.51.100.1";
		expect_packet_untouched(PROGRAM_DECAPSULATE, &other);
		other = outer;
		other.payload = text;
		expect_packet_untouched(PROGRAM_DECAPSULATE, &other);
		write32(buffer, UNKNOWN_SPI);
		expect_packet_untouched(PROGRAM_DECAPSULATE, &outer);
	}
}

static int reset(void **state)
{
	rig_foreign_forget();
	return tunnel_reset(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_passes, reset),  cmocka_unit_test_setup(test_looks_sealed, reset),
		cmocka_unit_test_setup(test_our_spi, reset), cmocka_unit_test_setup(test_from_peer, reset),
		cmocka_unit_test_setup(test_moved, reset),   cmocka_unit_test_setup(test_peers, reset),
		cmocka_unit_test_setup(test_flood, reset),   cmocka_unit_test_setup(test_former_port, reset),
	};

	fill_pattern(text, sizeof(text), 67);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("foreign", tests, tunnel_setup, tunnel_teardown);
}
