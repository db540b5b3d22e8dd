/* SPDX-License-Identifier: GPL-2.0-only */
/* Which packets may open a connection: none that the kernel would not take from their sender, or whose lengths are wrong. They are
 * left to the kernel, which counts and logs them as it does all others. A known connection is not asked again: what its client
 * sends goes to its server, which has a kernel of its own. */
#ifndef TANIST_ADMISSION_H
#define TANIST_ADMISSION_H

#include "address.h"
#include "layout.h"
#include "maps.h"
#include "packet.h"
#include "scratch.h"

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
static __always_inline int is_from_own_address(const struct packet *p)
{
	struct own_address from = { .address = p->flow.saddr, .family = p->flow.family };

	return is_same(&p->flow.saddr, &p->flow.daddr) || bpf_map_lookup_elem(&own_addresses, &from);
}

/* Of the packet in hand. What this director itself has sent has been by its kernel. A global function, for the stack's sake. */
__noinline int may_open(struct __sk_buff *skb)
{
	const struct packet *p = packet_in_hand();
	int v6 = p && p->flow.family == AF_INET6;

	return p && (p->own_client || (!is_martian(&p->flow.saddr, v6) && !is_from_own_address(p))) && is_whole(skb, p, v6);
}

#endif
