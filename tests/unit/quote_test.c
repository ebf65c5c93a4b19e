// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ICMP errors on their way out through xdpsec_seal: they quote packets, and those of a protected flow have
 * been opened here. The quote is cut to its headers, a redirect is dropped; whatever else is ICMP passes as
 * it is.
 */
#include "unit.h"
#include "site.h"
#include "expect.h"
#include "icmp.h"

enum { QUOTE = 200, RFC4884_LENGTH = 0x2a };

static uint8_t text[300];

/* This host to remote: your packet to our port could not be delivered. */
static struct icmp_message about_opened(const char *remote, uint16_t port)
{
	bool ipv6 = strchr(remote, ':');

	return (struct icmp_message){
		.outer = packet_reversed(icmp_outer(remote)),
		.type = ipv6 ? ICMPV6_UNREACHABLE : ICMP_UNREACHABLE,
		.code = ipv6 ? ICMPV6_PORT_UNREACHABLE : ICMP_PORT_UNREACHABLE,
		.about = packet_reversed(packet_udp(remote, port, text, sizeof(text))),
		.quoted = QUOTE,
	};
}

static size_t headers_of(const struct icmp_message *message)
{
	return (message->about.family == 6 ? IPV6_LEN : IPV4_LEN) + UDP_LEN;
}

static void expect_message_untouched(const struct icmp_message *message)
{
	struct frame frame;

	icmp_build(&frame, message);
	expect_untouched(PROGRAM_SEAL, &frame);
}

/* Comes out as if it had quoted no more than the headers, with this rest of its own header. */
static void expect_cut(const struct icmp_message *message, uint32_t rest)
{
	struct icmp_message shorter = *message;
	static struct frame frame, expected;

	shorter.quoted = headers_of(message);
	shorter.rest = rest;
	icmp_build(&frame, message);
	icmp_build(&expected, &shorter);
	expect_passed_as(PROGRAM_SEAL, &frame, &expected);
}

static void expect_message_dropped(const struct icmp_message *message)
{
	struct frame frame;

	icmp_build(&frame, message);
	expect_drop(PROGRAM_SEAL, &frame, XDPSEC_DROP_QUOTED, SLOT_NONE);
}

static const char *const protected_remotes[] = { REMOTE_B4, REMOTE_B6, REMOTE_C4, REMOTE_C6 };

static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(protected_remotes); i++) {
		struct icmp_message message = about_opened(protected_remotes[i], PORT);

		for (message.quoted = headers_of(&message); message.quoted <= QUOTE; message.quoted++)
			expect_cut(&message, 0);
		/* To a router on the way, about what the peer sent to somebody behind this host. */
		message.quoted = QUOTE;
		message.outer.destination = message.about.family == 6 ? REMOTE_CLEAR6 : REMOTE_CLEAR4;
		expect_cut(&message, 0);
		/* About what somebody here sent, and was not sealed yet. */
		message.about = packet_reversed(message.about);
		expect_cut(&message, 0);
	}
}

static void test_every_type(void **state)
{
	/* RFC 792's that quote a packet, and those of RFC 1475 and RFC 2521. */
	static const uint8_t errors4[] = { 3, 4, 11, 12, 31, 40 };

	(void)state;
	for (int type = 0; type < 256; type++) {
		struct icmp_message message = about_opened(REMOTE_B4, PORT);

		message.type = type;
		if (memchr(errors4, type, sizeof(errors4)))
			expect_cut(&message, 0);
		else if (type == ICMP_REDIRECT)
			expect_message_dropped(&message);
		else
			expect_message_untouched(&message);
		message = about_opened(REMOTE_B6, PORT);
		message.type = type;
		if (type == ICMPV6_REDIRECT) /* of another form: below */
			continue;
		if (type < 128) /* RFC 4443 section 2.1: the errors */
			expect_cut(&message, 0);
		else
			expect_message_untouched(&message);
	}
}

/* An MTU stays, and the length that RFC 4884 has beside it goes, as it is no longer true. */
static void test_rest_of_header(void **state)
{
	struct icmp_message message = about_opened(REMOTE_B4, PORT);

	(void)state;
	message.code = ICMP_FRAGMENTATION_NEEDED;
	message.rest = RFC4884_LENGTH << 16 | 1400;
	expect_cut(&message, 1400);
	message = about_opened(REMOTE_B6, PORT);
	message.rest = (uint32_t)RFC4884_LENGTH << 24;
	expect_cut(&message, 0);
	message.type = ICMPV6_PACKET_TOO_BIG;
	message.rest = 1400;
	expect_cut(&message, 1400);
	message.rest = 0x01020304;
	expect_cut(&message, 0x01020304);
}

