/* SPDX-License-Identifier: GPL-2.0-only */
/* Full NAT: the server sees an address of the director's in place of the client's, so that its answers come back whatever
 * its routes are. A TCP option (TOA, kind 254) tells it whose connection it is. */
#ifndef TANIST_FULL_NAT_H
#define TANIST_FULL_NAT_H

#include "rewrite.h"
#include "send.h"
#include "tunnel.h"

/* Ports that are given out for each local address and server, and how many places a packet looks at: the next packet goes
 * on from there. An entry that is over keeps its place until the sweep. */
#define FIRST_LOCAL_PORT 1024
#define LOCAL_PORTS (65536 - FIRST_LOCAL_PORT)
#define LOCAL_TRIES 1024

struct claim {
	const struct local_pool *pool; /* 0: one address */
	struct address own;
	__u64 *cursor;
	__u32 tries;
	__u32 claimed;
};

/* The place number n: the addresses of the pool in turn, and a port after the other. */
static __always_inline void local_place(const struct claim *claim, __u64 n, struct address *local, __u16 *port)
{
	__u32 count = claim->pool ? claim->pool->count : 1;

	if (!count)
		count = 1;
	*local = claim->pool ? claim->pool->addresses[n % count & (MAX_LOCAL_ADDRESSES - 1)] : claim->own;
	*port = bpf_htons(FIRST_LOCAL_PORT + n / count % LOCAL_PORTS);
}

static __always_inline long try_place(struct claim *claim, int v6)
{
	struct packet *p = packet_in_hand();
	int error;

	if (!p || claim->tries++ == LOCAL_TRIES)
		return 1;
	local_place(claim, __sync_fetch_and_add(claim->cursor, 1), &p->reply.daddr, &p->reply.dport);
	error = add_reply(&p->reply, &p->flow, BPF_NOEXIST, v6);
	claim->claimed = !error;
	return error != -17 /* EEXIST */;
}

/* The helper that goes over the elements of a map only does the counting, see schedule.h. */
static long try_place4(void *map, __u32 *index, void *unused, struct claim *claim)
{
	return try_place(claim, 0);
}

static long try_place6(void *map, __u32 *index, void *unused, struct claim *claim)
{
	return try_place(claim, 1);
}

#define CLAIM_KEEP 1u      /* without it, it is only told which would be looked at next */
#define CLAIM_OF_CLIENT 2u /* the address stays the client's own */

/* Gives the packet in hand, which opens a connection, a local address and port; leaves them in `reply`. False when there
 * is none. Without a pool the address is this director's towards the server; `flags` are the connection's. A global function, for
 * its loop's sake. */
__noinline int claim_place(__u32 dest_slot, __u32 service_slot, __u32 how, __u32 flags)
{
	struct dest *d = bpf_map_lookup_elem(&dests, &dest_slot);
	struct claim claim = {
		.pool = how & CLAIM_OF_CLIENT ? 0 : bpf_map_lookup_elem(&local_pools, &service_slot),
		.cursor = bpf_map_lookup_elem(&local_cursors, &dest_slot),
		.tries = unknown(0),
		.claimed = unknown(0),
	};
	struct connection seen = { .flags = flags };
	struct packet *p = packet_in_hand();

	if (!d || !p || !claim.cursor)
		return 0;
	seen.method = d->method;
	claim.own = how & CLAIM_OF_CLIENT ? p->flow.saddr : d->hops[d->hop & 1].local;
	if (!claim.pool && !is_set(&claim.own))
		return 0;
	p->reply = reply_flow(&p->flow, d, &seen);
	if (!(how & CLAIM_KEEP)) {
		local_place(&claim, *claim.cursor, &p->reply.daddr, &p->reply.dport);
		return 1;
	}
	if (p->flow.family == AF_INET6)
		bpf_for_each_map_elem(&loads, try_place6, &claim, 0);
	else
		bpf_for_each_map_elem(&loads, try_place4, &claim, 0);
	return claim.claimed;
}

/* As `claim_place`, into the connection. */
static __always_inline int claim_local(struct connection *c, __u32 how)
{
	const struct packet *p = packet_in_hand();

	if (!p || !claim_place(c->dest_slot, c->service_slot, how, c->flags)) {
		count_drop(DROP_NO_LOCAL_PORT);
		return 0;
	}
	c->local = p->reply.daddr;
	c->local_port = p->reply.dport;
	return 1;
}

/* TOA: kind, length, the client's port and address. */
struct toa {
	__u8 kind;
	__u8 length;
	__u16 port;
	struct address addr;
};

