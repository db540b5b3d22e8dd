/* SPDX-License-Identifier: GPL-2.0-only */
/* The life of a table entry. Several CPUs may handle one connection at a time: the state moves by compare-and-swap,
 * and whoever moved it changes the counts, so they are exact. */
#ifndef TANIST_CONNECTION_H
#define TANIST_CONNECTION_H

#include "address.h"
#include "clock.h"
#include "counters.h"
#include "keys.h"
#include "layout.h"
#include "maps.h"
#include "packet.h"
#include "persistence.h"
#include "states.h"

static __always_inline void set_deadline(struct connection *c, __u32 state, const struct moment *at)
{
	__u32 timeout_s = state == ST_ESTABLISHED || state == ST_UDP || state == ST_SCTP + SCTP_ESTABLISHED ? c->timeout_s : 0;

	if (state < STATES)
		c->deadline_ns = at->now + (timeout_s ? timeout_s : at->settings->timeout_s[state]) * SECOND_NS;
}

/* A datagram from the server is what assures UDP; IPVS sees none with DR and TUN, and leaves their templates as they were. */
static __always_inline int is_to_assure(const struct connection *c, __u32 state)
{
	return state == ST_UDP && (c->flags & (CONN_CONTROLLED | CONN_ASSURED)) == CONN_CONTROLLED;
}

/* What a connection's server has failed to do, see struct dest_load. By DR and TUN its answers are not seen, but only that the client
 * asks again. A client that floods does not: it has no use for the answer. */
static __always_inline void note_fault(struct connection *c, const struct packet *p, __u32 direction, __u32 old, __u32 new)
{
	int asks_again = new == ST_SYN_RECV && direction != DIR_OUTPUT && p->event == EV_SYN && !(c->flags & CONN_ASKED_AGAIN);
	int is_cut = new == ST_CLOSE && direction == DIR_OUTPUT && p->event == EV_RST &&
		     (old == ST_SYN_RECV || old == ST_ESTABLISHED);
	__u32 slot = c->dest_slot;
	struct dest_load *load = asks_again || is_cut ? bpf_map_lookup_elem(&loads, &slot) : 0;

	if (!load)
		return;
	if (asks_again) {
		c->flags |= CONN_ASKED_AGAIN;
		__sync_fetch_and_add(&load->unanswered, 1);
	} else {
		__sync_fetch_and_add(old == ST_SYN_RECV ? &load->refused : &load->reset, 1);
	}
}

/* Moves the state by one packet and arms the time-out of the state it is in then. */
static __always_inline void advance_state(struct connection *c, const struct packet *p, int v6, __u32 direction,
					  const struct moment *at)
{
	const struct flow *client = direction == DIR_OUTPUT ? &p->client : &p->flow;
	__u32 old = c->state;
	__u32 new = next_state(p->flow.proto, p->event, direction, old);

	if (old == ST_DEAD)
		return;
	if (old == ST_SYN_RECV || new == ST_CLOSE)
		note_fault(c, p, direction, old, new);
	if (new != old) {
		if (__sync_val_compare_and_swap(&c->state, old, new) != old)
			return; /* another CPU was first; its packet decides */
		if (new == ST_ESTABLISHED || new == ST_SCTP + SCTP_ESTABLISHED)
			assure(client, c, v6);
		if (state_is_active(old) != state_is_active(new)) {
			count_load(c->dest_slot, old, -1);
			count_load(c->dest_slot, new, 1);
		}
	} else if (direction == DIR_OUTPUT && is_to_assure(c, new)) {
		c->flags |= CONN_ASSURED;
		assure(client, c, v6);
	}
	set_deadline(c, new, at);
}

/* A packet of a connection: only one with ports says what it does to the state. One of IPsec keeps it alive. */
static __always_inline void track(struct connection *c, const struct packet *p, int v6, __u32 direction, const struct moment *at)
{
	if (has_ports(p))
		advance_state(c, p, v6, direction, at);
	else if (p->fragment == IPSEC)
		set_deadline(c, c->state, at);
}

/* NAT, full NAT, and whatever this director itself has asked for: the server's packets come by here, and are known by a key of
 * their own. */
