/* SPDX-License-Identifier: GPL-2.0-only */
/* IPVS's schedulers. test/support/reference-schedulers.ts describes what each of them must pick. */
#ifndef TANIST_SCHEDULE_H
#define TANIST_SCHEDULE_H

#include <bpf/bpf_endian.h>
#include "address.h"
#include "hash.h"
#include "layout.h"
#include "least-load.h"
#include "locality.h"
#include "maps.h"
#include "scheduler-table.h"
#include "verifier.h"

/* In place of a server: the scheduler is lblc, or lblcr. */
#define PICK_LBLC 0xfffffffeu
#define PICK_LBLCR 0xfffffffdu
/* Entries of wrr's sequence that are looked at for a server that can serve. Of rr's all are: it is a list of servers. */
#define SEQUENCE_TRIES 4096

/* A walk over entries of a table until one can serve. The helper that goes over the elements of a map only does the counting, as in
 * loop.h. */
struct walk {
	__u64 cursor;
	__u32 start;
	__u32 client; /* mh */
	__u32 length;
	__u32 most; /* tries */
	__u32 tries;
	__u32 found;
};

static long step_sequence(void *table, __u32 *index, __u32 *unused, struct walk *w)
{
	if (w->tries == w->most || !w->length)
		return 1;
	w->found = server_at(table, (w->cursor + w->tries++) % w->length);
	return w->found != NO_DEST;
}

/* rr and wrr: user space has laid the whole sequence out; a cursor walks it. Entries that cannot serve now are stepped over; when
 * none can, the cursor stays. Each packet takes one step of the cursor and walks on from there by itself: other processors that take
 * theirs meanwhile would else leave it nothing but entries that cannot serve. */
static __always_inline __u32 pick_from_sequence(void *table, __u32 head, __u32 service_slot, __u32 dry)
{
	__u32 length = TABLE_LENGTH(head);
	__u64 *cursor = bpf_map_lookup_elem(&cursors, &service_slot);
	struct walk w = {
		.length = length,
		.most = TABLE_SCHEDULER(head) == SCHED_WRR && length > SEQUENCE_TRIES ? SEQUENCE_TRIES : length,
		.tries = unknown(0),
		.found = unknown(NO_DEST),
	};

	if (!cursor)
		return NO_DEST;
	w.cursor = dry ? *cursor : __sync_fetch_and_add(cursor, 1);
	bpf_for_each_map_elem(table, step_sequence, &w, 0);
	if (!dry && w.found == NO_DEST)
		__sync_fetch_and_add(cursor, -1ull);
	else if (!dry && w.tries > 1)
		__sync_fetch_and_add(cursor, w.tries - 1);
	return w.found;
}

/* twos: two servers at random by weight, of which the one with less to do. */
struct draw {
	__u32 total; /* 32 bits, or the verifier goes after every round's higher bound */
	__u32 left[2];
	__u32 chosen[2];
};

static long add_weight(void *table, __u32 *index, __u32 *slot, struct draw *draw)
{
	struct dest *d = *index ? usable(*slot) : 0;

	if (d)
		draw->total += d->weight;
	return 0;
}

static long take_chance(void *table, __u32 *index, __u32 *slot, struct draw *draw)
{
	struct dest *d = *index ? usable(*slot) : 0;
	__u32 i;

	if (!d)
		return 0;
	for (i = 0; i < 2; i++) {
		if (draw->chosen[i] == NO_DEST && draw->left[i] <= d->weight)
			draw->chosen[i] = *slot;
		draw->left[i] -= d->weight;
	}
	return draw->chosen[0] != NO_DEST && draw->chosen[1] != NO_DEST;
}

