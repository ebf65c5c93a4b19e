// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recovery from a reload that was killed, before anything else is done. Records are corrected to match the
 * data plane. SAs that nothing refers to are erased, after their highest received numbers are saved to disk.
 * SAs that still seal or open stay, and are compared with the configuration like everything that is up.
 */
#include <errno.h>
#include <string.h>

#include "base/kernel.h"
#include "base/message.h"
#include "command/reload.h"

/* The Tx SA in the data plane, whatever the record says. */
static struct sa_record sealing(const struct held *held, __u32 index)
{
	__u32 slot = held->peers[index].tx_sa;

	return slot < XDPSEC_MAX_SAS && held->slots[slot].slot == slot ? held->slots[slot] : SA_RECORD_NONE;
}

/* One of the Rx SAs in the data plane. There may be more than the record knows. */
static struct sa_record opening(const struct reload *reload, __u32 index, size_t k)
{
	const struct sa_record *recorded = &reload->before[index].rx[k];
	const struct opened *opened = held_receives(&reload->held, index, recorded->fingerprint);
	struct sa_record found;

	if (!opened && !k)
		opened = held_receives(&reload->held, index, NULL);
	if (!opened)
		return SA_RECORD_NONE;
	found = reload->held.slots[opened->slot];
	found.spi = recorded->slot == opened->slot && reload_receives(&reload->plane, recorded)
			    ? recorded->spi
			    : opened->spi;
	return found;
}

static int align_record(struct reload *reload, __u32 index)
{
	struct peer_record *record = &reload->before[index], aligned = *record;

	aligned.tx = sealing(&reload->held, index);
	for (size_t k = 0; k < PEER_RX; k++)
		aligned.rx[k] = opening(reload, index, k);
	if (aligned.rx[1].slot == aligned.rx[0].slot)
		aligned.rx[1] = SA_RECORD_NONE;
	if (memcmp(&aligned, record, sizeof(aligned)) == 0)
		return 0;
	*record = aligned;
	return plane_write_peer(&reload->plane, index, record);
}

/* Erase a slot left by a killed reload. No packet has used it since. */
static int erase_leftover(struct reload *reload, __u32 slot)
{
	struct sa_record *record = &reload->held.slots[slot];
	int err;

	peer_save_tx(&reload->plane, reload->instance.state_dir, record);
	/* If saving fails, keep the slot: a new one with its key would accept everything again. */
	err = peer_save_rx(&reload->plane, reload->instance.state_dir, record);
	if (!err)
		err = sa_erase(&reload->plane, slot);
	if (!err)
		record->slot = XDPSEC_NO_SA;
	return err;
}

int reload_recover(struct reload *reload)
{
	bool waited = false;
	int err = held_read(&reload->held, &reload->plane);

	for (__u32 i = 0; !err && i < XDPSEC_MAX_PEERS; i++)
		if (reload->before[i].in_use)
			err = align_record(reload, i);
	for (__u32 slot = 0; !err && slot < XDPSEC_MAX_SAS; slot++) {
		if (reload->held.slots[slot].slot != slot || held_in_use(&reload->held, slot))
			continue;
		if (!waited)
			err = kernel_wait_for_programs();
		waited = true;
		if (!err)
			err = erase_leftover(reload, slot);
	}
	return err;
}
