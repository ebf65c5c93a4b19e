// SPDX-License-Identifier: GPL-2.0-or-later
/* Running nft, and walking through the chains of its answer. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <json-c/json.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/prefix.h"
#include "net/ruleset.h"
#include "net/ruleset_match.h"

/* Chains that call each other: the kernel has NFT_JUMP_STACK_SIZE. */
#define JUMPS_MAX 16

#define RULESET_BYTES_MAX (16 << 20)

/* A walk through a base chain and the chains that it calls. */
struct walk {
	struct json_object *objects; /* all of the ruleset */
	const struct ruleset_packet *packet;
	const char *family, *table;
	int handle;		   /* of the rule that was looked at last */
	bool may_drop, may_accept; /* a rule that could not be judged */
};

enum walk_end { WALK_GOES_ON, WALK_RETURNS, WALK_ACCEPTS, WALK_DROPS };

static void be_uncertain(struct walk *walk)
{
	walk->may_drop = walk->may_accept = true;
}

/* A rule that may match has this verdict. */
static void note_verdict(struct walk *walk, const char *name)
{
	bool drops = strcmp(name, "drop") == 0 || strcmp(name, "reject") == 0;

	/* Other chains may do both. */
	walk->may_accept |= !drops;
	walk->may_drop |= strcmp(name, "accept") != 0;
}

static const char *text_of(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_string(value) : "";
}

static char *read_all(FILE *file)
{
	size_t size = 0, room = 65536;
	char *text = malloc(room), *more;

	while (text) {
		size += fread(text + size, 1, room - size - 1, file);
		if (size + 1 < room || room > RULESET_BYTES_MAX)
			break;
		room *= 2;
		more = realloc(text, room);
		if (!more)
			free(text);
		text = more;
	}
	if (text)
		text[size] = '\0';
	return text;
}

/* Start nft; *pid is it. The file has its output; NULL: it cannot be started. */
static FILE *start_nft(pid_t *pid)
{
	/* Its directory is not in every PATH. */
	static const char *const names[] = { "nft", "/usr/sbin/nft" };
	char *arguments[] = { "nft", "-j", "list", "ruleset", NULL };
	posix_spawn_file_actions_t actions;
	int pipes[2], err = ENOENT;

	if (pipe2(pipes, O_CLOEXEC))
		return NULL;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	for (size_t i = 0; i < 2 && err; i++)
		err = posix_spawnp(pid, names[i], &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipes[1]);
	if (err)
		close(pipes[0]);
	return err ? NULL : fdopen(pipes[0], "r");
}

struct json_object *ruleset_read(void)
{
	struct json_object *parsed, *objects = NULL;
	_cleanup_free_ char *text = NULL;
	int status = -1;
	pid_t pid = 0;
	FILE *nft = start_nft(&pid);

	if (!nft)
		return NULL;
	text = read_all(nft);
	fclose(nft);
	if (waitpid(pid, &status, 0) != pid || status || !text)
		return NULL;
	parsed = json_tokener_parse(text);
	if (parsed && json_object_object_get_ex(parsed, "nftables", &objects) &&
	    json_object_is_type(objects, json_type_array))
		json_object_get(objects);
	else
		objects = NULL;
	json_object_put(parsed);
	return objects;
}

bool ruleset_has_legacy(void)
{
	static const char *const files[] = { "/proc/net/ip_tables_names", "/proc/net/ip6_tables_names" };
	bool has = false;

	for (size_t i = 0; i < 2; i++) {
		_cleanup_fclose_ FILE *file = fopen(files[i], "re");

		has |= file && fgetc(file) != EOF;
	}
	return has;
}

static enum walk_end walk_chain(struct walk *walk, const char *chain, int depth);

static enum walk_end call(struct walk *walk, struct json_object *statement, int depth, bool comes_back)
{
	enum walk_end end;

	if (depth >= JUMPS_MAX) {
		be_uncertain(walk);
		return WALK_GOES_ON;
	}
	end = walk_chain(walk, text_of(statement, "target"), depth + 1);
	if (end == WALK_GOES_ON || end == WALK_RETURNS)
		return comes_back ? WALK_GOES_ON : WALK_RETURNS;
	return end;
}

/* A verdict of its own, or one that a map gives. */
static enum walk_end obey(struct walk *walk, const char *name, struct json_object *value, int depth)
{
	if (strcmp(name, "accept") == 0)
		return WALK_ACCEPTS;
	if (strcmp(name, "drop") == 0 || strcmp(name, "reject") == 0)
		return WALK_DROPS;
	if (strcmp(name, "return") == 0)
		return WALK_RETURNS;
	if (strcmp(name, "jump") == 0)
		return call(walk, value, depth, true);
	if (strcmp(name, "goto") == 0)
		return call(walk, value, depth, false);
	return WALK_GOES_ON;
}

