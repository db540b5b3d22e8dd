/* SPDX-License-Identifier: GPL-2.0-only */
/* The life of a table entry. Several CPUs may handle one connection at a time: the state moves by compare-and-swap,
 * and whoever moved it changes the counts, so they are exact. */
#ifndef TANIST_CONNECTION_H
#define TANIST_CONNECTION_H

#include "keys.h"

#define SECOND_NS 1000000000ull

static __always_inline struct settings *get_settings(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&settings, &zero);
}

/* The coarse clock moves once a tick, so that is how often it is asked: ticks can be read without a call, which would take a
 * packet 10 ns. Two CPUs may be a tick apart. */
static __always_inline __u64 now_ns(const struct settings *s)
{
	__u64 tick = bpf_jiffies64();
	__u32 zero = 0;
	struct reading *last = bpf_map_lookup_elem(&clock, &zero);

	if (!last)
		return 0;
	if (last->tick != tick) {
		last->ns = bpf_ktime_get_coarse_ns();
		last->tick = tick;
	}
	return last->ns + s->clock_offset_ns;
}

/* The daemon was stopped and nobody has taken the core over in time: what it knows may be wrong by now. */
static __always_inline int is_inert(const struct settings *s, __u64 now)
{
	return s->inert_at_ns && now >= s->inert_at_ns;
}

