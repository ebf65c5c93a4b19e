// SPDX-License-Identifier: GPL-2.0-or-later
/* Receiving ICMP errors by raw sockets, and reading the packet that they quote. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include "base/monotonic.h"
#include "base/prefix.h"
#include "net/icmp.h"

/* The header of an ICMP or ICMPv6 error, in front of the quote. */
#define ICMP_HEADER_LEN 8

/* The ports of a UDP header. */
#define PORTS_LEN 4

int icmp_watch_open(struct icmp_watch *watch)
{
	struct icmp6_filter filter;

	watch->ipv4 = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMP);
	watch->ipv6 = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);
	if (watch->ipv4 < 0 && watch->ipv6 < 0)
		return -errno;
	/* Neighbour discovery would fill the buffer. */
	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ICMP6_DST_UNREACH, &filter);
	ICMP6_FILTER_SETPASS(ICMP6_PACKET_TOO_BIG, &filter);
	ICMP6_FILTER_SETPASS(ICMP6_TIME_EXCEEDED, &filter);
	if (watch->ipv6 >= 0)
		setsockopt(watch->ipv6, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter));
	return 0;
}

static void close_watch(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void icmp_watch_close(struct icmp_watch *watch)
{
	close_watch(&watch->ipv4);
	close_watch(&watch->ipv6);
}

/* RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1. */
static bool meaning_of_ipv4(__u8 type, __u8 code, enum icmp_meaning *meaning)
{
	if (type == ICMP_TIME_EXCEEDED)
		*meaning = ICMP_EXPIRED;
	else if (type != ICMP_DEST_UNREACH)
		return false;
	else if (code == ICMP_PORT_UNREACH)
		*meaning = ICMP_REFUSED;
	else if (code == ICMP_FRAG_NEEDED)
		*meaning = ICMP_TOO_LARGE;
	else if (code == ICMP_NET_ANO || code == ICMP_HOST_ANO || code == ICMP_PKT_FILTERED)
		*meaning = ICMP_PROHIBITED;
	else
		*meaning = ICMP_UNREACHABLE;
	return true;
}

/* RFC 4443 section 3. */
static bool meaning_of_ipv6(__u8 type, __u8 code, enum icmp_meaning *meaning)
{
	if (type == ICMP6_TIME_EXCEEDED)
		*meaning = ICMP_EXPIRED;
	else if (type == ICMP6_PACKET_TOO_BIG)
		*meaning = ICMP_TOO_LARGE;
	else if (type != ICMP6_DST_UNREACH)
		return false;
	else if (code == ICMP6_DST_UNREACH_NOPORT)
		*meaning = ICMP_REFUSED;
	else if (code == ICMP6_DST_UNREACH_ADMIN || code == 5 || code == 6)
		*meaning = ICMP_PROHIBITED;
	else
		*meaning = ICMP_UNREACHABLE;
	return true;
}

static void take_ports(struct icmp_message *error, const unsigned char *udp)
{
	error->source_port = (__u16)(udp[0] << 8 | udp[1]);
	error->port = (__u16)(udp[2] << 8 | udp[3]);
}

/* Raw sockets of IPv4 also receive the IP header. */
static bool parse_ipv4(const unsigned char *bytes, size_t n, struct icmp_message *error)
{
	struct iphdr outer, quoted;
	size_t at, udp;

	if (n < sizeof(outer))
		return false;
	memcpy(&outer, bytes, sizeof(outer));
	at = outer.ihl * 4U;
	if (n < at + ICMP_HEADER_LEN + sizeof(quoted) ||
	    !meaning_of_ipv4(bytes[at], bytes[at + 1], &error->meaning))
		return false;
	memcpy(&quoted, bytes + at + ICMP_HEADER_LEN, sizeof(quoted));
	udp = at + ICMP_HEADER_LEN + quoted.ihl * 4U;
	if (quoted.protocol != IPPROTO_UDP || n < udp + PORTS_LEN)
		return false;
	address_map_ipv4(error->from, &outer.saddr);
	address_map_ipv4(error->destination, &quoted.daddr);
	take_ports(error, bytes + udp);
	return true;
}

static bool parse_ipv6(const unsigned char *bytes, size_t n, struct icmp_message *error)
{
	struct ip6_hdr quoted;
	size_t udp = ICMP_HEADER_LEN + sizeof(quoted);

	if (n < udp + PORTS_LEN || !meaning_of_ipv6(bytes[0], bytes[1], &error->meaning))
		return false;
	memcpy(&quoted, bytes + ICMP_HEADER_LEN, sizeof(quoted));
	if (quoted.ip6_nxt != IPPROTO_UDP)
		return false;
	memcpy(error->destination, &quoted.ip6_dst, sizeof(error->destination));
	take_ports(error, bytes + udp);
	return true;
}

static bool receive(int fd, bool ipv6, struct icmp_message *error)
{
	struct sockaddr_in6 from = {};
	socklen_t length = sizeof(from);
	unsigned char bytes[1500];
	ssize_t got;

	while ((got = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &length)) >= 0) {
		if (ipv6 ? parse_ipv6(bytes, (size_t)got, error) : parse_ipv4(bytes, (size_t)got, error)) {
			if (ipv6)
				memcpy(error->from, &from.sin6_addr, sizeof(error->from));
			return true;
		}
		length = sizeof(from);
	}
	return false;
}

bool icmp_watch_next(const struct icmp_watch *watch, int patience_ms, struct icmp_message *error)
{
	struct pollfd ready[2] = { { .fd = watch->ipv4, .events = POLLIN },
				   { .fd = watch->ipv6, .events = POLLIN } };
	long long until = monotonic_ms() + patience_ms, left = patience_ms;

	do {
		if (watch->ipv4 >= 0 && receive(watch->ipv4, false, error))
			return true;
		if (watch->ipv6 >= 0 && receive(watch->ipv6, true, error))
			return true;
		if (left > 0 && poll(ready, 2, (int)left) < 0 && errno != EINTR)
			return false;
		left = until - monotonic_ms();
	} while (left > 0);
	return false;
}

const char *icmp_meaning_text(enum icmp_meaning meaning)
{
	static const char *const texts[] = {
		[ICMP_REFUSED] = "port unreachable",	 [ICMP_PROHIBITED] = "prohibited",
		[ICMP_UNREACHABLE] = "host unreachable", [ICMP_TOO_LARGE] = "packet too big",
		[ICMP_EXPIRED] = "time exceeded",
	};

	return texts[meaning];
}
