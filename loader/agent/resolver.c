// SPDX-License-Identifier: GPL-2.0-or-later
/* The resolver's process, its keeper, and talking to them. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "agent/resolver.h"
#include "agent/seccomp.h"
#include "base/cleanup.h"
#include "base/message.h"

/* How often it is started again; the first pause before that, which doubles: 25 s in all. */
#define RESTARTS_MAX 8
#define RESTART_PAUSE_NS 100000000L

static void put_mapped(uint8_t address[16], const struct sockaddr *from)
{
	memset(address, 0, 16);
	if (from->sa_family == AF_INET6) {
		memcpy(address, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
		return;
	}
	address[10] = address[11] = 0xff;
	memcpy(address + 12, &((const struct sockaddr_in *)from)->sin_addr, 4);
}

static const struct addrinfo *next_of(const struct addrinfo *found, int family)
{
	while (found && found->ai_family != family)
		found = found->ai_next;
	return found;
}

/* The order of RFC 6724, but of both versions in turn (RFC 8305): a path that is broken costs one attempt. */
static void interleave(struct resolver_answer *answer, const struct addrinfo *found)
{
	int family = found ? found->ai_family : AF_INET;
	const struct addrinfo *next[2] = { next_of(found, family),
					   next_of(found, family == AF_INET ? AF_INET6 : AF_INET) };

	for (int turn = 0; answer->n < RESOLVER_ADDRESSES_MAX && (next[0] || next[1]); turn = !turn) {
		if (!next[turn])
			continue;
		put_mapped(answer->addresses[answer->n++], next[turn]->ai_addr);
		next[turn] = next_of(next[turn]->ai_next, next[turn]->ai_family);
	}
}

static void look_up(const struct resolver_question *question, struct resolver_answer *answer)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
	struct addrinfo *found = NULL;

	answer->peer = question->peer;
	answer->error = getaddrinfo(question->name, NULL, &hints, &found);
	if (answer->error)
		return;
	interleave(answer, found);
	freeaddrinfo(found);
	if (!answer->n)
		answer->error = EAI_NONAME;
}

static void serve(int fd)
{
	struct resolver_question question;

	while (recv(fd, &question, sizeof(question), 0) == sizeof(question)) {
		struct resolver_answer answer = {};

		question.name[sizeof(question.name) - 1] = '\0';
		look_up(&question, &answer);
		if (send(fd, &answer, sizeof(answer), MSG_NOSIGNAL) != sizeof(answer))
			return;
	}
}

/* Not earlier: a change of the user clears it. */
static int end_with(pid_t parent)
{
	return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || getppid() != parent ? -ESRCH : 0;
}

/* Descriptors of the parent that are not for it: all but standard error, the socket, and nothing else. */
static int keep_only(int fd)
{
	if (dup2(fd, 3) < 0 || close_range(4, ~0U, 0))
		return -errno;
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	return 3;
}

__attribute__((noreturn)) static void run_resolver(int fd, pid_t keeper)
{
	prctl(PR_SET_NAME, "xdpsec-resolver", 0, 0, 0);
	if (end_with(keeper) == 0 && seccomp_enter(SECCOMP_RESOLVER) == 0)
		serve(fd);
	_exit(0);
}

/* Start it, and wait for its end. False: it ended as it should, because the agent has closed its socket. */
static bool run_once(int fd, struct resolver_answer *died)
{
	pid_t keeper = getpid(), child = fork();
	int status;

	if (child == 0)
		run_resolver(fd, keeper);
	if (child < 0)
		return true;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	died->error = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	return WIFSIGNALED(status) || WEXITSTATUS(status);
}

static void pause_before(int restart)
{
	long nanoseconds = RESTART_PAUSE_NS << restart;
	const struct timespec pause = { nanoseconds / 1000000000, nanoseconds % 1000000000 };

	nanosleep(&pause, NULL);
}

__attribute__((noreturn)) static void run_keeper(const struct agent_user *user, int fd, pid_t agent)
{
	struct resolver_answer died = { .peer = RESOLVER_DIED };

	prctl(PR_SET_NAME, "xdpsec-keeper", 0, 0, 0);
	fd = keep_only(fd);
	if (fd < 0 || sandbox_leave_root(user) || end_with(agent) || seccomp_enter(SECCOMP_KEEPER))
		_exit(1);
	for (int restarts = 0; run_once(fd, &died) && restarts < RESTARTS_MAX; restarts++) {
		if (send(fd, &died, sizeof(died), MSG_NOSIGNAL) != sizeof(died))
			break;
		pause_before(restarts);
	}
	_exit(0);
}

int resolver_start(const struct agent_user *user, int *fd)
{
	_cleanup_close_ int ours = -1, its = -1;
	pid_t parent = getpid(), child;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return fail(errno, "the resolver: %s", strerror(errno));
	ours = ends[0];
	its = ends[1];
	child = fork();
	if (child < 0)
		return fail(errno, "the resolver: cannot fork: %s", strerror(errno));
	if (child == 0)
		run_keeper(user, its, parent);
	*fd = take_fd(&ours);
	return 0;
}

bool resolver_ask(int fd, const struct resolver_question *question)
{
	return send(fd, question, sizeof(*question), MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(*question);
}

int resolver_receive(int fd, struct resolver_answer *answer)
{
	ssize_t n = recv(fd, answer, sizeof(*answer), MSG_DONTWAIT);

	if (n == sizeof(*answer))
		return 1;
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -EPIPE;
}
