// SPDX-License-Identifier: GPL-2.0-or-later
/* Adding, finding and deleting the rules, and choosing their table. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "base/message.h"
#include "device/rule.h"
#include "net/netlink.h"

/* Before the rule of the main table, and after those of others: for a VRF, or for a source. */
#define PRIORITY_MAIN 32764
#define PRIORITY_TABLE 32765
/* The first table number of wg-quick, and how many are tried. */
#define TABLE_FIRST 51820
#define TABLES 200
#define NO_SUPPRESSION 0xffffffffU

struct rule {
	unsigned char family;
	unsigned int priority, table, mark, suppress;
	unsigned char protocol;
	bool inverted;
};

bool rules_wanted(const struct config *config, bool ipv6)
{
	if (config->mode != MODE_TUNNEL || config->tunnel.no_routes)
		return false;
	for (const struct peer_config *peer = config->peers; peer < config->peers + config->n_peers; peer++)
		for (size_t i = 0; i < peer->n_prefixes; i++)
			if (prefix_is_default(&peer->prefixes[i]) &&
			    prefix_is_ipv4(&peer->prefixes[i]) != ipv6)
				return true;
	return false;
}

static int parse_rule_attribute(const struct nlattr *attribute, void *data)
{
	struct rule *rule = data;

	if (mnl_attr_get_type(attribute) == FRA_PROTOCOL && mnl_attr_validate(attribute, MNL_TYPE_U8) == 0)
		rule->protocol = mnl_attr_get_u8(attribute);
	if (mnl_attr_validate(attribute, MNL_TYPE_U32) != 0)
		return MNL_CB_OK;
	switch (mnl_attr_get_type(attribute)) {
	case FRA_PRIORITY:
		rule->priority = mnl_attr_get_u32(attribute);
		break;
	case FRA_TABLE:
		rule->table = mnl_attr_get_u32(attribute);
		break;
	case FRA_FWMARK:
		rule->mark = mnl_attr_get_u32(attribute);
		break;
	case FRA_SUPPRESS_PREFIXLEN:
		rule->suppress = mnl_attr_get_u32(attribute);
		break;
	}
	return MNL_CB_OK;
}

struct rule_listing {
	void (*each)(const struct rule *rule, void *data);
	void *data;
};

static int parse_rule(const struct nlmsghdr *message, void *data)
{
	const struct fib_rule_hdr *header = mnl_nlmsg_get_payload(message);
	struct rule rule = { .family = header->family, .suppress = NO_SUPPRESSION };
	struct rule_listing *listing = data;

	rule.inverted = header->flags & FIB_RULE_INVERT;
	mnl_attr_parse(message, sizeof(*header), parse_rule_attribute, &rule);
	listing->each(&rule, listing->data);
	return MNL_CB_OK;
}

static int list_rules(unsigned char family, void (*each)(const struct rule *rule, void *data), void *data)
{
	struct rule_listing listing = { each, data };
	char buffer[512];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct fib_rule_hdr *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

	request->nlmsg_type = RTM_GETRULE;
	request->nlmsg_flags = NLM_F_DUMP;
	header->family = family;
	return netlink_talk(request, parse_rule, &listing);
}

/*
 * Add or delete a rule. Its protocol is the kernel's: when systemd-networkd starts, it removes rules of other
 * protocols that it does not know (networkd.conf, ManageForeignRoutingPolicyRules), and everything would
 * leave in clear.
 */
static int change_rule(const struct rule *rule, bool add)
{
	char buffer[512];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct fib_rule_hdr *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	int err;

	request->nlmsg_type = add ? RTM_NEWRULE : RTM_DELRULE;
	request->nlmsg_flags = add ? NLM_F_CREATE | NLM_F_EXCL : 0;
	header->family = rule->family;
	header->action = FR_ACT_TO_TBL;
	header->flags = rule->inverted ? FIB_RULE_INVERT : 0;
	mnl_attr_put_u32(request, FRA_PRIORITY, rule->priority);
	mnl_attr_put_u32(request, FRA_TABLE, rule->table);
	mnl_attr_put_u32(request, FRA_FWMARK, rule->mark);
	mnl_attr_put_u32(request, FRA_FWMASK, 0xffffffff);
	if (rule->suppress != NO_SUPPRESSION)
		mnl_attr_put_u32(request, FRA_SUPPRESS_PREFIXLEN, rule->suppress);
	mnl_attr_put_u8(request, FRA_PROTOCOL, rule->protocol);
	err = netlink_talk(request, NULL, NULL);
	/* The rule was already there, or already gone. */
	return err == (add ? -EEXIST : -ENOENT) ? 0 : err;
}

static struct rule rule_main(unsigned char family, __u32 mark)
{
	return (struct rule){
		.family = family,
		.priority = PRIORITY_MAIN,
		.table = RT_TABLE_MAIN,
		.mark = mark,
		.protocol = RTPROT_KERNEL,
		.inverted = true,
	};
}

static struct rule rule_table(unsigned char family, unsigned int table, __u32 mark)
{
	return (struct rule){
		.family = family,
		.priority = PRIORITY_TABLE,
		.table = table,
		.mark = mark,
		.suppress = NO_SUPPRESSION,
		.protocol = RTPROT_KERNEL,
		.inverted = true,
	};
}

/* Only one tunnel of a namespace has a default route, so the rule for the main table is recognized by its
 * form. */
