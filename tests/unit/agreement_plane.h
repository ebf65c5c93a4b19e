/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data plane of one end, as far as the key agreement sees it: slots, what is linked, an owner, grace periods. It
 * asserts what one end alone can see: rules 1 and 4, and that no slot is erased or filled too early.
 */
#ifndef XDPSEC_AGREEMENT_PLANE_H
#define XDPSEC_AGREEMENT_PLANE_H

#include <stdbool.h>
#include <stdint.h>

#include "agreement_faulty.h"

struct plane_slot {
	bool filled, linked;
	bool opened; /* its first packet came */
	bool told;   /* and the agent knows */
	struct agreement_sa sa;
	struct agreement_record noted; /* what it would say if no note were lost */
	uint32_t fact;		       /* which pair's key it has */
	uint64_t id;
	uint64_t unlinked; /* grace periods until then, plus 1; 0: it was never linked */
};

struct plane {
	uint32_t peers;
	struct plane_slot *slots; /* SLOTS_PEER for each peer */
	int *tx;		  /* peers.tx_sa: a slot; -1: none */
	struct agreement_activity *activity;
	uint64_t owner, graces, ids;
};

/* A rule is broken: text lives as long as the process. Does not return. */
void world_broken(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

void plane_begin(struct plane *plane, uint32_t peers);
void plane_release(struct plane *plane);
/* All SAs of the peer are gone, as by a reboot. */
void plane_clear(struct plane *plane, uint32_t peer);

/* 0, -ESTALE, -EBUSY, -EINVAL. */
int plane_install(struct plane *plane, uint64_t owner, const struct agreement_sa *sa, uint32_t fact,
		  uint64_t *id);
int plane_link(struct plane *plane, uint64_t owner, uint32_t slot);
int plane_unlink(struct plane *plane, uint64_t owner, uint32_t slot);
int plane_erase(struct plane *plane, uint64_t owner, uint32_t slot);
int plane_note(struct plane *plane, uint64_t owner, uint32_t slot, const struct agreement_record *record,
	       bool lost);
/* The slot of the peer that opens what is sealed under this pair; NULL: none. */
struct plane_slot *plane_opens(const struct plane *plane, uint32_t peer, uint32_t fact);
struct plane_slot *plane_seals(const struct plane *plane, uint32_t peer);
/* For agreement_adopt(): n of them. */
size_t plane_records(const struct plane *plane, struct agreement_record *records);

#endif
