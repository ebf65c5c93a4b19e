// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The programs by which an agent changes SAs (loader/plane/agree.bpf.c): what they refuse, and in which order they allow
 * what.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>
#include <bpf/bpf.h>

#include "unit.h"
#include "agree_rig.h"

static struct xdpsec_agreement agreement_of(uint32_t slot)
{
	static struct agreement_record records[XDPSEC_MAX_SAS];
	struct xdpsec_agreement agreement;
	size_t n;

	/* The agent's own view agrees with the map. */
	assert_int_equal(agree_read_records(&agent, records, &n), 0);
	assert_return_code(bpf_map_lookup_elem(agent.maps[AGREE_AGREEMENTS], &slot, &agreement), errno);
	for (size_t i = 0; i < n; i++)
		if (records[i].slot == slot) {
			assert_int_equal(records[i].id, agreement.id);
			assert_int_equal(records[i].linked, agreement.stage == XDPSEC_STAGE_LINKED);
			return agreement;
		}
	assert_int_equal(agreement.stage, XDPSEC_STAGE_EMPTY);
	return agreement;
}

static uint32_t tx_sa(uint32_t peer)
{
	struct xdpsec_peer entry;

	map_read(rig.maps.peers, peer, &entry);
	return entry.tx_sa;
}

static bool opens(uint32_t spi, uint32_t slot)
{
	uint32_t found;

	return bpf_map_lookup_elem(rig.maps.spis, &spi, &found) == 0 && found == slot;
}

/* Refused with this error, and nothing has changed. */
static void expect_install_refused(const struct agree *by, const struct agreement_sa *sa, int err)
{
	struct snapshot *before = snapshot_take(false), *after;

	assert_int_equal(agreed_install_as(by, sa, 1, NULL), err);
	after = snapshot_take(false);
	assert_true(snapshot_is_same(before, after));
	snapshot_free(before);
	snapshot_free(after);
}

static void expect_slot_refused(const struct agree *by, int (*what)(const struct agree *agree, __u32 slot),
				uint32_t slot, int err)
{
	struct snapshot *before = snapshot_take(false), *after;

	assert_int_equal(what(by, slot), err);
	after = snapshot_take(false);
	assert_true(snapshot_is_same(before, after));
	snapshot_free(before);
	snapshot_free(after);
}

static void test_installed(void **state)
{
	static const uint32_t slots[] = { AGREED_TX, AGREED_TX + 2, AGREED_RX, AGREED_RX + 4 };
	uint64_t last = 0, id;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(slots); i++) {
		struct agreement_sa sa = agreed_sa(slots[i], 7);
		struct xdpsec_sequence sequence;
		struct xdpsec_agreement got;
		struct xdpsec_sa installed;

		id = agreed_use(&sa, 1);
		assert_true(id > last);
		last = id;
		map_read(rig.maps.sas, slots[i], &installed);
		assert_int_equal(installed.id, id);
		assert_int_equal(installed.spi, sa.spi);
		assert_int_equal(installed.peer, AGREED_PEER);
		assert_int_equal(installed.next_header, NEXT_IPV4);
		assert_int_equal(installed.event, !sa.seals);
		assert_int_not_equal(installed.l_dollar.a, 0);
		map_read(rig.maps.sequences, slots[i], &sequence);
		assert_int_equal(sequence.next, 0);
		assert_int_equal(sequence.limit, sa.seals ? 1ULL << 37 : 0);
		got = agreement_of(slots[i]);
		assert_int_equal(got.stage, XDPSEC_STAGE_LINKED);
		assert_int_equal(got.id, id);
		assert_int_equal(got.key_hash, AGREED_HASH);
		assert_int_equal(got.generation, 7);
		assert_int_equal(got.deadline, sa.record.deadline);
		assert_int_equal(got.peer_life, sa.record.peer_life);
		assert_int_equal(got.reject_after, 540);
		assert_int_equal(got.opened, 0);
	}
	assert_int_equal(tx_sa(AGREED_PEER), AGREED_TX + 2);
	assert_true(opens(AGREED_SPI + AGREED_RX, AGREED_RX));
	assert_true(opens(AGREED_SPI + AGREED_RX + 4, AGREED_RX + 4));
}

