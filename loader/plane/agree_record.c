// SPDX-License-Identifier: GPL-2.0-or-later
/* The record of an agreed SA, into the map "agreements" and out of it. */
#include "plane/agree_record.h"

void agree_record_write(struct xdpsec_agreement *to, const struct agreement_record *from)
{
	*to = (struct xdpsec_agreement){
		.key_hash = from->key_hash,
		.peer_life = from->peer_life,
		.own_life = from->own_life,
		.birth = from->birth,
		.deadline = from->deadline,
		.since = from->since,
		.partner = from->partner,
		.spi_rx = from->spi_rx,
		.spi_tx = from->spi_tx,
		.generation = from->generation,
		.reject_after = from->reject_after,
		.state = from->state,
		.initiator = from->initiator,
		.suite = from->suite,
		.binding = from->binding,
	};
}

void agree_record_read(struct agreement_record *to, const struct xdpsec_agreement *from, __u32 slot)
{
	*to = (struct agreement_record){
		.key_hash = from->key_hash,
		.peer_life = from->peer_life,
		.own_life = from->own_life,
		.birth = from->birth,
		.deadline = from->deadline,
		.since = from->since,
		.partner = from->partner,
		.spi_rx = from->spi_rx,
		.spi_tx = from->spi_tx,
		.generation = from->generation,
		.reject_after = from->reject_after,
		.state = from->stage == XDPSEC_STAGE_LINKED ? from->state : AGREEMENT_DYING,
		.initiator = from->initiator,
		.suite = from->suite,
		.binding = from->binding,
		.id = from->id,
		.slot = slot,
		.linked = from->stage == XDPSEC_STAGE_LINKED,
		.opened = from->opened,
		.outdated = !from->bulk,
	};
}
