// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only way to change the SAs of agreed peers. The agent has these programs instead of descriptors of the maps, so it
 * can change nothing else, and two agents cannot use one sequence number twice:
 *
 * - Nobody but the owner changes anything. Every start of an agent makes another owner.
 * - Only an empty slot is filled, and by one caller: its stage is exchanged atomically.
 * - A slot that was unlinked is not linked again before it was erased, and a linked one is not erased.
 */
#include "plane/agree_abi.h"
#include "plane/derive.bpf.h"
#include "xdpsec/endpoint.bpf.h"

char _license[] SEC("license") = "GPL";

/* The slot that a program works on. */
struct slot {
	u32 index, peer;
	bool seals;
	struct xdpsec_agreement *agreement;
};

static __always_inline bool owner_is(u64 owner)
{
	u32 zero = 0;
	volatile struct xdpsec_owner *now = bpf_map_lookup_elem(&instance_owner, &zero);

	return now && owner && now->value == owner;
}

/* 0: an agreed peer. */
static __always_inline int check_peer(u64 owner, u32 peer, u64 *key_hash)
{
	struct xdpsec_agreed *agreed_peer;

	if (!owner_is(owner))
		return -ESTALE;
	agreed_peer = bpf_map_lookup_elem(&agreed, &peer);
	if (!agreed_peer)
		return -EINVAL;
	*key_hash = agreed_peer->key_hash;
	return *key_hash ? 0 : -EPERM;
}

/* 0: a slot with an SA of an agreed peer in it. It may be of a peer that was removed since. */
static __always_inline int find(u64 owner, u32 index, struct slot *slot)
{
	if (!owner_is(owner))
		return -ESTALE;
	*slot = (struct slot){
		.index = index,
		.peer = index / XDPSEC_SLOTS_PER_PEER,
		.seals = index % XDPSEC_SLOTS_PER_PEER < XDPSEC_SLOTS_TO_SEAL,
		.agreement = bpf_map_lookup_elem(&agreements, &index),
	};
	if (!slot->agreement)
		return -EINVAL;
	return slot->agreement->stage == XDPSEC_STAGE_EMPTY ? -ENOENT : 0;
}

static __always_inline bool change_stage(struct xdpsec_agreement *agreement, u32 from, u32 to)
{
	return __sync_val_compare_and_swap(&agreement->stage, from, to) == from;
}

/* Everything that was written before is seen by whoever sees the stage. */
static __always_inline void set_stage(struct xdpsec_agreement *agreement, u32 stage)
{
	__sync_lock_test_and_set(&agreement->stage, stage);
}

static __always_inline u32 spi_of(const struct slot *slot, const struct xdpsec_agreement *record)
{
	return slot->seals ? record->spi_tx : record->spi_rx;
}

/* volatile: clang would make a call of memset() of it, which there is none. */
static __always_inline void clear(volatile u64 *words, const u32 bytes)
{
	u32 i;

#pragma unroll
	for (i = 0; i < bytes / sizeof(*words); i++)
		words[i] = 0;
}

/* Wipe the SA that was in the slot. Its Ktops stay in "ktops": they are of no use without the tables. */
static __always_inline void wipe(struct xdpsec_sa *sa, struct xdpsec_sequence *sequence,
				 struct xdpsec_replay *window, u64 *deadline)
{
	__builtin_memset(sa, 0, __builtin_offsetof(struct xdpsec_sa, groups));
	clear((u64 *)sa->groups, sizeof(sa->groups));
	sequence->next = 0;
	sequence->limit = 0;
	window->next = 0;
	clear(window->bitmap, sizeof(window->bitmap));
	*deadline = 0;
}

static __always_inline void describe(struct xdpsec_agreement *to, const struct xdpsec_agreement *from, u64 id)
{
	to->partner = from->partner;
	to->id = id;
	to->key_hash = from->key_hash;
	to->peer_life = from->peer_life;
	to->own_life = from->own_life;
	to->birth = from->birth;
	to->deadline = from->deadline;
	to->since = from->since;
	to->spi_rx = from->spi_rx;
	to->spi_tx = from->spi_tx;
	to->generation = from->generation;
	to->reject_after = from->reject_after;
	to->state = from->state;
	to->initiator = from->initiator;
	to->suite = from->suite;
	to->binding = from->binding;
	to->bulk = from->bulk;
	to->opened = 0;
}

/* Put the context into the claimed slot, unless one is there that no agent has installed. ctx is consumed. */
static __always_inline int put(struct context *context, struct bpf_crypto_ctx *ctx)
{
	struct bpf_crypto_ctx *old = bpf_kptr_xchg(&context->ctx, ctx);

	if (!old)
		return 0;
	old = bpf_kptr_xchg(&context->ctx, old);
	if (old)
		bpf_crypto_ctx_release(old);
	return -EBUSY;
}

