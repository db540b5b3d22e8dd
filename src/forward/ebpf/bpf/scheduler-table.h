/* SPDX-License-Identifier: GPL-2.0-only */
/* A service's table, and whether a server in it can serve.
 *
 *   index   0                                1         2              n
 *           +--------+-----------+----------+---------+---------+ - -+---------+
 *           | flags  | scheduler | length n | slot    | slot    |    | slot    |    32 bits each
 *           | 31..24 | 23..16    | 15..0    |         |         |    |         |
 *           +--------+-----------+----------+---------+---------+ - -+---------+
 *             the head: TABLE_*, layout.h     entries: where the server is in `dests`
 *
 *   rr, wrr    the sequence in which servers are picked, over and over
 *   dh, sh     256 buckets of a hash, mh: 4093
 *   others     the servers, the one that was added last first
 */
#ifndef TANIST_SCHEDULER_TABLE_H
#define TANIST_SCHEDULER_TABLE_H

#include "layout.h"
#include "maps.h"

#define NO_DEST 0xffffffffu

static __always_inline struct dest *usable(__u32 slot)
{
	struct dest *d = dest_at(slot);
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
