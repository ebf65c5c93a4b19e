/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Agreement on keys without loss: a model of its rules (docs/agreement.md) for SPIN. README.md beside it says how
 * it is run, what it has shown, and what it leaves out.
 *
 * Two nodes. Each has an agent, whose memory a restart loses, and a data plane, whose SAs only a reboot loses. The
 * network loses, delays, reorders and repeats: a message that was sent once can arrive at any later time, any
 * number of times, or never. So no message needs a channel: an Initiation can arrive once it was made, a Response
 * once its pair was, a Confirm once the initiator has taken the pair, an Ack once the responder has. The same holds
 * for data: packets under a pair can arrive once somebody has sealed with it.
 *
 * Time is in the model as two assumptions. An SA to open with that is removed GRACE after the peer has provably
 * left it has nothing in flight any more. A pair expires at both ends before either end stops opening under it, and
 * after what was under way with it has been given up.
 *
 * Bounds, each by -D: */
#ifndef NI
#define NI 3 /* Initiations, of both nodes together */
#endif
#ifndef NP
#define NP 3 /* pairs of SAs: one for each Initiation that is answered */
#endif
#ifndef RESTARTS
#define RESTARTS 0 /* of agents; the records of what was confirmed and left are kept */
#endif
#ifndef FORGETS
#define FORGETS 0 /* restarts that lose which SAs were left */
#endif
#ifndef REBOOTS
#define REBOOTS 0
#endif
#ifndef REMOVALS
#define REMOVALS 0 /* of the peer by `reload`, which adds it again: the life stays, the SAs are gone */
#endif
#ifndef REKEYS
#define REKEYS 0 /* `xdpsec rekey`: another life, nothing seals, and what opens stays */
#endif
#ifndef EXPIRIES
#define EXPIRIES 0
#endif
#ifndef SLOTS
#define SLOTS 0 /* SAs to open with at one time; 0: as many as there are pairs */
#endif
#ifndef LIMIT
#define LIMIT 0 /* highest generation before all begins again; 0: none */
#endif
#ifndef FAULTS
#define FAULTS 0 /* Initiations that offer the highest generation a message can carry */
#endif
#ifndef ASKERS
#define ASKERS 2 /* nodes that initiate before the network has become good */
#endif
#ifndef ATTEMPTS
#define ATTEMPTS 0 /* handshakes that are begun after the network has become good; 0: it never does */
#endif
/*
 * Bounds of the state a run begins with: STARTED: both ends have confirmed one pair; BEGIN: the highest generation
 * known. WAIT: no slot is taken from a pair that the peer has left; the message is dropped, and GRACE waited for.
 *
 * Rules broken on purpose. SPIN must find each:
 *   THREE_SLOTS    WireGuard's current, previous and next keypair, with its one handshake state for both roles
 *   NO_ORDER       the pair that was completed last is used, without the order of generations
 *   NO_LIFE        a peer that has lost everything is not told from one that has not
 *   EARLY          the responder seals with the new key before it is confirmed
 *   TX_FIRST       the initiator switches what it seals with before it can open
 *   AGAIN          a Confirm that arrives again installs the key again
 *   EVENT_BY_PEER  the event "first packet" says which peer, and not which SA
 *   EVICT          where slots run out, the oldest goes that never opened a packet, confirmed or not
 *   EVICT_OPENED   where slots run out, a pair that was not confirmed goes although it has opened packets
 *   KEEP_ADOPTED   a pair that a restarted agent has found is never evicted
 *   KEEP_OURS      a pair that this node has initiated is never evicted
 *   NO_MARK        a packet under an older pair does not show that the peer has left those before it
 *   SAME_LIFE      a peer that was removed and added, or whose generations begin again, gets no other life
 *   NO_TRY         nobody tries again when the network has become good
 *   NO_RESET       at the limit generations do not begin again, and offers beyond it are dropped
 */
/*
 * REACH=x fails where x is reached, to show that it is, or that it never is.
 */
