// SPDX-License-Identifier: GPL-2.0-or-later
/* State files and their directory: what is damaged, or open to others, is refused. */
#include "state_fixture.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static void refuse_text(const char *text, size_t n)
{
	__u64 first, limit;

	fixture_write(fixture_path(FINGERPRINT ".tx"), text, n);
	if (site_b_reserve(true, &first, &limit) != -EBADMSG)
		fail_msg("accepted: \"%.*s\"", (int)n, text);
	if (state_return(fixture_dir, FINGERPRINT, 5, STATE_RANGE) != -EBADMSG)
		fail_msg("written over: \"%.*s\"", (int)n, text);
}

static void every_changed_byte_is_noticed(void **state)
{
	char text[256];
	size_t n, i;

	(void)state;
	start_new();
	n = fixture_read(fixture_path(FINGERPRINT ".tx"), text, sizeof(text));
	for (i = 0; i < n; i++) {
		text[i] ^= 1;
		refuse_text(text, n);
		text[i] ^= 1;
	}
	assert_message(": corrupted: the sequence numbers that were used are unknown\nhint: make new keys "
		       "for both sites (xdpsec genkey --manual), and use --new-key");
}

static void every_truncation_is_noticed(void **state)
{
	char text[256];
	size_t n, i;

	(void)state;
	start_new();
	n = fixture_read(fixture_path(FINGERPRINT ".tx"), text, sizeof(text));
	for (i = 0; i < n; i++)
		refuse_text(text, i);
	memcpy(text + n, "\n", 2);
	refuse_text(text, n + 1);
	text[n] = '\0';
	refuse_text(text, n + 1);
}

static void copy_under_another_name_is_noticed(void **state)
{
	const struct state_claims new = { .new_key = true };
	__u64 first, limit;

	(void)state;
	start_new();
	assert_int_equal(fixture_run("cp %s/" FINGERPRINT ".tx %s/" OTHER ".tx", fixture_dir, fixture_dir),
			 0);
	assert_int_equal(state_reserve(fixture_dir, OTHER, &new, "site-c", &first, &limit), -EBADMSG);
	assert_message("/" OTHER ".tx: corrupted");
	assert_int_equal(
		fixture_run("mv %s/" FINGERPRINT ".tx %s/" FINGERPRINT ".rx", fixture_dir, fixture_dir), 0);
	assert_int_equal(site_b_receive(&first), -EBADMSG);
}

static void link_is_not_followed(void **state)
{
	__u64 first, limit;

	(void)state;
	start_new();
	assert_int_equal(
		fixture_run("cd %s && mv " FINGERPRINT ".tx x && ln -s x " FINGERPRINT ".tx", fixture_dir),
		0);
	assert_int_equal(site_b_reserve(true, &first, &limit), -ELOOP);
}

static void later_version_is_refused(void **state)
{
	const char line[] = "xdpsec-state 3 " FINGERPRINT ".tx 0 - - 0123456789abcdef\n";
	__u64 first, limit;

	(void)state;
	start_new();
	fixture_write(fixture_path(FINGERPRINT ".tx"), line, strlen(line));
	assert_int_equal(site_b_reserve(true, &first, &limit), -EBADMSG);
}

/* Its files say nothing of where they belong, and are replaced. */
static void earlier_version_goes_on(void **state)
{
	char text[256];

	(void)state;
	fixture_write_state(FINGERPRINT ".tx", 1000);
	assert_reserved(1000, 1000 + STATE_RANGE);
	fixture_read(fixture_path(FINGERPRINT ".tx"), text, sizeof(text));
	assert_int_equal(strncmp(text, "xdpsec-state 2 ", 15), 0);
	assert_reserved(1000 + STATE_RANGE, 1000 + 2 * STATE_RANGE);
}

