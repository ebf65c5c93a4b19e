// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opening, receiving and sending. It is one socket, because in inline mode one socket's packets may leave in clear: of
 * IPv6, which takes IPv4 as mapped addresses; of IPv4 alone where the kernel has no IPv6.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "agent/socket.h"
#include "base/cleanup.h"
#include "base/message.h"
#include "base/prefix.h"
#include "net/port_holder.h"
#include "plane/self.h"

/* A thousand peers may ask within the time that the agent is not scheduled. */
#define RECEIVE_BUFFER (4 << 20)

/* Control packets have the class of routing protocols (RFC 4594 section 3.2). */
#define TOS_CS6 0xc0

union any_address {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
};

static bool is_link_local(const uint8_t address[16])
{
	return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

static bool is_zero(const uint8_t address[16])
{
	static const uint8_t zero[16];

	return memcmp(address, zero, sizeof(zero)) == 0;
}

static int set_one(int fd, int level, int option, int value, const char *what)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)) == 0)
		return 0;
	return fail(errno, "the agent's socket: %s: %s", what, strerror(errno));
}

static int set_both(int fd, int family, int option, int option6, int value, const char *what)
{
	int err = set_one(fd, IPPROTO_IP, option, value, what);

	return err || family == AF_INET ? err : set_one(fd, IPPROTO_IPV6, option6, value, what);
}

static int configure(int fd, int family, const struct socket_settings *settings)
{
	char vrf[IF_NAMESIZE];
	int err = 0;

	if (family == AF_INET6)
		err = set_one(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0, "IPV6_V6ONLY");
	if (!err)
		err = set_both(fd, family, IP_PKTINFO, IPV6_RECVPKTINFO, 1, "IP_PKTINFO");
	if (!err)
		err = set_both(fd, family, IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, IP_PMTUDISC_DO,
			       "IP_MTU_DISCOVER");
	if (!err)
		err = set_both(fd, family, IP_TOS, IPV6_TCLASS, TOS_CS6, "IP_TOS");
	/* `status` lacks a number where the option is unknown. */
	setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &(int){ 1 }, sizeof(int));
	if (!err && settings->mark)
		err = set_one(fd, SOL_SOCKET, SO_MARK, (int)settings->mark, "SO_MARK");
	/* Beyond the limit with CAP_NET_ADMIN only; a smaller buffer works as well. */
	if (!err && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &(int){ RECEIVE_BUFFER }, sizeof(int)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){ RECEIVE_BUFFER }, sizeof(int));
	if (err || !settings->vrf)
		return err;
	if (!if_indextoname(settings->vrf, vrf) ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, vrf, (socklen_t)strlen(vrf) + 1))
		return fail(errno, "the agent's socket: cannot bind it to the VRF %u: %s", settings->vrf,
			    strerror(errno));
	return 0;
}

static int refuse_taken(uint16_t port)
{
	struct port_holder holder;
	char text[128];

	port_find_holder(port, &holder);
	fail(EADDRINUSE, "UDP port %u (ListenPort): %s has it, and the key agreement needs it", port,
	     port_holder_text(&holder, text, sizeof(text)));
	if (holder.instance[0])
		hint("set another ListenPort, at both ends; or %s down %s", self(), holder.instance);
	else if (holder.pid)
		hint("ps -fp %d; or set another ListenPort, at both ends", holder.pid);
	else
		hint("`ss -Hulpn sport = :%u` shows the process; or set another ListenPort, at both ends",
		     port);
	return -EADDRINUSE;
}

static int bind_port(int fd, int family, uint16_t port)
{
	union any_address address = { .ipv6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) } };
	socklen_t length = sizeof(address.ipv6);

	if (family == AF_INET) {
		address = (union any_address){ .ipv4 = { .sin_family = AF_INET, .sin_port = htons(port) } };
		length = sizeof(address.ipv4);
	}
	if (bind(fd, &address.any, length) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return fail(errno, "UDP port %u (ListenPort): cannot bind to it: %s", port, strerror(errno));
	return refuse_taken(port);
}

int socket_open(const struct socket_settings *settings, int *fd)
{
	_cleanup_close_ int opened = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int family = AF_INET6, err;

	if (opened < 0 && errno == EAFNOSUPPORT) {
		family = AF_INET;
		opened = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	}
	if (opened < 0)
		return fail(errno, "the agent's socket: %s", strerror(errno));
	err = configure(opened, family, settings);
	if (!err)
		err = bind_port(opened, family, settings->port);
	if (!err)
		*fd = take_fd(&opened);
	return err;
}

uint64_t socket_cookie(int fd)
{
	uint64_t cookie = 0;
	socklen_t length = sizeof(cookie);

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) ? 0 : cookie;
}

static void take_address(uint8_t address[16], const union any_address *from)
{
	if (from->any.sa_family == AF_INET6)
		memcpy(address, &from->ipv6.sin6_addr, 16);
	else
		address_map_ipv4(address, &from->ipv4.sin_addr);
}