static void test_install_refused(void **state)
{
	struct agreement_sa sa = agreed_sa(AGREED_RX, 1), other;

	(void)state;
	other = agreed_sa(MANUAL_TX + 1, 1);
	expect_install_refused(&agent, &other, -EPERM);
	other = agreed_sa(MANUAL_RX + 1, 1);
	expect_install_refused(&agent, &other, -EPERM);
	/* No peer at all, and no slot at all. */
	other = agreed_sa(8 * 900, 1);
	expect_install_refused(&agent, &other, -EPERM);
	other = agreed_sa(AGREED_TX, 1);
	other.slot = XDPSEC_MAX_SAS;
	expect_install_refused(&agent, &other, -EINVAL);
	other.slot = UINT32_MAX;
	expect_install_refused(&agent, &other, -EINVAL);
	/* Another key than the peer's. */
	other = sa;
	other.record.key_hash++;
	expect_install_refused(&agent, &other, -EPERM);
	other.record.key_hash = 0;
	expect_install_refused(&agent, &other, -EPERM);
	other = sa;
	other.record.spi_rx = 255;
	expect_install_refused(&agent, &other, -EINVAL);
	other.record.spi_rx = 0;
	expect_install_refused(&agent, &other, -EINVAL);
	/* The SPI of this direction counts. */
	other = agreed_sa(AGREED_TX, 1);
	other.record.spi_tx = 255;
	expect_install_refused(&agent, &other, -EINVAL);
	other = sa;
	other.record.deadline = 0;
	expect_install_refused(&agent, &other, -EINVAL);
	/* An SPI that a manual peer opens. */
	other = sa;
	other.record.spi_rx = tunnel_sas[TUNNEL_RX(TUNNEL_B)].spi;
	expect_install_refused(&agent, &other, -EEXIST);

	other = sa;
	other.record.spi_rx = 256;
	assert_int_equal(agreed_install_as(&agent, &other, 1, NULL), 0);
	agreed_erase(AGREED_RX);
}

/* In whatever stage the slot is, if it is not empty. */
static void test_slot_in_use(void **state)
{
	struct agreement_sa sa = agreed_sa(AGREED_TX, 1);

	(void)state;
	assert_int_equal(agreed_install_as(&agent, &sa, 1, NULL), 0);
	expect_install_refused(&agent, &sa, -EBUSY);
	assert_int_equal(agree_link(&agent, AGREED_TX), 0);
	expect_install_refused(&agent, &sa, -EBUSY);
	assert_int_equal(agree_unlink(&agent, AGREED_TX), 0);
	expect_install_refused(&agent, &sa, -EBUSY);
	assert_int_equal(agree_erase(&agent, AGREED_TX), 0);
	assert_int_equal(agreed_install_as(&agent, &sa, 1, NULL), 0);
}

/* A context that root has put there is not replaced, nor lost. */
static void test_context_in_use(void **state)
{
	const struct rig_sa manual = { .slot = 2 * AGREED_PEER,
				       .spi = 0x7777,
				       .peer = AGREED_PEER,
				       .next_header = NEXT_IPV4,
				       .key = (const uint8_t *)"0123456789abcdef",
				       .key_length = 16,
				       .limit = 100 };
	struct agreement_sa sa = agreed_sa(AGREED_TX, 1);

	(void)state;
	rig_sa_install(&manual);
	expect_install_refused(&agent, &sa, -EBUSY);
	rig_sa_remove(manual.slot);
	assert_int_equal(agreed_install_as(&agent, &sa, 1, NULL), 0);
}

