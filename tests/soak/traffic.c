// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The traffic of the soak: numbered datagrams both ways between two network namespaces, each of them accounted for.
 *
 *	traffic NAMESPACE-A ADDRESS-A NAMESPACE-B ADDRESS-B PORT RATE COUNT [NAMESPACE:DEVICE]...
 *
 * RATE is packets a second each way, COUNT packets each way. Frames on each DEVICE are searched for the text that
 * all datagrams begin with: it would be there in clear. Standard input says what happens to the link: "down" before it
 * is taken down, "up" when it is whole again; at the end of standard input sending stops early.
 *
 * Prints a line of JSON. A datagram sent between "down" and "up" may be lost. Exits with 1 if another one was lost, any
 * came twice or in clear, or a frame was not seen by the search.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "../../bench/path/tool.h"

enum {
	TICKS = 1000,	   /* a second: bursts stay shorter than any queue on the way */
	DRAIN = 3000,	   /* ticks after the last packet: what is under way arrives */
	BUFFER = 64 << 20, /* bytes; the test may wait for a CPU */
	FRAME_MAX = 65536,
	WATCHED_MAX = 4,
	SHORTEST = 32,
	LONGEST = 1300,
};

static const char marker[16] = "XDPSEC-SOAK-0815";

struct datagram {
	char marker[sizeof(marker)];
	uint64_t number;
	uint8_t filler[LONGEST - sizeof(marker) - sizeof(uint64_t)];
};

/* One way. */
struct way {
	int sender, receiver;
	uint64_t sent, received;
	uint32_t *when;	   /* of each number: the tick in which it was sent */
	uint8_t *arrivals; /* of each number */
};

/* A time without a link, in ticks. */
struct outage {
	uint32_t from, to;
};

struct run {
	struct way ways[2];
	uint64_t rate, count, clear, unseen;
	uint32_t tick;
	int watched[WATCHED_MAX], n_watched;
	struct outage *outages;
	size_t n_outages;
	bool down, ended;
};

static void *array(uint64_t n, size_t size)
{
	void *memory = calloc(n, size);

	if (!memory)
		die("no memory");
	return memory;
}

/* ---- sockets ----------------------------------------------------------------------------------------- */

static void enter(const char *namespace)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", namespace);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(path);
	close(fd);
}

static int open_socket(int family, int type, int protocol)
{
	int size = BUFFER, fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		die("socket");
	return fd;
}

static struct sockaddr_in6 address_of(const char *text, uint16_t port)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	char mapped[INET6_ADDRSTRLEN + 8];

	snprintf(mapped, sizeof(mapped), "%s%s", strchr(text, ':') ? "" : "::ffff:", text);
	if (inet_pton(AF_INET6, mapped, &address.sin6_addr) != 1)
		die(text);
	return address;
}

static int bind_udp(const char *namespace, const char *text, uint16_t port)
{
	struct sockaddr_in6 address = address_of(text, port);
	int fd;

	enter(namespace);
	fd = open_socket(AF_INET6, SOCK_DGRAM, 0);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		die(text);
	return fd;
}

static void open_way(struct way *way, char *from[2], char *to[2], uint16_t port, uint64_t count)
{
	struct sockaddr_in6 address = address_of(to[1], port);

	way->sender = bind_udp(from[0], from[1], 0);
	if (connect(way->sender, (struct sockaddr *)&address, sizeof(address)))
		die(to[1]);
	way->receiver = bind_udp(to[0], to[1], port);
	way->when = array(count, sizeof(*way->when));
	way->arrivals = array(count, sizeof(*way->arrivals));
}

static int watch(char *where)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	char *device = strchr(where, ':');
	int fd;

	if (!device) {
		fprintf(stderr, "traffic: '%s' is not NAMESPACE:DEVICE\n", where);
		exit(2);
	}
	*device++ = '\0';
	enter(where);
	address.sll_ifindex = (int)if_nametoindex(device);
	fd = open_socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		die(device);
	return fd;
}

/* ---- traffic ----------------------------------------------------------------------------------------- */

static size_t size_of(uint64_t n)
{
	return SHORTEST + n * 7919 % (LONGEST - SHORTEST + 1);
}

/* A packet that the kernel refuses was not sent, and its number is used for the next. */
static void send_burst(struct run *run, struct way *way)
{
	uint64_t due = (run->rate * run->tick) / TICKS, most = way->sent + 4 * run->rate / TICKS + 1;
	struct datagram datagram = {};

	memcpy(datagram.marker, marker, sizeof(marker));
	while (way->sent < run->count && way->sent < due && way->sent < most) {
		datagram.number = way->sent;
		way->when[way->sent] = run->tick;
		if (send(way->sender, &datagram, size_of(way->sent), 0) < 0)
			return;
		way->sent++;
	}
}

static void receive_all(struct run *run, struct way *way)
{
	struct datagram datagram;
	ssize_t n;

	while ((n = recv(way->receiver, &datagram, sizeof(datagram), 0)) >= 0) {
		if (n < SHORTEST || memcmp(datagram.marker, marker, sizeof(marker)) ||
		    datagram.number >= run->count || (size_t)n != size_of(datagram.number)) {
			fprintf(stderr, "traffic: a datagram is not as it was sent\n");
			exit(1);
		}
		way->received++;
		if (way->arrivals[datagram.number] < UINT8_MAX)
			way->arrivals[datagram.number]++;
	}
}