#define EVICTS_LEFT 1
#define EVICTS_UNSHOWN 2
#define HAS_NO_SLOT 3
#define BEGINS_AGAIN 4
#define EXPIRES 5
#define RENEWS 6
#ifdef REACH
#define reached(x) assert(REACH != x)
#else
#define reached(x) skip
#endif

#define bit(p) (1 << (p))
#define upto(p) ((2 << (p)) - 1)
#define max(a, b) ((a) > (b) -> (a) : (b))
#define TOP (LIMIT + 2) /* the highest generation that a message can carry */
#define IDS (NP + ATTEMPTS)
#if IDS > 7
#define set short /* of pairs */
#else
#define set byte
#endif

typedef node {
	/* The data plane: kept over a restart. */
	set rx;     /* pairs that packets are opened under */
	byte tx;    /* the pair that is sealed under; 0: none */
	set proven; /* the peer has shown that it has them, by Confirm or Ack */
	set opened; /* a packet was opened under them, which shows it too */
	set left;   /* the peer will not seal under these any more */
	/* The agent. */
	byte out;   /* the Initiation that a Response is awaited for; 0: none */
	set pend;   /* responded, and not confirmed: at most one */
	set conf;   /* initiated, and the Ack is awaited */
#ifdef KEEP_ADOPTED
	set found;  /* not made by this agent, but by one before a restart */
#endif
	byte seen;  /* newest Initiation accepted (the timestamp) */
	byte hi;    /* highest generation known or offered */
	byte life;  /* drawn whenever the agent has no SA of this peer; a restart that finds one keeps it */
	/* For the properties. */
	set lost;   /* pairs that a reboot, a removal or a reset has taken here */
	set shed;   /* pairs evicted here that the peer had never shown to have */
	set used;   /* pairs whose sealing key was installed here */
	byte epoch  /* how often all SAs were lost here */
#ifdef THREE_SLOTS
	; byte prev, next; set md /* data in flight to here */
#endif
};
node n[2];
byte inits, pairs, old; /* old: the newest pair that has expired */
byte restarts, forgets, reboots, removals, rekeys, expiries, faults;
typedef two { byte at[2] };
byte igen[NI + ATTEMPTS + 1], iby[NI + ATTEMPTS + 1]; /* Initiations: generation offered, who, */
byte ilife[NI + ATTEMPTS + 1], iepoch[NI + ATTEMPTS + 1]; /* in which life and epoch */
byte pgen[IDS + 1], pinit[IDS + 1], pby[IDS + 1]; /* pairs: generation, of which Initiation, whose, */
byte pborn[IDS + 1]; /* the newest Initiation when it was made, */
two plife[IDS + 1], pepoch[IDS + 1];
set taken, acked; /* pairs that a Confirm, an Ack was sent for */
bool healed;
byte made; /* pairs made before the network became good */

#define order(p) (pgen[p] * 2 + pby[p])
#define opens(i, p) (bit(p) & (n[i].rx | n[i].lost | n[i].shed))
#define works(i) (n[i].tx > old && (bit(n[i].tx) & n[1 - i].rx))

/* What is sealed next can be opened, always, unless the node that opens has lost it. Evicting is the one exception. */
inline check() {
	assert(n[0].tx <= old || opens(1, n[0].tx));
	assert(n[1].tx <= old || opens(0, n[1].tx));
#ifdef THREE_SLOTS
	assert((n[0].md & ~(n[0].rx | n[0].lost)) == 0);
	assert((n[1].md & ~(n[1].rx | n[1].lost)) == 0);
#endif
}

/* A key to seal with goes into the data plane once: a second time would start its sequence numbers again. */
inline use(i, p) {
	assert((n[i].used & bit(p)) == 0);
	n[i].used = n[i].used | bit(p);
	n[i].tx = p;
	printf("%d seals under pair %d\n", i, p)
}

/* Of one life of the peer, seen from i? Generations compare within one. */
#ifdef NO_LIFE
#define same_life(i, p, q) true
#else
#define same_life(i, p, q) (plife[p].at[1 - (i)] == plife[q].at[1 - (i)])
#endif

