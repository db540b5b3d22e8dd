/* SPDX-License-Identifier: GPL-2.0-only */
/* The forwarding core. One program on tc ingress of every link: known connection, else service, scheduler, new
 * connection; then rewrite by method and redirect. What is not ours goes on to the stack untouched. */
#include "icmp.h"
#include "persistence.h"
#include "tunnel.h"
#include "schedule.h"

char LICENSE[] SEC("license") = "GPL";

/* How long a client's next hop, found by a route lookup, is used before it is looked up again. */
#define BACK_ROUTE_NS SECOND_NS

static __always_inline int send_to(__u32 ifindex, __u32 addr)
{
	struct bpf_redir_neigh hop = { .nh_family = AF_INET, .ipv4_nh = addr };

	return bpf_redirect_neigh(ifindex, &hop, sizeof(hop), 0);
}

/* The kernel's own route, for what user space has not resolved. Needs forwarding on the device. */
static __always_inline int find_route(struct __sk_buff *skb, __u32 saddr, __u32 daddr, __u32 *ifindex, __u32 *hop)
{
	struct bpf_fib_lookup route = {
		.family = AF_INET, .ifindex = skb->ifindex, .ipv4_src = saddr, .ipv4_dst = daddr,
	};
	long result = bpf_fib_lookup(skb, &route, sizeof(route), 0);

	if (result != BPF_FIB_LKUP_RET_SUCCESS && result != BPF_FIB_LKUP_RET_NO_NEIGH)
		return -1;
	*ifindex = route.ifindex;
	*hop = route.ipv4_dst;
	return 0;
}

static __always_inline int send_to_server(struct __sk_buff *skb, const struct dest *d, __u32 saddr)
{
	__u64 packed = *(volatile __u64 *)&d->hop;
	__u32 ifindex, hop;

	if (packed)
		return send_to((__u32)packed, packed >> 32);
	if (find_route(skb, saddr, d->addr, &ifindex, &hop)) {
		count_drop(DROP_NO_ROUTE);
		return DROP;
	}
	return send_to(ifindex, hop);
}

static __always_inline int send_to_client(struct __sk_buff *skb, struct connection *c, const struct flow *client,
					  __u64 now)
{
	__u32 ifindex, hop;

	if (now - c->back_at_ns > BACK_ROUTE_NS) {
		if (!find_route(skb, client->daddr, client->saddr, &ifindex, &hop)) {
			c->back_ifindex = ifindex;
			c->back_hop = hop;
		}
		c->back_at_ns = now;
	}
	if (c->back_hop)
		return send_to(c->back_ifindex, c->back_hop);
	/* No forwarding on the device: leave by the link that the client came in by. */
	return bpf_redirect_neigh(c->back_ifindex, 0, 0, 0);
}

static __always_inline int to_server(struct __sk_buff *skb, const struct packet *p, struct connection *c)
{
	__u32 dest_slot = c->dest_slot, length, room;
	struct dest *d = bpf_map_lookup_elem(&dests, &dest_slot);
	struct iphdr *ip;

	if (!d || d->state != DEST_PRESENT) {
		count_drop(DROP_DEST_REMOVED);
		return DROP;
	}
	if (p->ttl <= 1) {
		count_drop(DROP_TTL);
		return answer_icmp(skb, ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, 0);
	}
	/* A packet that is cut up by segments has them made shorter for the tunnel's header; any other one must have room. */
	room = d->mtu && c->method == METHOD_TUN && !skb->gso_size ? d->mtu - TUNNEL_HEADER : d->mtu;
	length = segment_length(skb, p);
	if (p->dont_fragment && room && length > room) {
		count_drop(DROP_TOO_BIG);
		return answer_icmp(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED,
				   c->method == METHOD_TUN ? d->mtu - TUNNEL_HEADER : d->mtu);
	}
	if (c->method == METHOD_NAT) {
		if (translate(skb, p, 1, c->raddr, c->rport))
			goto malformed;
	} else {
		ip = ip_header(skb);
		if (!ip)
			goto malformed;
		decrement_ttl(ip);
		if (c->method == METHOD_TUN && wrap(skb, d))
			goto malformed;
	}
	return send_to_server(skb, d, c->method == METHOD_TUN ? d->local : p->flow.saddr);
malformed:
	count_drop(DROP_MALFORMED);
	return DROP;
}

