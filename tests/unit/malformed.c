// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of malformed packets. */
#include "malformed.h"
#include "site.h"

static size_t ipv4_right(const struct packet *packet)
{
	return IPV4_LEN + packet->options + UDP_LEN + packet->length;
}

static void version_5(struct packet *packet)
{
	packet->version = 5;
}

static void version_0(struct packet *packet)
{
	packet->version = 0;
}

static void version_6_in_ipv4(struct packet *packet)
{
	packet->version = 6;
}

static void version_4_in_ipv6(struct packet *packet)
{
	packet->version = 4;
}

static void ihl_0(struct packet *packet)
{
	packet->ihl = 0;
}

static void ihl_4(struct packet *packet)
{
	packet->ihl = 4;
}

/* The header would reach beyond what the packet says it has. */
static void ihl_15(struct packet *packet)
{
	packet->length = 16;
	packet->ihl = 15;
}

static void total_length_0(struct packet *packet)
{
	packet->ip_length = 0;
}

static void total_length_below_header(struct packet *packet)
{
	packet->ip_length = IPV4_LEN - 1;
}

static void total_length_below_options(struct packet *packet)
{
	packet->options = 20;
	packet->ip_length = IPV4_LEN + 19;
}

static void total_length_without_udp(struct packet *packet)
{
	packet->ip_length = IPV4_LEN;
}

static void total_length_within_udp(struct packet *packet)
{
	packet->ip_length = IPV4_LEN + UDP_LEN - 1;
}

static void total_length_one_short(struct packet *packet)
{
	packet->ip_length = ipv4_right(packet) - 1;
}

static void total_length_one_over(struct packet *packet)
{
	packet->ip_length = ipv4_right(packet) + 1;
}

static void total_length_max(struct packet *packet)
{
	packet->ip_length = 65535;
}

static void payload_length_0(struct packet *packet)
{
	packet->ip_length = 0; /* a jumbogram's (RFC 2675), without its option */
}

static void payload_length_within_udp(struct packet *packet)
{
	packet->ip_length = UDP_LEN - 1;
}

static void payload_length_one_short(struct packet *packet)
{
	packet->ip_length = UDP_LEN + packet->length - 1;
}

static void payload_length_one_over(struct packet *packet)
{
	packet->ip_length = UDP_LEN + packet->length + 1;
}

static void payload_length_max(struct packet *packet)
{
	packet->ip_length = 65535;
}

static void udp_length_0(struct packet *packet)
{
	packet->udp_length = 0;
}

static void udp_length_7(struct packet *packet)
{
	packet->udp_length = UDP_LEN - 1;
}

/* Both lengths agree, and neither is possible. */
static void both_lengths_7(struct packet *packet)
{
	packet->udp_length = UDP_LEN - 1;
	packet->ip_length = (packet->family == 4 ? IPV4_LEN : 0) + UDP_LEN - 1;
}

/* The rest would be sent in clear behind what is sealed. */
static void udp_length_one_short(struct packet *packet)
{
	packet->udp_length = UDP_LEN + packet->length - 1;
}

static void udp_length_one_over(struct packet *packet)
{
	packet->udp_length = UDP_LEN + packet->length + 1;
}

/* Into the Ethernet padding, which the frame does have. */
static void udp_length_into_padding(struct packet *packet)
{
	packet->padding = 8;
	packet->udp_length = UDP_LEN + packet->length + 4;
}

static void udp_length_max(struct packet *packet)
{
	packet->udp_length = 65535;
}

/* The header that the chain leads to lies beyond the end. */
static void extension_over_end(struct packet *packet)
{
	packet_extend(packet, PROTOCOL_DESTINATION, 8);
	packet->extensions[0].length_field = 255;
}

static void payload_length_within_extension(struct packet *packet)
{
	packet_extend(packet, PROTOCOL_HOP_BY_HOP, 16);
	packet->ip_length = 8;
}

static void extension_over_udp(struct packet *packet)
{
	packet_extend(packet, PROTOCOL_HOP_BY_HOP, 8);
	packet->extensions[0].length_field = (8 + UDP_LEN + packet->length) / 8 - 1;
}

