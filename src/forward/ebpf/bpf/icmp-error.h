/* SPDX-License-Identifier: GPL-2.0-only */
/* ICMP errors that the director itself sends, in place of the packet that they are about.
 *
 *   | Ethernet | IP, 20 or 40 | type, code, checksum, 0 or MTU: 8 | quoted IP header | quoted data: TCP's header, or 8 bytes |
 */
#ifndef TANIST_ICMP_ERROR_H
#define TANIST_ICMP_ERROR_H

#include "address.h"
#include "checksum.h"
#include "counters.h"
#include "error-rate.h"
#include "icmp.h"
#include "layout.h"
#include "loopback.h"
#include "maps.h"
#include "packet.h"
#include "route.h"
#include "scratch.h"
#include "verdict.h"
#include "verifier.h"

#define TCP_HEADER 20
/* Of what follows the IP header RFC 792 wants so much quoted. */
#define LEAST_QUOTED 8

/* Sends the packet back the way it came; one that came by way of a mark, to its sender by the kernel's route. */
static __always_inline int send_back(struct __sk_buff *skb, int v6)
{
	const struct packet *p = packet_in_hand();
	struct ethhdr eth, back;
	struct next_hop next;

	if (p && p->own_client)
		return enter_loopback(skb, LOOP_DELIVER);
	if (p && p->marked)
		return find_route(skb, v6, &p->flow.daddr, &p->flow.saddr, &next) ? DROP : send_to(next.ifindex, &next.address, v6);
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
static __always_inline int error_source(const struct packet *p, struct address *from)
{
	__u32 slot = p->dest_slot;
	const struct dest *d;

	*from = p->flow.daddr;
	if (p->rule != RULE_REPLY && p->rule != RULE_ENDED)
		return 1;
	d = dest_at(slot);
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
__noinline int send_icmp_error4(struct __sk_buff *skb)
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

	if (!p || !quoted || !may_send_error(p, 0) || !error_source(p, &from))
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
	reply.icmp.type = p->error_type;
	reply.icmp.code = p->error_code;
	reply.icmp.rest = bpf_htonl(p->error_mtu);
	reply.ip.check = ~fold(bpf_csum_diff(0, 0, (__be32 *)&reply.ip, sizeof(reply.ip), 0));
	sum = bpf_csum_diff(0, 0, (__be32 *)&reply.icmp, sizeof(reply.icmp), 0);
	reply.icmp.checksum = ~fold(bpf_csum_diff(0, 0, (__be32 *)quoted, bounded(length, MAX_QUOTED), sum));
	if (bpf_skb_store_bytes(skb, ETH_HLEN, &reply, sizeof(reply), 0))
		return DROP;
	return send_back(skb, 0);
}

__noinline int send_icmp_error6(struct __sk_buff *skb)
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

	if (!p || !quoted || !may_send_error(p, 1) || !error_source(p, &from))
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
	reply.icmp.type = p->error_type;
	reply.icmp.code = p->error_code;
	reply.icmp.rest = bpf_htonl(p->error_mtu);
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
static __always_inline int icmp_error(struct packet *p, __u8 type, __u8 code, __u32 mtu)
{
	if (p->fragment == LATER_FRAGMENT)
		return DROP;
	p->error_type = type;
	p->error_code = code;
	p->error_mtu = mtu;
	return TO_ICMP_ERROR;
}

static __always_inline int error_port_unreachable(struct packet *p, int v6)
{
	return v6 ? icmp_error(p, ICMPV6_DEST_UNREACH, ICMPV6_PORT_UNREACH, 0) :
		    icmp_error(p, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
}

static __always_inline int error_time_exceeded(struct packet *p, int v6)
{
	count_drop(DROP_TTL);
	return icmp_error(p, v6 ? ICMPV6_TIME_EXCEED : ICMP_TIME_EXCEEDED, 0, 0);
}

static __always_inline int error_too_big(struct packet *p, int v6, __u32 mtu)
{
	count_drop(DROP_TOO_BIG);
	return v6 ? icmp_error(p, ICMPV6_PKT_TOOBIG, 0, mtu) : icmp_error(p, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, mtu);
}

/* To a client: there is no route to its server. IPVS says no more than this of routes of every kind, also of one that is to
 * swallow packets. */
static __always_inline int error_no_route_to_server(struct packet *p, int v6)
{
	count_drop(DROP_NO_ROUTE);
	return v6 ? icmp_error(p, ICMPV6_DEST_UNREACH, ICMPV6_ADDR_UNREACH, 0) :
		    icmp_error(p, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
}

/* To a server: what the kernel would say of the route to its client. */
static __always_inline int error_no_route_to_client(struct packet *p, int v6, int why)
{
	count_drop(DROP_NO_ROUTE);
	if (why == BPF_FIB_LKUP_RET_BLACKHOLE)
		return DROP;
	if (why == BPF_FIB_LKUP_RET_PROHIBIT)
		return v6 ? icmp_error(p, ICMPV6_DEST_UNREACH, ICMPV6_ADM_PROHIBITED, 0) :
			    icmp_error(p, ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, 0);
	return v6 ? icmp_error(p, ICMPV6_DEST_UNREACH, ICMPV6_NOROUTE, 0) : icmp_error(p, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
}

#endif
