// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * docs/protocol.md, by the real programs: its example, byte for byte, and how much fits into the MTUs of its
 * table. Read from the page itself, so that the page cannot say something else.
 */
#include <errno.h>
#include <stdlib.h>
#include <bpf/libbpf.h>

#include "unit.h"
#include "expect.h"

/* make check runs at the top of the tree. */
#define PAGE "docs/protocol.md"

enum {
	SLOT_SEAL,
	SLOT_OPEN,
	PEER_REMOTE = 0, /* what is sent goes there */
	PEER_LOCAL,	 /* what is opened comes from there: the example's sender */
	PORT_EXAMPLE = 5201,
	/* The kernel's test run builds TC frames on one page. */
	TC_MTU_MAX = 3000,
};

#define EXAMPLE_LOCAL "192.0.2.1"
#define EXAMPLE_REMOTE4 "198.51.100.1"
#define EXAMPLE_REMOTE6 "2001:db8:2::2"

static struct example {
	uint8_t key[16];
	uint32_t spi;
	uint64_t sequence;
	struct frame clear, sealed;
	/* Tags of the same payload: addresses and ports over IPv4, over IPv6, and ports alone. */
	uint8_t tags[3][XDPSEC_TAG_LEN];
	size_t n_tags;
} example;

struct row {
	unsigned int mtu, payload4, vxlan4, payload6, vxlan6;
};

static struct row rows[16];
static size_t n_rows;

/* Pairs of digits, whatever white space is between them. */
static size_t parse_hex(const char *text, uint8_t *bytes, size_t size)
{
	size_t n = 0;
	int used;

	for (; n < size && sscanf(text, " %2hhx%n", &bytes[n], &used) == 1; text += used)
		n++;
	return n;
}

static void parse_header(const char *text)
{
	uint8_t header[XDPSEC_HEADER_LEN];

	assert_int_equal(parse_hex(text, header, sizeof(header)), sizeof(header));
	example.spi = read32(header);
	example.sequence = (uint64_t)read32(header + 8) << 32 | read32(header + 12);
}

static void parse_dump(const char *line, struct frame *frame)
{
	unsigned int offset;
	int used;

	assert_int_equal(sscanf(line, " %4x%n", &offset, &used), 1);
	assert_int_equal(offset, frame->length);
	frame->length += parse_hex(line + used, frame->bytes + offset, 16);
}

static void parse_page(void)
{
	FILE *page = fopen(PAGE, "re");
	struct frame *dumped = NULL;
	char line[256];
	struct row row;

	if (!page) {
		fail_msg("%s: %s: to be run at the top of the tree", PAGE, strerror(errno));
		return;
	}
	while (fgets(line, sizeof(line), page)) {
		if (strncmp(line, "key ", 4) == 0)
			assert_int_equal(parse_hex(line + 4, example.key, 16), 16);
		else if (strncmp(line, "header ", 7) == 0)
			parse_header(line + 7);
		else if (strncmp(line, "Tag ", 4) == 0 && example.n_tags < ARRAY_SIZE(example.tags))
			assert_int_equal(parse_hex(line + 4, example.tags[example.n_tags++], XDPSEC_TAG_LEN),
					 XDPSEC_TAG_LEN);
		else if (strncmp(line, "clear frame,", 12) == 0)
			dumped = &example.clear;
		else if (strncmp(line, "sealed frame,", 13) == 0)
			dumped = &example.sealed;
		else if (dumped && strncmp(line, "  0", 3) == 0)
			parse_dump(line, dumped);
		else
			dumped = NULL;
		if (sscanf(line, "| %*[^|] | %u | %u | %u | %u | %u |", &row.mtu, &row.payload4, &row.vxlan4,
			   &row.payload6, &row.vxlan6) == 5 &&
		    n_rows < ARRAY_SIZE(rows))
			rows[n_rows++] = row;
	}
	fclose(page);
}

static void install(uint32_t slot, uint32_t peer)
{
	struct rig_sa sa = {
		.slot = slot,
		.spi = example.spi,
		.peer = peer,
		.next_header = XDPSEC_NEXT_UDP,
		.binding = XDPSEC_BIND_ADDRESSES,
		.key = example.key,
		.key_length = sizeof(example.key),
		.next = example.sequence,
		.limit = XDPSEC_SEQUENCE_LIMIT,
	};

	rig_sa_install(&sa);
}

static int setup(void **state)
{
	static const struct xdpsec_ports port = { PORT_EXAMPLE, PORT_EXAMPLE };

	parse_page();
	rig_setup(state);
	install(SLOT_SEAL, PEER_REMOTE);
	install(SLOT_OPEN, PEER_LOCAL);
	rig_peer(PEER_REMOTE, SLOT_SEAL);
	rig_peer(PEER_LOCAL, XDPSEC_NO_SA);
	rig_spi(example.spi, SLOT_OPEN);
	rig_policy(EXAMPLE_REMOTE4 "/32", PEER_REMOTE, &port, 1);
	rig_policy(EXAMPLE_REMOTE6 "/128", PEER_REMOTE, &port, 1);
	rig_policy(EXAMPLE_LOCAL "/32", PEER_LOCAL, &port, 1);
	return 0;
}

