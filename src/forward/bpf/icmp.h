/* SPDX-License-Identifier: GPL-2.0-only */
/* ICMP errors: translated for NAT connections in both directions, and sent to clients on the director's behalf. */
#ifndef TANIST_ICMP_H
#define TANIST_ICMP_H

#include "connection.h"
#include "rewrite.h"
#include "route.h"

/* The headers of the C library drag its types in; RFC 792, RFC 4443. */
#define ICMP_DEST_UNREACH 3
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETERPROB 12
#define ICMP_PORT_UNREACH 3
#define ICMP_FRAG_NEEDED 4
#define ICMPV6_DEST_UNREACH 1
#define ICMPV6_PKT_TOOBIG 2
#define ICMPV6_TIME_EXCEED 3
#define ICMPV6_PARAMPROB 4
#define ICMPV6_PORT_UNREACH 4

struct icmphdr {
	__u8 type;
	__u8 code;
	__u16 checksum;
	__u32 rest; /* the MTU: IPv4's is in the lower half */
};

/* Of the quoted packet: its IP header without options, and the 8 bytes that follow it. */
struct quoted4 {
	struct iphdr ip;
	__u16 ports[2];
	__u16 rest[2]; /* UDP: length and checksum */
};

struct quoted6 {
	struct ipv6hdr ip;
	__u16 ports[2];
	__u16 rest[2];
};

#define TCP_HEADER 20

static __always_inline int is_icmp_error(__u8 type, int v6)
{
	if (v6)
		return type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMPROB;
	return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB;
}

static __always_inline int is_too_big(const struct icmphdr *icmp, int v6)
{
	return v6 ? icmp->type == ICMPV6_PKT_TOOBIG : icmp->type == ICMP_DEST_UNREACH && icmp->code == ICMP_FRAG_NEEDED;
}

/* Has the sender leave room for what full NAT may add on the way. The MTU is in the lower half of the word. */
static __always_inline int lower_mtu(struct __sk_buff *skb, const struct packet *p, const struct icmphdr *icmp, __u32 by)
{
	__u16 old = bpf_ntohl(icmp->rest), new = bpf_htons(old - by);

	if (old <= by)
		return 0;
	return bpf_skb_store_bytes(skb, p->l4_offset + 6, &new, sizeof(new), 0) ||
	       bpf_l4_csum_replace(skb, p->l4_offset + __builtin_offsetof(struct icmphdr, checksum), bpf_htons(old), new, 2);
}

/* What an ICMP error quotes, as a flow; false when it quotes nothing that can be a connection. */
static __always_inline int read_quoted(struct __sk_buff *skb, __u32 icmp_offset, int v6, struct flow *flow)
{
	__u32 offset = icmp_offset + sizeof(struct icmphdr);
	struct quoted4 q;
	struct quoted6 q6;

	if (v6) {
		if (bpf_skb_load_bytes(skb, offset, &q6, sizeof(q6)))
			return 0;
		__builtin_memcpy(&flow->saddr, &q6.ip.saddr, sizeof(flow->saddr));
		__builtin_memcpy(&flow->daddr, &q6.ip.daddr, sizeof(flow->daddr));
		flow->proto = q6.ip.nexthdr;
		flow->family = AF_INET6;
		flow->sport = q6.ports[0];
		flow->dport = q6.ports[1];
	} else {
		if (bpf_skb_load_bytes(skb, offset, &q, sizeof(q)) || q.ip.ihl != 5 || q.ip.frag_off & bpf_htons(0x1fff))
			return 0;
		flow->saddr.words[0] = q.ip.saddr;
		flow->daddr.words[0] = q.ip.daddr;
		flow->proto = q.ip.protocol;
		flow->family = AF_INET;
		flow->sport = q.ports[0];
		flow->dport = q.ports[1];
	}
	return flow->proto == IPPROTO_TCP || flow->proto == IPPROTO_UDP || flow->proto == IPPROTO_SCTP;
}

/* The checksum of a quoted datagram, whose own header may be cut off by the quote's end; 0 stands for none. */
static __always_inline __u16 quoted_check(__u16 check, const struct address *old, const struct address *new,
					  __u16 old_port, __u16 port, int v6)
{
	return check ? changed(check, address_change(old, new, v6) + word_change(old_port, port)) : 0;
}

/* Rewrites the quoted packet in place. `source` names the end of it that is translated. The ICMP checksum moves by
 * the difference of the quoted bytes; the quoted IP header gets a right checksum of its own. */
