/* SPDX-License-Identifier: GPL-2.0-only */
/* The maps that live on without the daemon: src/forward/ebpf/pins.ts lists them. Those that only the program needs stand where they
 * are used. */
#ifndef TANIST_MAPS_H
#define TANIST_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "layout.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_SERVICES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct service_key);
	__type(value, struct service);
} services SEC(".maps");

/* Element 0 of an inner table is its head (see layout.h) with its length n; elements 1..n are slots in `dests`. A table is never
 * changed once it is reachable: a new one takes its place in one write of the outer map. */
struct table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MAX_SERVICES);
	__type(key, __u32);
	__array(values, struct table);
} tables SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_SERVICES);
	__type(key, __u32);
	__type(value, __u64);
} cursors SEC(".maps");

/* In chunks: `slot` / CHUNK names one, and the rest the place in it. The first one is always there. User space makes another before
 * it gives a slot of it to anybody, and none ever goes away. */
#define IN_CHUNKS(name, kind, entries, each)				\
	struct first_##name {						\
		__uint(type, kind);					\
		__uint(max_entries, CHUNK);				\
		__type(key, __u32);					\
		__type(value, each);					\
	} first_##name SEC(".maps");					\
									\
	struct {							\
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);		\
		__uint(max_entries, (entries) / CHUNK);			\
		__type(key, __u32);					\
		__array(values, struct first_##name);			\
	} name SEC(".maps") = { .values = { [0] = &first_##name } };

IN_CHUNKS(dests, BPF_MAP_TYPE_ARRAY, MAX_DESTS, struct dest)
IN_CHUNKS(ways, BPF_MAP_TYPE_ARRAY, MAX_DESTS, struct way)
IN_CHUNKS(dest_counters, BPF_MAP_TYPE_PERCPU_ARRAY, MAX_DESTS, struct counters)
IN_CHUNKS(service_counters, BPF_MAP_TYPE_PERCPU_ARRAY, MAX_SERVICES, struct counters)

static __always_inline void *in_chunks(void *outer, __u32 slot)
{
	__u32 key = slot / CHUNK;
	void *inner = bpf_map_lookup_elem(outer, &key);

	key = slot % CHUNK;
	return inner ? bpf_map_lookup_elem(inner, &key) : 0;
}

static __always_inline struct dest *dest_at(__u32 slot)
{
	return in_chunks(&dests, slot);
}

static __always_inline struct way *way_at(__u32 slot)
{
	return in_chunks(&ways, slot);
}

static __always_inline struct counters *dest_counters_at(__u32 slot)
{
	return in_chunks(&dest_counters, slot);
}

static __always_inline struct counters *service_counters_at(__u32 slot)
{
	return in_chunks(&service_counters, slot);
}

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_DESTS);
	__type(key, __u32);
	__type(value, struct dest_load);
} loads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_LINKS);
	__type(key, __u32);
	__type(value, struct link);
} interfaces SEC(".maps");

/* The same interfaces, as those that XDP sends by; the kernel finds them here sooner than by their index. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, MAX_LINKS);
	__type(key, __u32);
	__type(value, __u32);
} transmit_ports SEC(".maps");

/* Whether a server has reached its upper threshold and not yet fallen below the lower one. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_DESTS);
	__type(key, __u32);
	__type(value, __u32);
} overloads SEC(".maps");

/* By service slot. A hash, in which an entry is replaced as a whole. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_SERVICES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct local_pool);
} local_pools SEC(".maps");

/* By service slot, as `tables`: a list is never changed once it is reachable. */
struct access_list {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	/* Sizes, since clang tells nothing of the structs that only an inner map names. */
	__uint(key_size, sizeof(struct access_key));
	__uint(value_size, sizeof(struct access));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MAX_SERVICES);
	__type(key, __u32);
	__array(values, struct access_list);
} access_lists SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_OWN_ADDRESSES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct own_address);
	__type(value, __u8);
} own_addresses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_CLOSED_ADDRESSES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct own_address);
	__type(value, __u8);
} closed_addresses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_OTHER_DIRECTORS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct other_director);
	__type(value, __u8);
} other_directors SEC(".maps");

/* How many packets each entry has decided about. Beside the lists, so that one that takes another's place goes on counting. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_ACCESS_HITS);
	__type(key, __u32);
	__type(value, __u64);
} access_hits SEC(".maps");

/* Preallocated HASH: an LRU would evict silently and the counts would drift. Full: the new connection is refused. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_CONNECTIONS);
	__type(key, struct flow4);
	__type(value, struct connection);
} connections SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_CONNECTIONS);
	__type(key, struct flow);
	__type(value, struct connection);
} connections6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_TEMPLATES);
	__type(key, struct template_key);
	__type(value, struct template);
} templates SEC(".maps");

/* For the list only. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_TEMPLATES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct template_key);
	__type(value, struct call_id);
} call_ids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_LOCALITIES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct locality_key);
	__type(value, struct locality);
} localities SEC(".maps");

/* Server side of a NAT connection (real server -> client) to its key in `connections`. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_CONNECTIONS);
	__type(key, struct flow4);
	__type(value, struct flow4);
} replies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_CONNECTIONS);
	__type(key, struct flow);
	__type(value, struct flow);
} replies6 SEC(".maps");

/* The slot of one of those servers. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_DESTS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct nat_server);
	__type(value, __u32);
} nat_servers SEC(".maps");

/* By the server's packets, as `replies`. The one that was asked for longest ago makes room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_ENDED);
	__type(key, struct flow);
	__type(value, struct ended);
} ended SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct settings);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DROPS);
	__type(key, __u32);
	__type(value, __u64);
} drops SEC(".maps");

/* Entries in the tables; lets an idle sweep return at once. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, POPULATIONS);
	__type(key, __u32);
	__type(value, __u64);
} population SEC(".maps");

#endif
