/* SPDX-License-Identifier: GPL-2.0-only */
/* A packet of a known connection on its way: to the server by the connection's method, back to the client for NAT. */
#ifndef TANIST_FORWARD_H
#define TANIST_FORWARD_H

#include "cut.h"
#include "full-nat.h"
#include "icmp.h"
#include "send.h"
#include "tunnel.h"
#include "unreachable.h"

static __always_inline int to_tunnel(struct __sk_buff *skb, int v6)
{
	const struct packet *p = packet_in_hand();
	const struct dest *d = p ? bpf_map_lookup_elem(&dests, &p->dest_slot) : 0;

	if (!d || wrap(skb, p, v6, d)) {
		count_drop(DROP_MALFORMED);
		return DROP;
	}
	return d->family == AF_INET6 ? send_to_server(skb, d, 1, &d->hops[d->hop & 1].local) :
				       send_to_server(skb, d, 0, &d->hops[d->hop & 1].local);
}

/* What the way to a tunnel's end has room for, headers of the tunnel and all. */
static __always_inline __u32 tunnel_mtu(const struct dest *d, __u32 dest_slot, __u32 link_mtu, __u64 now)
{
	const struct path_mtu *path = bpf_map_lookup_elem(&path_mtus, &dest_slot);

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
	d = bpf_map_lookup_elem(&dests, &slot);
	if (!d)
		return;
	path.mtu = v6 ? bpf_ntohl(icmp.rest) : bpf_ntohl(icmp.rest) & 0xffff;
	path.dest_id = d->id;
	/* Below these nobody's link is (RFC 791, RFC 8200); a forged error shall not make packets smaller still. */
	if (path.mtu >= (v6 ? 1280 : 576))
		bpf_map_update_elem(&path_mtus, &slot, &path, BPF_ANY);
}

static __always_inline int is_cuttable(struct __sk_buff *skb, const struct packet *p)
{
	return !p->dont_fragment && !skb->gso_size;
}

/* DR and TUN never change the port. */
static __always_inline int has_own_port(const struct dest *d, const struct connection *c, const struct flow *flow)
{
	return flow->proto == IPPROTO_TCP && (d->method == METHOD_NAT || d->method == METHOD_FNAT) &&
	       server_port(d, c, flow->dport) != flow->dport;
}

static __always_inline int to_server(struct __sk_buff *skb, struct packet *p, int v6, struct connection *c, __u64 now)
{
	__u32 dest_slot = c->dest_slot, room, most;
	struct dest *d = bpf_map_lookup_elem(&dests, &dest_slot);
	int local, too_long, may_cut;
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
		room = most - tunnel_room(d, d->tunnel_checksum);
		/* A packet that is cut up by segments has them made shorter for the tunnel's header. */
		if (!skb->gso_size)
			most = room;
	}
	too_long = !local && room && is_too_long(skb, p, most, hop->ifindex);
	may_cut = is_cuttable(skb, p);
	if (too_long && may_cut && !p->cut)
		return cut(skb, p, room);
	if (!p->dry)
		count_connection_packet(skb, p, c, 0);
	if (local) {
		p->dest_slot = dest_slot;
		return has_own_port(d, c, &p->flow) && !p->dry ? TO_OWN_PORT : PASS;
	}
	if (!hop->ifindex && (c->method == METHOD_TUN || lacks_route(skb, d, &p->flow.saddr)))
		return answer_no_server(p, v6);
	if (p->ttl <= 1 && !p->marked)
		return answer_ttl(p, v6);
	if (too_long && !may_cut)
		return answer_too_big(p, v6, room);
	if (too_long && keep_first_part(skb, p, room))
		goto malformed;
	if (c->method == METHOD_NAT) {
		if (translate(skb, p, v6, 1, &d->addr, server_port(d, c, p->flow.dport)))
			goto malformed;
		return send_to_server(skb, d, v6, &p->flow.saddr);
	}
	p->dest_slot = dest_slot;
	if (c->method == METHOD_FNAT) {
		p->reply = reply_flow(&p->flow, d, c);
		p->server_isn = c->server_isn;
		return TO_FULL_NAT;
	}
	if (c->local_port ? translate(skb, p, v6, 0, &c->local, c->local_port) : rewrite_ip(skb, p, v6, 1, 0))
		goto malformed;
	if (c->method == METHOD_TUN) {
		return TO_TUNNEL;
	}
	return send_to_server(skb, d, v6, &p->flow.saddr);
malformed:
	count_drop(DROP_MALFORMED);
	return DROP;
}

/* Whether a datagram's checksum is left to the device that sends it, as on the links to guests and containers of this host: so far
 * it is that of the pseudo-header alone. */
static __always_inline int is_unsummed(struct __sk_buff *skb, const struct packet *p)
{
	__u64 pseudo = (__u64)p->flow.saddr.words[0] + p->flow.daddr.words[0] + bpf_htons(IPPROTO_UDP);
	struct udphdr udp;

	return p->flow.proto == IPPROTO_UDP && p->fragment == WHOLE &&
	       !bpf_skb_load_bytes(skb, p->l4_offset, &udp, sizeof(udp)) && udp.check == fold(pseudo + udp.len);
}

/* An answer that cannot be cut here, since a device would sum up its first part alone: the kernel's own forwarding knows how. It comes
 * from an address of this host, which is taken on the loopback interface, see own.h. */
static __always_inline int by_kernel(struct __sk_buff *skb, struct packet *p, const struct flow *client, struct connection *c,
				     const struct settings *s, __u64 now)
{
	if (!p->dry) {
		count_connection_packet(skb, p, c, 1);
		proceed(s, c, p, client, DIR_OUTPUT, now, 0);
	}
	p->hop_taken = 1; /* the kernel takes it */
	if (translate(skb, p, 0, 0, &client->daddr, client->dport)) {
		count_drop(DROP_MALFORMED);
		return DROP;
	}
	return enter_loopback(skb, TO_DELIVER);
}

