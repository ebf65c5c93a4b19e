// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The event loop: the socket, the events of the data plane, the resolver, two timers and the signals. One timer is for
 * the agreement's next deadline and the tick of once a second. The other one never ends, but is cancelled when the clock
 * is set or the machine resumes.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "agent/agent.h"
#include "agent/log.h"
#include "base/array.h"
#include "base/message.h"

static uint64_t read_clock(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * NS_PER_SECOND + (uint64_t)time.tv_nsec;
}

uint64_t agent_now(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

static uint64_t time_suspended(void)
{
	return read_clock(CLOCK_BOOTTIME) - read_clock(CLOCK_MONOTONIC);
}

/* Time that a machine cannot sleep without being noticed; the two clocks are not read at the same moment. */
#define SUSPENDED_AT_LEAST (50 * NS_PER_MS)

/* A time that is never reached: only the cancelling counts. */
static void watch_clock(const struct agent *agent)
{
	const struct itimerspec never = { .it_value.tv_sec = INT32_MAX };

	timerfd_settime(agent->clock_timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

static void set_deadline(const struct agent *agent)
{
	uint64_t next = agreement_next(agent->agreement);
	struct itimerspec timer = {};

	if (next > agent->next_tick)
		next = agent->next_tick;
	timer.it_value.tv_sec = (time_t)(next / NS_PER_SECOND);
	timer.it_value.tv_nsec = (long)(next % NS_PER_SECOND) ?: 1;
	timerfd_settime(agent->deadline_timer, TFD_TIMER_ABSTIME, &timer, NULL);
}

static void handle_socket(struct agent *agent)
{
	static struct datagram datagrams[SOCKET_BATCH];
	int n = socket_receive(agent->socket, datagrams, &agent->socket_full);
	uint64_t now = agent_now();

	for (int i = 0; i < n; i++)
		agreement_receive(agent->agreement, &datagrams[i].path, datagrams[i].bytes,
				  datagrams[i].length, n == SOCKET_BATCH, now);
}

/* Another agent is the owner: this one can install nothing, and must not try for ever. */
static void check_owner(struct agent *agent)
{
	if (agent->exit_code >= 0 || !agreement_stale(agent->agreement))
		return;
	log_line(LOG_ERR, "another agent has taken this instance over: ends");
	agent->exit_code = AGENT_EXIT_FAILED;
}

/* Does a command want the agent to end? */
static void check_ending(struct agent *agent)
{
	struct instance instance;
	__u32 key = 0;

	if (agent->exit_code >= 0 || bpf_map_lookup_elem(agent->instance_map, &key, &instance) ||
	    instance.ending == INSTANCE_STAYS)
		return;
	if (instance.ending == INSTANCE_ENDS) {
		log_line(LOG_INFO, "the instance is taken down: ends");
		agent->exit_code = AGENT_EXIT_DOWN;
	} else {
		log_line(LOG_INFO, "the instance is reloaded: ends, and has to be started again");
		agent->exit_code = AGENT_EXIT_TERMINATED;
	}
}

static void renew_all(struct agent *agent, const char *why)
{
	log_line(LOG_INFO, "%s: new keys for all peers: the old ones seal nothing from now on", why);
	agreement_renew(agent->agreement, agent_now());
	agent->status->renewals++;
	agent_write_status(agent);
}

static void handle_signal(struct agent *agent)
{
	struct signalfd_siginfo signal;

	while (read(agent->signals, &signal, sizeof(signal)) == sizeof(signal)) {
		switch (signal.ssi_signo) {
		case SIGUSR1:
			renew_all(agent, "asked to");
			break;
		case SIGUSR2:
			check_ending(agent);
			break;
		case SIGHUP:
			break;
		default:
			log_line(LOG_INFO, "ends; keys stay in use until they expire");
			agent->exit_code = AGENT_EXIT_TERMINATED;
		}
	}
}

/* The clock was set, or the machine has slept: its peers may have given it up. */
static void handle_clock(struct agent *agent)
{
	uint64_t expirations, suspended = time_suspended();

	if (read(agent->clock_timer, &expirations, sizeof(expirations)) >= 0 || errno != ECANCELED)
		return;
	watch_clock(agent);
	if (suspended - agent->resumed < SUSPENDED_AT_LEAST)
		return;
	agent->resumed = suspended;
	log_line(LOG_INFO, "the machine has resumed: asks every peer");
	agreement_ask_all(agent->agreement, agent_now());
}

static void pass_activity(struct agent *agent, uint64_t now)
{
	static struct agreement_activity activity[XDPSEC_MAX_PEERS];

	if (agree_read_activity(&agent->plane, activity, XDPSEC_MAX_PEERS))
		return;
	for (uint32_t peer = 0; peer < XDPSEC_MAX_PEERS; peer++)
		if (agent->peers[peer].config)
			agreement_activity(agent->agreement, peer, &activity[peer], now);
}

static void take_first(void *data, __u32 slot, __u32 spi, __u64 id)
{
	struct agent *agent = data;

	agreement_first(agent->agreement, slot, spi, id, agent_now());
}

static void tick(struct agent *agent, uint64_t now)
{
	agent->next_tick = now + NS_PER_SECOND;
	check_ending(agent);
	pass_activity(agent, now);
	/* An event is lost if the ring buffer was full. */
	agree_read_opened(&agent->plane, take_first, agent);
	agent_look_up_missing(agent, now);
	agent_write_status(agent);
	if (agent->notify.watchdog_nano && now >= agent->next_watchdog) {
		notify_send(&agent->notify, "WATCHDOG=1");
		agent->next_watchdog = now + agent->notify.watchdog_nano / 3;
	}
}

static void handle_deadline(struct agent *agent)
{
	uint64_t expirations, now = agent_now();

	if (read(agent->deadline_timer, &expirations, sizeof(expirations)) < 0)
		return;
	if (now >= agent->next_tick)
		tick(agent, now);
}

void agent_take_event(void *data, const struct xdpsec_event *event)
{
	struct agent *agent = data;

	if (event->kind == XDPSEC_EVENT_FORKED) {
		renew_all(agent, "the machine is a copy");
		return;
	}
	if (event->peer >= XDPSEC_MAX_PEERS || !agent->peers[event->peer].config)
		return;
	if (event->kind == XDPSEC_EVENT_WANTED)
		agreement_wanted(agent->agreement, event->peer, agent_now());
	else
		agreement_first(agent->agreement, event->slot, event->spi, event->id, agent_now());
}

static void handle_events(struct agent *agent)
{
	agree_events(&agent->plane);
}

static void handle_resolver(struct agent *agent)
{
	agent_take_answer(agent, agent_now());
}

/* The sources of events, by the number that epoll gives back. */
static void (*const handlers[])(struct agent *agent) = {
	handle_socket, handle_events, handle_resolver, handle_deadline, handle_clock, handle_signal,
};

static int watch_source(const struct agent *agent, int fd, void (*handler)(struct agent *agent))
{
	struct epoll_event event = { .events = EPOLLIN };

	if (fd < 0)
		return 0;
	while (handlers[event.data.u32] != handler)
		event.data.u32++;
	if (epoll_ctl(agent->epoll, EPOLL_CTL_ADD, fd, &event))
		return fail(errno, "the agent's loop: %s", strerror(errno));
	return 0;
}

static int open_signals(struct agent *agent)
{
	static const int handled[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2 };
	sigset_t signals;

	signal(SIGPIPE, SIG_IGN);
	/* Nobody waits for the resolver's keeper. */
	signal(SIGCHLD, SIG_IGN);
	sigemptyset(&signals);
	for (size_t i = 0; i < ARRAY_SIZE(handled); i++)
		sigaddset(&signals, handled[i]);
	if (sigprocmask(SIG_BLOCK, &signals, NULL))
		return -errno;
	agent->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return agent->signals < 0 ? -errno : 0;
}

int agent_prepare_loop(struct agent *agent)
{
	int err = open_signals(agent);

	agent->epoll = epoll_create1(EPOLL_CLOEXEC);
	agent->deadline_timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	agent->clock_timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (err || agent->epoll < 0 || agent->deadline_timer < 0 || agent->clock_timer < 0)
		return fail(errno, "the agent's loop: %s", strerror(errno));
	agent->resumed = time_suspended();
	watch_clock(agent);
	err = watch_source(agent, agent->socket, handle_socket);
	if (!err)
		err = watch_source(agent, agree_events_fd(&agent->plane), handle_events);
	if (!err)
		err = watch_source(agent, agent->resolver, handle_resolver);
	if (!err)
		err = watch_source(agent, agent->deadline_timer, handle_deadline);
	if (!err)
		err = watch_source(agent, agent->clock_timer, handle_clock);
	return err ?: watch_source(agent, agent->signals, handle_signal);
}

void agent_loop(struct agent *agent)
{
	struct epoll_event events[ARRAY_SIZE(handlers)];
	int n;

	agent->next_tick = agent_now();
	while (agent->exit_code < 0) {
		agreement_tick(agent->agreement, agent_now());
		check_owner(agent);
		set_deadline(agent);
		n = epoll_wait(agent->epoll, events, ARRAY_SIZE(events), -1);
		for (int i = 0; i < n && agent->exit_code < 0; i++)
			handlers[events[i].data.u32](agent);
	}
}
