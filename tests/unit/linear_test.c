// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames in several buffers of which the first is short: drivers that split headers from data, or leave it
 * empty. Kernels with bpf_xdp_pull_data open them; on others what is protected is dropped, and the rest
 * passes.
 */
#include "unit.h"
#include "site.h"
#include "expect.h"

enum { LENGTH = 1400, SEQUENCE = 9 };

static uint8_t text[LENGTH], buffer[LENGTH + XDPSEC_OVERHEAD];

/* The first buffer: from Ethernet alone (the kernel's test run takes no less) to the sealed header. */
static const uint32_t linears[] = { 14, 15, 34, 42, 62, 64, 74, 128, 191, 192, 256 };

static void protected(const char *remote)
{
	struct packet plain = packet_reversed(packet_udp(remote, PORT, text, sizeof(text)));
	bool pulls = rig_kernel_pulls();

	for (size_t i = 0; i < ARRAY_SIZE(linears); i++) {
		struct packet sealed = site_sealed(&plain, SLOT_B_RX, SEQUENCE, buffer);

		sealed.linear = linears[i];
		rig_window_reset(SLOT_B_RX);
		if (pulls || linears[i] >= 192)
			expect_opened(&sealed, &plain, SLOT_B_RX);
		else
			expect_packet_drop(PROGRAM_OPEN, &sealed, XDPSEC_DROP_NO_ROOM, SLOT_NONE);
	}
}

static void test_protected_ipv4(void **state)
{
	(void)state;
	protected(REMOTE_B4);
}

static void test_protected_ipv6(void **state)
{
	(void)state;
	protected(REMOTE_B6);
}

/* In clear on a protected flow: dropped, whether or not it can be read. */
static void test_clear_text(void **state)
{
	struct packet plain = packet_reversed(packet_udp(REMOTE_B4, PORT, text, sizeof(text)));

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(linears); i++) {
		plain.linear = linears[i];
		expect_packet_drop(PROGRAM_OPEN, &plain,
				   rig_kernel_pulls() || linears[i] >= 192 ? XDPSEC_DROP_PLAINTEXT
									   : XDPSEC_DROP_NO_ROOM,
				   SLOT_NONE);
	}
}

/* Everything else passes as it is. */
static void test_not_protected(void **state)
{
	static const char *const clear[] = { REMOTE_CLEAR4, REMOTE_CLEAR6 };
	static const char *const peers[] = { REMOTE_B4, REMOTE_B6 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(linears); i++)
		for (size_t j = 0; j < ARRAY_SIZE(clear); j++) {
			struct packet udp = packet_reversed(packet_udp(clear[j], PORT, text, sizeof(text)));
			struct packet tcp = packet_reversed(packet_udp(peers[j], PORT, text, sizeof(text)));

			udp.linear = linears[i];
			expect_packet_untouched(PROGRAM_OPEN, &udp);
			tcp.linear = linears[i];
			tcp.protocol = PROTOCOL_TCP;
			expect_packet_untouched(PROGRAM_OPEN, &tcp);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_protected_ipv4, site_reset),
		cmocka_unit_test_setup(test_protected_ipv6, site_reset),
		cmocka_unit_test_setup(test_clear_text, site_reset),
		cmocka_unit_test_setup(test_not_protected, site_reset),
	};

	fill_pattern(text, sizeof(text), 23);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("linear", tests, site_setup, site_teardown);
}
