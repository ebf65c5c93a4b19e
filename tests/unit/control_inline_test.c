// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inline mode: messages of the key agreement between protected addresses. In: from port to port, by their shape. Out: from
 * the agent's own socket only, which a test run of a program does not have, so here is what does not leave; what does is in
 * tests/netns/control.t.
 */
#include <errno.h>
#include <bpf/bpf.h>

#include "unit.h"
#include "control.h"
#include "expect.h"

enum { LISTEN_PORT = 4433, BURST = 1000, FLOOD = 10000, UNKNOWN = 0x12345678, COOKIE = 4711 };

static uint8_t message[CONTROL_MAX + 64];

/* All ports of PEER_C are protected, and none of somebody else's. */
static const char *const remotes[] = { REMOTE_C4, REMOTE_C6 };

static int map_called(const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/sys/fs/bpf/%s", name);
	fd = bpf_obj_get(path);
	assert_return_code(fd, errno);
	return fd;
}

static void set_owner(uint64_t cookie)
{
	const struct xdpsec_owner owner = { .value = 1,
					    .control_cookie = cookie,
					    .next_header = XDPSEC_NEXT_UDP };

	map_write(map_called("instance_owner"), 0, &owner);
}

static void ask(bool add)
{
	uint32_t session = CONTROL_SESSION;
	int asking = map_called("asking");

	if (add)
		map_write(asking, session, &session);
	else
		bpf_map_delete_elem(asking, &session);
}

static int reset(void **state)
{
	struct xdpsec_config config;

	site_reset(state);
	map_read(rig.maps.config, 0, &config);
	config.listen_port = LISTEN_PORT;
	map_write(rig.maps.config, 0, &config);
	set_owner(COOKIE);
	ask(true);
	return 0;
}

static struct packet out(const char *remote, size_t length)
{
	struct packet packet = packet_udp(remote, LISTEN_PORT, message, length);

	packet.source_port = LISTEN_PORT;
	return packet;
}

static struct packet in(const char *remote, size_t length)
{
	struct packet packet = packet_reversed(out(remote, length));

	packet.ingress = rig.device;
	return packet;
}

static void test_passes_in(void **state)
{
	(void)state;
	for (int type = CONTROL_INITIATION; type <= CONTROL_ACK; type++)
		for (size_t i = 0; i < ARRAY_SIZE(remotes); i++) {
			struct packet packet = in(remotes[i], control_write(message, type, CONTROL_SESSION));

			expect_packet_untouched(PROGRAM_OPEN, &packet);
			packet.vlans = 1;
			expect_packet_untouched(PROGRAM_OPEN, &packet);
		}
}

/* Other packets to that port are dropped as without an agent. */
static void expect_as_before(struct packet packet)
{
	bool sealed = packet.length >= XDPSEC_OVERHEAD && message[5] == 1 && !message[6] && !message[7];

	expect_packet_drop(PROGRAM_OPEN, &packet, sealed ? XDPSEC_DROP_UNKNOWN_SPI : XDPSEC_DROP_PLAINTEXT,
			   SLOT_NONE);
}

static void test_other_in(void **state)
{
	(void)state;
	for (int type = CONTROL_INITIATION; type <= CONTROL_ACK; type++)
		for (size_t i = 0; i < ARRAY_SIZE(remotes); i++) {
			size_t length = control_write(message, type, CONTROL_SESSION);
			struct packet packet = in(remotes[i], length);

			packet.source_port++;
			expect_as_before(packet);
			packet = in(remotes[i], length);
			packet.destination_port++;
			expect_as_before(packet);
			/* For another host behind us. */
			packet = in(remotes[i], length);
			packet.mac = (const uint8_t *)"\x02\0\0\0\0\x99";
			expect_as_before(packet);
			for (size_t other = 4; other < sizeof(message); other += 4)
				if (other != length)
					expect_as_before(in(remotes[i], other));
			for (size_t at = 5; at < 16; at == 7 ? at = 12 : at++) {
				message[at] ^= 4;
				expect_as_before(in(remotes[i], length));
				message[at] ^= 4;
			}
			set_owner(0);
			packet = in(remotes[i], length);
			expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_NO_AGENT, SLOT_NONE);
			set_owner(COOKIE);
		}
	for (int type = CONTROL_RESPONSE; type <= CONTROL_ACK; type++) {
		struct packet packet = in(REMOTE_C4, control_write(message, type, UNKNOWN));

		expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_LATE_ANSWER, SLOT_NONE);
	}
}

/* Text in clear, SPI or not. */
static void test_plaintext_in(void **state)
{
	(void)state;
	fill_pattern(message, sizeof(message), 99);
	for (size_t length = 0; length < sizeof(message); length += 16) {
		struct packet packet = in(REMOTE_C4, length);

		expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_PLAINTEXT, SLOT_NONE);
	}
	memset(message, 0, sizeof(message));
	for (size_t length = 16; length < sizeof(message); length += 16) {
		struct packet packet = in(REMOTE_C6, length);

		expect_packet_drop(PROGRAM_OPEN, &packet, XDPSEC_DROP_PLAINTEXT, SLOT_NONE);
	}
}

static void test_flood(void **state)
{
	struct packet packet = in(REMOTE_C4, control_write(message, CONTROL_INITIATION, UNKNOWN));
	static struct frame frame;
	struct tally before, after;

	(void)state;
	packet_build(&frame, &packet);
	tally_take(&before);
	rig_repeat(PROGRAM_OPEN, &frame, FLOOD);
	tally_take(&after);
	assert_in_range(after.drops[XDPSEC_DROP_CONTROL_FLOOD] - before.drops[XDPSEC_DROP_CONTROL_FLOOD], 1,
			FLOOD - BURST / 2);
	packet = in(REMOTE_C4, control_write(message, CONTROL_CONFIRM, CONTROL_SESSION));
	expect_packet_untouched(PROGRAM_OPEN, &packet);
}

/* A message in every way, but from another socket than the agent's, or forwarded: sealed. From behind the hop as well. */
static void test_others_out(void **state)
{
	(void)state;
	for (int type = CONTROL_INITIATION; type <= CONTROL_ACK; type++)
		for (size_t i = 0; i < ARRAY_SIZE(remotes); i++) {
			struct packet packet = out(remotes[i], control_write(message, type, CONTROL_SESSION));

			expect_sealed(PROGRAM_SEAL, &packet, SLOT_C_TX, SEAL_PASS);
			expect_sealed(PROGRAM_HOP, &packet, SLOT_C_TX, TC_REDIRECT);
			packet.ingress = rig.far;
			expect_sealed(PROGRAM_SEAL, &packet, SLOT_C_TX, SEAL_PASS);
			set_owner(0);
			expect_sealed(PROGRAM_SEAL, &packet, SLOT_C_TX, SEAL_PASS);
			set_owner(COOKIE);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_passes_in, reset),
		cmocka_unit_test_setup(test_other_in, reset),
		cmocka_unit_test_setup(test_plaintext_in, reset),
		cmocka_unit_test_setup(test_flood, reset),
		cmocka_unit_test_setup(test_others_out, reset),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("control_inline", tests, site_setup, site_teardown);
}