static void test_order(void **state)
{
	static const uint32_t slots[] = { AGREED_TX + 1, AGREED_RX + 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(slots); i++) {
		struct agreement_sa sa = agreed_sa(slots[i], 1);
		uint32_t slot = slots[i];
		uint64_t first, second;

		expect_slot_refused(&agent, agree_link, slot, -ENOENT);
		expect_slot_refused(&agent, agree_unlink, slot, -ENOENT);
		expect_slot_refused(&agent, agree_erase, slot, -ENOENT);
		assert_int_equal(agreed_install_as(&agent, &sa, 1, &first), 0);
		expect_slot_refused(&agent, agree_unlink, slot, -EBUSY);
		assert_int_equal(agree_link(&agent, slot), 0);
		expect_slot_refused(&agent, agree_link, slot, -EBUSY);
		expect_slot_refused(&agent, agree_erase, slot, -EBUSY);
		assert_int_equal(agree_unlink(&agent, slot), 0);
		assert_int_equal(tx_sa(AGREED_PEER), XDPSEC_NO_SA);
		assert_false(opens(sa.spi, slot));
		/* Never again, before it was erased. */
		expect_slot_refused(&agent, agree_link, slot, -EBUSY);
		expect_slot_refused(&agent, agree_unlink, slot, -EBUSY);
		assert_int_equal(agree_erase(&agent, slot), 0);
		expect_slot_refused(&agent, agree_link, slot, -ENOENT);
		assert_int_equal(agreed_install_as(&agent, &sa, 2, &second), 0);
		assert_true(second > first);
		/* Not linked at all: erased all the same. */
		assert_int_equal(agree_erase(&agent, slot), 0);
	}
}

static void test_erased_leaves_nothing(void **state)
{
	static const struct xdpsec_agreement empty = { .partner = XDPSEC_NO_SA };
	static const struct xdpsec_sa nothing;
	struct xdpsec_agreement agreement;
	struct xdpsec_replay window, none = {};
	struct xdpsec_sequence sequence;
	struct xdpsec_sa sa;
	uint64_t deadline;

	(void)state;
	for (uint32_t slot = AGREED_TX; slot < AGREED_TX + XDPSEC_SLOTS_PER_PEER; slot++) {
		struct agreement_sa installed = agreed_sa(slot, 1);
		struct plane plane;

		agreed_use(&installed, 1);
		agreed_erase(slot);
		map_read(rig.maps.sas, slot, &sa);
		assert_memory_equal(&sa, &nothing, sizeof(sa));
		map_read(rig.maps.sequences, slot, &sequence);
		assert_int_equal(sequence.next | sequence.limit, 0);
		map_read(rig.maps.replay_windows, slot, &window);
		assert_memory_equal(window.bitmap, none.bitmap, sizeof(none.bitmap));
		assert_int_equal(window.next, 0);
		agreement = agreement_of(slot);
		assert_memory_equal(&agreement, &empty, sizeof(agreement));
		plane_init(&plane);
		assert_int_equal(plane_open(&plane, "unit", false), 0);
		map_read(plane.maps[MAP_DEADLINES], slot, &deadline);
		assert_int_equal(deadline, 0);
		plane_close(&plane);
	}
}

/* Another SA seals; that unlinks the one that sealed before. */
static void test_sealing_is_exchanged(void **state)
{
	struct agreement_sa first = agreed_sa(AGREED_TX, 1), second = agreed_sa(AGREED_TX + 1, 2);

	(void)state;
	agreed_use(&first, 1);
	agreed_use(&second, 2);
	assert_int_equal(tx_sa(AGREED_PEER), AGREED_TX + 1);
	assert_int_equal(agreement_of(AGREED_TX).stage, XDPSEC_STAGE_UNLINKED);
	expect_slot_refused(&agent, agree_link, AGREED_TX, -EBUSY);
	expect_slot_refused(&agent, agree_unlink, AGREED_TX, -EBUSY);
	assert_int_equal(agree_erase(&agent, AGREED_TX), 0);
	assert_int_equal(tx_sa(AGREED_PEER), AGREED_TX + 1);
}

