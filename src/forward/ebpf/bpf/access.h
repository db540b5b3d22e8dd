/* SPDX-License-Identifier: GPL-2.0-only */
/* Access lists: whether a client may open a connection. */
#ifndef TANIST_ACCESS_H
#define TANIST_ACCESS_H

#include "address.h"
#include "layout.h"
#include "maps.h"
#include "packet.h"
#include "scratch.h"

/* Of the client of the packet in hand. A list without an answer, or none at all where one should be, admits nobody: that is
 * seen only while its service is being deleted. A global function, for its room on the stack. */
__noinline int admits(__u32 service_slot)
{
	struct packet *p = packet_in_hand();
	void *list = bpf_map_lookup_elem(&access_lists, &service_slot);
	struct access_key key = {};
	struct access *access;
	__u32 index;
	__u64 *hits;

	if (!p || !list)
		return 0;
	key.bits = p->flow.family == AF_INET6 ? 32 + 128 : 32 + 32;
	key.family = p->flow.family;
	key.client = p->flow.saddr;
	access = bpf_map_lookup_elem(list, &key);
	if (!access)
		return 0;
	index = access->hits;
	p->access = index + 1;
	hits = bpf_map_lookup_elem(&access_hits, &index);
	if (hits && !p->dry)
		__sync_fetch_and_add(hits, 1);
	return access->allowed != 0;
}

#endif