static __always_inline int rewrite_quoted(struct __sk_buff *skb, __u32 icmp_offset, int v6, int source,
					  const struct address *addr, __u16 port)
{
	__u32 offset = icmp_offset + sizeof(struct icmphdr), length;
	union {
		struct quoted4 v4;
		struct quoted6 v6;
	} old = {}, new;
	struct address *end, before;
	__u16 *ports, *rest, old_port;
	__s64 difference;
	__u8 proto;

	length = v6 ? sizeof(old.v6) : sizeof(old.v4);
	if (bpf_skb_load_bytes(skb, offset, &old, length))
		return -1;
	new = old;
	if (v6) {
		ports = new.v6.ports;
		rest = new.v6.rest;
		proto = new.v6.ip.nexthdr;
		end = (void *)(source ? &new.v6.ip.saddr : &new.v6.ip.daddr);
		before = *end;
		*end = *addr;
	} else {
		ports = new.v4.ports;
		rest = new.v4.rest;
		proto = new.v4.ip.protocol;
		before = (struct address){ .words[0] = source ? new.v4.ip.saddr : new.v4.ip.daddr };
		new.v4.ip.check = changed(new.v4.ip.check, address_change(&before, addr, 0));
		if (source)
			new.v4.ip.saddr = addr->words[0];
		else
			new.v4.ip.daddr = addr->words[0];
	}
	old_port = ports[source ? 0 : 1];
	ports[source ? 0 : 1] = port;
	if (proto == IPPROTO_UDP)
		rest[1] = quoted_check(rest[1], &before, addr, old_port, port, v6);
	difference = bpf_csum_diff((__be32 *)&old, length, (__be32 *)&new, length, 0);
	if (difference < 0 || bpf_skb_store_bytes(skb, offset, &new, length, 0))
		return -1;
	return bpf_l4_csum_replace(skb, icmp_offset + __builtin_offsetof(struct icmphdr, checksum), 0, difference, 0);
}

/* Replaces one outer address of an ICMP error, and with IPv6 the checksum that covers it, and takes one hop off. */
static __always_inline int rewrite_outer(struct __sk_buff *skb, struct packet *p, int v6, int source,
					 const struct address *addr)
{
	const struct address *old = source ? &p->flow.saddr : &p->flow.daddr;
	__s64 difference;

	if (v6) {
		difference = bpf_csum_diff((void *)old, sizeof(*old), (void *)addr, sizeof(*addr), 0);
		if (difference < 0 ||
		    bpf_l4_csum_replace(skb, p->l4_offset + __builtin_offsetof(struct icmphdr, checksum), 0, difference,
					BPF_F_PSEUDO_HDR))
			return -1;
	}
	return rewrite_ip(skb, p, v6, !source, addr);
}

/* Sends the packet back the way it came; one that came by way of a mark, to its sender by the kernel's route. */
static __always_inline int send_back(struct __sk_buff *skb, int v6)
{
	const struct packet *p = packet_in_hand();
	struct ethhdr eth, back;
	struct way way;

	if (p && p->own)
		return enter_loopback(skb, TO_DELIVER);
	if (p && p->marked)
		return find_route(skb, v6, &p->flow.daddr, &p->flow.saddr, &way) ? DROP : send_to(way.ifindex, &way.hop, v6);
	if (bpf_skb_load_bytes(skb, 0, &eth, sizeof(eth)))
		return DROP;
	__builtin_memcpy(back.h_dest, eth.h_source, ETH_ALEN);
	__builtin_memcpy(back.h_source, eth.h_dest, ETH_ALEN);
	back.h_proto = eth.h_proto;
	if (bpf_skb_store_bytes(skb, 0, &back, sizeof(back), 0))
		return DROP;
	return bpf_redirect(skb->ifindex, 0);
}

/* Turns the packet into an ICMP error to its sender, from the address that it was sent to, and sends it back the way
 * it came. What follows the IP header is quoted up to the end of the TCP header, or the first 8 bytes: RFC 792 asks for
 * no more, and the kernel keeps a packet whose checksum is left to the device from being cut before that checksum. */
__noinline int answer_icmp4(struct __sk_buff *skb)
{
	const struct packet *p = packet_in_hand();
	struct {
		struct iphdr ip;
		struct icmphdr icmp;
	} reply = {};
	union {
		struct iphdr ip;
		__be32 words[(sizeof(struct iphdr) + TCP_HEADER) / 4];
	} quoted = {};
	__u32 length = sizeof(struct quoted4);
	__s64 sum;

	if (!p || bpf_skb_load_bytes(skb, ETH_HLEN, &quoted, sizeof(struct quoted4)))
		return DROP;
	if (quoted.ip.protocol == IPPROTO_TCP) {
		length = sizeof(quoted);
		if (bpf_skb_load_bytes(skb, ETH_HLEN, &quoted, sizeof(quoted)))
			return DROP;
	}
	if (bpf_skb_change_tail(skb, ETH_HLEN + length, 0) ||
	    bpf_skb_adjust_room(skb, sizeof(reply), BPF_ADJ_ROOM_MAC, 0))
		return DROP;
	reply.ip.version = 4;
	reply.ip.ihl = 5;
	reply.ip.tos = 0xc0;
	reply.ip.tot_len = bpf_htons(sizeof(reply) + length);
	reply.ip.ttl = 64;
	reply.ip.protocol = IPPROTO_ICMP;
	reply.ip.saddr = quoted.ip.daddr;
	reply.ip.daddr = quoted.ip.saddr;
	reply.icmp.type = p->answer_type;
	reply.icmp.code = p->answer_code;
	reply.icmp.rest = bpf_htonl(p->answer_mtu);
	reply.ip.check = ~fold(bpf_csum_diff(0, 0, (__be32 *)&reply.ip, sizeof(reply.ip), 0));
	sum = bpf_csum_diff(0, 0, (__be32 *)&reply.icmp, sizeof(reply.icmp), 0);
	/* The rest of the words is zero when less is quoted. */
	reply.icmp.checksum = ~fold(bpf_csum_diff(0, 0, quoted.words, sizeof(quoted), sum));
	if (bpf_skb_store_bytes(skb, ETH_HLEN, &reply, sizeof(reply), 0))
		return DROP;
	return send_back(skb, 0);
}