#define TOA_KIND 254
#define MAX_TCP_HEADER 60
/* Bytes behind the fixed TCP header that can be moved to make room. */
#define MAX_MOVED 2048

static __always_inline __u32 toa_size(int v6)
{
	return v6 ? 20 : 8;
}

static __always_inline int store_length(struct __sk_buff *skb, int v6, __u32 length)
{
	struct iphdr *ip = ip_header(skb);
	struct ipv6hdr *ip6 = ip6_header(skb);

	if (v6) {
		if (!ip6)
			return -1;
		ip6->payload_len = bpf_htons(length - sizeof(*ip6));
		return 0;
	}
	if (!ip)
		return -1;
	ip->check = changed(ip->check, word_change(ip->tot_len, bpf_htons(length)));
	ip->tot_len = bpf_htons(length);
	return 0;
}

/* Puts the option behind the fixed TCP header, where there is room for it in the header and on the link, and not into
 * a packet that is yet to be cut into segments. What follows is moved towards the end, so that a checksum which is left
 * to the device is still begun at the right place. */
static __always_inline int add_toa(struct __sk_buff *skb, struct packet *p, int v6, __u32 mtu)
{
	struct toa option = { .kind = TOA_KIND, .length = toa_size(v6), .port = p->flow.sport, .addr = p->flow.saddr };
	__u32 zero = 0, size = toa_size(v6), at = p->l4_offset + sizeof(struct tcphdr), rest, check, segment;
	__u8 *moved = bpf_map_lookup_elem(&scratch, &zero);
	struct tcphdr tcp;
	__u16 words[2];
	__s64 sum;

	if (!moved || bpf_skb_load_bytes(skb, p->l4_offset, &tcp, sizeof(tcp)))
		return -1;
	rest = ETH_HLEN + p->ip_length - at;
	if (skb->gso_size || tcp.doff * 4 + size > MAX_TCP_HEADER || (mtu && p->ip_length + size > mtu) || rest >= MAX_MOVED)
		return 0;
	if (rest && bpf_skb_load_bytes(skb, at, moved, bounded(rest, MAX_MOVED)))
		return -1;
	if (bpf_skb_change_tail(skb, at + rest + size, 0))
		return -1;
	if (rest && bpf_skb_store_bytes(skb, at + size, moved, bounded(rest, MAX_MOVED), 0))
		return -1;
	sum = bpf_csum_diff(0, 0, (__be32 *)&option, size, 0);
	check = p->l4_offset + __builtin_offsetof(struct tcphdr, check);
	segment = p->ip_length - (p->l4_offset - ETH_HLEN);
	words[0] = ((__u16 *)&tcp)[6]; /* header length and flags */
	tcp.doff += size / 4;
	words[1] = ((__u16 *)&tcp)[6];
	if (sum < 0 || bpf_skb_store_bytes(skb, at, &option, size, 0) ||
	    bpf_skb_store_bytes(skb, p->l4_offset + 12, &words[1], sizeof(words[1]), 0) ||
	    bpf_l4_csum_replace(skb, check, bpf_htons(segment), bpf_htons(segment + size), BPF_F_PSEUDO_HDR | 2) ||
	    bpf_l4_csum_replace(skb, check, words[0], words[1], 2) || bpf_l4_csum_replace(skb, check, 0, sum, 0))
		return -1;
	p->ip_length += size;
	return need(skb, at) || store_length(skb, v6, p->ip_length);
}

/* The client's packets until it has got data: these are what the server may learn the client's address from. */
static __always_inline int wants_toa(struct __sk_buff *skb, const struct packet *p)
{
	struct tcphdr tcp;

	return p->flow.proto == IPPROTO_TCP && p->fragment == WHOLE && p->event != EV_SYN && p->event != EV_RST &&
	       !bpf_skb_load_bytes(skb, p->l4_offset, &tcp, sizeof(tcp)) && tcp.ack &&
	       bpf_ntohl(tcp.ack_seq) == p->server_isn + 1;
}

static __always_inline int to_full_nat(struct __sk_buff *skb, int v6)
{
	struct packet *p = packet_in_hand();
	const struct dest *d = p ? bpf_map_lookup_elem(&dests, &p->dest_slot) : 0;
	int wanted;

	if (!d || p->fragment == IPSEC) /* which local address would have no port to be told by */
		return DROP;
	wanted = wants_toa(skb, p);
	if (translate(skb, p, v6, 1, &d->addr, p->reply.sport) ||
	    translate(skb, p, v6, 0, &p->reply.daddr, p->reply.dport) ||
	    (wanted && add_toa(skb, p, v6, d->hops[d->hop & 1].mtu))) {
		count_drop(DROP_MALFORMED);
		return DROP;
	}
	return send_to_server(skb, d, v6, &p->reply.daddr);
}

