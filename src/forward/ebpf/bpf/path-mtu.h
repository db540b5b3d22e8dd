/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether a packet fits on its way, and what routers say of that. */
#ifndef TANIST_PATH_MTU_H
#define TANIST_PATH_MTU_H

#include "clock.h"
#include "connection.h"
#include "icmp-quote.h"
#include "icmp.h"
#include "layout.h"
#include "maps.h"
#include "packet.h"
#include "tunnel.h"

/* In place of a segment's length: the segments of a packet are the parts that its sender has made, each with a length of its own. */
#define GSO_BY_FRAGS 0xffff

/* What remains to be sent per segment when the device cuts this packet up. */
static __always_inline __u32 segment_length(struct __sk_buff *skb, const struct packet *p)
{
	if (!skb->gso_size)
		return p->ip_length;
	/* Headers are at most 60 + 60; the sender's MSS already fits its own path, so the usual sizes are exact enough. */
	return skb->gso_size + (p->l4_offset - ETH_HLEN) + (p->flow.proto == IPPROTO_TCP ? 20 : 8);
}

/* Whether a packet, or one of the segments that the device makes of it, does not fit. Segments that differ (SCTP's) only the
 * kernel can measure, by the link's own MTU. */
static __always_inline int is_too_long(struct __sk_buff *skb, const struct packet *p, __u32 room, __u32 ifindex)
{
	__u32 mtu = 0;

	if (skb->gso_size != GSO_BY_FRAGS)
		return segment_length(skb, p) > room;
	return bpf_check_mtu(skb, ifindex, &mtu, 0, BPF_MTU_CHK_SEGS) == BPF_MTU_CHK_RET_SEGS_TOOBIG;
}

/* What the way to a tunnel's end has room for, headers of the tunnel and all. */
static __always_inline __u32 tunnel_mtu(const struct dest *d, __u32 dest_slot, __u32 link_mtu, __u64 now)
{
	const struct way *way = way_at(dest_slot);
	const struct path_mtu *path = way ? &way->path : 0;

	return path && path->dest_id == d->id && path->until_ns > now && path->mtu < link_mtu ? path->mtu : link_mtu;
}

/* A router says that a packet in a tunnel is too long. What it quotes begins with the outer headers; if it quotes enough of
 * what is within, the connection tells which tunnel it is. Its clients are told when they send the next one. */
static __always_inline void learn_path_mtu(struct __sk_buff *skb, const struct packet *p, const struct quote *outer, int v6,
					   __u64 now)
{
	__u32 offset = outer->l4_offset;
	__u8 proto = outer->flow.proto;
	struct path_mtu path = { .until_ns = now + PATH_MTU_S * SECOND_NS };
	struct quote inner = {};
	struct connection *c;
	struct icmphdr icmp;
	struct dest *d;
	struct way *way;
	__u32 slot;
	__u16 gre;

	if (bpf_skb_load_bytes(skb, p->l4_offset, &icmp, sizeof(icmp)) ||
	    !is_too_big(&icmp, v6))
		return;
	if (proto == IPPROTO_UDP) {
		offset += sizeof(struct gue);
	} else if (proto == IPPROTO_GRE) {
		if (bpf_skb_load_bytes(skb, offset, &gre, sizeof(gre)))
			return;
		offset += gre ? sizeof(struct gre_checked) : sizeof(struct gre);
	}
	/* What is quoted here is an IP packet itself, of either family. */
	if (read_quoted(skb, p, offset, 0, &inner))
		c = find(&inner.flow, now, 0);
	else if (read_quoted(skb, p, offset, 1, &inner))
		c = find(&inner.flow, now, 1);
	else
		return;
	if (!c || c->method != METHOD_TUN)
		return;
	slot = c->dest_slot;
	d = dest_at(slot);
	if (!d)
		return;
	path.mtu = v6 ? bpf_ntohl(icmp.rest) : bpf_ntohl(icmp.rest) & 0xffff;
	path.dest_id = d->id;
	/* Below these nobody's link is (RFC 791, RFC 8200); a forged error shall not make packets smaller still. */
	way = way_at(slot);
	if (way && path.mtu >= (v6 ? 1280 : 576))
		way->path = path;
}

#endif
