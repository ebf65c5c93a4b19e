/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Installing keys to seal with: a model of loader/plane/agree.bpf.c for SPIN. One peer, its slots to seal, CPUs
 * that seal, and agents of which each believes that it is the only one: an older one hangs at any point, also
 * within a program of the kernel, and goes on after its successor has started.
 *
 * Checked: no number is used twice under one key, and what is linked has a key.
 *
 * Rules broken on purpose. SPIN must find each:
 *   NO_OWNER    the programs do not ask who the owner is
 *   NO_GRACE    a slot is erased without a grace period since it was unlinked
 *   NO_RECHECK  the programs look at the owner once, before they claim the slot, and not after
 *   BY_POINTER  a slot that nothing points to is dying for a new agent, although a program is just linking it
 *   REPLACE     a slot in use is filled
 *   RELINK      a slot that was unlinked is linked again, and does not become dying anew
 */
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef AGENTS
#define AGENTS 2
#endif
#ifndef CPUS
#define CPUS 1
#endif
#ifndef KEYS
#define KEYS 4
#endif
#ifndef NUMBERS
#define NUMBERS 1 /* sealed under one key before its sequence is used up */
#endif
#define bit(n) (1 << (n))

/* The data plane. */
byte owner;
mtype = { EMPTY, FILLING, FILLED, LINKED, UNLINKED };
mtype stage[SLOTS];
byte key[SLOTS], next[SLOTS];
byte tx; /* the slot that seals, and 1; 0: none */
/* CPUs that are within a packet, and those of them that a grace period waits for, of each agent. */
byte within, waits[AGENTS + 1];
/* For the properties: numbers used, of each key. */
byte keys, used[KEYS + 1];

inline check() { assert(tx == 0 || key[tx - 1] != 0) }

proctype cpu(byte c) {
	byte s, k, number;

	do
	:: atomic { tx -> s = tx - 1; within = within | bit(c); printf("cpu %d: a packet, slot %d\n", c, s) }
		k = key[s];
		if
		:: atomic { k && next[s] < NUMBERS -> number = next[s]; next[s]++ }
			atomic {
				printf("cpu %d: key %d, number %d\n", c, k, number);
				assert(!(used[k] & bit(number)));
				used[k] = used[k] | bit(number) }
		:: else
		fi;
		atomic {
			within = within & ~bit(c);
			s = 1;
			do
			:: s <= AGENTS -> waits[s] = waits[s] & ~bit(c); s++
			:: else -> s = 0; k = 0; number = 0; break
			od }
	od
}

#ifdef NO_OWNER
#define owns true
#else
#define owns (owner == a)
#endif
#ifdef NO_RECHECK
#define still_owns true
#else
#define still_owns owns
#endif

/* What an agent believes of its slots. */
mtype = { FREE, MINE, USED, DYING, WAITING, ERASABLE, BUSY };

inline look() {
	if
	:: stage[s] == EMPTY -> view[s] = FREE
	:: stage[s] == FILLING -> view[s] = BUSY
	:: stage[s] == LINKED && tx == s + 1 -> view[s] = USED
	:: stage[s] == LINKED && tx != s + 1 -> 
#ifdef BY_POINTER
		view[s] = DYING
#else
		view[s] = BUSY
#endif
	:: else -> view[s] = DYING
	fi
}

