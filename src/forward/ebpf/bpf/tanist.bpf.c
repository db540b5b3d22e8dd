/* SPDX-License-Identifier: GPL-2.0-only */
/* The forwarding core: its entry points, and the order in which they hand a packet on.
 *
 *   tanist_xdp                                fast-path.h, fast-packet.h: what is of an established connection is sent on
 *       | anything else, or no XDP there
 *       v
 *   tanist_ingress --- by lo ---> from_loopback     own-client.h, loopback.h: the director's own packets
 *       | by the other links          | second round
 *       v                             v
 *   process
 *       |
 *       +-> forward4, forward6                forward.h
 *       |     parse.h                         headers ------------------ not for us, or malformed ---> PASS
 *       |     other-directors.h               balanced elsewhere ----------------------------------------> PASS
 *       |     fragment-queue.h                a fragment's ports ------- not known yet --------------> queued
 *       |     keys.h                          known connection --------------------------------------> to-server.h
 *       |                                     reply of a server -------------------------------------> to-client.h
 *       |     service.h                       virtual server ----------- none -----------------------> PASS
 *       |     after-end.h                         of an ended connection ----------------------------> DROP, or who
 *       |                                                                                              is told
 *       |     admission.h access.h sip.h      may it open one? --------- no -------------------------> PASS, DROP
 *       |     open.h                          template or scheduler, new entry ----------------------> to-server.h
 *       |
 *       |   and then, in this order, what the step before has asked for:
 *       +-> TO_ICMP          forward_icmp     icmp-forward.h
 *       +-> TO_TUNNEL        to_tunnel        to-server.h, tunnel.h
 *       +-> TO_FULL_NAT      to_full_nat      full-nat.h, toa.h
 *       +-> FROM_FULL_NAT    from_full_nat    full-nat.h, toa.h
 *       +-> TO_LOCAL_SERVER  to_local_server  local-server.h
 *       +-> TO_RESET         send_reset       after-end.h
 *       +-> TO_ICMP_ERROR    send_icmp_error  icmp-error.h, error-rate.h
 *
 *   PASS: the host's stack has it, untouched, unless it is for a closed address (closed.h). Every way out by a link is a redirect
 *   (send.h, route.h).
 *
 *   tanist_trace    process, without keeping or counting anything
 *   tanist_sweep    sweep.h, from time to time: frees what has expired
 *   tanist_forget   takes one connection out of the table
 *
 * Other subjects:
 *
 *   layout.h, maps.h                       the structs that user space shares, and the pinned maps
 *   connection.h, states.h                 the life of an entry in the table, and its states
 *   schedule.h, scheduler-table.h,         which server a new connection gets
 *     least-load.h, locality.h, hash.h
 *   persistence.h, sip.h                   templates
 *   fragment.h, path-mtu.h                 what is too long
 *   rewrite.h, checksum.h, sctp.h          what NAT changes
 *   local-endpoint.h                       full NAT's addresses and ports
 *   icmp.h, icmp-quote.h, ip-options.h     headers
 *   counters.h, clock.h, scratch.h         counts, time, and memory besides the stack
 *   verifier.h, loop.h                     what the kernel's verifier needs
 *   verdict.h, packet.h, address.h         words that all others use
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "address.h"
#include "after-end.h"
#include "clock.h"
#include "closed.h"
#include "connection.h"
#include "fast-path.h"
#include "forward.h"
#include "full-nat.h"
#include "icmp-error.h"
#include "icmp-forward.h"
#include "keys.h"
#include "layout.h"
#include "local-server.h"
#include "loopback.h"
#include "other-directors.h"
#include "own-client.h"
#include "packet.h"
#include "route.h"
#include "scratch.h"
#include "sweep.h"
#include "to-server.h"
#include "verdict.h"

char LICENSE[] SEC("license") = "GPL";

/* The steps of a packet. Global functions: the kernel verifies each once, and they share the stack. */
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

__noinline int to_local_server4(struct __sk_buff *skb)
{
	return to_local_server(skb, 0);
}

__noinline int to_local_server6(struct __sk_buff *skb)
{
	return to_local_server(skb, 1);
}

__noinline int send_reset4(struct __sk_buff *skb)
{
	return send_reset(skb, 0);
}

__noinline int send_reset6(struct __sk_buff *skb)
{
	return send_reset(skb, 1);
}

