/* SPDX-License-Identifier: GPL-2.0-only */
/* Persistence: a template remembers which server the clients of a network have. It counts the connections that came
 * through it, and is kept while there are any.
 *
 *   templates[service, client's network, Call-ID or 0] = server, deadline, how many connections it controls
 *                                                          ^
 *   connection: CONN_CONTROLLED, template_prefix, call ----+   found again by its client's address and these
 */
#ifndef TANIST_PERSISTENCE_H
#define TANIST_PERSISTENCE_H

#include "address.h"
#include "clock.h"
#include "counters.h"
#include "layout.h"
#include "maps.h"
#include "scratch.h"
#include "sip.h"

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

static __always_inline void leave_template(const struct flow *client, const struct connection *c, int v6)
{
	struct template *t = template_of(client, c, v6);

	/* It may be another one by now, made for the server that came after. */
	if (t && t->dest_slot == c->dest_slot && t->controlled)
		__sync_fetch_and_add(&t->controlled, -1);
}

/* `by` 1: made; -1: forgotten. The slot may have been given to another server since. */
static __always_inline void count_template(__u32 dest_slot, __u32 dest_id, int by)
{
	struct dest *d = dest_at(dest_slot);
	struct dest_load *load = bpf_map_lookup_elem(&loads, &dest_slot);

	add_population(POPULATION_TEMPLATES, by);
	if (d && load && d->id == dest_id)
		__sync_fetch_and_add(&load->persistent, by);
}

static __always_inline void delete_template(const struct template_key *key, __u32 dest_slot, __u32 dest_id)
{
	if (key->call)
		bpf_map_delete_elem(&call_ids, key);
	if (!bpf_map_delete_elem(&templates, key))
		count_template(dest_slot, dest_id, -1);
}

/* A template that is over: whether it is kept for the connections that it controls. */
static __always_inline int lingers(struct template *t, __u64 now)
{
	if (!t->controlled)
		return 0;
	t->timeout_s = TEMPLATE_LINGER_S;
	t->deadline_ns = now + TEMPLATE_LINGER_S * SECOND_NS;
	return 1;
}

/* A client of a persistent service, and its template, if there is one. */
struct persistent_client {
	struct template_key key;
	struct template *known;
};

/* The server that a client has by its template, whatever that server's weight is; a template whose server is gone, or lets
 * its clients go, is forgotten. */
static __always_inline struct template *find_template(const struct template_key *key, const struct moment *at)
{
	struct template *t = bpf_map_lookup_elem(&templates, key);
	struct dest *d;
	__u32 slot, dest_id;

	if (!t)
		return 0;
	slot = t->dest_slot;
	d = dest_at(slot);
	if (d && d->state == DEST_PRESENT && !d->releases_clients && d->id == t->dest_id &&
	    (d->weight || !(at->settings->flags & EXPIRE_QUIESCENT_TEMPLATE)) && (t->deadline_ns >= at->now || lingers(t, at->now)))
		return t;
	dest_id = t->dest_id;
	delete_template(key, slot, dest_id);
	return 0;
}

/* Keeps the text that `find_call` has left. */
static __always_inline void remember_call(const struct template_key *key)
{
	__u32 zero = 0;
	__u8 *text = bpf_map_lookup_elem(&scratch, &zero);

	if (text)
		bpf_map_update_elem(&call_ids, key, text + SCRATCH_MESSAGE, BPF_ANY);
}

/* Ties a fresh connection to the template of its client: an old one, whose time begins anew, or one of its own. False
 * when there is no room for one. */
static __always_inline int enter_template(const struct persistent_client *who, const struct service *service,
					  struct connection *fresh, __u32 dest_id, __u64 now)
{
	const struct template_key *key = &who->key;
	struct template *known = who->known;
	struct template made = {
		.deadline_ns = now + service->persistence_s * SECOND_NS,
		.dest_slot = fresh->dest_slot, .dest_id = dest_id, .controlled = 1,
		.timeout_s = service->persistence_s,
	};

	if (known) {
		__sync_fetch_and_add(&known->controlled, 1);
		known->deadline_ns = now + known->timeout_s * SECOND_NS;
	} else {
		if (bpf_map_update_elem(&templates, key, &made, BPF_NOEXIST))
			return 0;
		if (key->call)
			remember_call(key);
		count_template(made.dest_slot, dest_id, 1);
		note_threshold(made.dest_slot, 1);
	}
	fresh->flags |= CONN_CONTROLLED;
	if (key->call) {
		fresh->flags |= CONN_CALL;
		fresh->call = key->call;
	}
	fresh->template_prefix = service->client_prefix;
	return 1;
}

#endif
