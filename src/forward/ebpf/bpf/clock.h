/* SPDX-License-Identifier: GPL-2.0-only */
/* The time, and the settings that hold. */
#ifndef TANIST_CLOCK_H
#define TANIST_CLOCK_H

#include "layout.h"
#include "maps.h"

#define SECOND_NS 1000000000ull

/* What each CPU has last read off the clock, and in which of the kernel's ticks. */
struct reading {
	__u64 tick;
	__u64 ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct reading);
} clock SEC(".maps");

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

/* What a packet is handled by: both are read once for it. */
struct moment {
	const struct settings *settings;
	__u64 now; /* in nanoseconds, see `now_ns` */
};

/* The daemon was stopped and nobody has taken the core over in time: what it knows may be wrong by now. */
static __always_inline int is_inert(const struct moment *at)
{
	return at->settings->inert_at_ns && at->now >= at->settings->inert_at_ns;
}

#endif
