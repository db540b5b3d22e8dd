/* SPDX-License-Identifier: GPL-2.0-only */
/* TUN: the packet goes as it is within another one, which the real server takes off. The families within and without may differ.
 *
 *   IP in IP (RFC 2003, 2473, 4213)   | outer IP | inner IP ...
 *   GRE (RFC 2784)                    | outer IP | GRE, 4 or 8 | inner IP ...
 *   GUE (variant 0)                   | outer IP | UDP, 8 | GUE, 4 | inner IP ...
 *
 *   GRE   0               2               4               6               8
 *         |C| 0       |ver| EtherType     | checksum      | reserved      |   the last two with C only
 *
 *   GUE   0               2               4               6               8
 *       0 | source port   | port 6080     | UDP length    | checksum      |
 *       8 |ver|C|len|proto| flags         |                                   ver, C, len and flags are 0
 */
#ifndef TANIST_TUNNEL_H
#define TANIST_TUNNEL_H

#include "address.h"
#include "checksum.h"
#include "layout.h"
#include "packet.h"

/* Source ports of GUE: the upper half, by the flow, so that the network spreads connections. */
#define GUE_PORTS 0xc000

struct gue {
	struct udphdr udp;
	__u8 version_and_length;
	__u8 proto;
	__u16 flags;
};

struct gre {
	__u16 flags;
	__u16 proto;
};

struct gre_checked {
	struct gre gre;
	__u16 check;
	__u16 reserved;
};

#define GRE_CHECKSUM 0x8000

/* Bytes that a tunnel adds. */
static __always_inline __u32 tunnel_overhead(const struct dest *d, int checksum)
{
	__u32 outer = d->family == AF_INET6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);

	if (d->tunnel == TUNNEL_GUE)
		return outer + sizeof(struct gue);
	if (d->tunnel == TUNNEL_GRE)
		return outer + (checksum ? sizeof(struct gre_checked) : sizeof(struct gre));
	return outer;
}

/* What the outer header takes over from the inner one. */
struct inner {
	__u32 length;
	__u8 tos;
	__u8 ttl;
	__u8 proto; /* IPPROTO_IPIP or IPPROTO_IPV6 */
	__u8 dont_fragment;
	__u16 sum; /* of all its bytes, where known is set */
	__u8 known;
};

/* The sum of a packet whose checksums are right can be told without reading it: the bytes of the segment and its
 * pseudo-header come to zero, and so do those of an IPv4 header. It is so even where the device is yet to fill the
 * checksum in. A datagram without a checksum and a fragment have no known sum; nor do segments that are yet to be cut. */
static __always_inline int read_inner(struct __sk_buff *skb, const struct packet *p, int v6, struct inner *inner)
{
	struct iphdr *ip = ip_header(skb);
	struct ipv6hdr *ip6 = ip6_header(skb);
	__u32 pseudo, segment = p->ip_length - (p->l4_offset - ETH_HLEN);
	struct udphdr *udp;

	inner->known = (p->flow.proto == IPPROTO_TCP || p->flow.proto == IPPROTO_UDP) && !p->fragment && !skb->gso_size &&
		       p->l4_offset == ETH_HLEN + (v6 ? sizeof(*ip6) : sizeof(*ip));
	pseudo = bpf_htons(p->flow.proto) + bpf_htons(segment);
	if (v6) {
		if (!ip6)
			return -1;
		inner->length = sizeof(*ip6) + bpf_ntohs(ip6->payload_len);
		inner->tos = bpf_ntohs(*(__u16 *)ip6) >> 4;
		inner->ttl = ip6->hop_limit;
		inner->proto = IPPROTO_IPV6;
		inner->dont_fragment = 0;
		/* The addresses are in the header and in the pseudo-header: they cancel each other. */
		inner->sum = fold(add_words(ip6, 8) + (__u16)~fold(pseudo));
	} else {
		if (!ip)
			return -1;
		inner->length = bpf_ntohs(ip->tot_len);
		inner->tos = ip->tos;
		inner->ttl = ip->ttl;
		inner->proto = IPPROTO_IPIP;
		inner->dont_fragment = !!(ip->frag_off & bpf_htons(IP_DF));
		inner->sum = ~fold(pseudo + add_words(&ip->saddr, 8));
	}
	if (p->flow.proto == IPPROTO_UDP) {
		udp = l4_header(skb, p);
		inner->known &= (void *)(udp + 1) <= (void *)(long)skb->data_end && udp->check;
	}
	return 0;
}

