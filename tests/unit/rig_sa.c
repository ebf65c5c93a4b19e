// SPDX-License-Identifier: GPL-2.0-or-later
/* SAs in the maps, as the loader puts them there. */
#include <errno.h>
#include <bpf/bpf.h>

#include "plane/bulk.h"
#include "plane/sa_abi.h"
#include "rig_objects.h"
#include "unit.h"

static int run_syscall(const char *program, void *context, size_t size)
{
	struct bpf_test_run_opts options = {
		.sz = sizeof(options),
		.ctx_in = context,
		.ctx_size_in = size,
	};

	assert_return_code(bpf_prog_test_run_opts(rig_program_called(rig_objects.sa, program), &options),
			   errno);
	return (int)options.retval;
}

uint32_t rig_slot(uint32_t sa)
{
	return sa == XDPSEC_NO_SA ? sa : sa / 2 * XDPSEC_SLOTS_PER_PEER + (sa % 2 ? XDPSEC_SLOTS_TO_SEAL : 0);
}

static void derive(uint32_t sa)
{
	uint32_t slot = rig_slot(sa);
	uint8_t frame[SA_DERIVE_FRAME_LEN] = {}, out[SA_DERIVE_FRAME_LEN];
	struct bpf_test_run_opts options = {
		.sz = sizeof(options),
		.data_in = frame,
		.data_size_in = sizeof(frame),
		.data_out = out,
		.data_size_out = sizeof(out),
		.repeat = 1,
	};

	memcpy(frame + SA_DERIVE_SLOT_OFFSET, &slot, sizeof(slot));
	assert_return_code(bpf_prog_test_run_opts(rig_program_called(rig_objects.sa, "sa_derive"), &options),
			   errno);
	assert_int_equal(options.retval, 0);
}

void rig_sa_prepare(const struct rig_sa *sa)
{
	struct xdpsec_sa parameters = {
		.spi = sa->spi,
		.peer = sa->peer,
		.next_header = sa->next_header,
		.binding = sa->binding,
	};

	map_write(rig.maps.sas, rig_slot(sa->slot), &parameters);
	rig_sequence(sa->slot, sa->next, sa->limit);
	rig_window_reset(sa->slot);
}

void rig_sa_install(const struct rig_sa *sa)
{
	struct sa_install_args arguments = {
		.parameters = { .type = CRYPTO_TYPE_BULK, .algo = "ecb(aes)", .key_len = sa->key_length },
		.slot = rig_slot(sa->slot),
	};

	rig_sa_prepare(sa);
	memcpy(arguments.parameters.key, sa->key, sa->key_length);
	/* As the loader does: the module where it is there, else the kernel's own type. */
	if (run_syscall("sa_install", &arguments, sizeof(arguments))) {
		memcpy(arguments.parameters.type, CRYPTO_TYPE, sizeof(CRYPTO_TYPE));
		memcpy(arguments.parameters.key, sa->key, sa->key_length);
		assert_int_equal(run_syscall("sa_install", &arguments, sizeof(arguments)), 0);
	}
	assert_int_equal(arguments.error, 0);
	derive(sa->slot);
}

void rig_sa_remove(uint32_t slot)
{
	struct sa_remove_args arguments = { .slot = rig_slot(slot) };

	assert_int_equal(run_syscall("sa_remove", &arguments, sizeof(arguments)), 0);
}

void rig_sa_bind(uint32_t slot, enum xdpsec_binding binding)
{
	struct sa_bind_args arguments = { .slot = rig_slot(slot), .binding = binding };

	assert_int_equal(run_syscall("sa_bind", &arguments, sizeof(arguments)), 0);
}

void rig_peer(uint32_t peer, uint32_t tx_sa)
{
	map_write(rig.maps.peers, peer, &(struct xdpsec_peer){ .tx_sa = rig_slot(tx_sa) });
}

void rig_spi(uint32_t spi, uint32_t sa)
{
	uint32_t slot = rig_slot(sa);

	map_write(rig.maps.spis, spi, &slot);
}

void rig_spi_remove(uint32_t spi)
{
	assert_return_code(bpf_map_delete_elem(rig.maps.spis, &spi), errno);
}

void rig_sequence(uint32_t slot, uint64_t next, uint64_t limit)
{
	map_write(rig.maps.sequences, rig_slot(slot),
		  &(struct xdpsec_sequence){ .next = next, .limit = limit });
}

uint64_t rig_sequence_next(uint32_t slot)
{
	struct xdpsec_sequence sequence;

	map_read(rig.maps.sequences, rig_slot(slot), &sequence);
	return sequence.next;
}

void rig_window_reset(uint32_t slot)
{
	map_write(rig.maps.replay_windows, rig_slot(slot), &(struct xdpsec_replay){});
}
