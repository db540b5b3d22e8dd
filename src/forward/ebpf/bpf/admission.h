/* SPDX-License-Identifier: GPL-2.0-only */
/* Which packets may open a connection: none that the kernel would not take from their sender, or whose lengths are wrong. They are
 * left to the kernel, which counts and logs them as it does all others. A known connection is not asked again: what its client
 * sends goes to its server, which has a kernel of its own. */
#ifndef TANIST_ADMISSION_H
#define TANIST_ADMISSION_H

#include "maps.h"

#define IP_OPTION_TIMESTAMP 68
#define IP_OPTION_LSRR 131
#define IP_OPTION_SSRR 137

/* For each packet with IP options, RFC 791: -1 if the header's checksum or an option's length is wrong, or it has a source
 * route, which the kernel refuses, too, unless its `accept_source_route` was changed. A global function, for the stack's sake. */
__noinline int read_options4(struct __sk_buff *skb)
{
	union {
		struct iphdr ip;
		__u8 bytes[sizeof(struct iphdr) + 64]; /* a power of two, for `bounded` */
		__be32 words[(sizeof(struct iphdr) + 64) / 4];
	} header = {};
	__u32 at, next = sizeof(struct iphdr), length;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &header, sizeof(struct iphdr)))
		return -1;
	length = header.ip.ihl * 4;
	if (length <= sizeof(struct iphdr) ||
	    bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(struct iphdr), header.bytes + sizeof(struct iphdr),
			       bounded(length - sizeof(struct iphdr), 64)) ||
	    fold(bpf_csum_diff(0, 0, header.words, sizeof(header), 0)) != 0xffff)
		return -1;
	for (at = sizeof(struct iphdr); at < sizeof(struct iphdr) + MAX_IP_OPTIONS && at < length; at++) {
		__u8 kind = header.bytes[at], size = header.bytes[at + 1];

		if (at < next)
			continue;
		if (kind == IP_OPTION_END)
			break;
		if (kind == IP_OPTION_LSRR || kind == IP_OPTION_SSRR)
			return -1;
		/* Full, and so is the counter of those that did not fit, RFC 791 section 3.1. */
		if (kind == IP_OPTION_TIMESTAMP && size >= 4 && header.bytes[at + 2] > size && header.bytes[at + 3] >> 4 == 15)
			return -1;
		next = at + (kind == IP_OPTION_NOP ? 1 : size);
		if (next <= at || next > length)
			return -1;
	}
	return 0;
}

/* Sources that no packet on a wire has: RFC 1812 section 5.3.7, RFC 4291 sections 2.5.2, 2.5.3 and 2.7. */
static __always_inline int is_martian(const struct address *source, int v6)
{
	__u32 first = bpf_ntohl(source->words[0]);

	if (!v6)
		return !first || first >> 24 == 127 || first >> 28 == 14 || first == 0xffffffff;
	if (first >> 24 == 0xff)
		return 1;
	if (source->words[0] | source->words[1])
		return 0;
	/* Unspecified, loopback, and IPv4 in IPv6, which the kernel takes from nobody. */
	return source->words[2] == bpf_htonl(0xffff) || (!source->words[2] && bpf_ntohl(source->words[3]) <= 1);
}

/* Whether what the packet says of its own length can be: TCP's header, RFC 9293 section 3.1, and a datagram's length, RFC 768 (in
 * IPv6 0 for one that 16 bits cannot measure, RFC 2675). Of a fragment only the smallest one is known. */
static __always_inline int is_whole(struct __sk_buff *skb, const struct packet *p, int v6)
{
	__u32 held = ETH_HLEN + p->ip_length - p->l4_offset, length;
	struct udphdr udp;
	__u8 byte;

	if (p->flow.proto == IPPROTO_TCP) {
		if (bpf_skb_load_bytes(skb, p->l4_offset + 12, &byte, sizeof(byte)))
			return 0;
		length = byte >> 4 << 2;
		return length >= sizeof(struct tcphdr) && (length <= held || p->fragment);
	}
	if (p->flow.proto != IPPROTO_UDP)
		return 1;
	if (bpf_skb_load_bytes(skb, p->l4_offset, &udp, sizeof(udp)))
		return 0;
	length = bpf_ntohs(udp.len);
	if (!length && v6)
		return 1;
	return length >= sizeof(udp) && (length <= held || p->fragment);
}

/* Nobody else sends from an address of this director's, or from the one that the packet goes to. */
static __always_inline int is_own(const struct packet *p)
{
	struct own_address from = { .address = p->flow.saddr, .family = p->flow.family };

	return is_same(&p->flow.saddr, &p->flow.daddr) || bpf_map_lookup_elem(&own_addresses, &from);
}

/* Of the packet in hand. What this director itself has sent has been by its kernel. A global function, for the stack's sake. */
__noinline int may_open(struct __sk_buff *skb)
{
	const struct packet *p = packet_in_hand();
	int v6 = p && p->flow.family == AF_INET6;

	return p && (p->own || (!is_martian(&p->flow.saddr, v6) && !is_own(p))) && is_whole(skb, p, v6);
}

#endif
