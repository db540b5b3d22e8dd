/* SPDX-License-Identifier: GPL-2.0-only */
/* What a packet says, and the changes to it that need no table. `v6` is a constant wherever it is passed, so each family
 * gets code of its own. */
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
#include "maps.h"
#include "states.h"

#define PASS -1 /* TCX_NEXT and TC_ACT_UNSPEC: other programs and the stack go on */
#define DROP 2  /* TC_ACT_SHOT */
/* Not verdicts, but what is to be done next with the packet in hand. */
#define TO_ICMP 1001
#define TO_TUNNEL 1002
#define TO_ANSWER 1003

/* The unused bit before IPv4's fragment offset; only ever set on this director, see cut.h. */
#define FRAGMENT_CUT 0x8000
#define LOOPBACK_IFINDEX 1 /* in every network namespace */
#define AF_INET 2
#define AF_INET6 10

/* Headers after IPv6's own that are stepped over. */
#define MAX_EXTENSIONS 6

static __always_inline struct iphdr *ip_header(struct __sk_buff *skb)
{
	struct iphdr *ip = (void *)(long)skb->data + ETH_HLEN;

	return (void *)(ip + 1) > (void *)(long)skb->data_end ? 0 : ip;
}

static __always_inline struct ipv6hdr *ip6_header(struct __sk_buff *skb)
{
	struct ipv6hdr *ip = (void *)(long)skb->data + ETH_HLEN;

	return (void *)(ip + 1) > (void *)(long)skb->data_end ? 0 : ip;
}

/* The mask is how the verifier gets to know that the offset is small. */
static __always_inline void *l4_header(struct __sk_buff *skb, const struct packet *p)
{
	return (void *)(long)skb->data + (p->l4_offset & 0xff);
}

/* Makes the first `length` bytes directly readable; fails when the packet is shorter. */
static __always_inline int need(struct __sk_buff *skb, __u32 length)
{
	if ((void *)(long)skb->data + length <= (void *)(long)skb->data_end)
		return 0;
	return bpf_skb_pull_data(skb, length);
}

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
	p->ip_length = bpf_ntohs(ip->tot_len);
	p->ttl = ip->ttl;
	place = bpf_ntohs(ip->frag_off);
	p->dont_fragment = !!(place & 0x4000);
	p->cut = !!(place & FRAGMENT_CUT);
	p->fragment = place & 0x1fff ? LATER_FRAGMENT : place & (0x2000 | FRAGMENT_CUT) ? FIRST_FRAGMENT : WHOLE;
	p->fragment_id = ip->id;
	p->l4_offset = ETH_HLEN + ip->ihl * 4;
	return 0;
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
	p->ip_length = sizeof(*ip) + bpf_ntohs(ip->payload_len);
	p->ttl = ip->hop_limit;
	p->dont_fragment = 1; /* routers never fragment IPv6, RFC 8200 §4.5 */
	p->l4_offset = ETH_HLEN + sizeof(*ip);
	for (i = 0; i < MAX_EXTENSIONS; i++) {
		__u32 length;

		if (p->flow.proto != IPPROTO_HOPOPTS && p->flow.proto != IPPROTO_ROUTING &&
		    p->flow.proto != IPPROTO_DSTOPTS && p->flow.proto != IPPROTO_FRAGMENT)
			return 0;
		if (bpf_skb_load_bytes(skb, p->l4_offset, &extension, sizeof(extension)))
			return -1;
		length = 8 + 8 * (__u32)extension.length;
		if (p->flow.proto == IPPROTO_FRAGMENT) {
			__u16 place = bpf_ntohs(extension.place);

			length = 8;
			p->fragment = place & 0xfff8 ? LATER_FRAGMENT : place & 1 ? FIRST_FRAGMENT : WHOLE;
			p->fragment_id = extension.id;
		}
		p->flow.proto = extension.next;
		p->l4_offset += length;
		if (p->l4_offset > 200) /* see l4_header */
			return -1;
		if (p->fragment == LATER_FRAGMENT)
			return 0;
	}
	return -1;
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

