/* SPDX-License-Identifier: GPL-2.0-only */
/* The last step of a packet: to the server's next hop, or to the client's. */
#ifndef TANIST_SEND_H
#define TANIST_SEND_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "address.h"
#include "clock.h"
#include "counters.h"
#include "layout.h"
#include "loopback.h"
#include "route.h"
#include "verdict.h"

/* How long a client's next hop, found by a route lookup, is used before it is looked up again. */
#define CLIENT_HOP_NS SECOND_NS

static __always_inline int send_to_server(struct __sk_buff *skb, const struct dest *d, int v6,
					  const struct address *saddr)
{
	const struct hop *known = &d->hops[d->hop & 1];
	struct next_hop next;

	if (known->ifindex == HOP_LOCAL)
		return PASS;
	if (known->ifindex)
		return send_to(known->ifindex, &known->neighbour, v6);
	if (find_route(skb, v6, saddr, &d->addr, &next)) {
		count_drop(DROP_NO_ROUTE);
		return DROP;
	}
	return send_to(next.ifindex, &next.address, v6);
}

/* Finds the way to the client if it is not known, or not for certain any more. If the route there is one that leads nowhere, then
 * that is what is known for so long, and is returned: BPF_FIB_LKUP_RET_BLACKHOLE, _UNREACHABLE or _PROHIBIT. Else 0. */
static __always_inline int refresh_client_hop(struct __sk_buff *skb, struct connection *c, int v6, const struct flow *client,
					      __u64 now)
{
	struct next_hop next;
	int result;

	if (now - c->back_at_ns <= CLIENT_HOP_NS || c->flags & CONN_OWN_CLIENT)
		return 0;
	c->back_at_ns = now;
	result = find_route(skb, v6, &client->daddr, &client->saddr, &next);
	if (!result) {
		c->back_ifindex = next.ifindex;
		c->back_hop = next.address;
		c->back_mac = next.mac;
		c->back_mtu = next.mtu;
	} else if (result >= BPF_FIB_LKUP_RET_BLACKHOLE && result <= BPF_FIB_LKUP_RET_PROHIBIT) {
		c->back_ifindex = 0;
		c->back_hop = (struct address){};
		return result;
	} else if (!c->back_ifindex) {
		return BPF_FIB_LKUP_RET_UNREACHABLE; /* the link that it came in by is forgotten */
	}
	return 0;
}

/* `refresh_client_hop` has been here. */
static __always_inline int send_to_client(struct __sk_buff *skb, const struct connection *c, int v6)
{
	if (is_set(&c->back_hop))
		return send_to(c->back_ifindex, &c->back_hop, v6);
	if (c->flags & CONN_OWN_CLIENT)
		return enter_loopback(skb, LOOP_DELIVER);
	if (!c->back_ifindex) {
		count_drop(DROP_NO_ROUTE);
		return DROP;
	}
	/* No forwarding on the device: leave by the link that the client came in by. */
	return bpf_redirect_neigh(c->back_ifindex, 0, 0, 0);
}

#endif
