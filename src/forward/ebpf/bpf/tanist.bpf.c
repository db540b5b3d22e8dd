/* SPDX-License-Identifier: GPL-2.0-only */
/* The forwarding core. One program on tc ingress of every link: known connection, else service, scheduler, new
 * connection; then rewrite by method and redirect. What is not ours goes on to the stack untouched. */
#include "access.h"
#include "admission.h"
#include "forward.h"
#include "fragments.h"
#include "own-port.h"
#include "persistence.h"
#include "schedule.h"
#include "sctp.h"
#include "xdp.h"

char LICENSE[] SEC("license") = "GPL";

/* Full NAT; and where this director's client is the virtual address itself, which a server by DR or TUN has, too, so that it would
 * send its answers nowhere. */
static __always_inline int needs_local(const struct flow *client, const struct dest *d, const struct connection *c)
{
	return c->method == METHOD_FNAT || (c->flags & CONN_OWN && c->method != METHOD_NAT && d->family == client->family &&
					    is_same(&client->saddr, &client->daddr));
}

#define EEXIST 17

/* Adds the key of a NAT connection's replies, `reply` of the packet in hand. Another connection of the client's that has it and
 * only waits for its time to be over makes room; a key is taken away by the connection that has it and by nobody else. */
static __always_inline int add_own_reply(const struct packet *p, int v6, __u64 now)
{
	int error = add_reply(&p->reply, &p->flow, BPF_NOEXIST, v6);
	struct connection *c = 0;
	struct flow other;

	if (error != -EEXIST)
		return error;
	if (lookup_reply(&p->reply, &other, v6))
		c = find(&other, now, v6);
	if (c && is_finished(c))
		forget(&other, c, v6);
	return add_reply(&p->reply, &p->flow, BPF_NOEXIST, v6);
}

/* Global functions, for the stack's sake. */
__noinline int add_own_reply4(__u64 now)
{
	const struct packet *p = packet_in_hand();

	return p ? add_own_reply(p, 0, now) : -1;
}

__noinline int add_own_reply6(__u64 now)
{
	const struct packet *p = packet_in_hand();

	return p ? add_own_reply(p, 1, now) : -1;
}

/* A key for the packets of the server, by which they are known. If the client's port is in use at this server, by way of another
 * service, it gets another one there, since the server could not tell the two connections apart. (IPVS leaves the port to both, and
 * takes all answers for the newer one's.) False when there is no room. */
static __always_inline int claim_reply(struct packet *p, int v6, const struct dest *d, struct connection *fresh, __u64 now)
{
	int error;

	if (needs_local(&p->flow, d, fresh))
		return claim_local(fresh, CLAIM_KEEP);
	p->reply = reply_flow(&p->flow, d, fresh);
	error = v6 ? add_own_reply6(now) : add_own_reply4(now);
	if (error == -EEXIST && fresh->method == METHOD_NAT) {
		fresh->method = METHOD_FNAT;
		if (!claim_local(fresh, CLAIM_KEEP | CLAIM_OF_CLIENT))
			return 0;
		count_drop(DROP_PORT_CHANGED);
		return 1;
	}
	if (error)
		count_drop(DROP_TABLE_FULL);
	return !error;
}

/* Adds the connection of the packet in hand; for NAT its reply key first, so that no reply can arrive unknown. -EEXIST when a
 * packet of the same flow was first, on another CPU. */
static __always_inline int insert(struct packet *p, int v6, const struct dest *d, struct connection *fresh, __u64 now)
{
	int error;

	if (has_reply(fresh) && !claim_reply(p, v6, d, fresh, now))
		return -1;
	error = add_connection(&p->flow, fresh, v6);
	if (error) {
		if (has_reply(fresh))
			delete_reply(&p->reply, v6);
		if (error != -EEXIST)
			count_drop(DROP_TABLE_FULL);
		return error;
	}
	add_population(v6 ? POPULATION_CONNECTIONS6 : POPULATION_CONNECTIONS, 1);
	count_load(fresh->dest_slot, fresh->state, 1);
	note_threshold(fresh->dest_slot, 1);
	return 0;
}