/* The chunk types of RFC 9260 section 3.2 as events. Any other one is data. */
static __always_inline __u32 sctp_event(__u8 type)
{
	switch (type) {
	case 1:
		return SEV_INIT;
	case 2:
		return SEV_INIT_ACK;
	case 6:
		return SEV_ABORT;
	case 7:
		return SEV_SHUTDOWN;
	case 8:
		return SEV_SHUTDOWN_ACK;
	case 9:
		return SEV_ERROR;
	case 10:
		return SEV_COOKIE_ECHO;
	case 11:
		return SEV_COOKIE_ACK;
	case 14:
		return SEV_SHUTDOWN_COMPLETE;
	default:
		return SEV_DATA;
	}
}

/* A global function, for the stack's sake; the packet is the one in hand. */
__noinline int parse_sctp(struct __sk_buff *skb)
{
	struct packet *p = packet_in_hand();
	struct {
		__u16 source;
		__u16 dest;
		__u32 tag;
		__u32 check;
		__u8 type;
		__u8 flags;
		__u16 length;
	} sctp;
	__u8 second;

	if (!p || need(skb, p->l4_offset + 4) || bpf_skb_load_bytes(skb, p->l4_offset, &sctp, sizeof(sctp)))
		return -1;
	p->flow.sport = sctp.source;
	p->flow.dport = sctp.dest;
	p->event = sctp_event(sctp.type);
	p->syn = p->event == SEV_INIT;
	/* An ABORT behind a cookie is what counts. */
	if ((p->event == SEV_COOKIE_ECHO || p->event == SEV_COOKIE_ACK) &&
	    !bpf_skb_load_bytes(skb, p->l4_offset + 12 + ((bpf_ntohs(sctp.length) + 3) & 0x7fc), &second, 1) &&
	    second == 6)
		p->event = SEV_ABORT;
	return 0;
}

/* CRC32c is linear: what a change of four bytes does to it follows from the change and from how many bytes come after it.
 * Multiplication of polynomials over GF(2) modulo the generator, bits reversed. */
#define CRC32C_POLYNOMIAL 0x82f63b78u

static __always_inline __u32 crc_multiply(__u32 a, __u32 b)
{
	__u32 product = 0, i;

	for (i = 0; i < 32; i++) {
		product ^= a & (0u - (b >> 31));
		b <<= 1;
		a = (a >> 1) ^ (CRC32C_POLYNOMIAL & (0u - (a & 1)));
	}
	return product;
}

/* The CRC of `change`, four bytes as they lie in memory, followed by so many zero bytes. */
__noinline __u32 crc_of_change(__u32 change, __u32 zeros)
{
	/* One bit, moved by 8 · 2^0 bits. */
	__u32 power = 0x00800000u, i;

	for (i = 0; i < 32; i++)
		change = (change >> 1) ^ (CRC32C_POLYNOMIAL & (0u - (change & 1)));
	for (i = 0; i < 16; i++) {
		if (zeros >> i & 1)
			change = crc_multiply(change, power);
		power = crc_multiply(power, power);
	}
	return change;
}

