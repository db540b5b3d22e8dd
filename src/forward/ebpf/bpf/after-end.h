/* SPDX-License-Identifier: GPL-2.0-only */
/* What a server sends by NAT when the time of its connection is over. Nobody would take it: it has the server's own address. IPVS lets
 * it go on like that, and its client waits; with nat_icmp_send the server is told by ICMP. Here nothing leaves, and of TCP both sides
 * are reset, in turn: by the first packet the client, by the next one, which the server sends again at once, the server.
 *
 *   S:s -> C:c, data   1st   V:v -> C:c, RST      C:c is the client, V:v the virtual server, S:s the real one
 *                      2nd   C:c -> S:s, RST
 *
 * With the switch nat_icmp_send nothing else of a real server by NAT leaves that is no connection's, and it is told by ICMP.
 *
 * A client may also have turned to the server itself, with the same port: then what comes from there is none of ours. */
#ifndef TANIST_AFTER_END_H
#define TANIST_AFTER_END_H

#include "address.h"
#include "checksum.h"
#include "clock.h"
#include "connection.h"
#include "counters.h"
#include "icmp-error.h"
#include "keys.h"
#include "layout.h"
#include "maps.h"
#include "packet.h"
#include "route.h"
#include "scratch.h"
#include "states.h"
#include "verdict.h"

/* The real server by NAT that has sent the packet in hand to another host, if it has. */
static __always_inline __u32 *find_nat_server(const struct packet *p)
{
	struct own_address to = { .address = p->flow.daddr, .family = p->flow.family };
	struct nat_server from = {
		.address = p->flow.saddr, .port = p->flow.sport, .proto = p->flow.proto, .family = p->flow.family,
	};
	__u32 *slot;

	if (bpf_map_lookup_elem(&own_addresses, &to))
		return 0;
	slot = bpf_map_lookup_elem(&nat_servers, &from);
	if (slot)
		return slot;
	from.proto = 0;
	return bpf_map_lookup_elem(&nat_servers, &from);
}

/* What a server gets to hear whose packet nobody takes; a reset, and what has no ports, nothing. */
static __always_inline int refuse(struct packet *p, __u32 dest_slot)
{
	p->rule = RULE_ENDED;
	p->dest_slot = dest_slot;
	count_drop(DROP_ENDED);
	if (!has_ports(p) || (p->flow.proto == IPPROTO_TCP && p->event == EV_RST))
		return DROP;
	return p->flow.family == AF_INET6 ? error_port_unreachable(p, 1) : error_port_unreachable(p, 0);
}

/* What becomes of the packet in hand, which is of no connection. A global function, for the stack's sake. */
__noinline int after_end(__u64 now)
{
	struct packet *p = packet_in_hand();
	const struct settings *s = get_settings();
	const struct ended *e;
	struct flow back;
	__u32 *slot;
	int verdict;

	if (!p || !s)
		return PASS;
	e = bpf_map_lookup_elem(&ended, &p->flow);
	if (!e) {
		/* From a client to a server? */
		back = reversed(&p->flow);
		if (p->opens && !p->dry && bpf_map_lookup_elem(&ended, &back))
			bpf_map_delete_elem(&ended, &back);
		slot = s->flags & NAT_ICMP_SEND ? find_nat_server(p) : 0;
		return slot ? refuse(p, *slot) : PASS;
	}
	/* One that opens a connection is of a new one, past the virtual server: ours was open. */
	if (e->until_ns < now || (p->flow.proto == IPPROTO_TCP && has_ports(p) && p->event == EV_SYN)) {
		if (!p->dry)
			bpf_map_delete_elem(&ended, &p->flow);
		return PASS;
	}
	verdict = refuse(p, e->dest_slot);
	return verdict == TO_ICMP_ERROR && p->flow.proto == IPPROTO_TCP ? TO_RESET : verdict;
}

/* The sum of a pseudo-header, RFC 9293 section 3.1 and RFC 8200 section 8.1: of IPv4 the other words are 0. */
static __always_inline __u64 pseudo_sum(const struct address *from, const struct address *to, __u32 length)
{
	__u64 sum = bpf_htons(IPPROTO_TCP) + bpf_htons(length);
	__u32 i;

	for (i = 0; i < 4; i++)
		sum += (__u64)from->words[i] + to->words[i];
	return sum;
}

