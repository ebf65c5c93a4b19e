// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rules of nftables, as nft prints them in JSON, judged for the packet of a key agreement: what passes, what is dropped
 * and where, and what cannot be told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include <json-c/json.h>

#include "base/array.h"
#include "base/prefix.h"
#include "net/ruleset.h"

#define UDP_PORT(port)                                                                                       \
	"{\"match\":{\"op\":\"==\",\"left\":{\"payload\":{\"protocol\":\"udp\",\"field\":\"dport\"}},"       \
	"\"right\":" port "}}"
#define STATE_MAP(data) "{\"vmap\":{\"key\":{\"ct\":{\"key\":\"state\"}},\"data\":" data "}}"
#define STATE(right)                                                                                         \
	"{\"match\":{\"op\":\"in\",\"left\":{\"ct\":{\"key\":\"state\"}},\"right\":\"" right "\"}}"
#define SOURCE(op, right)                                                                                    \
	"{\"match\":{\"op\":\"" op "\",\"left\":{\"payload\":{\"protocol\":\"ip\",\"field\":\"saddr\"}},"    \
	"\"right\":" right "}}"
#define META(key, right)                                                                                     \
	"{\"match\":{\"op\":\"==\",\"left\":{\"meta\":{\"key\":\"" key "\"}},\"right\":" right "}}"
#define DROP "{\"drop\":null}"
#define ACCEPT "{\"accept\":null}"
#define LIMIT "{\"limit\":{\"rate\":10,\"per\":\"second\"}}"

/* One rule in a base chain of the hook input, whose policy is given, and a chain "other" that drops. */
static const struct {
	const char *policy, *rule;
	enum ruleset_answer answer;
} rules[] = {
	{ "accept", NULL, RULESET_PASSES },
	{ "drop", NULL, RULESET_DROPS },
	{ "accept", DROP, RULESET_DROPS },
	{ "accept", "{\"reject\":{\"type\":\"icmpx\",\"expr\":\"port-unreachable\"}}", RULESET_DROPS },
	{ "drop", ACCEPT, RULESET_PASSES },
	/* ports */
	{ "accept", UDP_PORT("7253") "," DROP, RULESET_DROPS },
	{ "accept", UDP_PORT("7254") "," DROP, RULESET_PASSES },
	{ "drop", UDP_PORT("{\"range\":[7000,7999]}") "," ACCEPT, RULESET_PASSES },
	{ "drop", UDP_PORT("{\"range\":[8000,8999]}") "," ACCEPT, RULESET_DROPS },
	{ "drop", UDP_PORT("{\"set\":[53,7253]}") "," ACCEPT, RULESET_PASSES },
	{ "drop", UDP_PORT("{\"set\":[53,{\"range\":[1,9]}]}") "," ACCEPT, RULESET_DROPS },
	{ "accept", UDP_PORT("\"@ports\"") "," DROP, RULESET_UNCERTAIN },
	{ "drop", UDP_PORT("\"@ports\"") "," ACCEPT, RULESET_UNCERTAIN },
	/* Uncertain whether it is accepted, and it is anyhow. */
	{ "accept", UDP_PORT("\"@ports\"") "," ACCEPT, RULESET_PASSES },
	{ "drop", UDP_PORT("\"@ports\"") "," DROP, RULESET_DROPS },
	/* TCP is not UDP, whatever is compared. */
	{ "accept",
	  "{\"match\":{\"op\":\"!=\",\"left\":{\"payload\":{\"protocol\":\"tcp\",\"field\":\"dport\"}},"
	  "\"right\":22}}," DROP,
	  RULESET_PASSES },
	/* addresses */
	{ "accept", SOURCE("==", "\"198.51.100.1\"") "," DROP, RULESET_DROPS },
	{ "accept", SOURCE("!=", "\"198.51.100.1\"") "," DROP, RULESET_PASSES },
	{ "accept", SOURCE("==", "{\"prefix\":{\"addr\":\"198.51.100.0\",\"len\":24}}") "," DROP,
	  RULESET_DROPS },
	{ "accept", SOURCE("==", "{\"prefix\":{\"addr\":\"198.51.100.0\",\"len\":32}}") "," DROP,
	  RULESET_PASSES },
	{ "accept", SOURCE("==", "{\"range\":[\"198.51.100.0\",\"198.51.100.9\"]}") "," DROP,
	  RULESET_UNCERTAIN },
	/* devices and protocols */
	{ "accept", META("iifname", "\"eth0\"") "," DROP, RULESET_DROPS },
	{ "accept", META("iifname", "\"eth*\"") "," DROP, RULESET_DROPS },
	{ "accept", META("iifname", "\"lo\"") "," DROP, RULESET_PASSES },
	{ "accept", META("l4proto", "{\"set\":[\"icmp\",\"ipv6-icmp\"]}") "," DROP, RULESET_PASSES },
	{ "accept", META("l4proto", "\"udp\"") "," DROP, RULESET_DROPS },
	{ "accept", META("mark", "1") "," DROP, RULESET_UNCERTAIN },
	/* states: the packet is an answer */
	{ "drop", STATE_MAP("{\"set\":[[\"established\",{\"accept\":null}],[\"invalid\",{\"drop\":null}]]}"),
	  RULESET_PASSES },
	{ "accept", STATE_MAP("{\"set\":[[\"new\",{\"accept\":null}],[\"established\",{\"drop\":null}]]}"),
	  RULESET_DROPS },
	{ "accept", STATE_MAP("\"@states\""), RULESET_UNCERTAIN },
	/* ... unless a rule keeps it from conntrack, which any chain may have */
	{ "drop", STATE("untracked") "," ACCEPT, RULESET_DROPS },
	{ "drop", "{\"notrack\":null}," STATE("untracked") "," ACCEPT, RULESET_UNCERTAIN },
	{ "accept", "{\"notrack\":null}," DROP, RULESET_DROPS },
	/* other chains */
	{ "accept", "{\"jump\":{\"target\":\"other\"}}", RULESET_DROPS },
	{ "accept", "{\"goto\":{\"target\":\"other\"}}", RULESET_DROPS },
	{ "accept", "{\"jump\":{\"target\":\"in\"}}", RULESET_UNCERTAIN },
	{ "drop", "{\"return\":null}", RULESET_DROPS },
	/* what matches nothing, and what is not known */
	{ "accept", "{\"counter\":{\"packets\":0,\"bytes\":0}},{\"log\":null}", RULESET_PASSES },
	{ "accept", "{\"counter\":{\"packets\":0,\"bytes\":0}}," DROP, RULESET_DROPS },
	{ "accept", LIMIT "," DROP, RULESET_UNCERTAIN },
	{ "drop", LIMIT "," ACCEPT, RULESET_UNCERTAIN },
	{ "accept", "{\"xt\":{\"type\":\"target\",\"name\":\"HMARK\"}}", RULESET_UNCERTAIN },
};

