// SPDX-License-Identifier: GPL-2.0-or-later
/* Passing the listener of the filter to the keeper, and answering what comes by it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "agent/resolver_mark.h"
#include "agent/seccomp.h"
#include "base/cleanup.h"

static int pass_descriptor(int to, int fd)
{
	char control[CMSG_SPACE(sizeof(fd))] __attribute__((aligned(8))) = {}, byte = 0;
	struct iovec part = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(to, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* -1: the resolver has ended before. */
static int take_descriptor(int from)
{
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = {}, byte;
	struct iovec part = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
	};
	struct cmsghdr *header;
	int fd = -1;

	if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) <= 0)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

int resolver_mark_begin(int keeper)
{
	_cleanup_close_ int listener = -1;
	int err = seccomp_enter_listened(&listener);

	return err ?: pass_descriptor(keeper, listener);
}

/* The socket that the resolver asked for, with a mark. */
static int make_socket(const struct seccomp_data *call, uint32_t mark)
{
	int family = (int)call->args[0], type = (int)call->args[1], protocol = (int)call->args[2];
	int kind = type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
	_cleanup_close_ int fd = -1;

	if ((family != AF_INET && family != AF_INET6) || (kind != SOCK_DGRAM && kind != SOCK_STREAM))
		return -EPERM;
	fd = socket(family, type | SOCK_CLOEXEC, protocol);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)))
		return -errno;
	return take_fd(&fd);
}

static void answer(int listener, const struct seccomp_notif *request, struct seccomp_notif_resp *response,
		   uint32_t mark)
{
	_cleanup_close_ int fd = make_socket(&request->data, mark);
	struct seccomp_notif_addfd added = {
		.id = request->id,
		.flags = SECCOMP_ADDFD_FLAG_SEND,
		.srcfd = (__u32)fd,
		.newfd_flags = request->data.args[1] & SOCK_CLOEXEC ? O_CLOEXEC : 0,
	};

	if (fd >= 0 && ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &added) >= 0)
		return;
	memset(response, 0, sizeof(*response));
	response->id = request->id;
	response->error = fd < 0 ? fd : -EMFILE;
	seccomp_notify_respond(listener, response);
}

/* False: there will be no more. Memory that is not all zero the kernel does not take. */
static bool serve_one(int listener, uint32_t mark)
{
	struct seccomp_notif *request = NULL;
	struct seccomp_notif_resp *response = NULL;
	bool received, passing;

	if (seccomp_notify_alloc(&request, &response))
		return false;
	received = seccomp_notify_receive(listener, request) == 0;
	passing = received || errno == EINTR || errno == ENOENT;
	if (received)
		answer(listener, request, response, mark);
	seccomp_notify_free(request, response);
	return passing;
}

void resolver_mark_serve(int fd, uint32_t mark)
{
	_cleanup_close_ int listener = take_descriptor(fd);
	struct pollfd polled = { .fd = listener, .events = POLLIN };

	/* Once the listener is closed, the resolver's calls fail. */
	while (listener >= 0 && (poll(&polled, 1, -1) > 0 || errno == EINTR))
		if (!(polled.revents & POLLIN) || !serve_one(listener, mark))
			break;
}
