// SPDX-License-Identifier: GPL-2.0-or-later
/* The resolver's process, its keeper, and talking to them. */
#include <errno.h>
#include <fcntl.h>
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
#include "agent/resolver_mark.h"
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

/* The signal at the end of the parent. A change of the user clears it, so that comes first. */
static int end_with(pid_t parent)
{
	return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || getppid() != parent ? -ESRCH : 0;
}

/* Close all descriptors of the parent but the socket, and standard error, which is kept until the sandbox is there. */
static int keep_only(int fd)
{
	int null;

	if (dup2(fd, 3) < 0 || close_range(4, ~0U, 0))
		return -errno;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return -errno;
	close(null);
	return 3;
}

/* A reader of the standard error of `up` waits until no process has it open. */
static int leave_standard_error(void)
{
	return dup2(STDIN_FILENO, STDERR_FILENO) < 0 ? -errno : 0;
}

/* The process that starts the resolver, and what it starts it with. */
struct keeper {
	int agent; /* the end of the pair that questions come by */
	uint32_t mark;
	struct resolver_answer died;
};

/* A supervisor of containers may have the only listener that the kernel allows. */
static int enter_resolvers_sandbox(const struct keeper *keeper, int listener)
{
	int err = keeper->mark ? resolver_mark_begin(listener) : 0;
	const struct resolver_answer unmarked = { .peer = RESOLVER_UNMARKED, .error = err };

	if (keeper->mark && !err)
		return 0;
	if (err)
		send(keeper->agent, &unmarked, sizeof(unmarked), MSG_NOSIGNAL);
	return seccomp_enter(SECCOMP_RESOLVER);
}

__attribute__((noreturn)) static void run_resolver(const struct keeper *keeper, int listener, pid_t parent)
{
	int err;

	prctl(PR_SET_NAME, "xdpsec-resolver", 0, 0, 0);
	err = end_with(parent);
	if (!err)
		err = sandbox_drop_capabilities();
	if (!err)
		err = enter_resolvers_sandbox(keeper, listener);
	close(listener);
	if (!err)
		serve(keeper->agent);
	_exit(0);
}

static bool has_died(struct keeper *keeper, pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	keeper->died.error = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	return WIFSIGNALED(status) || WEXITSTATUS(status);
}

/* Start it, and wait for its end. False: it ended as it should, because the agent has closed its socket. */
static bool run_once(struct keeper *keeper)
{
	int ends[2] = { -1, -1 }; /* the listener comes by it */
	pid_t parent = getpid(), child;

	if (keeper->mark && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return false;
	child = fork();
	if (child == 0) {
		close(ends[0]);
		run_resolver(keeper, ends[1], parent);
	}
	close(ends[1]);
	if (child > 0 && keeper->mark)
		resolver_mark_serve(ends[0], keeper->mark);
	close(ends[0]);
	return child < 0 || has_died(keeper, child);
}

static void pause_before(int restart)
{
	long nanoseconds = RESTART_PAUSE_NS << restart;
	const struct timespec pause = { nanoseconds / 1000000000, nanoseconds % 1000000000 };

	nanosleep(&pause, NULL);
}

static int enter_keepers_sandbox(const struct keeper *keeper, const struct agent_user *user, pid_t agent)
{
	int err = keeper->mark ? sandbox_leave_root_but_mark(user) : sandbox_leave_root(user);

	if (!err)
		err = end_with(agent);
	return err ?: seccomp_enter(SECCOMP_KEEPER);
}

__attribute__((noreturn)) static void run_keeper(const struct agent_user *user, int fd, pid_t agent)
{
	struct keeper keeper = { .died.peer = RESOLVER_DIED };

	prctl(PR_SET_NAME, "xdpsec-keeper", 0, 0, 0);
	keeper.agent = keep_only(fd);
	if (keeper.agent < 0 ||
	    recv(keeper.agent, &keeper.mark, sizeof(keeper.mark), 0) != sizeof(keeper.mark) ||
	    enter_keepers_sandbox(&keeper, user, agent) || leave_standard_error())
		_exit(1);
	for (int restarts = 0; run_once(&keeper) && restarts < RESTARTS_MAX; restarts++) {
		if (send(keeper.agent, &keeper.died, sizeof(keeper.died), MSG_NOSIGNAL) !=
		    sizeof(keeper.died))
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

int resolver_begin(int fd, uint32_t mark)
{
	if (send(fd, &mark, sizeof(mark), MSG_NOSIGNAL) == sizeof(mark))
		return 0;
	return fail(errno, "the resolver: %s", strerror(errno));
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