static __always_inline void take(struct context *context)
{
	struct bpf_crypto_ctx *old = bpf_kptr_xchg(&context->ctx, NULL);

	if (old)
		bpf_crypto_ctx_release(old);
}

static __always_inline bool has_context(struct context *context)
{
	bool has;

	bpf_rcu_read_lock();
	has = context->ctx;
	bpf_rcu_read_unlock();
	return has;
}

/* Check the arguments that do not depend on the slot's stage. */
static __always_inline int check_install(const struct agree_install_args *args, struct slot *slot)
{
	u32 peer = args->slot / XDPSEC_SLOTS_PER_PEER, spi, seals = args->record.spi_tx,
	    opens = args->record.spi_rx;
	u64 key_hash;
	int err = check_peer(args->owner, peer, &key_hash);

	if (err)
		return err;
	*slot = (struct slot){
		.index = args->slot,
		.peer = peer,
		.seals = args->slot % XDPSEC_SLOTS_PER_PEER < XDPSEC_SLOTS_TO_SEAL,
	};
	/* Both are loaded first: the verifier allows no pointer to either of two arguments. */
	barrier_var(seals);
	barrier_var(opens);
	spi = slot->seals ? seals : opens;
	if (args->record.key_hash != key_hash)
		return -EPERM;
	if (spi < XDPSEC_SPI_MIN || !args->record.deadline)
		return -EINVAL;
	return !slot->seals && bpf_map_lookup_elem(&spis, &spi) ? -EEXIST : 0;
}

static __always_inline u8 carried(void)
{
	u32 zero = 0;
	struct xdpsec_owner *now = bpf_map_lookup_elem(&instance_owner, &zero);

	return now ? now->next_header : 0;
}

/* Fill the slot, which this call has claimed. ctx is consumed. */
static __always_inline int fill_slot(struct agree_install_args *args, struct slot *slot,
				     struct context *context, struct bpf_crypto_ctx *ctx)
{
	u32 index = slot->index;
	struct xdpsec_sequence *sequence = bpf_map_lookup_elem(&sequences, &index);
	struct xdpsec_replay *window = bpf_map_lookup_elem(&replay_windows, &index);
	struct xdpsec_sa *sa = bpf_map_lookup_elem(&sas, &index);
	u64 *deadline = bpf_map_lookup_elem(&deadlines, &index), id = sa_new_id();
	int err;

	/* The owner may have changed since it was looked at, and the new one have seen an empty slot. */
	err = !sequence || !window || !sa || !deadline || !id ? -EINVAL
	      : !owner_is(args->owner)			      ? -ESTALE
	      : has_context(context)			      ? -EBUSY
							      : 0;
	if (err) {
		bpf_crypto_ctx_release(ctx);
		return err;
	}
	wipe(sa, sequence, window, deadline);
	describe(slot->agreement, &args->record, id);
	sa->spi = spi_of(slot, slot->agreement);
	sa->peer = slot->peer;
	sa->next_header = carried();
	/* A tunnel binds nothing: the outer header may change, and the inner one is inside. */
	sa->binding = sa->next_header == XDPSEC_NEXT_UDP ? args->record.binding : XDPSEC_BIND_NONE;
	sa->event = args->event && !slot->seals;
	sa->id = id;
	*deadline = args->record.deadline;
	if (slot->seals)
		sequence->limit = XDPSEC_AGREED_LIMIT;
	args->id = id;
	return put(context, ctx);
}

static __always_inline int install(struct agree_install_args *args, struct slot *slot,
				   struct bpf_crypto_ctx *ctx)
{
	u32 index = slot->index;
	struct context *context = bpf_map_lookup_elem(&contexts, &index);
	int err;

	slot->agreement = bpf_map_lookup_elem(&agreements, &index);
	if (!context || !slot->agreement) {
		bpf_crypto_ctx_release(ctx);
		return -EINVAL;
	}
	if (!change_stage(slot->agreement, XDPSEC_STAGE_EMPTY, XDPSEC_STAGE_FILLING)) {
		bpf_crypto_ctx_release(ctx);
		return -EBUSY;
	}
	err = fill_slot(args, slot, context, ctx);
	set_stage(slot->agreement, err ? XDPSEC_STAGE_EMPTY : XDPSEC_STAGE_KEYED);
	return err;
}

SEC("syscall")
int agree_install(struct agree_install_args *args)
{
	struct bpf_crypto_ctx *ctx = NULL;
	struct slot slot = {};
	int err = check_install(args, &slot);

	if (!err) {
		ctx = bpf_crypto_ctx_create((const struct bpf_crypto_params *)&args->parameters,
					    sizeof(struct bpf_crypto_params), &err);
		if (!ctx)
			args->cipher_error = err = err ?: -EINVAL;
	}
	/* The kernel copies ctx_in back and frees its copy without wiping it. */
	__builtin_memset(args->parameters.key, 0, sizeof(args->parameters.key));
	return ctx ? install(args, &slot, ctx) : err;
}

