/* SPDX-License-Identifier: GPL-2.0-only */
/* For what the stack, 512 bytes in all, has no room for: one of each for a CPU, since the program is not interrupted by itself. */
#ifndef TANIST_SCRATCH_H
#define TANIST_SCRATCH_H

#include "layout.h"
#include "packet.h"

/* For what the stack has no room for. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8[2048 + sizeof(struct call_id)]);
} scratch SEC(".maps");

/* The packet in hand, as it was read: the stack has no room for it. The program is not interrupted by itself on a CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet);
} packets SEC(".maps");

static __always_inline struct packet *packet_in_hand(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&packets, &zero);
}

#endif
