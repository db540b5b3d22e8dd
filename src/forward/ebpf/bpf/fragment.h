/* SPDX-License-Identifier: GPL-2.0-only */
/* An IPv4 packet that is longer than the way to its server and may be fragmented is made two fragments, and both come in
 * again, each a packet of its own: so a tunnel's inner packet is fragmented, not the outer one, and the real server need not
 * put anything together before it takes the outer header off (RFC 4459 section 3.4).
 *
 *   the packet        | IP                   | data                            |
 *     |
 *     +- its clone    | IP, reserved bit     | data                            |   comes in first,
 *     |      then     | IP, MF               | data, as far as there is room |     and is shortened as it goes on
 *     |
 *     +- itself       | IP, offset + first/8                                  | rest |   comes in behind it
 *
 * The first fragment begins as a whole copy, marked by the header's reserved bit, since a clone cannot be changed after it was handed
 * over. What is still too long is fragmented again. */
#ifndef TANIST_FRAGMENT_H
#define TANIST_FRAGMENT_H

#include "checksum.h"
#include "ip-options.h"
#include "packet.h"
#include "scratch.h"
#include "verdict.h"
#include "verifier.h"

/* Bytes of the packet's data that go into the first fragment. 0: there is no room for any. */
static __always_inline __u32 first_fragment_length(__u32 room, __u32 header)
{
	return room > header ? (room - header) & ~7u : 0;
}

static __always_inline int store_length_and_offset(struct __sk_buff *skb, struct iphdr *ip, __u32 length, __u16 frag_off)
{
	ip->check = changed(ip->check, word_change(ip->tot_len, bpf_htons(length)));
	ip->tot_len = bpf_htons(length);
	ip->check = changed(ip->check, word_change(ip->frag_off, bpf_htons(frag_off)));
	ip->frag_off = bpf_htons(frag_off);
	return bpf_skb_store_bytes(skb, ETH_HLEN, ip, sizeof(*ip), 0);
}

/* Turns the packet, with all of its headers, into the second fragment. A global function, for the stack's sake. */
__noinline int make_second_fragment(struct __sk_buff *skb, __u32 first)
{
	const struct packet *p = packet_in_hand();
	__u32 zero = 0, header, length, frag_off;
	__u8 *options = bpf_map_lookup_elem(&scratch, &zero);
	struct iphdr ip;
	__s64 change = 0;

	if (!p || !options || bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return -1;
	header = p->l4_offset - ETH_HLEN;
	length = header - sizeof(ip);
	if (length > MAX_IP_OPTIONS)
		return -1;
	frag_off = (bpf_ntohs(ip.frag_off) & ~IP_FRAGMENTING) + first / 8;
	/* What is taken out lies behind the fixed header; options are then put over data of the first one. */
	if (!length)
		return bpf_skb_adjust_room(skb, -(__s32)first, BPF_ADJ_ROOM_NET, 0) ||
		       store_length_and_offset(skb, &ip, p->ip_length - first, frag_off);
	length = bounded(length, 64);
	if (bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(ip), options, length))
		return -1;
	change = bpf_csum_diff((__be32 *)options, length, 0, 0, 0);
	drop_uncopied(length);
	change = bpf_csum_diff(0, 0, (__be32 *)options, length, change);
	ip.check = changed(ip.check, change);
	return bpf_skb_adjust_room(skb, -(__s32)first, BPF_ADJ_ROOM_NET, 0) ||
	       bpf_skb_store_bytes(skb, ETH_HLEN + sizeof(ip), options, length, 0) ||
	       store_length_and_offset(skb, &ip, p->ip_length - first, frag_off);
}

static __always_inline int is_fragmentable(struct __sk_buff *skb, const struct packet *p)
{
	return !p->dont_fragment && !skb->gso_size;
}

/* `room`: what the way takes, IP header and all. Returns what becomes of this packet: it is the second fragment, and comes in again
 * behind the first, where the packet in hand came in. */
static __always_inline int fragment_packet(struct __sk_buff *skb, const struct packet *p, __u32 room)
{
	__u32 first = first_fragment_length(room, p->l4_offset - ETH_HLEN), ifindex = p->ifindex;
	struct iphdr ip;

	if (!first || bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) ||
	    store_length_and_offset(skb, &ip, p->ip_length, bpf_ntohs(ip.frag_off) | IP_FRAGMENTING) ||
	    bpf_clone_redirect(skb, ifindex, BPF_F_INGRESS) || make_second_fragment(skb, first))
		return DROP;
	return bpf_redirect(ifindex, BPF_F_INGRESS);
}

/* Makes the marked copy the first fragment. */
static __always_inline int make_first_fragment(struct __sk_buff *skb, struct packet *p, __u32 room)
{
	__u32 header = p->l4_offset - ETH_HLEN, first = first_fragment_length(room, header);
	struct iphdr ip;

	if (!first || bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) ||
	    bpf_skb_change_tail(skb, ETH_HLEN + header + first, 0))
		return -1;
	p->ip_length = header + first;
	return store_length_and_offset(skb, &ip, p->ip_length, (bpf_ntohs(ip.frag_off) & ~IP_FRAGMENTING) | IP_MF);
}

#endif
