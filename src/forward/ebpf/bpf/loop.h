/* SPDX-License-Identifier: GPL-2.0-only */
/* Loops that the kernel need not verify round by round. */
#ifndef TANIST_LOOP_H
#define TANIST_LOOP_H

#include "maps.h"

/* Calls `step(map, index, value, context)` until it returns 1, MAX_DESTS times at most. The helper that goes over the elements of a
 * map only does the counting, and Linux 5.15 has no other one. What a step changes begins as a number that the verifier does not know:
 * see `unknown`. */
static __always_inline void repeat(void *step, void *context)
{
	bpf_for_each_map_elem(&loads, step, context, 0);
}

#endif