SEC("tc")
int agree_derive(struct __sk_buff *skb)
{
	struct agree_derive_args args;
	struct slot slot;
	int err;

	if (bpf_skb_load_bytes(skb, AGREE_DERIVE_OFFSET, &args, sizeof(args)))
		return EINVAL;
	err = find(args.owner, args.slot, &slot);
	if (err)
		return -err;
	if (slot.agreement->stage != XDPSEC_STAGE_KEYED)
		return EBUSY;
	if (!derive(args.slot))
		return EIO;
	return change_stage(slot.agreement, XDPSEC_STAGE_KEYED, XDPSEC_STAGE_FILLED) ? 0 : EBUSY;
}

/* The slot that sealed until now, if an agent has filled it. */
static __always_inline void unlinked(u32 index)
{
	struct xdpsec_agreement *agreement = bpf_map_lookup_elem(&agreements, &index);

	if (agreement)
		change_stage(agreement, XDPSEC_STAGE_LINKED, XDPSEC_STAGE_UNLINKED);
}

static __always_inline int link_to_seal(const struct slot *slot)
{
	u32 index = slot->peer, before;
	struct xdpsec_peer *peer = bpf_map_lookup_elem(&peers, &index);

	if (!peer)
		return -EINVAL;
	before = __sync_lock_test_and_set(&peer->tx_sa, slot->index);
	if (before != slot->index)
		unlinked(before);
	return 0;
}

static __always_inline int link_to_open(const struct slot *slot)
{
	u32 spi = slot->agreement->spi_rx, index = slot->index;

	return bpf_map_update_elem(&spis, &spi, &index, BPF_NOEXIST);
}

SEC("syscall")
int agree_link(struct agree_slot_args *args)
{
	u64 key_hash;
	struct slot slot;
	int err = find(args->owner, args->slot, &slot);

	if (!err)
		err = check_peer(args->owner, slot.peer, &key_hash);
	if (err)
		return err;
	if (slot.agreement->key_hash != key_hash)
		return -EPERM;
	if (!change_stage(slot.agreement, XDPSEC_STAGE_FILLED, XDPSEC_STAGE_LINKED))
		return -EBUSY;
	/* Another owner may have filled it anew since it was looked at. */
	err = !owner_is(args->owner) ? -ESTALE : slot.seals ? link_to_seal(&slot) : link_to_open(&slot);
	if (err)
		set_stage(slot.agreement, XDPSEC_STAGE_FILLED);
	return err;
}

static __always_inline int unlink_to_seal(const struct slot *slot)
{
	u32 index = slot->peer;
	struct xdpsec_peer *peer = bpf_map_lookup_elem(&peers, &index);

	if (!peer)
		return -EINVAL;
	__sync_val_compare_and_swap(&peer->tx_sa, slot->index, XDPSEC_NO_SA);
	return 0;
}

static __always_inline int unlink_to_open(const struct slot *slot)
{
	u32 spi = slot->agreement->spi_rx;
	u32 *opens = bpf_map_lookup_elem(&spis, &spi);

	if (opens && *opens == slot->index)
		bpf_map_delete_elem(&spis, &spi);
	return 0;
}

SEC("syscall")
int agree_unlink(struct agree_slot_args *args)
{
	struct slot slot;
	int err = find(args->owner, args->slot, &slot);

	if (err)
		return err;
	if (slot.agreement->stage != XDPSEC_STAGE_LINKED)
		return -EBUSY;
	err = slot.seals ? unlink_to_seal(&slot) : unlink_to_open(&slot);
	if (!err)
		change_stage(slot.agreement, XDPSEC_STAGE_LINKED, XDPSEC_STAGE_UNLINKED);
	return err;
}

/* Take a slot that nothing refers to. from gets its stage. */
static __always_inline bool claim_to_erase(struct xdpsec_agreement *agreement, u32 *from)
{
	*from = agreement->stage;
	return (*from == XDPSEC_STAGE_UNLINKED || *from == XDPSEC_STAGE_FILLED ||
		*from == XDPSEC_STAGE_KEYED) &&
	       change_stage(agreement, *from, XDPSEC_STAGE_FILLING);
}

static __always_inline bool seals_now(const struct slot *slot)
{
	u32 index = slot->peer;
	const struct xdpsec_peer *peer = bpf_map_lookup_elem(&peers, &index);

	return slot->seals && peer && peer->tx_sa == slot->index;
}