/* Adds the connection, and for NAT its reply key first, so that no reply can arrive unknown. */
static __always_inline struct connection *insert(struct packet *p, struct connection *fresh, __u64 now)
{
	struct flow reply = reply_flow(&p->flow, fresh), *owner;
	long error;

	if (fresh->method == METHOD_NAT) {
		error = bpf_map_update_elem(&replies, &reply, &p->flow, BPF_NOEXIST);
		if (error == -17 /* EEXIST */) {
			/* The same client port through another service to the same server, unless that one is over. */
			owner = bpf_map_lookup_elem(&replies, &reply);
			if (owner) {
				struct flow other = *owner;

				if (find(&other, now)) {
					count_drop(DROP_REVERSE_TAKEN);
					return 0;
				}
			}
			error = bpf_map_update_elem(&replies, &reply, &p->flow, BPF_ANY);
		}
		if (error) {
			count_drop(DROP_TABLE_FULL);
			return 0;
		}
	}
	error = bpf_map_update_elem(&connections, &p->flow, fresh, BPF_NOEXIST);
	if (error) {
		if (fresh->method == METHOD_NAT)
			bpf_map_delete_elem(&replies, &reply);
		count_drop(DROP_TABLE_FULL);
		return 0;
	}
	add_population(POPULATION_CONNECTIONS, 1);
	count_load(fresh->dest_slot, fresh->state, 1);
	note_threshold(fresh->dest_slot, 1);
	return bpf_map_lookup_elem(&connections, &p->flow);
}

static __always_inline struct connection *open_connection(struct __sk_buff *skb, struct packet *p,
							  const struct service *service, const struct settings *s,
							  __u64 now)
{
	struct connection fresh = { .service_slot = service->slot }, *inserted;
	struct template_key who = { .service_slot = service->slot, .client = p->flow.saddr & service->client_mask };
	struct template *known = 0;
	struct counters *n;
	struct dest *d;

	if (service->persistence_s)
		known = find_template(&who, now);
	fresh.dest_slot = known ? known->dest_slot : pick(service, &p->flow);
	d = bpf_map_lookup_elem(&dests, &fresh.dest_slot);
	if (!d) {
		count_drop(DROP_NO_DESTINATION);
		return 0;
	}
	fresh.method = d->method;
	fresh.flags = d->method == METHOD_NAT ? 0 : CONN_NO_OUTPUT;
	fresh.raddr = d->addr;
	fresh.rport = d->port ? d->port : p->flow.dport;
	fresh.back_ifindex = skb->ifindex;
	fresh.state = next_state(p, d->method == METHOD_NAT ? DIR_INPUT : DIR_INPUT_ONLY, ST_NONE);
	set_deadline(s, &fresh, fresh.state, now);
	n = bpf_map_lookup_elem(&service_counters, &fresh.service_slot);
	if (n)
		n->connections++;
	n = bpf_map_lookup_elem(&dest_counters, &fresh.dest_slot);
	if (n)
		n->connections++;
	if (service->persistence_s && !enter_template(&who, known, service, &fresh, now)) {
		count_drop(DROP_TABLE_FULL);
		return 0;
	}
	inserted = insert(p, &fresh, now);
	if (!inserted && fresh.flags & CONN_CONTROLLED)
		leave_template(&fresh);
	return inserted;
}

static __always_inline int from_server(struct __sk_buff *skb, struct packet *p, const struct flow *client,
				       struct connection *c, const struct settings *s, __u64 now)
{
	struct flow key = *client;

	if (p->ttl <= 1) {
		count_drop(DROP_TTL);
		return answer_icmp(skb, ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, 0);
	}
	count_connection_packet(skb, c, 1);
	advance(s, c, p, DIR_OUTPUT, now);
	if (translate(skb, p, 0, key.daddr, key.dport)) {
		count_drop(DROP_MALFORMED);
		return DROP;
	}
	return send_to_client(skb, c, &key, now);
}

static __always_inline int handle_icmp(struct __sk_buff *skb, __u32 icmp_offset, const struct settings *s, __u64 now)
{
	struct icmphdr icmp;
	struct quoted inner;
	struct flow key = {}, *client;
	struct connection *c;
	struct dest *d;
	__u32 slot;

	if (bpf_skb_load_bytes(skb, icmp_offset, &icmp, sizeof(icmp)) || !is_icmp_error(icmp.type) ||
	    bpf_skb_load_bytes(skb, icmp_offset + sizeof(icmp), &inner, QUOTED) || inner.ip.ihl != 5 ||
	    (inner.ip.protocol != IPPROTO_TCP && inner.ip.protocol != IPPROTO_UDP))
		return PASS;
	key.proto = inner.ip.protocol;
	/* From the servers' side: it quotes client -> server, which is the reply key the other way round. */
	key.saddr = inner.ip.daddr;
	key.sport = inner.ports[1];
	key.daddr = inner.ip.saddr;
	key.dport = inner.ports[0];
	client = bpf_map_lookup_elem(&replies, &key);
	if (client) {
		struct flow owner = *client;

		c = find(&owner, now);
		if (!c)
			return PASS;
		count_connection_packet(skb, c, 1);
		if (rewrite_quoted(skb, icmp_offset, 0, owner.daddr, owner.dport) ||
		    rewrite_outer(skb, 1, owner.daddr))
			return DROP;
		return send_to_client(skb, c, &owner, now);
	}
	/* From the clients' side: it quotes VIP -> client, the connection's key the other way round. */
	c = find(&key, now);
	if (!c)
		return PASS;
	slot = c->dest_slot;
	d = bpf_map_lookup_elem(&dests, &slot);
	if (!d || d->state != DEST_PRESENT)
		return DROP;
	count_connection_packet(skb, c, 0);
	if (c->method == METHOD_NAT) {
		if (rewrite_quoted(skb, icmp_offset, 1, c->raddr, c->rport) || rewrite_outer(skb, 0, c->raddr))
			return DROP;
	} else if (c->method == METHOD_TUN && wrap(skb, d)) {
		return DROP;
	}
	return send_to_server(skb, d, c->method == METHOD_TUN ? d->local : key.saddr);
}

