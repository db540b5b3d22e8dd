/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TANIST_PACKET_H
#define TANIST_PACKET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "states.h"

#define PASS -1 /* TCX_NEXT and TC_ACT_UNSPEC: other programs and the stack go on */
#define DROP 2  /* TC_ACT_SHOT */
#define AF_INET 2

/* linux/icmp.h drags the C library in; RFC 792. */
#define ICMP_DEST_UNREACH 3
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETERPROB 12
#define ICMP_PORT_UNREACH 3
#define ICMP_FRAG_NEEDED 4
#define ICMP_EXC_TTL 0

struct icmphdr {
	__u8 type;
	__u8 code;
	__u16 checksum;
	__u16 unused;
	__u16 mtu;
};

struct packet {
	struct flow flow;
	__u32 l4_offset;
	__u32 event; /* enum tcp_event, TCP only */
	__u16 ip_length;
	__u8 ttl;
	__u8 dont_fragment;
	__u8 syn; /* opens a connection: SYN without RST */
};

static __always_inline struct iphdr *ip_header(struct __sk_buff *skb)
{
	struct iphdr *ip = (void *)(long)skb->data + ETH_HLEN;

	return (void *)(ip + 1) > (void *)(long)skb->data_end ? 0 : ip;
}

/* The offset is at most 14 + 60; the mask is how the verifier gets to know it. */
static __always_inline void *l4_header(struct __sk_buff *skb, const struct packet *p)
{
	return (void *)(long)skb->data + (p->l4_offset & 0x7f);
}

/* Makes the first `length` bytes directly readable; fails when the packet is shorter. */
static __always_inline int need(struct __sk_buff *skb, __u32 length)
{
	if ((void *)(long)skb->data + length <= (void *)(long)skb->data_end)
		return 0;
	return bpf_skb_pull_data(skb, length);
}

static __always_inline int parse_tcp(struct __sk_buff *skb, struct packet *p)
{
	struct tcphdr *tcp;

	if (need(skb, p->l4_offset + sizeof(*tcp)))
		return -1;
	tcp = l4_header(skb, p);
	if ((void *)(tcp + 1) > (void *)(long)skb->data_end)
		return -1;
	p->flow.sport = tcp->source;
	p->flow.dport = tcp->dest;
	/* RST before SYN before FIN before ACK; none of them leads to CLOSE. */
	if (tcp->rst)
		p->event = EV_RST;
	else if (tcp->syn)
		p->event = EV_SYN;
	else if (tcp->fin)
		p->event = EV_FIN;
	else if (tcp->ack)
		p->event = EV_ACK;
	else
		p->event = TCP_EVENTS;
	p->syn = tcp->syn && !tcp->rst;
	return 0;
}

static __always_inline int parse_udp(struct __sk_buff *skb, struct packet *p)
{
	struct udphdr *udp;

	if (need(skb, p->l4_offset + sizeof(*udp)))
		return -1;
	udp = l4_header(skb, p);
	if ((void *)(udp + 1) > (void *)(long)skb->data_end)
		return -1;
	p->flow.sport = udp->source;
	p->flow.dport = udp->dest;
	p->syn = 1;
	return 0;
}

/* What remains to be sent per segment when the device cuts this packet up. */
static __always_inline __u32 segment_length(struct __sk_buff *skb, const struct packet *p)
{
	if (!skb->gso_size)
		return p->ip_length;
	/* Headers are at most 60 + 60; the sender's MSS already fits its own path, so the usual sizes are exact enough. */
	return skb->gso_size + (p->l4_offset - ETH_HLEN) + (p->flow.proto == IPPROTO_TCP ? 20 : 8);
}

static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* RFC 1624 equation 3 for one 16-bit word. */
static __always_inline __u16 replace_word(__u16 check, __u16 old, __u16 new)
{
	return ~fold((__u16)~check + (__u16)~old + new);
}

static __always_inline __u16 replace_long(__u16 check, __u32 old, __u32 new)
{
	check = replace_word(check, old & 0xffff, new & 0xffff);
	return replace_word(check, old >> 16, new >> 16);
}

/* Takes one hop off the TTL. The caller has checked that it is above 1. */
static __always_inline void decrement_ttl(struct iphdr *ip)
{
	__u16 old = *(__u16 *)&ip->ttl;

	ip->ttl--;
	ip->check = replace_word(ip->check, old, *(__u16 *)&ip->ttl);
}

/* Replaces the destination (or the source) address and port and takes one hop off the TTL. Pseudo-header changes are
 * told to the helper as such, so that checksum offload and segmentation offload stay correct. */
static __always_inline int translate(struct __sk_buff *skb, const struct packet *p, int destination, __u32 addr,
				     __u16 port)
{
	__u32 old_addr = destination ? p->flow.daddr : p->flow.saddr;
	__u16 old_port = destination ? p->flow.dport : p->flow.sport;
	__u32 check = p->l4_offset +
		      (p->flow.proto == IPPROTO_TCP ? __builtin_offsetof(struct tcphdr, check) :
						      __builtin_offsetof(struct udphdr, check));
	__u64 zero_is_none = p->flow.proto == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0;
	struct iphdr *ip;
	__u16 *ports;

	if (bpf_l4_csum_replace(skb, check, old_addr, addr, BPF_F_PSEUDO_HDR | zero_is_none | sizeof(addr)))
		return -1;
	if (old_port != port && bpf_l4_csum_replace(skb, check, old_port, port, zero_is_none | sizeof(port)))
		return -1;
	ip = ip_header(skb);
	if (!ip)
		return -1;
	decrement_ttl(ip);
	ip->check = replace_long(ip->check, old_addr, addr);
	if (destination)
		ip->daddr = addr;
	else
		ip->saddr = addr;
	ports = l4_header(skb, p);
	if ((void *)(ports + 2) > (void *)(long)skb->data_end)
		return -1;
	ports[destination ? 1 : 0] = port;
	return 0;
}

#endif