static bool rule_is_ours(const struct rule *rule, unsigned int table)
{
	if (!rule->inverted || rule->protocol != RTPROT_KERNEL)
		return false;
	return (rule->priority == PRIORITY_TABLE && rule->table == table) ||
	       (rule->priority == PRIORITY_MAIN && rule->table == RT_TABLE_MAIN && !rule->suppress);
}

struct ours {
	unsigned int table;
	struct rule rules[16];
	size_t n;
};

static void collect_rule(const struct rule *rule, void *data)
{
	struct ours *ours = data;

	if (rule_is_ours(rule, ours->table) && ours->n < sizeof(ours->rules) / sizeof(ours->rules[0]))
		ours->rules[ours->n++] = *rule;
}

static int find_ours(unsigned char family, unsigned int table, struct ours *ours)
{
	int err, tries = 8;

	/* The rules may change during a listing. */
	do {
		*ours = (struct ours){ .table = table };
		err = list_rules(family, collect_rule, ours);
	} while (err == -EINTR && --tries);
	/* The kernel has no IPv6, or no rules for it. */
	return err == -EAFNOSUPPORT || err == -EOPNOTSUPP ? 0 : err;
}

static int rules_failed(const char *what, int err)
{
	return fail(-err, "cannot %s the routing rules for the default route into the tunnel: %s", what,
		    strerror(-err));
}

/* The rule for main is added first and deleted last, as it does not change the way of any packet. */
static int add_family(unsigned char family, unsigned int table, __u32 mark)
{
	struct rule main = rule_main(family, mark), own = rule_table(family, table, mark);
	int err = change_rule(&main, true);

	if (!err)
		err = change_rule(&own, true);
	return err ? rules_failed("add", err) : 0;
}

/* Delete all rules except those with the mark keep; 0: all. */
static int delete_family(unsigned char family, unsigned int table, __u32 keep)
{
	struct ours ours;
	int err = find_ours(family, table, &ours), step;

	for (int pass = 0; !err && pass < 2; pass++)
		for (size_t i = 0; i < ours.n; i++) {
			if ((ours.rules[i].priority == PRIORITY_TABLE) == pass ||
			    (keep && ours.rules[i].mark == keep))
				continue;
			step = change_rule(&ours.rules[i], false);
			err = err ?: step;
		}
	return err ? rules_failed("remove", err) : 0;
}

static int add_missing_rules(const struct config *config, unsigned int table, bool ipv6)
{
	if (!rules_wanted(config, ipv6) || rules_are_there(table, config->tunnel.mark, ipv6))
		return 0;
	return add_family(ipv6 ? AF_INET6 : AF_INET, table, config->tunnel.mark);
}

int rules_set(const struct config *config, unsigned int table)
{
	int err = 0;

	for (int ipv6 = 0; !err && ipv6 < 2; ipv6++) {
		err = delete_family(ipv6 ? AF_INET6 : AF_INET, table,
				    rules_wanted(config, ipv6) ? config->tunnel.mark : 0);
		if (!err)
			err = add_missing_rules(config, table, ipv6);
	}
	return err;
}

int rules_delete(unsigned int table)
{
	int err, step;

	if (!table)
		return 0;
	err = delete_family(AF_INET, table, 0);
	step = delete_family(AF_INET6, table, 0);
	return err ?: step;
}

bool rules_are_there(unsigned int table, __u32 mark, bool ipv6)
{
	unsigned int found = 0;
	struct ours ours;

	if (find_ours(ipv6 ? AF_INET6 : AF_INET, table, &ours))
		return false;
	for (size_t i = 0; i < ours.n; i++)
		if (ours.rules[i].mark == mark)
			found |= ours.rules[i].priority == PRIORITY_MAIN ? 1 : 2;
	return found == 3;
}

struct table_search {
	unsigned int table;
	bool used;
};

static void note_use(const struct rule *rule, void *data)
{
	struct table_search *search = data;

	search->used = search->used || rule->table == search->table;
}

static int note_table(const struct nlmsghdr *message, void *data)
{
	(void)message;
	*(bool *)data = true;
	return MNL_CB_OK;
}

static int has_routes(unsigned char family, unsigned int table, bool *used)
{
	char buffer[512];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct rtmsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	int err;

	request->nlmsg_type = RTM_GETROUTE;
	request->nlmsg_flags = NLM_F_DUMP;
	header->rtm_family = family;
	mnl_attr_put_u32(request, RTA_TABLE, table);
	err = netlink_talk(request, note_table, used);
	/* The table does not exist yet, or there is no IPv6. */
	return err == -ENOENT || err == -EAFNOSUPPORT || err == -EOPNOTSUPP ? 0 : err;
}

static int table_is_used(struct table_search *search)
{
	static const unsigned char families[] = { AF_INET, AF_INET6 };
	int err = 0;

	search->used = false;
	for (int i = 0; !err && i < 2; i++) {
		err = has_routes(families[i], search->table, &search->used);
		if (!err)
			err = list_rules(families[i], note_use, search);
		if (err == -EAFNOSUPPORT || err == -EOPNOTSUPP)
			err = 0;
	}
	return err;
}

int rules_find_table(unsigned int *table)
{
	struct table_search search = {};
	int err;

	for (search.table = TABLE_FIRST; search.table < TABLE_FIRST + TABLES; search.table++) {
		err = table_is_used(&search);
		if (err && err != -EINTR)
			return fail(-err, "cannot list the routing tables: %s", strerror(-err));
		if (!err && !search.used) {
			*table = search.table;
			return 0;
		}
	}
	return fail(ENOSPC, "no routing table is free, from %d on", TABLE_FIRST);
}
