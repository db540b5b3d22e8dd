/* SPDX-License-Identifier: GPL-2.0-only */
/* Full NAT: a TCP option (TOA, kind 254) tells the server whose connection it is. */
#ifndef TANIST_TOA_H
#define TANIST_TOA_H

#include "checksum.h"
#include "icmp.h"
#include "layout.h"
#include "loop.h"
#include "packet.h"
#include "scratch.h"
#include "states.h"
#include "verifier.h"

/* TOA, behind the fixed TCP header:
 *
 *       0       1       2               4                               8 or 20
 *       | 254   | length| client's port | client's address              |
 */
struct toa {
	__u8 kind;
	__u8 length;
	__u16 port;
	struct address addr;
};

#define TOA_KIND 254
#define MAX_TCP_HEADER 60
/* Bytes behind the fixed TCP header that can be moved to make room. */
#define MAX_MOVED 2048

static __always_inline __u32 toa_size(int v6)
{
	return v6 ? 20 : 8;
}

static __always_inline int store_length(struct __sk_buff *skb, int v6, __u32 length)
{
	struct iphdr *ip = ip_header(skb);
	struct ipv6hdr *ip6 = ip6_header(skb);

	if (v6) {
		if (!ip6)
			return -1;
		ip6->payload_len = bpf_htons(length - sizeof(*ip6));
		return 0;
	}
	if (!ip)
		return -1;
	ip->check = changed(ip->check, word_change(ip->tot_len, bpf_htons(length)));
	ip->tot_len = bpf_htons(length);
	return 0;
}

/* Puts the option behind the fixed TCP header, where there is room for it in the header and on the link, and not into
 * a packet that is yet to be cut into segments. What follows is moved towards the end, so that a checksum which is left
 * to the device is still begun at the right place. */
static __always_inline int add_toa(struct __sk_buff *skb, struct packet *p, int v6, __u32 mtu)
{
	struct toa option = { .kind = TOA_KIND, .length = toa_size(v6), .port = p->flow.sport, .addr = p->flow.saddr };
	__u32 zero = 0, size = toa_size(v6), at = p->l4_offset + sizeof(struct tcphdr), rest, check, segment;
	__u8 *moved = bpf_map_lookup_elem(&scratch, &zero);
	struct tcphdr tcp;
	__u16 words[2];
	__s64 sum;

	if (!moved || bpf_skb_load_bytes(skb, p->l4_offset, &tcp, sizeof(tcp)))
		return -1;
	rest = ETH_HLEN + p->ip_length - at;
	if (skb->gso_size || tcp.doff * 4 + size > MAX_TCP_HEADER || (mtu && p->ip_length + size > mtu) || rest >= MAX_MOVED)
		return 0;
	if (rest && bpf_skb_load_bytes(skb, at, moved, bounded(rest, MAX_MOVED)))
		return -1;
	if (bpf_skb_change_tail(skb, at + rest + size, 0))
		return -1;
	if (rest && bpf_skb_store_bytes(skb, at + size, moved, bounded(rest, MAX_MOVED), 0))
		return -1;
	sum = bpf_csum_diff(0, 0, (__be32 *)&option, size, 0);
	check = p->l4_offset + __builtin_offsetof(struct tcphdr, check);
	segment = p->ip_length - (p->l4_offset - ETH_HLEN);
	words[0] = ((__u16 *)&tcp)[6]; /* header length and flags */
	tcp.doff += size / 4;
	words[1] = ((__u16 *)&tcp)[6];
	if (sum < 0 || bpf_skb_store_bytes(skb, at, &option, size, 0) ||
	    bpf_skb_store_bytes(skb, p->l4_offset + 12, &words[1], sizeof(words[1]), 0) ||
	    bpf_l4_csum_replace(skb, check, bpf_htons(segment), bpf_htons(segment + size), BPF_F_PSEUDO_HDR | 2) ||
	    bpf_l4_csum_replace(skb, check, words[0], words[1], 2) || bpf_l4_csum_replace(skb, check, 0, sum, 0))
		return -1;
	p->ip_length += size;
	return pull(skb, at) || store_length(skb, v6, p->ip_length);
}

/* The client's packets until it has got data: these are what the server may learn the client's address from. */
static __always_inline int wants_toa(struct __sk_buff *skb, const struct packet *p)
{
	struct tcphdr tcp;

	return p->flow.proto == IPPROTO_TCP && p->fragment == WHOLE && p->event != EV_SYN && p->event != EV_RST &&
	       !bpf_skb_load_bytes(skb, p->l4_offset, &tcp, sizeof(tcp)) && tcp.ack &&
	       bpf_ntohl(tcp.ack_seq) == p->server_isn + 1;
}

#define TCP_OPTIONS 40
#define OPTION_END 0
#define OPTION_NOP 1
#define OPTION_MSS 2

/* A walk over the options of a TCP header, which are in `scratch`. */
struct mss_search {
	__u32 at;
	__u32 length;
	__u32 found;
};

static long search_option(void *map, __u32 *index, void *unused, struct mss_search *search)
{
	__u32 zero = 0, at = search->at & 63;
	const __u8 *options = bpf_map_lookup_elem(&scratch, &zero);

	if (!options || at + 4 > search->length || options[at] == OPTION_END)
		return 1;
	search->found = options[at] == OPTION_MSS;
	if (!search->found)
		search->at = at + (options[at] == OPTION_NOP || options[at + 1] < 2 ? 1 : options[at + 1]);
	return search->found;
}

/* Makes the server's maximum segment size smaller by what TOA needs, so that the client's segments leave room for it. */
static __always_inline int lower_mss(struct __sk_buff *skb, const struct packet *p, __u32 by)
{
	struct mss_search search = {
		.length = p->ip_length - (p->l4_offset - ETH_HLEN) - sizeof(struct tcphdr),
		.at = unknown(0),
		.found = unknown(0),
	};
	__u32 offset = p->l4_offset + sizeof(struct tcphdr), check = p->l4_offset + __builtin_offsetof(struct tcphdr, check);
	__u32 zero = 0, at;
	__u8 *options = bpf_map_lookup_elem(&scratch, &zero);
	__u16 old, new;

	if (!options || !search.length || search.length > TCP_OPTIONS ||
	    bpf_skb_load_bytes(skb, offset, options, bounded(search.length, 64)))
		return 0;
	repeat(search_option, &search);
	at = search.at & 63;
	if (!search.found)
		return 0;
	old = options[at + 2] << 8 | options[at + 3];
	if (old <= by)
		return 0;
	new = bpf_htons(old - by);
	old = bpf_htons(old);
	if (bpf_skb_store_bytes(skb, offset + at + 2, &new, sizeof(new), 0))
		return -1;
	/* The words of the checksum are those of the segment, and the option may lie across two. */
	return at & 1 ? bpf_l4_csum_replace(skb, check, __builtin_bswap16(old), __builtin_bswap16(new), 2) :
			bpf_l4_csum_replace(skb, check, old, new, 2);
}

/* Has the sender leave room for what full NAT may add on the way. The MTU is in the lower half of the word. */
static __always_inline int lower_mtu(struct __sk_buff *skb, const struct packet *p, const struct icmphdr *icmp, __u32 by)
{
	__u16 old = bpf_ntohl(icmp->rest), new = bpf_htons(old - by);

	if (old <= by)
		return 0;
	return bpf_skb_store_bytes(skb, p->l4_offset + 6, &new, sizeof(new), 0) ||
	       bpf_l4_csum_replace(skb, p->l4_offset + __builtin_offsetof(struct icmphdr, checksum), bpf_htons(old), new, 2);
}

#endif