static bool is_verdict(const char *name)
{
	static const char *const verdicts[] = { "accept", "drop", "reject", "return", "jump", "goto" };

	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (strcmp(name, verdicts[i]) == 0)
			return true;
	return false;
}

/* "KEY vmap { VALUE : VERDICT }" */
static enum walk_end walk_map(struct walk *walk, struct json_object *map, int depth)
{
	struct json_object *key = NULL, *data = NULL, *set = NULL;

	json_object_object_get_ex(map, "key", &key);
	if (!json_object_object_get_ex(map, "data", &data) || !json_object_is_type(data, json_type_object) ||
	    !json_object_object_get_ex(data, "set", &set)) {
		be_uncertain(walk);
		return WALK_GOES_ON;
	}
	for (size_t i = 0; i < json_object_array_length(set); i++) {
		struct json_object *pair = json_object_array_get_idx(set, i);
		enum ruleset_match match = ruleset_match_value(key, json_object_array_get_idx(pair, 0),
							       walk->packet);

		if (match == MATCH_UNKNOWN)
			be_uncertain(walk);
		if (match != MATCH_YES)
			continue;
		json_object_object_foreach(json_object_array_get_idx(pair, 1), name,
					   value) return obey(walk, name, value, depth);
	}
	return WALK_GOES_ON;
}

/* A rule's statements, until one does not match or gives a verdict. */
static enum walk_end walk_rule(struct walk *walk, struct json_object *statements, int depth)
{
	bool unknown = false;

	for (size_t i = 0; i < json_object_array_length(statements); i++) {
		struct json_object *statement = json_object_array_get_idx(statements, i);

		json_object_object_foreach(statement, name, value)
		{
			enum ruleset_match match = ruleset_match(name, value, walk->packet);

			if (match == MATCH_NO)
				return WALK_GOES_ON;
			unknown |= match == MATCH_UNKNOWN;
			if (strcmp(name, "queue") == 0)
				unknown = true;
			if (!is_verdict(name) && strcmp(name, "vmap") != 0 && strcmp(name, "queue") != 0)
				continue;
			if (unknown) {
				note_verdict(walk, name);
				return WALK_GOES_ON;
			}
			return is_verdict(name) ? obey(walk, name, value, depth)
						: walk_map(walk, value, depth);
		}
	}
	/* A target of iptables-nft is not shown. */
	if (unknown)
		be_uncertain(walk);
	return WALK_GOES_ON;
}

static bool is_of(struct json_object *rule, const struct walk *walk, const char *chain)
{
	return strcmp(text_of(rule, "family"), walk->family) == 0 &&
	       strcmp(text_of(rule, "table"), walk->table) == 0 && strcmp(text_of(rule, "chain"), chain) == 0;
}

static enum walk_end walk_chain(struct walk *walk, const char *chain, int depth)
{
	struct json_object *rule, *statements, *handle;
	enum walk_end end;

	for (size_t i = 0; i < json_object_array_length(walk->objects); i++) {
		if (!json_object_object_get_ex(json_object_array_get_idx(walk->objects, i), "rule", &rule) ||
		    !is_of(rule, walk, chain) || !json_object_object_get_ex(rule, "expr", &statements))
			continue;
		if (json_object_object_get_ex(rule, "handle", &handle))
			walk->handle = json_object_get_int(handle);
		end = walk_rule(walk, statements, depth);
		if (end != WALK_GOES_ON)
			return end;
	}
	return WALK_GOES_ON;
}

static bool is_text(struct json_object *value, const char *text)
{
	return strcmp(json_object_get_string(value) ?: "", text) == 0;
}

/* A value that nft prints alone, or in an array if there are several: the number of those that are the text. */
static size_t count_text(struct json_object *values, const char *text)
{
	size_t n = 0;

	if (!json_object_is_type(values, json_type_array))
		return is_text(values, text);
	for (size_t i = 0; i < json_object_array_length(values); i++)
		n += is_text(json_object_array_get_idx(values, i), text);
	return n;
}

/* Chains of a dormant table see nothing. nft 1.0.6 prints the table's name instead of its flags. */
static enum ruleset_match is_awake(struct json_object *ruleset, struct json_object *chain)
{
	struct json_object *table, *flags;

	for (size_t i = 0; i < json_object_array_length(ruleset); i++) {
		if (!json_object_object_get_ex(json_object_array_get_idx(ruleset, i), "table", &table) ||
		    strcmp(text_of(table, "family"), text_of(chain, "family")) != 0 ||
		    strcmp(text_of(table, "name"), text_of(chain, "table")) != 0 ||
		    !json_object_object_get_ex(table, "flags", &flags))
			continue;
		if (count_text(flags, "dormant"))
			return MATCH_NO;
		return count_text(flags, "owner") + count_text(flags, "persist") ? MATCH_YES : MATCH_UNKNOWN;
	}
	return MATCH_YES;
}

