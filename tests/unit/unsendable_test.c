// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets routed into the tunnel that cannot go through it: counted, and answered with ICMP if that is
 * allowed (RFC 1122 section 3.2.2, RFC 4443 section 2.4).
 */
#include "unit.h"
#include "icmp.h"
#include "tunnel.h"

enum {
	ANSWER4_MAX = 576,  /* RFC 1812 section 4.3.2.3 */
	ANSWER6_MAX = 1280, /* RFC 4443 section 2.4 (c) */
	CODE_HOST_UNREACHABLE = 1,
	CODE_ADDRESS_UNREACHABLE = 3,
	INTERNETWORK_CONTROL = 0xc0, /* RFC 1812 section 4.3.2.5 */
};

static uint8_t text[3000];

/* An answer to the packet in frame, of type and code, with rest in its header; every byte of it, however much
 * of the packet it quotes, if that is enough. */
static void expect_message(struct frame *answer, const struct frame *frame, const struct packet *packet,
			   uint8_t type, uint8_t code, uint32_t rest)
{
	static struct frame expected;
	struct icmp_message message = {
		.outer = *packet,
		.type = type,
		.code = code,
		.rest = rest,
		.about = *packet,
	};
	bool ipv6 = packet->family == 6;
	size_t before = ETHERNET_LEN + (ipv6 ? IPV6_LEN : IPV4_LEN), least;
	struct layout layout;

	assert_true(frame_layout(answer, &layout));
	message.quoted = layout.end - before - ICMP_HEADER_LEN;
	least = before - ETHERNET_LEN + 8;
	assert_in_range(message.quoted, least, (ipv6 ? ANSWER6_MAX : ANSWER4_MAX) - before - ICMP_HEADER_LEN);
	message.about.padding = 0;
	message.outer = packet_reversed(*packet);
	message.outer.no_udp = true;
	message.outer.protocol = ipv6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP;
	message.outer.tos = ipv6 ? 0 : INTERNETWORK_CONTROL;
	message.outer.ttl = 64;
	message.outer.flow_label = 0;
	message.outer.id = 0;
	message.outer.fragment = 0;
	message.outer.options = 0;
	message.outer.n_extensions = 0;
	message.outer.padding = 0;
	icmp_build(&expected, &message);
	/* Back to where it came from. */
	memcpy(expected.bytes, frame->bytes + 6, 6);
	memcpy(expected.bytes + 6, frame->bytes, 6);
	assert_true(answer->length >= expected.length);
	answer->length = expected.length; /* the stack goes by the IP length */
	expect_same_frame(answer, &expected);
}

static void expect_icmp(const struct packet *packet, enum xdpsec_drop reason, int slot, uint8_t type,
			uint8_t code, uint32_t rest)
{
	static struct frame frame, answer;

	packet_build(&frame, packet);
	expect_answer(PROGRAM_ENCAPSULATE, &frame, reason, slot, &answer);
	expect_message(&answer, &frame, packet, type, code, rest);
}

static void expect_unreachable(const struct packet *packet, enum xdpsec_drop reason, int slot)
{
	if (packet->family == 6)
		expect_icmp(packet, reason, slot, ICMPV6_UNREACHABLE, CODE_ADDRESS_UNREACHABLE, 0);
	else
		expect_icmp(packet, reason, slot, ICMP_UNREACHABLE, CODE_HOST_UNREACHABLE, 0);
}

static void expect_too_big(const struct packet *packet, int peer, uint32_t mtu)
{
	if (packet->family == 6)
		expect_icmp(packet, XDPSEC_DROP_TOO_BIG, TUNNEL_TX(peer), ICMPV6_PACKET_TOO_BIG, 0, mtu);
	else
		expect_icmp(packet, XDPSEC_DROP_TOO_BIG, TUNNEL_TX(peer), ICMP_UNREACHABLE,
			    ICMP_FRAGMENTATION_NEEDED, mtu);
}

