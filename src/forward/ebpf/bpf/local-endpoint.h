/* SPDX-License-Identifier: GPL-2.0-only */
/* Full NAT: the local address and port that a server sees in place of its client's. A cursor for each server goes through all of them, so
 * the next one is nearly always free; with a pool of two addresses, A and B:
 *
 *   cursor    0       1       2       3       ...
 *   L:l       A:1024  B:1024  A:1025  B:1025  ...
 */
#ifndef TANIST_LOCAL_ENDPOINT_H
#define TANIST_LOCAL_ENDPOINT_H

#include "address.h"
#include "connection.h"
#include "counters.h"
#include "keys.h"
#include "layout.h"
#include "loop.h"
#include "maps.h"
#include "packet.h"
#include "scratch.h"
#include "verifier.h"

#define EEXIST 17

/* Ports that are given out for each local address and server, and how many endpoints a packet looks at: the next packet goes
 * on from there. An entry that is over keeps its place until the sweep. */
#define FIRST_LOCAL_PORT 1024
#define LOCAL_PORTS (65536 - FIRST_LOCAL_PORT)
#define LOCAL_TRIES 1024

struct claim {
	const struct local_pool *pool; /* 0: one address */
	struct address address;
	__u64 *cursor;
	__u32 tries;
	__u32 claimed;
};

/* The endpoint number n: the addresses of the pool in turn, and a port after the other. */
static __always_inline void local_endpoint(const struct claim *claim, __u64 n, struct address *local, __u16 *port)
{
	__u32 count = claim->pool ? claim->pool->count : 1;

	if (!count)
		count = 1;
	*local = claim->pool ? claim->pool->addresses[n % count & (MAX_LOCAL_ADDRESSES - 1)] : claim->address;
	*port = bpf_htons(FIRST_LOCAL_PORT + n / count % LOCAL_PORTS);
}

static __always_inline long try_endpoint(struct claim *claim, int v6)
{
	struct packet *p = packet_in_hand();
	int error;

	if (!p || claim->tries++ == LOCAL_TRIES)
		return 1;
	local_endpoint(claim, __sync_fetch_and_add(claim->cursor, 1), &p->reply.daddr, &p->reply.dport);
	error = add_reply(&p->reply, &p->flow, BPF_NOEXIST, v6);
	claim->claimed = !error;
	return error != -EEXIST;
}

static long try_endpoint4(void *map, __u32 *index, void *unused, struct claim *claim)
{
	return try_endpoint(claim, 0);
}

static long try_endpoint6(void *map, __u32 *index, void *unused, struct claim *claim)
{
	return try_endpoint(claim, 1);
}

#define CLAIM_KEEP 1u	   /* without it, it is only told which would be looked at next */
#define CLAIM_OF_CLIENT 2u /* the address stays the client's own */

/* Gives the packet in hand, which opens a connection, a local address and port; leaves them in `reply`. False when there
 * is none. Without a pool the address is this director's towards the server; `flags` are the connection's. A global function, for
 * its loop's sake. */
__noinline int claim_endpoint(__u32 dest_slot, __u32 service_slot, __u32 how, __u32 flags)
{
	struct way *way = way_at(dest_slot);
	struct dest *d = dest_at(dest_slot);
	struct claim claim = {
		.pool = how & CLAIM_OF_CLIENT ? 0 : bpf_map_lookup_elem(&local_pools, &service_slot),
		.cursor = way ? &way->local_cursor : 0,
		.tries = unknown(0),
		.claimed = unknown(0),
	};
	struct connection seen = { .flags = flags };
	struct packet *p = packet_in_hand();

	if (!d || !p || !claim.cursor)
		return 0;
	seen.method = d->method;
	claim.address = how & CLAIM_OF_CLIENT ? p->flow.saddr : d->hops[d->hop & 1].local;
	if (!claim.pool && !is_set(&claim.address))
		return 0;
	p->reply = reply_flow(&p->flow, d, &seen);
	if (!(how & CLAIM_KEEP)) {
		local_endpoint(&claim, *claim.cursor, &p->reply.daddr, &p->reply.dport);
		return 1;
	}
	if (p->flow.family == AF_INET6)
		repeat(try_endpoint6, &claim);
	else
		repeat(try_endpoint4, &claim);
	return claim.claimed;
}

/* As `claim_endpoint`, into the connection. */
static __always_inline int claim_local_endpoint(struct connection *c, __u32 how)
{
	const struct packet *p = packet_in_hand();

	if (!p || !claim_endpoint(c->dest_slot, c->service_slot, how, c->flags)) {
		count_drop(DROP_NO_LOCAL_PORT);
		return 0;
	}
	c->local = p->reply.daddr;
	c->local_port = p->reply.dport;
	return 1;
}

#endif