SEC("syscall")
int agree_erase(struct agree_slot_args *args)
{
	static const struct xdpsec_agreement none = { .partner = XDPSEC_NO_SA };
	u32 index = args->slot;
	struct xdpsec_sequence *sequence = bpf_map_lookup_elem(&sequences, &index);
	struct xdpsec_replay *window = bpf_map_lookup_elem(&replay_windows, &index);
	struct context *context = bpf_map_lookup_elem(&contexts, &index);
	struct xdpsec_sa *sa = bpf_map_lookup_elem(&sas, &index);
	u64 *deadline = bpf_map_lookup_elem(&deadlines, &index);
	struct slot slot;
	int err = find(args->owner, index, &slot);
	u32 from;

	if (err)
		return err;
	if (!sequence || !window || !context || !sa || !deadline)
		return -EINVAL;
	if (!claim_to_erase(slot.agreement, &from))
		return -EBUSY;
	/* Another owner may have used it since it was looked at, and no grace period been waited for. Or an older one was
	 * stopped within agree_link: then it seals now, whatever its stage. */
	err = !owner_is(args->owner) ? -ESTALE : seals_now(&slot) ? -EBUSY : 0;
	if (err) {
		set_stage(slot.agreement, from);
		return err;
	}
	take(context);
	wipe(sa, sequence, window, deadline);
	describe(slot.agreement, &none, 0);
	set_stage(slot.agreement, XDPSEC_STAGE_EMPTY);
	return 0;
}

SEC("syscall")
int agree_note(struct agree_note_args *args)
{
	struct slot slot;
	int err = find(args->owner, args->slot, &slot);

	if (err)
		return err;
	slot.agreement->state = args->state;
	slot.agreement->since = args->since;
	slot.agreement->partner = args->partner;
	return 0;
}

SEC("syscall")
int agree_asking(struct agree_asking_args *args)
{
	u32 spi = args->spi, one = 1;

	if (!owner_is(args->owner))
		return -ESTALE;
	if (spi < XDPSEC_SPI_MIN)
		return -EINVAL;
	return args->add ? bpf_map_update_elem(&asking, &spi, &one, BPF_ANY)
			 : bpf_map_delete_elem(&asking, &spi);
}

static __always_inline int check_endpoint(u64 owner, u32 peer, struct xdpsec_endpoint **endpoint)
{
	u64 key_hash;
	int err = check_peer(owner, peer, &key_hash);

	if (err)
		return err;
	*endpoint = bpf_map_lookup_elem(&endpoints, &peer);
	return *endpoint ? 0 : -EINVAL;
}

SEC("syscall")
int agree_keepalive(struct agree_peer_args *args)
{
	struct xdpsec_endpoint *endpoint;
	int err = check_endpoint(args->owner, args->peer, &endpoint);

	if (!err)
		endpoint->keepalive_once = 1;
	return err;
}

/* Write the unused element completely, then make it the current one, as xdp/follow.bpf.h does. */
SEC("syscall")
int agree_endpoint(struct agree_peer_args *args)
{
	struct xdpsec_location to = args->at, *at, *now;
	struct xdpsec_source source = args->from, *from;
	struct xdpsec_endpoint *endpoint;
	int err = check_endpoint(args->owner, args->peer, &endpoint);
	bool known;

	if (err)
		return err;
	to.known = 1;
	to.pad = 0;
	source.pad = 0;
	bpf_spin_lock(&endpoint->lock);
	now = endpoint->current ? &endpoint->at[1] : &endpoint->at[0];
	known = now->known;
	if (known && !endpoint->roams) {
		bpf_spin_unlock(&endpoint->lock);
		return -EPERM;
	}
	at = endpoint->current ? &endpoint->at[0] : &endpoint->at[1];
	from = endpoint->current ? &endpoint->from[0] : &endpoint->from[1];
	/* Most handshakes say that the peer is where it was. Elsewhere the learned path MTU belongs to another path. */
	if (!known || now->port != to.port || !endpoint_same_address(now->address, (const u32 *)to.address)) {
		endpoint->moves += 1;
		endpoint->path_mtu_until = 0;
	}
	*at = to;
	*from = source;
	endpoint->current = !endpoint->current;
	bpf_spin_unlock(&endpoint->lock);
	/* Whether this source can be used has not been checked yet. */
	endpoint->checked = 0;
	return 0;
}

SEC("syscall")
int agree_probe(struct agree_probe_args *args)
{
	struct bpf_crypto_ctx *ctx;
	int err = 0;

	ctx = bpf_crypto_ctx_create((const struct bpf_crypto_params *)&args->parameters,
				    sizeof(struct bpf_crypto_params), &err);
	if (!ctx)
		return err ?: -EINVAL;
	bpf_crypto_ctx_release(ctx);
	return 0;
}
