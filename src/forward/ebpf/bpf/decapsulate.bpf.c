/* SPDX-License-Identifier: GPL-2.0-only */
/* For a real server of TUN whose kernel has no tunnel device: takes the outer header of IP in IP, GRE or GUE off, on tc
 * ingress. GUE is expected at its usual port. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "packet.h"
#include "tunnel.h"
#include "verdict.h"

char LICENSE[] SEC("license") = "GPL";

#define GUE_PORT 6080
/* Kernel 6.3; needed only where the families within and without differ. */
#define DECAP_L3_IPV4 (1ull << 7)
#define DECAP_L3_IPV6 (1ull << 8)

/* What is within a tunnel's own header, and how long that header is; 0 when it is none of ours. */
static __always_inline __u8 look_within(struct __sk_buff *skb, __u8 proto, __u32 offset, __u32 *length)
{
	struct gre gre;
	struct gue gue;

	*length = 0;
	if (proto == IPPROTO_IPIP || proto == IPPROTO_IPV6)
		return proto;
	if (proto == IPPROTO_GRE) {
		if (bpf_skb_load_bytes(skb, offset, &gre, sizeof(gre)) || gre.flags & ~bpf_htons(GRE_CHECKSUM))
			return 0;
		*length = gre.flags ? sizeof(struct gre_checked) : sizeof(gre);
		return gre.proto == bpf_htons(ETH_P_IP) ? IPPROTO_IPIP : gre.proto == bpf_htons(ETH_P_IPV6) ? IPPROTO_IPV6 : 0;
	}
	if (proto != IPPROTO_UDP || bpf_skb_load_bytes(skb, offset, &gue, sizeof(gue)) ||
	    gue.udp.dest != bpf_htons(GUE_PORT) || gue.version_and_length || gue.flags)
		return 0;
	*length = sizeof(gue);
	return gue.proto == IPPROTO_IPIP || gue.proto == IPPROTO_IPV6 ? gue.proto : 0;
}

SEC("tc")
int tanist_decapsulate(struct __sk_buff *skb)
{
	struct ipv6hdr *ip6;
	struct iphdr *ip;
	__u32 outer, length;
	__u64 flags = 0;
	__u8 proto;
	int v6 = skb->protocol == bpf_htons(ETH_P_IPV6);

	if (v6) {
		if (pull(skb, ETH_HLEN + sizeof(*ip6)))
			return PASS;
		ip6 = ip6_header(skb);
		if (!ip6)
			return PASS;
		outer = sizeof(*ip6);
		proto = ip6->nexthdr;
	} else {
		if (skb->protocol != bpf_htons(ETH_P_IP) || pull(skb, ETH_HLEN + sizeof(*ip)))
			return PASS;
		ip = ip_header(skb);
		if (!ip || ip->ihl != 5)
			return PASS;
		outer = sizeof(*ip);
		proto = ip->protocol;
	}
	proto = look_within(skb, proto, ETH_HLEN + outer, &length);
	if (!proto)
		return PASS;
	if (v6 && proto == IPPROTO_IPIP)
		flags = DECAP_L3_IPV4;
	if (!v6 && proto == IPPROTO_IPV6)
		flags = DECAP_L3_IPV6;
	if (bpf_skb_adjust_room(skb, -(int)(outer + length), BPF_ADJ_ROOM_MAC, flags))
		return DROP;
	return PASS;
}