static const struct {
	const char *destination;
	enum xdpsec_drop reason;
	int slot;
} nowhere[] = {
	{ INNER_NOBODY4, XDPSEC_DROP_NO_PEER, SLOT_NONE },
	{ INNER_NOBODY6, XDPSEC_DROP_NO_PEER, SLOT_NONE },
	{ INNER_NO_ENDPOINT4, XDPSEC_DROP_NO_ENDPOINT, TUNNEL_TX(TUNNEL_NO_ENDPOINT) },
	{ INNER_NO_ENDPOINT6, XDPSEC_DROP_NO_ENDPOINT, TUNNEL_TX(TUNNEL_NO_ENDPOINT) },
	{ INNER_UNREACHABLE4, XDPSEC_DROP_UNREACHABLE, TUNNEL_TX(TUNNEL_UNREACHABLE) },
	{ INNER_UNREACHABLE6, XDPSEC_DROP_UNREACHABLE, TUNNEL_TX(TUNNEL_UNREACHABLE) },
};

static void test_unreachable(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nowhere); i++)
		for (size_t length = 0; length <= 1400; length += length < 120 ? 1 : 160) {
			struct packet inner = tunnel_inner(nowhere[i].destination, text, length);

			expect_unreachable(&inner, nowhere[i].reason, nowhere[i].slot);
		}
}

/* Quoted is the packet, not what Ethernet adds. */
static void test_padding(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nowhere); i++)
		for (size_t length = 0; length <= 130; length += 26) {
			struct packet inner = tunnel_inner(nowhere[i].destination, text, length);

			inner.padding = 64;
			expect_unreachable(&inner, nowhere[i].reason, nowhere[i].slot);
		}
}

static void test_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nowhere); i++) {
		struct packet inner = tunnel_inner(nowhere[i].destination, text, 100);

		inner.ttl = 1;
		inner.tos = 0xff;
		if (inner.family == 4) {
			inner.options = 40;
			expect_unreachable(&inner, nowhere[i].reason, nowhere[i].slot);
			inner.fragment = IPV4_MORE_FRAGMENTS; /* the first */
		} else {
			packet_extend(&inner, PROTOCOL_DESTINATION, 16);
		}
		expect_unreachable(&inner, nowhere[i].reason, nowhere[i].slot);
	}
}

static void expect_silence(const struct packet *inner, enum xdpsec_drop reason, int slot)
{
	rig_allow_answers();
	expect_refused(inner, reason, slot);
}

/* To, or from, what is not one host. */
static void test_groups(void **state)
{
	static const char *const groups[] = { "224.0.1.1", "239.255.255.255", "255.255.255.255",
					      "ff05::1:3" };
	/* The kernel speaks to these by itself (IGMP, MLD). */
	static const char *const link_local[] = { "224.0.0.1", "224.0.0.255", "ff02::1", "ff12::1" };
	static const char *const nobody[] = { "0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		struct packet inner = tunnel_inner(groups[i], text, 50);

		expect_silence(&inner, XDPSEC_DROP_NO_PEER, SLOT_NONE);
	}
	for (size_t i = 0; i < ARRAY_SIZE(link_local); i++) {
		struct packet inner = tunnel_inner(link_local[i], text, 50);

		expect_silence(&inner, XDPSEC_DROP_STRAY, SLOT_NONE);
	}
	for (size_t i = 0; i < ARRAY_SIZE(nobody); i++) {
		struct packet inner = tunnel_inner(strchr(nobody[i], ':') ? INNER_NOBODY6 : INNER_NOBODY4,
						   text, 50);

		inner.source = nobody[i];
		expect_silence(&inner, XDPSEC_DROP_NO_PEER, SLOT_NONE);
	}
}

/* An ICMP message of so many bytes on its way to nowhere[i]. */
static struct packet icmp_to_nowhere(size_t i, const uint8_t *message, size_t length)
{
	struct packet inner = tunnel_inner(nowhere[i].destination, message, length);

	inner.no_udp = true;
	inner.protocol = inner.family == 6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP;
	return inner;
}

/* No error about an error; about other ICMP there is one. */
static void test_icmp(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nowhere); i++)
		for (int type = 0; type < 256; type++) {
			uint8_t message[100] = { type };
			struct packet inner = icmp_to_nowhere(i, message, sizeof(message));

			/* RFC 792 and RFC 1122 section 3.2.2, RFC 1475 and RFC 2521; RFC 4443 section 2.4
			 * (e), with redirects. */
			if (inner.family == 6
				    ? type < 128 || type == 137
				    : type == ICMP_UNREACHABLE || type == 4 || type == 5 ||
					      type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER_PROBLEM ||
					      type == 31 || type == 40)
				expect_silence(&inner, nowhere[i].reason, nowhere[i].slot);
			else
				expect_unreachable(&inner, nowhere[i].reason, nowhere[i].slot);
		}
}