static void search_frames(struct run *run, int fd)
{
	static uint8_t frame[FRAME_MAX];
	struct tpacket_stats statistics;
	socklen_t length = sizeof(statistics);
	ssize_t n;

	while ((n = recv(fd, frame, sizeof(frame), 0)) >= 0 || errno == ENETDOWN)
		if (n > 0 && memmem(frame, (size_t)n, marker, sizeof(marker)))
			run->clear++;
	if (!getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &statistics, &length))
		run->unseen += statistics.tp_drops;
}

/* ---- the link ---------------------------------------------------------------------------------------- */

static void take_command(struct run *run, const char *line)
{
	if (strcmp(line, "down\n") == 0 && !run->down) {
		run->outages = realloc(run->outages, (run->n_outages + 1) * sizeof(*run->outages));
		if (!run->outages)
			die("no memory");
		run->outages[run->n_outages++] = (struct outage){ run->tick, UINT32_MAX };
		run->down = true;
	} else if (strcmp(line, "up\n") == 0 && run->down) {
		run->outages[run->n_outages - 1].to = run->tick;
		run->down = false;
	} else {
		fprintf(stderr, "traffic: '%s' makes no sense now\n", line);
		exit(2);
	}
}

static void read_commands(struct run *run)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	char line[16];

	while (!run->ended && poll(&input, 1, 0) > 0) {
		if (fgets(line, sizeof(line), stdin))
			take_command(run, line);
		else
			run->ended = true;
	}
}

static bool lost_with_link(const struct run *run, uint32_t when)
{
	for (size_t i = 0; i < run->n_outages; i++)
		if (when >= run->outages[i].from && when <= run->outages[i].to)
			return true;
	return false;
}

/* ---- the run ----------------------------------------------------------------------------------------- */

static bool done(const struct run *run)
{
	return run->ended || (run->ways[0].sent == run->count && run->ways[1].sent == run->count);
}

static void one_tick(struct run *run, bool sends)
{
	for (int i = 0; i < 2; i++) {
		if (sends)
			send_burst(run, &run->ways[i]);
		receive_all(run, &run->ways[i]);
	}
	for (int i = 0; i < run->n_watched; i++)
		search_frames(run, run->watched[i]);
	if (!run->ended)
		read_commands(run);
}

static void go(struct run *run)
{
	struct itimerspec every = { { 0, 1000000000 / TICKS }, { 0, 1000000000 / TICKS } };
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), left = DRAIN;
	uint64_t ticks;

	if (timer < 0 || timerfd_settime(timer, 0, &every, NULL))
		die("timer");
	while (left > 0 && read(timer, &ticks, sizeof(ticks)) == sizeof(ticks)) {
		run->tick += (uint32_t)ticks;
		if (done(run))
			left -= (int)ticks;
		one_tick(run, !done(run));
		if (run->tick % 10000 < ticks)
			fprintf(stderr,
				"traffic: %" PRIu32 " s: sent %" PRIu64 " and %" PRIu64 ", received %" PRIu64
				" and %" PRIu64 "\n",
				run->tick / TICKS, run->ways[0].sent, run->ways[1].sent,
				run->ways[1].received, run->ways[0].received);
	}
	close(timer);
}

static int report(const struct run *run)
{
	uint64_t sent = 0, received = 0, twice = 0, lost = 0, lost_with = 0;

	for (int i = 0; i < 2; i++) {
		const struct way *way = &run->ways[i];

		sent += way->sent;
		received += way->received;
		for (uint64_t n = 0; n < way->sent; n++) {
			twice += way->arrivals[n] > 1;
			if (way->arrivals[n])
				continue;
			if (lost_with_link(run, way->when[n])) {
				lost_with++;
			} else if (!lost++) {
				fprintf(stderr,
					"traffic: the first one lost: way %d, number %" PRIu64
					", after %" PRIu32 " ms\n",
					i, n, way->when[n]);
			}
		}
	}
	printf("{\"sent\":%" PRIu64 ",\"received\":%" PRIu64 ",\"lost\":%" PRIu64
	       ",\"lost_while_down\":%" PRIu64 ",\"outages\":%zu,\"twice\":%" PRIu64 ",\"in_clear\":%" PRIu64
	       ",\"frames_not_seen\":%" PRIu64 ",\"seconds\":%" PRIu32 "}\n",
	       sent, received, lost, lost_with, run->n_outages, twice, run->clear, run->unseen,
	       run->tick / TICKS);
	return lost || twice || run->clear || run->unseen || !received;
}

int main(int argc, char **argv)
{
	static struct run run;
	uint16_t port;

	if (argc < 8 || argc > 8 + WATCHED_MAX) {
		fprintf(stderr, "usage: traffic NAMESPACE-A ADDRESS-A NAMESPACE-B ADDRESS-B PORT RATE COUNT "
				"[NAMESPACE:DEVICE]...\n");
		return 2;
	}
	setvbuf(stdin, NULL, _IONBF, 0); /* so that poll() sees what is still to be read */
	port = (uint16_t)number(argv[5]);
	run.rate = number(argv[6]);
	run.count = number(argv[7]);
	open_way(&run.ways[0], argv + 1, argv + 3, port, run.count);
	open_way(&run.ways[1], argv + 3, argv + 1, port, run.count);
	for (int i = 8; i < argc; i++)
		run.watched[run.n_watched++] = watch(argv[i]);
	go(&run);
	return report(&run);
}