/* Writes the header between the outer IP header and the packet. */
static __always_inline long write_tunnel_header(struct __sk_buff *skb, const struct dest *d, const struct inner *inner, __u32 offset,
						int checksum)
{
	__u16 ether = inner->proto == IPPROTO_IPV6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
	struct gue gue = {};
	struct gre_checked gre = {};
	__u32 sum;

	if (d->tunnel == TUNNEL_GUE) {
		gue.udp.source = bpf_htons(GUE_PORTS | (bpf_get_hash_recalc(skb) & 0x3fff));
		gue.udp.dest = d->tunnel_port;
		gue.udp.len = bpf_htons(sizeof(gue) + inner->length);
		gue.proto = inner->proto;
		if (checksum) {
			const struct hop *hop = &d->hops[d->hop & 1];

			sum = bpf_htons(IPPROTO_UDP) + gue.udp.len + add_words(&gue, sizeof(gue)) +
			      add_words(&hop->local, sizeof(hop->local)) + add_words(&d->addr, sizeof(d->addr)) +
			      inner->sum;
			gue.udp.check = ~fold(sum);
			if (!gue.udp.check)
				gue.udp.check = 0xffff;
		}
		return bpf_skb_store_bytes(skb, offset, &gue, sizeof(gue), 0);
	}
	gre.gre.proto = ether;
	if (!checksum)
		return bpf_skb_store_bytes(skb, offset, &gre.gre, sizeof(gre.gre), 0);
	gre.gre.flags = bpf_htons(GRE_CHECKSUM);
	gre.check = ~fold(add_words(&gre, sizeof(gre)) + inner->sum);
	return bpf_skb_store_bytes(skb, offset, &gre, sizeof(gre), 0);
}

/* The outer IP header. TTL, type of service and don't-fragment are those of the inner one, as IPVS has them. `room`: of all
 * that is put on. */
static __always_inline void fill_outer4(struct iphdr *ip, const struct dest *d, const struct inner *inner, __u32 room,
					__u8 proto)
{
	*ip = (struct iphdr){
		.version = 4, .ihl = 5, .tos = inner->tos, .tot_len = bpf_htons(inner->length + room),
		.frag_off = inner->dont_fragment ? bpf_htons(IP_DF) : 0, .ttl = inner->ttl, .protocol = proto,
		.saddr = d->hops[d->hop & 1].local.words[0], .daddr = d->addr.words[0],
	};
	if (!ip->frag_off)
		ip->id = bpf_get_prandom_u32();
	ip->check = ~fold(add_words(ip, sizeof(*ip)));
}

static __always_inline void fill_outer6(struct ipv6hdr *ip, const struct dest *d, const struct inner *inner, __u32 room,
					__u8 proto)
{
	*(__u32 *)ip = bpf_htonl(6u << 28 | (__u32)inner->tos << 20);
	ip->payload_len = bpf_htons(inner->length + room - sizeof(*ip));
	ip->nexthdr = proto;
	ip->hop_limit = inner->ttl;
	__builtin_memcpy(&ip->saddr, &d->hops[d->hop & 1].local, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, &d->addr, sizeof(ip->daddr));
}

static __always_inline __u8 outer_proto(const struct dest *d, const struct inner *inner)
{
	return d->tunnel == TUNNEL_GUE ? IPPROTO_UDP : d->tunnel == TUNNEL_GRE ? IPPROTO_GRE : inner->proto;
}

/* Puts the outer headers on. */
static __always_inline int encapsulate(struct __sk_buff *skb, const struct packet *p, int v6, const struct dest *d)
{
	const struct hop *hop = &d->hops[d->hop & 1];
	__u32 tunnel = d->tunnel, room, outer;
	__u64 flags = d->family == AF_INET6 ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV4;
	struct inner inner = {};
	int checksum;
	__u8 proto;

	if (!is_set(&hop->local) || read_inner(skb, p, v6, &inner))
		return -1;
	checksum = d->tunnel_checksum && inner.known;
	room = tunnel_overhead(d, checksum);
	proto = outer_proto(d, &inner);
	/* The flags let segmentation know of the inner header; without them bulk TCP stands still. */
	if (tunnel == TUNNEL_GUE)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L4_UDP;
	if (tunnel == TUNNEL_GRE)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L4_GRE;
	if (bpf_skb_adjust_room(skb, room, BPF_ADJ_ROOM_MAC, flags))
		return -1;
	if (d->family == AF_INET6) {
		struct ipv6hdr ip = {};

		fill_outer6(&ip, d, &inner, room, proto);
		outer = sizeof(ip);
		if (bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), 0))
			return -1;
	} else {
		struct iphdr ip;

		fill_outer4(&ip, d, &inner, room, proto);
		outer = sizeof(ip);
		if (bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), 0))
			return -1;
	}
	if (tunnel == TUNNEL_IPIP)
		return 0;
	return write_tunnel_header(skb, d, &inner, ETH_HLEN + outer, checksum);
}

#endif
