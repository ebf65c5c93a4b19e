// SPDX-License-Identifier: GPL-2.0-or-later
/* Assembling commands for hints. */
#include <stdio.h>
#include <string.h>

#include "base/message.h"
#include "plane/self.h"
#include "plane/state.h"

static char own[PATH_MAX + 16] = "xdpsec", ip[PATH_MAX + 48] = "ip", enter[PATH_MAX + 32];

void self_set(const char *netns)
{
	if (!netns)
		return;
	snprintf(own, sizeof(own), "xdpsec -n %s", netns);
	snprintf(enter, sizeof(enter), "nsenter --net=%s%s ", strchr(netns, '/') ? "" : "/run/netns/", netns);
	/* ip(8) takes a namespace by its name only. */
	if (strchr(netns, '/'))
		snprintf(ip, sizeof(ip), "%sip", enter);
	else
		snprintf(ip, sizeof(ip), "ip -n %s", netns);
}

const char *self(void)
{
	return own;
}

const char *self_ip(void)
{
	return ip;
}

const char *self_enter(void)
{
	return enter;
}

void hint_restart(const struct instance *instance)
{
	bool usual = strcmp(instance->state_dir, STATE_DIR) == 0;

	hint("%s down %s && %s%s%s up %s%s", own, instance->name, own, usual ? "" : " --state-dir ",
	     usual ? "" : instance->state_dir, instance->path,
	     instance->mode == MODE_TUNNEL ? "" : "; in between, its flows leave in clear");
}