inline switch_tx(i, p) {
	if
#ifdef NO_ORDER
	:: n[i].used & bit(p)
	:: else -> use(i, p)
#else
	:: n[i].tx == 0 || !same_life(i, n[i].tx, p) || order(p) > order(n[i].tx) -> use(i, p)
	:: else
#endif
	fi
}

/* The first pair, or one of another life than what was sealed under until now: the peer has lost that life's keys,
 * and what was under way with it is void. */
inline new_life(i, p) {
	if
	:: n[i].tx == 0 || !same_life(i, p, n[i].tx) ->
		n[i].out = 0;
		q = 1;
		do
		:: q <= pairs ->
			if
			:: !same_life(i, p, q) ->
				n[i].pend = n[i].pend & ~bit(q);
				n[i].conf = n[i].conf & ~bit(q)
			:: else
			fi;
			if
			:: n[i].tx && (n[i].rx & bit(q)) && same_life(i, q, n[i].tx) -> n[i].left = n[i].left | bit(q)
			:: else
			fi;
			q++
		:: else -> break
		od;
		q = 0
	:: else
	fi
}

/* The peer seals under p or a later pair: it has left all before p, for ever. */
inline mark_left(i, p) {
	q = 1;
	do
	:: q <= pairs ->
		if
		:: (n[i].rx & bit(q)) && same_life(i, q, p) && order(q) < order(p) -> n[i].left = n[i].left | bit(q)
		:: else
		fi;
		q++
	:: else -> break
	od;
	q = 0
}

inline forget(i) { n[i].out = 0; n[i].pend = 0; n[i].conf = 0 }

/* Generations begin again, in another life. */
inline draw_life(i) {
	n[i].hi = 0;
#ifndef SAME_LIFE
	n[i].life++
#endif
}

/* All SAs are lost: by a reboot, a removal. */
inline lose(i) {
	forget(i);
	draw_life(i);
	n[i].lost = n[i].lost | n[i].rx;
	n[i].rx = 0; n[i].tx = 0; n[i].proven = 0; n[i].opened = 0; n[i].left = 0;
	n[i].seen = 0;
	n[i].epoch++
#ifdef THREE_SLOTS
	; n[i].prev = 0; n[i].next = 0
#endif
}

/* Generations begin again: nothing seals, and what opens goes after GRACE. */
inline reset(i) {
	forget(i);
	n[i].lost = n[i].lost | n[i].rx;
	n[i].left = n[i].rx; n[i].tx = 0;
	draw_life(i);
	printf("%d: generations begin again\n", i);
	n[i].epoch++
}

#ifdef NO_RESET
#define begin_again(i) skip
#else
#define begin_again(i) reached(BEGINS_AGAIN); reset(i)
#endif

/* Only for want of slots does it matter who has what. */
#if SLOTS
#define prove(i, p) n[i].proven = n[i].proven | bit(p)
#else
#define prove(i, p) skip
#endif

/* ---- slots ---------------------------------------------------------------------------------------------------- */

#define count(s) ((s >> 1 & 1) + (s >> 2 & 1) + (s >> 3 & 1) + (s >> 4 & 1) + (s >> 5 & 1) + (s >> 6 & 1) + \
	(s >> 7 & 1) + (s >> 8 & 1) + (s >> 9 & 1) + (s >> 10 & 1) + (s >> 11 & 1) + (s >> 12 & 1))

#ifdef EVICT
#define keeps(i, q) (n[i].opened & bit(q))
#else
#ifdef EVICT_OPENED
#define keeps_rule(i, q) ((n[i].proven | n[i].pend) & bit(q) || n[i].tx == q)
#else
#define keeps_rule(i, q) ((n[i].proven | n[i].opened | n[i].pend) & bit(q) || n[i].tx == q)
#endif
#ifdef KEEP_ADOPTED
#define keeps(i, q) (keeps_rule(i, q) || (n[i].found & bit(q)))
#else
#ifdef KEEP_OURS
#define keeps(i, q) (keeps_rule(i, q) || pby[q] == i)
#else
#define keeps(i, q) keeps_rule(i, q)
#endif
#endif
#endif

