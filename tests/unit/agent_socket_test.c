// SPDX-License-Identifier: GPL-2.0-or-later
/* The agent's socket: an answer goes to where the question came from, from the address that it came to. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

#include "agent/socket.h"

static int agent_socket = -1;
static uint16_t agent_port;
static uint32_t full; /* lost for want of room */

/* A port that is free now, and most likely still is when it is bound. */
static int open_agent(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		struct socket_settings settings = { .port = (uint16_t)(20000 + (getpid() + i * 97) % 20000) };

		agent_port = settings.port;
		if (socket_open(&settings, &agent_socket) == 0)
			return 0;
	}
	return -1;
}

static int close_agent(void **state)
{
	(void)state;
	return close(agent_socket);
}

static int open_client(const char *address, struct sockaddr_in6 *to, socklen_t *length)
{
	struct sockaddr_in *to4 = (struct sockaddr_in *)to;
	int ipv6 = strchr(address, ':') != NULL, fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);

	memset(to, 0, sizeof(*to));
	to->sin6_family = ipv6 ? AF_INET6 : AF_INET;
	to->sin6_port = htons(agent_port);
	*length = ipv6 ? sizeof(*to) : sizeof(*to4);
	assert_int_equal(
		inet_pton(to->sin6_family, address, ipv6 ? (void *)&to->sin6_addr : (void *)&to4->sin_addr),
		1);
	assert_true(fd >= 0);
	/* Takes answers from there only. */
	assert_int_equal(connect(fd, (struct sockaddr *)to, *length), 0);
	return fd;
}

static int receive_one(struct datagram *datagrams)
{
	struct pollfd waiting = { agent_socket, POLLIN, 0 };

	assert_int_equal(poll(&waiting, 1, 2000), 1);
	return socket_receive(agent_socket, datagrams, &full);
}

static void exchange(const char *address)
{
	static struct datagram datagrams[SOCKET_BATCH];
	struct sockaddr_in6 to;
	socklen_t length;
	int client = open_client(address, &to, &length);
	char text[16] = "";

	assert_int_equal(send(client, "question", 8, 0), 8);
	assert_int_equal(receive_one(datagrams), 1);
	assert_int_equal(datagrams[0].length, 8);
	assert_memory_equal(datagrams[0].bytes, "question", 8);
	assert_int_not_equal(datagrams[0].path.device, 0);
	assert_int_equal(socket_send(agent_socket, &datagrams[0].path, "answer", 6), 0);
	assert_int_equal(recv(client, text, sizeof(text), 0), 6);
	assert_string_equal(text, "answer");
	close(client);
}

static void ipv4(void **state)
{
	(void)state;
	exchange("127.0.0.1");
	/* Not the address that the routing table would choose. */
	exchange("127.0.0.77");
}

static void ipv6(void **state)
{
	(void)state;
	exchange("::1");
}

/* A whole batch, and one that is longer than any message. */
static void batch(void **state)
{
	static struct datagram datagrams[SOCKET_BATCH];
	char large[SOCKET_DATAGRAM_MAX + 100] = "";
	struct sockaddr_in6 to;
	socklen_t length;
	int client = open_client("127.0.0.1", &to, &length);

	(void)state;
	assert_int_equal(send(client, large, sizeof(large), 0), sizeof(large));
	for (int i = 0; i < SOCKET_BATCH; i++)
		assert_int_equal(send(client, "x", 1, 0), 1);
	assert_int_equal(receive_one(datagrams), SOCKET_BATCH);
	assert_int_equal(datagrams[0].length, sizeof(large));
	assert_int_equal(datagrams[1].length, 1);
	assert_int_equal(receive_one(datagrams), 1);
	assert_int_equal(socket_receive(agent_socket, datagrams, &full), -EAGAIN);
	close(client);
}

/* More than the socket has room for: what comes next tells how many were lost. */
static void flood(void **state)
{
	enum { SENT = 20000 };
	static struct datagram datagrams[SOCKET_BATCH];
	struct sockaddr_in6 to;
	socklen_t length;
	int client = open_client("127.0.0.1", &to, &length), received = 0, n;

	(void)state;
	assert_int_equal(full, 0);
	for (int i = 0; i < SENT; i++)
		assert_int_equal(send(client, "x", 1, 0), 1);
	while ((n = socket_receive(agent_socket, datagrams, &full)) > 0)
		received += n;
	assert_in_range(received, 1, SENT - 1);
	assert_int_equal(send(client, "x", 1, 0), 1);
	assert_int_equal(receive_one(datagrams), 1);
	assert_int_equal(received + full, SENT);
	close(client);
}

static void port_in_use(void **state)
{
	const struct socket_settings settings = { .port = agent_port };
	int fd = -1;

	(void)state;
	assert_int_equal(socket_open(&settings, &fd), -EADDRINUSE);
	assert_int_equal(fd, -1);
}

static void cookie(void **state)
{
	(void)state;
	assert_int_not_equal(socket_cookie(agent_socket), 0);
	assert_int_equal(socket_cookie(-1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4),	 cmocka_unit_test(ipv6),	cmocka_unit_test(batch),
		cmocka_unit_test(flood), cmocka_unit_test(port_in_use), cmocka_unit_test(cookie),
	};

	if (!freopen("/dev/null", "w", stderr))
		return 1;
	return cmocka_run_group_tests(tests, open_agent, close_agent);
}
