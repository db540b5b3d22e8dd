/* SPDX-License-Identifier: GPL-2.0-only */
/* IPVS's schedulers. src/balance/reference.ts describes what each of them must pick. */
#ifndef TANIST_SCHEDULE_H
#define TANIST_SCHEDULE_H

#include "connection.h"
#include "hash.h"

#define NO_DEST 0xffffffffu
/* Entries of a sequence that are looked at for a server that can serve. */
#define SEQUENCE_TRIES 64
/* Further buckets that mh-fallback looks at. */
#define MAGLEV_TRIES 256

static __always_inline struct dest *usable(__u32 slot)
{
	struct dest *d = bpf_map_lookup_elem(&dests, &slot);
	__u32 *overloaded = bpf_map_lookup_elem(&overloads, &slot);

	return d && d->state == DEST_PRESENT && d->weight && overloaded && !*overloaded ? d : 0;
}

/* rr and wrr: user space has laid the whole sequence out; a cursor walks it. Entries that cannot serve now are stepped
 * over; when none can, the cursor stays. */
static __always_inline __u32 pick_from_sequence(void *table, __u32 length, __u32 service_slot)
{
	__u64 *cursor = bpf_map_lookup_elem(&cursors, &service_slot);
	__u64 tries;

	if (!cursor || !length)
		return NO_DEST;
	for (tries = 0; tries < SEQUENCE_TRIES && tries < length; tries++) {
		__u32 index = 1 + __sync_fetch_and_add(cursor, 1) % length;
		__u32 *slot = bpf_map_lookup_elem(table, &index);

		if (slot && usable(*slot))
			return *slot;
	}
	__sync_fetch_and_add(cursor, -tries);
	return NO_DEST;
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

	if (!*index) /* the length */
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
	struct search s = { .scheduler = scheduler, .best = NO_DEST };

	bpf_for_each_map_elem(table, compare_load, &s, 0);
	return s.best;
}

/* The server of a bucket, if it can serve. */
static __always_inline __u32 in_bucket(void *table, __u32 bucket)
{
	__u32 index = bucket + 1;
	__u32 *slot = bpf_map_lookup_elem(table, &index);

	return slot && usable(*slot) ? *slot : NO_DEST;
}

__noinline __u32 pick_by_source(__u32 service_slot, __u32 client, __u32 fallback)
{
	__u32 bucket = hash256(client), slot, offset;
	void *table = bpf_map_lookup_elem(&tables, &service_slot);

	if (!table)
		return NO_DEST;
	slot = in_bucket(table, bucket);
	if (slot != NO_DEST || !fallback)
		return slot;
	for (offset = 0; offset < HASH_BUCKETS; offset++) {
		slot = in_bucket(table, (2 * bucket + offset) & (HASH_BUCKETS - 1));
		if (slot != NO_DEST)
			return slot;
	}
	return NO_DEST;
}

__noinline __u32 pick_by_maglev(__u32 service_slot, __u32 client, __u32 fallback)
{
	__u32 bucket = maglev_bucket(client), slot, offset;
	void *table = bpf_map_lookup_elem(&tables, &service_slot);

	if (!table)
		return NO_DEST;
	slot = in_bucket(table, bucket);
	if (slot != NO_DEST || !fallback)
		return slot;
	for (offset = 0; offset < MAGLEV_TRIES; offset++) {
		slot = in_bucket(table, maglev_bucket((offset + bucket) % MAGLEV_BUCKETS + client));
		if (slot != NO_DEST)
			return slot;
	}
	return NO_DEST;
}

static __always_inline __u32 pick(const struct service *service, const struct flow *flow)
{
	__u32 slot = service->slot, scheduler = service->scheduler, zero = 0, *length, client;
	void *table;

	client = bpf_ntohl(flow->saddr) + (service->flags & SERVICE_PORT ? bpf_ntohs(flow->sport) : 0);
	if (scheduler == SCHED_SH)
		return pick_by_source(slot, client, service->flags & SERVICE_FALLBACK);
	if (scheduler == SCHED_MH)
		return pick_by_maglev(slot, client, service->flags & SERVICE_FALLBACK);
	table = bpf_map_lookup_elem(&tables, &slot);
	if (!table)
		return NO_DEST;
	if (scheduler != SCHED_RR && scheduler != SCHED_WRR && scheduler != SCHED_DH)
		return pick_by_load(table, scheduler);
	if (scheduler == SCHED_DH)
		return in_bucket(table, hash256(bpf_ntohl(flow->daddr)));
	length = bpf_map_lookup_elem(table, &zero);
	return length ? pick_from_sequence(table, *length, slot) : NO_DEST;
}

#endif