/* Chooses a server for a packet that opens a connection, and fills the connection in. False when there is none. */
static __always_inline int schedule(struct packet *p, int v6, const struct service *service,
				    const struct settings *s, struct connection *fresh, __u64 now)
{
	struct template_key who = {
		.service_slot = service->slot, .client = masked(&p->flow.saddr, service->client_prefix, v6), .call = p->call,
	};
	struct template *known = 0;
	struct counters *n;
	struct dest *d;

	fresh->service_slot = service->slot;
	if (service->persistence_s)
		known = find_template(s, &who, now);
	fresh->dest_slot = known ? known->dest_slot : pick_for(service->slot, &p->flow, p->dry);
	p->rule = known ? RULE_TEMPLATE : RULE_SCHEDULER;
	p->dest_slot = fresh->dest_slot;
	d = bpf_map_lookup_elem(&dests, &fresh->dest_slot);
	if (!d) {
		count_drop(DROP_NO_DESTINATION);
		return 0;
	}
	/* The director's own answers do not come by here, so there is no translating them. */
	fresh->method = d->hops[d->hop & 1].ifindex == HOP_LOCAL ? METHOD_DR : d->method;
	if (p->own && d->hops[d->hop & 1].ifindex != HOP_LOCAL)
		fresh->flags = CONN_OWN;
	else if (!has_reply(fresh))
		fresh->flags = CONN_NO_OUTPUT;
	fresh->back_ifindex = p->ifindex;
	fresh->timeout_s = service->timeout_s;
	if (p->ftp_data)
		fresh->flags |= CONN_KEEPS_PORT;
	fresh->state = next_state(p->flow.proto, p->event, has_reply(fresh) ? DIR_INPUT : DIR_INPUT_ONLY, ST_NONE);
	set_deadline(s, fresh, fresh->state, now);
	if (p->dry)
		return 1;
	n = bpf_map_lookup_elem(&service_counters, &fresh->service_slot);
	if (n)
		n->connections++;
	n = bpf_map_lookup_elem(&dest_counters, &fresh->dest_slot);
	if (n)
		n->connections++;
	if (service->persistence_s && !enter_template(&who, known, service, fresh, d->id, now)) {
		count_drop(DROP_TABLE_FULL);
		return 0;
	}
	return 1;
}

static __always_inline struct connection *open_connection(struct packet *p, int v6, const struct service *service,
							  const struct settings *s, __u64 now)
{
	struct connection fresh = {};
	int error = -1;
	__u32 slot;
	struct dest *d;

	if (!schedule(p, v6, service, s, &fresh, now))
		return 0;
	slot = fresh.dest_slot;
	d = bpf_map_lookup_elem(&dests, &slot);
	if (d)
		error = insert(p, v6, d, &fresh, now);
	if (error && fresh.flags & CONN_CONTROLLED)
		leave_template(&p->flow, &fresh, v6);
	return error && error != -EEXIST ? 0 : lookup_connection(&p->flow, v6);
}

/* One-packet scheduling: the packet gets a server of its own, and is forgotten once it is on its way. Its answer is not
 * translated. */
static __always_inline int forward_alone(struct __sk_buff *skb, struct packet *p, int v6, const struct service *service,
					 const struct settings *s, __u64 now)
{
	struct connection once = {};

	if (!schedule(p, v6, service, s, &once, now))
		return answer_unreachable(p, v6);
	if (once.method == METHOD_FNAT && !claim_local(&once, 0))
		return DROP;
	if (once.flags & CONN_CONTROLLED)
		leave_template(&p->flow, &once, v6);
	return to_server(skb, p, v6, &once, now);
}

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
	d = bpf_map_lookup_elem(&dests, &slot);
	return !d || d->state != DEST_PRESENT || (s->flags & EXPIRE_NODEST_CONN && !d->weight);
}

#define PORT_FTP 21
#define PORT_FTP_DATA 20
#define FIRST_USER_PORT 1024

/* By mark, by address and port, the address's persistent service of FTP for what may be data of it, by address alone: in this
 * order, as IPVS looks. */