proctype agent(byte a) {
	mtype view[SLOTS];
	byte s, before;

	/* Root makes a new owner before anything is read. */
	atomic { owner = a; printf("agent %d starts\n", a) };
	do
	:: atomic { s < SLOTS -> look(); s++ }
	:: atomic { s >= SLOTS -> s = 0; break }
	od;
	do
	/* agree_install: claim, look at the owner again, write, and the context last. */
	:: atomic { keys < KEYS -> select(s : 0 .. SLOTS - 1);
			if
#ifdef REPLACE
			:: view[s] == FREE || view[s] == USED
#else
			:: view[s] == FREE
#endif
			:: else -> goto again
			fi };
		if :: atomic { owns -> skip } :: else -> break fi;
		if
#ifdef REPLACE
		:: atomic { stage[s] != FILLING -> stage[s] = FILLING }
#else
		:: atomic { stage[s] == EMPTY -> stage[s] = FILLING; printf("agent %d: claims slot %d to fill\n", a, s) }
#endif
		:: else -> view[s] = BUSY; goto again
		fi;
		if :: atomic { still_owns -> skip } :: else -> stage[s] = EMPTY; break fi;
		next[s] = 0;
		atomic {
			if
			:: keys < KEYS -> keys++; key[s] = keys; printf("agent %d: key %d in slot %d\n", a, keys, s)
			:: else -> stage[s] = EMPTY; goto again
			fi };
		atomic { stage[s] = FILLED; view[s] = MINE }

	/* agree_link: what sealed before is dying from then on. */
	:: atomic { select(s : 0 .. SLOTS - 1);
			if
#ifdef RELINK
			:: view[s] == MINE || view[s] == DYING || view[s] == WAITING || view[s] == ERASABLE
#else
			:: view[s] == MINE
#endif
			:: else -> goto again
			fi };
		if :: atomic { owns -> skip } :: else -> break fi;
		if
		:: atomic { stage[s] == FILLED -> stage[s] = LINKED }
#ifdef RELINK
		:: atomic { stage[s] == UNLINKED -> stage[s] = LINKED }
#endif
		:: else -> view[s] = BUSY; goto again
		fi;
		if :: atomic { still_owns -> skip } :: else -> stage[s] = FILLED; break fi;
		atomic { before = tx; tx = s + 1; printf("agent %d: slot %d seals\n", a, s); check() };
		atomic {
			if
			:: before && before != tx && stage[before - 1] == LINKED -> stage[before - 1] = UNLINKED
			:: else
			fi;
#ifdef RELINK
			if :: view[s] == MINE -> view[s] = USED :: else fi;
#else
			view[s] = USED;
#endif
			if :: before && before != s + 1 && view[before - 1] == USED -> view[before - 1] = DYING :: else fi;
			before = 0 }

	/* agree_grace: all that are within a packet now have left it. */
	:: atomic {
			s = 0;
			do
			:: s < SLOTS -> if :: view[s] == DYING -> view[s] = WAITING :: else fi; s++
			:: else -> break
			od;
			waits[a] = within; printf("agent %d: a grace period begins\n", a) };
#ifndef NO_GRACE
		waits[a] == 0;
#endif
		atomic {
			s = 0;
			do
			:: s < SLOTS -> if :: view[s] == WAITING -> view[s] = ERASABLE :: else fi; s++
			:: else -> break
			od }

	/* agree_erase: claim, look at the owner again, take the context. */
	:: atomic { select(s : 0 .. SLOTS - 1);
			if :: view[s] == ERASABLE :: else -> goto again fi };
		if :: atomic { owns -> skip } :: else -> break fi;
		if
		:: atomic { stage[s] == UNLINKED || stage[s] == FILLED ->
			before = stage[s]; stage[s] = FILLING; printf("agent %d: claims slot %d to erase\n", a, s) }
		:: else -> view[s] = BUSY; goto again
		fi;
		if :: atomic { still_owns -> skip } :: else -> stage[s] = before; break fi;
		atomic { key[s] = 0; before = 0; printf("agent %d: slot %d erased\n", a, s); check() };
		next[s] = 0;
		atomic { stage[s] = EMPTY; view[s] = FREE }

	/* A slot on which somebody was at work. */
	:: atomic { select(s : 0 .. SLOTS - 1);
			if :: view[s] == BUSY -> look() :: else fi };
again:		atomic { s = 0; before = 0 }
	od
}

init {
	byte i;

	atomic {
		do
		:: i < SLOTS -> stage[i] = EMPTY; i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < CPUS -> run cpu(i); i++
		:: else -> break
		od };
	i = 1;
	do
	:: i <= AGENTS -> run agent(i); i++ /* the next one at any later time */
	:: else -> break
	od
}
