/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets on the fast path: what is read of them there, and changed in them. */
#ifndef TANIST_FAST_PACKET_H
#define TANIST_FAST_PACKET_H

#include "address.h"
#include "checksum.h"
#include "layout.h"
#include "packet.h"
#include "tunnel.h"

/* A packet that may take the fast path. */
struct fast_packet {
	struct flow flow;
	struct flow client; /* of a server's packet: whose connection it belongs to */
	__u32 length;	    /* from the IP header on */
	__u8 ttl;
};

static __always_inline void *fast_l4(struct xdp_md *ctx, int v6)
{
	return (void *)(long)ctx->data + ETH_HLEN + (v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
}

static __always_inline int read_fast4(struct xdp_md *ctx, struct fast_packet *p)
{
	struct iphdr *ip = (void *)(long)ctx->data + ETH_HLEN;

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end || *(__u8 *)ip != 0x45 || ip->frag_off & bpf_htons((__u16)~IP_DF) ||
	    !is_intact(ip))
		return -1;
	p->flow.saddr.words[0] = ip->saddr;
	p->flow.daddr.words[0] = ip->daddr;
	p->flow.proto = ip->protocol;
	p->flow.family = AF_INET;
	p->length = bpf_ntohs(ip->tot_len);
	p->ttl = ip->ttl;
	return 0;
}

static __always_inline int read_fast6(struct xdp_md *ctx, struct fast_packet *p)
{
	struct ipv6hdr *ip = (void *)(long)ctx->data + ETH_HLEN;

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end || ip->version != 6)
		return -1;
	__builtin_memcpy(&p->flow.saddr, &ip->saddr, sizeof(p->flow.saddr));
	__builtin_memcpy(&p->flow.daddr, &ip->daddr, sizeof(p->flow.daddr));
	p->flow.proto = ip->nexthdr;
	p->flow.family = AF_INET6;
	p->length = sizeof(*ip) + bpf_ntohs(ip->payload_len);
	p->ttl = ip->hop_limit;
	return 0;
}

/* Fails on what is not a whole datagram or a segment without SYN, FIN and RST. */
static __always_inline int read_fast(struct xdp_md *ctx, struct fast_packet *p, int v6)
{
	void *end = (void *)(long)ctx->data_end;
	__u32 held = ctx->data_end - ctx->data - ETH_HLEN, headers;
	struct tcphdr *tcp;
	struct udphdr *udp;

	if ((v6 ? read_fast6(ctx, p) : read_fast4(ctx, p)) || p->ttl <= 1)
		return -1;
	headers = (v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) +
		  (p->flow.proto == IPPROTO_TCP ? sizeof(*tcp) : sizeof(*udp));
	if (p->length > held || p->length < headers)
		return -1;
	if (p->flow.proto == IPPROTO_TCP) {
		tcp = fast_l4(ctx, v6);
		if ((void *)(tcp + 1) > end || tcp->syn || tcp->fin || tcp->rst || !tcp->ack)
			return -1;
	} else if (p->flow.proto != IPPROTO_UDP) {
		return -1;
	}
	udp = fast_l4(ctx, v6);
	if ((void *)(udp + 1) > end)
		return -1;
	p->flow.sport = udp->source;
	p->flow.dport = udp->dest;
	return 0;
}

