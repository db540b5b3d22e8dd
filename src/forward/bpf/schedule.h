/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TANIST_SCHEDULE_H
#define TANIST_SCHEDULE_H

#include "connection.h"

#define NO_DEST 0xffffffffu

static __always_inline struct dest *usable(__u32 slot)
{
	struct dest *d = bpf_map_lookup_elem(&dests, &slot);

	return d && d->state == DEST_PRESENT && d->weight ? d : 0;
}

/* rr and wrr: user space has laid the whole sequence out; a cursor walks it. Entries that lost their weight since
 * the table was written are stepped over. */
static __always_inline __u32 pick_from_sequence(void *table, __u32 length, __u32 service_slot)
{
	__u64 *cursor = bpf_map_lookup_elem(&cursors, &service_slot);
	int tries;

	if (!cursor || !length)
		return NO_DEST;
	for (tries = 0; tries < 64; tries++) {
		__u32 index = 1 + __sync_fetch_and_add(cursor, 1) % length;
		__u32 *slot = bpf_map_lookup_elem(table, &index);

		if (slot && usable(*slot))
			return *slot;
	}
	return NO_DEST;
}

/* wlc: least (256 * active + inactive) / weight, compared by cross-multiplication; the first in list order wins a tie. */
static __always_inline __u32 pick_least_connections(void *table, __u32 length)
{
	__u64 least_overhead = 0, least_weight = 0;
	__u32 least = NO_DEST, index;

	for (index = 1; index <= MAX_SCAN && index <= length; index++) {
		__u32 *slot = bpf_map_lookup_elem(table, &index);
		struct dest_load *load;
		struct dest *d;
		__u64 overhead;

		if (!slot)
			break;
		d = usable(*slot);
		load = bpf_map_lookup_elem(&loads, slot);
		if (!d || !load)
			continue;
		overhead = ((__u64)load->active << 8) + load->inactive;
		if (least == NO_DEST || least_overhead * d->weight > overhead * least_weight) {
			least = *slot;
			least_overhead = overhead;
			least_weight = d->weight;
		}
	}
	return least;
}

static __always_inline __u32 pick(const struct service *service)
{
	__u32 slot = service->slot, zero = 0, *length;
	void *table = bpf_map_lookup_elem(&tables, &slot);

	if (!table)
		return NO_DEST;
	length = bpf_map_lookup_elem(table, &zero);
	if (!length)
		return NO_DEST;
	if (service->scheduler == SCHED_WLC)
		return pick_least_connections(table, *length);
	return pick_from_sequence(table, *length, slot);
}

#endif
