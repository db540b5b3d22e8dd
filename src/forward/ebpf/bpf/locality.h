/* SPDX-License-Identifier: GPL-2.0-only */
/* lblc and lblcr: a destination keeps its servers, for as long as they are not busy while others are idle. Meant for caches. */
#ifndef TANIST_LOCALITY_H
#define TANIST_LOCALITY_H

#include "clock.h"
#include "counters.h"
#include "layout.h"
#include "least-load.h"
#include "maps.h"
#include "packet.h"
#include "scheduler-table.h"
#include "scratch.h"
#include "verifier.h"

static long find_idle(void *table, __u32 *index, __u32 *slot, __u32 *found)
{
	struct dest *d = *index ? dest_at(*slot) : 0;
	struct dest_load *load = *index ? bpf_map_lookup_elem(&loads, slot) : 0;

	*found = d && load && (__u64)load->active * 2 < d->weight;
	return *found;
}

/* More connections than its weight, while another server has less than half of its own. */
static __always_inline int is_busy(void *table, const struct dest *d, const struct dest_load *load)
{
	__u32 found = unknown(0);

	if (load->active <= d->weight)
		return 0;
	bpf_for_each_map_elem(table, find_idle, &found, 0);
	return found;
}

/* The server that a destination has, whatever its thresholds say (lblc), or the least busy of its servers (lblcr); and
 * NO_DEST when that one is busy or cannot serve. */
static __always_inline __u32 pick_known(void *table, const struct locality *l, int replicated)
{
	struct dest_load *least_load = 0, *load;
	struct dest *least = 0, *d;
	__u32 i, slot, best = NO_DEST;

	for (i = 0; i < LOCALITY_SERVERS && i < l->count; i++) {
		slot = l->slots[i];
		d = dest_at(slot);
		load = bpf_map_lookup_elem(&loads, &slot);
		if (!d || !load || d->id != l->ids[i] || d->state != DEST_PRESENT || !d->weight ||
		    (replicated && !usable(slot)))
			continue;
		if (!least || overhead_of(least_load) * d->weight > overhead_of(load) * least->weight) {
			least = d;
			least_load = load;
			best = slot;
		}
	}
	return least && !is_busy(table, least, least_load) ? best : NO_DEST;
}

/* Takes the busiest server of a destination away: lblcr spreads for a day only. */
static __always_inline void drop_busiest(struct locality *l, __u64 now)
{
	struct dest_load *most_load = 0, *load;
	struct dest *most = 0, *d;
	__u32 i, slot, place = 0;

	for (i = 0; i < LOCALITY_SERVERS && i < l->count; i++) {
		slot = l->slots[i];
		d = dest_at(slot);
		load = bpf_map_lookup_elem(&loads, &slot);
		if (!d || !load || !d->weight)
			continue;
		if (!most || overhead_of(most_load) * d->weight < overhead_of(load) * most->weight) {
			most = d;
			most_load = load;
			place = i;
		}
	}
	if (!most)
		return;
	for (i = 0; i < LOCALITY_SERVERS - 1; i++) {
		if (i < place)
			continue;
		l->slots[i] = l->slots[i + 1];
		l->ids[i] = l->ids[i + 1];
	}
	l->count--;
	l->changed_at_ns = now;
}

/* Puts a server before those that a destination has; the last one falls out when there is no room. */
static __always_inline void remember(struct locality *l, __u32 slot, __u32 id, __u64 now)
{
	__u32 i;

	for (i = 0; i < LOCALITY_SERVERS && i < l->count; i++) {
		if (l->slots[i] == slot && l->ids[i] == id)
			return;
	}
	for (i = LOCALITY_SERVERS - 1; i > 0; i--) {
		l->slots[i] = l->slots[i - 1];
		l->ids[i] = l->ids[i - 1];
	}
	l->slots[0] = slot;
	l->ids[0] = id;
	if (l->count < LOCALITY_SERVERS)
		l->count++;
	l->changed_at_ns = now;
}

/* Where a new entry is put together: the stack has no room for it. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct locality);
} fresh_locality SEC(".maps");

static __always_inline struct locality *find_locality(struct locality_key *key, __u32 service_slot, const struct packet *p)
{
	*key = (struct locality_key){ .service_slot = service_slot, .daddr = p->flow.daddr };
	return bpf_map_lookup_elem(&localities, key);
}

/* lblc and lblcr are not exact when two CPUs change what one destination has at the same time: one of the two servers may be
 * forgotten again, as after any expiry. */

/* The server that the destination of the packet in hand already has, or NO_DEST. Two functions, as all that is called by
 * way of this takes 512 bytes of stack at most, and Linux 6.1 counts 32 for the smallest frame. */
__noinline __u32 pick_remembered(__u32 service_slot, __u32 replicated)
{
	void *table = bpf_map_lookup_elem(&tables, &service_slot);
	struct packet *p = packet_in_hand();
	struct settings *s = get_settings();
	struct locality_key key;
	struct locality *l;
	__u32 slot;
	__u64 now;

	if (!table || !p || !s)
		return NO_DEST;
	l = find_locality(&key, service_slot, p);
	if (!l)
		return NO_DEST;
	now = now_ns(s);
	if (!p->dry)
		l->used_at_ns = now;
	slot = pick_known(table, l, replicated);
	if (replicated && !p->dry && l->count > 1 && l->changed_at_ns + LOCALITY_EXPIRY_S * SECOND_NS < now)
		drop_busiest(l, now);
	return slot;
}

/* Another server for it, which is remembered. */
__noinline __u32 pick_fresh(__u32 service_slot, __u32 replicated)
{
	void *table = bpf_map_lookup_elem(&tables, &service_slot);
	struct packet *p = packet_in_hand();
	struct settings *s = get_settings();
	struct locality *l, *fresh;
	struct locality_key key;
	struct dest *d;
	__u32 slot, zero = 0;

	if (!table || !p || !s)
		return NO_DEST;
	slot = pick_by_load(table, SCHED_WLC);
	d = dest_at(slot);
	if (!d || p->dry)
		return slot;
	l = find_locality(&key, service_slot, p);
	if (l) {
		if (!replicated)
			l->count = 0;
		remember(l, slot, d->id, now_ns(s));
		return slot;
	}
	fresh = bpf_map_lookup_elem(&fresh_locality, &zero);
	if (!fresh)
		return slot;
	fresh->used_at_ns = fresh->changed_at_ns = now_ns(s);
	fresh->count = 1;
	fresh->slots[0] = slot;
	fresh->ids[0] = d->id;
	/* Without room the server is used all the same. */
	if (!bpf_map_update_elem(&localities, &key, fresh, BPF_NOEXIST))
		add_population(POPULATION_LOCALITIES, 1);
	return slot;
}

#endif