/* nft 1.0.6 does not print the device of a chain of the family inet, nor several devices. */
static enum ruleset_match is_at_device(struct json_object *chain, const char *device)
{
	struct json_object *devices;

	if (!json_object_object_get_ex(chain, "dev", &devices))
		return MATCH_UNKNOWN;
	return device && count_text(devices, device) ? MATCH_YES : MATCH_NO;
}

/* Does the base chain see the packet? */
static enum ruleset_match sees(struct json_object *ruleset, struct json_object *chain, const char *hook,
			       const struct ruleset_packet *packet)
{
	const char *family = text_of(chain, "family");
	enum ruleset_match awake, here = MATCH_YES;

	if (strcmp(text_of(chain, "hook"), hook) != 0)
		return MATCH_NO;
	if (strcmp(hook, "ingress") == 0 || strcmp(hook, "egress") == 0)
		here = is_at_device(chain, packet->in ?: packet->out);
	else if (strcmp(family, "inet") != 0 &&
		 strcmp(family, address_is_ipv4(packet->destination) ? "ip" : "ip6") != 0)
		return MATCH_NO;
	awake = is_awake(ruleset, chain);
	if (here == MATCH_NO || awake == MATCH_NO)
		return MATCH_NO;
	return here == MATCH_YES ? awake : MATCH_UNKNOWN;
}

static enum ruleset_answer judge_chain(struct json_object *ruleset, struct json_object *chain,
				       const struct ruleset_packet *packet, struct ruleset_chain *found)
{
	struct walk walk = { .objects = ruleset,
			     .packet = packet,
			     .family = text_of(chain, "family"),
			     .table = text_of(chain, "table") };
	enum walk_end end = walk_chain(&walk, text_of(chain, "name"), 0);
	bool policy = end == WALK_GOES_ON || end == WALK_RETURNS;
	bool drops = end == WALK_DROPS || (policy && strcmp(text_of(chain, "policy"), "drop") == 0);

	if (!drops && !walk.may_drop)
		return RULESET_PASSES;
	snprintf(found->family, sizeof(found->family), "%s", walk.family);
	snprintf(found->table, sizeof(found->table), "%s", walk.table);
	snprintf(found->name, sizeof(found->name), "%s", text_of(chain, "name"));
	found->handle = policy ? 0 : walk.handle;
	return !drops || walk.may_accept ? RULESET_UNCERTAIN : RULESET_DROPS;
}

static enum ruleset_answer judge_chains(struct json_object *ruleset, const char *hook,
					const struct ruleset_packet *packet, struct ruleset_chain *chain)
{
	enum ruleset_answer all = RULESET_PASSES, one;
	enum ruleset_match seen;
	struct json_object *base;
	struct ruleset_chain found;

	for (size_t i = 0; i < json_object_array_length(ruleset); i++) {
		if (!json_object_object_get_ex(json_object_array_get_idx(ruleset, i), "chain", &base))
			continue;
		seen = sees(ruleset, base, hook, packet);
		if (seen == MATCH_NO)
			continue;
		one = judge_chain(ruleset, base, packet, &found);
		if (one == RULESET_DROPS && seen == MATCH_UNKNOWN)
			one = RULESET_UNCERTAIN;
		if (one == RULESET_PASSES || (one == RULESET_UNCERTAIN && all == RULESET_UNCERTAIN))
			continue;
		all = one;
		*chain = found;
		if (one == RULESET_DROPS)
			break;
	}
	return all;
}

static bool has_notrack(struct json_object *ruleset)
{
	struct json_object *rule, *statements;

	for (size_t i = 0; i < json_object_array_length(ruleset); i++) {
		if (!json_object_object_get_ex(json_object_array_get_idx(ruleset, i), "rule", &rule) ||
		    !json_object_object_get_ex(rule, "expr", &statements))
			continue;
		for (size_t k = 0; k < json_object_array_length(statements); k++)
			if (json_object_object_get_ex(json_object_array_get_idx(statements, k), "notrack",
						      NULL))
				return true;
	}
	return false;
}

/* A packet that some rule may have kept from conntrack has another state. */
enum ruleset_answer ruleset_judge(struct json_object *ruleset, const char *hook,
				  const struct ruleset_packet *packet, struct ruleset_chain *chain)
{
	enum ruleset_answer tracked = judge_chains(ruleset, hook, packet, chain);
	struct ruleset_packet untracked = *packet;
	struct ruleset_chain other;

	untracked.state = "untracked";
	if (tracked == RULESET_DROPS && has_notrack(ruleset) &&
	    judge_chains(ruleset, hook, &untracked, &other) != RULESET_DROPS)
		return RULESET_UNCERTAIN;
	return tracked;
}
