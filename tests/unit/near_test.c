// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xdpsec_near: frames that are not folded pass unchanged, and a mark without its head is dropped. Whether the
 * head is there depends on the kernel's memory: tests/netns/tunnel_larger.t.
 */
#include "unit.h"
#include "tunnel.h"

enum { FOLD_ETHERTYPE = 0x88b5 };

static uint8_t text[3000];

static void expect_verdict(const struct frame *frame, int verdict)
{
	static struct frame out;

	assert_int_equal(rig_run(PROGRAM_NEAR, frame, &out), verdict);
	if (verdict == XDP_PASS)
		expect_same_frame(&out, frame);
}

static void test_other(void **state)
{
	static struct frame frame;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tunnel_directions); i++)
		for (size_t length = 0; length <= sizeof(text); length += 100) {
			struct packet packet = tunnel_inner_from(tunnel_directions[i].host, text, length);

			packet_build(&frame, &packet);
			expect_verdict(&frame, XDP_PASS);
			write16(frame.bytes + 12, FOLD_ETHERTYPE + 1);
			expect_verdict(&frame, XDP_PASS);
			write16(frame.bytes + 12, FOLD_ETHERTYPE + 0x100);
			expect_verdict(&frame, XDP_PASS);
		}
}

static void test_without_head(void **state)
{
	static const uint32_t lengths[] = { 0, 1, 100, 200, 300, 3000, 16384, 16385, UINT32_MAX };
	struct packet packet = tunnel_inner_from(INNER_B4, text, 1000);
	static struct frame frame;

	(void)state;
	packet_build(&frame, &packet);
	write16(frame.bytes + 12, FOLD_ETHERTYPE);
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		memcpy(frame.bytes + 8, &lengths[i], sizeof(lengths[i]));
		expect_verdict(&frame, XDP_DROP);
	}
}

/* Memory in front of a frame is zeros, often. */
static void test_zeros(void **state)
{
	struct packet packet = tunnel_inner_from(INNER_B4, text, 1000);
	static struct frame frame;

	(void)state;
	packet_build(&frame, &packet);
	memset(frame.bytes, 0, 12);
	write16(frame.bytes + 12, FOLD_ETHERTYPE);
	for (uint32_t by = 0; by < 300; by++) {
		memcpy(frame.bytes + 8, &by, sizeof(by));
		expect_verdict(&frame, XDP_DROP);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_other),
		cmocka_unit_test(test_without_head),
		cmocka_unit_test(test_zeros),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("near", tests, tunnel_setup, tunnel_teardown);
}