/* A slot for one more SA to open with; g says whether there is one. First goes one that the peer has left, else
 * the oldest that the peer has not shown to have, that is not `pend`, and not what we seal under. */
inline make_room(i) {
	g = 1;
#if SLOTS
	if
	:: count(n[i].rx) < SLOTS
	:: else ->
		q = 1;
		do
		:: q <= pairs && !(n[i].rx & n[i].left & bit(q)) -> q++
		:: else -> break
		od;
		if
#ifdef WAIT
		:: q <= pairs -> q = pairs + 1
#else
		:: q <= pairs -> reached(EVICTS_LEFT)
#endif
		:: else ->
			q = 1;
			do
			:: q <= pairs && (!(n[i].rx & bit(q)) || keeps(i, q)) -> q++
			:: else -> break
			od;
			if
			:: q <= pairs && !((n[i].proven | n[i].opened) & bit(q)) -> n[i].shed = n[i].shed | bit(q); reached(EVICTS_UNSHOWN)
			:: else
			fi
		fi;
		if
		:: q <= pairs ->
			printf("%d evicts pair %d\n", i, q);
			n[i].rx = n[i].rx & ~bit(q); n[i].left = n[i].left & ~bit(q);
			n[i].proven = n[i].proven & ~bit(q); n[i].opened = n[i].opened & ~bit(q)
		:: else -> g = 0; reached(HAS_NO_SLOT); printf("%d has no slot\n", i)
		fi;
		q = 0
	fi
#endif
}

/* ---- messages ------------------------------------------------------------------------------------------------- */

inline initiate(i) {
#if LIMIT
	if :: n[i].hi + 1 > LIMIT -> begin_again(i) :: else fi;
#endif
	inits++;
	n[i].hi = n[i].hi + 1;
	igen[inits] = n[i].hi; iby[inits] = i; ilife[inits] = n[i].life; iepoch[inits] = n[i].epoch;
	n[i].out = inits;
	printf("%d sends Initiation %d, generation %d\n", i, inits, igen[inits])
}

/* Initiation k arrives at i; g says whether it is answered. */
inline respond(i, k) {
	g = 0;
	if
	:: k > n[i].seen ->
		n[i].seen = k;
#if LIMIT
		if
		:: max(igen[k], n[i].hi + 1) > LIMIT -> begin_again(i)
		:: else ->
#endif
			make_room(i);
			if
			:: g ->
				pairs++; p = pairs;
				pgen[p] = max(igen[k], n[i].hi + 1); pinit[p] = k; pby[p] = iby[k];
				plife[p].at[i] = n[i].life; plife[p].at[1 - i] = ilife[k];
				pepoch[p].at[i] = n[i].epoch; pepoch[p].at[1 - i] = iepoch[k];
				n[i].hi = pgen[p];
#if EXPIRIES
				pborn[p] = inits;
#endif
				printf("%d answers Initiation %d: pair %d, generation %d\n", i, k, p, pgen[p]);
#ifdef THREE_SLOTS
				n[i].out = 0;
				n[i].next = p; n[i].prev = 0; slots(i)
#else
				n[i].rx = n[i].rx | bit(p); /* first what opens, then the Response */
				n[i].pend = bit(p) /* and of the peer's older Initiations none is confirmed any more */
#ifdef EARLY
				; switch_tx(i, p)
#endif
#endif
			:: else
			fi
#if LIMIT
		fi
#endif
	:: else
	fi
}