/* A packet that may open a connection finds one that is over, or whose server is gone: it opens a new one. LVS does so
 * for the first, and for the second only with expire_nodest_conn; without it a client that happens to reuse a port, and
 * every UDP client, would wait for the time-out. */
static __always_inline int is_stale(const struct connection *c)
{
	__u32 slot = c->dest_slot;
	struct dest *d;

	if (c->state == ST_TIME_WAIT || c->state == ST_CLOSE)
		return 1;
	d = bpf_map_lookup_elem(&dests, &slot);
	return !d || d->state != DEST_PRESENT;
}

SEC("tc")
int tanist_ingress(struct __sk_buff *skb)
{
	struct packet p = {};
	struct settings *s;
	struct service_key where = {};
	struct service *service;
	struct connection *c;
	struct flow *client;
	struct iphdr *ip;
	__u64 now;

	if (skb->protocol != bpf_htons(ETH_P_IP) || skb->pkt_type != 0 /* PACKET_HOST */)
		return PASS;
	if (need(skb, ETH_HLEN + sizeof(struct iphdr)))
		return PASS;
	ip = ip_header(skb);
	if (!ip || ip->version != 4 || ip->ihl < 5)
		return PASS;
	if (ip->frag_off & bpf_htons(0x3fff))
		return PASS; /* the stack reassembles; see the README's list of what is not forwarded */
	p.flow.saddr = ip->saddr;
	p.flow.daddr = ip->daddr;
	p.flow.proto = ip->protocol;
	p.ip_length = bpf_ntohs(ip->tot_len);
	p.ttl = ip->ttl;
	p.dont_fragment = !!(ip->frag_off & bpf_htons(0x4000));
	p.l4_offset = ETH_HLEN + ip->ihl * 4;
	s = get_settings();
	if (!s)
		return PASS;
	now = now_ns(s);
	if (p.flow.proto == IPPROTO_TCP) {
		if (parse_tcp(skb, &p))
			return PASS;
	} else if (p.flow.proto == IPPROTO_UDP) {
		if (parse_udp(skb, &p))
			return PASS;
	} else if (p.flow.proto == IPPROTO_ICMP) {
		return handle_icmp(skb, p.l4_offset, s, now);
	} else {
		return PASS;
	}

	c = find(&p.flow, now);
	if (c && p.syn && is_stale(c)) {
		forget(&p.flow, c);
		c = 0;
	}
	if (c) {
		count_connection_packet(skb, c, 0);
		advance(s, c, &p, c->flags & CONN_NO_OUTPUT ? DIR_INPUT_ONLY : DIR_INPUT, now);
		return to_server(skb, &p, c);
	}
	client = bpf_map_lookup_elem(&replies, &p.flow);
	if (client) {
		struct flow owner = *client;

		c = find(&owner, now);
		return c ? from_server(skb, &p, &owner, c, s, now) : PASS;
	}
	if (!p.syn)
		return PASS;
	where.vaddr = p.flow.daddr;
	where.vport = p.flow.dport;
	where.proto = p.flow.proto;
	service = bpf_map_lookup_elem(&services, &where);
	if (!service) {
		where.vport = 0; /* a service for every port */
		service = bpf_map_lookup_elem(&services, &where);
	}
	if (!service)
		return PASS;
	c = open_connection(skb, &p, service, s, now);
	if (!c)
		return answer_icmp(skb, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
	count_connection_packet(skb, c, 0);
	return to_server(skb, &p, c);
}

SEC("syscall")
int tanist_sweep(struct sweep_result *result)
{
	struct settings *s = get_settings();
	struct sweep sweep = {};
	__u32 of_connections = POPULATION_CONNECTIONS, of_templates = POPULATION_TEMPLATES;
	__u64 *n = bpf_map_lookup_elem(&population, &of_connections);
	__u64 *templates_left = bpf_map_lookup_elem(&population, &of_templates);

	if (!s || !n || !templates_left)
		return 0;
	sweep.now = bpf_ktime_get_ns() + s->clock_offset_ns; /* the coarse clock is not for syscall programs */
	if (*n)
		bpf_for_each_map_elem(&connections, sweep_one, &sweep, 0);
	if (*templates_left)
		bpf_for_each_map_elem(&templates, sweep_template, &sweep.now, 0);
	*result = sweep.result;
	return 0;
}
