// SPDX-License-Identifier: GPL-2.0-or-later
/* Flowtables by nfnetlink. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "base/cleanup.h"
#include "net/flowtable.h"
#include "net/netlink.h"

/* A search: of the flowtables seen so far, the one with most of the devices. */
struct flowtable_search {
	const char *const *devices;
	size_t n, most;
	const char *missing;
};

/* A name ending in "*", without that: since Linux 6.17 (NFTA_DEVICE_PREFIX), which older headers do not have. */
#define DEVICE_PREFIX (NFTA_DEVICE_NAME + 1)

static bool is_device(const struct nlattr *attribute, const char *device)
{
	const char *name;

	if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) < 0)
		return false;
	name = mnl_attr_get_str(attribute);
	if (mnl_attr_get_type(attribute) == DEVICE_PREFIX)
		return strncmp(name, device, strlen(name)) == 0;
	return mnl_attr_get_type(attribute) == NFTA_DEVICE_NAME && strcmp(name, device) == 0;
}

static bool lists_device(const struct nlattr *list, const char *device)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested (attribute, list)
		if (is_device(attribute, device))
			return true;
	return false;
}

static void look_at(struct flowtable_search *search, const struct nlattr *list)
{
	const char *missing = NULL;
	size_t found = 0;

	for (size_t i = 0; i < search->n; i++) {
		if (lists_device(list, search->devices[i]))
			found++;
		else
			missing = missing ?: search->devices[i];
	}
	if (found > search->most) {
		search->most = found;
		search->missing = missing;
	}
}

static int parse_flowtable(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attribute, *inner;

	mnl_attr_for_each (attribute, message, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attribute) != NFTA_FLOWTABLE_HOOK)
			continue;
		mnl_attr_for_each_nested (inner, attribute)
			if (mnl_attr_get_type(inner) == NFTA_FLOWTABLE_HOOK_DEVS)
				look_at(data, inner);
	}
	return MNL_CB_OK;
}

static int dump(struct mnl_socket *socket, struct flowtable_search *search, char *buffer)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	unsigned int sequence = (unsigned int)time(NULL);
	int more = MNL_CB_OK;
	ssize_t got;

	request->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETFLOWTABLE;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlmsg_seq = sequence;
	mnl_nlmsg_put_extra_header(request, sizeof(struct nfgenmsg));
	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (more > MNL_CB_STOP) {
		got = mnl_socket_recvfrom(socket, buffer, NETLINK_BUFFER);
		if (got < 0)
			return -errno;
		more = mnl_cb_run(buffer, (size_t)got, sequence, mnl_socket_get_portid(socket),
				  parse_flowtable, search);
		if (more < 0)
			return -errno;
	}
	return 0;
}

int flowtable_find(const char *const *devices, size_t n, const char **missing)
{
	struct flowtable_search search = { .devices = devices, .n = n, .missing = devices[0] };
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	_cleanup_free_ char *buffer = malloc(NETLINK_BUFFER);
	int err;

	if (!socket)
		return -errno;
	if (!buffer)
		err = -ENOMEM;
	else
		err = mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno
									 : dump(socket, &search, buffer);
	mnl_socket_close(socket);
	*missing = search.missing;
	return err;
}