/* The Response of pair p arrives at i; g says whether it is taken. */
inline take(i, p) {
	g = 0;
	if
	:: n[i].out == pinit[p] ->
		make_room(i);
		if
		:: g ->
			n[i].out = 0;
			n[i].hi = max(n[i].hi, pgen[p]);
			printf("%d takes the Response of pair %d\n", i, p);
#ifdef THREE_SLOTS
			if :: n[i].next -> n[i].prev = n[i].next; n[i].next = 0 :: else -> n[i].prev = n[i].tx fi;
			n[i].tx = p; slots(i);
			n[1 - i].md = n[1 - i].md | bit(p) /* the keepalive that confirms */
#else
			new_life(i, p);
#ifndef TX_FIRST
			n[i].rx = n[i].rx | bit(p); /* what opens, what seals, the Confirm */
#endif
			switch_tx(i, p);
			n[i].conf = n[i].conf | bit(p);
			taken = taken | bit(p)
#endif
		:: else
		fi
	:: else
	fi
}

/* Pair p is confirmed at i. */
inline confirmed(i, p) {
	n[i].pend = n[i].pend & ~bit(p);
	prove(i, p);
	printf("%d: pair %d is confirmed\n", i, p);
	acked = acked | bit(p);
	new_life(i, p);
#ifndef EARLY
	switch_tx(i, p);
#endif
	mark_left(i, p)
}

/* The Ack for pair p arrives at i, or the first packet under it. */
inline shown(i, p) {
	n[i].conf = n[i].conf & ~bit(p);
	prove(i, p);
	printf("%d: Ack or packet for pair %d\n", i, p);
	mark_left(i, p);
	/* A handshake that is complete leaves nobody sealing for what was lost before it. */
	if
	:: pepoch[p].at[0] == n[0].epoch && pepoch[p].at[1] == n[1].epoch ->
		assert(n[0].tx <= old || !(bit(n[0].tx) & n[1].lost));
		assert(n[1].tx <= old || !(bit(n[1].tx) & n[0].lost))
	:: else
	fi
}

/* GRACE is over, at i. With the last SA of a peer its generations are forgotten, if nothing is under way. */
inline grace(i) {
	printf("%d erases what was left\n", i);
	n[i].rx = n[i].rx & ~n[i].left; n[i].left = 0;
	n[i].proven = n[i].proven & n[i].rx; n[i].opened = n[i].opened & n[i].rx;
	if :: n[i].rx == 0 && n[i].tx == 0 && n[i].out == 0 -> forget(i); draw_life(i) :: else fi
}

/* Handshakes that were begun before pair `old` was made are over, or given up. */
inline expire(i) {
	q = 1;
	do
	:: q <= pairs ->
		if
		:: pinit[q] <= pborn[old] -> n[i].pend = n[i].pend & ~bit(q); n[i].conf = n[i].conf & ~bit(q)
		:: else
		fi;
		q++
	:: else -> break
	od;
	q = 0;
	if :: n[i].out <= pborn[old] -> n[i].out = 0 :: else fi
}

inline erase(i) {
	n[i].left = n[i].rx & (n[i].left | upto(old));
	if :: n[i].tx <= old -> n[i].tx = 0 :: else fi;
	grace(i)
}

#ifdef THREE_SLOTS
/* Path delay is shorter than the time between handshakes: one starts when what the last one left behind has
 * arrived. Two may start at once. */
#define settled ((n[0].md & ~bit(n[1].tx)) == 0 && (n[1].md & ~bit(n[0].tx)) == 0)
#define slot(p) ((p) -> bit(p) : 0)
inline slots(i) { n[i].rx = slot(n[i].tx) | slot(n[i].prev) | slot(n[i].next) }
#else
#define settled true
#endif

/* No message of before arrives after the network has become good. What no later step looks at is set to 0, so that
 * states which differ in nothing else are one. */
inline only_what_counts() {
	restarts = 0; forgets = 0; reboots = 0; removals = 0; rekeys = 0; expiries = 0; faults = 0; taken = 0; acked = 0;
	n[0].out = 0; n[0].used = 0; n[0].seen = 0; n[1].out = 0; n[1].used = 0; n[1].seen = 0;
	q = 1;
	do
	:: q <= inits -> igen[q] = 0; iby[q] = 0; ilife[q] = 0; iepoch[q] = 0; q++
	:: else -> break
	od;
	q = 1;
	do
	:: q <= pairs ->
		pinit[q] = 0; pborn[q] = 0;
		if
		:: (n[0].rx | n[1].rx) & bit(q) || n[0].tx == q || n[1].tx == q
		:: else -> pgen[q] = 0; pby[q] = 0; plife[q].at[0] = 0; plife[q].at[1] = 0; pepoch[q].at[0] = 0; pepoch[q].at[1] = 0
		fi;
		q++
	:: else -> break
	od;
	q = 0; inits = 0
}

