// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading the settings for tests. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/developer.h"
#include "base/message.h"

#define DEVELOPER_VARIABLE "XDPSEC_AGREE"

static int take_setting(struct developer *developer, const char *word)
{
	const char *value = strchr(word, '=');
	long long number = value ? strtoll(value + 1, NULL, 10) : 0;

	if (strncmp(word, "rekey=", 6) == 0)
		developer->rekey_ms = (uint64_t)number;
	else if (strncmp(word, "grace=", 6) == 0)
		developer->grace_ms = (uint64_t)number;
	else if (strncmp(word, "reject=", 7) == 0)
		developer->reject = (unsigned int)number;
	else if (strncmp(word, "clock=", 6) == 0)
		developer->clock = number;
	else
		return fail(EINVAL, DEVELOPER_VARIABLE ": %s: not a setting for tests", word);
	return 0;
}

int developer_read(struct developer *developer)
{
	const char *variable = getenv(DEVELOPER_VARIABLE);
	char text[256], *word, *rest = text;
	int err = 0;

	*developer = (struct developer){};
	if (!variable || !variable[0])
		return 0;
	snprintf(text, sizeof(text), "%s", variable);
	while (!err && (word = strtok_r(rest, " ", &rest)))
		err = take_setting(developer, word);
	if (!err)
		warning(DEVELOPER_VARIABLE ": %s: settings for tests, not for use", variable);
	return err;
}
