/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads the headers of a packet. It fails on what the kernel would not take either: that is left to the kernel, which counts it and
 * drops it. */
#ifndef TANIST_PARSE_H
#define TANIST_PARSE_H

#include "address.h"
#include "checksum.h"
#include "ip-options.h"
#include "packet.h"
#include "sctp.h"
#include "states.h"
#include "verdict.h"

/* Headers after IPv6's own that are stepped over. */
#define MAX_EXTENSIONS 6

/* The length of the IP packet. What is longer than 16 bits can say (BIG TCP) says 0 and is yet to be cut into segments. */
static __always_inline __u32 total_length(struct __sk_buff *skb, __u32 length, __u32 nothing)
{
	return length == nothing && skb->gso_size ? skb->len - ETH_HLEN : length;
}

static __always_inline int parse_ipv4(struct __sk_buff *skb, struct packet *p)
{
	struct iphdr *ip;
	__u16 frag_off;

	if (pull(skb, ETH_HLEN + sizeof(*ip)))
		return -1;
	ip = ip_header(skb);
	if (!ip || ip->version != 4 || ip->ihl < 5)
		return -1;
	p->flow.saddr.words[0] = ip->saddr;
	p->flow.daddr.words[0] = ip->daddr;
	p->flow.proto = ip->protocol;
	p->flow.family = AF_INET;
	p->ip_length = total_length(skb, bpf_ntohs(ip->tot_len), 0);
	p->l4_offset = ETH_HLEN + ip->ihl * 4;
	if (ETH_HLEN + p->ip_length > skb->len || p->l4_offset > ETH_HLEN + p->ip_length)
		return -1;
	p->ttl = ip->ttl;
	frag_off = bpf_ntohs(ip->frag_off);
	p->dont_fragment = !!(frag_off & IP_DF);
	p->fragmenting = !!(frag_off & IP_FRAGMENTING);
	p->fragment = frag_off & IP_OFFSET ? LATER_FRAGMENT : frag_off & (IP_MF | IP_FRAGMENTING) ? FIRST_FRAGMENT : WHOLE;
	p->fragment_id = ip->id;
	return (ip->ihl == 5 ? is_intact(ip) : !read_options4(skb)) ? 0 : -1;
}

static __always_inline int parse_ipv6(struct __sk_buff *skb, struct packet *p)
{
	struct ipv6hdr *ip;
	__u32 i;
	struct {
		__u8 next;
		__u8 length; /* in 8 bytes, without the first 8 */
		__u16 data;  /* a fragment: as IPv4's; routing: its type, and how many segments are left */
		__u32 id;
	} extension;

	if (pull(skb, ETH_HLEN + sizeof(*ip)))
		return -1;
	ip = ip6_header(skb);
	if (!ip || ip->version != 6)
		return -1;
	__builtin_memcpy(&p->flow.saddr, &ip->saddr, sizeof(p->flow.saddr));
	__builtin_memcpy(&p->flow.daddr, &ip->daddr, sizeof(p->flow.daddr));
	p->flow.proto = ip->nexthdr;
	p->flow.family = AF_INET6;
	p->ip_length = total_length(skb, sizeof(*ip) + bpf_ntohs(ip->payload_len), sizeof(*ip));
	if (ETH_HLEN + p->ip_length > skb->len)
		return -1;
	p->ttl = ip->hop_limit;
	p->dont_fragment = 1; /* routers never fragment IPv6, RFC 8200 §4.5 */
	p->l4_offset = ETH_HLEN + sizeof(*ip);
	for (i = 0; i <= MAX_EXTENSIONS; i++) {
		__u32 length;

		if (p->flow.proto != IPPROTO_HOPOPTS && p->flow.proto != IPPROTO_ROUTING &&
		    p->flow.proto != IPPROTO_DSTOPTS && p->flow.proto != IPPROTO_FRAGMENT)
			return 0;
		if (i == MAX_EXTENSIONS || bpf_skb_load_bytes(skb, p->l4_offset, &extension, sizeof(extension)))
			return -1;
		length = 8 + 8 * (__u32)extension.length;
		if (p->flow.proto == IPPROTO_FRAGMENT) {
			__u16 frag_off = bpf_ntohs(extension.data);

			length = 8;
			p->fragment = frag_off & IP6_OFFSET ? LATER_FRAGMENT : frag_off & IP6_MF ? FIRST_FRAGMENT : WHOLE;
			p->fragment_id = extension.id;
		} else if (p->flow.proto == IPPROTO_ROUTING && bpf_ntohs(extension.data) & 0xff) {
			return -1; /* it is not yet where it is sent to: the kernel has an answer for it */
		}
		p->flow.proto = extension.next;
		p->l4_offset += length;
		if (p->l4_offset > MAX_L4_OFFSET)
			return -1;
		if (p->fragment == LATER_FRAGMENT)
			return 0;
	}
	return -1;
}

static __always_inline int parse_tcp(struct __sk_buff *skb, struct packet *p)
{
	struct tcphdr *tcp;

	if (p->l4_offset + sizeof(*tcp) > ETH_HLEN + p->ip_length || pull(skb, p->l4_offset + sizeof(*tcp)))
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
	p->opens = tcp->syn && !tcp->rst;
	return 0;
}

static __always_inline int parse_udp(struct __sk_buff *skb, struct packet *p)
{
	struct udphdr *udp;

	if (p->l4_offset + sizeof(*udp) > ETH_HLEN + p->ip_length || pull(skb, p->l4_offset + sizeof(*udp)))
		return -1;
	udp = l4_header(skb, p);
	if ((void *)(udp + 1) > (void *)(long)skb->data_end)
		return -1;
	p->flow.sport = udp->source;
	p->flow.dport = udp->dest;
	p->opens = 1;
	return 0;
}

/* The ports, and what the packet does to the state of a connection. 0, or the verdict or step that comes of another protocol or of a
 * header that is wrong. */
static __always_inline int parse_transport(struct __sk_buff *skb, struct packet *p, int v6)
{
	if (p->flow.proto == IPPROTO_TCP)
		return parse_tcp(skb, p) ? PASS : 0;
	if (p->flow.proto == IPPROTO_UDP)
		return parse_udp(skb, p) ? PASS : 0;
	if (p->flow.proto == IPPROTO_SCTP)
		return parse_sctp(skb) ? PASS : 0;
	return p->flow.proto == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP) ? TO_ICMP : PASS;
}

#endif