/* What it draws stands in the service's cursor, which it has no other use for: so a pick can be retraced. */
static __always_inline __u32 pick_of_two(void *table, __u32 service_slot, __u32 dry)
{
	__u64 *drawn = bpf_map_lookup_elem(&cursors, &service_slot);
	struct draw draw = { .total = unknown(0), .chosen = { unknown(NO_DEST), unknown(NO_DEST) } };
	struct dest_load *load1, *load2;
	struct dest *d1, *d2;

	bpf_for_each_map_elem(table, add_weight, &draw, 0);
	if (!draw.total)
		return NO_DEST;
	draw.left[0] = bpf_get_prandom_u32() % ((__u64)draw.total + 1);
	draw.left[1] = bpf_get_prandom_u32() % ((__u64)draw.total + 1);
	if (drawn && !dry)
		*drawn = (__u64)draw.left[1] << 32 | draw.left[0];
	bpf_for_each_map_elem(table, take_chance, &draw, 0);
	d1 = dest_at(draw.chosen[0]);
	d2 = dest_at(draw.chosen[1]);
	load1 = bpf_map_lookup_elem(&loads, &draw.chosen[0]);
	load2 = bpf_map_lookup_elem(&loads, &draw.chosen[1]);
	if (!d1 || !d2 || !load1 || !load2)
		return NO_DEST;
	return d2->weight * overhead_of(load1) > d1->weight * overhead_of(load2) ? draw.chosen[1] : draw.chosen[0];
}

static long step_source(void *table, __u32 *index, __u32 *unused, struct walk *w)
{
	w->found = server_at(table, (2 * w->start + w->tries++) & (HASH_BUCKETS - 1));
	return w->found != NO_DEST;
}

static __always_inline __u32 pick_by_source(void *table, __u32 client, __u32 fallback)
{
	struct walk w = { .start = hash256(client), .tries = unknown(0) };

	w.found = server_at(table, w.start);
	if (w.found == NO_DEST && fallback)
		bpf_for_each_map_elem(table, step_source, &w, 0);
	return w.found;
}

static long step_maglev(void *table, __u32 *index, __u32 *unused, struct walk *w)
{
	w->found = server_at(table, maglev_bucket((w->tries++ + w->start) % MAGLEV_BUCKETS + w->client));
	return w->found != NO_DEST || w->tries == MAGLEV_BUCKETS;
}

static __always_inline __u32 pick_by_maglev(void *table, __u32 client, __u32 fallback)
{
	struct walk w = { .start = maglev_bucket(client), .client = client, .tries = unknown(0) };

	w.found = server_at(table, w.start);
	if (w.found == NO_DEST && fallback)
		bpf_for_each_map_elem(table, step_maglev, &w, 0);
	return w.found;
}

/* A slot in `dests`, NO_DEST, PICK_LBLC or PICK_LBLCR. A global function, so that the kernel verifies its loops once and
 * not once for every way that leads here. `client` and `destination` are what the hashes are made of, see `hashed`, and
 * `port` is the client's. */
__noinline __u32 pick(__u32 service_slot, __u32 client, __u32 port, __u32 destination, __u32 dry)
{
	void *table = bpf_map_lookup_elem(&tables, &service_slot);
	__u32 zero = 0, *head = table ? bpf_map_lookup_elem(table, &zero) : 0, flags;

	if (!head)
		return NO_DEST;
	flags = TABLE_FLAGS(*head);
	if (flags & SERVICE_PORT)
		client += port;
	switch (TABLE_SCHEDULER(*head)) {
	case SCHED_RR:
	case SCHED_WRR:
		return pick_from_sequence(table, *head, service_slot, dry);
	case SCHED_DH:
		return server_at(table, hash256(destination));
	case SCHED_SH:
		return pick_by_source(table, client, flags & SERVICE_FALLBACK);
	case SCHED_MH:
		return pick_by_maglev(table, client, flags & SERVICE_FALLBACK);
	case SCHED_TWOS:
		return pick_of_two(table, service_slot, dry);
	case SCHED_LBLC:
		return PICK_LBLC;
	case SCHED_LBLCR:
		return PICK_LBLCR;
	default:
		return pick_by_load(table, TABLE_SCHEDULER(*head));
	}
}

static __always_inline __u32 pick_for(__u32 service_slot, const struct flow *flow, int dry)
{
	__u32 slot = pick(service_slot, hashed(&flow->saddr), bpf_ntohs(flow->sport), hashed(&flow->daddr), dry);

	if (slot == PICK_LBLC || slot == PICK_LBLCR) {
		__u32 replicated = slot == PICK_LBLCR, same = pick_remembered(service_slot, replicated);

		return same != NO_DEST ? same : pick_fresh(service_slot, replicated);
	}
	return slot;
}

#endif
