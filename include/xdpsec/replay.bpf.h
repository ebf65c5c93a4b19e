/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The replay window, after RFC 6479: a ring of bits. The word ahead of the newest is cleared when the window
 * moves there. Called only for authenticated packets.
 */
#ifndef XDPSEC_REPLAY_BPF_H
#define XDPSEC_REPLAY_BPF_H

#include "kernel.bpf.h"
#include "abi.h"

/* An index with a bound that the verifier sees. */
#define REPLAY_WORD(index) ((index) & (XDPSEC_REPLAY_WORDS - 1))

/*
 * Is sequence new? Then mark it as seen. Several CPUs call this for one SA: the lock makes test, move and
 * mark one step. zero is a zero that the verifier does not know.
 */
static __always_inline bool replay_accept(struct xdpsec_replay *window, u64 sequence, u32 zero)
{
	u64 number = sequence + 1; /* 0 is "none yet" in window->next */
	u64 bit = 1ULL << (number & 63), newest, steps;
	u32 word, i;
	bool fresh = false;

	if (sequence >= XDPSEC_SEQUENCE_LIMIT)
		return false;
	bpf_spin_lock(&window->lock);
	if (number + XDPSEC_REPLAY_WINDOW < window->next)
		goto unlock;
	if (number > window->next) {
		newest = window->next >> 6;
		steps = (number >> 6) - newest;
		if (steps > XDPSEC_REPLAY_WORDS)
			steps = XDPSEC_REPLAY_WORDS;
		for (i = zero & 255; i < steps && loop_goes_on();) {
			i++;
			barrier_var(i);
			i &= 255;
			word = REPLAY_WORD((u32)newest + i);
			barrier_var(word);
			window->bitmap[REPLAY_WORD(word)] = 0;
		}
		window->next = number;
	}
	word = number >> 6;
	barrier_var(word);
	word = REPLAY_WORD(word);
	fresh = !(window->bitmap[word] & bit);
	window->bitmap[word] |= bit;
unlock:
	bpf_spin_unlock(&window->lock);
	return fresh;
}

#endif