#define TCP_OPTIONS 40
#define OPTION_END 0
#define OPTION_NOP 1
#define OPTION_MSS 2

/* A walk over the options of a TCP header, which are in `scratch`. */
struct seek {
	__u32 at;
	__u32 length;
	__u32 found;
};

static long next_option(void *map, __u32 *index, void *unused, struct seek *seek)
{
	__u32 zero = 0, at = seek->at & 63;
	const __u8 *options = bpf_map_lookup_elem(&scratch, &zero);

	if (!options || at + 4 > seek->length || options[at] == OPTION_END)
		return 1;
	seek->found = options[at] == OPTION_MSS;
	if (!seek->found)
		seek->at = at + (options[at] == OPTION_NOP || options[at + 1] < 2 ? 1 : options[at + 1]);
	return seek->found;
}

/* Makes the server's maximum segment size smaller by what TOA needs, so that the client's segments leave room for it. */
static __always_inline int lower_mss(struct __sk_buff *skb, const struct packet *p, __u32 by)
{
	struct seek seek = {
		.length = p->ip_length - (p->l4_offset - ETH_HLEN) - sizeof(struct tcphdr),
		.at = unknown(0),
		.found = unknown(0),
	};
	__u32 offset = p->l4_offset + sizeof(struct tcphdr), check = p->l4_offset + __builtin_offsetof(struct tcphdr, check);
	__u32 zero = 0, at;
	__u8 *options = bpf_map_lookup_elem(&scratch, &zero);
	__u16 old, new;

	if (!options || !seek.length || seek.length > TCP_OPTIONS ||
	    bpf_skb_load_bytes(skb, offset, options, bounded(seek.length, 64)))
		return 0;
	bpf_for_each_map_elem(&loads, next_option, &seek, 0);
	at = seek.at & 63;
	if (!seek.found)
		return 0;
	old = options[at + 2] << 8 | options[at + 3];
	if (old <= by)
		return 0;
	new = bpf_htons(old - by);
	old = bpf_htons(old);
	if (bpf_skb_store_bytes(skb, offset + at + 2, &new, sizeof(new), 0))
		return -1;
	/* The words of the checksum are those of the segment, and the option may lie across two. */
	return at & 1 ? bpf_l4_csum_replace(skb, check, __builtin_bswap16(old), __builtin_bswap16(new), 2) :
			bpf_l4_csum_replace(skb, check, old, new, 2);
}

/* What is put on to the client's segments on their way: TOA, or the tunnel to the server of this director's own client, whose kernel
 * keeps no smaller MTU for an address of its own. */
static __always_inline __u32 added_to_segments(const struct connection *c, int v6)
{
	__u32 slot = c->dest_slot;
	const struct dest *d;

	if (c->method == METHOD_FNAT)
		return toa_size(v6);
	d = c->method == METHOD_TUN ? bpf_map_lookup_elem(&dests, &slot) : 0;
	return d ? tunnel_room(d, 1) : 0;
}

static __always_inline int from_full_nat(struct __sk_buff *skb, int v6)
{
	struct packet *p = packet_in_hand();
	struct connection *c = p ? lookup_connection(&p->client, v6) : 0;
	struct tcphdr tcp;

	if (!c)
		return DROP;
	if (p->flow.proto == IPPROTO_TCP && p->syn && !bpf_skb_load_bytes(skb, p->l4_offset, &tcp, sizeof(tcp))) {
		if (c->method == METHOD_FNAT)
			c->server_isn = bpf_ntohl(tcp.seq);
		if (lower_mss(skb, p, added_to_segments(c, v6)))
			goto malformed;
	}
	/* The last fragment of a datagram may be shorter than any header. */
	if ((has_ports(p) && need(skb, p->l4_offset + (p->flow.proto == IPPROTO_TCP ? sizeof(tcp) : sizeof(struct udphdr)))) ||
	    translate(skb, p, v6, 0, &p->client.daddr, p->client.dport) ||
	    translate(skb, p, v6, 1, &p->client.saddr, p->client.sport))
		goto malformed;
	return send_to_client(skb, c, v6);
malformed:
	count_drop(DROP_MALFORMED);
	return DROP;
}

#endif