/* ICMP errors behind options or extension headers. */
static void test_icmp_behind_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nowhere); i++) {
		uint8_t message[100] = { ICMP_UNREACHABLE };
		struct packet inner = icmp_to_nowhere(i, message, sizeof(message));

		if (inner.family == 6) {
			packet_extend(&inner, PROTOCOL_HOP_BY_HOP, 8);
			packet_extend(&inner, PROTOCOL_DESTINATION, 24);
		} else {
			inner.options = 24;
		}
		expect_silence(&inner, nowhere[i].reason, nowhere[i].slot);
		message[0] = inner.family == 6 ? ICMPV6_ECHO : ICMP_ECHO;
		expect_unreachable(&inner, nowhere[i].reason, nowhere[i].slot);
	}
}

static void test_later_fragments(void **state)
{
	struct packet inner = tunnel_inner(INNER_NOBODY4, text, 50);

	(void)state;
	inner.no_udp = true;
	inner.fragment = 1;
	expect_silence(&inner, XDPSEC_DROP_NO_PEER, SLOT_NONE);
	inner.fragment = 0x1fff;
	expect_silence(&inner, XDPSEC_DROP_NO_PEER, SLOT_NONE);
	inner.fragment = 100 | IPV4_MORE_FRAGMENTS;
	expect_silence(&inner, XDPSEC_DROP_NO_PEER, SLOT_NONE);
	inner.fragment = IPV4_DONT_FRAGMENT;
	expect_unreachable(&inner, XDPSEC_DROP_NO_PEER, SLOT_NONE);
}

/* Reasons that senders need not know. */
static void test_silent_reasons(void **state)
{
	struct packet no_key = tunnel_inner(INNER_NO_SA4, text, 50);
	struct packet loop = tunnel_inner(INNER_LOOP6, text, 50);
	struct packet exhausted = tunnel_inner(INNER_B4, text, 50);

	(void)state;
	expect_silence(&no_key, XDPSEC_DROP_NO_KEY, SLOT_NONE);
	expect_silence(&loop, XDPSEC_DROP_LOOP, TUNNEL_TX(TUNNEL_LOOP));
	rig_sequence(TUNNEL_TX(TUNNEL_B), 7, 7);
	expect_silence(&exhausted, XDPSEC_DROP_SEQUENCE_EXHAUSTED, TUNNEL_TX(TUNNEL_B));
}

/* The far end was moved to another namespace, whose routes are not those of the endpoints. */
static void test_displaced(void **state)
{
	struct packet inner = tunnel_inner(INNER_B4, text, 50);
	struct xdpsec_config config = tunnel_config();

	(void)state;
	config.netns_cookie++;
	tunnel_configure(&config);
	expect_silence(&inner, XDPSEC_DROP_DISPLACED, SLOT_NONE);
}

/* An answer goes to the tunnel device or nowhere. */
static void test_answer_without_device(void **state)
{
	struct packet inner = tunnel_inner(INNER_NOBODY4, text, 50);

	(void)state;
	rig_device_slot(XDPSEC_DEVICE_NEAR, 0);
	expect_silence(&inner, XDPSEC_DROP_NO_PEER, SLOT_NONE);
	rig_device_slot(XDPSEC_DEVICE_NEAR, rig.near);
	expect_unreachable(&inner, XDPSEC_DROP_NO_PEER, SLOT_NONE);
}

static void test_rate(void **state)
{
	struct packet inner = tunnel_inner(INNER_NOBODY4, text, 50);

	(void)state;
	expect_few_answers(PROGRAM_ENCAPSULATE, &inner, XDPSEC_DROP_NO_PEER, SLOT_NONE);
}

static const struct {
	const char *destination;
	int peer, overhead, headers;
} directions[] = {
	{ INNER_B4, TUNNEL_B, OVERHEAD_IPV4, IPV4_LEN + UDP_LEN },
	{ INNER_B6, TUNNEL_B, OVERHEAD_IPV4, IPV6_LEN + UDP_LEN },
	{ INNER_C4, TUNNEL_C, OVERHEAD_IPV6, IPV4_LEN + UDP_LEN },
	{ INNER_C6, TUNNEL_C, OVERHEAD_IPV6, IPV6_LEN + UDP_LEN },
};

