/* SPDX-License-Identifier: GPL-2.0-only */
/* Out by a link, to a neighbour. */
#ifndef TANIST_ROUTE_H
#define TANIST_ROUTE_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "address.h"
#include "layout.h"

static __always_inline int send_to(__u32 ifindex, const struct address *addr, int v6)
{
	struct bpf_redir_neigh hop = { .nh_family = v6 ? AF_INET6 : AF_INET };

	if (v6)
		__builtin_memcpy(hop.ipv6_nh, addr, sizeof(*addr));
	else
		hop.ipv4_nh = addr->words[0];
	return bpf_redirect_neigh(ifindex, &hop, sizeof(hop), 0);
}

/* Where the kernel would send a packet. */
struct next_hop {
	struct address address;
	__u64 mac; /* 0: the neighbour is not resolved */
	__u32 ifindex;
	__u32 mtu;
};

/* A MAC as a number. It stands at an even address, so it is read and written in halves of words; bytes take three times as
 * long. */
static __always_inline __u64 mac_number(const void *mac)
{
	const __u16 *part = mac;

	return part[0] | (__u64)part[1] << 16 | (__u64)part[2] << 32;
}

static __always_inline void write_mac(void *mac, __u64 number)
{
	__u16 *part = mac;

	part[0] = number;
	part[1] = number >> 16;
	part[2] = number >> 32;
}

/* Longer than any link's MTU but the loopback interface's. */
#define LONGEST_PACKET 65535

/* The kernel's own route, for what user space has not resolved; 0, or why there is none (BPF_FIB_LKUP_RET_…, or less than 0).
 * Needs forwarding on the device. It is asked for a packet of one byte: for one without a length the kernel compares the packet
 * in hand with the link and forgets the route's own MTU. (The kernel tells that only where it is locked, or where
 * net.ipv4.ip_forward_use_pmtu is 1.) */
static __always_inline int find_route(struct __sk_buff *skb, int v6, const struct address *saddr,
				      const struct address *daddr, struct next_hop *next)
{
	struct bpf_fib_lookup route = { .family = v6 ? AF_INET6 : AF_INET, .ifindex = skb->ifindex, .tot_len = 1 };
	int result;

	if (v6) {
		__builtin_memcpy(route.ipv6_src, saddr, sizeof(*saddr));
		__builtin_memcpy(route.ipv6_dst, daddr, sizeof(*daddr));
	} else {
		route.ipv4_src = saddr->words[0];
		route.ipv4_dst = daddr->words[0];
	}
	result = bpf_fib_lookup(skb, &route, sizeof(route), 0);
	if (result != BPF_FIB_LKUP_RET_SUCCESS && result != BPF_FIB_LKUP_RET_NO_NEIGH)
		return result;
	next->ifindex = route.ifindex;
	next->mtu = route.mtu_result;
	next->mac = result == BPF_FIB_LKUP_RET_SUCCESS ? mac_number(route.dmac) : 0;
	if (v6)
		__builtin_memcpy(&next->address, route.ipv6_dst, sizeof(next->address));
	else
		next->address = (struct address){ .words[0] = route.ipv4_dst };
	if (next->mac)
		return 0;
	/* Without a neighbour it has not told the MTU; it does, before it looks for one, of what is too long. */
	route.ifindex = skb->ifindex;
	route.tos = 0;
	route.tot_len = LONGEST_PACKET;
	if (v6)
		__builtin_memcpy(route.ipv6_dst, daddr, sizeof(*daddr));
	else
		route.ipv4_dst = daddr->words[0];
	next->mtu = bpf_fib_lookup(skb, &route, sizeof(route), 0) == BPF_FIB_LKUP_RET_FRAG_NEEDED ? route.mtu_result : 0;
	return 0;
}

#endif
