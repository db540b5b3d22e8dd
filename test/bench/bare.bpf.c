/* SPDX-License-Identifier: GPL-2.0-only */
/* The least that NAT on tc can be: one address for another, fixed MACs, a fixed link. No table, no state, no counts. What it
 * does not win over plain routing, none that sends by the director's links can. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

/* One way: what is replaced by what, and the frame's new addresses. VIP, SERVER, …_LINK and …_MACS come with the compiler's
 * command line. */
struct way {
	__u32 from, to, link;
	__u8 macs[2 * ETH_ALEN];
};

static __always_inline int go(struct __sk_buff *skb, const struct way *way, __u32 address_offset)
{
	const __u32 check = ETH_HLEN + sizeof(struct iphdr) + __builtin_offsetof(struct tcphdr, check);

	if (bpf_l4_csum_replace(skb, check, way->from, way->to, BPF_F_PSEUDO_HDR | sizeof(way->to)) ||
	    bpf_l3_csum_replace(skb, ETH_HLEN + __builtin_offsetof(struct iphdr, check), way->from, way->to, sizeof(way->to)) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN + address_offset, &way->to, sizeof(way->to), 0) ||
	    bpf_skb_store_bytes(skb, 0, way->macs, sizeof(way->macs), 0))
		return 2; /* TC_ACT_SHOT */
	return bpf_redirect(way->link, 0);
}

SEC("tc")
int bare(struct __sk_buff *skb)
{
	const struct way there = { bpf_htonl(VIP), bpf_htonl(SERVER), SERVER_LINK, { SERVER_MACS } };
	const struct way back = { bpf_htonl(SERVER), bpf_htonl(VIP), CLIENT_LINK, { CLIENT_MACS } };
	struct iphdr *ip = (void *)(long)skb->data + ETH_HLEN;

	if ((void *)(ip + 1) > (void *)(long)skb->data_end || skb->protocol != bpf_htons(ETH_P_IP) || ip->protocol != IPPROTO_TCP)
		return 0; /* TC_ACT_OK */
	if (ip->daddr == there.from)
		return go(skb, &there, __builtin_offsetof(struct iphdr, daddr));
	if (ip->saddr == back.from)
		return go(skb, &back, __builtin_offsetof(struct iphdr, saddr));
	return 0;
}
