/* SPDX-License-Identifier: GPL-2.0-only */
/* A service's table of servers, and whether one of them can serve. */
#ifndef TANIST_SCHEDULER_TABLE_H
#define TANIST_SCHEDULER_TABLE_H

#include "layout.h"
#include "maps.h"

#define NO_DEST 0xffffffffu

static __always_inline struct dest *usable(__u32 slot)
{
	struct dest *d = bpf_map_lookup_elem(&dests, &slot);
	__u32 *overloaded = bpf_map_lookup_elem(&overloads, &slot);

	return d && d->state == DEST_PRESENT && d->weight && overloaded && !*overloaded ? d : 0;
}

/* The server of an entry, if it can serve. The first entry of a table is behind its head. */
static __always_inline __u32 server_at(void *table, __u32 entry)
{
	__u32 index = entry + 1;
	__u32 *slot = bpf_map_lookup_elem(table, &index);

	return slot && usable(*slot) ? *slot : NO_DEST;
}

#endif
