/* SPDX-License-Identifier: GPL-2.0-only */
/* A packet of a known connection on its way to the server, by the connection's method. */
#ifndef TANIST_TO_SERVER_H
#define TANIST_TO_SERVER_H

#include "address.h"
#include "connection.h"
#include "counters.h"
#include "fragment.h"
#include "icmp-error.h"
#include "layout.h"
#include "maps.h"
#include "packet.h"
#include "path-mtu.h"
#include "rewrite.h"
#include "route.h"
#include "scratch.h"
#include "send.h"
#include "tunnel.h"
#include "verdict.h"

/* Whether the kernel has no route to a server that user space has none to. `saddr` is the packet's, as far as the route may depend
 * on it. */
static __noinline int lacks_route(struct __sk_buff *skb, const struct dest *d, const struct address *saddr)
{
	struct next_hop next;

	return d->family == AF_INET6 ? find_route(skb, 1, saddr, &d->addr, &next) : find_route(skb, 0, saddr, &d->addr, &next);
}

/* DR and TUN never change the port. */
static __always_inline int has_other_port(const struct dest *d, const struct connection *c, const struct flow *flow)
{
	return flow->proto == IPPROTO_TCP && (d->method == METHOD_NAT || d->method == METHOD_FNAT) &&
	       server_port(d, c, flow->dport) != flow->dport;
}

static __always_inline int to_server(struct __sk_buff *skb, struct packet *p, int v6, struct connection *c, __u64 now)
{
	__u32 dest_slot = c->dest_slot, room, most;
	struct dest *d = dest_at(dest_slot);
	int local, too_long, may_fragment;
	const struct hop *hop;

	if (!d || d->state != DEST_PRESENT) {
		count_drop(DROP_DEST_REMOVED);
		return DROP;
	}
	hop = &d->hops[d->hop & 1];
	local = hop->ifindex == HOP_LOCAL;
	room = most = hop->mtu;
	if (room && c->method == METHOD_TUN) {
		most = tunnel_mtu(d, dest_slot, room, now);
		room = most - tunnel_overhead(d, d->tunnel_checksum);
		/* A packet that is cut up by segments has them made shorter for the tunnel's header. */
		if (!skb->gso_size)
			most = room;
	}
	too_long = !local && room && is_too_long(skb, p, most, hop->ifindex);
	may_fragment = is_fragmentable(skb, p);
	if (too_long && may_fragment && !p->fragmenting)
		return fragment_packet(skb, p, room);
	if (!p->dry)
		count_packet(skb, p, c, 0);
	if (local) {
		p->dest_slot = dest_slot;
		return has_other_port(d, c, &p->flow) && !p->dry ? TO_LOCAL_SERVER : PASS;
	}
	if (!hop->ifindex && (c->method == METHOD_TUN || lacks_route(skb, d, &p->flow.saddr)))
		return error_no_route_to_server(p, v6);
	if (p->ttl <= 1 && !p->marked)
		return error_time_exceeded(p, v6);
	if (too_long && !may_fragment)
		return error_too_big(p, v6, room);
	if (too_long && make_first_fragment(skb, p, room))
		goto malformed;
	if (c->method == METHOD_NAT) {
		if (translate(skb, p, v6, DESTINATION, (struct endpoint){ &d->addr, server_port(d, c, p->flow.dport) }))
			goto malformed;
		return send_to_server(skb, d, v6, &p->flow.saddr);
	}
	p->dest_slot = dest_slot;
	if (c->method == METHOD_FNAT) {
		p->reply = reply_flow(&p->flow, d, c);
		p->server_isn = c->server_isn;
		return TO_FULL_NAT;
	}
	if (c->local_port ? translate(skb, p, v6, SOURCE, (struct endpoint){ &c->local, c->local_port }) :
			    rewrite_ip(skb, p, v6, DESTINATION, 0))
		goto malformed;
	if (c->method == METHOD_TUN)
		return TO_TUNNEL;
	return send_to_server(skb, d, v6, &p->flow.saddr);
malformed:
	count_drop(DROP_MALFORMED);
	return DROP;
}

static __always_inline int to_tunnel(struct __sk_buff *skb, int v6)
{
	const struct packet *p = packet_in_hand();
	const struct dest *d = p ? dest_at(p->dest_slot) : 0;

	if (!d || encapsulate(skb, p, v6, d)) {
		count_drop(DROP_MALFORMED);
		return DROP;
	}
	return d->family == AF_INET6 ? send_to_server(skb, d, 1, &d->hops[d->hop & 1].local) :
				       send_to_server(skb, d, 0, &d->hops[d->hop & 1].local);
}

#endif