static __always_inline void translate_fast(struct xdp_md *ctx, const struct fast_packet *p, int v6, enum side side, struct endpoint new)
{
	const struct address *old = side == DESTINATION ? &p->flow.daddr : &p->flow.saddr;
	__u16 old_port = side == DESTINATION ? p->flow.dport : p->flow.sport;
	__u64 addresses = address_change(old, new.addr, v6);
	struct ipv6hdr *ip6 = (void *)(long)ctx->data + ETH_HLEN;
	struct iphdr *ip = (void *)ip6;
	struct udphdr *udp = fast_l4(ctx, v6); /* TCP has its ports there, too */
	struct tcphdr *tcp = (void *)udp;
	void *end = (void *)(long)ctx->data_end;

	/* Each protocol by itself: Linux 6.1's verifier does not see that two questions about the protocol have one answer. */
	if (p->flow.proto == IPPROTO_TCP) {
		if ((void *)(tcp + 1) > end)
			return;
		tcp->check = changed(tcp->check, addresses + word_change(old_port, new.port));
	} else {
		if ((void *)(udp + 1) > end)
			return;
		if (udp->check) /* a datagram without a checksum stays without one */
			udp->check = changed(udp->check, addresses + word_change(old_port, new.port)) ?: 0xffff;
	}
	if (side == DESTINATION)
		udp->dest = new.port;
	else
		udp->source = new.port;
	if (v6) {
		__builtin_memcpy(side == DESTINATION ? &ip6->daddr : &ip6->saddr, new.addr, sizeof(*new.addr));
		return;
	}
	ip->check = changed(ip->check, addresses);
	if (side == DESTINATION)
		ip->daddr = new.addr->words[0];
	else
		ip->saddr = new.addr->words[0];
}

static __always_inline void decrement_ttl(struct xdp_md *ctx, int v6)
{
	struct iphdr *ip = (void *)(long)ctx->data + ETH_HLEN;
	struct ipv6hdr *ip6 = (void *)ip;

	if ((void *)(ip6 + 1) > (void *)(long)ctx->data_end && (v6 || (void *)(ip + 1) > (void *)(long)ctx->data_end))
		return;
	if (v6) {
		ip6->hop_limit--;
		return;
	}
	ip->ttl--;
	ip->check = changed(ip->check, HOP_CHANGE);
}

/* Puts a tunnel's headers on; those without a checksum. */
static __always_inline int encapsulate_fast(struct xdp_md *ctx, const struct fast_packet *p, int v6, const struct dest *d)
{
	__u32 overhead = tunnel_overhead(d, 0), outer = d->family == AF_INET6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	struct iphdr *ip = (void *)(long)ctx->data + ETH_HLEN;
	struct ipv6hdr *ip6 = (void *)ip;
	struct inner inner = { .length = p->length, .ttl = p->ttl - 1, .proto = v6 ? IPPROTO_IPV6 : IPPROTO_IPIP };
	void *data, *end, *between;

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return -1;
	if (v6) {
		inner.tos = bpf_ntohs(*(__u16 *)ip6) >> 4;
	} else {
		inner.tos = ip->tos;
		inner.dont_fragment = !!(ip->frag_off & bpf_htons(IP_DF));
	}
	if (bpf_xdp_adjust_head(ctx, -(int)overhead))
		return -1;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (data + ETH_HLEN + sizeof(struct ipv6hdr) + sizeof(struct gue) > end)
		return -1;
	if (d->family == AF_INET6)
		fill_outer6(data + ETH_HLEN, d, &inner, overhead, outer_proto(d, &inner));
	else
		fill_outer4(data + ETH_HLEN, d, &inner, overhead, outer_proto(d, &inner));
	between = data + ETH_HLEN + outer;
	if (d->tunnel == TUNNEL_GUE) {
		__u32 mixed = p->flow.saddr.words[0] ^ p->flow.saddr.words[3] ^ p->flow.sport * 0x9e3779b1u;

		*(struct gue *)between = (struct gue){
			.udp = { .source = bpf_htons(GUE_PORTS | (mixed >> 16 & 0x3fff)), .dest = d->tunnel_port,
				 .len = bpf_htons(sizeof(struct gue) + p->length) },
			.proto = inner.proto,
		};
	} else if (d->tunnel == TUNNEL_GRE) {
		*(struct gre *)between = (struct gre){ .proto = v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP) };
	}
	((struct ethhdr *)data)->h_proto = d->family == AF_INET6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
	return 0;
}

#endif
