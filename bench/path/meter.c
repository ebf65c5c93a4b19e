// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The meter of bench/path/peer, in a virtual machine whose clock is its instruction counter (tests/vm/run -I). Each command prints one line of JSON.
 *
 *	meter loop TURNS [MILLISECONDS]		a loop of two instructions a turn, with a pause half way
 *	meter watch DEVICE WARM-UP PACKETS	others' traffic: what PACKETS of it cost, after the first WARM-UP
 *	meter udp FROM TO WIRE DEVICE ADDRESS PORT PAYLOAD WARM-UP PACKETS
 *						traffic of its own, from one network namespace to another; the
 *						counters are those of DEVICE in the namespace WIRE
 *	meter ping FROM WIRE DEVICE ADDRESS PAYLOAD WARM-UP PACKETS
 *						echo requests of its own, each sent when the last was answered
 *
 * "instructions" does not include idle time, which is in "idle". The kernel counts that in hundredths of a
 * second: unless it is almost zero, the figure is useless.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include "counter.h"
#include "tool.h"

enum {
	BURST = 32, /* fewer than any queue on the way holds */
	NANOSECONDS = 1000000000,
	TICK = 10000000, /* of /proc/stat, in ns */
	POLL = 10000000, /* between two looks at the counters, in ns */
	/*
	 * Looks without a packet after which there is no more traffic. Many: while a file is read from the
	 * host the machine is idle, and its clock runs ahead.
	 */
	STALLED = 20000,
};

struct sample {
	uint64_t counter; /* instructions, and nanoseconds of waiting */
	uint64_t idle;
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
};

struct meter {
	const char *device;
	int stat;    /* /proc/stat */
	int devices; /* /proc/net/dev of the namespace in which it was opened */
};

/* ---- counters ------------------------------------------------------------------------------------------ */

static void open_meter(struct meter *meter, const char *device)
{
	meter->device = device;
	meter->stat = open("/proc/stat", O_RDONLY | O_CLOEXEC);
	if (meter->stat < 0)
		die("/proc/stat");
	meter->devices = open("/proc/thread-self/net/dev", O_RDONLY | O_CLOEXEC);
	if (meter->devices < 0)
		die("/proc/thread-self/net/dev");
}

static void read_all(int fd, char *text, size_t size)
{
	ssize_t n, used = 0;

	do {
		n = pread(fd, text + used, size - 1 - used, used);
		if (n < 0)
			die("reading the counters");
		used += n;
	} while (n > 0 && (size_t)used < size - 1);
	text[used] = '\0';
}

static uint64_t idle_time(const struct meter *meter)
{
	uint64_t idle, iowait;
	char text[256];

	read_all(meter->stat, text, sizeof(text));
	if (sscanf(text, "cpu %*u %*u %*u %" SCNu64 " %" SCNu64, &idle, &iowait) != 2) {
		errno = EPROTO;
		die("/proc/stat");
	}
	return (idle + iowait) * TICK;
}

static void read_device(const struct meter *meter, struct sample *sample)
{
	size_t length = strlen(meter->device);
	char text[4096], *line, *rest = text;

	read_all(meter->devices, text, sizeof(text));
	while ((line = strsep(&rest, "\n"))) {
		line += strspn(line, " ");
		if (strncmp(line, meter->device, length) || line[length] != ':')
			continue;
		if (sscanf(line + length + 1, "%" SCNu64 "%" SCNu64 "%*u%*u%*u%*u%*u%*u%" SCNu64 "%" SCNu64,
			   &sample->rx_bytes, &sample->rx_packets, &sample->tx_bytes,
			   &sample->tx_packets) == 4)
			return;
	}
	errno = ENODEV;
	die(meter->device);
}

static void take_sample(const struct meter *meter, struct sample *sample)
{
	sample->idle = idle_time(meter);
	if (meter->device)
		read_device(meter, sample);
	sample->counter = counter_nanoseconds();
}

static void print_instructions(const struct sample *from, const struct sample *to)
{
	uint64_t idle = to->idle - from->idle;

	printf("{\"instructions\":%" PRIu64 ",\"idle\":%" PRIu64, to->counter - from->counter - idle, idle);
}