/* An older agent was stopped between the two steps of linking: what seals is not erased, whatever its stage. */
static void test_sealing_is_not_erased(void **state)
{
	struct agreement_sa sa = agreed_sa(AGREED_TX, 1);

	(void)state;
	agreed_use(&sa, 1);
	assert_int_equal(agree_unlink(&agent, AGREED_TX), 0);
	map_write(rig.maps.peers, AGREED_PEER, &(struct xdpsec_peer){ .tx_sa = AGREED_TX });
	expect_slot_refused(&agent, agree_erase, AGREED_TX, -EBUSY);
	map_write(rig.maps.peers, AGREED_PEER, &(struct xdpsec_peer){ .tx_sa = XDPSEC_NO_SA });
	assert_int_equal(agree_erase(&agent, AGREED_TX), 0);
}

/* A slot whose link failed can be linked later. */
static void test_spi_taken_meanwhile(void **state)
{
	struct agreement_sa sa = agreed_sa(AGREED_RX, 1);

	(void)state;
	assert_int_equal(agreed_install_as(&agent, &sa, 1, NULL), 0);
	rig_spi(sa.spi, TUNNEL_RX(TUNNEL_B));
	expect_slot_refused(&agent, agree_link, AGREED_RX, -EEXIST);
	rig_spi_remove(sa.spi);
	assert_int_equal(agree_link(&agent, AGREED_RX), 0);
}

static void test_note(void **state)
{
	struct agreement_sa sa = agreed_sa(AGREED_RX, 1);
	struct agreement_record record = sa.record;
	struct xdpsec_agreement got;

	(void)state;
	record.state = AGREEMENT_LEFT;
	record.since = 1234;
	record.partner = AGREED_TX + 2;
	assert_int_equal(agree_note(&agent, AGREED_RX, &record), -ENOENT);
	assert_int_equal(agree_note(&agent, MANUAL_RX, &record), -ENOENT);
	agreed_use(&sa, 1);
	assert_int_equal(agree_note(&agent, AGREED_RX, &record), 0);
	got = agreement_of(AGREED_RX);
	assert_int_equal(got.state, AGREEMENT_LEFT);
	assert_int_equal(got.since, 1234);
	assert_int_equal(got.partner, AGREED_TX + 2);
	assert_int_equal(got.stage, XDPSEC_STAGE_LINKED);
}

/* Another agent has taken over: the first one changes nothing any more. */
static void test_old_owner(void **state)
{
	struct agreement_sa sa = agreed_sa(AGREED_TX, 1), unused = agreed_sa(AGREED_TX + 1, 1);
	const struct xdpsec_location at = tunnel_location("198.51.100.9", 9);
	const struct xdpsec_source from = {};
	struct agree old = agent;

	(void)state;
	agreed_use(&sa, 1);
	agree_rig_open(&agent);
	expect_install_refused(&old, &unused, -ESTALE);
	expect_slot_refused(&old, agree_link, AGREED_TX, -ESTALE);
	expect_slot_refused(&old, agree_unlink, AGREED_TX, -ESTALE);
	expect_slot_refused(&old, agree_erase, AGREED_TX, -ESTALE);
	expect_slot_refused(&old, agree_keepalive, AGREED_PEER, -ESTALE);
	assert_int_equal(agree_note(&old, AGREED_TX, &sa.record), -ESTALE);
	assert_int_equal(agree_asking(&old, 1000, true), -ESTALE);
	assert_int_equal(agree_endpoint(&old, AGREED_PEER, &at, &from), -ESTALE);
	/* The new one has all of that. */
	assert_int_equal(agree_unlink(&agent, AGREED_TX), 0);
	assert_int_equal(agree_erase(&agent, AGREED_TX), 0);
	agree_close(&old);
}

/* No owner at all, as after `down`: a value of zero is none. */
static void test_no_owner(void **state)
{
	struct agreement_sa sa = agreed_sa(AGREED_TX, 1);
	struct agree nobody = agent;
	struct plane plane;

	(void)state;
	plane_init(&plane);
	assert_int_equal(plane_open(&plane, "unit", false), 0);
	assert_int_equal(agree_disown(&plane), 0);
	nobody.owner = 0;
	expect_install_refused(&nobody, &sa, -ESTALE);
	expect_install_refused(&agent, &sa, -ESTALE);
	plane_close(&plane);
	agree_close(&agent);
	agree_rig_open(&agent);
	agreed_use(&sa, 1);
}

