/* SPDX-License-Identifier: GPL-2.0-only */
/* Opens a connection.
 *
 *   prepare     a template's server, else the scheduler's; the fresh entry is filled in, and a template entered
 *   insert      NAT, full NAT, own clients: the key of the server's packets (keys.h), first, so that no reply can arrive unknown
 *                 the client's port is in use at this server: another port there, as by full NAT
 *               the entry, by the client's flow
 *                 another CPU was first: that one's connection is this packet's, too
 *               the counts
 *
 * What was taken is given back when a later step fails. */
#ifndef TANIST_OPEN_H
#define TANIST_OPEN_H

#include "address.h"
#include "clock.h"
#include "connection.h"
#include "counters.h"
#include "icmp-error.h"
#include "keys.h"
#include "layout.h"
#include "local-endpoint.h"
#include "maps.h"
#include "packet.h"
#include "persistence.h"
#include "schedule.h"
#include "scratch.h"
#include "states.h"
#include "to-server.h"
#include "verdict.h"

/* Full NAT; and where this director's client is the virtual address itself, which a server by DR or TUN has, too, so that it would
 * send its answers nowhere. */
static __always_inline int needs_local(const struct flow *client, const struct dest *d, const struct connection *c)
{
	return c->method == METHOD_FNAT || (c->flags & CONN_OWN_CLIENT && c->method != METHOD_NAT && d->family == client->family &&
					    is_same(&client->saddr, &client->daddr));
}

/* Adds the key of a NAT connection's replies, `reply` of the packet in hand. Another connection of the client's that has it and
 * only waits for its time to be over makes room; a key is taken away by the connection that has it and by nobody else. */
static __always_inline int claim_reply_key(const struct packet *p, int v6, __u64 now)
{
	int error = add_reply(&p->reply, &p->flow, BPF_NOEXIST, v6);
	struct connection *c = 0;
	struct flow other;

	if (error != -EEXIST)
		return error;
	if (lookup_reply(&p->reply, &other, v6))
		c = find(&other, now, v6);
	if (c && is_finished(c))
		forget(&other, c, v6);
	return add_reply(&p->reply, &p->flow, BPF_NOEXIST, v6);
}

/* Global functions, for the stack's sake. */
__noinline int claim_reply_key4(__u64 now)
{
	const struct packet *p = packet_in_hand();

	return p ? claim_reply_key(p, 0, now) : -1;
}

__noinline int claim_reply_key6(__u64 now)
{
	const struct packet *p = packet_in_hand();

	return p ? claim_reply_key(p, 1, now) : -1;
}

/* A key for the packets of the server, by which they are known. If the client's port is in use at this server, by way of another
 * service, it gets another one there, since the server could not tell the two connections apart. (IPVS leaves the port to both, and
 * takes all answers for the newer one's.) False when there is no room. */
static __always_inline int claim_reply(struct packet *p, int v6, const struct dest *d, struct connection *fresh, __u64 now)
{
	int error;

	if (needs_local(&p->flow, d, fresh))
		return claim_local_endpoint(fresh, CLAIM_KEEP);
	p->reply = reply_flow(&p->flow, d, fresh);
	error = v6 ? claim_reply_key6(now) : claim_reply_key4(now);
	if (error == -EEXIST && fresh->method == METHOD_NAT) {
		fresh->method = METHOD_FNAT;
		if (!claim_local_endpoint(fresh, CLAIM_KEEP | CLAIM_OF_CLIENT))
			return 0;
		count_drop(DROP_PORT_CHANGED);
		return 1;
	}
	if (error)
		count_drop(DROP_TABLE_FULL);
	return !error;
}

/* Adds the connection of the packet in hand; for NAT its reply key first, so that no reply can arrive unknown. -EEXIST when a
 * packet of the same flow was first, on another CPU. */
