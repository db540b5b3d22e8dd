/* SPDX-License-Identifier: GPL-2.0-only */
/* All that is counted: packets dropped, packets and bytes of services and servers, connections of a server, entries of tables. */
#ifndef TANIST_COUNTERS_H
#define TANIST_COUNTERS_H

#include "layout.h"
#include "maps.h"
#include "packet.h"
#include "scratch.h"
#include "states.h"

static __always_inline void count_drop(__u32 reason)
{
	__u64 *n = bpf_map_lookup_elem(&drops, &reason);
	const struct packet *p = packet_in_hand();

	if (n && !(p && p->dry))
		(*n)++;
}

static __always_inline void add_population(__u32 of, __s64 by)
{
	__u64 *n = bpf_map_lookup_elem(&population, &of);

	if (n)
		__sync_fetch_and_add(n, by);
}

static __always_inline __u64 entries_of(__u32 table)
{
	__u64 *n = bpf_map_lookup_elem(&population, &table);

	return n ? *n : 0;
}

static __always_inline void count_load(__u32 dest_slot, __u32 state, __s32 by)
{
	struct dest_load *load = bpf_map_lookup_elem(&loads, &dest_slot);

	if (load)
		__sync_fetch_and_add(state_is_active(state) ? &load->active : &load->inactive, by);
}

/* IPVS's threshold rule, after a connection was bound to a server (by 1) or has left it (by -1). */
static __always_inline void note_threshold(__u32 dest_slot, int by)
{
	struct dest *d = dest_at(dest_slot);
	struct dest_load *load = bpf_map_lookup_elem(&loads, &dest_slot);
	__u32 *overloaded = bpf_map_lookup_elem(&overloads, &dest_slot);
	__u64 total;

	if (!d || !load || !overloaded)
		return;
	total = (__u64)load->active + load->inactive;
	if (by > 0) {
		if (d->upper && total >= d->upper)
			*overloaded = 1;
	} else if (*overloaded && (d->lower ? total < d->lower : !d->upper || total * 4 < (__u64)d->upper * 3)) {
		*overloaded = 0;
	}
}

static __always_inline void add_traffic(struct counters *n, __u64 packets, __u64 bytes, int out)
{
	if (out) {
		n->out_packets += packets;
		n->out_bytes += bytes;
	} else {
		n->in_packets += packets;
		n->in_bytes += bytes;
	}
}

static __always_inline void count_traffic(const struct connection *c, __u64 packets, __u64 bytes, int out)
{
	__u32 service_slot = c->service_slot, dest_slot = c->dest_slot;
	struct counters *n = service_counters_at(service_slot);

	if (n)
		add_traffic(n, packets, bytes, out);
	n = dest_counters_at(dest_slot);
	if (n)
		add_traffic(n, packets, bytes, out);
}

/* The bytes are those of the IP packet: a short frame has some more. */
static __always_inline void count_packet(struct __sk_buff *skb, const struct packet *p, const struct connection *c,
					 int out)
{
	count_traffic(c, skb->gso_segs ? skb->gso_segs : 1, p->ip_length, out);
}

#endif
