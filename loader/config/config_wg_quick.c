// SPDX-License-Identifier: GPL-2.0-or-later
/* Keys of wg-quick's files that XDPsec does not have, and what takes their place. */
#include <errno.h>
#include <strings.h>

#include "base/array.h"
#include "base/message.h"
#include "config/config_parse.h"

static const struct {
	const char *name, *instead;
} foreign[] = {
	{ "DNS", "after `xdpsec up`: resolvectl dns DEVICE ADDRESS, with Name of [Interface] as DEVICE" },
	{ "SaveConfig", "xdpsec writes no configuration; `xdpsec reload NAME` applies what was edited" },
	{ "PreUp",
	  "PostUp, which is run after; or systemctl edit xdpsec@NAME, with [Service] and ExecStartPre=" },
	{ "PreDown", "PostDown, which is run after; or a unit of your own with After=xdpsec@NAME.service, "
		     "whose ExecStop= runs before" },
	{ "PreSharedKey", "PresharedKey, or PresharedKeyFile" },
};

const char *wg_quick_instead(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
		if (!strcasecmp(foreign[i].name, key))
			return foreign[i].instead;
	return NULL;
}

int refuse_wg_quick(const struct config_line *where)
{
	const char *instead = wg_quick_instead(where->key);

	if (!instead)
		return 0;
	fail_at(where, "a key of wg-quick, which xdpsec does not have");
	hint("%s", instead);
	return -EINVAL;
}
