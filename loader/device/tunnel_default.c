// SPDX-License-Identifier: GPL-2.0-or-later
/* The default route: only one of all instances of a network namespace can have it. */
#include <errno.h>

#include "base/message.h"
#include "device/rule.h"
#include "device/tunnel.h"
#include "plane/plane.h"

/* Two default routes would take each other's packets. */
static int same_default(const char *name, void *data)
{
	const struct instance *mine = data;
	_cleanup_plane_ struct plane plane;
	struct instance_head head;
	struct instance other;

	plane_init(&plane);
	if (plane_head(name, false, &head) || head.netns_cookie != mine->netns_cookie ||
	    head.abi_version != XDPSEC_ABI_VERSION)
		return 0;
	if (plane_open(&plane, name, false) || plane_read_instance(&plane, &other) || !other.table)
		return 0;
	fail(EBUSY, "%s: AllowedIPs: default route: already used by the tunnel of %s", mine->name, name);
	hint("set Table = off and add the routes yourself, or xdpsec down %s", name);
	return -EBUSY;
}

int tunnel_find_table(const struct config *config, struct instance *instance)
{
	int err;

	if (instance->table || !(rules_wanted(config, false) || rules_wanted(config, true)))
		return 0;
	err = plane_each(false, same_default, instance);
	return err ?: rules_find_table(&instance->table);
}