static __always_inline const struct service *find_service(struct packet *p, __u32 mark)
{
	const struct flow *flow = &p->flow;
	__u16 port = bpf_ntohs(flow->dport);
	struct service_key marked = { .vaddr.words[0] = mark, .family = flow->family };
	struct service_key where = {
		.vaddr = flow->daddr, .vport = flow->dport, .proto = flow->proto, .family = flow->family,
	};
	const struct service *service = mark ? bpf_map_lookup_elem(&services, &marked) : 0;

	if (service)
		return service;
	service = bpf_map_lookup_elem(&services, &where);
	if (service)
		return service;
	if (flow->proto == IPPROTO_TCP && (port == PORT_FTP_DATA || port >= FIRST_USER_PORT)) {
		where.vport = bpf_htons(PORT_FTP);
		service = bpf_map_lookup_elem(&services, &where);
		p->ftp_data = service && service->persistence_s;
		if (p->ftp_data)
			return service;
	}
	where.vport = 0; /* a service for every port */
	return bpf_map_lookup_elem(&services, &where);
}

static __always_inline int forward(struct __sk_buff *skb, int v6)
{
	const struct service *service;
	struct packet *p = packet_in_hand();
	struct settings *s = get_settings();
	__u32 ifindex = skb->ifindex;
	struct link *link = bpf_map_lookup_elem(&interfaces, &ifindex);
	struct connection *c = 0;
	int is_answer, verdict;
	__u64 now;

	if (!p || !s)
		return PASS;
	if (v6 ? parse_ipv6(skb, p) : parse_ipv4(skb, p))
		return PASS;
	now = now_ns(s);
	if (is_inert(s, now))
		return PASS;
	if (__builtin_expect(p->fragment, 0)) {
		verdict = take_fragment(skb);
		if (verdict)
			return verdict;
	}
	if (p->flow.proto == IPPROTO_ESP || p->flow.proto == IPPROTO_AH) {
		p->fragment = IPSEC;
		p->flow.proto = IPPROTO_UDP;
		p->flow.sport = p->flow.dport = bpf_htons(PORT_ISAKMP);
	} else if (p->fragment == LATER_FRAGMENT) {
		/* has the ports of the first one */
	} else if (p->flow.proto == IPPROTO_TCP) {
		if (parse_tcp(skb, p))
			return PASS;
	} else if (p->flow.proto == IPPROTO_UDP) {
		if (parse_udp(skb, p))
			return PASS;
	} else if (p->flow.proto == IPPROTO_SCTP) {
		if (parse_sctp(skb))
			return PASS;
	} else if (p->flow.proto == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP)) {
		return TO_ICMP;
	} else {
		return PASS;
	}

	/* What the last packet was, the next one is, too: that saves a lookup. */
	is_answer = link && link->answers && lookup_reply(&p->flow, &p->client, v6);
	if (!is_answer)
		c = p->dry ? peek(&p->flow, now, v6) : find(&p->flow, now, v6);
	if (c && ((p->syn && is_stale(s, c)) || is_orphan(s, c))) {
		if (!p->dry)
			forget(&p->flow, c, v6);
		c = 0;
	}
	if (c) {
		if (link && link->answers)
			link->answers = 0;
		p->rule = RULE_CONNECTION;
		p->dest_slot = c->dest_slot;
	}
	if (is_answer || (!c && !(link && link->answers) && lookup_reply(&p->flow, &p->client, v6))) {
		if (link && !link->answers)
			link->answers = 1;
		c = p->dry ? peek(&p->client, now, v6) : find(&p->client, now, v6);
		if (!c)
			return PASS;
		p->rule = RULE_REPLY;
		p->dest_slot = c->dest_slot;
		return from_server(skb, p, v6, &p->client, c, s, now);
	}
	if (!c) {
		/* From the port of FTP's data nothing is scheduled, as in IPVS: by NAT it would be a real server's. */
		service = p->syn && p->flow.sport != bpf_htons(PORT_FTP_DATA) ? find_service(p, skb->mark) : 0;
		if (!service || !may_open(skb))
			return PASS;
		/* What comes back from the firewall has been looked up before it went there. */
		if (service->flags & SERVICE_LISTED && !(service->flags & SERVICE_FIREWALL && p->marked) &&
		    !admits(service->slot)) {
			p->rule = RULE_DENIED;
			count_drop(DROP_DENIED);
			return DROP;
		}
		if (service->flags & SERVICE_FIREWALL && !p->marked && !p->own && !p->dry) {
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
		if (p->dry || (service->flags & SERVICE_ONE_PACKET && p->flow.proto == IPPROTO_UDP))
			return forward_alone(skb, p, v6, service, s, now);
		c = open_connection(p, v6, service, s, now);
		if (!c)
			return answer_unreachable(p, v6);
	} else if (!p->dry && !lacks_server(c)) {
		proceed(s, c, p, &p->flow, c->flags & CONN_NO_OUTPUT ? DIR_INPUT_ONLY : DIR_INPUT, now, v6);
	}
	return to_server(skb, p, v6, c, now);
}

