// SPDX-License-Identifier: GPL-2.0-or-later
/* Serving metrics by libmicrohttpd, in one thread. Clients that are slow or many cost a connection for a while, no more. */
#include <errno.h>

#include "base/message.h"
#include "command/metrics_http.h"

#ifdef XDPSEC_HAVE_MICROHTTPD

#include <dlfcn.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <microhttpd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/cleanup.h"

#define CONNECTIONS_MAX 64
#define CONNECTIONS_OF_ONE_ADDRESS 16
/* Seconds without a byte, and for all of a connection: a client that sends a byte at times is not silent. */
#define SILENCE_MAX 10
#define CONNECTION_AGE_MAX 30
/* Bytes of a connection for the request and its headers. */
#define REQUEST_MAX 16384

#define FUNCTIONS(X)                                                                                         \
	X(start_daemon)                                                                                      \
	X(stop_daemon)                                                                                       \
	X(run)                                                                                               \
	X(get_timeout)                                                                                       \
	X(get_daemon_info)                                                                                   \
	X(get_connection_info)                                                                               \
	X(lookup_connection_value)                                                                           \
	X(create_response_from_buffer)                                                                       \
	X(add_response_header)                                                                               \
	X(queue_response)                                                                                    \
	X(destroy_response)

static struct {
#define MEMBER(name) typeof(MHD_##name) *name;
	FUNCTIONS(MEMBER)
#undef MEMBER
} http;

/* The connections that there are. */
static struct {
	int fd; /* 0: none */
	time_t since;
} connections[CONNECTIONS_MAX];

int http_load(void)
{
	static const struct {
		const char *name;
		void **function;
	} functions[] = {
#define ENTRY(name) { "MHD_" #name, (void **)&http.name },
		FUNCTIONS(ENTRY)
#undef ENTRY
	};
	void *library = dlopen("libmicrohttpd.so.12", RTLD_NOW | RTLD_LOCAL);

	if (!library) {
		fail(ENOENT, "metrics: no listener: %s", dlerror());
		hint("apt install libmicrohttpd12");
		return -ENOENT;
	}
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		*functions[i].function = dlsym(library, functions[i].name);
		if (!*functions[i].function)
			return fail(ENOSYS, "metrics: no listener: libmicrohttpd has no %s",
				    functions[i].name);
	}
	return 0;
}

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

static void note_connection(void *data, struct MHD_Connection *connection, void **context,
			    enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info = http.get_connection_info(connection,
									MHD_CONNECTION_INFO_CONNECTION_FD);

	(void)data;
	(void)context;
	for (size_t i = 0; info && i < CONNECTIONS_MAX; i++) {
		if (code == MHD_CONNECTION_NOTIFY_CLOSED && connections[i].fd == info->connect_fd) {
			connections[i].fd = 0;
			return;
		}
		if (code == MHD_CONNECTION_NOTIFY_STARTED && !connections[i].fd) {
			connections[i].fd = info->connect_fd;
			connections[i].since = now();
			return;
		}
	}
}

/* The library closes them when it sees the end. */
static void end_old_connections(void)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		if (connections[i].fd && now() - connections[i].since > CONNECTION_AGE_MAX)
			shutdown(connections[i].fd, SHUT_RDWR);
}

static enum MHD_Result queue_text(struct MHD_Connection *connection, unsigned int status, const char *type,
				  char *text, size_t length, enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *response = http.create_response_from_buffer(length, text, mode);
	enum MHD_Result result;

	if (!response) {
		if (mode == MHD_RESPMEM_MUST_FREE)
			free(text);
		return MHD_NO;
	}
	http.add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		http.add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = http.queue_response(connection, status, response);
	http.destroy_response(response);
	return result;
}

static enum MHD_Result say_plainly(struct MHD_Connection *connection, unsigned int status, const char *text)
{
	return queue_text(connection, status, "text/plain; charset=utf-8", (char *)text, strlen(text),
			  MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result respond_metrics(struct MHD_Connection *connection, struct metrics_source *source)
{
	const char *accepted = http.lookup_connection_value(connection, MHD_HEADER_KIND, "Accept"), *type;
	size_t length;
	char *text;

	if (source->read(source, exposition_wanted(accepted), &text, &length, &type))
		return say_plainly(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
				   "The metrics cannot be read. The log of the listener says why.\n");
	return queue_text(connection, MHD_HTTP_OK, type, text, length, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result answer_request(void *data, struct MHD_Connection *connection, const char *url,
				      const char *method, const char *version, const char *upload,
				      size_t *upload_size, void **context)
{
	(void)version;
	(void)upload;
	(void)upload_size;
	(void)context;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return say_plainly(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "Only GET and HEAD.\n");
	if (strcmp(url, "/metrics") == 0)
		return respond_metrics(connection, data);
	if (strcmp(url, "/") == 0)
		return say_plainly(connection, MHD_HTTP_OK, "XDPsec: the metrics are at /metrics.\n");
	return say_plainly(connection, MHD_HTTP_NOT_FOUND, "Not found: the metrics are at /metrics.\n");
}

/* The signals that end it; they are blocked. */
static int signal_descriptor(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int loop(struct MHD_Daemon *daemon, const struct metrics_source *source)
{
	const union MHD_DaemonInfo *info = http.get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
	_cleanup_close_ int signals = signal_descriptor();
	struct pollfd fds[] = { { .fd = signals, .events = POLLIN }, { .events = POLLIN } };
	MHD_UNSIGNED_LONG_LONG timeout;

	if (!info || signals < 0)
		return fail(errno, "metrics: no listener: %s", strerror(errno));
	fds[1].fd = info->epoll_fd;
	while (!source->ended) {
		if (http.get_timeout(daemon, &timeout) != MHD_YES || timeout > 1000)
			timeout = 1000;
		if (poll(fds, ARRAY_SIZE(fds), (int)timeout) < 0 && errno != EINTR)
			return fail(errno, "metrics: poll: %s", strerror(errno));
		if (fds[0].revents)
			return 0;
		end_old_connections();
		if (http.run(daemon) != MHD_YES)
			return fail(EIO, "metrics: libmicrohttpd cannot go on");
	}
	return -EIO;
}

int http_serve(int listening, struct metrics_source *source)
{
	struct MHD_Daemon *daemon;
	int err;

	daemon = http.start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, answer_request, source, MHD_OPTION_LISTEN_SOCKET, listening,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_MAX,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_OF_ONE_ADDRESS,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)SILENCE_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)REQUEST_MAX, MHD_OPTION_NOTIFY_CONNECTION, note_connection, NULL, MHD_OPTION_END);
	if (!daemon) {
		close(listening);
		return fail(EIO, "metrics: libmicrohttpd cannot serve");
	}
	err = loop(daemon, source);
	http.stop_daemon(daemon);
	return err;
}

#else

int http_load(void)
{
	fail(ENOSYS, "metrics: this xdpsec was built without libmicrohttpd, and cannot listen");
	hint("apt install libmicrohttpd-dev, and build again; --output FILE needs no listener");
	return -ENOSYS;
}

int http_serve(int listening, struct metrics_source *source)
{
	(void)listening;
	(void)source;
	return -ENOSYS;
}

#endif
