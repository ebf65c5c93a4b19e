// SPDX-License-Identifier: GPL-2.0-or-later
/* xdpsec selftest: check the features of this kernel, and its results for the vectors of RFC 7253. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/kernel.h"
#include "base/message.h"
#include "command/commands.h"
#include "command/json_output.h"
#include "plane/bulk.h"
#include "plane/cipher.h"
#include "plane/objects.h"
#include "plane/plane.h"
#include "plane/sa.h"
#include "plane/vectors.h"

#define DRIVERS_MAX 32

struct driver {
	char name[DRIVER_LEN];	/* value for Driver */
	char bound[DRIVER_LEN]; /* the kernel's name for it */
	bool bits128, bits256, vectors;
};

struct result {
	struct utsname kernel;
	bool kernel_fits; /* BTF and kfuncs are there */
	bool programs;	  /* the programs load */
	struct driver drivers[DRIVERS_MAX];
	unsigned int n_drivers;
	bool passed; /* the kernel's choice for "aes" works, and the programs load */
};

static int add_driver(const struct cipher *cipher, void *data)
{
	struct result *result = data;

	if (strcmp(cipher->type, "cipher") != 0 || strcmp(cipher->name, "aes") != 0 ||
	    result->n_drivers == DRIVERS_MAX)
		return 0;
	snprintf(result->drivers[result->n_drivers++].name, DRIVER_LEN, "%s", cipher->driver);
	return 0;
}

static bool takes_key(const struct plane *plane, const char *driver, size_t bits)
{
	struct key key = { .length = bits / 8 };
	bool bulk, works = sa_try_install(plane, 0, &key, driver, &bulk) == 0;

	sa_remove(plane, 0);
	return works;
}

static int test_driver(struct plane *plane, struct driver *driver)
{
	int err;

	driver->bits128 = takes_key(plane, driver->name, 128);
	driver->bits256 = takes_key(plane, driver->name, 256);
	if (!driver->bits128)
		return 0;
	err = vectors_check(plane, 2, driver->name, driver->bound);
	driver->vectors = !err;
	return err;
}

static int test_drivers(struct result *result)
{
	_cleanup_plane_ struct plane plane;
	int err, first = 0;

	plane_init(&plane);
	err = objects_load_sa(&plane);
	if (err)
		return err;
	snprintf(result->drivers[result->n_drivers++].name, DRIVER_LEN, "aes");
	cipher_each(add_driver, result);
	for (unsigned int i = 0; i < result->n_drivers; i++) {
		err = test_driver(&plane, &result->drivers[i]);
		first = first ?: err;
	}
	if (!first && !result->drivers[0].vectors) {
		fail(EOPNOTSUPP, "this kernel offers no ecb(aes) to BPF");
		hint("use a kernel with CONFIG_CRYPTO_AES and CONFIG_CRYPTO_ECB; if they are modules, "
		     "modprobe ecb and aes");
		first = -EOPNOTSUPP;
	}
	return first;
}

/* Does this kernel's verifier accept the programs of a mode? */
static int load_programs(enum mode mode)
{
	_cleanup_plane_ struct plane plane;
	struct bpf_object *agree = NULL;
	int err;

	plane_init(&plane);
	plane.mode = mode;
	err = objects_load_data(&plane);
	if (!err)
		err = objects_load_agree(&plane, &agree);
	bpf_object__close(agree);
	return err;
}

static int test_programs(struct result *result)
{
	int err = load_programs(MODE_INLINE);

	if (!err)
		err = load_programs(MODE_TUNNEL);
	result->programs = !err;
	return err;
}

static const char *yes(bool value)
{
	return value ? "ok" : "no";
}

/* The module is in use if ecb(aes) is bound to it. */
static const char *module_text(const struct result *result)
{
	return bulk_is(result->drivers[0].bound) ? "in use" : bulk_state_text(bulk_state(NULL));
}

static void print_text(const struct result *result)
{
	printf("kernel: Linux %s, %s\n", result->kernel.release, result->kernel.machine);
	printf("BTF and kfuncs: %s\n", yes(result->kernel_fits));
	printf("programs: %s\n", yes(result->programs));
	for (unsigned int i = 0; i < result->n_drivers; i++) {
		const struct driver *driver = &result->drivers[i];

		if (!driver->bits128 && !driver->bits256) {
			printf("Driver = %s: not offered to BPF\n", driver->name);
			continue;
		}
		printf("Driver = %s: %s, aes-128-ocb %s, aes-256-ocb %s, %u vectors of RFC 7253 %s\n",
		       driver->name, driver->bound, yes(driver->bits128), yes(driver->bits256), vectors_count,
		       yes(driver->vectors));
	}
	printf("module " BULK_MODULE " (optional): %s\n", module_text(result));
	printf("self-test: %s\n", result->passed ? "passed" : "FAILED");
}

static void print_results_json(const struct result *result)
{
	struct json_object *object = json_object_new_object(), *ciphers = json_object_new_array(), *cipher;

	json_add_text(object, "kernel", result->kernel.release);
	json_add_text(object, "machine", result->kernel.machine);
	json_add_bool(object, "btf_and_kfuncs", result->kernel_fits);
	json_add_bool(object, "programs", result->programs);
	for (unsigned int i = 0; i < result->n_drivers; i++) {
		const struct driver *driver = &result->drivers[i];

		cipher = json_object_new_object();
		json_add_text(cipher, "driver", driver->name);
		json_add_text(cipher, "bound", driver->bound);
		json_add_bool(cipher, "aes-128-ocb", driver->bits128);
		json_add_bool(cipher, "aes-256-ocb", driver->bits256);
		json_add_bool(cipher, "vectors", driver->vectors);
		json_object_array_add(ciphers, cipher);
	}
	json_object_object_add(object, "ciphers", ciphers);
	json_add_text(object, "module", module_text(result));
	json_add_number(object, "vectors", vectors_count);
	json_add_bool(object, "passed", result->passed);
	json_output(object);
}

int command_selftest(const struct options *options)
{
	struct result result = {};
	int err, step;

	bpf_log_start();
	uname(&result.kernel);
	err = kernel_check_privileges();
	if (err)
		return err;
	err = kernel_check_kfuncs();
	result.kernel_fits = !err;
	if (!err) {
		err = test_programs(&result);
		step = test_drivers(&result);
		result.passed = result.programs && result.drivers[0].vectors;
		err = err ?: step;
	}
	if (options->json)
		print_results_json(&result);
	else
		print_text(&result);
	return err;
}