/* The steps of a packet, one after the other. Global functions: the kernel verifies each once, and they share the stack. */
__noinline int forward4(struct __sk_buff *skb)
{
	return forward(skb, 0);
}

__noinline int forward6(struct __sk_buff *skb)
{
	return forward(skb, 1);
}

__noinline int forward_icmp4(struct __sk_buff *skb)
{
	return forward_icmp(skb, 0);
}

__noinline int forward_icmp6(struct __sk_buff *skb)
{
	return forward_icmp(skb, 1);
}

__noinline int to_tunnel4(struct __sk_buff *skb)
{
	return to_tunnel(skb, 0);
}

__noinline int to_tunnel6(struct __sk_buff *skb)
{
	return to_tunnel(skb, 1);
}

__noinline int to_full_nat4(struct __sk_buff *skb)
{
	return to_full_nat(skb, 0);
}

__noinline int to_full_nat6(struct __sk_buff *skb)
{
	return to_full_nat(skb, 1);
}

__noinline int from_full_nat4(struct __sk_buff *skb)
{
	return from_full_nat(skb, 0);
}

__noinline int from_full_nat6(struct __sk_buff *skb)
{
	return from_full_nat(skb, 1);
}

__noinline int to_own_port4(struct __sk_buff *skb)
{
	return to_own_port(skb, 0);
}

__noinline int to_own_port6(struct __sk_buff *skb)
{
	return to_own_port(skb, 1);
}

#include "own.h"

static __always_inline int run(struct __sk_buff *skb, int marked, int own, int dry)
{
	int v6 = skb->protocol == bpf_htons(ETH_P_IPV6), verdict;
	struct packet *p = packet_in_hand();

	if (!p || (!v6 && skb->protocol != bpf_htons(ETH_P_IP)))
		return PASS;
	__builtin_memset(p, 0, __builtin_offsetof(struct packet, client));
	p->marked = marked;
	p->hop_taken = marked;
	p->own = own;
	p->dry = dry;
	p->ifindex = skb->ifindex;
	verdict = v6 ? forward6(skb) : forward4(skb);
	if (verdict < TO_ICMP)
		return verdict;
	if (verdict == TO_ICMP)
		verdict = v6 ? forward_icmp6(skb) : forward_icmp4(skb);
	if (verdict == TO_TUNNEL)
		verdict = v6 ? to_tunnel6(skb) : to_tunnel4(skb);
	if (verdict == TO_FULL_NAT)
		verdict = v6 ? to_full_nat6(skb) : to_full_nat4(skb);
	if (verdict == FROM_FULL_NAT)
		verdict = v6 ? from_full_nat6(skb) : from_full_nat4(skb);
	if (verdict == TO_OWN_PORT)
		verdict = v6 ? to_own_port6(skb) : to_own_port4(skb);
	if (verdict == TO_ANSWER)
		verdict = v6 ? answer_icmp6(skb) : answer_icmp4(skb);
	return verdict;
}

/* What came by the loopback interface. Before it has gone round nothing is done to it, so that it can still be left alone. */
static __always_inline int from_here(struct __sk_buff *skb)
{
	__u32 index = skb->tc_index;

	skb->tc_index = 0;
	if (index == TO_DELIVER)
		return PASS;
	if (index == GONE_ROUND)
		return run(skb, 0, 1, 0);
	if (skb->protocol == bpf_htons(ETH_P_IP) ? is_for_service4(skb) :
						   skb->protocol == bpf_htons(ETH_P_IPV6) && is_for_service6(skb))
		return enter_loopback(skb, GONE_ROUND);
	return PASS;
}

