/* SPDX-License-Identifier: GPL-2.0-only */
/* What a packet says. `v6` is a constant wherever it is passed, so each family gets code of its own. */
#ifndef TANIST_PACKET_H
#define TANIST_PACKET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "states.h"

#define PASS -1 /* TCX_NEXT and TC_ACT_UNSPEC: other programs and the stack go on */
#define DROP 2  /* TC_ACT_SHOT */
#define TC_ACT_REDIRECT 7
#define VLAN_ID 0x0fff /* of a VLAN tag; the rest is the priority */
/* Not verdicts, but what is to be done next with the packet in hand. */
#define TO_ICMP 1001
#define TO_TUNNEL 1002
#define TO_ANSWER 1003
#define TO_FULL_NAT 1004
#define FROM_FULL_NAT 1005
#define TO_OWN_PORT 1006

/* The unused bit before IPv4's fragment offset; only ever set on this director, see cut.h. */
#define FRAGMENT_CUT 0x8000
#define LOOPBACK_IFINDEX 1 /* in every network namespace */
#define AF_INET 2
#define AF_INET6 10

/* Headers after IPv6's own that are stepped over, and how far into the frame they may reach. */
#define MAX_EXTENSIONS 6
#define MAX_L4_OFFSET 0xfff

/* In place of a segment's length: the segments of a packet are the parts that its sender has made, each with a length of its own. */
#define GSO_BY_FRAGS 0xffff

/* What has chosen the server of a packet. */
enum rule { RULE_NONE, RULE_CONNECTION, RULE_TEMPLATE, RULE_SCHEDULER, RULE_REPLY, RULE_DENIED };

/* The packet is a fragment: the first one, which has the ports, or a later one, which does not; or it is one of IPsec, which
 * has none either, and goes the way of the key exchange that it belongs to. */
enum fragment_place { WHOLE, FIRST_FRAGMENT, LATER_FRAGMENT, IPSEC };

#define PORT_ISAKMP 500

/* `length`, which is from 1 to `limit` (a power of two), told so that the verifier sees it: Linux 6.1's does not learn from a
 * comparison with 0 that something is at least 1. */
static __always_inline __u32 bounded(__u32 length, __u32 limit)
{
	__u32 last = length - 1;

	asm volatile("" : "+r"(last));
	return (last & (limit - 1)) + 1;
}

/* A number that the verifier does not know, for all that the callback of a loop changes. Before Linux 6.7 the verifier follows
 * a callback through one round only: what it knows of a variable before the first round it would take for true in all of them,
 * and remove branches that only later rounds take. */
static __always_inline __u64 unknown(__u64 value)
{
	/* A random number of 32 bits, which for all that the verifier knows has 64. */
	__u64 (*random)(void) = (void *)BPF_FUNC_get_prandom_u32;

	return value + (random() >> 32);
}

/* RFC 791 section 3.1. */
#define MAX_IP_OPTIONS 40
#define IP_OPTION_END 0
#define IP_OPTION_NOP 1

struct packet {
	struct flow flow;
	__u32 server_isn;   /* full NAT: see struct connection */
	__u32 call;         /* see struct template_key */
	__u32 l4_offset;
	__u32 event; /* enum tcp_event, TCP only */
	__u32 fragment_id;
	__u32 ip_length;
	__u8 ttl;
	__u8 dont_fragment;
	__u8 syn; /* opens a connection: SYN without RST */
	__u8 fragment;
	__u8 marked;   /* it comes by way of a firewall's mark: the kernel has routed it to us, and taken one hop off */
	__u8 dry;      /* a trace: nothing is kept and nothing counted */
	__u8 rule;     /* enum rule, for a trace */
	__u8 ftp_data; /* its service is one of FTP, found by the address alone */
	__u8 hop_taken; /* the TTL has been made one less */
	__u8 own;      /* made on this director, see own.h */
	__u8 cut;      /* the copy of a packet of which the first part is to be made, see cut.h */
	__u32 ifindex;   /* where it came in */
	__u32 answer_mtu; /* for TO_ANSWER: what its sender is told */
	__u8 answer_type;
	__u8 answer_code;
	__u32 dest_slot; /* for TO_TUNNEL, and for a trace */
	__u32 access;    /* for a trace: one more than the index in `access_hits` of the entry that has decided */
	/* Not set to 0 for each packet: who reads these has written them. */
	struct flow client; /* of a server's packet: whose connection it belongs to */
	struct flow reply;  /* full NAT: the server's packets, as they come in */
};

static __always_inline int has_ports(const struct packet *p)
{
	return p->fragment == WHOLE || p->fragment == FIRST_FRAGMENT;
}

/* The end of what is directly readable. Each time from the context itself: the compiler would keep the address of the field, which
 * the verifier does not let it read by. */
static __always_inline void *data_end(struct __sk_buff *skb)
{
	asm volatile("" : "+r"(skb));
	return (void *)(long)skb->data_end;
}

static __always_inline struct iphdr *ip_header(struct __sk_buff *skb)
{
	struct iphdr *ip = (void *)(long)skb->data + ETH_HLEN;

	return (void *)(ip + 1) > data_end(skb) ? 0 : ip;
}

static __always_inline struct ipv6hdr *ip6_header(struct __sk_buff *skb)
{
	struct ipv6hdr *ip = (void *)(long)skb->data + ETH_HLEN;

	return (void *)(ip + 1) > data_end(skb) ? 0 : ip;
}

/* The mask is how the verifier gets to know that the offset is small. */
static __always_inline void *l4_header(struct __sk_buff *skb, const struct packet *p)
{
	return (void *)(long)skb->data + (p->l4_offset & MAX_L4_OFFSET);
}

