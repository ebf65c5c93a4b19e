// SPDX-License-Identifier: GPL-2.0-or-later
/* Fields of a packet, and the values that rules compare them with. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <json-c/json.h>

#include "base/prefix.h"
#include "net/ruleset_match.h"

#define PROTOCOL_UDP 17

enum kind { KIND_NONE, KIND_UNKNOWN, KIND_NUMBER, KIND_TEXT, KIND_ADDRESS };

/* A field of the packet, read. */
struct field {
	enum kind kind; /* KIND_NONE: this packet has no such field */
	int number;
	const char *text;
	const unsigned char *address;
};

static const struct field unknown = { .kind = KIND_UNKNOWN }, none = { .kind = KIND_NONE };

static const char *text_at(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_string(value) : "";
}

static struct field number_of(int value)
{
	return (struct field){ .kind = KIND_NUMBER, .number = value };
}

static struct field text(const char *value)
{
	return (struct field){ .kind = KIND_TEXT, .text = value ?: "" };
}

static struct field of_payload(struct json_object *payload, const struct ruleset_packet *packet)
{
	const char *protocol = text_at(payload, "protocol"), *name = text_at(payload, "field");
	bool ipv4 = address_is_ipv4(packet->destination);

	if (strcmp(protocol, "udp") == 0 || strcmp(protocol, "th") == 0) {
		if (strcmp(name, "dport") == 0)
			return number_of(packet->port);
		return strcmp(name, "sport") == 0 ? number_of(packet->source_port) : unknown;
	}
	if (strcmp(protocol, "ip") == 0 || strcmp(protocol, "ip6") == 0) {
		if ((strcmp(protocol, "ip") == 0) != ipv4)
			return none;
		if (strcmp(name, "saddr") == 0)
			return (struct field){ .kind = KIND_ADDRESS, .address = packet->source };
		if (strcmp(name, "daddr") == 0)
			return (struct field){ .kind = KIND_ADDRESS, .address = packet->destination };
		if (strcmp(name, "protocol") == 0 || strcmp(name, "nexthdr") == 0)
			return text("udp");
		return unknown;
	}
	/* Headers that a UDP packet has not. */
	if (strcmp(protocol, "tcp") == 0 || strcmp(protocol, "icmp") == 0 ||
	    strcmp(protocol, "icmpv6") == 0 || strcmp(protocol, "sctp") == 0)
		return none;
	return unknown;
}

static struct field of_meta(struct json_object *meta, const struct ruleset_packet *packet)
{
	const char *key = text_at(meta, "key");

	if (strcmp(key, "l4proto") == 0)
		return text("udp");
	if (strcmp(key, "nfproto") == 0)
		return text(address_is_ipv4(packet->destination) ? "ipv4" : "ipv6");
	if (strcmp(key, "protocol") == 0)
		return text(address_is_ipv4(packet->destination) ? "ip" : "ip6");
	if (strcmp(key, "iifname") == 0 || strcmp(key, "iif") == 0)
		return text(packet->in);
	if (strcmp(key, "oifname") == 0 || strcmp(key, "oif") == 0)
		return text(packet->out);
	return unknown;
}

static struct field read_field(struct json_object *left, const struct ruleset_packet *packet)
{
	struct json_object *inner;

	if (json_object_object_get_ex(left, "payload", &inner))
		return of_payload(inner, packet);
	if (json_object_object_get_ex(left, "meta", &inner))
		return of_meta(inner, packet);
	if (json_object_object_get_ex(left, "ct", &inner) && strcmp(text_at(inner, "key"), "state") == 0)
		return text(packet->state);
	return unknown;
}

static enum ruleset_match yes_if(bool yes)
{
	return yes ? MATCH_YES : MATCH_NO;
}

/* Names end in "*" for all that begin so. */
static bool same_text(const char *value, const char *pattern)
{
	size_t n = strlen(pattern);

	return n && pattern[n - 1] == '*' ? strncmp(value, pattern, n - 1) == 0 : strcmp(value, pattern) == 0;
}

static bool parse_address(const char *value, struct xdpsec_prefix *prefix)
{
	unsigned char ipv4[4];

	prefix->length = 128;
	if (inet_pton(AF_INET, value, ipv4) == 1) {
		address_map_ipv4(prefix->address, ipv4);
		return true;
	}
	return inet_pton(AF_INET6, value, prefix->address) == 1;
}

static enum ruleset_match match_address(const unsigned char address[16], const char *value, int length)
{
	struct xdpsec_prefix mine = { .length = 128 }, its;