static __always_inline int has_reply(const struct connection *c)
{
	return c->method == METHOD_NAT || c->method == METHOD_FNAT || c->flags & CONN_OWN_CLIENT;
}

/* In network order. */
static __always_inline __u16 server_port(const struct dest *d, const struct connection *c, __u16 dport)
{
	return d->port && !(c->flags & CONN_KEEPS_PORT) ? d->port : dport;
}

/* The packets of a server to its client, as they come in. */
static __always_inline struct flow reply_flow(const struct flow *client, const struct dest *d, const struct connection *c)
{
	struct flow reply = {
		.saddr = d->addr, .daddr = client->saddr,
		.sport = server_port(d, c, client->dport), .dport = client->sport,
		.proto = client->proto, .family = client->family,
	};

	if (c->method == METHOD_DR || c->method == METHOD_TUN) {
		reply.saddr = client->daddr;
		reply.sport = client->dport;
	}
	if (c->local_port) {
		reply.daddr = c->local;
		reply.dport = c->local_port;
	}
	return reply;
}

/* Has what the server sends from now on be known for what it is, see after-end.h. By full NAT it would be sent to this director. */
static __always_inline void remember_end(const struct flow *client, const struct flow *reply, const struct connection *c)
{
	struct ended e = {
		.until_ns = c->deadline_ns + ENDED_S * SECOND_NS,
		.vaddr = client->daddr, .vport = client->dport, .cport = client->sport,
		.dest_slot = c->dest_slot, .back_ifindex = c->back_ifindex,
	};

	if (is_same(&client->saddr, &reply->daddr) && !(c->flags & CONN_OWN_CLIENT))
		bpf_map_update_elem(&ended, reply, &e, BPF_ANY);
}

/* Takes a connection out of the table and out of the counts, exactly once. */
static __always_inline void forget(const struct flow *client, struct connection *c, int v6)
{
	__u32 state = c->state, dest_slot = c->dest_slot;
	struct dest *d;

	if (state == ST_DEAD || __sync_val_compare_and_swap(&c->state, state, ST_DEAD) != state)
		return;
	d = dest_at(dest_slot);
	if (d && has_reply(c)) {
		struct flow reply = reply_flow(client, d, c);

		if (state_may_send(state))
			remember_end(client, &reply, c);
		delete_reply(&reply, v6);
	}
	if (c->flags & CONN_CONTROLLED)
		leave_template(client, c, v6);
	/* The counts come last: while they name a connection, the slot of its server keeps its identity. */
	count_load(dest_slot, state, -1);
	note_threshold(dest_slot, -1);
	delete_connection(client, v6);
	add_population(v6 ? POPULATION_CONNECTIONS6 : POPULATION_CONNECTIONS, -1);
}

/* As `find`, but what is over stays where it is. */
static __always_inline struct connection *peek(const struct flow *client, __u64 now, int v6)
{
	struct connection *c = lookup_connection(client, v6);

	return c && c->state != ST_DEAD && c->deadline_ns >= now ? c : 0;
}

/* A live connection, or nothing: an entry past its deadline counts as absent, whenever the sweep comes by. */
static __always_inline struct connection *find(const struct flow *client, __u64 now, int v6)
{
	struct connection *c = lookup_connection(client, v6);

	if (!c || c->state == ST_DEAD)
		return 0;
	if (c->deadline_ns < now) {
		forget(client, c, v6);
		return 0;
	}
	return c;
}

/* Nothing more is to come of it but what is late. */
static __always_inline int is_finished(const struct connection *c)
{
	return c->state == ST_TIME_WAIT || c->state == ST_CLOSE || c->state == ST_SCTP + SCTP_CLOSED;
}

/* Its server is gone: what the client sends is lost and changes nothing, until the server is back. */
static __always_inline int lacks_server(const struct connection *c)
{
	__u32 slot = c->dest_slot;
	const struct dest *d = dest_at(slot);

	return !d || d->state != DEST_PRESENT;
}

/* Its server is gone, and that ends it. */
static __always_inline int is_orphan(const struct settings *s, const struct connection *c)
{
	return s->flags & EXPIRE_NODEST_CONN && lacks_server(c);
}

#endif
