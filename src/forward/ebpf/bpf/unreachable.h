/* SPDX-License-Identifier: GPL-2.0-only */
/* Where there is no way: what the sender is told, as IPVS and the kernel's own forwarding tell it. */
#ifndef TANIST_UNREACHABLE_H
#define TANIST_UNREACHABLE_H

#include "icmp.h"
#include "send.h"

/* RFC 792, RFC 1812 section 5.2.7.1; RFC 4443 section 3.1. */
#define ICMP_HOST_UNREACH 1
#define ICMP_PKT_FILTERED 13
#define ICMPV6_NOROUTE 0
#define ICMPV6_ADM_PROHIBITED 1
#define ICMPV6_ADDR_UNREACH 3

/* Whether the kernel has no route to a server that user space has none to. `saddr` is the packet's, as far as the route may depend
 * on it. */
static __noinline int lacks_route(struct __sk_buff *skb, const struct dest *d, const struct address *saddr)
{
	struct way way;

	return d->family == AF_INET6 ? find_route(skb, 1, saddr, &d->addr, &way) : find_route(skb, 0, saddr, &d->addr, &way);
}

/* To a client: there is no route to its server. IPVS says no more than this of routes of every kind, also of one that is to
 * swallow packets. */
static __always_inline int answer_no_server(struct packet *p, int v6)
{
	count_drop(DROP_NO_ROUTE);
	return v6 ? answer(p, ICMPV6_DEST_UNREACH, ICMPV6_ADDR_UNREACH, 0) :
		    answer(p, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
}

/* To a server: what the kernel would say of the route to its client. */
static __always_inline int answer_no_client(struct packet *p, int v6, int why)
{
	count_drop(DROP_NO_ROUTE);
	if (why == BPF_FIB_LKUP_RET_BLACKHOLE)
		return DROP;
	if (why == BPF_FIB_LKUP_RET_PROHIBIT)
		return v6 ? answer(p, ICMPV6_DEST_UNREACH, ICMPV6_ADM_PROHIBITED, 0) :
			    answer(p, ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, 0);
	return v6 ? answer(p, ICMPV6_DEST_UNREACH, ICMPV6_NOROUTE, 0) : answer(p, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
}

#endif
