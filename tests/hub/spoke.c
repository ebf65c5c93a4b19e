// SPDX-License-Identifier: GPL-2.0-or-later
/* A simulated spoke: its address and key, and what it sends and takes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>

#include "config/key32.h"
#include "oracle.h"
#include "spoke.h"
#include "unit.h"

enum { IPV4_LEN = 20, ECHO_LEN = 64 /* with the IPv4 header */ };

static int64_t realtime(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return time.tv_sec * (int64_t)NS_PER_SECOND + time.tv_nsec;
}

struct agreement_address spoke_address(unsigned int number)
{
	static const uint8_t ipv4[16] = { [10] = 0xff, 0xff, 198, 18 };
	static const uint8_t ipv6[16] = { 0x20, 0x01, 0x0d, 0xb8, 0x01, [15] = 1 };
	struct agreement_address address = { .port = SPOKE_PORT };
	unsigned int low = number % 2 ? 6 : 14;

	memcpy(address.address, number % 2 ? ipv6 : ipv4, sizeof(address.address));
	address.address[low] = (uint8_t)(number >> 8);
	address.address[low + 1] = (uint8_t)number;
	return address;
}

int spoke_number(const uint8_t address[16])
{
	unsigned int low = address[0] == 0x20 ? 6 : 14;
	unsigned int number = (unsigned int)address[low] << 8 | address[low + 1];
	struct agreement_address expected = spoke_address(number);

	return memcmp(expected.address, address, 16) ? -1 : (int)number;
}

void spoke_init(struct spoke *spoke, unsigned int number, const uint64_t *now)
{
	end_init(&spoke->end, 1000 + number, 1, NULL, now);
	spoke->number = number;
	spoke->end.address = spoke_address(number);
	spoke->end.realtime = realtime() - (int64_t)*now;
	/* As for a process of its own. */
	if (getentropy(&spoke->end.random, sizeof(spoke->end.random)))
		abort();
}

void spoke_print_config(const struct spoke *spoke)
{
	const uint8_t *at = spoke->end.address.address;
	char key[KEY32_TEXT + 1], address[INET6_ADDRSTRLEN];
	bool ipv6 = spoke_is_ipv6(spoke->number);

	inet_ntop(ipv6 ? AF_INET6 : AF_INET, ipv6 ? at : at + 12, address, sizeof(address));
	key32_encode(spoke->end.public_key, key);
	printf("\n[Peer]\nName = spoke-%u\nPublicKey = %s\nEndpoint = %s%s%s:%d\n", spoke->number, key,
	       ipv6 ? "[" : "", address, ipv6 ? "]" : "", SPOKE_PORT);
	printf("AllowedIPs = 198.19.%u.%u/32\n", spoke->number >> 8, spoke->number & 255);
}

/* A message that cannot be sent is lost, as on any network. */
static void send_bytes(struct spoke *spoke, int socket, const struct agreement_address *to, const void *bytes,
		       size_t n)
{
	struct agreement_path path = { .remote = *to, .local = spoke->end.address };

	if (socket_send(socket, &path, bytes, n))
		spoke->unsendable++;
}

void spoke_send(struct spoke *spoke, int socket)
{
	struct end_message message;

	while (end_take(&spoke->end, &message))
		send_bytes(spoke, socket, &message.path.remote, message.bytes, message.n);
}

static uint16_t checksum(const uint8_t *bytes, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void make_echo(uint8_t packet[ECHO_LEN], unsigned int number, const struct in_addr *to)
{
	const uint8_t header[IPV4_LEN] = { 0x45, [3] = ECHO_LEN,	 [8] = 64,	 1, [12] = 198,
					   19,	 (uint8_t)(number >> 8), (uint8_t)number };
	uint16_t sum;

	memset(packet, 0, ECHO_LEN);
	memcpy(packet, header, sizeof(header));
	memcpy(packet + 16, to, 4);
	sum = checksum(packet, IPV4_LEN);
	memcpy(packet + 10, &sum, 2);
	packet[IPV4_LEN] = 8;
	sum = checksum(packet + IPV4_LEN, ECHO_LEN - IPV4_LEN);
	memcpy(packet + IPV4_LEN + 2, &sum, 2);
}

static size_t key_length(const struct plane_slot *slot)
{
	return slot->sa.record.suite == SUITE_AES_256_OCB ? 32 : 16;
}

void spoke_ping(struct spoke *spoke, int socket, const struct agreement_address *hub,
		const struct in_addr *to)
{
	const struct plane_slot *seals = plane_seals(&spoke->end.plane, 0);
	uint8_t packet[ECHO_LEN], sealed[XDPSEC_OVERHEAD + ECHO_LEN];
	struct oracle *oracle;
	size_t n;

	spoke->answered = false;
	if (!seals)
		return;
	if (spoke->sealing != seals->sa.spi) {
		spoke->sealing = seals->sa.spi;
		spoke->sequence = 0;
	}
	make_echo(packet, spoke->number, to);
	oracle = oracle_new(spoke->end.keys[seals->sa.slot], key_length(seals));
	n = oracle_seal(oracle, seals->sa.spi, XDPSEC_NEXT_IPV4, spoke->sequence++, NULL, packet,
			sizeof(packet), sealed);
	oracle_free(oracle);
	send_bytes(spoke, socket, hub, sealed, n);
}

bool spoke_take_sealed(struct spoke *spoke, const uint8_t *bytes, size_t n)
{
	uint8_t plain[SOCKET_DATAGRAM_MAX];
	uint32_t spi;

	memcpy(&spi, bytes, sizeof(spi));
	for (uint32_t k = SLOTS_SEAL; k < SLOTS_PEER; k++) {
		struct plane_slot *slot = &spoke->end.plane.slots[k];
		struct oracle *oracle;
		bool right;

		if (!slot->linked || slot->sa.spi != ntohl(spi))
			continue;
		oracle = oracle_new(spoke->end.keys[k], key_length(slot));
		right = oracle_open(oracle, NULL, bytes, n, plain);
		oracle_free(oracle);
		if (!right)
			break;
		agreement_first(spoke->end.agreement, k, slot->sa.spi, slot->id, *spoke->end.now);
		if (n == XDPSEC_OVERHEAD + ECHO_LEN && plain[9] == 1 && plain[IPV4_LEN] == 0)
			spoke->answered = true;
		return true;
	}
	return false;
}
