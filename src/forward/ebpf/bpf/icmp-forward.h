/* SPDX-License-Identifier: GPL-2.0-only */
/* ICMP errors about packets of connections: translated, and sent on to whom they are for. C:c is the client, V:v the virtual server,
 * S:s the real one, L:l full NAT's local address and port, R the router that sends the error.
 *
 *                                       NAT, comes in    leaves         full NAT, comes in    leaves
 *   about what went to S      outer     R -> C           V -> C         R -> L                V -> C
 *                             quoted    C:c -> S:s       C:c -> V:v     L:l -> S:s            C:c -> V:v
 *   about what went to C      outer     R -> V           R -> S         R -> V                L -> S
 *                             quoted    V:v -> C:c       S:s -> C:c     V:v -> C:c            S:s -> L:l
 *
 * A quote turned round is a key of keys.h. By DR and TUN an error from the clients' side goes to the server as it is. */
#ifndef TANIST_ICMP_FORWARD_H
#define TANIST_ICMP_FORWARD_H

#include "admission.h"
#include "clock.h"
#include "connection.h"
#include "counters.h"
#include "icmp-quote.h"
#include "icmp.h"
#include "keys.h"
#include "layout.h"
#include "maps.h"
#include "packet.h"
#include "path-mtu.h"
#include "rewrite.h"
#include "scratch.h"
#include "send.h"
#include "toa.h"
#include "verdict.h"

/* Replaces one outer address of an ICMP error, and with IPv6 the checksum that covers it, and takes one hop off. */
static __always_inline int rewrite_outer(struct __sk_buff *skb, struct packet *p, int v6, enum side side, const struct address *addr)
{
	const struct address *old = side == SOURCE ? &p->flow.saddr : &p->flow.daddr;
	__s64 difference;

	if (v6) {
		difference = bpf_csum_diff((void *)old, sizeof(*old), (void *)addr, sizeof(*addr), 0);
		if (difference < 0 ||
		    bpf_l4_csum_replace(skb, p->l4_offset + __builtin_offsetof(struct icmphdr, checksum), 0, difference,
					BPF_F_PSEUDO_HDR))
			return -1;
	}
	return rewrite_ip(skb, p, v6, side, addr);
}

/* An ICMP error that came in. */
struct received_error {
	struct icmphdr icmp;
	struct quote quoted;
	struct flow client; /* whose packet a server's side quotes */
};

/* Without a word to its sender: that would be an error about an error. */
static __always_inline int drop_silently(enum drop reason)
{
	count_drop(reason);
	return DROP;
}

/* It quotes what a client has sent to its server. */
static __always_inline int icmp_to_client(struct __sk_buff *skb, struct packet *p, int v6, const struct received_error *e, __u64 now)
{
	const struct flow *client = &e->client;
	struct connection *c = find(client, now, v6);

	if (!c)
		return drop_silently(DROP_ENDED);
	if (p->ttl <= 1 && !p->marked)
		return drop_silently(DROP_TTL);
	count_packet(skb, p, c, 1);
	if (rewrite_quoted(skb, &e->quoted, v6, DESTINATION, (struct endpoint){ &client->daddr, client->dport }) ||
	    rewrite_outer(skb, p, v6, SOURCE, &client->daddr))
		return drop_silently(DROP_MALFORMED);
	if (c->local_port && (rewrite_quoted(skb, &e->quoted, v6, SOURCE, (struct endpoint){ &client->saddr, client->sport }) ||
			      rewrite_outer(skb, p, v6, DESTINATION, &client->saddr) ||
			      (c->method == METHOD_FNAT && e->quoted.flow.proto == IPPROTO_TCP && is_too_big(&e->icmp, v6) &&
			       lower_mtu(skb, p, &e->icmp, toa_size(v6)))))
		return drop_silently(DROP_MALFORMED);
	refresh_client_hop(skb, c, v6, client, now);
	return send_to_client(skb, c, v6);
}

/* It quotes what the virtual server has sent to the client of `c`. */
static __always_inline int icmp_to_server(struct __sk_buff *skb, struct packet *p, int v6, const struct quote *quoted,
					  const struct connection *c)
{
	__u32 slot = c->dest_slot;
	const struct dest *d = dest_at(slot);

	if (!d || d->state != DEST_PRESENT)
		return drop_silently(DROP_DEST_REMOVED);
	count_packet(skb, p, c, 0);
	if (d->hops[d->hop & 1].ifindex == HOP_LOCAL) {
		p->rule = RULE_CONNECTION;
		return PASS;
	}
	if (p->ttl <= 1 && !p->marked)
		return drop_silently(DROP_TTL);
	if (c->method == METHOD_NAT || c->method == METHOD_FNAT) {
		if (rewrite_quoted(skb, quoted, v6, SOURCE, (struct endpoint){ &d->addr, server_port(d, c, quoted->flow.sport) }) ||
		    rewrite_outer(skb, p, v6, DESTINATION, &d->addr))
			return drop_silently(DROP_MALFORMED);
	} else if (rewrite_ip(skb, p, v6, DESTINATION, 0)) {
		return drop_silently(DROP_MALFORMED);
	}
	if (c->method == METHOD_TUN) {
		p->dest_slot = slot;
		return TO_TUNNEL;
	}
	if (c->method == METHOD_FNAT && (rewrite_quoted(skb, quoted, v6, DESTINATION, (struct endpoint){ &c->local, c->local_port }) ||
					 rewrite_outer(skb, p, v6, SOURCE, &c->local)))
		return drop_silently(DROP_MALFORMED);
	return send_to_server(skb, d, v6, &quoted->flow.daddr);
}

/* An ICMP error about a packet of a connection goes on to whom it is for, with one hop less. */
static __always_inline int forward_icmp(struct __sk_buff *skb, int v6)
{
	struct packet *p = packet_in_hand();
	const struct settings *s = get_settings();
	struct received_error e = {};
	const struct flow *f = &e.quoted.flow;
	struct connection *c;
	struct flow key;
	__u64 now;

	if (!p || !s)
		return PASS;
	now = now_ns(s);
	if (bpf_skb_load_bytes(skb, p->l4_offset, &e.icmp, sizeof(e.icmp)) || !is_icmp_error(e.icmp.type, v6))
		return PASS;
	if (!read_quoted(skb, p, p->l4_offset + sizeof(e.icmp), v6, &e.quoted)) {
		if (f->proto == IPPROTO_IPIP || f->proto == IPPROTO_IPV6 || f->proto == IPPROTO_GRE)
			learn_path_mtu(skb, p, &e.quoted, v6, now);
		return PASS;
	}
	/* As for what opens a connection: the kernel drops it and counts it. */
	if (is_martian(&p->flow.saddr, v6) || is_from_own_address(p))
		return PASS;
	key = reversed(f);
	if (lookup_reply(&key, &e.client, v6))
		return icmp_to_client(skb, p, v6, &e, now);
	c = find(&key, now, v6);
	if (c)
		return icmp_to_server(skb, p, v6, &e.quoted, c);
	/* It is about what a client has sent to a server by NAT before the connection's time was over, and has the server's address. */
	if (bpf_map_lookup_elem(&ended, &key))
		return drop_silently(DROP_ENDED);
	/* A GUE tunnel's own datagram. */
	if (f->proto == IPPROTO_UDP)
		learn_path_mtu(skb, p, &e.quoted, v6, now);
	return PASS;
}

#endif