static void test_in_vlan(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(protected_remotes); i++)
		for (unsigned int vlans = 1; vlans <= 2; vlans++) {
			struct icmp_message message = about_opened(protected_remotes[i], PORT);

			message.outer.vlans = vlans;
			expect_cut(&message, 0);
		}
}

static void test_not_protected(void **state)
{
	struct icmp_message message = about_opened(REMOTE_CLEAR4, PORT);

	(void)state;
	expect_message_untouched(&message);
	message = about_opened(REMOTE_CLEAR6, PORT);
	expect_message_untouched(&message);
	message = about_opened(REMOTE_B4, PORT_CLEAR);
	expect_message_untouched(&message);
	message = about_opened(REMOTE_B6, PORT_CLEAR);
	expect_message_untouched(&message);
	message = about_opened(REMOTE_C4, PORT);
	message.about.protocol = PROTOCOL_TCP;
	expect_message_untouched(&message);
}

/* Nothing of the payload is quoted: nothing to cut. */
static void test_short(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(protected_remotes); i++) {
		struct icmp_message message = about_opened(protected_remotes[i], PORT);

		for (message.quoted = 0; message.quoted <= headers_of(&message); message.quoted++)
			expect_message_untouched(&message);
	}
}

/* Headers of other lengths than the usual are not taken apart, and not let through either. */
static void test_unusual(void **state)
{
	struct icmp_message message = about_opened(REMOTE_B4, PORT);

	(void)state;
	message.outer.options = 8;
	expect_message_dropped(&message);
	message = about_opened(REMOTE_B4, PORT);
	message.about.options = 8;
	expect_message_dropped(&message);
	message = about_opened(REMOTE_B6, PORT);
	packet_extend(&message.about, PROTOCOL_DESTINATION, 16);
	expect_message_dropped(&message);
}

/* A first fragment has payload too, a later one nothing but: with no ports to say whose it is. */
static void test_fragments(void **state)
{
	struct icmp_message message = about_opened(REMOTE_B4, PORT);

	(void)state;
	message.about.fragment = IPV4_MORE_FRAGMENTS;
	expect_cut(&message, 0);
	message.about.source_port = PORT_CLEAR;
	expect_message_untouched(&message);
	assert_false(rig_fragments_known());
}

enum {
	REDIRECT_ADDRESSES = 32, /* RFC 4861 section 4.5 */
	OPTION_LINK_ADDRESS = 2, /* section 4.6.1 */
	OPTION_REDIRECTED = 4,	 /* section 4.6.3 */
	OPTION_HEADER_LEN = 8,
};

struct redirect {
	const char *remote; /* of the packet quoted */
	uint16_t port;
	uint8_t protocol;     /* 0: UDP */
	unsigned int options; /* in front of the quote, of 8 bytes each */
	uint8_t units;	      /* of the first of these; 0 is none that can be */
	size_t quoted, vlans;
	bool back; /* quotes what was sent to here, and not to remote */
};

/* ICMPv6, to a neighbour: options, then what it is about. */
static void build_redirect(struct frame *frame, const struct redirect *redirect)
{
	struct packet about = packet_udp(redirect->remote, redirect->port, text, sizeof(text));
	struct packet outer = packet_reversed(icmp_outer("2001:db8:1::77"));
	static uint8_t body[1000];
	uint8_t *option = body + ICMP_HEADER_LEN + REDIRECT_ADDRESSES;
	struct frame quoted;

	memset(body, 0, sizeof(body));
	body[0] = ICMPV6_REDIRECT;
	for (unsigned int i = 0; i < redirect->options; i++) {
		option[0] = OPTION_LINK_ADDRESS;
		option[1] = i ? 1 : redirect->units;
		option += 8 * (i ? 1 : redirect->units);
	}
	if (redirect->quoted) {
		if (redirect->back)
			about = packet_reversed(about);
		if (redirect->protocol)
			about.protocol = redirect->protocol;
		packet_build(&quoted, &about);
		option[0] = OPTION_REDIRECTED;
		option[1] = (OPTION_HEADER_LEN + redirect->quoted) / 8;
		memcpy(option + OPTION_HEADER_LEN, quoted.bytes + ETHERNET_LEN, redirect->quoted);
		option += OPTION_HEADER_LEN + redirect->quoted;
	}
	outer.vlans = redirect->vlans;
	outer.payload = body;
	outer.length = option - body;
	write16(body + 2, packet_payload_checksum(&outer));
	packet_build(frame, &outer);
}