static struct json_object *make_ruleset(const char *policy, const char *rule)
{
	char text[4096];
	struct json_object *parsed;

	snprintf(text, sizeof(text),
		 "[{\"metainfo\":{}},{\"table\":{\"family\":\"inet\",\"name\":\"f\"}},"
		 "{\"chain\":{\"family\":\"inet\",\"table\":\"f\",\"name\":\"in\",\"type\":\"filter\","
		 "\"hook\":\"input\","
		 "\"prio\":0,\"policy\":\"%s\"}},{\"chain\":{\"family\":\"inet\",\"table\":\"f\",\"name\":"
		 "\"other\"}},"
		 "{\"rule\":{\"family\":\"inet\",\"table\":\"f\",\"chain\":\"other\",\"handle\":9,\"expr\":"
		 "[" DROP "]}}"
		 "%s%s%s]",
		 policy,
		 rule ? ",{\"rule\":{\"family\":\"inet\",\"table\":\"f\",\"chain\":\"in\",\"handle\":5,"
			"\"expr\":["
		      : "",
		 rule ?: "", rule ? "]}}" : "");
	parsed = json_tokener_parse(text);
	if (!parsed)
		print_error("%s\n", text);
	assert_non_null(parsed);
	return parsed;
}

static void put_ipv4(unsigned char address[16], const char *text)
{
	unsigned char bytes[4];

	assert_int_equal(inet_pton(AF_INET, text, bytes), 1);
	address_map_ipv4(address, bytes);
}

static struct ruleset_packet make_packet(void)
{
	struct ruleset_packet packet = {
		.source_port = 7253, .port = 7253, .in = "eth0", .state = "established"
	};

	put_ipv4(packet.source, "198.51.100.1");
	put_ipv4(packet.destination, "192.0.2.1");
	return packet;
}

static void judge_rules(void **state)
{
	struct ruleset_packet packet = make_packet();
	struct ruleset_chain chain;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		struct json_object *ruleset = make_ruleset(rules[i].policy, rules[i].rule);
		enum ruleset_answer answer = ruleset_judge(ruleset, "input", &packet, &chain);

		if (answer != rules[i].answer)
			print_error("policy %s, rule %s: %d\n", rules[i].policy, rules[i].rule, answer);
		assert_int_equal(answer, rules[i].answer);
		json_object_put(ruleset);
	}
}

