/* SPDX-License-Identifier: GPL-2.0-only */
/* For a real server of TUN whose kernel has no ipip device: takes the outer header of IP in IP off, on tc ingress. */
#include "packet.h"

char LICENSE[] SEC("license") = "GPL";

SEC("tc")
int tanist_decapsulate(struct __sk_buff *skb)
{
	struct iphdr *ip;

	if (skb->protocol != bpf_htons(ETH_P_IP) || need(skb, ETH_HLEN + 2 * sizeof(*ip)))
		return PASS;
	ip = ip_header(skb);
	if (!ip || ip->ihl != 5 || ip->protocol != IPPROTO_IPIP)
		return PASS;
	if (bpf_skb_adjust_room(skb, -(int)sizeof(*ip), BPF_ADJ_ROOM_MAC, 0))
		return DROP;
	return PASS;
}
