/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses of this host that are closed to everybody (`no_accept`, the Accept_Mode of RFC 9568 section 6.1): what comes for one and is
 * no service's is dropped. Not neighbour discovery (section 6.4.3), nor what this host sends to itself. While another host has the
 * address, its packets are routed as any others. */
#ifndef TANIST_CLOSED_H
#define TANIST_CLOSED_H

#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_helpers.h>
#include "clock.h"
#include "counters.h"
#include "icmp.h"
#include "layout.h"
#include "maps.h"
#include "other-directors.h"
#include "packet.h"
#include "scratch.h"

/* Router and neighbour solicitations and advertisements, and redirects (RFC 4861 section 4). */
static __always_inline int is_neighbour_discovery(struct __sk_buff *skb, const struct packet *p)
{
	__u8 type;

	return p->flow.proto == IPPROTO_ICMPV6 && !bpf_skb_load_bytes(skb, p->l4_offset, &type, sizeof(type)) &&
	       type >= ICMPV6_ROUTER_SOLICITATION && type <= ICMPV6_REDIRECT;
}

/* Whether the packet in hand, which goes to this host's stack, must not. A global function, for the stack's sake. */
__noinline int is_shut_out(struct __sk_buff *skb)
{
	struct moment at = { .settings = get_settings() };
	struct packet *p = packet_in_hand();
	struct own_address to = {};

	/* A rule has found a server: this host itself. A mark: the firewall comes first. */
	if (!at.settings || !(at.settings->flags & CLOSED_ADDRESSES) || !p || p->rule || p->own_client || skb->mark & FIREWALL_MARK || skb->tc_index == BALANCED_ELSEWHERE)
		return 0;
	at.now = now_ns(at.settings);
	to.address = p->flow.daddr;
	to.family = p->flow.family;
	if (is_inert(&at) || !bpf_map_lookup_elem(&closed_addresses, &to) || !bpf_map_lookup_elem(&own_addresses, &to) ||
	    is_neighbour_discovery(skb, p))
		return 0;
	p->rule = RULE_CLOSED;
	count_drop(DROP_CLOSED);
	return 1;
}

#endif
