/* SPDX-License-Identifier: GPL-2.0-only */
/* How many ICMP errors the core makes: as many as the kernel would, whose sysctls say it (icmp_ratelimit, icmp_ratemask,
 * icmp_msgs_per_sec, icmp_msgs_burst; IPv6: icmp/ratelimit, icmp/ratemask). Each destination has a bucket of tokens, and all of them
 * have one together. A bucket is one number, the time at which it is full again:
 *
 *   now                 full_at                                      now + burst * each_ns
 *    |<- tokens taken ->|<- tokens left, one for each each_ns ------>|
 */
#ifndef TANIST_ERROR_RATE_H
#define TANIST_ERROR_RATE_H

#include "clock.h"
#include "counters.h"
#include "layout.h"
#include "packet.h"

/* Destinations whose buckets are remembered; the one that got an error longest ago makes room, and has a full bucket when it comes
 * again. What goes out in all is still bounded by the common bucket. */
#define MAX_ERROR_BUCKETS 16384
/* Errors that a destination may get at once, as the kernel has it. */
#define ERROR_BURST 6

/* src/forward/ebpf/layout/error-rate-layout.ts has the same. */
struct error_rate {
	__u64 each_ns;	 /* between two errors to one IPv4 destination; 0: no limit */
	__u64 each6_ns;	 /* the same for IPv6 */
	__u64 common_ns; /* between two errors to anybody */
	__u32 burst;	 /* errors to anybody at once */
	__u32 types;	 /* of ICMP, as bits, that are limited */
	__u32 types6;	 /* of ICMPv6 */
	__u32 pad;
};

struct error_bucket_key {
	struct address to;
	__u32 family;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct error_rate);
} error_rates SEC(".maps");

/* A bucket is the time at which it will be full again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_ERROR_BUCKETS);
	__type(key, struct error_bucket_key);
	__type(value, __u64);
} error_buckets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} common_bucket SEC(".maps");

/* Takes a token out of a bucket of `room`, of which there is a new one each `each_ns`. When two CPUs reach for one,
 * only the first gets it. */
static __always_inline int take_token(__u64 *full_at, __u64 now, __u64 each_ns, __u32 room)
{
	__u64 old = *full_at, next = (old > now ? old : now) + each_ns;

	return next <= now + each_ns * room && __sync_val_compare_and_swap(full_at, old, next) == old;
}

/* Without what is too long, which is never limited, nor does the kernel: path MTU discovery would break. */
static __always_inline int is_limited(const struct packet *p, const struct error_rate *rate, int v6)
{
	return !p->error_mtu && (v6 ? rate->types6 : rate->types) >> (p->error_type & 31) & 1;
}

/* Whether the sender of the packet in hand may get an error about it now. */
static __always_inline int may_send_error(const struct packet *p, int v6)
{
	struct error_bucket_key key = { .to = p->flow.saddr, .family = p->flow.family };
	__u32 zero = 0;
	const struct error_rate *rate = bpf_map_lookup_elem(&error_rates, &zero);
	__u64 *common = bpf_map_lookup_elem(&common_bucket, &zero), *bucket, each, now, empty = 0;
	const struct settings *s = get_settings();

	if (!rate || !common || !s)
		return 0;
	if (p->dry || !is_limited(p, rate, v6))
		return 1;
	now = now_ns(s);
	each = v6 ? rate->each6_ns : rate->each_ns;
	if (each) {
		bucket = bpf_map_lookup_elem(&error_buckets, &key);
		if (!bucket) {
			bpf_map_update_elem(&error_buckets, &key, &empty, BPF_NOEXIST);
			bucket = bpf_map_lookup_elem(&error_buckets, &key);
		}
		if (!bucket || !take_token(bucket, now, each, ERROR_BURST))
			goto suppressed;
	}
	/* Last, so that one destination cannot use up what is left for the others. */
	if (take_token(common, now, rate->common_ns, rate->burst))
		return 1;
suppressed:
	count_drop(DROP_ERROR_RATE);
	return 0;
}

#endif