	if (!parse_address(value, &its))
		return MATCH_UNKNOWN;
	if (length >= 0)
		its.length = (__u32)length + (address_is_ipv4(its.address) ? IPV4_BITS : 0);
	memcpy(mine.address, address, sizeof(mine.address));
	return yes_if(prefix_contains(&its, &mine));
}

static enum ruleset_match match_one(const struct field *field, struct json_object *value)
{
	const char *its = json_object_get_string(value);

	switch (field->kind) {
	case KIND_NUMBER:
		return json_object_is_type(value, json_type_int)
			       ? yes_if(json_object_get_int(value) == field->number)
			       : MATCH_UNKNOWN;
	case KIND_ADDRESS:
		return json_object_is_type(value, json_type_string) ? match_address(field->address, its, -1)
								    : MATCH_UNKNOWN;
	default:
		if (json_object_is_type(value, json_type_int))
			return yes_if(strcmp(field->text, "udp") == 0 &&
				      json_object_get_int(value) == PROTOCOL_UDP);
		return yes_if(same_text(field->text, its));
	}
}

static enum ruleset_match match_field(const struct field *field, struct json_object *value);

static enum ruleset_match match_any(const struct field *field, struct json_object *values)
{
	enum ruleset_match all = MATCH_NO, one;

	for (size_t i = 0; i < json_object_array_length(values); i++) {
		one = match_field(field, json_object_array_get_idx(values, i));
		if (one == MATCH_YES)
			return MATCH_YES;
		if (one == MATCH_UNKNOWN)
			all = MATCH_UNKNOWN;
	}
	return all;
}

static enum ruleset_match match_range(const struct field *field, struct json_object *range)
{
	if (field->kind != KIND_NUMBER || !json_object_is_type(range, json_type_array))
		return MATCH_UNKNOWN;
	return yes_if(field->number >= json_object_get_int(json_object_array_get_idx(range, 0)) &&
		      field->number <= json_object_get_int(json_object_array_get_idx(range, 1)));
}

static enum ruleset_match match_field(const struct field *field, struct json_object *value)
{
	struct json_object *inner, *length;
	const char *its = json_object_get_string(value);

	if (field->kind == KIND_NONE)
		return MATCH_NO;
	if (field->kind == KIND_UNKNOWN || (its && its[0] == '@'))
		return MATCH_UNKNOWN;
	if (json_object_is_type(value, json_type_array))
		return match_any(field, value);
	if (!json_object_is_type(value, json_type_object))
		return match_one(field, value);
	if (json_object_object_get_ex(value, "set", &inner))
		return json_object_is_type(inner, json_type_array) ? match_any(field, inner)
								   : match_field(field, inner);
	if (json_object_object_get_ex(value, "range", &inner))
		return match_range(field, inner);
	if (json_object_object_get_ex(value, "elem", &inner) &&
	    json_object_object_get_ex(inner, "val", &inner))
		return match_field(field, inner);
	if (json_object_object_get_ex(value, "prefix", &inner) && field->kind == KIND_ADDRESS &&
	    json_object_object_get_ex(inner, "len", &length))
		return match_address(field->address, text_at(inner, "addr"), json_object_get_int(length));
	return MATCH_UNKNOWN;
}

enum ruleset_match ruleset_match_value(struct json_object *left, struct json_object *value,
				       const struct ruleset_packet *packet)
{
	struct field field = read_field(left, packet);

	return match_field(&field, value);
}

static enum ruleset_match compare_values(struct json_object *match, const struct ruleset_packet *packet)
{
	const char *op = text_at(match, "op");
	struct json_object *left, *right;
	enum ruleset_match result;

	if (!json_object_object_get_ex(match, "left", &left) ||
	    !json_object_object_get_ex(match, "right", &right))
		return MATCH_UNKNOWN;
	result = ruleset_match_value(left, right, packet);
	if (strcmp(op, "==") == 0 || strcmp(op, "in") == 0 || result == MATCH_UNKNOWN)
		return result;
	if (strcmp(op, "!=") != 0)
		return MATCH_UNKNOWN;
	/* A field that the packet has not is not "other" either. */
	if (result == MATCH_NO && read_field(left, packet).kind == KIND_NONE)
		return MATCH_NO;
	return result == MATCH_NO ? MATCH_YES : MATCH_NO;
}

enum ruleset_match ruleset_match(const char *name, struct json_object *value,
				 const struct ruleset_packet *packet)
{
	if (strcmp(name, "match") == 0)
		return compare_values(value, packet);
	if (strcmp(name, "limit") == 0 || strcmp(name, "xt") == 0 || strcmp(name, "quota") == 0 ||
	    strcmp(name, "ct count") == 0)
		return MATCH_UNKNOWN;
	return MATCH_YES;
}
