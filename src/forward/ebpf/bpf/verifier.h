/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel's verifier, above all that of Linux 6.1, does not see by itself. */
#ifndef TANIST_VERIFIER_H
#define TANIST_VERIFIER_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* `length`, which is from 1 to `limit` (a power of two), told so that the verifier sees it: Linux 6.1's does not learn from a
 * comparison with 0 that something is at least 1. */
static __always_inline __u32 bounded(__u32 length, __u32 limit)
{
	__u32 last = length - 1;

	asm volatile("" : "+r"(last));
	return (last & (limit - 1)) + 1;
}

/* A number that the verifier does not know, for all that the callback of a loop changes. Before Linux 6.7 the verifier follows
 * a callback through one round only: what it knows of a variable before the first round it would take for true in all of them,
 * and remove branches that only later rounds take. */
static __always_inline __u64 unknown(__u64 value)
{
	/* A random number of 32 bits, which for all that the verifier knows has 64. */
	__u64 (*random)(void) = (void *)BPF_FUNC_get_prandom_u32;

	return value + (random() >> 32);
}

/* An entry of a table of three dimensions by its place, which is compared where it is used: Linux 6.1's verifier does not learn from a
 * comparison what a copy on the stack holds. */
static __always_inline __u32 entry_at(const __u8 *table, __u32 entries, __u32 place)
{
	asm volatile("" : "+r"(place));
	return place < entries ? table[place] : 0;
}

#endif