/* The peer's key has changed, or it was removed: its SAs can still be unlinked and erased, and nothing else. */
static void test_peer_changed(void **state)
{
	static const uint64_t hashes[] = { AGREED_HASH + 1, 0 };
	struct agreement_sa sa = agreed_sa(AGREED_RX, 1), other = agreed_sa(AGREED_RX + 1, 1);
	struct plane plane;

	(void)state;
	plane_init(&plane);
	assert_int_equal(plane_open(&plane, "unit", false), 0);
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		agreed_use(&sa, 1);
		assert_int_equal(agreed_install_as(&agent, &other, 1, NULL), 0);
		assert_int_equal(agree_set_peer(&plane, AGREED_PEER, hashes[i]), 0);
		expect_slot_refused(&agent, agree_link, AGREED_RX + 1, -EPERM);
		assert_int_equal(agree_unlink(&agent, AGREED_RX), 0);
		assert_int_equal(agree_erase(&agent, AGREED_RX), 0);
		expect_install_refused(&agent, &sa, -EPERM);
		assert_int_equal(agree_erase(&agent, AGREED_RX + 1), 0);
		assert_int_equal(agree_set_peer(&plane, AGREED_PEER, AGREED_HASH), 0);
	}
	plane_close(&plane);
}

/* Root erases what a peer has, whoever the owner is. Manual SAs stay. */
static void test_forget_peer(void **state)
{
	struct agreement_sa tx = agreed_sa(AGREED_TX, 1), rx = agreed_sa(AGREED_RX, 1),
			    unused = agreed_sa(AGREED_RX + 2, 1);
	struct plane plane;

	(void)state;
	agreed_use(&tx, 1);
	agreed_use(&rx, 1);
	assert_int_equal(agreed_install_as(&agent, &unused, 1, NULL), 0);
	plane_init(&plane);
	assert_int_equal(plane_open(&plane, "unit", false), 0);
	assert_int_equal(agree_forget_peer(&plane, AGREED_PEER), 0);
	assert_int_equal(agree_forget_peer(&plane, TUNNEL_B), 0);
	plane_close(&plane);
	for (uint32_t k = 0; k < XDPSEC_SLOTS_PER_PEER; k++)
		assert_int_equal(agreement_of(AGREED_TX + k).stage, XDPSEC_STAGE_EMPTY);
	assert_int_equal(tx_sa(AGREED_PEER), XDPSEC_NO_SA);
	assert_false(opens(AGREED_SPI + AGREED_RX, AGREED_RX));
	assert_int_equal(tx_sa(TUNNEL_B), MANUAL_TX);
	assert_true(opens(tunnel_sas[TUNNEL_RX(TUNNEL_B)].spi, MANUAL_RX));
	/* That has made another owner. */
	expect_install_refused(&agent, &tx, -ESTALE);
	agree_close(&agent);
	agree_rig_open(&agent);
}

