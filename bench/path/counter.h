// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The processor's counter of time. In a virtual machine whose clock is its instruction counter (tests/vm/run -I) a
 * nanosecond is an instruction.
 */
#ifndef XDPSEC_BENCH_PATH_COUNTER_H
#define XDPSEC_BENCH_PATH_COUNTER_H

#include <stdint.h>

#if defined(__x86_64__)

#include <x86intrin.h>

/* QEMU's time stamp counter has a nanosecond, too. */
static inline uint64_t counter_nanoseconds(void)
{
	return __rdtsc();
}

/* Two instructions a turn. */
static inline void counter_spin(uint64_t turns)
{
	__asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(turns) : : "cc");
}

#elif defined(__aarch64__)

/* The counter's steps are 16 ns in QEMU, and 1 to 100 ns elsewhere. */
static inline uint64_t counter_nanoseconds(void)
{
	uint64_t ticks, frequency;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
	return (uint64_t)((unsigned __int128)ticks * 1000000000 / frequency);
}

static inline void counter_spin(uint64_t turns)
{
	__asm__ volatile("1: subs %0, %0, #1\n\tb.ne 1b" : "+r"(turns) : : "cc");
}

#else
#error "The meter knows x86-64 and arm64."
#endif

#endif
