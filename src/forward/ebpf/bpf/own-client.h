/* SPDX-License-Identifier: GPL-2.0-only */
/* The director as a client of its own virtual servers. What is sent to a local address goes by the loopback interface, and
 * comes in by it with its route on it, by which the kernel would deliver it, and would send it if it had to wait for a
 * neighbour. So a packet of a service goes round once more, which takes the route off, and is handled then like any other.
 * Answers are delivered by the loopback interface, too. Which of these a packet is stands in its tc_index.
 *
 *   local process --> lo, tc_index 0 --- of a service ---> lo, LOOP_SECOND --> process: to a server
 *                          |
 *                          +---- any other ---> PASS
 *   server ---> link --> process: a reply ---> lo, LOOP_DELIVER --> PASS: to the local process
 *
 * A check that goes the way of clients is such a client, too. Its mark has brought its packets to the link for marks, also where the
 * virtual address is not this host's at the moment, and stands for a service of one server alone.
 */
#ifndef TANIST_OWN_CLIENT_H
#define TANIST_OWN_CLIENT_H

#include "clock.h"
#include "connection.h"
#include "fragment-queue.h"
#include "layout.h"
#include "packet.h"
#include "parse.h"
#include "scratch.h"
#include "service.h"

static __always_inline int is_path_mark(__u32 mark)
{
	return (mark & PATH_MARK_MASK) == PATH_MARK;
}

/* Whether a packet that has come in by the loopback interface is a service's or of a connection. */
static __always_inline int is_for_service(struct __sk_buff *skb, int v6)
{
	struct packet *p = packet_in_hand();
	struct moment at = { .settings = get_settings() };

	if (!p || !at.settings)
		return 0;
	__builtin_memset(p, 0, __builtin_offsetof(struct packet, client));
	at.now = now_ns(at.settings);
	if (is_inert(&at) || (v6 ? parse_ipv6(skb, p) : parse_ipv4(skb, p)))
		return 0;
	if (p->fragment == LATER_FRAGMENT)
		return !find_ports(p);
	if (parse_transport(skb, p, v6))
		return 0;
	if (!peek(&p->flow, at.now, v6) && !(p->opens && find_service(p, skb->mark)))
		return 0;
	/* The others of its fragments are behind this one, and have no ports. */
	if (p->fragment == FIRST_FRAGMENT)
		tell_ports(p, at.now);
	return 1;
}

__noinline int is_for_service4(struct __sk_buff *skb)
{
	return is_for_service(skb, 0);
}

__noinline int is_for_service6(struct __sk_buff *skb)
{
	return is_for_service(skb, 1);
}

#endif
