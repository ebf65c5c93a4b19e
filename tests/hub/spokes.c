// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Many spokes of a hub in one process: the protocol of loader/agreement with real cryptography, real sockets, and an
 * address of its own for each; only their data planes are those of the tests (agreement_end.h). So a real agent meets a
 * thousand peers on a machine that could not run a thousand agents.
 *
 *	spokes config COUNT			the [Peer] sections of the hub
 *	spokes run COUNT PUBLIC-KEY HUB4 HUB6	the spokes; the addresses are the hub's
 *
 * Spoke N of those with an even number is at 198.18.0.0 + N, of the others at 2001:db8:100:N::1; 198.19.0.0 + N is
 * behind it (RFC 2544, as there are too few addresses for documents). All are at port 7253. Lines of standard input are
 * commands, each answered by a line of JSON when it is done:
 *
 *	mark		from now on keys count as new
 *	new		wait until all have new keys, whoever asks; .waited is how long, without the time before
 *	ask		all ask within a second
 *	storm ROUNDS	all agree on keys so often, WINDOW of them at a time
 *	ping ADDRESS	each sends one sealed ICMP echo request to that address behind the hub, and waits for the sealed answer
 *	state		what happened since "mark"
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>

#include "config/key32.h"
#include "spoke.h"
#include "unit.h"
#include "xdpsec/wire.h"

enum {
	WINDOW = 64,	  /* handshakes that are under way at a time, in a storm */
	COUNT_MAX = 1024, /* peers of an instance */
	STUCK = 60,	  /* seconds after which a command that is not done is answered all the same */
};

enum command { NOTHING, NEW, STORM, PING };

static enum command running;
static struct spoke *spokes;
static unsigned int count;
static struct end hub; /* only what a peer knows of it */
static struct agreement_address hub4, hub6;
static int control;
static uint64_t now, marked, told, finished; /* told: of the command */
static unsigned int underway, storm_first, handshakes, stray;
static uint32_t full; /* lost in our own socket */

static uint64_t read_clock(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * NS_PER_SECOND + (uint64_t)time.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "spokes: %s\n", what);
	exit(2);
}

static void make_spokes(void)
{
	spokes = calloc(count, sizeof(*spokes));
	if (!spokes)
		die("no memory");
	for (unsigned int i = 0; i < count; i++)
		spoke_init(&spokes[i], i, &now);
}

static void take(const struct datagram *datagram)
{
	static const uint8_t no_spi[4];
	int number = spoke_number(datagram->path.local.address);

	if (number < 0 || number >= (int)count || datagram->length > SOCKET_DATAGRAM_MAX ||
	    datagram->length < XDPSEC_OVERHEAD) {
		stray++;
	} else if (memcmp(datagram->bytes, no_spi, sizeof(no_spi))) {
		stray += !spoke_take_sealed(&spokes[number], datagram->bytes, datagram->length);
	} else {
		agreement_receive(spokes[number].end.agreement, &datagram->path, datagram->bytes,
				  datagram->length, false, now);
		spoke_send(&spokes[number], control);
	}
}

static void receive(void)
{
	static struct datagram datagrams[SOCKET_BATCH];
	int n = socket_receive(control, datagrams, &full);

	now = read_clock(CLOCK_BOOTTIME);
	for (int i = 0; i < n; i++)
		take(&datagrams[i]);
}

/* ---- storm ------------------------------------------------------------------------------------------- */

/* Handshakes that have ended make room; then the next spokes ask. */
static void run_storm(void)
{
	struct agreement_status status;

	for (unsigned int i = 0; i < count; i++) {
		struct spoke *spoke = &spokes[i];

		if (!spoke->asking)
			continue;
		agreement_status(spoke->end.agreement, 0, &status, now);
		if (status.asking)
			continue;
		spoke->asking = false;
		spoke->rounds--;
		underway--;
	}
	for (unsigned int i = 0; i < count && underway < WINDOW; i++) {
		struct spoke *spoke = &spokes[storm_first++ % count];

		if (!spoke->rounds || spoke->asking)
			continue;
		spoke->asking = true;
		underway++;
		agreement_wanted(spoke->end.agreement, 0, now);
		spoke_send(spoke, control);
	}
}

/* ---- commands ---------------------------------------------------------------------------------------- */

static unsigned int started; /* spokes that "ask" has let ask */

static unsigned int agreed_since(const struct spoke *spoke)
{
	return spoke->end.reports[AGREEMENT_AGREED] - spoke->agreed;
}

static void mark(void)
{
	marked = finished = now;
	handshakes = 0;
	for (unsigned int i = 0; i < count; i++)
		spokes[i].agreed = spokes[i].end.reports[AGREEMENT_AGREED];
}

static uint64_t sum(const char *counter)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < count; i++)
		total += end_counter(&spokes[i].end, counter);
	return total;
}

static void print_state(void)
{
	static const char *const shown[] = { "initiations_sent", "cookies",  "no_slot",
					     "install_failed",	 "decrypt",  "replayed",
					     "too_soon",	 "bad_mac1", "malformed" };
	unsigned int fresh = 0, answered = 0, unsendable = 0;

	handshakes = 0;
	for (unsigned int i = 0; i < count; i++) {
		handshakes += agreed_since(&spokes[i]);
		fresh += agreed_since(&spokes[i]) > 0;
		answered += spokes[i].answered;
		unsendable += spokes[i].unsendable;
	}
	printf("{\"spokes\":%u,\"agreed\":%u,\"handshakes\":%u,\"seconds\":%.3f,\"waited\":%.3f,\"answered\":"
	       "%u,\"stray\":%u,"
	       "\"unsendable\":%u,\"full\":%u",
	       count, fresh, handshakes, (double)(finished - marked) / 1e9, (double)(finished - told) / 1e9,
	       answered, stray, unsendable, full);
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++)
		printf(",\"%s\":%llu", shown[i], (unsigned long long)sum(shown[i]));
	puts("}");
	fflush(stdout);
}