static void others_cannot_read_or_write(void **state)
{
	mode_t mask = umask(0);
	struct stat st;

	(void)state;
	start_new();
	umask(mask);
	assert_int_equal(stat(fixture_dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(fixture_path(FINGERPRINT ".tx"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void open_directory_is_refused(void **state)
{
	__u64 first, limit;

	(void)state;
	start_new();
	assert_int_equal(chmod(fixture_dir, 0770), 0);
	assert_int_equal(site_b_reserve(true, &first, &limit), -EPERM);
	assert_message("permissions 0770: others could make sequence numbers repeat\nhint: chown root ");
	assert_int_equal(chmod(fixture_dir, 0755), 0);
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
}

/* A user who may rename the directory can keep it elsewhere, and bring it back when newer numbers are in another one. */
static void directory_in_an_open_one_is_refused(void **state)
{
	__u64 first, limit;

	(void)state;
	start_new();
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(chmod(fixture_base, i ? 0720 : 0702), 0);
		assert_int_equal(site_b_reserve(true, &first, &limit), -EPERM);
		assert_message(
			i ? "permissions 0720: others could make sequence numbers repeat\nhint: chown root "
			  : "permissions 0702: others could make sequence numbers repeat\nhint: chown root ");
		assert_int_equal(site_b_receive(&first), -EPERM);
		assert_int_equal(site_b_check(STATE_TX, true), -EPERM);
	}
	assert_int_equal(chmod(fixture_base, 01777), 0);
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
	assert_int_equal(chmod(fixture_base, 0700), 0);
}

/* A symbolic link: what counts is who may change it, and who may rename where it leads. */
static void link_to_the_directory(void **state)
{
	__u64 first, limit;

	(void)state;
	start_new();
	assert_int_equal(fixture_run("mkdir %s/real && mv %s %s/real/state && ln -s real/state %s",
				     fixture_base, fixture_dir, fixture_base, fixture_dir),
			 0);
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
	assert_int_equal(fixture_run("chmod 777 %s/real", fixture_base), 0);
	assert_int_equal(site_b_reserve(true, &first, &limit), -EPERM);
	assert_message("/real, owner ");
	assert_int_equal(fixture_run("chmod 755 %s/real", fixture_base), 0);
	if (geteuid() == 0) {
		assert_int_equal(lchown(fixture_dir, 65534, 65534), 0);
		assert_int_equal(site_b_reserve(true, &first, &limit), -EPERM);
		assert_message(
			"symbolic link, owner 65534: others could make sequence numbers repeat\nhint: rm ");
	}
	assert_int_equal(fixture_run("rm -r %s %s/real", fixture_dir, fixture_base), 0);
}

static void file_of_others_is_refused(void **state)
{
	__u64 first, limit;

	(void)state;
	start_new();
	assert_int_equal(chmod(fixture_path(FINGERPRINT ".tx"), 0620), 0);
	assert_int_equal(site_b_reserve(true, &first, &limit), -EPERM);
	assert_message(".tx: owner ");
	assert_int_equal(chmod(fixture_path(FINGERPRINT ".tx"), 0600), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(fixture_path(FINGERPRINT ".tx"), 65534, 65534), 0);
		assert_int_equal(site_b_reserve(true, &first, &limit), -EPERM);
		assert_message(".tx: owner 65534, permissions 0600: others could make sequence numbers "
			       "repeat\nhint: make");
		assert_int_equal(chown(fixture_path(FINGERPRINT ".tx"), 0, 0), 0);
	}
	assert_reserved(STATE_RANGE, 2 * STATE_RANGE);
}

/* It is of no use to give a directory of others to root alone. */
static void directory_of_others_stays_as_it_is(void **state)
{
	__u64 first, limit;
	char wanted[192];

	(void)state;
	assert_int_equal(mkdir(fixture_dir, 0700), 0);
	assert_int_equal(chmod(fixture_dir, 01777), 0);
	snprintf(wanted, sizeof(wanted),
		 "hint: a new directory gets the right permissions: --state-dir %s/xdpsec", fixture_dir);
	assert_int_equal(site_b_reserve(true, &first, &limit), -EPERM);
	assert_message(wanted);
}

static void directory_that_is_a_file_is_refused(void **state)
{
	__u64 first, limit;

	(void)state;
	fixture_write(fixture_dir, "", 0);
	assert_int_equal(site_b_reserve(true, &first, &limit), -ENOTDIR);
	assert_message(": Not a directory");
	assert_int_equal(site_b_receive(&first), -ENOTDIR);
}

#define TEST(function) cmocka_unit_test_setup(function, fixture_clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_changed_byte_is_noticed),
		TEST(every_truncation_is_noticed),
		TEST(copy_under_another_name_is_noticed),
		TEST(link_is_not_followed),
		TEST(others_cannot_read_or_write),
		TEST(open_directory_is_refused),
		TEST(directory_in_an_open_one_is_refused),
		TEST(link_to_the_directory),
		TEST(file_of_others_is_refused),
		TEST(directory_of_others_stays_as_it_is),
		TEST(directory_that_is_a_file_is_refused),
		TEST(earlier_version_goes_on),
		TEST(later_version_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("damaged state files", tests, fixture_make, fixture_remove);
}
