/* SPDX-License-Identifier: GPL-2.0-only */
/* A TCP server that is this director itself, with another port than was asked for. Its answers do not come by here to be translated;
 * so the packet stays as it is, and its listening socket is named to the stack in place of the one that the packet's port would
 * find. What it accepts has the virtual address for its own, and answers from there. */
#ifndef TANIST_LOCAL_SERVER_H
#define TANIST_LOCAL_SERVER_H

#include "icmp-error.h"
#include "layout.h"
#include "maps.h"
#include "packet.h"
#include "scratch.h"
#include "verdict.h"

#define SOCKET_LISTENS 10 /* TCP_LISTEN */

static __always_inline struct bpf_sock *find_socket(struct __sk_buff *skb, const struct packet *p, int v6,
						    const struct address *to, __u16 port)
{
	struct bpf_sock_tuple tuple = {};

	if (v6) {
		__builtin_memcpy(tuple.ipv6.saddr, &p->flow.saddr, sizeof(tuple.ipv6.saddr));
		__builtin_memcpy(tuple.ipv6.daddr, to, sizeof(tuple.ipv6.daddr));
		tuple.ipv6.sport = p->flow.sport;
		tuple.ipv6.dport = port;
		return bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
	}
	tuple.ipv4.saddr = p->flow.saddr.words[0];
	tuple.ipv4.daddr = to->words[0];
	tuple.ipv4.sport = p->flow.sport;
	tuple.ipv4.dport = port;
	return bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
}

static __always_inline int to_local_server(struct __sk_buff *skb, int v6)
{
	struct packet *p = packet_in_hand();
	struct bpf_sock *sk;
	struct dest *d;
	__u32 slot, listens;
	long error;

	if (!p)
		return PASS;
	slot = p->dest_slot;
	d = dest_at(slot);
	if (!d)
		return PASS;
	/* A connection that it has accepted, or is about to. */
	sk = find_socket(skb, p, v6, &p->flow.daddr, p->flow.dport);
	if (sk) {
		listens = sk->state == SOCKET_LISTENS;
		bpf_sk_release(sk);
		if (!listens)
			return PASS;
	}
	sk = find_socket(skb, p, v6, &d->addr, d->port);
	if (!sk)
		return error_port_unreachable(p, v6);
	error = bpf_sk_assign(skb, sk, 0);
	bpf_sk_release(sk);
	return error ? error_port_unreachable(p, v6) : PASS;
}

#endif