static void print_packets(const struct sample *from, const struct sample *to)
{
	print_instructions(from, to);
	printf(",\"tx_packets\":%" PRIu64 ",\"tx_bytes\":%" PRIu64 ",\"rx_packets\":%" PRIu64
	       ",\"rx_bytes\":%" PRIu64,
	       to->tx_packets - from->tx_packets, to->tx_bytes - from->tx_bytes,
	       to->rx_packets - from->rx_packets, to->rx_bytes - from->rx_bytes);
}

/* ---- loop ---------------------------------------------------------------------------------------------- */

static void pause_for(long nanoseconds)
{
	struct timespec time = { nanoseconds / NANOSECONDS, nanoseconds % NANOSECONDS };

	while (nanosleep(&time, &time))
		if (errno != EINTR)
			die("sleeping");
}

static void loop(uint64_t turns, uint64_t milliseconds)
{
	struct sample from = {}, to = {};
	struct meter meter;

	open_meter(&meter, NULL);
	take_sample(&meter, &from);
	counter_spin(turns / 2);
	if (milliseconds)
		pause_for(milliseconds * (NANOSECONDS / 1000));
	counter_spin(turns - turns / 2);
	take_sample(&meter, &to);
	print_instructions(&from, &to);
	printf(",\"expected\":%" PRIu64 "}\n", 2 * turns);
}

/* ---- watch --------------------------------------------------------------------------------------------- */

static void wait_for_packets(const struct meter *meter, struct sample *sample, uint64_t tx_packets)
{
	uint64_t last = 0;
	int stalled = 0;

	for (;;) {
		take_sample(meter, sample);
		if (sample->tx_packets >= tx_packets)
			return;
		stalled = sample->tx_packets == last ? stalled + 1 : 0;
		if (stalled > STALLED) {
			errno = ETIMEDOUT;
			die("no more packets");
		}
		last = sample->tx_packets;
		pause_for(POLL);
	}
}

static void watch(const char *device, uint64_t warm_up, uint64_t packets)
{
	struct sample from = {}, to = {};
	struct meter meter;

	open_meter(&meter, device);
	take_sample(&meter, &from);
	wait_for_packets(&meter, &from, from.tx_packets + warm_up);
	wait_for_packets(&meter, &to, from.tx_packets + packets);
	print_packets(&from, &to);
	printf("}\n");
}

/* ---- udp, ping ----------------------------------------------------------------------------------------- */

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

struct address {
	struct sockaddr_storage where;
	socklen_t length;
};

static struct address parse_address(const char *text, unsigned short port)
{
	struct address address = {};
	struct sockaddr_in *in = (struct sockaddr_in *)&address.where;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address.where;

	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		address.length = sizeof(*in);
	} else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		address.length = sizeof(*in6);
	} else {
		errno = EINVAL;
		die(text);
	}
	return address;
}

struct flow {
	int sender, receiver;
	int burst;	     /* packets that are sent before any is received */
	size_t header;	     /* of ICMP, in front of what is ours */
	unsigned char reply; /* the type that an answer has */
	size_t payload;
	uint64_t sent, received, damaged;
};

static int open_socket(const struct address *address, int protocol)
{
	/* Long for a packet that is on its way, and the end of the run for one that is lost. */
	struct timeval patience = { .tv_sec = 5 };
	int fd = socket(address->where.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, protocol);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		die("socket");
	return fd;
}

static void open_udp(struct flow *flow, const char *to, const char *address, const char *port)
{
	struct address where = parse_address(address, number(port));

	flow->burst = BURST;
	flow->sender = open_socket(&where, 0);
	if (connect(flow->sender, (struct sockaddr *)&where.where, where.length))
		die(address);
	enter(to);
	flow->receiver = open_socket(&where, 0);
	if (bind(flow->receiver, (struct sockaddr *)&where.where, where.length))
		die(address);
}

