/* SPDX-License-Identifier: GPL-2.0-only */
/* The schedulers that search the whole list for the server with the least to do. */
#ifndef TANIST_LEAST_LOAD_H
#define TANIST_LEAST_LOAD_H

#include "layout.h"
#include "maps.h"
#include "scheduler-table.h"
#include "verifier.h"

static __always_inline __u64 overhead_of(const struct dest_load *load)
{
	return ((__u64)load->active << 8) + load->inactive;
}

struct search {
	__u64 overhead;
	__u64 weight;
	__u32 scheduler;
	__u32 best;
};

/* Looks at one entry of the list; true ends the search. */
static long compare_load(void *table, __u32 *index, __u32 *slot, struct search *s)
{
	struct dest_load *load;
	struct dest *d;
	__u64 overhead, weight;

	if (!*index) /* the head */
		return 0;
	d = usable(*slot);
	load = bpf_map_lookup_elem(&loads, slot);
	if (!d || !load)
		return 0;
	weight = d->weight;
	switch (s->scheduler) {
	case SCHED_NQ:
		if (!load->active) {
			s->best = *slot;
			return 1;
		}
		overhead = (__u64)load->active + 1;
		break;
	case SCHED_SED:
		overhead = (__u64)load->active + 1;
		break;
	case SCHED_OVF:
		if (load->active > weight)
			return 0;
		overhead = 1;
		break;
	case SCHED_FO:
		overhead = 1;
		break;
	case SCHED_LC:
		weight = 1;
		/* fallthrough */
	default:
		overhead = ((__u64)load->active << 8) + load->inactive;
	}
	if (s->best == NO_DEST || s->overhead * weight > overhead * s->weight) {
		s->best = *slot;
		s->overhead = overhead;
		s->weight = weight;
	}
	return 0;
}

/* The schedulers that search the list, the last added server first; the first one wins a tie. What is compared is load by
 * weight, by cross-multiplication, or for fo and ovf the weight alone. */
static __always_inline __u32 pick_by_load(void *table, __u32 scheduler)
{
	struct search s = {
		.scheduler = scheduler,
		.overhead = unknown(0),
		.weight = unknown(0),
		.best = unknown(NO_DEST),
	};

	bpf_for_each_map_elem(table, compare_load, &s, 0);
	return s.best;
}

#endif
