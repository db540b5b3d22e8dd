/* SPDX-License-Identifier: GPL-2.0-only */
/* The packet that an ICMP error quotes: reads and translates it.
 *
 *   | Ethernet | IP, options | ICMP 8 | quoted IP, options, extensions | ports | rest, as far as it is quoted |
 *                            ^        ^                                ^                                      ^
 *                 p->l4_offset        q->ip_offset                     q->l4_offset                           q->end
 *
 * What changes in the quote changes the checksum of the ICMP message, which covers it, and the quote's own checksums. */
#ifndef TANIST_ICMP_QUOTE_H
#define TANIST_ICMP_QUOTE_H

#include "address.h"
#include "checksum.h"
#include "icmp.h"
#include "layout.h"
#include "packet.h"
#include "parse.h"

/* A packet that an ICMP error quotes: where its headers are, and whose it was. */
struct quote {
	__u32 ip_offset;
	__u32 l4_offset;
	__u32 end;   /* of what is quoted */
	__u32 check; /* where the checksum of the ICMP message is */
	int ipsec;   /* it has no ports: `flow` is the key exchange's that it belongs to */
	struct flow flow;
};

/* Bytes of a quote, none of those that a link has put behind the packet. */
static __always_inline int load_quoted(struct __sk_buff *skb, const struct quote *q, __u32 offset, void *to, __u32 size)
{
	return offset + size > q->end || bpf_skb_load_bytes(skb, offset, to, size) ? -1 : 0;
}

/* Reads the packet that begins at `offset`, a quote or what is quoted within it: its IP header, options or extension headers and
 * all, and at least the two ports, or of IPsec what stands in their place. False when that is not there, when it is of another family,
 * and when it can be no connection; `flow.proto` is set as soon as it is known. */
static __always_inline int read_quoted(struct __sk_buff *skb, const struct packet *p, __u32 offset, int v6, struct quote *q)
{
	struct {
		__u8 next;
		__u8 length;
		__u16 data;
	} extension;
	struct ipv6hdr ip6;
	struct iphdr ip;
	__u16 ports[2];
	__u32 i;

	q->ip_offset = offset;
	q->end = ETH_HLEN + p->ip_length;
	q->check = p->l4_offset + __builtin_offsetof(struct icmphdr, checksum);
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
			    (proto == IPPROTO_FRAGMENT && extension.data & bpf_htons(IP6_OFFSET)))
				return 0;
			q->flow.proto = extension.next;
			q->l4_offset += 8 + (proto == IPPROTO_FRAGMENT ? 0 : 8 * (__u32)extension.length);
		}
	} else {
		if (load_quoted(skb, q, offset, &ip, sizeof(ip)) || ip.version != 4 || ip.ihl < 5 ||
		    ip.frag_off & bpf_htons(IP_OFFSET))
			return 0;
		q->flow.saddr.words[0] = ip.saddr;
		q->flow.daddr.words[0] = ip.daddr;
		q->flow.proto = ip.protocol;
		q->l4_offset = offset + ip.ihl * 4;
	}
	q->ipsec = is_ipsec(q->flow.proto);
	if (q->flow.proto != IPPROTO_TCP && q->flow.proto != IPPROTO_UDP && q->flow.proto != IPPROTO_SCTP && !q->ipsec)
		return 0;
	if (load_quoted(skb, q, q->l4_offset, ports, sizeof(ports)))
		return 0;
	if (q->ipsec) {
		q->flow.proto = IPPROTO_UDP;
		ports[0] = ports[1] = bpf_htons(PORT_ISAKMP);
	}
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

/* Rewrites the quoted packet in place. `side` of it is translated, and is what `q` says it was. The quoted
 * IP header gets a right checksum of its own, and so does a datagram that is quoted as far as that; there 0 stands for none. */
static __always_inline int rewrite_quoted(struct __sk_buff *skb, const struct quote *q, int v6, enum side side, struct endpoint to)
{
	const struct address *before = side == SOURCE ? &q->flow.saddr : &q->flow.daddr, *addr = to.addr;
	__u16 old_port = side == SOURCE ? q->flow.sport : q->flow.dport, old, new;
	__u64 change = address_change(before, addr, v6);
	__u32 offset;
	__s64 difference;

	if (v6) {
		offset = q->ip_offset + (side == SOURCE ? __builtin_offsetof(struct ipv6hdr, saddr) :
							  __builtin_offsetof(struct ipv6hdr, daddr));
		difference = bpf_csum_diff((void *)before, sizeof(*before), (void *)addr, sizeof(*addr), 0);
		if (difference < 0 || bpf_skb_store_bytes(skb, offset, addr, sizeof(*addr), 0) ||
		    bpf_l4_csum_replace(skb, q->check, 0, difference, 0))
			return -1;
	} else {
		offset = q->ip_offset + __builtin_offsetof(struct iphdr, check);
		if (bpf_skb_load_bytes(skb, offset, &old, sizeof(old)) ||
		    replace_quoted(skb, q->check, offset, old, changed(old, change)))
			return -1;
		offset = q->ip_offset + (side == SOURCE ? __builtin_offsetof(struct iphdr, saddr) :
							  __builtin_offsetof(struct iphdr, daddr));
		if (bpf_skb_store_bytes(skb, offset, &addr->words[0], 4, 0) ||
		    bpf_l4_csum_replace(skb, q->check, before->words[0], addr->words[0], 4))
			return -1;
	}
	if (q->ipsec)
		return 0;
	if (replace_quoted(skb, q->check, q->l4_offset + (side == SOURCE ? 0 : 2), old_port, to.port))
		return -1;
	offset = q->l4_offset + __builtin_offsetof(struct udphdr, check);
	if (q->flow.proto != IPPROTO_UDP || load_quoted(skb, q, offset, &old, sizeof(old)) || !old)
		return 0;
	new = changed(old, change + word_change(old_port, to.port));
	return replace_quoted(skb, q->check, offset, old, new ? new : 0xffff);
}

#endif
