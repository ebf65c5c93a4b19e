// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A flood of forged Initiations, as fast as wanted: from random sources, IPv4 and IPv6 in turn, with a right MAC1, which
 * whoever knows the hub's public key can make; the rest is random. Whole frames, handed to a device.
 *
 *	flood DEVICE MAC PUBLIC-KEY HUB4 HUB6 RATE SECONDS
 *
 * Prints {"sent": N, "seconds": S} at the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <linux/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "agreement/cookie.h"
#include "agreement/message.h"
#include "config/key32.h"
#include "xdpsec/wire.h"

enum {
	PORT = 7253,
	FRAMES = 65536, /* different ones, sent again and again */
	BATCH = 64,
	FRAME_MAX = ETH_HLEN + sizeof(struct ip6_hdr) + sizeof(struct udphdr) + INITIATION_LEN,
};

struct frame {
	uint8_t bytes[FRAME_MAX];
	size_t n;
};

static struct frame frames[FRAMES];
static struct mac_keys hub_keys;
static struct ether_addr hub_mac;
static struct in_addr hub4;
static struct in6_addr hub6;

static void die(const char *what)
{
	fprintf(stderr, "flood: %s\n", what);
	exit(2);
}

static void fill_random(void *bytes, size_t n)
{
	if (getrandom(bytes, n, 0) != (ssize_t)n)
		die("no random numbers");
}

static uint32_t add(uint32_t sum, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)at[i] << 8 | at[i + 1];
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum ?: 0xffff);
}

static void make_message(uint8_t message[INITIATION_LEN])
{
	uint32_t session;

	fill_random(message, INITIATION_LEN);
	memcpy(&session, message + 8, sizeof(session));
	message_write_header(message, MESSAGE_INITIATION, session | XDPSEC_SPI_MIN);
	if (mac1_write(message, INITIATION_MAC1, &hub_keys))
		die("no MAC1");
	memset(message + INITIATION_MAC2, 0, MAC_LEN);
}

/* Sources are of 198.18.0.0/15 above the spokes, and any /64 of 2001:db8:8000::/33, which nobody is at. */
static void make_frame(struct frame *frame, bool ipv4)
{
	struct ether_header *ethernet = (void *)frame->bytes;
	uint8_t *network = frame->bytes + ETH_HLEN;
	uint8_t *transport = network + (ipv4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr));
	struct udphdr udp = { .source = htons(PORT), .dest = htons(PORT) };
	uint16_t length = sizeof(udp) + INITIATION_LEN;
	uint32_t sum = IPPROTO_UDP + length;

	*ethernet = (struct ether_header){ .ether_type = htons(ipv4 ? ETHERTYPE_IP : ETHERTYPE_IPV6) };
	memcpy(ethernet->ether_dhost, &hub_mac, ETH_ALEN);
	ethernet->ether_shost[0] = 2;
	udp.len = htons(length);
	make_message(transport + sizeof(udp));
	if (ipv4) {
		struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP };

		fill_random(&ip.saddr, sizeof(ip.saddr));
		ip.saddr = htonl(0xc6138000 | (ntohl(ip.saddr) & 0x7fff));
		ip.daddr = hub4.s_addr;
		ip.tot_len = htons(sizeof(ip) + length);
		ip.check = fold(add(0, &ip, sizeof(ip)));
		memcpy(network, &ip, sizeof(ip));
		sum = add(add(sum, &ip.saddr, 4), &ip.daddr, 4);
	} else {
		struct ip6_hdr ip = { .ip6_hops = 64, .ip6_nxt = IPPROTO_UDP, .ip6_plen = htons(length) };

		ip.ip6_vfc = 0x60;
		fill_random(&ip.ip6_src, sizeof(ip.ip6_src));
		memcpy(&ip.ip6_src, "\x20\x01\x0d\xb8", 4);
		ip.ip6_src.s6_addr[4] |= 0x80;
		ip.ip6_dst = hub6;
		memcpy(network, &ip, sizeof(ip));
		sum = add(add(sum, &ip.ip6_src, 16), &ip.ip6_dst, 16);
	}
	memcpy(transport, &udp, sizeof(udp));
	udp.check = fold(add(sum, transport, length));
	memcpy(transport, &udp, sizeof(udp));
	frame->n = (size_t)(transport - frame->bytes) + length;
}

static int open_device(const char *name)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name) };
	int one = 1, fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd < 0 || !address.sll_ifindex || bind(fd, (void *)&address, sizeof(address)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)))
		die("cannot open the device");
	return fd;
}

static double seconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* As many as fit into a batch, from the frame with this number on. The number sent. */
static int send_some(int fd, unsigned long first, unsigned long n)
{
	struct mmsghdr messages[BATCH] = {};
	struct iovec parts[BATCH];

	for (unsigned long i = 0; i < BATCH && i < n; i++) {
		struct frame *frame = &frames[(first + i) % FRAMES];

		parts[i] = (struct iovec){ frame->bytes, frame->n };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
	}
	return sendmmsg(fd, messages, n < BATCH ? (unsigned int)n : BATCH, 0);
}

/* Bursts are of a batch at most, unless the machine was late. */
static unsigned long flood(int fd, double rate, double limit)
{
	double start = seconds(), elapsed;
	unsigned long sent = 0, due;

	while ((elapsed = seconds() - start) < limit) {
		due = (unsigned long)(elapsed * rate);
		if (due <= sent) {
			nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
			continue;
		}
		int n = send_some(fd, sent, due - sent);

		if (n > 0)
			sent += (unsigned long)n;
	}
	return sent;
}

int main(int argc, char **argv)
{
	struct public_key public_key;
	unsigned long sent;
	double start;
	int fd;

	if (argc != 8 || !ether_aton_r(argv[2], &hub_mac) || key32_decode(argv[3], public_key.bytes) ||
	    inet_pton(AF_INET, argv[4], &hub4) != 1 || inet_pton(AF_INET6, argv[5], &hub6) != 1)
		die("DEVICE MAC PUBLIC-KEY HUB4 HUB6 RATE SECONDS");
	if (primitive_setup() || mac_keys_make(&hub_keys, &public_key))
		die("no keys");
	for (unsigned int i = 0; i < FRAMES; i++)
		make_frame(&frames[i], i % 2);
	fd = open_device(argv[1]);
	start = seconds();
	sent = flood(fd, atof(argv[6]), atof(argv[7]));
	printf("{\"sent\":%lu,\"seconds\":%.3f}\n", sent, seconds() - start);
	return 0;
}