/*
 * The address that a datagram was sent to, the device that it came by, and how many found no room before it. An IPv4
 * packet may bring the address in two forms, of which either is enough.
 */
static void take_packet_info(struct agreement_path *path, uint32_t *full, struct msghdr *message)
{
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(header), sizeof(info));
			memcpy(path->local.address, &info.ipi6_addr, 16);
			path->device = info.ipi6_ifindex;
		} else if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(header), sizeof(info));
			address_map_ipv4(path->local.address, &info.ipi_addr);
			path->device = (uint32_t)info.ipi_ifindex;
		} else if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SO_RXQ_OVFL) {
			memcpy(full, CMSG_DATA(header), sizeof(*full));
		}
	}
}

int socket_receive(int fd, struct datagram datagrams[SOCKET_BATCH], uint32_t *full)
{
	static char control[SOCKET_BATCH][128] __attribute__((aligned(8)));
	union any_address from[SOCKET_BATCH];
	struct mmsghdr messages[SOCKET_BATCH];
	struct iovec parts[SOCKET_BATCH];
	int n;

	for (int i = 0; i < SOCKET_BATCH; i++) {
		parts[i] = (struct iovec){ datagrams[i].bytes, SOCKET_DATAGRAM_MAX };
		messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_name = &from[i],
							     .msg_namelen = sizeof(from[i]),
							     .msg_iov = &parts[i],
							     .msg_iovlen = 1,
							     .msg_control = control[i],
							     .msg_controllen = sizeof(control[i]) } };
	}
	n = recvmmsg(fd, messages, SOCKET_BATCH, MSG_DONTWAIT | MSG_TRUNC, NULL);
	for (int i = 0; i < n; i++) {
		memset(&datagrams[i].path, 0, sizeof(datagrams[i].path));
		datagrams[i].length = messages[i].msg_len;
		take_address(datagrams[i].path.remote.address, &from[i]);
		/* The port is at the same place in both. */
		datagrams[i].path.remote.port = ntohs(from[i].ipv4.sin_port);
		take_packet_info(&datagrams[i].path, full, &messages[i].msg_hdr);
	}
	return n < 0 ? -errno : n;
}

static socklen_t fill_address(union any_address *to, const struct agreement_path *path, bool ipv4_socket)
{
	if (ipv4_socket) {
		*to = (union any_address){ .ipv4 = { .sin_family = AF_INET,
						     .sin_port = htons(path->remote.port) } };
		memcpy(&to->ipv4.sin_addr, path->remote.address + 12, 4);
		return sizeof(to->ipv4);
	}
	*to = (union any_address){ .ipv6 = { .sin6_family = AF_INET6,
					     .sin6_port = htons(path->remote.port) } };
	memcpy(&to->ipv6.sin6_addr, path->remote.address, 16);
	if (is_link_local(path->remote.address))
		to->ipv6.sin6_scope_id = path->device;
	return sizeof(to->ipv6);
}

/* The source address. The device is left to the routing table, which may have changed since the question came. */
static void put_packet_info(struct msghdr *message, char control[64], const struct agreement_path *path,
			    bool mapped)
{
	struct cmsghdr *header;

	if (is_zero(path->local.address))
		return;
	message->msg_control = control;
	message->msg_controllen = mapped ? CMSG_SPACE(sizeof(struct in_pktinfo))
					 : CMSG_SPACE(sizeof(struct in6_pktinfo));
	header = CMSG_FIRSTHDR(message);
	if (mapped) {
		struct in_pktinfo info = {};

		memcpy(&info.ipi_spec_dst, path->local.address + 12, 4);
		header->cmsg_level = IPPROTO_IP;
		header->cmsg_type = IP_PKTINFO;
		header->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(header), &info, sizeof(info));
	} else {
		struct in6_pktinfo info = {};

		memcpy(&info.ipi6_addr, path->local.address, 16);
		info.ipi6_ifindex = is_link_local(path->local.address) ? path->device : 0;
		header->cmsg_level = IPPROTO_IPV6;
		header->cmsg_type = IPV6_PKTINFO;
		header->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(header), &info, sizeof(info));
	}
}

int socket_send(int fd, const struct agreement_path *path, const void *bytes, size_t length)
{
	char control[64] __attribute__((aligned(8))) = {};
	struct iovec part = { (void *)bytes, length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	bool mapped = address_is_ipv4(path->remote.address);
	union any_address to;

	message.msg_name = &to;
	message.msg_namelen = fill_address(&to, path, false);
	put_packet_info(&message, control, path, mapped);
	if (sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	/* A socket of IPv4 alone takes no address of IPv6, not even a mapped one. */
	if (errno != EAFNOSUPPORT || !mapped)
		return -errno;
	message.msg_namelen = fill_address(&to, path, true);
	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}
