/* SPDX-License-Identifier: GPL-2.0-only */
/* Directors that are each other's real servers, by DR or TUN. Such a server gets packets as the client has sent them, and looks for a
 * virtual server in them as in any others: it would balance them again, and two directors would play them to each other until their
 * TTL is over. So what another director has balanced is left to this host's stack, as if there were no program.
 *
 *   client ------------> director A: balances, takes a hop off --> director B, MAC of A: PASS, B's own server
 *   program of A itself, its TTL untouched ----------------------> director B, MAC of A: balances
 *
 * `other_directors` has the MACs of the other real servers. Each has the virtual address for its own, so it routes nothing there; what it
 * sends there with a hop taken off has been by a core. A TTL that hosts begin with is taken for that of a program there: should a
 * client's packet happen to have it, it is balanced once more, and known by its TTL behind that. */
#ifndef TANIST_OTHER_DIRECTORS_H
#define TANIST_OTHER_DIRECTORS_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>
#include "layout.h"
#include "maps.h"
#include "packet.h"
#include "scratch.h"

/* In the tc_index of a packet that is to pass the link for marks as well, where it has another MAC. */
#define BALANCED_ELSEWHERE 0x7a03

/* What hosts begin with: Linux and BSD, Windows, the greatest there is. */
static __always_inline int is_fresh_ttl(__u8 ttl)
{
	return ttl == 64 || ttl == 128 || ttl == 255;
}

/* Whether the frame can come from another director; false costs next to nothing. */
static __always_inline int may_come_from_director(const struct settings *s, const void *data, const void *end)
{
	const struct ethhdr *eth = data;

	return s->director_macs && (const void *)(eth + 1) <= end && s->director_macs >> (eth->h_source[ETH_ALEN - 1] & 63) & 1;
}

/* Of the packet in hand. A global function, for the stack's sake. */
__noinline int was_balanced(struct __sk_buff *skb)
{
	const struct packet *p = packet_in_hand();
	struct other_director key = {};

	if (!p || is_fresh_ttl(p->ttl) || bpf_skb_load_bytes(skb, ETH_ALEN, key.mac, sizeof(key.mac)))
		return 0;
	key.family = p->flow.family;
	if (bpf_map_lookup_elem(&other_directors, &key))
		return 1;
	key.vip = p->flow.daddr;
	return !!bpf_map_lookup_elem(&other_directors, &key);
}

#endif
