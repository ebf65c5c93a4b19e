// SPDX-License-Identifier: GPL-2.0-or-later
/* Kernels that are too old, and the command that brings a newer one. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/kernel_upgrade.h"

static void test_old(void **state)
{
	(void)state;
	assert_true(kernel_is_too_old("6.1.0-37-amd64"));
	assert_true(kernel_is_too_old("6.11.11"));
	assert_true(kernel_is_too_old("5.15.0-140-generic"));
}

static void test_new(void **state)
{
	(void)state;
	assert_false(kernel_is_too_old("6.12.0-rc1"));
	assert_false(kernel_is_too_old("6.12.38+deb13-arm64"));
	assert_false(kernel_is_too_old("7.0"));
	assert_false(kernel_is_too_old("10.1.0"));
}

/* Nothing is claimed of what cannot be read. */
static void test_no_number(void **state)
{
	(void)state;
	assert_false(kernel_is_too_old(""));
	assert_false(kernel_is_too_old("6"));
	assert_false(kernel_is_too_old("next-20261127"));
}

static void test_command(void **state)
{
	const char *command = kernel_upgrade_command(
		"ID=debian\nVERSION_CODENAME=bookworm\nVERSION_ID=\"12\"\n");

	(void)state;
	assert_non_null(command);
#ifdef __x86_64__
	assert_string_equal(command, "apt-get install -t bookworm-backports linux-image-amd64");
#endif
}

static void test_no_command(void **state)
{
	(void)state;
	assert_null(kernel_upgrade_command("ID=debian\nVERSION_CODENAME=trixie\n"));
	assert_null(kernel_upgrade_command("ID=debian\nVERSION_CODENAME=bookwormish\n"));
	assert_null(kernel_upgrade_command(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_old),	   cmocka_unit_test(test_new),
		cmocka_unit_test(test_no_number),  cmocka_unit_test(test_command),
		cmocka_unit_test(test_no_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