static __always_inline int insert(struct packet *p, int v6, const struct dest *d, struct connection *fresh, __u64 now)
{
	int error;

	if (has_reply(fresh) && !claim_reply(p, v6, d, fresh, now))
		return -1;
	error = add_connection(&p->flow, fresh, v6);
	if (error) {
		if (has_reply(fresh))
			delete_reply(&p->reply, v6);
		if (error != -EEXIST)
			count_drop(DROP_TABLE_FULL);
		return error;
	}
	add_population(v6 ? POPULATION_CONNECTIONS6 : POPULATION_CONNECTIONS, 1);
	count_load(fresh->dest_slot, fresh->state, 1);
	note_threshold(fresh->dest_slot, 1);
	return 0;
}

/* Chooses a server for a packet that opens a connection, and fills the connection in. False when there is none. */
static __always_inline int prepare_connection(struct packet *p, int v6, const struct service *service, struct connection *fresh,
					      const struct moment *at)
{
	struct persistent_client who = {
		.key = {
			.service_slot = service->slot,
			.client = masked(&p->flow.saddr, service->client_prefix, v6),
			.call = p->call,
		},
	};
	struct counters *n;
	struct dest *d;

	fresh->service_slot = service->slot;
	if (service->persistence_s)
		who.known = find_template(&who.key, at);
	fresh->dest_slot = who.known ? who.known->dest_slot : pick_for(service->slot, &p->flow, p->dry);
	p->rule = who.known ? RULE_TEMPLATE : RULE_SCHEDULER;
	p->dest_slot = fresh->dest_slot;
	d = dest_at(fresh->dest_slot);
	if (!d) {
		count_drop(DROP_NO_DESTINATION);
		return 0;
	}
	/* The director's own answers do not come by here, so there is no translating them. */
	fresh->method = d->hops[d->hop & 1].ifindex == HOP_LOCAL ? METHOD_DR : d->method;
	if (p->own_client && d->hops[d->hop & 1].ifindex != HOP_LOCAL)
		fresh->flags = CONN_OWN_CLIENT;
	else if (!has_reply(fresh))
		fresh->flags = CONN_NO_OUTPUT;
	fresh->back_ifindex = p->ifindex;
	fresh->timeout_s = service->timeout_s;
	if (p->ftp_data)
		fresh->flags |= CONN_KEEPS_PORT;
	fresh->state = next_state(p->flow.proto, p->event, has_reply(fresh) ? DIR_INPUT : DIR_INPUT_ONLY, ST_NONE);
	set_deadline(fresh, fresh->state, at);
	if (p->dry)
		return 1;
	n = service_counters_at(fresh->service_slot);
	if (n)
		n->connections++;
	n = dest_counters_at(fresh->dest_slot);
	if (n)
		n->connections++;
	if (service->persistence_s && !enter_template(&who, service, fresh, d->id, at->now)) {
		count_drop(DROP_TABLE_FULL);
		return 0;
	}
	return 1;
}

static __always_inline struct connection *open_connection(struct packet *p, int v6, const struct service *service,
							  const struct moment *at)
{
	struct connection fresh = {};
	int error = -1;
	__u32 slot;
	struct dest *d;

	if (!prepare_connection(p, v6, service, &fresh, at))
		return 0;
	slot = fresh.dest_slot;
	d = dest_at(slot);
	if (d)
		error = insert(p, v6, d, &fresh, at->now);
	if (error && fresh.flags & CONN_CONTROLLED)
		leave_template(&p->flow, &fresh, v6);
	return error && error != -EEXIST ? 0 : lookup_connection(&p->flow, v6);
}

/* One-packet scheduling: the packet gets a server of its own, and is forgotten once it is on its way. Its answer is not
 * translated. */
static __always_inline int forward_one_packet(struct __sk_buff *skb, struct packet *p, int v6, const struct service *service,
					      const struct moment *at)
{
	struct connection once = {};

	if (!prepare_connection(p, v6, service, &once, at))
		return error_port_unreachable(p, v6);
	if (once.method == METHOD_FNAT && !claim_local_endpoint(&once, 0))
		return DROP;
	if (once.flags & CONN_CONTROLLED)
		leave_template(&p->flow, &once, v6);
	return to_server(skb, p, v6, &once, at->now);
}

#endif