/* The checksum of SCTP covers no address, only the ports. It is sent with its lowest byte first. */
__noinline int rewrite_sctp_port(struct __sk_buff *skb, __u32 destination, __u16 port)
{
	const struct packet *p = packet_in_hand();
	__u32 segment, check, change;
	__u16 old;

	if (!p)
		return -1;
	segment = p->ip_length - (p->l4_offset - ETH_HLEN);
	old = destination ? p->flow.dport : p->flow.sport;
	if (old == port)
		return 0;
	/* Of a fragment nobody can tell how much follows. */
	if (p->fragment || segment < 12 || bpf_skb_load_bytes(skb, p->l4_offset + 8, &check, sizeof(check)))
		return -1;
	change = (__u32)(__u16)(old ^ port) << (destination ? 16 : 0);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#error "the ports and the checksum are taken as they lie in memory"
#endif
	check ^= crc_of_change(change, segment - 4);
	return bpf_skb_store_bytes(skb, p->l4_offset + 8, &check, sizeof(check), 0) ||
	       bpf_skb_store_bytes(skb, p->l4_offset + (destination ? 2 : 0), &port, sizeof(port), 0);
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

static __always_inline __u16 replace_address(__u16 check, const struct address *old, const struct address *new, int v6)
{
	__u32 i;

	for (i = 0; i < (v6 ? 4 : 1); i++)
		check = replace_long(check, old->words[i], new->words[i]);
	return check;
}

static __always_inline int is_set(const struct address *a)
{
	return (a->words[0] | a->words[1] | a->words[2] | a->words[3]) != 0;
}

/* Replaces the destination or the source address, if there is a new one, and takes one hop off the TTL unless the kernel
 * has done so. The caller has checked that it is above 1. */
static __always_inline int rewrite_ip(struct __sk_buff *skb, const struct packet *p, int v6, int destination,
				      const struct address *new)
{
	struct iphdr *ip = ip_header(skb);
	struct ipv6hdr *ip6;
	__u16 old;

	if (v6) {
		ip6 = ip6_header(skb);
		if (!ip6)
			return -1;
		ip6->hop_limit -= !p->marked;
		if (new)
			__builtin_memcpy(destination ? &ip6->daddr : &ip6->saddr, new, sizeof(*new));
		return 0;
	}
	if (!ip)
		return -1;
	old = *(__u16 *)&ip->ttl;
	ip->ttl -= !p->marked;
	ip->check = replace_word(ip->check, old, *(__u16 *)&ip->ttl);
	if (!new)
		return 0;
	ip->check = replace_long(ip->check, destination ? ip->daddr : ip->saddr, new->words[0]);
	if (destination)
		ip->daddr = new->words[0];
	else
		ip->saddr = new->words[0];
	return 0;
}

/* Replaces the destination (or the source) address and port and takes one hop off the TTL. Pseudo-header changes are
 * told to the helper as such, so that checksum offload and segmentation offload stay correct. */
static __always_inline int translate(struct __sk_buff *skb, const struct packet *p, int v6, int destination,
				     const struct address *addr, __u16 port)
{
	const struct address *old = destination ? &p->flow.daddr : &p->flow.saddr;
	__u16 old_port = destination ? p->flow.dport : p->flow.sport;
	__u32 check = p->l4_offset +
		      (p->flow.proto == IPPROTO_TCP ? __builtin_offsetof(struct tcphdr, check) :
						      __builtin_offsetof(struct udphdr, check));
	__u64 zero_is_none = p->flow.proto == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0;
	__u64 from = old->words[0], to = addr->words[0], size = 4;
	__u16 *ports;

	if (p->flow.proto == IPPROTO_SCTP && p->fragment != LATER_FRAGMENT &&
	    rewrite_sctp_port(skb, destination, port))
		return -1;
	if (p->flow.proto == IPPROTO_SCTP || p->fragment == LATER_FRAGMENT)
		return rewrite_ip(skb, p, v6, destination, addr);
	if (v6) {
		from = 0;
		to = bpf_csum_diff((void *)old, sizeof(*old), (void *)addr, sizeof(*addr), 0);
		size = 0;
	}
	if (bpf_l4_csum_replace(skb, check, from, to, BPF_F_PSEUDO_HDR | zero_is_none | size))
		return -1;
	if (old_port != port && bpf_l4_csum_replace(skb, check, old_port, port, zero_is_none | sizeof(port)))
		return -1;
	if (rewrite_ip(skb, p, v6, destination, addr))
		return -1;
	ports = l4_header(skb, p);
	if ((void *)(ports + 2) > (void *)(long)skb->data_end)
		return -1;
	ports[destination ? 1 : 0] = port;
	return 0;
}

#endif
