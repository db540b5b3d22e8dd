/* SPDX-License-Identifier: GPL-2.0-only */
/* An IPv4 packet that is longer than the way to its server and may be fragmented is cut in two, and both parts come in
 * again, each a packet of its own: so a tunnel's inner packet is fragmented, not the outer one, and the real server need not
 * put anything together before it takes the outer header off (RFC 4459 section 3.4). The first part begins as a whole copy,
 * marked by the header's unused bit, since a copy cannot be changed after it was handed over. */
#ifndef TANIST_CUT_H
#define TANIST_CUT_H

#include "packet.h"

/* Bytes of the packet's data that go into the first part. */
static __always_inline __u32 first_part(__u32 room)
{
	return (room - sizeof(struct iphdr)) & ~7u;
}

static __always_inline int store_lengths(struct __sk_buff *skb, struct iphdr *ip, __u32 length, __u16 place)
{
	ip->check = changed(ip->check, word_change(ip->tot_len, bpf_htons(length)));
	ip->tot_len = bpf_htons(length);
	ip->check = changed(ip->check, word_change(ip->frag_off, bpf_htons(place)));
	ip->frag_off = bpf_htons(place);
	return bpf_skb_store_bytes(skb, ETH_HLEN, ip, sizeof(*ip), 0);
}

/* The packet has no IP options: the caller has checked. `ifindex` is where it came in. Returns what becomes of this packet: it is the second part, and
 * comes in again behind the first. */
static __always_inline int cut(struct __sk_buff *skb, __u32 ifindex, __u32 room)
{
	struct iphdr ip;
	__u32 first = first_part(room), length;
	__u16 place;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return DROP;
	place = bpf_ntohs(ip.frag_off);
	length = bpf_ntohs(ip.tot_len);
	if (store_lengths(skb, &ip, length, place | FRAGMENT_CUT) ||
	    bpf_clone_redirect(skb, ifindex, BPF_F_INGRESS))
		return DROP;
	if (bpf_skb_adjust_room(skb, -(__s32)first, BPF_ADJ_ROOM_NET, 0) ||
	    store_lengths(skb, &ip, length - first, place + first / 8))
		return DROP;
	return bpf_redirect(ifindex, BPF_F_INGRESS);
}

/* Makes the marked copy the first part. */
static __always_inline int keep_first_part(struct __sk_buff *skb, struct packet *p, __u32 room)
{
	struct iphdr ip;
	__u32 first = first_part(room);

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) ||
	    bpf_skb_change_tail(skb, ETH_HLEN + sizeof(ip) + first, 0))
		return -1;
	p->ip_length = sizeof(ip) + first;
	return store_lengths(skb, &ip, p->ip_length, (bpf_ntohs(ip.frag_off) & ~FRAGMENT_CUT) | 0x2000);
}

#endif