static __always_inline void add_population(__u32 of, __s64 by)
{
	__u64 *n = bpf_map_lookup_elem(&population, &of);

	if (n)
		__sync_fetch_and_add(n, by);
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
	struct dest *d = bpf_map_lookup_elem(&dests, &dest_slot);
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

static __always_inline void set_deadline(const struct settings *s, struct connection *c, __u32 state, __u64 now)
{
	__u32 own = state == ST_ESTABLISHED || state == ST_UDP || state == ST_SCTP + SCTP_ESTABLISHED ? c->timeout_s : 0;

	if (state < STATES)
		c->deadline_ns = now + (own ? own : s->timeout_s[state]) * SECOND_NS;
}

/* An entry of a table of three dimensions by its place, which is compared where it is used: Linux 6.1's verifier does not learn from a
 * comparison what a copy on the stack holds. */
static __always_inline __u32 entry_at(const __u8 *table, __u32 entries, __u32 place)
{
	asm volatile("" : "+r"(place));
	return place < entries ? table[place] : 0;
}

static __always_inline __u32 next_state(__u8 proto, __u32 event, __u32 direction, __u32 state)
{
	if (proto == IPPROTO_UDP)
		return ST_UDP;
	if (proto == IPPROTO_SCTP) {
		state = state == ST_NONE ? SCTP_NONE : state - ST_SCTP; /* a fresh connection has no state of any protocol */
		if (event >= SCTP_EVENTS || state >= SCTP_STATES || direction >= DIRECTIONS)
			return ST_SCTP + SCTP_CLOSED;
		return ST_SCTP + entry_at(&sctp_next[0][0][0], sizeof(sctp_next),
					  (direction * SCTP_EVENTS + event) * SCTP_STATES + state);
	}
	if (event >= TCP_EVENTS || state >= TCP_STATES || direction >= DIRECTIONS)
		return ST_CLOSE;
	return entry_at(&tcp_next[0][0][0], sizeof(tcp_next), (direction * TCP_EVENTS + event) * TCP_STATES + state);
}

/* A client's address with the bits that do not count set to 0. */
static __always_inline struct address masked(const struct address *client, __u32 prefix, int v6)
{
	struct address result = {};
	__u32 i;

	for (i = 0; i < (v6 ? 4 : 1); i++) {
		__u32 bits = prefix > 32 * i ? prefix - 32 * i : 0;

		if (bits >= 32)
			result.words[i] = client->words[i];
		else if (bits)
			result.words[i] = client->words[i] & bpf_htonl(~0u << (32 - bits));
	}
	return result;
}

static __always_inline struct template *template_of(const struct flow *client, const struct connection *c, int v6)
{
	struct template_key key = {
		.service_slot = c->service_slot, .client = masked(&client->saddr, c->template_prefix, v6),
		.call = c->flags & CONN_CALL ? c->call : 0,
	};

	return bpf_map_lookup_elem(&templates, &key);
}

static __always_inline void assure(const struct flow *client, const struct connection *c, int v6)
{
	struct template *t = c->flags & CONN_CONTROLLED ? template_of(client, c, v6) : 0;

	if (t)
		t->assured = 1;
}

/* A datagram from the server is what assures UDP; IPVS sees none with DR and TUN, and leaves their templates as they were. */
static __always_inline int is_to_assure(const struct connection *c, __u32 state)
{
	return state == ST_UDP && (c->flags & (CONN_CONTROLLED | CONN_ASSURED)) == CONN_CONTROLLED;
}

/* Moves the state by one packet and arms the time-out of the state it is in then. */
static __always_inline void advance(const struct settings *s, struct connection *c, const struct packet *p,
				    const struct flow *client, __u32 direction, __u64 now, int v6)
{
	__u32 old = c->state;
	__u32 new = next_state(p->flow.proto, p->event, direction, old);

	if (old == ST_DEAD)
		return;
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
	set_deadline(s, c, new, now);
}

/* A packet of a connection: only one with ports says what it does to the state. One of IPsec keeps it alive. */
static __always_inline void proceed(const struct settings *s, struct connection *c, const struct packet *p,
				    const struct flow *client, __u32 direction, __u64 now, int v6)
{
	if (has_ports(p))
		advance(s, c, p, client, direction, now, v6);
	else if (p->fragment == IPSEC)
		set_deadline(s, c, c->state, now);
}

/* NAT, full NAT, and whatever this director itself has asked for: the server's packets come by here, and are known by a key of
 * their own. */
static __always_inline int has_reply(const struct connection *c)
{
	return c->method == METHOD_NAT || c->method == METHOD_FNAT || c->flags & CONN_OWN;
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

static __always_inline void leave_template(const struct flow *client, const struct connection *c, int v6)
{
	struct template *t = template_of(client, c, v6);

	/* It may be another one by now, made for the server that came after. */
	if (t && t->dest_slot == c->dest_slot && t->controlled)
		__sync_fetch_and_add(&t->controlled, -1);
}

/* Takes a connection out of the table and out of the counts, exactly once. */
static __always_inline void forget(const struct flow *client, struct connection *c, int v6)
{
	__u32 state = c->state, dest_slot = c->dest_slot;
	struct dest *d;

	if (state == ST_DEAD || __sync_val_compare_and_swap(&c->state, state, ST_DEAD) != state)
		return;
	d = bpf_map_lookup_elem(&dests, &dest_slot);
	if (d && has_reply(c)) {
		struct flow reply = reply_flow(client, d, c);

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

static __always_inline void count_packets(struct counters *n, __u64 packets, __u64 bytes, int out)
{
	if (out) {
		n->out_packets += packets;
		n->out_bytes += bytes;
	} else {
		n->in_packets += packets;
		n->in_bytes += bytes;
	}
}

static __always_inline void count_for(const struct connection *c, __u64 packets, __u64 bytes, int out)
{
	__u32 service_slot = c->service_slot, dest_slot = c->dest_slot;
	struct counters *n = bpf_map_lookup_elem(&service_counters, &service_slot);

	if (n)
		count_packets(n, packets, bytes, out);
	n = bpf_map_lookup_elem(&dest_counters, &dest_slot);
	if (n)
		count_packets(n, packets, bytes, out);
}

/* The bytes are those of the IP packet: a short frame has some more. */
static __always_inline void count_connection_packet(struct __sk_buff *skb, const struct packet *p, const struct connection *c,
						    int out)
{
	count_for(c, skb->gso_segs ? skb->gso_segs : 1, p->ip_length, out);
}

/* Frees what has expired: a time-out that nobody touched must leave the counts as well. A table that is nearly full is also
 * relieved of some half-open connections, which a flood of SYNs leaves behind: one of 32 at random, as IPVS's drop_entry
 * has it. Established ones are never touched. */
#define DEFENCE_SHARE 32

struct sweep {
	const struct settings *settings;
	__u64 now;
	struct sweep_result result;
	__u32 defend;
};

/* Nothing more is to come of it but what is late. */
static __always_inline int is_finished(const struct connection *c)
{
	return c->state == ST_TIME_WAIT || c->state == ST_CLOSE || c->state == ST_SCTP + SCTP_CLOSED;
}

/* Its server is gone: what the client sends is lost and changes nothing, until the server is back. */
static __always_inline int lacks_server(const struct connection *c)
{
	__u32 slot = c->dest_slot;
	const struct dest *d = bpf_map_lookup_elem(&dests, &slot);

	return !d || d->state != DEST_PRESENT;
}

/* Its server is gone, and that ends it. */
static __always_inline int is_orphan(const struct settings *s, const struct connection *c)
{
	return s->flags & EXPIRE_NODEST_CONN && lacks_server(c);
}

static __always_inline int is_over(const struct connection *c, struct sweep *sweep)
{
	sweep->result.visited++;
	if (c->deadline_ns < sweep->now || is_orphan(sweep->settings, c)) {
		sweep->result.expired++;
		return 1;
	}
	if (!sweep->defend || (c->state != ST_SYN_RECV && c->state != ST_SYNACK && c->state != ST_SCTP + SCTP_INIT1 &&
				c->state != ST_SCTP + SCTP_INIT) ||
	    bpf_get_prandom_u32() % DEFENCE_SHARE)
		return 0;
	count_drop(DROP_DEFENCE);
	return 1;
}

static long sweep_one(void *map, const struct flow4 *key, struct connection *c, struct sweep *sweep)
{
	if (is_over(c, sweep)) {
		struct flow client = expand(key);

		forget(&client, c, 0);
	}
	return 0;
}

static long sweep_one6(void *map, const struct flow *key, struct connection *c, struct sweep *sweep)
{
	if (is_over(c, sweep)) {
		struct flow client = *key;

		forget(&client, c, 1);
	}
	return 0;
}

#endif
