/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record of an agreed SA, as the agreement has it and as the map "agreements" keeps it for the next agent. What that
 * agent needs is in both functions.
 */
#ifndef XDPSEC_AGREE_RECORD_H
#define XDPSEC_AGREE_RECORD_H

#include "agreement/agreement.h"
#include "xdpsec/abi.h"

/* For agree_install, which sets id, stage and opened itself; the caller sets bulk. */
void agree_record_write(struct xdpsec_agreement *to, const struct agreement_record *from);
/* The record in a slot, which is not empty. */
void agree_record_read(struct agreement_record *to, const struct xdpsec_agreement *from, __u32 slot);

#endif
