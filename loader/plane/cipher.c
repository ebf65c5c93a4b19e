// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading /proc/crypto, choosing the driver that the kernel prefers, and judging one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "plane/cipher.h"

static void parse_field(struct cipher *cipher, const char *line)
{
	char name[32], value[128];

	if (sscanf(line, "%31s : %127s", name, value) != 2)
		return;
	if (strcmp(name, "name") == 0)
		snprintf(cipher->name, sizeof(cipher->name), "%s", value);
	else if (strcmp(name, "driver") == 0)
		snprintf(cipher->driver, sizeof(cipher->driver), "%s", value);
	else if (strcmp(name, "type") == 0)
		snprintf(cipher->type, sizeof(cipher->type), "%.31s", value);
	else if (strcmp(name, "priority") == 0)
		cipher->priority = atoi(value);
	else if (strcmp(name, "async") == 0)
		cipher->async = strcmp(value, "yes") == 0;
}

int cipher_each(int (*each)(const struct cipher *cipher, void *data), void *data)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/crypto", "re");
	struct cipher cipher = {};
	char line[512];
	int result = 0;

	while (file && !result && fgets(line, sizeof(line), file)) {
		if (line[0] != '\n') {
			parse_field(&cipher, line);
			continue;
		}
		/* An empty line ends each entry. */
		result = each(&cipher, data);
		memset(&cipher, 0, sizeof(cipher));
	}
	return result;
}

struct cipher_search {
	const char *name, *type;
	struct cipher best; /* no driver: none was found */
};

static int compare_name(const struct cipher *cipher, void *data)
{
	struct cipher_search *search = data;

	if (strcmp(cipher->type, search->type) == 0 &&
	    (strcmp(cipher->name, search->name) == 0 || strcmp(cipher->driver, search->name) == 0) &&
	    (!search->best.driver[0] || cipher->priority > search->best.priority))
		search->best = *cipher;
	return 0;
}

static bool find_cipher(struct cipher_search *search)
{
	cipher_each(compare_name, search);
	return search->best.driver[0];
}

bool cipher_best(const char *name, const char *type, char *driver, size_t size)
{
	struct cipher_search search = { .name = name, .type = type };

	if (!find_cipher(&search))
		return false;
	snprintf(driver, size, "%s", search.best.driver);
	return true;
}

bool cipher_outdated(const char *bound, char *preferred, size_t size)
{
	struct cipher_search best = { .name = "aes", .type = "cipher" }, current = { .type = "cipher" };
	char name[sizeof(best.best.driver)];

	/* The context's own entry is gone once a better driver is registered. The entry of its block
	 * cipher is not. */
	if (sscanf(bound, "ecb(%127[^)])", name) != 1)
		return false;
	current.name = name;
	if (!find_cipher(&best) || !find_cipher(&current) || best.best.priority <= current.best.priority)
		return false;
	snprintf(preferred, size, "ecb(%s)", best.best.driver);
	return true;
}

bool cipher_cpu_has_aes(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/cpuinfo", "re");
	char line[8192], *word, *rest;

	while (file && fgets(line, sizeof(line), file)) {
		/* The first is x86's name for the line, the second ARM's. */
		if (strncmp(line, "flags", 5) != 0 && strncmp(line, "Features", 8) != 0)
			continue;
		for (word = strtok_r(line, " \t\n", &rest); word; word = strtok_r(NULL, " \t\n", &rest))
			if (strcmp(word, "aes") == 0)
				return true;
		return false;
	}
	return false;
}

bool cipher_is_slow(const char *bound)
{
	static const char *const slow[] = { "aes-generic", "aes-fixed-time", "aes-arm64", "aes-arm" };
	char name[128];

	if (sscanf(bound, "ecb(%127[^)])", name) != 1 && sscanf(bound, "bulk(%127[^)])", name) != 1)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(slow); i++)
		if (strcmp(name, slow[i]) == 0)
			return true;
	/* Linux 7.0 and later: it takes the instructions where the processor has them (lib/crypto). */
	return (strcmp(name, "aes-lib") == 0 || strcmp(name, "ecb-aes-lib") == 0) && !cipher_cpu_has_aes();
}