/* The way takes packets of mtu bytes: what becomes as long goes, one byte more does not. */
static void expect_boundary(size_t i, unsigned int mtu)
{
	unsigned int fits = mtu - directions[i].overhead;
	struct packet inner = tunnel_inner(directions[i].destination, text, fits - directions[i].headers);

	expect_encapsulated(&inner, directions[i].peer);
	inner.length++;
	expect_too_big(&inner, directions[i].peer, fits);
	inner.length = 1450;
	expect_too_big(&inner, directions[i].peer, fits);
	inner.fragment = 0; /* may be fragmented: that is the sender's or a router's affair */
	expect_too_big(&inner, directions[i].peer, fits);
}

static void test_device_mtu(void **state)
{
	static const unsigned int mtus[] = { 1500, 1499, 1400, 1380 };

	(void)state;
	for (size_t j = 0; j < ARRAY_SIZE(mtus); j++) {
		rig_device_mtu(mtus[j]);
		for (size_t i = 0; i < ARRAY_SIZE(directions); i++)
			expect_boundary(i, mtus[j]);
	}
}

/* For what is forwarded the kernel wants it locked (net/ipv4/fib_semantics.c, ip_mtu_from_fib_result;
 * net/ipv6/route.c, ip6_mtu_from_fib6). */
static void test_route_mtu(void **state)
{
	(void)state;
	tunnel_shell("ip route add " ENDPOINT_B4 " via 192.0.2.254 mtu lock 1400");
	tunnel_shell("ip route add " ENDPOINT_C6 " via 2001:db8:1::fe mtu lock 1400");
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++)
		expect_boundary(i, 1400);
	tunnel_shell("ip route del " ENDPOINT_B4);
	tunnel_shell("ip route del " ENDPOINT_C6);
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++)
		expect_boundary(i, TUNNEL_MTU);
}

static void set_path_mtu(int peer, uint32_t mtu, int64_t in)
{
	struct xdpsec_endpoint endpoint = tunnel_endpoint(peer);

	endpoint.path_mtu = mtu;
	endpoint.path_mtu_until = tunnel_now() + in;
	tunnel_set_endpoint(peer, &endpoint);
}

/* A router's path MTU, while it is valid and not longer. The route's MTU counts as well. */
static void test_path_mtu(void **state)
{
	const int64_t minute = 60000000000;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
		int peer = directions[i].peer;

		set_path_mtu(peer, 1400, minute);
		expect_boundary(i, 1400);
		set_path_mtu(peer, 1400, 0);
		expect_boundary(i, TUNNEL_MTU);
		set_path_mtu(peer, 1400, -1);
		expect_boundary(i, TUNNEL_MTU);
		set_path_mtu(peer, 9000, minute);
		expect_boundary(i, TUNNEL_MTU);
		set_path_mtu(peer, 0, minute);
		expect_boundary(i, TUNNEL_MTU);
	}
	set_path_mtu(TUNNEL_B, 552, minute);
	expect_boundary(0, 552);
}

/* A way that takes nothing once it has grown: not a size of which a sender could be told (RFC 791: 68). */
static void test_hopeless_mtu(void **state)
{
	static const char *const mtus[] = { "68", "60", "59", "127" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mtus); i++) {
		struct packet inner = tunnel_inner(INNER_B4, text, 200);
		char command[100];

		snprintf(command, sizeof(command), "ip route add %s via 192.0.2.254 mtu lock %s", ENDPOINT_B4,
			 mtus[i]);
		tunnel_shell(command);
		expect_unreachable(&inner, XDPSEC_DROP_UNREACHABLE, TUNNEL_TX(TUNNEL_B));
		tunnel_shell("ip route del " ENDPOINT_B4);
	}
	tunnel_shell("ip route add " ENDPOINT_B4 " via 192.0.2.254 mtu lock 128");
	{
		struct packet inner = tunnel_inner(INNER_B4, text, 200);

		expect_too_big(&inner, TUNNEL_B, 68);
	}
	tunnel_shell("ip route del " ENDPOINT_B4);
}

