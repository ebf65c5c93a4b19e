// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Flowtables as the kernel lists them, byte by byte as nf_tables_fill_flowtable_info() puts it
 * (net/netfilter/nf_tables_api.c). Few kernels that run tests have flowtables, and only newer ones have names with a
 * wildcard. So the answer of the kernel is given here.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "unit.h"
#include "net/flowtable.h"

#define DEVICE_NAME 1
#define DEVICE_PREFIX 2

/* A flowtable: its devices, and which are prefixes. */
struct table {
	const char *names[4];
	bool prefix[4];
};

static const struct table *tables;
static size_t n_tables;
static bool done;
static __u32 sequence;

/* In place of those of libmnl. */
struct mnl_socket *mnl_socket_open2(int bus, int flags)
{
	(void)flags;
	assert_int_equal(bus, NETLINK_NETFILTER);
	done = false;
	return (struct mnl_socket *)&done;
}

int mnl_socket_bind(struct mnl_socket *nl, unsigned int groups, pid_t pid)
{
	(void)nl, (void)groups, (void)pid;
	return 0;
}

int mnl_socket_close(struct mnl_socket *nl)
{
	(void)nl;
	return 0;
}

unsigned int mnl_socket_get_portid(const struct mnl_socket *nl)
{
	(void)nl;
	return 7;
}

ssize_t mnl_socket_sendto(const struct mnl_socket *nl, const void *request, size_t size)
{
	const struct nlmsghdr *header = request;

	(void)nl;
	assert_int_equal(header->nlmsg_type, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETFLOWTABLE);
	sequence = header->nlmsg_seq;
	return (ssize_t)size;
}

static struct nlmsghdr *begin(void *buffer, __u16 type)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);

	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_MULTI;
	header->nlmsg_seq = sequence;
	header->nlmsg_pid = 7;
	return header;
}

static void put_table(struct nlmsghdr *header, const struct table *table)
{
	struct nlattr *hook, *list;

	mnl_nlmsg_put_extra_header(header, sizeof(struct nfgenmsg));
	mnl_attr_put_strz(header, NFTA_FLOWTABLE_NAME, "fast");
	hook = mnl_attr_nest_start(header, NFTA_FLOWTABLE_HOOK);
	list = mnl_attr_nest_start(header, NFTA_FLOWTABLE_HOOK_DEVS);
	for (size_t i = 0; i < ARRAY_SIZE(table->names) && table->names[i]; i++)
		mnl_attr_put_strz(header, table->prefix[i] ? DEVICE_PREFIX : DEVICE_NAME, table->names[i]);
	mnl_attr_nest_end(header, list);
	mnl_attr_nest_end(header, hook);
}

ssize_t mnl_socket_recvfrom(const struct mnl_socket *nl, void *buffer, size_t size)
{
	struct nlmsghdr *header;
	char *at = buffer;

	(void)nl, (void)size;
	for (size_t i = 0; i < n_tables; i++) {
		header = begin(at, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWFLOWTABLE);
		put_table(header, &tables[i]);
		at += header->nlmsg_len;
	}
	header = begin(at, NLMSG_DONE);
	mnl_nlmsg_put_extra_header(header, sizeof(int));
	return at + header->nlmsg_len - (char *)buffer;
}

static const char *missing_of(const struct table *given, size_t n)
{
	static const char *const devices[] = { "lan0", "eth0", "xs0" };
	const char *missing = NULL;

	tables = given;
	n_tables = n;
	assert_int_equal(flowtable_find(devices, ARRAY_SIZE(devices), &missing), 0);
	return missing;
}

static void test_names(void **state)
{
	const struct table all = { .names = { "lan0", "eth0", "xs0" } },
			   other = { .names = { "lan0", "eth1" } }, lacks = { .names = { "lan0", "eth0" } };
	const struct table two[] = { other, lacks };

	(void)state;
	assert_string_equal(missing_of(NULL, 0), "lan0");
	assert_null(missing_of(&all, 1));
	assert_string_equal(missing_of(&lacks, 1), "xs0");
	assert_string_equal(missing_of(two, ARRAY_SIZE(two)), "xs0");
}

/* devices = { "lan*", eth0, "xs*" } */
static void test_wildcards(void **state)
{
	const struct table all = { .names = { "lan", "eth0", "xs" }, .prefix = { true, false, true } },
			   longer = { .names = { "lan", "eth0", "xs00" }, .prefix = { true, false, true } },
			   no_prefix = { .names = { "lan", "eth0", "xs0" } };

	(void)state;
	assert_null(missing_of(&all, 1));
	assert_string_equal(missing_of(&longer, 1), "xs0");
	assert_string_equal(missing_of(&no_prefix, 1), "lan0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_wildcards),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("flowtables", tests, NULL, NULL);
}
