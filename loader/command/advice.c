// SPDX-License-Identifier: GPL-2.0-or-later
/* Advice about a cipher without the processor's instructions, and about the optional module. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "command/advice.h"
#include "plane/bulk.h"
#include "plane/cipher.h"
#include "plane/cipher_cost.h"
#include "plane/instance.h"
#include "plane/sa_abi.h"
#include "plane/self.h"

/* Modules that have the processor's instructions for AES, by machine. */
static const struct {
	const char *machine, *module, *file;
} modules[] = {
	{ "x86_64", "aesni_intel", "/aesni-intel.ko" },
	{ "aarch64", "aes_ce_cipher", "/aes-ce-cipher.ko" },
};

/* The module for this processor, if this kernel has it; else NULL. */
static const char *module_to_load(void)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[256], line[4096];
	struct utsname here;

	uname(&here);
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", here.release);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
			char *colon = strchr(line, ':');

			if (colon)
				*colon = '\0';
			if (strcmp(here.machine, modules[i].machine) == 0 && strstr(line, modules[i].file))
				return modules[i].module;
		}
	return NULL;
}

static void say_what_to_do(const char *name, const char *slow, char *text, size_t size)
{
	const char *module = module_to_load(), *why;

	if (module && cipher_cpu_has_aes()) {
		snprintf(text, size, "modprobe %s, then %s reload %s", module, self(), name);
		return;
	}
	why = cipher_cpu_has_aes() ? "this kernel has no driver for them" : "this CPU has none";
	if (strcmp(slow, "aes-fixed-time") == 0)
		snprintf(text, size,
			 "%s: Driver = %s keeps it, and ends this; Driver = aes-generic is faster, but its "
			 "timing depends on the key",
			 why, slow);
	else
		snprintf(text, size, "%s: Driver = %s keeps it, and ends this", why, slow);
}

/* Does ecb(aes) run without the processor's instructions? bound gets its name. */
static bool is_slow(char *bound, size_t size)
{
	if (bulk_state(NULL) == BULK_USABLE && bulk_bound(bound, size))
		return cipher_is_slow(bound);
	return cipher_best("ecb(aes)", "lskcipher", bound, size) && cipher_is_slow(bound);
}

static bool advise_cipher(const char *name, struct advice *advice)
{
	char bound[DRIVER_LEN], slow[DRIVER_LEN] = "";
	int cost;

	if (!is_slow(bound, sizeof(bound)))
		return false;
	sscanf(bound, "%*[^(](%127[^)])", slow);
	cost = cipher_cost("aes");
	if (cost > 0)
		snprintf(advice->text, sizeof(advice->text),
			 "%.64s does not use the CPU's AES instructions, and takes %d.%d us for a packet of "
			 "1380 bytes: at most %d Mbit/s for each CPU",
			 bound, cost / 1000, cost % 1000 / 100, 1380 * 8 * 1000 / cost);
	else
		snprintf(advice->text, sizeof(advice->text),
			 "%.64s does not use the CPU's AES instructions, and is slow", bound);
	say_what_to_do(name, slow, advice->hint, sizeof(advice->hint));
	return true;
}

static bool advise_module(const char *name, struct advice *advice)
{
	char kernel[BULK_RELEASE_LEN] = "";
	struct utsname here;

	switch (bulk_state(kernel)) {
	case BULK_NOT_LOADED:
		snprintf(advice->text, sizeof(advice->text),
			 "the module bpf_crypto_bulk is installed, but not loaded: large packets cost more");
		snprintf(advice->hint, sizeof(advice->hint), "modprobe bpf_crypto_bulk, then %s reload %s",
			 self(), name);
		return true;
	case BULK_OTHER_KERNEL:
		uname(&here);
		snprintf(advice->text, sizeof(advice->text),
			 "the module bpf_crypto_bulk is installed for Linux %s, and not for this one: large "
			 "packets cost more",
			 kernel);
		snprintf(advice->hint, sizeof(advice->hint),
			 "dkms autoinstall -k %s, then modprobe bpf_crypto_bulk", here.release);
		return true;
	default:
		return false;
	}
}

size_t advice_find(const char *name, struct advice advice[ADVICE_MAX])
{
	size_t n = 0;

	n += advise_cipher(name, &advice[n]);
	n += advise_module(name, &advice[n]);
	return n;
}