/* Routes that lead nowhere, of each kind, and back. */
static void test_routes(void **state)
{
	static const char *const kinds[] = { "unreachable", "blackhole", "prohibit", "local" };
	struct packet to_b = tunnel_inner(INNER_B4, text, 20), to_c = tunnel_inner(INNER_C6, text, 20);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *dev = strcmp(kinds[i], "local") == 0 ? "dev lo" : "";
		char command[100];

		snprintf(command, sizeof(command), "ip route add %s %s %s", kinds[i], ENDPOINT_B4, dev);
		tunnel_shell(command);
		snprintf(command, sizeof(command), "ip route add %s %s %s", kinds[i], ENDPOINT_C6, dev);
		tunnel_shell(command);
		expect_unreachable(&to_b, XDPSEC_DROP_UNREACHABLE, TUNNEL_TX(TUNNEL_B));
		expect_unreachable(&to_c, XDPSEC_DROP_UNREACHABLE, TUNNEL_TX(TUNNEL_C));
		snprintf(command, sizeof(command), "ip route del %s %s", kinds[i], ENDPOINT_B4);
		tunnel_shell(command);
		snprintf(command, sizeof(command), "ip route del %s %s", kinds[i], ENDPOINT_C6);
		tunnel_shell(command);
		expect_encapsulated(&to_b, TUNNEL_B);
		expect_encapsulated(&to_c, TUNNEL_C);
	}
}

/* The start of a packet that was opened, larger than the device's MTU, and counted already. */
static void cut(struct frame *frame, const struct packet *inner, size_t length)
{
	struct xdpsec_config config = tunnel_config();

	packet_build(frame, inner);
	memcpy(frame->bytes, config.near_mac, 6);
	memcpy(frame->bytes + 6, config.far_mac, 6);
	frame->length = ETHERNET_LEN + length;
}

static void test_larger_than_ours(void **state)
{
	static struct frame frame, answer;
	static struct tally before, after;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		struct packet inner = tunnel_inner_from(tunnel_directions[i].host, text, 1400);

		cut(&frame, &inner, 192);
		tally_take(&before);
		assert_int_equal(rig_run(PROGRAM_ENCAPSULATE, &frame, &answer), TC_REDIRECT);
		tally_take(&after);
		expect_same_tally(&after, &before);
		if (inner.family == 6)
			expect_message(&answer, &frame, &inner, ICMPV6_PACKET_TOO_BIG, 0, TUNNEL_DEVICE_MTU);
		else
			expect_message(&answer, &frame, &inner, ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED,
				       TUNNEL_DEVICE_MTU);
	}
}

/* No other packet that is shorter than it says is answered. */
static void test_cut_elsewhere(void **state)
{
	static struct frame frame;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++) {
		struct packet inner = tunnel_inner_from(tunnel_directions[i].host, text, 1400);

		for (int byte = 6; byte < 12; byte++) {
			cut(&frame, &inner, 192);
			frame.bytes[byte] ^= 1;
			expect_drop(PROGRAM_ENCAPSULATE, &frame, XDPSEC_DROP_MALFORMED, SLOT_NONE);
		}
		cut(&frame, &inner, 192);
		frame.bytes[ETHERNET_LEN] = 0x50;
		expect_drop(PROGRAM_ENCAPSULATE, &frame, XDPSEC_DROP_MALFORMED, SLOT_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_larger_than_ours, tunnel_reset),
		cmocka_unit_test_setup(test_cut_elsewhere, tunnel_reset),
		cmocka_unit_test_setup(test_unreachable, tunnel_reset),
		cmocka_unit_test_setup(test_padding, tunnel_reset),
		cmocka_unit_test_setup(test_headers, tunnel_reset),
		cmocka_unit_test_setup(test_groups, tunnel_reset),
		cmocka_unit_test_setup(test_icmp, tunnel_reset),
		cmocka_unit_test_setup(test_icmp_behind_headers, tunnel_reset),
		cmocka_unit_test_setup(test_later_fragments, tunnel_reset),
		cmocka_unit_test_setup(test_silent_reasons, tunnel_reset),
		cmocka_unit_test_setup(test_displaced, tunnel_reset),
		cmocka_unit_test_setup(test_answer_without_device, tunnel_reset),
		cmocka_unit_test_setup(test_rate, tunnel_reset),
		cmocka_unit_test_setup(test_device_mtu, tunnel_reset),
		cmocka_unit_test_setup(test_route_mtu, tunnel_reset),
		cmocka_unit_test_setup(test_path_mtu, tunnel_reset),
		cmocka_unit_test_setup(test_hopeless_mtu, tunnel_reset),
		cmocka_unit_test_setup(test_routes, tunnel_reset),
	};

	fill_pattern(text, sizeof(text), 47);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("unsendable", tests, tunnel_setup, tunnel_teardown);
}
