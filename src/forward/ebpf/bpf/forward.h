/* SPDX-License-Identifier: GPL-2.0-only */
/* The way of a packet: read it, find its connection or open one, and on to the server or the client. */
#ifndef TANIST_FORWARD_H
#define TANIST_FORWARD_H

#include "access.h"
#include "admission.h"
#include "after-end.h"
#include "clock.h"
#include "connection.h"
#include "counters.h"
#include "fragment-queue.h"
#include "icmp-error.h"
#include "keys.h"
#include "layout.h"
#include "maps.h"
#include "open.h"
#include "other-directors.h"
#include "packet.h"
#include "parse.h"
#include "scratch.h"
#include "service.h"
#include "sip.h"
#include "states.h"
#include "to-client.h"
#include "to-server.h"
#include "verdict.h"

/* A packet that may open a connection finds one that is over, or whose server is gone: it opens a new one. LVS does so
 * for the first, and for the second only with expire_nodest_conn; without it a client that happens to reuse a port, and
 * every UDP client, would wait for the time-out. */
static __always_inline int is_stale(const struct settings *s, const struct connection *c)
{
	__u32 slot = c->dest_slot;
	struct dest *d;

	/* One of a persistent service goes to the same server anyway, and goes on, as in IPVS. */
	if (is_finished(c) && !(c->flags & CONN_CONTROLLED))
		return 1;
	d = dest_at(slot);
	return !d || d->state != DEST_PRESENT || (s->flags & EXPIRE_NODEST_CONN && !d->weight);
}

/* The virtual server that a packet opens a connection of, if it may: 0, or the verdict that ends its way here. */
static __always_inline int admit(struct __sk_buff *skb, struct packet *p, const struct service **admitted)
{
	/* From the port of FTP's data nothing is scheduled, as in IPVS: by NAT it would be a real server's. */
	const struct service *service =
		p->opens && p->flow.sport != bpf_htons(PORT_FTP_DATA) ? find_service(p, skb->mark) : 0;

	if (!service || !may_open(skb))
		return PASS;
	/* What comes back from the firewall has been looked up before it went there. */
	if (service->flags & SERVICE_LISTED && !(service->flags & SERVICE_FIREWALL && p->marked) && !admits(service->slot)) {
		p->rule = RULE_DENIED;
		count_drop(DROP_DENIED);
		return DROP;
	}
	if (service->flags & SERVICE_FIREWALL && !p->marked && !p->own_client && !p->dry) {
		skb->mark |= FIREWALL_MARK;
		return PASS;
	}
	if (service->flags & SERVICE_SIP && !p->dry) {
		p->call = find_call(skb);
		if (!p->call) {
			count_drop(DROP_NO_CALL);
			return DROP;
		}
	}
	*admitted = service;
	return 0;
}

static __always_inline int forward(struct __sk_buff *skb, int v6)
{
	struct moment at = { .settings = get_settings() };
	const struct service *service;
	struct packet *p = packet_in_hand();
	__u32 ifindex = skb->ifindex;
	struct link *link = bpf_map_lookup_elem(&interfaces, &ifindex);
	struct connection *c = 0;
	int is_reply, verdict;

	if (!p || !at.settings)
		return PASS;
	if (v6 ? parse_ipv6(skb, p) : parse_ipv4(skb, p))
		return PASS;
	at.now = now_ns(at.settings);
	if (is_inert(&at))
		return PASS;
	if (__builtin_expect(may_come_from_director(at.settings, (void *)(long)skb->data, data_end(skb)), 0) && was_balanced(skb)) {
		skb->tc_index = BALANCED_ELSEWHERE;
		return PASS;
	}
	if (__builtin_expect(p->fragment, 0)) {
		verdict = take_fragment(skb);
		if (verdict)
			return verdict;
	}
	if (is_ipsec(p->flow.proto)) {
		p->fragment = IPSEC;
		p->flow.proto = IPPROTO_UDP;
		p->flow.sport = p->flow.dport = bpf_htons(PORT_ISAKMP);
	} else if (p->fragment != LATER_FRAGMENT) { /* which has the ports of the first one */
		verdict = parse_transport(skb, p, v6);
		if (verdict)
			return verdict;
	}

	/* What the last packet was, the next one is, too: that saves a lookup. */
	is_reply = link && link->replies && lookup_reply(&p->flow, &p->client, v6);
	if (!is_reply)
		c = p->dry ? peek(&p->flow, at.now, v6) : find(&p->flow, at.now, v6);
	if (c && ((p->opens && is_stale(at.settings, c)) || is_orphan(at.settings, c))) {
		if (!p->dry)
			forget(&p->flow, c, v6);
		c = 0;
	}
	if (c) {
		if (link && link->replies)
			link->replies = 0;
		p->rule = RULE_CONNECTION;
		p->dest_slot = c->dest_slot;
	}
	if (is_reply || (!c && !(link && link->replies) && lookup_reply(&p->flow, &p->client, v6))) {
		if (link && !link->replies)
			link->replies = 1;
		c = p->dry ? peek(&p->client, at.now, v6) : find(&p->client, at.now, v6);
		if (!c)
			return after_end(at.now);
		p->rule = RULE_REPLY;
		p->dest_slot = c->dest_slot;
		return to_client(skb, p, v6, c, &at);
	}
	if (!c) {
		verdict = admit(skb, p, &service);
		if (verdict)
			return verdict == PASS ? after_end(at.now) : verdict;
		if (p->dry || (service->flags & SERVICE_ONE_PACKET && p->flow.proto == IPPROTO_UDP))
			return forward_one_packet(skb, p, v6, service, &at);
		c = open_connection(p, v6, service, &at);
		if (!c)
			return error_port_unreachable(p, v6);
	} else if (!p->dry && !lacks_server(c)) {
		track(c, p, v6, c->flags & CONN_NO_OUTPUT ? DIR_INPUT_ONLY : DIR_INPUT, &at);
	}
	return to_server(skb, p, v6, c, at.now);
}

#endif
