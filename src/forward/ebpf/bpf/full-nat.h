/* SPDX-License-Identifier: GPL-2.0-only */
/* Full NAT: the server sees an address of the director's in place of the client's, so that its answers come back whatever
 * its routes are.
 *
 *   client                     director                     server
 *     |-------- C:c -> V:v ------->|------- L:l -> S:s ------->|     to_full_nat, with C:c as a TCP option (toa.h)
 *     |<------- V:v -> C:c --------|<------ S:s -> L:l --------|     from_full_nat, with a smaller MSS
 *
 * The same two steps serve connections whose client got another port (L is its own address, see open.h), and those of this director's own
 * clients. */
#ifndef TANIST_FULL_NAT_H
#define TANIST_FULL_NAT_H

#include "counters.h"
#include "keys.h"
#include "layout.h"
#include "maps.h"
#include "packet.h"
#include "rewrite.h"
#include "scratch.h"
#include "send.h"
#include "toa.h"
#include "tunnel.h"
#include "verdict.h"

static __always_inline int to_full_nat(struct __sk_buff *skb, int v6)
{
	struct packet *p = packet_in_hand();
	const struct dest *d = p ? dest_at(p->dest_slot) : 0;
	int wanted;

	if (!d || p->fragment == IPSEC) /* which local address would have no port to be told by */
		return DROP;
	wanted = wants_toa(skb, p);
	if (translate(skb, p, v6, DESTINATION, (struct endpoint){ &d->addr, p->reply.sport }) ||
	    translate(skb, p, v6, SOURCE, (struct endpoint){ &p->reply.daddr, p->reply.dport }) ||
	    (wanted && add_toa(skb, p, v6, d->hops[d->hop & 1].mtu))) {
		count_drop(DROP_MALFORMED);
		return DROP;
	}
	return send_to_server(skb, d, v6, &p->reply.daddr);
}

/* What is put on to the client's segments on their way: TOA, or the tunnel to the server of this director's own client, whose kernel
 * keeps no smaller MTU for an address of its own. */
static __always_inline __u32 added_to_segments(const struct connection *c, int v6)
{
	__u32 slot = c->dest_slot;
	const struct dest *d;

	if (c->method == METHOD_FNAT)
		return toa_size(v6);
	d = c->method == METHOD_TUN ? dest_at(slot) : 0;
	return d ? tunnel_overhead(d, 1) : 0;
}

static __always_inline int from_full_nat(struct __sk_buff *skb, int v6)
{
	struct packet *p = packet_in_hand();
	struct connection *c = p ? lookup_connection(&p->client, v6) : 0;
	struct tcphdr tcp;

	if (!c)
		return DROP;
	if (p->flow.proto == IPPROTO_TCP && p->opens && !bpf_skb_load_bytes(skb, p->l4_offset, &tcp, sizeof(tcp))) {
		if (c->method == METHOD_FNAT)
			c->server_isn = bpf_ntohl(tcp.seq);
		if (lower_mss(skb, p, added_to_segments(c, v6)))
			goto malformed;
	}
	/* The last fragment of a datagram may be shorter than any header. */
	if ((has_ports(p) && pull(skb, p->l4_offset + (p->flow.proto == IPPROTO_TCP ? sizeof(tcp) : sizeof(struct udphdr)))) ||
	    translate(skb, p, v6, SOURCE, (struct endpoint){ &p->client.daddr, p->client.dport }) ||
	    translate(skb, p, v6, DESTINATION, (struct endpoint){ &p->client.saddr, p->client.sport }))
		goto malformed;
	return send_to_client(skb, c, v6);
malformed:
	count_drop(DROP_MALFORMED);
	return DROP;
}

#endif