static __always_inline int process(struct __sk_buff *skb, int marked, int own, int dry)
{
	int v6 = skb->protocol == bpf_htons(ETH_P_IPV6), verdict;
	struct packet *p = packet_in_hand();

	if (!p || (!v6 && skb->protocol != bpf_htons(ETH_P_IP)))
		return PASS;
	__builtin_memset(p, 0, __builtin_offsetof(struct packet, client));
	p->marked = marked;
	p->ttl_decremented = marked;
	p->own_client = own;
	p->dry = dry;
	p->ifindex = skb->ifindex;
	verdict = v6 ? forward6(skb) : forward4(skb);
	if (verdict < TO_ICMP && verdict != PASS)
		return verdict;
	if (verdict == TO_ICMP)
		verdict = v6 ? forward_icmp6(skb) : forward_icmp4(skb);
	if (verdict == TO_TUNNEL)
		verdict = v6 ? to_tunnel6(skb) : to_tunnel4(skb);
	if (verdict == TO_FULL_NAT)
		verdict = v6 ? to_full_nat6(skb) : to_full_nat4(skb);
	if (verdict == FROM_FULL_NAT)
		verdict = v6 ? from_full_nat6(skb) : from_full_nat4(skb);
	if (verdict == TO_LOCAL_SERVER)
		verdict = v6 ? to_local_server6(skb) : to_local_server4(skb);
	if (verdict == TO_RESET)
		verdict = v6 ? send_reset6(skb) : send_reset4(skb);
	if (verdict == TO_ICMP_ERROR)
		verdict = v6 ? send_icmp_error6(skb) : send_icmp_error4(skb);
	return verdict == PASS && is_shut_out(skb) ? DROP : verdict;
}

/* What came by the loopback interface. Before it has gone round nothing is done to it, so that it can still be left alone. */
static __always_inline int from_loopback(struct __sk_buff *skb)
{
	__u32 index = skb->tc_index;

	skb->tc_index = 0;
	if (index == LOOP_DELIVER)
		return PASS;
	if (index == LOOP_SECOND)
		return process(skb, 0, 1, 0);
	if (skb->protocol == bpf_htons(ETH_P_IP) ? is_for_service4(skb) :
						   skb->protocol == bpf_htons(ETH_P_IPV6) && is_for_service6(skb))
		return enter_loopback(skb, LOOP_SECOND);
	return PASS;
}

SEC("tc")
int tanist_ingress(struct __sk_buff *skb)
{
	struct settings *s = get_settings();
	int marked, tagged, verdict;

	if (skb->ifindex == LOOPBACK_IFINDEX && s && s->flags & OWN_CLIENTS)
		return from_loopback(skb);
	/* The kernel has routed it to the link for marks, see linux/mark-route.ts. */
	marked = s && skb->ifindex == s->mark_ifindex;
	/* A frame with a VLAN tag comes again, on the interface of its VLAN. A tag that names none (IEEE 802.1Q: VLAN 0) only has a
	 * priority to tell, and is not for the next link. */
	tagged = skb->vlan_present;
	if (!marked && (skb->pkt_type != 0 /* PACKET_HOST */ || (tagged && skb->vlan_tci & VLAN_ID)))
		return PASS;
	verdict = marked && skb->tc_index == BALANCED_ELSEWHERE ? PASS : process(skb, marked, marked && is_path_mark(skb->mark), 0);
	if (tagged && verdict == TC_ACT_REDIRECT && bpf_skb_vlan_pop(skb))
		return DROP;
	if (verdict != PASS || !marked)
		return verdict;
	/* It goes to this host's own stack, in by the loopback interface, from which no mark leads back here. */
	skb->mark = 0;
	return enter_loopback(skb, LOOP_DELIVER);
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
		return forward_fast(ctx, in, 0);
	return eth->h_proto == bpf_htons(ETH_P_IPV6) ? forward_fast(ctx, in, 1) : XDP_PASS;
}

/* What would become of a packet. Is loaded only to be run on a made one; answers in cb: enum rule, slot of the server, and
 * `access`. */
SEC("tc")
int tanist_trace(struct __sk_buff *skb)
{
	int verdict = process(skb, 0, 0, 1);
	const struct packet *p = packet_in_hand();

	if (p) {
		skb->cb[0] = p->rule;
		skb->cb[1] = p->dest_slot;
		skb->cb[2] = p->access;
	}
	return verdict;
}

SEC("syscall")
int tanist_sweep(struct sweep_result *result)
{
	sweep_tables(result);
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