static void test_endpoint(void **state)
{
	const struct xdpsec_location at = tunnel_location("198.51.100.9", 4711),
				     other_port = tunnel_location("198.51.100.9", 4712),
				     other_address = tunnel_location("198.51.100.10", 4712);
	const struct xdpsec_source from = tunnel_source(LOCAL4, XDPSEC_LOCAL_DEVICE);
	struct xdpsec_endpoint endpoint = tunnel_endpoint(AGREED_PEER), now, seen;

	(void)state;
	endpoint.roams = 0;
	tunnel_set_endpoint(AGREED_PEER, &endpoint);
	assert_int_equal(agree_endpoint(&agent, AGREED_PEER, &at, &from), -EPERM);
	now = tunnel_endpoint(AGREED_PEER);
	assert_memory_equal(&now, &endpoint, sizeof(now));
	/* It does not roam, but nobody knows where it is. */
	endpoint.at[0].known = 0;
	tunnel_set_endpoint(AGREED_PEER, &endpoint);
	assert_int_equal(agree_endpoint(&agent, AGREED_PEER, &at, &from), 0);
	now = tunnel_endpoint(AGREED_PEER);
	assert_int_equal(now.current, !endpoint.current);
	assert_memory_equal(&now.at[now.current], &at, sizeof(at));
	assert_memory_equal(&now.from[now.current], &from, sizeof(from));
	assert_int_equal(now.moves, endpoint.moves + 1);
	assert_int_equal(agree_endpoint(&agent, AGREED_PEER, &at, &from), -EPERM);
	now.roams = 1;
	now.path_mtu_until = UINT64_MAX;
	tunnel_set_endpoint(AGREED_PEER, &now);
	/* The same location is no move, and the path stays known. */
	assert_int_equal(agree_endpoint(&agent, AGREED_PEER, &at, &from), 0);
	assert_int_equal(agree_read_endpoint(&agent, AGREED_PEER, &seen), 0);
	assert_int_equal(seen.moves, endpoint.moves + 1);
	assert_true(seen.path_mtu_until == UINT64_MAX);
	assert_int_equal(agree_endpoint(&agent, AGREED_PEER, &other_port, &from), 0);
	assert_int_equal(agree_read_endpoint(&agent, AGREED_PEER, &seen), 0);
	assert_int_equal(seen.moves, endpoint.moves + 2);
	assert_true(seen.path_mtu_until == 0);
	assert_int_equal(agree_endpoint(&agent, AGREED_PEER, &other_address, &from), 0);
	assert_int_equal(agree_read_endpoint(&agent, AGREED_PEER, &seen), 0);
	assert_int_equal(seen.moves, endpoint.moves + 3);
	/* Not a manual peer's, though it roams. */
	assert_int_equal(agree_endpoint(&agent, TUNNEL_B, &at, &from), -EPERM);
	assert_int_equal(agree_endpoint(&agent, XDPSEC_MAX_PEERS, &at, &from), -EINVAL);
}

/* Two agents install at once, into one slot: one does. */
static void test_two_at_once(void **state)
{
	struct agreement_sa sa = agreed_sa(AGREED_TX, 1);
	int status, won = 0;
	pid_t children[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(children); i++) {
		children[i] = fork();
		assert_return_code(children[i], errno);
		if (!children[i]) {
			struct agreement_key key = { .length = 16 };
			__u64 id;
			int err = agree_install(&agent, &sa, "aes", &key, &id);

			_exit(err == 0 ? 0 : err == -EBUSY ? 1 : 2);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(children); i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
		won += !WEXITSTATUS(status);
	}
	assert_int_equal(won, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_installed, agree_reset),
		cmocka_unit_test_setup(test_install_refused, agree_reset),
		cmocka_unit_test_setup(test_slot_in_use, agree_reset),
		cmocka_unit_test_setup(test_context_in_use, agree_reset),
		cmocka_unit_test_setup(test_order, agree_reset),
		cmocka_unit_test_setup(test_erased_leaves_nothing, agree_reset),
		cmocka_unit_test_setup(test_sealing_is_exchanged, agree_reset),
		cmocka_unit_test_setup(test_sealing_is_not_erased, agree_reset),
		cmocka_unit_test_setup(test_spi_taken_meanwhile, agree_reset),
		cmocka_unit_test_setup(test_note, agree_reset),
		cmocka_unit_test_setup(test_old_owner, agree_reset),
		cmocka_unit_test_setup(test_no_owner, agree_reset),
		cmocka_unit_test_setup(test_peer_changed, agree_reset),
		cmocka_unit_test_setup(test_forget_peer, agree_reset),
		cmocka_unit_test_setup(test_endpoint, agree_reset),
		cmocka_unit_test_setup(test_two_at_once, agree_reset),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("agree", tests, agree_setup, agree_teardown);
}
