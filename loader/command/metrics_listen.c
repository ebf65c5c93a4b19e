// SPDX-License-Identifier: GPL-2.0-or-later
/* The listener: its address, and the rights that it gives up before it answers. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/sandbox.h"
#include "base/cleanup.h"
#include "base/interrupt.h"
#include "base/message.h"
#include "command/commands.h"
#include "command/metrics_listen.h"
#include "config/config_parse.h"

#define BACKLOG 64

struct listen_address {
	struct sockaddr_storage address;
	socklen_t length;
	unsigned int port;
};

static bool parse_host(const char *host, bool brackets, struct listen_address *to)
{
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)&to->address;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&to->address;

	memset(&to->address, 0, sizeof(to->address));
	if (!brackets && inet_pton(AF_INET, host, &ipv4->sin_addr) == 1) {
		ipv4->sin_family = AF_INET;
		ipv4->sin_port = htons((__u16)to->port);
		to->length = sizeof(*ipv4);
		return true;
	}
	if (!brackets || inet_pton(AF_INET6, host, &ipv6->sin6_addr) != 1)
		return false;
	ipv6->sin6_family = AF_INET6;
	ipv6->sin6_port = htons((__u16)to->port);
	to->length = sizeof(*ipv6);
	return true;
}

static bool parse_listen_address(const char *where, struct listen_address *to)
{
	char host[INET6_ADDRSTRLEN + 2];
	const char *colon = strrchr(where, ':');
	unsigned long port;
	size_t n = colon ? (size_t)(colon - where) : 0;
	bool brackets = n > 2 && where[0] == '[' && where[n - 1] == ']';

	if (!colon || n >= sizeof(host) || !value_number(colon + 1, 65535, &port) || !port)
		return false;
	to->port = (unsigned int)port;
	snprintf(host, sizeof(host), "%.*s", (int)(brackets ? n - 2 : n), where + brackets);
	return parse_host(host, brackets, to);
}

static int refuse_bind(const char *where, const struct listen_address *address, int err)
{
	if (err == EADDRINUSE) {
		fail(err, "--listen %s: another program listens there", where);
		hint("ss -ltnp 'sport = :%u' shows which; or choose another port", address->port);
	} else if (err == EADDRNOTAVAIL) {
		fail(err, "--listen %s: not an address of this host", where);
		hint("`ip address` lists them; 127.0.0.1:%u is for this host only", address->port);
	} else if (err == EACCES) {
		fail(err, "--listen %s: a port below 1024 needs root", where);
		hint("choose another port, for example 7253");
	} else {
		fail(err, "--listen %s: %s", where, strerror(err));
	}
	return -err;
}

static int open_listening(const char *where, const struct listen_address *address, int *fd)
{
	const int yes = 1;

	*fd = socket(address->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return fail(errno, "--listen %s: %s", where, strerror(errno));
	/* Connections of a listener that has just ended do not stop the next. */
	setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (address->address.ss_family == AF_INET6)
		setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
	if (bind(*fd, (const struct sockaddr *)&address->address, address->length) || listen(*fd, BACKLOG))
		return refuse_bind(where, address, errno);
	return 0;
}

/* Give up root's rights. A process without them keeps its user. */
static int become_nobody(void)
{
	struct agent_user user;
	int err;

	if (geteuid() != 0)
		return 0;
	err = sandbox_find_user(&user);
	return err ?: sandbox_leave_root(&user);
}

int metrics_listen(const char *where, struct metrics_source *source)
{
	struct listen_address address = {};
	_cleanup_close_ int fd = -1;
	int err;

	if (!parse_listen_address(where, &address)) {
		fail(EINVAL, "--listen %s: not ADDRESS:PORT", where);
		hint("for example 127.0.0.1:7253, [::1]:7253 or 0.0.0.0:7253");
		return EXIT_USAGE;
	}
	err = http_load();
	if (!err)
		err = open_listening(where, &address, &fd);
	if (!err)
		err = become_nobody();
	if (err)
		return err;
	interrupt_block();
	return http_serve(take_fd(&fd), source);
}
