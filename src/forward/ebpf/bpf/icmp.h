/* SPDX-License-Identifier: GPL-2.0-only */
/* ICMP errors: translated for NAT connections in both directions, and sent to clients on the director's behalf. */
#ifndef TANIST_ICMP_H
#define TANIST_ICMP_H

#include "connection.h"
#include "error-rate.h"
#include "rewrite.h"
#include "route.h"

/* The headers of the C library drag its types in; RFC 792, RFC 4443. */
#define ICMP_DEST_UNREACH 3
#define ICMP_SOURCE_QUENCH 4
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

/* A packet that an ICMP error quotes: where its headers are, and whose it was. */
struct quote {
	__u32 ip_offset;
	__u32 l4_offset;
	__u32 end; /* of what is quoted */
	struct flow flow;
};

#define TCP_HEADER 20
/* Of what follows the IP header RFC 792 wants so much quoted. */
#define LEAST_QUOTED 8

static __always_inline int is_icmp_error(__u8 type, int v6)
{
	if (v6)
		return type < 128; /* RFC 4443 section 2.1, those that nobody has defined among them */
	return type == ICMP_DEST_UNREACH || type == ICMP_SOURCE_QUENCH || type == ICMP_TIME_EXCEEDED ||
	       type == ICMP_PARAMETERPROB;
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

/* Bytes of a quote, none of those that a link has put behind the packet. */
static __always_inline int load_quoted(struct __sk_buff *skb, const struct quote *q, __u32 offset, void *to, __u32 size)
{
	return offset + size > q->end || bpf_skb_load_bytes(skb, offset, to, size) ? -1 : 0;
}

/* Reads the packet that begins at `offset`, a quote or what is quoted within it: its IP header, options or extension headers and
 * all, and at least the two ports. False when that is not there, when it is of another family, and when it can be no connection;
 * `flow.proto` is set as soon as it is known. */
static __always_inline int read_quoted(struct __sk_buff *skb, const struct packet *p, __u32 offset, int v6, struct quote *q)
{
	struct {
		__u8 next;
		__u8 length;
		__u16 place;
	} extension;
	struct ipv6hdr ip6;
	struct iphdr ip;
	__u16 ports[2];
	__u32 i;

	q->ip_offset = offset;
	q->end = ETH_HLEN + p->ip_length;
	q->flow.family = v6 ? AF_INET6 : AF_INET;
	if (v6) {
		if (load_quoted(skb, q, offset, &ip6, sizeof(ip6)) || ip6.version != 6)
			return 0;
		__builtin_memcpy(&q->flow.saddr, &ip6.saddr, sizeof(q->flow.saddr));
		__builtin_memcpy(&q->flow.daddr, &ip6.daddr, sizeof(q->flow.daddr));
		q->flow.proto = ip6.nexthdr;
		q->l4_offset = offset + sizeof(ip6);
		for (i = 0; i < MAX_EXTENSIONS; i++) {
			__u8 proto = q->flow.proto;

			if (proto != IPPROTO_HOPOPTS && proto != IPPROTO_ROUTING && proto != IPPROTO_DSTOPTS &&
			    proto != IPPROTO_FRAGMENT)
				break;
			/* Of a later fragment no ports are quoted. */
			if (load_quoted(skb, q, q->l4_offset, &extension, sizeof(extension)) ||
			    (proto == IPPROTO_FRAGMENT && extension.place & bpf_htons(0xfff8)))
				return 0;
			q->flow.proto = extension.next;
			q->l4_offset += 8 + (proto == IPPROTO_FRAGMENT ? 0 : 8 * (__u32)extension.length);
		}
	} else {
		if (load_quoted(skb, q, offset, &ip, sizeof(ip)) || ip.version != 4 || ip.ihl < 5 ||
		    ip.frag_off & bpf_htons(0x1fff))
			return 0;
		q->flow.saddr.words[0] = ip.saddr;
		q->flow.daddr.words[0] = ip.daddr;
		q->flow.proto = ip.protocol;
		q->l4_offset = offset + ip.ihl * 4;
	}
	if (q->flow.proto != IPPROTO_TCP && q->flow.proto != IPPROTO_UDP && q->flow.proto != IPPROTO_SCTP)
		return 0;
	if (load_quoted(skb, q, q->l4_offset, ports, sizeof(ports)))
		return 0;
	q->flow.sport = ports[0];
	q->flow.dport = ports[1];
	return 1;
}

/* Replaces two bytes of a quote; the checksum of the ICMP message covers them. */
static __always_inline int replace_quoted(struct __sk_buff *skb, __u32 check, __u32 offset, __u16 old, __u16 new)
{
	return bpf_skb_store_bytes(skb, offset, &new, sizeof(new), 0) ||
	       bpf_l4_csum_replace(skb, check, old, new, sizeof(new));
}

/* Rewrites the quoted packet in place. `source` names the end of it that is translated, which is what `q` says it was. The quoted
 * IP header gets a right checksum of its own, and so does a datagram that is quoted as far as that; there 0 stands for none. */
static __always_inline int rewrite_quoted(struct __sk_buff *skb, const struct packet *p, const struct quote *q, int v6, int source,
					  const struct address *addr, __u16 port)
{
	const struct address *before = source ? &q->flow.saddr : &q->flow.daddr;
	__u32 check = p->l4_offset + __builtin_offsetof(struct icmphdr, checksum), offset;
	__u16 old_port = source ? q->flow.sport : q->flow.dport, old, new;
	__u64 change = address_change(before, addr, v6);
	__s64 difference;

	if (v6) {
		offset = q->ip_offset + (source ? __builtin_offsetof(struct ipv6hdr, saddr) :
						  __builtin_offsetof(struct ipv6hdr, daddr));
		difference = bpf_csum_diff((void *)before, sizeof(*before), (void *)addr, sizeof(*addr), 0);
		if (difference < 0 || bpf_skb_store_bytes(skb, offset, addr, sizeof(*addr), 0) ||
		    bpf_l4_csum_replace(skb, check, 0, difference, 0))
			return -1;
	} else {
		offset = q->ip_offset + __builtin_offsetof(struct iphdr, check);
		if (bpf_skb_load_bytes(skb, offset, &old, sizeof(old)) ||
		    replace_quoted(skb, check, offset, old, changed(old, change)))
			return -1;
		offset = q->ip_offset + (source ? __builtin_offsetof(struct iphdr, saddr) :
						  __builtin_offsetof(struct iphdr, daddr));
		if (bpf_skb_store_bytes(skb, offset, &addr->words[0], 4, 0) ||
		    bpf_l4_csum_replace(skb, check, before->words[0], addr->words[0], 4))
			return -1;
	}
	if (replace_quoted(skb, check, q->l4_offset + (source ? 0 : 2), old_port, port))
		return -1;
	offset = q->l4_offset + __builtin_offsetof(struct udphdr, check);
	if (q->flow.proto != IPPROTO_UDP || load_quoted(skb, q, offset, &old, sizeof(old)) || !old)
		return 0;
	new = changed(old, change + word_change(old_port, port));
	return replace_quoted(skb, check, offset, old, new ? new : 0xffff);
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

/* Where an error about the packet in hand comes from, as the kernel would have it: the address that the packet was sent to, if
 * that is the director's own; about what a server sends to its client, the director's address towards the server. False when there
 * is none. */
static __always_inline int answer_from(const struct packet *p, struct address *from)
{
	__u32 slot = p->dest_slot;
	const struct dest *d;

	*from = p->flow.daddr;
	if (p->rule != RULE_REPLY)
		return 1;
	d = bpf_map_lookup_elem(&dests, &slot);
	if (!d)
		return 0;
	if (d->method != METHOD_FNAT) /* whose servers answer an address of the director's */
		*from = d->hops[d->hop & 1].local;
	return is_set(from);
}

#define MAX_QUOTED 256 /* see l4_header */

/* What of the packet in hand an error quotes: its headers up to the end of TCP's, or the first 8 bytes behind those of IP. RFC 792
 * asks for no more, and the kernel keeps a packet whose checksum is left to the device from being cut before that checksum.
 * Returns its length, whole words of 4 bytes; 0 when the packet is shorter. */

static __always_inline __u32 quote_packet(struct __sk_buff *skb, const struct packet *p, __u8 *quoted)
{
	__u32 headers = p->l4_offset - ETH_HLEN, length;

	/* Of a first fragment there may be less than a header of TCP. */
	length = headers + (p->flow.proto == IPPROTO_TCP && p->ip_length >= headers + TCP_HEADER ? TCP_HEADER : LEAST_QUOTED);
	if (length > MAX_QUOTED || length > p->ip_length)
		return 0;
	if (bpf_skb_load_bytes(skb, ETH_HLEN, quoted, bounded(length, MAX_QUOTED)))
		return 0;
	return length;
}

/* Turns the packet into an ICMP error to its sender and sends it back the way it came. */
__noinline int answer_icmp4(struct __sk_buff *skb)
{
	const struct packet *p = packet_in_hand();
	struct {
		struct iphdr ip;
		struct icmphdr icmp;
	} reply = {};
	__u32 zero = 0, length;
	__u8 *quoted = bpf_map_lookup_elem(&scratch, &zero);
	struct address from;
	__s64 sum;

	if (!p || !quoted || !may_answer(p, 0) || !answer_from(p, &from))
		return DROP;
	length = quote_packet(skb, p, quoted);
	if (!length || bpf_skb_change_tail(skb, ETH_HLEN + length, 0) ||
	    bpf_skb_adjust_room(skb, sizeof(reply), BPF_ADJ_ROOM_MAC, 0))
		return DROP;
	reply.ip.version = 4;
	reply.ip.ihl = 5;
	reply.ip.tos = 0xc0 | (quoted[1] & 0x1e); /* RFC 1812 section 4.3.2.5, as Linux has it */
	reply.ip.tot_len = bpf_htons(sizeof(reply) + length);
	reply.ip.ttl = 64;
	reply.ip.protocol = IPPROTO_ICMP;
	reply.ip.saddr = from.words[0];
	reply.ip.daddr = p->flow.saddr.words[0];
	reply.icmp.type = p->answer_type;
	reply.icmp.code = p->answer_code;
	reply.icmp.rest = bpf_htonl(p->answer_mtu);
	reply.ip.check = ~fold(bpf_csum_diff(0, 0, (__be32 *)&reply.ip, sizeof(reply.ip), 0));
	sum = bpf_csum_diff(0, 0, (__be32 *)&reply.icmp, sizeof(reply.icmp), 0);
	reply.icmp.checksum = ~fold(bpf_csum_diff(0, 0, (__be32 *)quoted, bounded(length, MAX_QUOTED), sum));
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
	__be32 lengths[2]; /* the rest of the pseudo-header, RFC 8200 §8.1 */
	__u32 zero = 0, length;
	__u8 *quoted = bpf_map_lookup_elem(&scratch, &zero);
	struct address from;
	__s64 sum;

	if (!p || !quoted || !may_answer(p, 1) || !answer_from(p, &from))
		return DROP;
	length = quote_packet(skb, p, quoted);
	if (!length || bpf_skb_change_tail(skb, ETH_HLEN + length, 0) ||
	    bpf_skb_adjust_room(skb, sizeof(reply), BPF_ADJ_ROOM_MAC, 0))
		return DROP;
	reply.ip.version = 6;
	reply.ip.payload_len = bpf_htons(sizeof(reply.icmp) + length);
	reply.ip.nexthdr = IPPROTO_ICMPV6;
	reply.ip.hop_limit = 64;
	__builtin_memcpy(&reply.ip.saddr, &from, sizeof(from));
	__builtin_memcpy(&reply.ip.daddr, &p->flow.saddr, sizeof(from));
	reply.icmp.type = p->answer_type;
	reply.icmp.code = p->answer_code;
	reply.icmp.rest = bpf_htonl(p->answer_mtu);
	lengths[0] = bpf_htonl(sizeof(reply.icmp) + length);
	lengths[1] = bpf_htonl(IPPROTO_ICMPV6);
	sum = bpf_csum_diff(0, 0, lengths, sizeof(lengths), 0);
	sum = bpf_csum_diff(0, 0, (__be32 *)&reply.ip.saddr, 32, sum);
	sum = bpf_csum_diff(0, 0, (__be32 *)&reply.icmp, sizeof(reply.icmp), sum);
	reply.icmp.checksum = ~fold(bpf_csum_diff(0, 0, (__be32 *)quoted, bounded(length, MAX_QUOTED), sum));
	if (bpf_skb_store_bytes(skb, ETH_HLEN, &reply, sizeof(reply), 0))
		return DROP;
	return send_back(skb, 1);
}

/* The errors that the director itself sends, in the terms of both families. About a later fragment nobody is told (RFC 1122
 * section 3.2.2). */
static __always_inline int answer(struct packet *p, __u8 type, __u8 code, __u32 mtu)
{
	if (p->fragment == LATER_FRAGMENT)
		return DROP;
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