static __always_inline int from_server(struct __sk_buff *skb, struct packet *p, int v6, const struct flow *client,
				       struct connection *c, const struct settings *s, __u64 now)
{
	int too_long, may_cut = is_cuttable(skb, p), nowhere;

	if (p->ttl <= 1)
		return answer_ttl(p, v6);
	nowhere = know_way_back(skb, c, v6, client, now);
	if (nowhere)
		return answer_no_client(p, v6, nowhere);
	too_long = c->back_mtu && is_too_long(skb, p, c->back_mtu, c->back_ifindex);
	if (too_long && may_cut && !p->cut)
		return c->method == METHOD_NAT && s->flags & OWN_CLIENTS && is_unsummed(skb, p) ?
			       by_kernel(skb, p, client, c, s, now) :
			       cut(skb, p, c->back_mtu);
	if (!p->dry)
		count_connection_packet(skb, p, c, 1);
	if (too_long && !may_cut)
		return answer_too_big(p, v6, c->back_mtu);
	if (too_long && keep_first_part(skb, p, c->back_mtu))
		goto malformed;
	if (!p->dry)
		proceed(s, c, p, client, DIR_OUTPUT, now, v6);
	if (c->method != METHOD_NAT)
		return FROM_FULL_NAT;
	if (translate(skb, p, v6, 0, &client->daddr, client->dport))
		goto malformed;
	return send_to_client(skb, c, v6);
malformed:
	count_drop(DROP_MALFORMED);
	return DROP;
}

/* An ICMP error about a packet of a connection goes on to whom it is for, with one hop less; one about it would be an error about an
 * error, so the last hop is silent. */
static __always_inline int forward_icmp(struct __sk_buff *skb, int v6)
{
	struct packet *p = packet_in_hand();
	const struct settings *s = get_settings();
	struct quote quoted = {};
	struct flow reply, client;
	const struct flow *f = &quoted.flow;
	struct icmphdr icmp;
	struct connection *c;
	struct dest *d;
	__u32 slot;
	__u64 now;

	if (!p || !s)
		return PASS;
	now = now_ns(s);
	if (bpf_skb_load_bytes(skb, p->l4_offset, &icmp, sizeof(icmp)) || !is_icmp_error(icmp.type, v6))
		return PASS;
	if (!read_quoted(skb, p, p->l4_offset + sizeof(icmp), v6, &quoted)) {
		if (f->proto == IPPROTO_IPIP || f->proto == IPPROTO_IPV6 || f->proto == IPPROTO_GRE)
			learn_path_mtu(skb, p, &quoted, v6, now);
		return PASS;
	}
	reply = (struct flow){
		.saddr = f->daddr, .daddr = f->saddr, .sport = f->dport, .dport = f->sport,
		.proto = f->proto, .family = f->family,
	};
	/* As for what opens a connection: the kernel drops it and counts it. */
	if (is_martian(&p->flow.saddr, v6) || is_own(p))
		return PASS;
	/* From the servers' side: it quotes client -> server, which is the reply key the other way round. */
	if (lookup_reply(&reply, &client, v6)) {
		c = find(&client, now, v6);
		if (!c)
			return PASS;
		if (p->ttl <= 1 && !p->marked)
			goto last_hop;
		count_connection_packet(skb, p, c, 1);
		if (rewrite_quoted(skb, p, &quoted, v6, 0, &client.daddr, client.dport) ||
		    rewrite_outer(skb, p, v6, 1, &client.daddr))
			return DROP;
		if (c->local_port &&
		    (rewrite_quoted(skb, p, &quoted, v6, 1, &client.saddr, client.sport) ||
		     rewrite_outer(skb, p, v6, 0, &client.saddr) ||
		     (c->method == METHOD_FNAT && f->proto == IPPROTO_TCP && is_too_big(&icmp, v6) &&
		      lower_mtu(skb, p, &icmp, toa_size(v6)))))
			return DROP;
		know_way_back(skb, c, v6, &client, now);
		return send_to_client(skb, c, v6);
	}
	/* From the clients' side: it quotes VIP -> client, the connection's key the other way round. */
	c = find(&reply, now, v6);
	if (!c) {
		if (f->proto == IPPROTO_UDP)
			learn_path_mtu(skb, p, &quoted, v6, now);
		return PASS;
	}
	slot = c->dest_slot;
	d = bpf_map_lookup_elem(&dests, &slot);
	if (!d || d->state != DEST_PRESENT)
		return DROP;
	count_connection_packet(skb, p, c, 0);
	if (d->hops[d->hop & 1].ifindex == HOP_LOCAL)
		return PASS;
	if (p->ttl <= 1 && !p->marked)
		goto last_hop;
	if (c->method == METHOD_NAT || c->method == METHOD_FNAT) {
		if (rewrite_quoted(skb, p, &quoted, v6, 1, &d->addr, server_port(d, c, reply.dport)) ||
		    rewrite_outer(skb, p, v6, 0, &d->addr))
			return DROP;
	} else if (rewrite_ip(skb, p, v6, 1, 0)) {
		return DROP;
	}
	if (c->method == METHOD_TUN) {
		p->dest_slot = slot;
		return TO_TUNNEL;
	}
	if (c->method == METHOD_FNAT && (rewrite_quoted(skb, p, &quoted, v6, 0, &c->local, c->local_port) ||
					 rewrite_outer(skb, p, v6, 1, &c->local)))
		return DROP;
	return send_to_server(skb, d, v6, &reply.saddr);
last_hop:
	count_drop(DROP_TTL);
	return DROP;
}

#endif