static void test_page_is_read(void **state)
{
	(void)state;
	assert_int_equal(example.sealed.length, example.clear.length + XDPSEC_OVERHEAD);
	assert_true(frame_checksums_hold(&example.clear));
	assert_true(frame_checksums_hold(&example.sealed));
	assert_in_range(n_rows, 3, ARRAY_SIZE(rows) - 1);
}

static void test_seal(void **state)
{
	static struct frame out;

	(void)state;
	assert_int_equal(rig_run(PROGRAM_SEAL, &example.clear, &out), SEAL_PASS);
	expect_same_frame(&out, &example.sealed);
	assert_int_equal(rig_sequence_next(SLOT_SEAL), example.sequence + 1);
}

static void test_open(void **state)
{
	static struct frame out;

	(void)state;
	assert_int_equal(rig_run(PROGRAM_OPEN, &example.sealed, &out), XDP_PASS);
	expect_same_frame(&out, &example.clear);
	assert_int_equal(rig_run(PROGRAM_OPEN, &example.sealed, &out), XDP_DROP /* replayed */);
}

static void expect_tag(const struct frame *clear, enum xdpsec_binding binding, const uint8_t *tag)
{
	static struct frame out;
	struct layout layout;

	rig_sa_bind(SLOT_SEAL, binding);
	rig_sequence(SLOT_SEAL, example.sequence, XDPSEC_SEQUENCE_LIMIT);
	assert_int_equal(rig_run(PROGRAM_SEAL, clear, &out), SEAL_PASS);
	assert_true(frame_layout(&out, &layout));
	assert_memory_equal(out.bytes + layout.payload + XDPSEC_HEADER_LEN, tag, XDPSEC_TAG_LEN);
	rig_sa_bind(SLOT_SEAL, XDPSEC_BIND_ADDRESSES);
}

static void test_tags(void **state)
{
	static struct frame clear6;
	struct packet packet6;
	struct layout layout;

	(void)state;
	assert_int_equal(example.n_tags, ARRAY_SIZE(example.tags));
	assert_true(frame_layout(&example.clear, &layout));
	packet6 = packet_udp(EXAMPLE_REMOTE6, PORT_EXAMPLE, example.clear.bytes + layout.payload,
			     layout.end - layout.payload);
	packet_build(&clear6, &packet6);
	expect_tag(&example.clear, XDPSEC_BIND_ADDRESSES, example.tags[0]);
	expect_tag(&clear6, XDPSEC_BIND_ADDRESSES, example.tags[1]);
	expect_tag(&example.clear, XDPSEC_BIND_PORTS, example.tags[2]);
	expect_tag(&clear6, XDPSEC_BIND_PORTS, example.tags[2]);
}

static uint64_t too_big_count(void)
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t counts[cpus], sum = 0;

	map_read(rig.maps.drops, XDPSEC_DROP_TOO_BIG, counts);
	for (int cpu = 0; cpu < cpus; cpu++)
		sum += counts[cpu];
	return sum;
}

static int seal_payload(const char *remote, unsigned int length)
{
	static const uint8_t zeros[TC_MTU_MAX];
	static struct frame in, out;
	struct packet packet = packet_udp(remote, PORT_EXAMPLE, zeros, length);

	packet_build(&in, &packet);
	return rig_run(PROGRAM_SEAL, &in, &out);
}

static void expect_largest(const char *remote, unsigned int payload)
{
	uint64_t before = too_big_count();

	assert_int_equal(seal_payload(remote, payload), SEAL_PASS);
	assert_int_equal(too_big_count(), before);
	assert_int_not_equal(seal_payload(remote, payload + 1), SEAL_PASS);
	assert_int_equal(too_big_count(), before + 1);
}

static void test_mtus(void **state)
{
	enum { VXLAN_LEN = 8 };

	(void)state;
	for (const struct row *row = rows; row < rows + n_rows; row++) {
		assert_int_equal(row->payload4, row->mtu - IPV4_LEN - UDP_LEN - XDPSEC_OVERHEAD);
		assert_int_equal(row->payload6, row->mtu - IPV6_LEN - UDP_LEN - XDPSEC_OVERHEAD);
		assert_int_equal(row->vxlan4, row->payload4 - VXLAN_LEN - ETHERNET_LEN);
		assert_int_equal(row->vxlan6, row->payload6 - VXLAN_LEN - ETHERNET_LEN);
		if (row->mtu > TC_MTU_MAX)
			continue;
		rig_device_mtu(row->mtu);
		expect_largest(EXAMPLE_REMOTE4, row->payload4);
		expect_largest(EXAMPLE_REMOTE6, row->payload6);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_is_read), cmocka_unit_test(test_seal), cmocka_unit_test(test_open),
		cmocka_unit_test(test_tags),	     cmocka_unit_test(test_mtus),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("example", tests, setup, rig_teardown);
}
