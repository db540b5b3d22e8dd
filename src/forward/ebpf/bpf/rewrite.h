/* SPDX-License-Identifier: GPL-2.0-only */
/* The changes to a packet that NAT makes. */
#ifndef TANIST_REWRITE_H
#define TANIST_REWRITE_H

#include "checksum.h"
#include "layout.h"
#include "packet.h"
#include "sctp.h"

/* Replaces the destination or the source address, if there is a new one, and takes one hop off the TTL unless that was
 * done. The caller has checked that it is above 1. */
static __always_inline int rewrite_ip(struct __sk_buff *skb, struct packet *p, int v6, enum side side, const struct address *new)
{
	struct iphdr *ip = ip_header(skb);
	struct ipv6hdr *ip6;
	__u8 hop = !p->ttl_decremented;
	struct address old = {};
	__u64 change;

	p->ttl_decremented = 1;
	if (v6) {
		ip6 = ip6_header(skb);
		if (!ip6)
			return -1;
		ip6->hop_limit -= hop;
		if (new)
			__builtin_memcpy(side == DESTINATION ? &ip6->daddr : &ip6->saddr, new, sizeof(*new));
		return 0;
	}
	if (!ip)
		return -1;
	ip->ttl -= hop;
	change = hop ? HOP_CHANGE : 0;
	if (new) {
		old.words[0] = side == DESTINATION ? ip->daddr : ip->saddr;
		change += address_change(&old, new, 0);
		if (side == DESTINATION)
			ip->daddr = new->words[0];
		else
			ip->saddr = new->words[0];
	}
	ip->check = changed(ip->check, change);
	return 0;
}

/* Replaces the destination (or the source) address and port and takes one hop off the TTL. Pseudo-header changes are
 * told to the helper as such, so that checksum offload and segmentation offload stay correct. */
static __always_inline int translate(struct __sk_buff *skb, struct packet *p, int v6, enum side side, struct endpoint new)
{
	const struct address *old = side == DESTINATION ? &p->flow.daddr : &p->flow.saddr;
	__u16 old_port = side == DESTINATION ? p->flow.dport : p->flow.sport;
	__u32 check = p->l4_offset +
		      (p->flow.proto == IPPROTO_TCP ? __builtin_offsetof(struct tcphdr, check) :
						      __builtin_offsetof(struct udphdr, check));
	__u64 zero_is_none = p->flow.proto == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0;
	__u64 from = old->words[0], to = new.addr->words[0], size = 4;
	__u16 *ports;

	if (p->flow.proto == IPPROTO_SCTP && has_ports(p) && rewrite_sctp_port(skb, side, new.port))
		return -1;
	if (p->flow.proto == IPPROTO_SCTP || !has_ports(p))
		return rewrite_ip(skb, p, v6, side, new.addr);
	if (v6) {
		from = 0;
		to = bpf_csum_diff((void *)old, sizeof(*old), (void *)new.addr, sizeof(*new.addr), 0);
		size = 0;
	}
	if (bpf_l4_csum_replace(skb, check, from, to, BPF_F_PSEUDO_HDR | zero_is_none | size))
		return -1;
	if (old_port != new.port && bpf_l4_csum_replace(skb, check, old_port, new.port, zero_is_none | sizeof(new.port)))
		return -1;
	if (rewrite_ip(skb, p, v6, side, new.addr))
		return -1;
	ports = l4_header(skb, p);
	if ((void *)(ports + 2) > (void *)(long)skb->data_end)
		return -1;
	ports[side] = new.port;
	return 0;
}

#endif
