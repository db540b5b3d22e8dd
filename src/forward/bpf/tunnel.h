/* SPDX-License-Identifier: GPL-2.0-only */
/* TUN: the packet goes as it is within another one (IP in IP, RFC 2003), which the real server takes off. */
#ifndef TANIST_TUNNEL_H
#define TANIST_TUNNEL_H

#include "packet.h"

#define TUNNEL_HEADER ((__u32)sizeof(struct iphdr))

/* Puts the outer header on. TTL, type of service and don't-fragment are those of the inner one, as IPVS has them. */
static __always_inline int wrap(struct __sk_buff *skb, const struct dest *d)
{
	struct iphdr *inner = ip_header(skb), outer = {};
	__u32 sum = 0, i;
	__u16 *words = (__u16 *)&outer;

	if (!inner || !d->local)
		return -1;
	outer.version = 4;
	outer.ihl = 5;
	outer.tos = inner->tos;
	outer.tot_len = bpf_htons(bpf_ntohs(inner->tot_len) + TUNNEL_HEADER);
	outer.frag_off = inner->frag_off & bpf_htons(0x4000);
	if (!outer.frag_off)
		outer.id = bpf_get_prandom_u32();
	outer.ttl = inner->ttl;
	outer.protocol = IPPROTO_IPIP;
	outer.saddr = d->local;
	outer.daddr = d->addr;
	for (i = 0; i < sizeof(outer) / 2; i++)
		sum += words[i];
	outer.check = ~fold(sum);
	/* The flag lets segmentation know of the inner header; without it bulk TCP stands still. */
	if (bpf_skb_adjust_room(skb, TUNNEL_HEADER, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L3_IPV4))
		return -1;
	return bpf_skb_store_bytes(skb, ETH_HLEN, &outer, sizeof(outer), 0);
}

#endif
