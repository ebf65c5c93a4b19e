// SPDX-License-Identifier: GPL-2.0-or-later
/* Sending a supervisor the agent's state. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "agent/notify.h"
#include "base/message.h"

static __u64 watchdog_of_environment(void)
{
	const char *interval = getenv("WATCHDOG_USEC"), *process = getenv("WATCHDOG_PID");

	if (!interval || (process && strtol(process, NULL, 10) != getpid()))
		return 0;
	return strtoull(interval, NULL, 10) * 1000;
}

int notify_open(struct notify *notify)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = path ? strlen(path) : 0;

	notify->socket = -1;
	notify->watchdog_nano = watchdog_of_environment();
	if (!length)
		return 0;
	if (length >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
		return fail(EINVAL, "NOTIFY_SOCKET: %s: not the path of a socket", path);
	memcpy(address.sun_path, path, length);
	/* An abstract name begins with a zero. */
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	length += offsetof(struct sockaddr_un, sun_path);
	notify->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (notify->socket < 0 || connect(notify->socket, (struct sockaddr *)&address, (socklen_t)length) < 0)
		return fail(errno, "NOTIFY_SOCKET: %s: %s", path, strerror(errno));
	return 0;
}

void notify_send(const struct notify *notify, const char *state)
{
	if (notify->socket >= 0)
		send(notify->socket, state, strlen(state), MSG_NOSIGNAL);
}