static bool done(void)
{
	for (unsigned int i = 0; i < count && running != STORM; i++)
		if (running == NEW ? !agreed_since(&spokes[i]) : !spokes[i].answered)
			return false;
	for (unsigned int i = 0; i < count && running == STORM; i++)
		if (spokes[i].rounds)
			return false;
	return true;
}

static void start_ping(const char *text)
{
	struct in_addr to;

	if (inet_pton(AF_INET, text, &to) != 1)
		die("ping: no IPv4 address");
	for (unsigned int i = 0; i < count; i++) {
		spoke_ping(&spokes[i], control, spoke_is_ipv6(i) ? &hub6 : &hub4, &to);
		/* No burst that a buffer on the way could not hold. */
		usleep(200);
		receive();
	}
	running = PING;
}

static void obey(char *line)
{
	char *word = strtok(line, " \n"), *argument = strtok(NULL, " \n");

	if (!word)
		return;
	told = now;
	if (!strcmp(word, "mark")) {
		mark();
		puts("{}");
		fflush(stdout);
	} else if (!strcmp(word, "new")) {
		running = NEW;
	} else if (!strcmp(word, "ask")) {
		started = 0;
		mark();
		running = NEW;
	} else if (!strcmp(word, "storm") && argument) {
		mark();
		for (unsigned int i = 0; i < count; i++)
			spokes[i].rounds = (unsigned int)atoi(argument);
		running = STORM;
	} else if (!strcmp(word, "ping") && argument) {
		start_ping(argument);
	} else if (!strcmp(word, "state")) {
		print_state();
	} else {
		die("no such command");
	}
}

static void run_command(void)
{
	/* One each millisecond. */
	while (started < count && now >= marked + started * NS_PER_MS * 1000 / count) {
		agreement_wanted(spokes[started].end.agreement, 0, now);
		spoke_send(&spokes[started++], control);
	}
	if (running == STORM)
		run_storm();
	if (running == NOTHING)
		return;
	if (done() || now > told + STUCK * NS_PER_SECOND) {
		finished = now;
		running = NOTHING;
		print_state();
	}
}

static void tick(void)
{
	static uint64_t next;

	if (now < next)
		return;
	next = now + NS_PER_MS;
	for (unsigned int i = 0; i < count; i++) {
		if (agreement_next(spokes[i].end.agreement) > now)
			continue;
		agreement_tick(spokes[i].end.agreement, now);
		spoke_send(&spokes[i], control);
	}
}

static void run(void)
{
	struct pollfd sources[] = { { .fd = STDIN_FILENO, .events = POLLIN },
				    { .fd = control, .events = POLLIN } };
	char line[128];

	setvbuf(stdin, NULL, _IONBF, 0);
	puts("{}");
	fflush(stdout);
	for (;;) {
		poll(sources, ARRAY_SIZE(sources), 1);
		now = read_clock(CLOCK_BOOTTIME);
		if (sources[0].revents) {
			if (!fgets(line, sizeof(line), stdin))
				return;
			obey(line);
		}
		if (sources[1].revents & POLLIN)
			receive();
		tick();
		run_command();
	}
}

static void find_hub(const char *key, const char *ipv4, const char *ipv6)
{
	static const uint8_t mapped[12] = { [10] = 0xff, 0xff };

	memcpy(hub4.address, mapped, sizeof(mapped));
	hub4.port = hub6.port = SPOKE_PORT;
	if (key32_decode(key, hub.public_key) || inet_pton(AF_INET, ipv4, hub4.address + 12) != 1 ||
	    inet_pton(AF_INET6, ipv6, hub6.address) != 1)
		die("run COUNT PUBLIC-KEY HUB4 HUB6");
	for (unsigned int i = 0; i < count; i++) {
		hub.address = spoke_is_ipv6(i) ? hub6 : hub4;
		if (end_add(&spokes[i].end, 0, &hub, NULL))
			die("the hub is no peer");
	}
}

int main(int argc, char **argv)
{
	const struct socket_settings settings = { .port = SPOKE_PORT };

	count = argc > 2 ? (unsigned int)atoi(argv[2]) : 0;
	if (count == 0 || count > COUNT_MAX)
		die("config COUNT, or run COUNT PUBLIC-KEY HUB4 HUB6");
	now = read_clock(CLOCK_BOOTTIME);
	started = count;
	if (argc == 3 && !strcmp(argv[1], "config")) {
		make_spokes();
		for (unsigned int i = 0; i < count; i++)
			spoke_print_config(&spokes[i]);
		return 0;
	}
	if (argc != 6 || strcmp(argv[1], "run"))
		die("config COUNT, or run COUNT PUBLIC-KEY HUB4 HUB6");
	make_spokes();
	find_hub(argv[3], argv[4], argv[5]);
	if (socket_open(&settings, &control))
		return 2;
	run();
	return 0;
}
