/* SPDX-License-Identifier: GPL-2.0-only */
/* Frees what has expired: a time-out that nobody touched must leave the counts as well. */
#ifndef TANIST_SWEEP_H
#define TANIST_SWEEP_H

#include "clock.h"
#include "connection.h"
#include "counters.h"
#include "keys.h"
#include "layout.h"
#include "maps.h"
#include "persistence.h"
#include "states.h"

/* Frees what has expired: a time-out that nobody touched must leave the counts as well. A table that is nearly full is also
 * relieved of some half-open connections, which a flood of SYNs leaves behind: one of 32 at random, as IPVS's drop_entry
 * has it. Established ones are never touched. */
#define DROP_ENTRY_ODDS 32

struct sweep {
	const struct settings *settings;
	__u64 now;
	struct sweep_result result;
	__u32 drop_half_open;
};

static __always_inline int is_over(const struct connection *c, struct sweep *sweep)
{
	sweep->result.visited++;
	if (c->deadline_ns < sweep->now || is_orphan(sweep->settings, c)) {
		sweep->result.expired++;
		return 1;
	}
	if (!sweep->drop_half_open || (c->state != ST_SYN_RECV && c->state != ST_SYNACK && c->state != ST_SCTP + SCTP_INIT1 &&
				c->state != ST_SCTP + SCTP_INIT) ||
	    bpf_get_prandom_u32() % DROP_ENTRY_ODDS)
		return 0;
	count_drop(DROP_HALF_OPEN);
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

static long sweep_template(void *map, const struct template_key *key, struct template *t, __u64 *now)
{
	struct template_key gone = *key;
	__u32 dest_slot = t->dest_slot, dest_id = t->dest_id;

	if (t->deadline_ns < *now && !lingers(t, *now))
		delete_template(&gone, dest_slot, dest_id);
	return 0;
}

struct forget_localities {
	__u64 now;
	__u64 expiry_ns;
};

static long sweep_locality(void *map, const struct locality_key *key, struct locality *l, struct forget_localities *f)
{
	struct locality_key gone = *key;

	if (l->used_at_ns + f->expiry_ns < f->now && !bpf_map_delete_elem(map, &gone))
		add_population(POPULATION_LOCALITIES, -1);
	return 0;
}

/* Of all tables that have entries. */
static __always_inline void sweep_tables(struct sweep_result *result)
{
	__u64 connections_left = entries_of(POPULATION_CONNECTIONS), connections6_left = entries_of(POPULATION_CONNECTIONS6);
	struct settings *s = get_settings();
	struct sweep sweep = {};

	if (!s)
		return;
	sweep.now = bpf_ktime_get_ns() + s->clock_offset_ns; /* the coarse clock is not for syscall programs */
	sweep.settings = s;
	sweep.drop_half_open = connections_left >= s->defend_from;
	if (connections_left)
		bpf_for_each_map_elem(&connections, sweep_one, &sweep, 0);
	sweep.drop_half_open = connections6_left >= s->defend_from;
	if (connections6_left)
		bpf_for_each_map_elem(&connections6, sweep_one6, &sweep, 0);
	if (entries_of(POPULATION_TEMPLATES))
		bpf_for_each_map_elem(&templates, sweep_template, &sweep.now, 0);
	if (entries_of(POPULATION_LOCALITIES)) {
		struct forget_localities f = { .now = sweep.now };

		f.expiry_ns = (entries_of(POPULATION_LOCALITIES) > MAX_LOCALITIES / 4 * 3 ? LOCALITY_EXPIRY_WHEN_FULL_S :
											   LOCALITY_EXPIRY_S) * SECOND_NS;
		bpf_for_each_map_elem(&localities, sweep_locality, &f, 0);
	}
	*result = sweep.result;
}

#endif