/* ---- the network as it may be --------------------------------------------------------------------------------- */

#define packets(i, p) (n[1 - (i)].used & bit(p)) /* there are packets under p that i can open */

active proctype all() {
	byte i, k, p, q, g;
#ifdef STARTED
	atomic {
		inits = 1; iby[1] = 0; igen[1] = BEGIN;
		pairs = 1; pby[1] = 0; pgen[1] = BEGIN; pinit[1] = 1;
		taken = bit(1); acked = bit(1);
		do
		:: i < 2 ->
			n[i].rx = bit(1); n[i].tx = 1; n[i].used = bit(1); prove(i, 1);
			n[i].seen = 1; n[i].hi = BEGIN; i++
		:: else -> i = 0; break
		od
	}
#endif
end:	do
	/* An Initiation, or one again: the one before is given up. */
	:: atomic { inits < NI && settled && !healed ->
		select(i : 0 .. ASKERS - 1);
		initiate(i); i = 0; check() }

	/* An Initiation arrives. */
	:: atomic { inits > 0 && pairs < NP && !healed ->
		select(k : 1 .. inits);
		i = 1 - iby[k];
		respond(i, k); i = 0; k = 0; p = 0; g = 0; check() }

	/* A Response arrives. */
	:: atomic { pairs > 0 && !healed ->
		select(p : 1 .. pairs);
		i = pby[p];
		take(i, p); i = 0; p = 0; g = 0; check() }
#ifdef TX_FIRST
	:: atomic { n[0].conf & ~n[0].rx -> n[0].rx = n[0].rx | n[0].conf }
	:: atomic { n[1].conf & ~n[1].rx -> n[1].rx = n[1].rx | n[1].conf }
#endif

#ifndef THREE_SLOTS
	/* A Confirm, or the first packet under p, arrives. */
	:: atomic { taken && !healed ->
		select(p : 1 .. pairs);
		i = 1 - pby[p];
		if
#ifdef AGAIN
		:: (taken & bit(p)) && (n[i].rx & bit(p)) -> use(i, p)
#else
		:: ((taken & bit(p)) || packets(i, p)) && (n[i].pend & bit(p)) -> confirmed(i, p)
#endif
		:: else
		fi; i = 0; p = 0; check() }
#ifdef EVENT_BY_PEER
	:: atomic { taken && !healed ->
		select(g : 1 .. pairs); select(p : 1 .. pairs);
		i = 1 - pby[p];
		if
		:: pby[g] == pby[p] && (packets(i, g) & n[i].rx) && !(n[i].proven & bit(g)) && (n[i].pend & bit(p)) -> confirmed(i, p)
		:: else
		fi; i = 0; p = 0; g = 0; check() }
#endif

	/* An Ack, or the first packet under p, arrives. */
	:: atomic { taken && !healed ->
		select(p : 1 .. pairs);
		i = pby[p];
		if
		:: (acked & bit(p) || packets(i, p)) && (n[i].conf & bit(p)) -> shown(i, p)
		:: else
		fi; i = 0; p = 0; check() }

#if SLOTS
	/* The first packet arrives under a pair that is neither pending nor waits for an Ack. */
	:: atomic { taken && !healed ->
		select(p : 1 .. pairs); select(i : 0 .. 1);
		if
		:: packets(i, p) & n[i].rx & ~n[i].pend & ~n[i].conf & ~n[i].opened & ~n[i].proven ->
			printf("%d: a packet under pair %d\n", i, p);
			n[i].opened = n[i].opened | bit(p)
#ifndef NO_MARK
			; mark_left(i, p)
#endif
		:: else
		fi; i = 0; p = 0; check() }
#endif

	/* GRACE after the peer has left it. */
	:: atomic { n[0].left & n[0].rx -> i = 0; grace(i); check() }
	:: atomic { n[1].left & n[1].rx -> i = 1; grace(i); i = 0; check() }
#else
	/* Data is sent; arrives, and slides the slots if it is under `next`; is in flight no more. */
	:: atomic { n[0].tx && !(n[1].md & bit(n[0].tx)) -> n[1].md = n[1].md | bit(n[0].tx); check() }
	:: atomic { n[1].tx && !(n[0].md & bit(n[1].tx)) -> n[0].md = n[0].md | bit(n[1].tx); check() }
	:: atomic { n[0].next && (n[0].md & bit(n[0].next)) ->
		n[0].prev = n[0].tx; n[0].tx = n[0].next; n[0].next = 0; slots(0); check() }
	:: atomic { n[1].next && (n[1].md & bit(n[1].next)) ->
		n[1].prev = n[1].tx; n[1].tx = n[1].next; n[1].next = 0; slots(1); check() }
	:: atomic { n[0].md | n[1].md ->
		select(i : 0 .. 1); select(p : 1 .. NP);
		n[i].md = n[i].md & ~bit(p); i = 0; p = 0 }
#endif

#if RESTARTS || FORGETS
	/* An agent starts again: it finds the SAs, and their records. */
	:: atomic { (restarts < RESTARTS || forgets < FORGETS) && !healed ->
		select(i : 0 .. 1);
		if
		:: restarts < RESTARTS -> restarts++
		:: forgets < FORGETS -> forgets++; n[i].left = 0
		fi;
		printf("%d: the agent starts again\n", i);
		forget(i);
		n[i].seen = 0;
		p = 1;
		do
		:: p <= pairs ->
			if /* a record of another life of our own is of before `xdpsec rekey` */
			:: (n[i].rx & bit(p)) && plife[p].at[i] != n[i].life ->
				n[i].lost = n[i].lost | bit(p); n[i].rx = n[i].rx & ~bit(p); n[i].epoch++
			:: else
			fi;
			if
			:: (n[i].rx & bit(p)) || n[i].tx == p -> g = max(g, pgen[p])
			:: else
			fi;
			p++
		:: else -> break
		od;
#ifdef KEEP_ADOPTED
		n[i].found = n[i].rx;
#endif
		n[i].hi = g;
		if :: g == 0 -> draw_life(i) :: else fi;
		g = 0; p = 0; i = 0; check() }
#endif
#if REBOOTS
	:: atomic { reboots < REBOOTS && !healed ->
		select(i : 0 .. 1);
		reboots++;
		printf("%d: reboot\n", i);
		lose(i);
#ifdef SAME_LIFE
		n[i].life++;
#endif
		i = 0; check() }
#endif
#if REMOVALS
	:: atomic { removals < REMOVALS && !healed ->
		select(i : 0 .. 1);
		removals++;
		printf("%d: the peer is removed and added again\n", i);
		lose(i);
		i = 0; check() }
#endif
#if REKEYS
	:: atomic { rekeys < REKEYS && !healed ->
		select(i : 0 .. 1);
		rekeys++;
		printf("%d: rekey, another life\n", i);
		forget(i);
		n[i].tx = 0;
		n[i].life = n[i].life + 1;
		i = 0; check() }
#endif
#if EXPIRIES
	/* Nothing is sealed any more under what is as old as p; what was under way with it is given up long before. */
	:: atomic { expiries < EXPIRIES && pairs > old && !healed ->
		select(p : 1 .. pairs);
		if
		:: p > old -> expiries++; old = p; printf("pairs up to %d expire\n", p); expire(0); expire(1); reached(EXPIRES)
		:: else
		fi; p = 0 }
	/* Later, at either end, such pairs are erased. */
	:: atomic { n[0].tx && n[0].tx <= old || (n[0].rx & upto(old) & ~1) -> i = 0; erase(i); check() }
	:: atomic { n[1].tx && n[1].tx <= old || (n[1].rx & upto(old) & ~1) -> i = 1; erase(i); i = 0; check() }
#endif
#if FAULTS
	/* A node that was restored, or is faulty, offers what it should not. */
	:: atomic { faults < FAULTS && inits < NI && !healed ->
		select(i : 0 .. 1);
		faults++; inits++;
		printf("%d offers generation %d\n", i, TOP);
		n[i].hi = TOP;
		igen[inits] = TOP; iby[inits] = i; ilife[inits] = n[i].life; iepoch[inits] = n[i].epoch;
		n[i].out = inits; i = 0 }
#endif
#if ATTEMPTS
	:: atomic { !healed -> healed = true; made = pairs; printf("the network is good\n"); only_what_counts(); check() }
#endif
	od
}

