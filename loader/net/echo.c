// SPDX-License-Identifier: GPL-2.0-or-later
/* Sending ICMP echo requests, and matching what comes back. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/monotonic.h"
#include "base/prefix.h"
#include "net/echo.h"
#include "xdpsec/wire.h"

#define TRIES 3
#define PATIENCE_FIRST 1000
#define PATIENCE_LEAST 200

/* An echo request or reply has the same form in ICMP and in ICMPv6. */
struct echo_packet {
	unsigned char type, code;
	unsigned short checksum, id, sequence;
	unsigned char data[XDPSEC_PAYLOAD_MAX];
};

#define HEADER_LEN 8

static int set_socket_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* Never fragment, and ignore the known path MTU. An ICMP error ends the waiting. */
static int set_options(const struct echo *echo, const struct echo_way *way)
{
	int err = 0;

	if (way->device && setsockopt(echo->fd, SOL_SOCKET, SO_BINDTODEVICE, way->device,
				      (socklen_t)strlen(way->device) + 1) < 0)
		err = -errno;
	if (!err && way->mark)
		err = set_socket_option(echo->fd, SOL_SOCKET, SO_MARK, (int)way->mark);
	if (err)
		return err;
	if (echo->ipv4) {
		err = set_socket_option(echo->fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
		return err ?: set_socket_option(echo->fd, IPPROTO_IP, IP_RECVERR, 1);
	}
	err = set_socket_option(echo->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
	if (!err)
		err = set_socket_option(echo->fd, IPPROTO_IPV6, IPV6_DONTFRAG, 1);
	return err ?: set_socket_option(echo->fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
}

/* Bind the socket to its own address, or connect it to the other one. */
static int set_echo_address(const struct echo *echo, const unsigned char address[16], bool own)
{
	struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in ipv4 = { .sin_family = AF_INET };
	const struct sockaddr *any = echo->ipv4 ? (const struct sockaddr *)&ipv4
						: (const struct sockaddr *)&ipv6;
	socklen_t length = echo->ipv4 ? sizeof(ipv4) : sizeof(ipv6);

	memcpy(&ipv6.sin6_addr, address, 16);
	memcpy(&ipv4.sin_addr, address + 12, 4);
	return (own ? bind(echo->fd, any, length) : connect(echo->fd, any, length)) < 0 ? -errno : 0;
}

int echo_open(struct echo *echo, const unsigned char address[16], const struct echo_way *way)
{
	int err;

	memset(echo, 0, sizeof(*echo));
	echo->patience = PATIENCE_FIRST;
	echo->ipv4 = address_is_ipv4(address);
	if (getrandom(&echo->id, sizeof(echo->id), 0) != sizeof(echo->id))
		echo->id = (unsigned short)getpid();
	echo->fd = echo->ipv4 ? socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP)
			      : socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	if (echo->fd < 0)
		return -errno;
	err = set_options(echo, way);
	if (!err && way->source)
		err = set_echo_address(echo, way->source, true);
	if (!err)
		err = set_echo_address(echo, address, false);
	if (err)
		echo_close(echo);
	return err;
}

void echo_close(struct echo *echo)
{
	if (echo->fd >= 0)
		close(echo->fd);
	echo->fd = -1;
}

/* RFC 1071. For ICMPv6 the kernel computes it. */
static unsigned short checksum(const void *data, size_t size)
{
	const unsigned char *bytes = data;
	unsigned int sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += (unsigned int)bytes[i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((unsigned short)~sum);
}

static bool is_answer(const struct echo *echo, const unsigned char *reply, ssize_t length)
{
	/* IPv4 raw sockets also receive the IP header. */
	size_t skip = echo->ipv4 && length > 0 ? (reply[0] & 15) * 4U : 0;
	struct echo_packet packet;

	if (length < (ssize_t)(skip + HEADER_LEN))
		return false;
	memcpy(&packet, reply + skip, HEADER_LEN);
	return packet.type == (echo->ipv4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) && packet.id == echo->id &&
	       packet.sequence == htons(echo->sequence);
}

/* 1: answered; 0: timeout, or an error says that the packet was too big. */
static int wait_for_answer(const struct echo *echo, long long until)
{
	unsigned char reply[256];
	struct pollfd ready = { .fd = echo->fd, .events = POLLIN };
	long long left;
	ssize_t got;

	while ((left = until - monotonic_ms()) > 0) {
		if (poll(&ready, 1, (int)left) < 0 && errno != EINTR)
			return -errno;
		got = recv(echo->fd, reply, sizeof(reply), MSG_DONTWAIT);
		if (got < 0 && errno == EMSGSIZE)
			return 0;
		/* Another error: the next recv() reports it again unless it is removed from the error
		 * queue. */
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			recv(echo->fd, reply, sizeof(reply), MSG_DONTWAIT | MSG_ERRQUEUE);
		if (is_answer(echo, reply, got))
			return 1;
	}
	return 0;
}

static int try_once(struct echo *echo, struct echo_packet *packet, size_t size)
{
	long long begin = monotonic_ms(), took;
	int result;

	packet->type = echo->ipv4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
	packet->id = echo->id;
	packet->sequence = htons(++echo->sequence);
	packet->checksum = 0;
	if (echo->ipv4)
		packet->checksum = checksum(packet, size);
	if (send(echo->fd, packet, size, 0) < 0) {
		/* The error of an earlier packet. */
		if (errno == EMSGSIZE || errno == EHOSTUNREACH || errno == ENETUNREACH)
			return 0;
		return -errno;
	}
	result = wait_for_answer(echo, begin + echo->patience);
	took = monotonic_ms() - begin;
	/* The next packet takes the same path, so it needs no longer. */
	if (result > 0 && 8 * took < echo->patience)
		echo->patience = 8 * took < PATIENCE_LEAST ? PATIENCE_LEAST : (int)(8 * took);
	return result;
}

int echo_try(struct echo *echo, unsigned int size)
{
	struct echo_packet *packet = calloc(1, sizeof(*packet));
	int result = 0;

	if (!packet)
		return -ENOMEM;
	for (int i = 0; i < TRIES && !result; i++)
		result = try_once(echo, packet, size - (echo->ipv4 ? 20 : 40));
	free(packet);
	return result;
}
