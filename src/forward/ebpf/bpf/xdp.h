/* SPDX-License-Identifier: GPL-2.0-only */
/* XDP, on interfaces that the user names: data and ACKs of established TCP connections, and UDP, are forwarded before the
 * kernel has made anything of them. Whatever else comes is left to the program on tc, which knows it all, so it makes no
 * difference which of the two has a packet. Once a second a packet of each next hop goes by tc, too: so the kernel keeps its
 * neighbours fresh. */
#ifndef TANIST_XDP_H
#define TANIST_XDP_H

#include "connection.h"
#include "send.h"
#include "tunnel.h"

#define MAC_NS SECOND_NS

/* A packet that may take the short way. */
struct short_packet {
	struct flow flow;
	__u32 length; /* from the IP header on */
	__u8 ttl;
};

static __always_inline struct link *xdp_link(__u32 ifindex)
{
	struct link *link = bpf_map_lookup_elem(&interfaces, &ifindex);

	return link && link->xdp ? link : 0;
}

static __always_inline void *l4_of(struct xdp_md *ctx, int v6)
{
	return (void *)(long)ctx->data + ETH_HLEN + (v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
}

static __always_inline int read_short4(struct xdp_md *ctx, struct short_packet *p)
{
	struct iphdr *ip = (void *)(long)ctx->data + ETH_HLEN;

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end || *(__u8 *)ip != 0x45 || ip->frag_off & bpf_htons(0xbfff) ||
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

static __always_inline int read_short6(struct xdp_md *ctx, struct short_packet *p)
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
static __always_inline int read_short(struct xdp_md *ctx, struct short_packet *p, int v6)
{
	void *end = (void *)(long)ctx->data_end;
	__u32 held = ctx->data_end - ctx->data - ETH_HLEN, headers;
	struct tcphdr *tcp;
	struct udphdr *udp;

	if ((v6 ? read_short6(ctx, p) : read_short4(ctx, p)) || p->ttl <= 1)
		return -1;
	headers = (v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) +
		  (p->flow.proto == IPPROTO_TCP ? sizeof(*tcp) : sizeof(*udp));
	if (p->length > held || p->length < headers)
		return -1;
	if (p->flow.proto == IPPROTO_TCP) {
		tcp = l4_of(ctx, v6);
		if ((void *)(tcp + 1) > end || tcp->syn || tcp->fin || tcp->rst || !tcp->ack)
			return -1;
	} else if (p->flow.proto != IPPROTO_UDP) {
		return -1;
	}
	udp = l4_of(ctx, v6);
	if ((void *)(udp + 1) > end)
		return -1;
	p->flow.sport = udp->source;
	p->flow.dport = udp->dest;
	return 0;
}

/* A live connection in a state in which such a packet leaves it. */
static __always_inline struct connection *settled(const struct flow *client, int v6, __u64 now)
{
	struct connection *c = lookup_connection(client, v6);

	if (!c || (c->state != ST_ESTABLISHED && c->state != ST_UDP) || c->deadline_ns < now || c->method == METHOD_FNAT)
		return 0;
	return c;
}

/* The MAC of a server's next hop. The packet that finds it out, or finds it too old, goes by tc. */
static __always_inline __u64 server_mac_of(struct xdp_md *ctx, const struct dest *d, __u32 dest_slot, __u64 now)
{
	__u32 index = dest_slot * 2 + (d->hop & 1);
	struct server_mac *known = bpf_map_lookup_elem(&server_macs, &index);
	const struct hop *hop = &d->hops[d->hop & 1];
	struct bpf_fib_lookup route = { .family = d->family, .ifindex = hop->ifindex };

	if (!known)
		return 0;
	if (known->until_ns >= now)
		return known->mac;
	if (d->family == AF_INET6)
		__builtin_memcpy(route.ipv6_dst, &hop->neighbour, sizeof(hop->neighbour));
	else
		route.ipv4_dst = hop->neighbour.words[0];
	if (!bpf_fib_lookup(ctx, &route, sizeof(route), BPF_FIB_LOOKUP_OUTPUT)) {
		known->mac = mac_number(route.dmac);
		known->until_ns = now + MAC_NS;
	}
	return 0;
}

static __always_inline void replace_end(struct xdp_md *ctx, const struct short_packet *p, int v6, int destination,
					const struct address *addr, __u16 port)
{
	const struct address *old = destination ? &p->flow.daddr : &p->flow.saddr;
	__u16 old_port = destination ? p->flow.dport : p->flow.sport;
	__u64 addresses = address_change(old, addr, v6);
	struct ipv6hdr *ip6 = (void *)(long)ctx->data + ETH_HLEN;
	struct iphdr *ip = (void *)ip6;
	struct udphdr *udp = l4_of(ctx, v6); /* TCP has its ports there, too */
	struct tcphdr *tcp = (void *)udp;
	void *end = (void *)(long)ctx->data_end;

	/* Each protocol by itself: Linux 6.1's verifier does not see that two questions about the protocol have one answer. */
	if (p->flow.proto == IPPROTO_TCP) {
		if ((void *)(tcp + 1) > end)
			return;
		tcp->check = changed(tcp->check, addresses + word_change(old_port, port));
	} else {
		if ((void *)(udp + 1) > end)
			return;
		if (udp->check) /* a datagram without a checksum stays without one */
			udp->check = changed(udp->check, addresses + word_change(old_port, port)) ?: 0xffff;
	}
	if (destination)
		udp->dest = port;
	else
		udp->source = port;
	if (v6) {
		__builtin_memcpy(destination ? &ip6->daddr : &ip6->saddr, addr, sizeof(*addr));
		return;
	}
	ip->check = changed(ip->check, addresses);
	if (destination)
		ip->daddr = addr->words[0];
	else
		ip->saddr = addr->words[0];
}

static __always_inline void take_hop(struct xdp_md *ctx, int v6)
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
static __always_inline int wrap_short(struct xdp_md *ctx, const struct short_packet *p, int v6, const struct dest *d)
{
	__u32 room = tunnel_room(d, 0), outer = d->family == AF_INET6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
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
		inner.dont_fragment = !!(ip->frag_off & bpf_htons(0x4000));
	}
	if (bpf_xdp_adjust_head(ctx, -(int)room))
		return -1;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (data + ETH_HLEN + sizeof(struct ipv6hdr) + sizeof(struct gue) > end)
		return -1;
	if (d->family == AF_INET6)
		fill_outer6(data + ETH_HLEN, d, &inner, room, outer_proto(d, &inner));
	else
		fill_outer4(data + ETH_HLEN, d, &inner, room, outer_proto(d, &inner));
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

static __always_inline int send_short(struct xdp_md *ctx, __u32 ifindex, const struct link *out, __u64 mac)
{
	struct ethhdr *eth = (void *)(long)ctx->data;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	write_mac(eth->h_dest, mac);
	write_mac(eth->h_source, mac_number(out->mac));
	return ifindex == ctx->ingress_ifindex ? XDP_TX : bpf_redirect_map(&exits, ifindex, XDP_ABORTED);
}

static __always_inline int short_to_server(struct xdp_md *ctx, const struct short_packet *p, int v6,
					   struct connection *c, const struct settings *s, __u64 now)
{
	__u32 dest_slot = c->dest_slot, room;
	const struct dest *d = bpf_map_lookup_elem(&dests, &dest_slot);
	const struct hop *hop;
	const struct link *out;
	__u64 mac;

	if (!d || d->state != DEST_PRESENT)
		return XDP_PASS;
	hop = &d->hops[d->hop & 1];
	out = xdp_link(hop->ifindex);
	room = c->method == METHOD_TUN ? tunnel_room(d, 0) : 0;
	if (!out || p->length + room > hop->mtu || (room && (d->tunnel_checksum || !is_set(&hop->local))))
		return XDP_PASS;
	if (room) {
		const struct path_mtu *path = bpf_map_lookup_elem(&path_mtus, &dest_slot);

		if (path && path->until_ns > now)
			return XDP_PASS;
	}
	mac = server_mac_of(ctx, d, dest_slot, now);
	if (!mac)
		return XDP_PASS;
	count_for(c, 1, p->length, 0);
	set_deadline(s, c, c->state, now);
	take_hop(ctx, v6);
	if (c->method == METHOD_NAT)
		replace_end(ctx, p, v6, 1, &d->addr, server_port(d, c, p->flow.dport));
	else if (c->method == METHOD_TUN && wrap_short(ctx, p, v6, d))
		return XDP_ABORTED;
	return send_short(ctx, hop->ifindex, out, mac);
}

static __always_inline int short_to_client(struct xdp_md *ctx, const struct short_packet *p, int v6,
					   const struct flow *client, struct connection *c, const struct settings *s,
					   __u64 now)
{
	const struct link *out = xdp_link(c->back_ifindex);

	if (!out || !c->back_mac || now - c->back_at_ns > BACK_ROUTE_NS || !c->back_mtu || p->length > c->back_mtu ||
	    is_to_assure(c, c->state))
		return XDP_PASS;
	count_for(c, 1, p->length, 1);
	set_deadline(s, c, c->state, now);
	take_hop(ctx, v6);
	replace_end(ctx, p, v6, 0, &client->daddr, client->dport);
	return send_short(ctx, c->back_ifindex, out, c->back_mac);
}

static __always_inline int forward_short(struct xdp_md *ctx, struct link *in, int v6)
{
	struct settings *s = get_settings();
	struct short_packet p = {};
	struct connection *c = 0;
	struct flow client;
	__u64 now;

	if (!s || read_short(ctx, &p, v6))
		return XDP_PASS;
	now = now_ns(s);
	if (is_inert(s, now))
		return XDP_PASS;
	if (!in->answers)
		c = settled(&p.flow, v6, now);
	if (c)
		return short_to_server(ctx, &p, v6, c, s, now);
	if (lookup_reply(&p.flow, &client, v6)) {
		c = settled(&client, v6, now);
		return c ? short_to_client(ctx, &p, v6, &client, c, s, now) : XDP_PASS;
	}
	c = in->answers ? settled(&p.flow, v6, now) : 0;
	return c ? short_to_server(ctx, &p, v6, c, s, now) : XDP_PASS;
}

#endif