/* The base chain is named, and the rule or, with 0, the policy. */
static void names_the_chain(void **state)
{
	struct ruleset_packet packet = make_packet();
	struct json_object *by_rule = make_ruleset("accept", DROP), *by_policy = make_ruleset("drop", NULL);
	struct ruleset_chain chain;

	(void)state;
	assert_int_equal(ruleset_judge(by_rule, "input", &packet, &chain), RULESET_DROPS);
	assert_string_equal(chain.family, "inet");
	assert_string_equal(chain.table, "f");
	assert_string_equal(chain.name, "in");
	assert_int_equal(chain.handle, 5);
	assert_int_equal(ruleset_judge(by_policy, "input", &packet, &chain), RULESET_DROPS);
	assert_int_equal(chain.handle, 0);
	json_object_put(by_rule);
	json_object_put(by_policy);
}

/* Chains of another hook, or of IPv6 alone, do not see the packet. */
static void others_do_not_see_it(void **state)
{
	struct ruleset_packet packet = make_packet();
	struct json_object *ruleset = make_ruleset("drop", NULL), *chain;
	struct ruleset_chain found;

	(void)state;
	assert_int_equal(ruleset_judge(ruleset, "output", &packet, &found), RULESET_PASSES);
	assert_true(json_object_object_get_ex(json_object_array_get_idx(ruleset, 2), "chain", &chain));
	json_object_object_add(chain, "family", json_object_new_string("ip6"));
	assert_int_equal(ruleset_judge(ruleset, "input", &packet, &found), RULESET_PASSES);
	json_object_object_add(chain, "family", json_object_new_string("ip"));
	assert_int_equal(ruleset_judge(ruleset, "input", &packet, &found), RULESET_DROPS);
	json_object_put(ruleset);
}

/* The policy "drop" of a chain with these lines, in a table with those. */
static enum ruleset_answer judge_base(const char *table, const char *chain, const char *hook,
				      const struct ruleset_packet *packet)
{
	struct ruleset_chain found;
	struct json_object *ruleset;
	enum ruleset_answer answer;
	char text[1024];

	snprintf(text, sizeof(text),
		 "[{\"table\":{\"family\":\"inet\",\"name\":\"f\"%s}},{\"chain\":{\"family\":\"inet\","
		 "\"table\":\"f\",\"name\":\"c\",\"hook\":\"%s\",\"policy\":\"drop\"%s}}]",
		 table, hook, chain);
	ruleset = json_tokener_parse(text);
	assert_non_null(ruleset);
	answer = ruleset_judge(ruleset, hook, packet, &found);
	json_object_put(ruleset);
	return answer;
}

static void dormant_tables_do_not_see_it(void **state)
{
	static const struct {
		const char *flags;
		enum ruleset_answer answer;
	} tables[] = {
		{ "", RULESET_DROPS },
		{ ",\"flags\":\"dormant\"", RULESET_PASSES },
		{ ",\"flags\":[\"owner\",\"dormant\"]", RULESET_PASSES },
		{ ",\"flags\":[\"owner\",\"persist\"]", RULESET_DROPS },
		/* as nft 1.0.6 prints any flag: the name of the table */
		{ ",\"flags\":\"f\"", RULESET_UNCERTAIN },
	};
	struct ruleset_packet packet = make_packet();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		assert_int_equal(judge_base(tables[i].flags, "", "input", &packet), tables[i].answer);
}

static void other_devices_do_not_see_it(void **state)
{
	static const struct {
		const char *device;
		enum ruleset_answer answer;
	} chains[] = {
		{ ",\"dev\":\"eth0\"", RULESET_DROPS },
		{ ",\"dev\":\"eth1\"", RULESET_PASSES },
		{ ",\"dev\":[\"eth1\",\"eth0\"]", RULESET_DROPS },
		{ ",\"dev\":[\"eth1\",\"eth2\"]", RULESET_PASSES },
		/* as nft 1.0.6 prints them */
		{ "", RULESET_UNCERTAIN },
	};
	struct ruleset_packet packet = make_packet(), leaving = make_packet();

	(void)state;
	leaving.in = NULL;
	leaving.out = "eth0";
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		assert_int_equal(judge_base("", chains[i].device, "ingress", &packet), chains[i].answer);
		assert_int_equal(judge_base("", chains[i].device, "egress", &leaving), chains[i].answer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judge_rules),
		cmocka_unit_test(names_the_chain),
		cmocka_unit_test(others_do_not_see_it),
		cmocka_unit_test(dormant_tables_do_not_see_it),
		cmocka_unit_test(other_devices_do_not_see_it),
	};

	return cmocka_run_group_tests_name("rules of nftables", tests, NULL, NULL);
}
