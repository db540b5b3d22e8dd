/* SPDX-License-Identifier: GPL-2.0-only */
/* A packet of a server on its way back to the client. */
#ifndef TANIST_TO_CLIENT_H
#define TANIST_TO_CLIENT_H

#include "checksum.h"
#include "clock.h"
#include "connection.h"
#include "counters.h"
#include "fragment.h"
#include "icmp-error.h"
#include "layout.h"
#include "loopback.h"
#include "packet.h"
#include "path-mtu.h"
#include "rewrite.h"
#include "send.h"
#include "states.h"
#include "verdict.h"

/* Whether a datagram's checksum is left to the device that sends it, as on the links to guests and containers of this host: so far
 * it is that of the pseudo-header alone. */
static __always_inline int is_unsummed(struct __sk_buff *skb, const struct packet *p)
{
	__u64 pseudo = (__u64)p->flow.saddr.words[0] + p->flow.daddr.words[0] + bpf_htons(IPPROTO_UDP);
	struct udphdr udp;

	return p->flow.proto == IPPROTO_UDP && p->fragment == WHOLE &&
	       !bpf_skb_load_bytes(skb, p->l4_offset, &udp, sizeof(udp)) && udp.check == fold(pseudo + udp.len);
}

/* A reply that cannot be fragmented here, since a device would sum up its first fragment alone: the kernel's own forwarding knows
 * how. It comes from an address of this host, which is taken on the loopback interface, see own-client.h. */
static __always_inline int forward_by_kernel(struct __sk_buff *skb, struct packet *p, struct connection *c,
					     const struct moment *at)
{
	if (!p->dry) {
		count_packet(skb, p, c, 1);
		track(c, p, 0, DIR_OUTPUT, at);
	}
	p->ttl_decremented = 1; /* the kernel takes it */
	if (translate(skb, p, 0, SOURCE, (struct endpoint){ &p->client.daddr, p->client.dport })) {
		count_drop(DROP_MALFORMED);
		return DROP;
	}
	return enter_loopback(skb, LOOP_DELIVER);
}

/* `p->client` is the client's flow. */
static __always_inline int to_client(struct __sk_buff *skb, struct packet *p, int v6, struct connection *c,
				     const struct moment *at)
{
	const struct endpoint virtual = { &p->client.daddr, p->client.dport };
	int too_long, may_fragment = is_fragmentable(skb, p), no_route;

	if (p->ttl <= 1)
		return error_time_exceeded(p, v6);
	no_route = refresh_client_hop(skb, c, v6, &p->client, at->now);
	if (no_route)
		return error_no_route_to_client(p, v6, no_route);
	too_long = c->back_mtu && is_too_long(skb, p, c->back_mtu, c->back_ifindex);
	if (too_long && may_fragment && !p->fragmenting)
		return c->method == METHOD_NAT && at->settings->flags & OWN_CLIENTS && is_unsummed(skb, p) ?
			       forward_by_kernel(skb, p, c, at) :
			       fragment_packet(skb, p, c->back_mtu);
	if (!p->dry)
		count_packet(skb, p, c, 1);
	if (too_long && !may_fragment)
		return error_too_big(p, v6, c->back_mtu);
	if (too_long && make_first_fragment(skb, p, c->back_mtu))
		goto malformed;
	if (!p->dry)
		track(c, p, v6, DIR_OUTPUT, at);
	if (c->method != METHOD_NAT)
		return FROM_FULL_NAT;
	if (translate(skb, p, v6, SOURCE, virtual))
		goto malformed;
	return send_to_client(skb, c, v6);
malformed:
	count_drop(DROP_MALFORMED);
	return DROP;
}

#endif