/* RFC 9293 section 3.10.7.1: what the other side takes for an answer to a segment of a connection that there is not. */
static __always_inline struct tcphdr reset_to_sender(const struct tcphdr *tcp, __u32 length)
{
	struct tcphdr reset = { .source = tcp->dest, .dest = tcp->source, .doff = sizeof(reset) / 4, .rst = 1 };

	if (tcp->ack) {
		reset.seq = tcp->ack_seq;
	} else {
		reset.ack = 1;
		reset.ack_seq = bpf_htonl(bpf_ntohl(tcp->seq) + length - tcp->doff * 4 + tcp->fin);
	}
	return reset;
}

/* Makes the TCP segment in hand a reset of one of the two sides. With IP options or extension headers neither gets one. */
static __always_inline int send_reset(struct __sk_buff *skb, int v6)
{
	const struct packet *p = packet_in_hand();
	const struct settings *s = get_settings();
	__u32 l4 = ETH_HLEN + (v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)), length;
	const struct address *from, *to;
	struct tcphdr tcp, reset;
	struct next_hop next;
	struct flow client;
	struct ended *e;
	int unsummed, is_for_client;
	__u64 sum;

	if (!p || !s || p->l4_offset != l4 || bpf_skb_load_bytes(skb, l4, &tcp, sizeof(tcp)))
		return DROP;
	e = bpf_map_lookup_elem(&ended, &p->flow);
	if (!e)
		return DROP;
	client = reversed(&p->flow);
	client.daddr = e->vaddr;
	client.dport = e->vport;
	client.sport = e->cport;
	/* Not one that has opened its connection anew, and has got another server. */
	is_for_client = !(__sync_fetch_and_add(&e->turn, 1) & 1) && !peek(&client, now_ns(s), v6);
	length = ETH_HLEN + p->ip_length - l4;
	/* The checksum may be left to the device, as on the links to containers of this host: then it still will be. */
	unsummed = tcp.check == fold(pseudo_sum(&p->flow.saddr, &p->flow.daddr, length));
	reset = reset_to_sender(&tcp, length);
	from = &p->flow.daddr;
	to = &p->flow.saddr;
	if (is_for_client) {
		reset = (struct tcphdr){
			.source = client.dport, .dest = client.sport, .seq = tcp.seq, .ack_seq = tcp.ack_seq,
			.doff = sizeof(reset) / 4, .rst = 1, .ack = tcp.ack,
		};
		from = &client.daddr;
		to = &client.saddr;
	}
	sum = pseudo_sum(from, to, sizeof(reset));
	reset.check = unsummed ? fold(sum) : ~fold(sum + add_words(&reset, sizeof(reset)));
	if (v6) {
		struct ipv6hdr ip = {
			.version = 6, .payload_len = bpf_htons(sizeof(reset)), .nexthdr = IPPROTO_TCP, .hop_limit = 64,
		};

		__builtin_memcpy(&ip.saddr, from, sizeof(ip.saddr));
		__builtin_memcpy(&ip.daddr, to, sizeof(ip.daddr));
		if (bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), 0))
			return DROP;
	} else {
		struct iphdr ip = {
			.version = 4, .ihl = 5, .tot_len = bpf_htons(sizeof(ip) + sizeof(reset)), .frag_off = bpf_htons(IP_DF),
			.ttl = 64, .protocol = IPPROTO_TCP, .saddr = from->words[0], .daddr = to->words[0],
		};

		ip.check = ~fold(add_words(&ip, sizeof(ip)));
		if (bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), 0))
			return DROP;
	}
	if (bpf_skb_store_bytes(skb, l4, &reset, sizeof(reset), 0) || bpf_skb_change_tail(skb, l4 + sizeof(reset), 0))
		return DROP;
	if (!is_for_client)
		return send_back(skb, v6);
	if (!find_route(skb, v6, from, to, &next))
		return send_to(next.ifindex, &next.address, v6);
	return e->back_ifindex ? bpf_redirect_neigh(e->back_ifindex, 0, 0, 0) : DROP;
}

#endif
