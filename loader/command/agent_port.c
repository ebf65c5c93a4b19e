// SPDX-License-Identifier: GPL-2.0-or-later
/* Comparing the agent's port with those of the other instances, and with the sockets that there are. */
#include <errno.h>
#include <string.h>

#include "agent/socket.h"
#include "base/cleanup.h"
#include "base/message.h"
#include "command/agent_port.h"
#include "net/vrf.h"
#include "plane/plane.h"
#include "plane/self.h"

struct port_search {
	const struct config *config;
	const struct instance *instance;
	unsigned int vrf;
};

static bool has_agent(const struct instance *instance)
{
	static const unsigned char none[KEY32_BYTES];

	return memcmp(instance->public_key, none, sizeof(none)) != 0;
}

/* An instance that cannot be read is told of elsewhere (key_use.c). */
static bool read_other(const char *name, struct instance *other, unsigned int *port)
{
	_cleanup_plane_ struct plane plane;
	struct xdpsec_config config;
	__u32 key = 0;

	plane_init(&plane);
	if (plane_peek(name, false, other) || !has_agent(other) || plane_open_any(&plane, name, false) ||
	    plane_read(&plane, MAP_CONFIG, &key, &config))
		return false;
	*port = config.listen_port;
	return true;
}

static int compare_port(const char *name, void *data)
{
	const struct port_search *search = data;
	unsigned int wanted = search->config->listen_port, port;
	struct instance other;

	if (strcmp(name, search->instance->name) == 0 || !read_other(name, &other, &port) ||
	    other.netns_cookie != search->instance->netns_cookie || port != wanted ||
	    vrf_of(other.device_index) != search->vrf)
		return 0;
	fail(EADDRINUSE,
	     "%s: ListenPort: %u: the agent of the instance %s needs it already, on all addresses",
	     search->config->path, wanted, name);
	hint("set ListenPort = %u, and the same at the peers; or %s down %s",
	     wanted == 65535 ? wanted - 1 : wanted + 1, self(), name);
	return -EADDRINUSE;
}

int agent_port_check(const struct config *config, const struct instance *instance)
{
	const struct port_search search = {
		.config = config,
		.instance = instance,
		.vrf = vrf_of(instance->device_index),
	};
	const struct socket_settings settings = {
		.port = (uint16_t)config->listen_port,
		.vrf = search.vrf,
	};
	_cleanup_close_ int fd = -1;
	int err;

	if (!config->agreed || !config->listen_port)
		return 0;
	err = plane_each(false, compare_port, (void *)&search);
	return err ?: socket_open(&settings, &fd);
}
