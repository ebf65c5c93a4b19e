// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading the maps of agreed SAs, which the agent cannot write. */
#include <errno.h>
#include <bpf/bpf.h>

#include "plane/agree.h"
#include "plane/agree_record.h"

int agree_read_endpoint(const struct agree *agree, __u32 peer, struct xdpsec_endpoint *endpoint)
{
	return bpf_map_lookup_elem(agree->maps[AGREE_ENDPOINTS], &peer, endpoint) ? -errno : 0;
}

/* All elements of one map, or the first n, into .values. */
static int read_values(const struct agree *agree, enum agree_map map, void *values, size_t n)
{
	__u32 count = (__u32)n, batch;

	if (bpf_map_lookup_batch(agree->maps[map], NULL, &batch, agree->keys, values, &count, NULL) &&
	    errno != ENOENT)
		return -errno;
	return count == n ? 0 : -EIO;
}

int agree_read_records(const struct agree *agree, struct agreement_record *records, size_t *n)
{
	const struct xdpsec_agreement *all = agree->values;
	int err = read_values(agree, AGREE_AGREEMENTS, agree->values, XDPSEC_MAX_SAS);

	*n = 0;
	for (__u32 slot = 0; !err && slot < XDPSEC_MAX_SAS; slot++)
		if (all[slot].stage != XDPSEC_STAGE_EMPTY)
			agree_record_read(&records[(*n)++], &all[slot], slot);
	return err;
}

int agree_read_opened(const struct agree *agree, void (*first)(void *data, __u32 slot, __u32 spi, __u64 id),
		      void *data)
{
	const struct xdpsec_agreement *all = agree->values;
	int err = read_values(agree, AGREE_AGREEMENTS, agree->values, XDPSEC_MAX_SAS);

	for (__u32 slot = 0; !err && slot < XDPSEC_MAX_SAS; slot++)
		if (all[slot].stage == XDPSEC_STAGE_LINKED && all[slot].opened)
			first(data, slot, all[slot].spi_rx, all[slot].id);
	return err;
}

/* Numbers used by what seals now. */
static int read_numbers(const struct agree *agree, struct agreement_activity *activity, size_t peers)
{
	const struct xdpsec_sequence *sequences = agree->values;
	struct xdpsec_peer sealing[XDPSEC_MAX_PEERS];
	int err = read_values(agree, AGREE_PEERS, sealing, peers);

	if (!err)
		err = read_values(agree, AGREE_SEQUENCES, agree->values, XDPSEC_MAX_SAS);
	for (size_t i = 0; !err && i < peers; i++)
		if (sealing[i].tx_sa < XDPSEC_MAX_SAS)
			activity[i].numbers = sequences[sealing[i].tx_sa].next;
	return err;
}

int agree_read_activity(const struct agree *agree, struct agreement_activity *activity, size_t peers)
{
	const struct xdpsec_activity *all = agree->values;
	int err;

	if (peers > XDPSEC_MAX_PEERS)
		return -EINVAL;
	if (!peers)
		return 0;
	err = read_values(agree, AGREE_ACTIVITY, agree->values, peers);
	for (size_t i = 0; !err && i < peers; i++)
		activity[i] = (struct agreement_activity){
			.sealed = all[i].sealed,
			.opened = all[i].opened,
			.opened_data = all[i].opened_data,
		};
	return err ?: read_numbers(agree, activity, peers);
}
