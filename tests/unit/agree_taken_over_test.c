// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A process that has taken over the agent: with nothing but the agent's descriptors it can touch no manual peer, with the
 * agent's sandbox around it or without.
 */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/capability.h>
#include <bpf/bpf.h>

#include "unit.h"
#include "agent/landlock.h"
#include "agent/sandbox.h"
#include "agent/seccomp.h"
#include "agree_rig.h"

#define TRY(what)                                                                                            \
	do {                                                                                                 \
		if (!(what)) {                                                                               \
			fprintf(stderr, "# line %d: %s\n", __LINE__, #what);                                 \
			return 1;                                                                            \
		}                                                                                            \
	} while (0)

static bool is_refused(int result)
{
	return result < 0 && (errno == EPERM || errno == EACCES);
}

static int try_maps(void)
{
	uint32_t zero = 0, slot = MANUAL_RX, spi = tunnel_sas[TUNNEL_RX(TUNNEL_B)].spi;
	static uint8_t value[2048];

	for (int i = 0; i < AGREE_MAPS; i++) {
		TRY(is_refused(bpf_map_update_elem(agent.maps[i], &zero, value, BPF_ANY)));
		TRY(is_refused(bpf_map_update_elem(agent.maps[i], &slot, value, BPF_ANY)));
		TRY(is_refused(bpf_map_delete_elem(agent.maps[i], &spi)));
	}
	/* An agent can read the maps that it has to. */
	TRY(bpf_map_lookup_elem(agent.maps[AGREE_SPIS], &spi, &slot) == 0);
	TRY(bpf_map_lookup_elem(agent.maps[AGREE_PEERS], &zero, value) == 0);
	TRY(bpf_obj_get("/sys/fs/bpf/xdpsec/unit/maps/sas") < 0);
	TRY(bpf_obj_get("/sys/fs/bpf/sas") < 0);
	TRY(is_refused(bpf_map_get_fd_by_id(1)));
	TRY(is_refused(bpf_prog_get_fd_by_id(1)));
	TRY(is_refused(bpf_map_create(BPF_MAP_TYPE_ARRAY, "mine", 4, 4, 1, NULL)));
	return 0;
}

static int try_programs(void)
{
	static const uint32_t slots[] = { MANUAL_TX, MANUAL_RX, MANUAL_TX + 1, MANUAL_RX + 1 };
	const struct xdpsec_location at = { .port = 1 };
	const struct xdpsec_source from = {};

	for (size_t i = 0; i < ARRAY_SIZE(slots); i++) {
		struct agreement_sa sa = agreed_sa(slots[i], 1);
		struct agreement_key key = { .length = 16 };
		__u64 id;

		TRY(agree_install(&agent, &sa, "aes", &key, &id) == -EPERM);
		sa.record.key_hash = 0;
		TRY(agree_install(&agent, &sa, "aes", &key, &id) == -EPERM);
		TRY(agree_link(&agent, slots[i]) == -ENOENT);
		TRY(agree_unlink(&agent, slots[i]) == -ENOENT);
		TRY(agree_erase(&agent, slots[i]) == -ENOENT);
		TRY(agree_note(&agent, slots[i], &sa.record) == -ENOENT);
	}
	TRY(agree_endpoint(&agent, TUNNEL_B, &at, &from) == -EPERM);
	TRY(agree_keepalive(&agent, TUNNEL_B) == -EPERM);
	return 0;
}

/* Whatever an agent may do, it can do without any capability. */
static int try_own_peer(void)
{
	static struct agreement_activity activity[TUNNEL_PEERS];
	static struct agreement_record records[XDPSEC_MAX_SAS];
	struct agreement_sa sa = agreed_sa(AGREED_RX, 1);
	struct agreement_key key = { .length = 16 };
	const __u32 first = 0;
	size_t n;
	__u64 id;

	TRY(agree_install(&agent, &sa, "aes", &key, &id) == 0);
	TRY(agree_link(&agent, AGREED_RX) == 0);
	TRY(agree_read_records(&agent, records, &n) == 0 && n == 1);
	TRY(agree_read_activity(&agent, activity, TUNNEL_PEERS) == 0);
	TRY(agree_events(&agent) >= 0);
	TRY(agree_unlink(&agent, AGREED_RX) == 0);
	TRY(agree_grace(&agent) == 0);
	TRY(bpf_map_update_elem(agent.outer, &first, &agent.inner, BPF_ANY) == 0);
	TRY(agree_erase(&agent, AGREED_RX) == 0);
	TRY(agree_asking(&agent, 4711, true) == 0);
	TRY(agree_asking(&agent, 4711, false) == 0);
	return 0;
}

static int drop_everything(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	TRY(setgroups(0, NULL) == 0);
	TRY(setresgid(65534, 65534, 65534) == 0);
	TRY(setresuid(65534, 65534, 65534) == 0);
	TRY(syscall(SYS_capget, &header, data) == 0);
	TRY(!data[0].effective && !data[1].effective && !data[0].permitted && !data[1].permitted);
	return 0;
}

/* As the agent does it. Without it only the descriptors and the programs refuse. */
static int enter_sandbox(void)
{
	struct agent_user user;

	TRY(sandbox_find_user(&user) == 0);
	TRY(sandbox_leave_root(&user) == 0);
	TRY(landlock_enter(NULL, 0) == 0);
	TRY(seccomp_enter(SECCOMP_AGENT) == 0);
	return 0;
}

static int taken_over(bool manual, bool sandbox)
{
	int failed = sandbox ? enter_sandbox() : drop_everything();

	if (!failed && manual)
		failed = try_maps() ?: try_programs();
	return failed ?: manual ? failed : try_own_peer();
}

static void run_taken_over(bool manual, bool sandbox)
{
	pid_t child = fork();
	int status;

	assert_return_code(child, errno);
	if (!child)
		_exit(taken_over(manual, sandbox));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* The setting of the laboratory's kernels, and the strictest there is. 2 can be changed back. */
static int unprivileged_bpf(int value)
{
	static const char path[] = "/proc/sys/kernel/unprivileged_bpf_disabled";
	FILE *file = fopen(path, "r+");
	int before = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%d", &before) != 1)
		before = -1;
	rewind(file);
	fprintf(file, "%d\n", value);
	fclose(file);
	return before;
}

static void take_over(bool sandbox)
{
	int before = unprivileged_bpf(2);
	struct snapshot *first = snapshot_take(true), *after;

	run_taken_over(true, sandbox);
	after = snapshot_take(true);
	assert_true(snapshot_is_same(first, after));
	run_taken_over(false, sandbox);
	snapshot_free(first);
	snapshot_free(after);
	if (before >= 0)
		unprivileged_bpf(before);
}

static void test_taken_over(void **state)
{
	(void)state;
	take_over(false);
}

static void test_taken_over_in_sandbox(void **state)
{
	(void)state;
	take_over(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_taken_over, agree_reset),
		cmocka_unit_test_setup(test_taken_over_in_sandbox, agree_reset),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("taken over", tests, agree_setup, agree_teardown);
}