/* More than any stack sends: nothing that is not understood may pass. */
static void extensions_too_many(struct packet *packet)
{
	for (int i = 0; i < EXTENSIONS_MAX; i++)
		packet_extend(packet, PROTOCOL_DESTINATION, 8);
}

static const struct malformed malformed_packets[] = {
	{ "IPv4, version 0", 4, version_0, false },
	{ "IPv4, version 5", 4, version_5, false },
	{ "IPv4, version 6", 4, version_6_in_ipv4, false },
	{ "IPv4, ihl 0", 4, ihl_0, false },
	{ "IPv4, ihl 4", 4, ihl_4, false },
	{ "IPv4, ihl 15 in a short packet", 4, ihl_15, false },
	{ "IPv4, total length 0", 4, total_length_0, true },
	{ "IPv4, total length below the header", 4, total_length_below_header, true },
	{ "IPv4, total length below the options", 4, total_length_below_options, true },
	{ "IPv4, total length without UDP", 4, total_length_without_udp, true },
	{ "IPv4, total length ends in the UDP header", 4, total_length_within_udp, true },
	{ "IPv4, total length one short", 4, total_length_one_short, true },
	{ "IPv4, total length one over", 4, total_length_one_over, true },
	{ "IPv4, total length 65535", 4, total_length_max, true },
	{ "IPv4, UDP length 0", 4, udp_length_0, true },
	{ "IPv4, UDP length 7", 4, udp_length_7, true },
	{ "IPv4, total length and UDP length end in the UDP header", 4, both_lengths_7, true },
	{ "IPv4, UDP length one short", 4, udp_length_one_short, true },
	{ "IPv4, UDP length one over", 4, udp_length_one_over, true },
	{ "IPv4, UDP length reaches into the padding", 4, udp_length_into_padding, true },
	{ "IPv4, UDP length 65535", 4, udp_length_max, true },
	{ "IPv6, version 4", 6, version_4_in_ipv6, false },
	{ "IPv6, version 0", 6, version_0, false },
	{ "IPv6, payload length 0", 6, payload_length_0, true },
	{ "IPv6, payload length ends in the UDP header", 6, payload_length_within_udp, true },
	{ "IPv6, payload length one short", 6, payload_length_one_short, true },
	{ "IPv6, payload length one over", 6, payload_length_one_over, true },
	{ "IPv6, payload length 65535", 6, payload_length_max, true },
	{ "IPv6, UDP length 0", 6, udp_length_0, true },
	{ "IPv6, UDP length 7", 6, udp_length_7, true },
	{ "IPv6, payload length and UDP length end in the UDP header", 6, both_lengths_7, true },
	{ "IPv6, payload length ends in an extension header", 6, payload_length_within_extension, true },
	{ "IPv6, UDP length one short", 6, udp_length_one_short, true },
	{ "IPv6, UDP length one over", 6, udp_length_one_over, true },
	{ "IPv6, UDP length reaches into the padding", 6, udp_length_into_padding, true },
	{ "IPv6, extension header over the end", 6, extension_over_end, false },
	{ "IPv6, extension header over all of UDP", 6, extension_over_udp, false },
	{ "IPv6, sixteen extension headers", 6, extensions_too_many, false },
};

int malformed_run_group(const char *name, CMUnitTestFunction test, const struct CMUnitTest *others, size_t n)
{
	struct CMUnitTest tests[ARRAY_SIZE(malformed_packets) + n];
	char names[ARRAY_SIZE(malformed_packets)][80];

	for (size_t i = 0; i < ARRAY_SIZE(malformed_packets); i++) {
		snprintf(names[i], sizeof(names[i]), "malformed: %s", malformed_packets[i].name);
		tests[i] = unit_test_row(names[i], test, &malformed_packets[i]);
	}
	memcpy(tests + ARRAY_SIZE(malformed_packets), others, n * sizeof(*others));
	for (size_t i = 0; i < ARRAY_SIZE(malformed_packets) + n; i++)
		tests[i].setup_func = site_reset;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name(name, tests, site_setup, site_teardown);
}
