/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The resolver's sockets with FwMark, so that what it asks is routed as sealed packets are: a default route into the
 * tunnel would lead its questions there, and they are asked when there are no keys.
 *
 * getaddrinfo(3) makes its sockets itself, and setting a mark needs a capability, which the resolver must not have. So
 * the kernel (seccomp_unotify(2)) asks the keeper for each socket of IPv4 or IPv6; the keeper makes it, and sets the mark.
 */
#ifndef XDPSEC_AGENT_RESOLVER_MARK_H
#define XDPSEC_AGENT_RESOLVER_MARK_H

#include <stdint.h>

/* The resolver: restrict its system calls, and let whoever reads from `keeper` make its sockets. 0 or -errno. */
int resolver_mark_begin(int keeper);

/* The keeper: make sockets with the mark until the resolver, which writes to the other end of fd, has ended. */
void resolver_mark_serve(int fd, uint32_t mark);

#endif