static void expect_redirect_passes(const struct redirect *redirect)
{
	struct frame frame;

	build_redirect(&frame, redirect);
	expect_untouched(PROGRAM_SEAL, &frame);
}

static void expect_redirect_dropped(const struct redirect *redirect)
{
	struct frame frame;

	build_redirect(&frame, redirect);
	expect_drop(PROGRAM_SEAL, &frame, XDPSEC_DROP_QUOTED, SLOT_NONE);
}

static const char *const protected6[] = { REMOTE_B6, REMOTE_C6 };

/* With the link-layer address of the target, as Linux sends it, and without. */
static void test_redirect(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(protected6); i++)
		for (unsigned int options = 0; options < 4; options++)
			for (int back = 0; back < 2; back++) {
				struct redirect redirect = {
					.remote = protected6[i],
					.port = PORT,
					.options = options,
					.units = 1 + options,
					.quoted = 128,
					.back = back,
					.vlans = options % 3,
				};

				expect_redirect_dropped(&redirect);
				redirect.quoted = IPV6_LEN + UDP_LEN;
				expect_redirect_dropped(&redirect);
			}
}

/* A redirect about a flow that is not protected passes. */
static void test_redirect_passes(void **state)
{
	struct redirect redirect = { .remote = REMOTE_B6, .port = PORT_CLEAR, .quoted = 128 };

	(void)state;
	expect_redirect_passes(&redirect);
	redirect.options = redirect.units = 1;
	expect_redirect_passes(&redirect);
	redirect.remote = REMOTE_CLEAR6;
	redirect.port = PORT;
	expect_redirect_passes(&redirect);
	redirect.remote = REMOTE_B6;
	redirect.protocol = PROTOCOL_TCP;
	expect_redirect_passes(&redirect);
	redirect.protocol = 0;
	redirect.quoted = IPV6_LEN;
	expect_redirect_passes(&redirect);
	/* No packet is quoted. */
	redirect.quoted = 0;
	for (redirect.options = 0; redirect.options <= 4; redirect.options++)
		expect_redirect_passes(&redirect);
}

/* Redirects that cannot be parsed as far as the packet. */
static void test_redirect_unusual(void **state)
{
	struct redirect redirect = { .remote = REMOTE_CLEAR6, .port = PORT_CLEAR, .quoted = 128, .units = 1 };
	static struct frame frame;

	(void)state;
	redirect.options = 4;
	expect_redirect_dropped(&redirect);
	/* An option of no length, and one that is cut. */
	redirect.options = 1;
	for (int cut = 0; cut < 2; cut++) {
		build_redirect(&frame, &redirect);
		frame.bytes[ETHERNET_LEN + IPV6_LEN + ICMP_HEADER_LEN + REDIRECT_ADDRESSES + 1] = 0;
		if (cut)
			frame.length = ETHERNET_LEN + IPV6_LEN + ICMP_HEADER_LEN + REDIRECT_ADDRESSES + 7;
		expect_drop(PROGRAM_SEAL, &frame, XDPSEC_DROP_QUOTED, SLOT_NONE);
	}
	/* Headers between IPv6 and UDP: any port of the peer may be behind them. */
	redirect = (struct redirect){ .remote = REMOTE_B6, .port = PORT_CLEAR, .quoted = 128 };
	redirect.protocol = PROTOCOL_DESTINATION;
	expect_redirect_dropped(&redirect);
	redirect.remote = REMOTE_CLEAR6;
	expect_redirect_passes(&redirect);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_cut, site_reset),
		cmocka_unit_test_setup(test_every_type, site_reset),
		cmocka_unit_test_setup(test_rest_of_header, site_reset),
		cmocka_unit_test_setup(test_in_vlan, site_reset),
		cmocka_unit_test_setup(test_not_protected, site_reset),
		cmocka_unit_test_setup(test_short, site_reset),
		cmocka_unit_test_setup(test_unusual, site_reset),
		cmocka_unit_test_setup(test_fragments, site_reset),
		cmocka_unit_test_setup(test_redirect, site_reset),
		cmocka_unit_test_setup(test_redirect_passes, site_reset),
		cmocka_unit_test_setup(test_redirect_unusual, site_reset),
	};

	fill_pattern(text, sizeof(text), 18);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("quote", tests, site_setup, site_teardown);
}