/* ---- the network when it has become good ----------------------------------------------------------------------- */

#if ATTEMPTS
/*
 * From then on nothing is lost, repeated or late, and a handshake is over before the same node begins another: its
 * messages arrive within the time to the next try. Either node tries as long as there is no newer pair that both
 * seal under.
 */
mtype = { INITIATION, RESPONSE, CONFIRM, ACK };
chan to[2] = [4] of { mtype, byte };
byte busy[2]; /* messages under way, and what will come of them, of the handshakes that a node began */
byte tries;
#ifdef WAIT /* GRACE is over before the next try */
#define no_wait false
#else
#define no_wait true
#endif
#ifdef NO_TRY
#define TRIES 0
#else
#define TRIES ATTEMPTS
#endif

#define renewed (n[0].tx > made && n[1].tx > made && works(0) && works(1))

inline arrives_initiation() {
	respond(i, k);
	if
	:: g -> to[1 - i]!RESPONSE, p
	:: else -> busy[1 - i]--
	fi;
	i = 0; k = 0; p = 0; g = 0; check()
}

inline arrives_response() {
	take(i, p);
	if
	:: g -> to[1 - i]!CONFIRM, p
	:: else -> busy[i]--
	fi;
	i = 0; p = 0; g = 0; check()
}

inline arrives_confirm() {
	if
	:: n[i].pend & bit(p) -> confirmed(i, p); to[1 - i]!ACK, p
	:: else -> busy[1 - i]--
	fi;
	i = 0; p = 0; check()
}

