/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arguments of the programs in agree.bpf.c (their ctx_in), shared by the loader and these programs.
 *
 * Each gets the value of "instance_owner" that its caller believes in, and returns 0 or -errno: -ESTALE there is another
 * owner by now; -EPERM the peer is not an agreed one; -EINVAL no such slot, peer or SPI; -ENOENT the slot is empty;
 * -EBUSY it is not in the stage that this needs. Then nothing has changed.
 */
#ifndef XDPSEC_AGREE_ABI_H
#define XDPSEC_AGREE_ABI_H

#include "plane/sa_abi.h"

/*
 * agree_install: put a key into an empty slot. record.stage, .id and .opened are not looked at. Sealing starts at number
 * 0. -EEXIST: the SPI is in use. Errors of the cipher as for sa_install; cipher_error tells them from others, and is 0 if
 * the context was created. The key is zero when the program returns.
 */
struct agree_install_args {
	struct sa_crypto_parameters parameters;
	__u64 owner;
	__u64 id; /* out */
	__u32 slot;
	__u32 event;	    /* see xdpsec_sa.event */
	__s32 cipher_error; /* out */
	__u32 pad;
	struct xdpsec_agreement record;
};

/*
 * agree_link: peers[].tx_sa, or spis[spi], refers to the slot from now on. A slot that sealed before is unlinked by that.
 * agree_unlink: nothing refers to the slot any more.
 * agree_erase: empty a slot that nothing refers to. After agree_unlink the caller waits for a grace period first.
 */
struct agree_slot_args {
	__u64 owner;
	__u32 slot;
	__u32 pad;
};

/* agree_note: change what the agent remembers of the SA. */
struct agree_note_args {
	__u64 owner;
	__u64 since;
	__u32 slot;
	__u32 partner;
	__u32 state;
	__u32 pad;
};

/* agree_asking: let control messages with this Session pass, or no more. */
struct agree_asking_args {
	__u64 owner;
	__u32 spi;
	__u32 add;
};

/* agree_keepalive: the next tick sends a keepalive. agree_endpoint: the peer is there. It is moved if it roams, or if its
 * location is not known; else -EPERM. */
struct agree_peer_args {
	__u64 owner;
	__u32 peer;
	__u32 pad;
	struct xdpsec_location at;
	struct xdpsec_source from;
};

/* agree_probe: create a context for these parameters, and release it. */
struct agree_probe_args {
	struct sa_crypto_parameters parameters;
};

/* agree_derive runs over a dummy frame, as sa_derive does. It has slot and owner here. It returns 0, or an errno. */
#define AGREE_DERIVE_FRAME_LEN 64
#define AGREE_DERIVE_OFFSET 16

struct agree_derive_args {
	__u64 owner;
	__u32 slot;
	__u32 pad;
};

_Static_assert(sizeof(struct agree_install_args) == 408 + 32 + 88, "ABI");

#endif