/* The kernel fills in identifier and checksum, and hands over what answers this socket. */
static void open_ping(struct flow *flow, const char *address)
{
	struct address where = parse_address(address, 0);
	bool ipv6 = where.where.ss_family == AF_INET6;

	flow->burst = 1;
	flow->header = sizeof(struct icmphdr);
	flow->reply = ipv6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY;
	flow->sender = open_socket(&where, ipv6 ? (int)IPPROTO_ICMPV6 : (int)IPPROTO_ICMP);
	flow->receiver = flow->sender;
	if (connect(flow->sender, (struct sockaddr *)&where.where, where.length))
		die(address);
}

static void send_packet(struct flow *flow, unsigned char *packet)
{
	size_t length = flow->header + flow->payload;

	if (flow->header) {
		memset(packet, 0, flow->header);
		packet[0] = flow->reply == ICMP6_ECHO_REPLY ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	}
	memcpy(packet + flow->header, &flow->sent, sizeof(flow->sent));
	if (send(flow->sender, packet, length, 0) != (ssize_t)length)
		die("send");
	flow->sent++;
}

/* False when it is missing. */
static bool receive_packet(struct flow *flow, unsigned char *packet, size_t size)
{
	ssize_t n = recv(flow->receiver, packet, size, 0);
	uint64_t sequence;

	if (n < 0 && errno == EAGAIN)
		return false;
	if (n < 0)
		die("recv");
	memcpy(&sequence, packet + flow->header, sizeof(sequence));
	if ((size_t)n != flow->header + flow->payload || sequence != flow->received ||
	    (flow->header && packet[0] != flow->reply))
		flow->damaged++;
	flow->received++;
	return true;
}

static bool send_packets(struct flow *flow, uint64_t until)
{
	static unsigned char packet[65536];
	int i;

	while (flow->sent < until) {
		for (i = 0; i < flow->burst; i++)
			send_packet(flow, packet);
		for (i = 0; i < flow->burst; i++)
			if (!receive_packet(flow, packet, sizeof(packet)))
				return false;
	}
	return true;
}

/* The cost of the flow, by the counters of meter. */
static void measure(struct flow *flow, const struct meter *meter, char **argv)
{
	uint64_t warm_up = number(argv[1]), packets = number(argv[2]);
	struct sample from = {}, to = {};

	flow->payload = number(argv[0]);
	if (flow->payload < sizeof(uint64_t) || flow->payload > 65507) {
		errno = EMSGSIZE;
		die("payload");
	}
	if (send_packets(flow, warm_up)) {
		take_sample(meter, &from);
		send_packets(flow, warm_up + packets);
	}
	take_sample(meter, &to);
	print_packets(&from, &to);
	printf(",\"sent\":%" PRIu64 ",\"received\":%" PRIu64 ",\"damaged\":%" PRIu64 "}\n", flow->sent,
	       flow->received, flow->damaged);
}

static void udp(char **argv)
{
	struct flow flow = {};
	struct meter meter;

	enter(argv[2]);
	open_meter(&meter, argv[3]);
	enter(argv[0]);
	open_udp(&flow, argv[1], argv[4], argv[5]);
	measure(&flow, &meter, argv + 6);
}

static void ping(char **argv)
{
	struct flow flow = {};
	struct meter meter;

	enter(argv[1]);
	open_meter(&meter, argv[2]);
	enter(argv[0]);
	open_ping(&flow, argv[3]);
	measure(&flow, &meter, argv + 4);
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (!strcmp(command, "loop") && (argc == 3 || argc == 4)) {
		loop(number(argv[2]), argc == 4 ? number(argv[3]) : 0);
	} else if (!strcmp(command, "watch") && argc == 5) {
		watch(argv[2], number(argv[3]), number(argv[4]));
	} else if (!strcmp(command, "udp") && argc == 11) {
		udp(argv + 2);
	} else if (!strcmp(command, "ping") && argc == 9) {
		ping(argv + 2);
	} else {
		fprintf(stderr,
			"usage: meter loop TURNS [MILLISECONDS] | meter watch DEVICE WARM-UP PACKETS |\n"
			"       meter udp FROM TO WIRE DEVICE ADDRESS PORT PAYLOAD WARM-UP PACKETS |\n"
			"       meter ping FROM WIRE DEVICE ADDRESS PAYLOAD WARM-UP PACKETS\n");
		return 2;
	}
	return 0;
}
