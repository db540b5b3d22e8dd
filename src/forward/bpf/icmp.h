/* SPDX-License-Identifier: GPL-2.0-only */
/* ICMP errors: translated for NAT connections in both directions, and sent to clients on the director's behalf. */
#ifndef TANIST_ICMP_H
#define TANIST_ICMP_H

#include "connection.h"

#define QUOTED 28 /* inner IP header without options and the 8 bytes that follow it */
#define QUOTED_TCP 40 /* the same with a TCP header without options */

struct quoted {
	struct iphdr ip;
	__u16 ports[2];
	__u32 rest; /* UDP: length and checksum */
};

static __always_inline int is_icmp_error(__u8 type)
{
	return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB;
}

/* Rewrites the quoted packet in place. `source` names the end of it that is translated. The ICMP checksum moves by
 * the difference of the quoted bytes; the quoted IP header gets a right checksum of its own. */
static __always_inline int rewrite_quoted(struct __sk_buff *skb, __u32 icmp_offset, int source, __u32 addr, __u16 port)
{
	__u32 quoted_offset = icmp_offset + sizeof(struct icmphdr);
	struct quoted old, new;
	__s64 difference;

	if (bpf_skb_load_bytes(skb, quoted_offset, &old, QUOTED))
		return -1;
	new = old;
	if (source) {
		new.ip.check = replace_long(new.ip.check, new.ip.saddr, addr);
		new.ip.saddr = addr;
		new.ports[0] = port;
	} else {
		new.ip.check = replace_long(new.ip.check, new.ip.daddr, addr);
		new.ip.daddr = addr;
		new.ports[1] = port;
	}
	if (new.ip.protocol == IPPROTO_UDP) {
		__u16 check = new.rest >> 16; /* host is little- or big-endian; see the #if below */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		check = new.rest & 0xffff;
#endif
		if (check) {
			check = replace_long(check, source ? old.ip.saddr : old.ip.daddr, addr);
			check = replace_word(check, source ? old.ports[0] : old.ports[1], port);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
			new.rest = (new.rest & 0xffff0000) | check;
#else
			new.rest = (new.rest & 0xffff) | ((__u32)check << 16);
#endif
		}
	}
	difference = bpf_csum_diff((__be32 *)&old, QUOTED, (__be32 *)&new, QUOTED, 0);
	if (difference < 0)
		return -1;
	if (bpf_skb_store_bytes(skb, quoted_offset, &new, QUOTED, 0))
		return -1;
	return bpf_l4_csum_replace(skb, icmp_offset + __builtin_offsetof(struct icmphdr, checksum), 0, difference, 0);
}

/* Replaces one outer address and takes one hop off. */
static __always_inline int rewrite_outer(struct __sk_buff *skb, int source, __u32 addr)
{
	struct iphdr *ip = ip_header(skb);

	if (!ip || ip->ttl <= 1)
		return -1;
	decrement_ttl(ip);
	if (source) {
		ip->check = replace_long(ip->check, ip->saddr, addr);
		ip->saddr = addr;
	} else {
		ip->check = replace_long(ip->check, ip->daddr, addr);
		ip->daddr = addr;
	}
	return 0;
}

struct icmp_reply {
	struct iphdr ip;
	struct icmphdr icmp;
};

/* Turns the packet into an ICMP error to its sender, from the address that it was sent to, and sends it back the way
 * it came. What follows the IP header is quoted up to the end of the TCP header, or the first 8 bytes: RFC 792 asks for
 * no more, and the kernel keeps a packet whose checksum is left to the device from being cut before that checksum. */
static __always_inline int answer_icmp(struct __sk_buff *skb, __u8 type, __u8 code, __u16 mtu)
{
	struct icmp_reply reply = {};
	union {
		struct iphdr ip;
		__be32 words[QUOTED_TCP / 4];
	} quoted = {};
	struct ethhdr eth, back;
	__u32 length = QUOTED;
	__s64 sum;

	if (bpf_skb_load_bytes(skb, 0, &eth, sizeof(eth)) || bpf_skb_load_bytes(skb, ETH_HLEN, &quoted, QUOTED))
		return DROP;
	if (quoted.ip.protocol == IPPROTO_TCP) {
		length = QUOTED_TCP;
		if (bpf_skb_load_bytes(skb, ETH_HLEN, &quoted, QUOTED_TCP))
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
	reply.icmp.type = type;
	reply.icmp.code = code;
	reply.icmp.mtu = bpf_htons(mtu);
	sum = bpf_csum_diff(0, 0, (__be32 *)&reply.ip, sizeof(reply.ip), 0);
	reply.ip.check = ~fold(sum);
	sum = bpf_csum_diff(0, 0, (__be32 *)&reply.icmp, sizeof(reply.icmp), 0);
	/* The rest of the words is zero when less is quoted. */
	sum = bpf_csum_diff(0, 0, quoted.words, sizeof(quoted), sum);
	reply.icmp.checksum = ~fold(sum);
	__builtin_memcpy(back.h_dest, eth.h_source, ETH_ALEN);
	__builtin_memcpy(back.h_source, eth.h_dest, ETH_ALEN);
	back.h_proto = eth.h_proto;
	if (bpf_skb_store_bytes(skb, 0, &back, sizeof(back), 0) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN, &reply, sizeof(reply), 0))
		return DROP;
	return bpf_redirect(skb->ifindex, 0);
}

#endif