SEC("tc")
int tanist_ingress(struct __sk_buff *skb)
{
	struct settings *s = get_settings();
	int marked, tagged, verdict;

	if (skb->ifindex == LOOPBACK_IFINDEX && s && s->flags & OWN_CLIENTS)
		return from_here(skb);
	/* The kernel has routed it to the link for marks, see linux/mark-route.ts. */
	marked = s && skb->ifindex == s->mark_ifindex;
	/* A frame with a VLAN tag comes again, on the interface of its VLAN. A tag that names none (IEEE 802.1Q: VLAN 0) only has a
	 * priority to tell, and is not for the next link. */
	tagged = skb->vlan_present;
	if (!marked && (skb->pkt_type != 0 /* PACKET_HOST */ || (tagged && skb->vlan_tci & VLAN_ID)))
		return PASS;
	verdict = run(skb, marked, 0, 0);
	if (tagged && verdict == TC_ACT_REDIRECT && bpf_skb_vlan_pop(skb))
		return DROP;
	if (verdict != PASS || !marked)
		return verdict;
	/* It goes to this host's own stack, in by the loopback interface, from which no mark leads back here. */
	skb->mark = 0;
	return enter_loopback(skb, TO_DELIVER);
}

/* Is loaded only where an interface is to have it. */
SEC("xdp")
int tanist_xdp(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct link *in = xdp_link(ctx->ingress_ifindex);

	/* Frames for others come where an interface listens to all, and are not ours. */
	if (!in || (void *)(eth + 1) > (void *)(long)ctx->data_end || mac_number(eth->h_dest) != mac_number(in->mac))
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return forward_short(ctx, in, 0);
	return eth->h_proto == bpf_htons(ETH_P_IPV6) ? forward_short(ctx, in, 1) : XDP_PASS;
}

/* What would become of a packet. Is loaded only to be run on a made one; answers in cb: enum rule, slot of the server, and
 * `access`. */
SEC("tc")
int tanist_trace(struct __sk_buff *skb)
{
	int verdict = run(skb, 0, 0, 1);
	const struct packet *p = packet_in_hand();

	if (p) {
		skb->cb[0] = p->rule;
		skb->cb[1] = p->dest_slot;
		skb->cb[2] = p->access;
	}
	return verdict;
}

static __always_inline __u64 entries_of(__u32 table)
{
	__u64 *n = bpf_map_lookup_elem(&population, &table);

	return n ? *n : 0;
}

SEC("syscall")
int tanist_sweep(struct sweep_result *result)
{
	__u64 connections_left = entries_of(POPULATION_CONNECTIONS), connections6_left = entries_of(POPULATION_CONNECTIONS6);
	struct settings *s = get_settings();
	struct sweep sweep = {};

	if (!s)
		return 0;
	sweep.now = bpf_ktime_get_ns() + s->clock_offset_ns; /* the coarse clock is not for syscall programs */
	sweep.settings = s;
	sweep.defend = connections_left >= s->defend_from;
	if (connections_left)
		bpf_for_each_map_elem(&connections, sweep_one, &sweep, 0);
	sweep.defend = connections6_left >= s->defend_from;
	if (connections6_left)
		bpf_for_each_map_elem(&connections6, sweep_one6, &sweep, 0);
	if (entries_of(POPULATION_TEMPLATES))
		bpf_for_each_map_elem(&templates, sweep_template, &sweep.now, 0);
	if (entries_of(POPULATION_LOCALITIES)) {
		struct forget_localities f = { .now = sweep.now };

		f.expiry_ns = (entries_of(POPULATION_LOCALITIES) > MAX_LOCALITIES / 4 * 3 ? LOCALITY_EXPIRY_WHEN_FULL_S :
											   LOCALITY_EXPIRY_S) * SECOND_NS;
		bpf_for_each_map_elem(&localities, sweep_locality, &f, 0);
	}
	*result = sweep.result;
	return 0;
}

SEC("syscall")
int tanist_forget(struct forget_request *request)
{
	struct flow client = request->client;
	int v6 = client.family == AF_INET6;
	struct connection *c = v6 ? lookup_connection(&client, 1) : lookup_connection(&client, 0);

	if (!c)
		return 0;
	if (v6)
		forget(&client, c, 1);
	else
		forget(&client, c, 0);
	request->found = 1;
	return 0;
}