/* Makes the first `length` bytes directly readable; fails when the packet is shorter. */
static __always_inline int need(struct __sk_buff *skb, __u32 length)
{
	if ((void *)(long)skb->data + length <= data_end(skb))
		return 0;
	return bpf_skb_pull_data(skb, length);
}

/* One's complement sum of 16 bits; `sum` is below 2^40. */
static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* Whether the checksum of a header without options is right. Every router asks that of every packet (RFC 1812 section 5.2.2), and
 * the kernel does so itself, whatever the card has checked. It takes a nanosecond. */
static __always_inline int is_intact(const struct iphdr *ip)
{
	const __u32 *words = (const void *)ip;

	return fold((__u64)words[0] + words[1] + words[2] + words[3] + words[4]) == 0xffff;
}

/* The length of the IP packet. What is longer than 16 bits can say (BIG TCP) says 0 and is yet to be cut into segments. */
static __always_inline __u32 told_length(struct __sk_buff *skb, __u32 told, __u32 nothing)
{
	return told == nothing && skb->gso_size ? skb->len - ETH_HLEN : told;
}

/* For a header with options, see admission.h. */
int read_options4(struct __sk_buff *skb);

/* Fails on what the kernel would not take either, and so does all that follows here: it is left to the kernel, which counts it
 * and drops it. */
static __always_inline int parse_ipv4(struct __sk_buff *skb, struct packet *p)
{
	struct iphdr *ip;
	__u16 place;

	if (need(skb, ETH_HLEN + sizeof(*ip)))
		return -1;
	ip = ip_header(skb);
	if (!ip || ip->version != 4 || ip->ihl < 5)
		return -1;
	p->flow.saddr.words[0] = ip->saddr;
	p->flow.daddr.words[0] = ip->daddr;
	p->flow.proto = ip->protocol;
	p->flow.family = AF_INET;
	p->ip_length = told_length(skb, bpf_ntohs(ip->tot_len), 0);
	p->l4_offset = ETH_HLEN + ip->ihl * 4;
	if (ETH_HLEN + p->ip_length > skb->len || p->l4_offset > ETH_HLEN + p->ip_length)
		return -1;
	p->ttl = ip->ttl;
	place = bpf_ntohs(ip->frag_off);
	p->dont_fragment = !!(place & 0x4000);
	p->cut = !!(place & FRAGMENT_CUT);
	p->fragment = place & 0x1fff ? LATER_FRAGMENT : place & (0x2000 | FRAGMENT_CUT) ? FIRST_FRAGMENT : WHOLE;
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
		__u16 place;
		__u32 id;
	} extension;

	if (need(skb, ETH_HLEN + sizeof(*ip)))
		return -1;
	ip = ip6_header(skb);
	if (!ip || ip->version != 6)
		return -1;
	__builtin_memcpy(&p->flow.saddr, &ip->saddr, sizeof(p->flow.saddr));
	__builtin_memcpy(&p->flow.daddr, &ip->daddr, sizeof(p->flow.daddr));
	p->flow.proto = ip->nexthdr;
	p->flow.family = AF_INET6;
	p->ip_length = told_length(skb, sizeof(*ip) + bpf_ntohs(ip->payload_len), sizeof(*ip));
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
			__u16 place = bpf_ntohs(extension.place);

			length = 8;
			p->fragment = place & 0xfff8 ? LATER_FRAGMENT : place & 1 ? FIRST_FRAGMENT : WHOLE;
			p->fragment_id = extension.id;
		} else if (p->flow.proto == IPPROTO_ROUTING && bpf_ntohs(extension.place) & 0xff) {
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

	if (p->l4_offset + sizeof(*tcp) > ETH_HLEN + p->ip_length || need(skb, p->l4_offset + sizeof(*tcp)))
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

	if (p->l4_offset + sizeof(*udp) > ETH_HLEN + p->ip_length || need(skb, p->l4_offset + sizeof(*udp)))
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

/* Whether a packet, or one of the segments that the device makes of it, does not fit. Segments that differ (SCTP's) only the
 * kernel can measure, by the link's own MTU. */
static __always_inline int is_too_long(struct __sk_buff *skb, const struct packet *p, __u32 room, __u32 ifindex)
{
	__u32 mtu = 0;

	if (skb->gso_size != GSO_BY_FRAGS)
		return segment_length(skb, p) > room;
	return bpf_check_mtu(skb, ifindex, &mtu, 0, BPF_MTU_CHK_SEGS) == BPF_MTU_CHK_RET_SEGS_TOOBIG;
}

/* What a new value in place of an old one means to a checksum: RFC 1624's ~m + m'. Such changes are added up, and a checksum
 * is `changed` by all of them at once. */
static __always_inline __u64 word_change(__u16 old, __u16 new)
{
	return (__u16)~old + new;
}

static __always_inline __u64 address_change(const struct address *old, const struct address *new, int v6)
{
	__u64 change = 0;
	__u32 i;

	/* Words of 32 bits: in one's complement they count as their halves do. */
	for (i = 0; i < (v6 ? 4 : 1); i++)
		change += (__u64)(__u32)~old->words[i] + new->words[i];
	return change;
}

/* One taken off a TTL, whatever it was. */
#define HOP_CHANGE ((__u16)~bpf_htons(0x0100))

/* RFC 1624 equation 3. */
static __always_inline __u16 changed(__u16 check, __u64 change)
{
	return ~fold((__u16)~check + change);
}

static __always_inline int is_same(const struct address *a, const struct address *b)
{
	return a->words[0] == b->words[0] && a->words[1] == b->words[1] && a->words[2] == b->words[2] && a->words[3] == b->words[3];
}

static __always_inline int is_set(const struct address *a)
{
	return (a->words[0] | a->words[1] | a->words[2] | a->words[3]) != 0;
}

#endif