__noinline int answer_icmp6(struct __sk_buff *skb)
{
	const struct packet *p = packet_in_hand();
	struct {
		struct ipv6hdr ip;
		struct icmphdr icmp;
	} reply = {};
	union {
		struct ipv6hdr ip;
		__be32 words[(sizeof(struct ipv6hdr) + TCP_HEADER) / 4];
	} quoted = {};
	__be32 lengths[2]; /* the rest of the pseudo-header, RFC 8200 §8.1 */
	__u32 length = sizeof(struct quoted6);
	__s64 sum;

	if (!p || bpf_skb_load_bytes(skb, ETH_HLEN, &quoted, sizeof(struct quoted6)))
		return DROP;
	if (quoted.ip.nexthdr == IPPROTO_TCP) {
		length = sizeof(quoted);
		if (bpf_skb_load_bytes(skb, ETH_HLEN, &quoted, sizeof(quoted)))
			return DROP;
	} else if (quoted.ip.nexthdr == IPPROTO_FRAGMENT) {
		length = sizeof(struct quoted6) + 8;
		if (bpf_skb_load_bytes(skb, ETH_HLEN, &quoted, sizeof(struct quoted6) + 8))
			return DROP;
	}
	if (bpf_skb_change_tail(skb, ETH_HLEN + length, 0) ||
	    bpf_skb_adjust_room(skb, sizeof(reply), BPF_ADJ_ROOM_MAC, 0))
		return DROP;
	reply.ip.version = 6;
	reply.ip.payload_len = bpf_htons(sizeof(reply.icmp) + length);
	reply.ip.nexthdr = IPPROTO_ICMPV6;
	reply.ip.hop_limit = 64;
	reply.ip.saddr = quoted.ip.daddr;
	reply.ip.daddr = quoted.ip.saddr;
	reply.icmp.type = p->answer_type;
	reply.icmp.code = p->answer_code;
	reply.icmp.rest = bpf_htonl(p->answer_mtu);
	lengths[0] = bpf_htonl(sizeof(reply.icmp) + length);
	lengths[1] = bpf_htonl(IPPROTO_ICMPV6);
	sum = bpf_csum_diff(0, 0, lengths, sizeof(lengths), 0);
	sum = bpf_csum_diff(0, 0, (__be32 *)&reply.ip.saddr, 32, sum);
	sum = bpf_csum_diff(0, 0, (__be32 *)&reply.icmp, sizeof(reply.icmp), sum);
	reply.icmp.checksum = ~fold(bpf_csum_diff(0, 0, quoted.words, sizeof(quoted), sum));
	if (bpf_skb_store_bytes(skb, ETH_HLEN, &reply, sizeof(reply), 0))
		return DROP;
	return send_back(skb, 1);
}

/* The errors that the director itself sends, in the terms of both families. */
static __always_inline int answer(struct packet *p, __u8 type, __u8 code, __u32 mtu)
{
	p->answer_type = type;
	p->answer_code = code;
	p->answer_mtu = mtu;
	return TO_ANSWER;
}

static __always_inline int answer_unreachable(struct packet *p, int v6)
{
	return v6 ? answer(p, ICMPV6_DEST_UNREACH, ICMPV6_PORT_UNREACH, 0) :
		    answer(p, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
}

static __always_inline int answer_ttl(struct packet *p, int v6)
{
	count_drop(DROP_TTL);
	return answer(p, v6 ? ICMPV6_TIME_EXCEED : ICMP_TIME_EXCEEDED, 0, 0);
}

static __always_inline int answer_too_big(struct packet *p, int v6, __u32 mtu)
{
	count_drop(DROP_TOO_BIG);
	return v6 ? answer(p, ICMPV6_PKT_TOOBIG, 0, mtu) : answer(p, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, mtu);
}

#endif
