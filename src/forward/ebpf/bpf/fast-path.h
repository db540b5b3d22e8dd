/* SPDX-License-Identifier: GPL-2.0-only */
/* The fast path: XDP, on interfaces that the user names. Data and ACKs of established TCP connections, and UDP, are forwarded before the
 * kernel has made anything of them. Whatever else comes is left to the program on tc, which knows it all, so it makes no
 * difference which of the two has a packet. Once a second a packet of each next hop goes by tc, too: so the kernel keeps its
 * neighbours fresh.
 *
 *   read_fast         a whole TCP segment with ACK and without SYN, FIN and RST, or a datagram; no IP options, no fragment
 *   find_fast         its connection, or by its reply key that of a server's packet: established, and not by full NAT
 *   fast_to_server    the server is there, its link has XDP, it fits, and its MAC is not older than a second
 *   fast_to_client    the same of the client
 *       | each: no ---> XDP_PASS, with nothing changed
 *       v
 *   send_fast         the same link: XDP_TX; another: redirect by `transmit_ports`
 */
#ifndef TANIST_FAST_PATH_H
#define TANIST_FAST_PATH_H

#include <linux/if_ether.h>
#include "address.h"
#include "clock.h"
#include "connection.h"
#include "counters.h"
#include "fast-packet.h"
#include "keys.h"
#include "layout.h"
#include "maps.h"
#include "other-directors.h"
#include "packet.h"
#include "route.h"
#include "send.h"
#include "tunnel.h"

#define MAC_NS SECOND_NS

static __always_inline struct link *xdp_link(__u32 ifindex)
{
	struct link *link = bpf_map_lookup_elem(&interfaces, &ifindex);

	return link && link->xdp ? link : 0;
}

/* A live connection in a state in which such a packet leaves it. */
static __always_inline struct connection *find_fast(const struct flow *client, int v6, __u64 now)
{
	struct connection *c = lookup_connection(client, v6);

	if (!c || (c->state != ST_ESTABLISHED && c->state != ST_UDP) || c->deadline_ns < now || c->method == METHOD_FNAT)
		return 0;
	return c;
}

/* The MAC of a server's next hop. The packet that finds it out, or finds it too old, goes by tc. */
static __always_inline __u64 server_mac_of(struct xdp_md *ctx, const struct dest *d, __u32 dest_slot, __u64 now)
{
	struct way *way = way_at(dest_slot);
	struct server_mac *known = way ? &way->macs[d->hop & 1] : 0;
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

static __always_inline int send_fast(struct xdp_md *ctx, __u32 ifindex, const struct link *out, __u64 mac)
{
	struct ethhdr *eth = (void *)(long)ctx->data;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	write_mac(eth->h_dest, mac);
	write_mac(eth->h_source, mac_number(out->mac));
	return ifindex == ctx->ingress_ifindex ? XDP_TX : bpf_redirect_map(&transmit_ports, ifindex, XDP_ABORTED);
}

static __always_inline int fast_to_server(struct xdp_md *ctx, const struct fast_packet *p, int v6, struct connection *c,
					  const struct moment *at)
{
	__u32 dest_slot = c->dest_slot, overhead;
	const struct dest *d = dest_at(dest_slot);
	const struct hop *hop;
	const struct link *out;
	__u64 mac;

	if (!d || d->state != DEST_PRESENT)
		return XDP_PASS;
	hop = &d->hops[d->hop & 1];
	out = xdp_link(hop->ifindex);
	overhead = c->method == METHOD_TUN ? tunnel_overhead(d, 0) : 0;
	if (!out || p->length + overhead > hop->mtu || (overhead && (d->tunnel_checksum || !is_set(&hop->local))))
		return XDP_PASS;
	if (overhead) {
		const struct way *way = way_at(dest_slot);

		if (way && way->path.until_ns > at->now)
			return XDP_PASS;
	}
	mac = server_mac_of(ctx, d, dest_slot, at->now);
	if (!mac)
		return XDP_PASS;
	count_traffic(c, 1, p->length, 0);
	set_deadline(c, c->state, at);
	decrement_ttl(ctx, v6);
	if (c->method == METHOD_NAT)
		translate_fast(ctx, p, v6, DESTINATION, (struct endpoint){ &d->addr, server_port(d, c, p->flow.dport) });
	else if (c->method == METHOD_TUN && encapsulate_fast(ctx, p, v6, d))
		return XDP_ABORTED;
	return send_fast(ctx, hop->ifindex, out, mac);
}

static __always_inline int fast_to_client(struct xdp_md *ctx, const struct fast_packet *p, int v6, struct connection *c,
					  const struct moment *at)
{
	const struct link *out = xdp_link(c->back_ifindex);

	if (!out || !c->back_mac || at->now - c->back_at_ns > CLIENT_HOP_NS || !c->back_mtu || p->length > c->back_mtu ||
	    is_to_assure(c, c->state))
		return XDP_PASS;
	count_traffic(c, 1, p->length, 1);
	set_deadline(c, c->state, at);
	decrement_ttl(ctx, v6);
	translate_fast(ctx, p, v6, SOURCE, (struct endpoint){ &p->client.daddr, p->client.dport });
	return send_fast(ctx, c->back_ifindex, out, c->back_mac);
}

static __always_inline int forward_fast(struct xdp_md *ctx, struct link *in, int v6)
{
	struct moment at = { .settings = get_settings() };
	struct fast_packet p = {};
	struct connection *c = 0;
	int from_director;

	if (!at.settings || read_fast(ctx, &p, v6))
		return XDP_PASS;
	at.now = now_ns(at.settings);
	if (is_inert(&at))
		return XDP_PASS;
	/* For a server it may have been balanced already: the program on tc looks. */
	from_director = may_come_from_director(at.settings, (void *)(long)ctx->data, (void *)(long)ctx->data_end);
	if (!in->replies && !from_director)
		c = find_fast(&p.flow, v6, at.now);
	if (c)
		return fast_to_server(ctx, &p, v6, c, &at);
	if (lookup_reply(&p.flow, &p.client, v6)) {
		c = find_fast(&p.client, v6, at.now);
		return c ? fast_to_client(ctx, &p, v6, c, &at) : XDP_PASS;
	}
	c = in->replies && !from_director ? find_fast(&p.flow, v6, at.now) : 0;
	return c ? fast_to_server(ctx, &p, v6, c, &at) : XDP_PASS;
}

#endif