inline arrives_ack() {
	if
	:: n[i].conf & bit(p) -> shown(i, p)
	:: else
	fi;
	if :: renewed -> reached(RENEWS) :: else fi;
	busy[i]--; i = 0; p = 0; check()
}

proctype end_of(byte i) {
end:	do
	:: atomic { !renewed && !busy[i] && tries < TRIES && (no_wait || !(n[0].rx & n[0].left || n[1].rx & n[1].left)) ->
		tries++;
		if /* the newest pair that waits for its Ack is the one in use; its Confirm goes first */
		:: n[i].conf & bit(n[i].tx) -> busy[i]++; to[1 - i]!CONFIRM, n[i].tx
		:: else
		fi;
		initiate(i);
		busy[i]++;
		to[1 - i]!INITIATION, inits;
		check() }
	od
}

active proctype network() {
	byte i, k, p, q, g;

	healed;
	run end_of(0); run end_of(1);
end:	do
	:: atomic { to[0]?INITIATION, k -> i = 0; arrives_initiation() }
	:: atomic { to[1]?INITIATION, k -> i = 1; arrives_initiation() }
	:: atomic { to[0]?RESPONSE, p -> i = 0; arrives_response() }
	:: atomic { to[1]?RESPONSE, p -> i = 1; arrives_response() }
	:: atomic { to[0]?CONFIRM, p -> i = 0; arrives_confirm() }
	:: atomic { to[1]?CONFIRM, p -> i = 1; arrives_confirm() }
	:: atomic { to[0]?ACK, p -> i = 0; arrives_ack() }
	:: atomic { to[1]?ACK, p -> i = 1; arrives_ack() }
	od
}

ltl keys { [] (healed -> <> renewed) }
#endif
