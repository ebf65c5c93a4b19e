// SPDX-License-Identifier: GPL-2.0-or-later
/* Finding the module bpf_crypto_bulk, and which cipher it takes. */
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/utsname.h>

#include "base/array.h"
#include "plane/bulk.h"
#include "plane/cipher.h"

#define INSTALLED "/lib/modules"
#define FILE_NAME BULK_MODULE ".ko*"

/* The module's own order (alloc_pages_tfm): an internal one, else a synchronous one that is not the template ecb. */
struct search {
	struct cipher best; /* no driver: none was found */
	bool internal;
};

static int compare(const struct cipher *cipher, void *data)
{
	struct search *search = data;
	bool internal = strcmp(cipher->name, "__ecb(aes)") == 0;

	if (strcmp(cipher->type, "skcipher") != 0 || cipher->async ||
	    (!internal && strcmp(cipher->name, "ecb(aes)") != 0) || strncmp(cipher->driver, "ecb(", 4) == 0)
		return 0;
	if (!search->best.driver[0] || (internal && !search->internal) ||
	    (internal == search->internal && cipher->priority > search->best.priority)) {
		search->best = *cipher;
		search->internal = internal;
	}
	return 0;
}

bool bulk_bound(char *bound, size_t size)
{
	struct search search = {};

	cipher_each(compare, &search);
	if (!search.best.driver[0])
		return false;
	snprintf(bound, size, "bulk(%.100s)", search.best.driver);
	return true;
}

bool bulk_is(const char *bound)
{
	return strncmp(bound, "bulk(", 5) == 0;
}

/* RELEASE/updates/dkms/bpf_crypto_bulk.ko.xz and the like. "*": of any kernel. path gets the first one. */
static bool find_installed(const char *release, char *path, size_t size)
{
	static const char *const places[] = { "updates/dkms", "updates", "extra" };
	char pattern[256];
	glob_t found;
	bool any = false;

	for (size_t i = 0; !any && i < ARRAY_SIZE(places); i++) {
		snprintf(pattern, sizeof(pattern), INSTALLED "/%s/%s/" FILE_NAME, release, places[i]);
		if (glob(pattern, 0, NULL, &found))
			continue;
		any = true;
		snprintf(path, size, "%s", found.gl_pathv[0]);
		globfree(&found);
	}
	return any;
}

/* Kernels 6.10 to 7.3. Later ones are to have a way for many blocks of their own. */
static bool takes_types(const char *release)
{
	unsigned int major = 0, minor = 0;

	sscanf(release, "%u.%u", &major, &minor);
	return (major == 6 && minor >= 10) || (major == 7 && minor <= 3);
}

enum bulk_state bulk_state(char kernel[BULK_RELEASE_LEN])
{
	struct utsname here;
	char path[256], bound[160];

	if (access("/sys/module/" BULK_MODULE, F_OK) == 0)
		return bulk_bound(bound, sizeof(bound)) ? BULK_USABLE : BULK_NO_CIPHER;
	uname(&here);
	if (find_installed(here.release, path, sizeof(path)))
		return BULK_NOT_LOADED;
	if (!takes_types(here.release) || !find_installed("*", path, sizeof(path)))
		return BULK_NOT_INSTALLED;
	if (kernel)
		sscanf(path, INSTALLED "/%64[^/]", kernel);
	return BULK_OTHER_KERNEL;
}

const char *bulk_state_text(enum bulk_state state)
{
	static const char *const texts[] = {
		[BULK_USABLE] = "loaded",
		[BULK_NO_CIPHER] = "loaded, but this kernel has no cipher for it",
		[BULK_NOT_LOADED] = "installed, not loaded",
		[BULK_OTHER_KERNEL] = "installed for another kernel",
		[BULK_NOT_INSTALLED] = "not installed",
	};

	return texts[state];
}

bool bulk_outdated(const char *bound, char *preferred, size_t size)
{
	char bulk[160];

	if (bulk_state(NULL) != BULK_USABLE || !bulk_bound(bulk, sizeof(bulk)))
		return !bulk_is(bound) && cipher_outdated(bound, preferred, size);
	if (!bound[0] || strcmp(bound, bulk) == 0)
		return false;
	snprintf(preferred, size, "%s", bulk);
	return true;
}
