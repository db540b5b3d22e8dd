/* SPDX-License-Identifier: GPL-2.0-only */
/* Fragments are forwarded as they are; the first one tells its ports to the others. One that comes before the first is kept here
 * until then, since nobody knows yet whose it is: untranslated it must not leave. And a first one that ends within its transport
 * header (RFC 1858) is kept until the next one can be joined to it. IPVS puts every datagram together first, to the same end.
 *
 *   datagrams[addresses, id, protocol]         = ports of the first fragment, and how many frames are queued
 *   fragment_queue[the same, 0 .. queued - 1]  = a later fragment that came too early
 *   fragment_queue[the same, SHORT_FIRST]      = a first one that is too short
 *
 *   the first comes      its ports are known from now on    nothing queued: it goes on
 *                                                           else it comes in again, and behind it what was queued last
 *   a later one comes    the ports are known                the same
 *                        they are not                       it is joined to a short first one, or queued
 *
 * So what leaves the queue brings the next one, and no packet has more than one to bring. */
#ifndef TANIST_FRAGMENT_QUEUE_H
#define TANIST_FRAGMENT_QUEUE_H

#include "address.h"
#include "clock.h"
#include "counters.h"
#include "fragment.h"
#include "layout.h"
#include "packet.h"
#include "scratch.h"
#include "sctp.h"
#include "verdict.h"
#include "verifier.h"

/* Datagrams in fragments that are known at a time; the one that was used least makes room. */
#define MAX_FRAGMENTED 8192

/* Frames that are kept at a time; the one that was kept longest makes room. */
#define MAX_QUEUED 512
/* Of one datagram: 64 KiB in packets of an Ethernet. */
#define MAX_QUEUED_OF_DATAGRAM 48
#define QUEUED_BYTES 2048
/* How long the parts of a datagram belong together, as the kernel has it. */
#define DATAGRAM_NS (30 * SECOND_NS)
/* In place of a number, the first fragment that is too short. */
#define SHORT_FIRST 0xffff

/* The first fragment of a datagram tells the ports to those that follow it. */
struct datagram_key {
	struct address saddr;
	struct address daddr;
	__u32 id;
	__u8 proto;
	__u8 family;
	__u16 number; /* its place in the queue of a datagram; else 0 */
};

struct datagram {
	__u64 until_ns;
	__u32 ports;	 /* in network order, the source's first */
	__u32 has_ports; /* the first fragment has been here */
	__u32 queued;	 /* of those that came before it so many are queued */
	__u32 pad;
};

struct queued_frame {
	__u32 length;
	__u8 frame[QUEUED_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_FRAGMENTED);
	__type(key, struct datagram_key);
	__type(value, struct datagram);
} datagrams SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_QUEUED);
	__type(key, struct datagram_key);
	__type(value, struct queued_frame);
} fragment_queue SEC(".maps");

/* Queues the frame under `key`; it is gone from here. */
static __always_inline int enqueue(struct __sk_buff *skb, const struct datagram_key *key)
{
	__u32 zero = 0, length = skb->len;
	struct queued_frame *queued = bpf_map_lookup_elem(&scratch, &zero);

	if (queued && length >= ETH_HLEN && length <= QUEUED_BYTES &&
	    !bpf_skb_load_bytes(skb, 0, queued->frame, bounded(length, QUEUED_BYTES))) {
		queued->length = length;
		if (!bpf_map_update_elem(&fragment_queue, key, queued, BPF_ANY))
			return DROP;
	}
	count_drop(DROP_FRAGMENT);
	return DROP;
}

/* Makes the packet in hand the one that is queued under `key`, which comes in again. */
static __always_inline int dequeue(struct __sk_buff *skb, const struct datagram_key *key)
{
	const struct queued_frame *queued = bpf_map_lookup_elem(&fragment_queue, key);
	const struct packet *p = packet_in_hand();
	__u32 length;

	if (!queued || !p)
		return DROP;
	length = bounded(queued->length, QUEUED_BYTES);
	if (bpf_skb_change_tail(skb, length, 0) ||
	    bpf_skb_store_bytes(skb, 0, queued->frame, length, BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH))
		return DROP;
	bpf_map_delete_elem(&fragment_queue, key);
	return bpf_redirect(p->ifindex, BPF_F_INGRESS);
}

/* The packet in hand comes in again, and behind it the one that was queued last. */
static __always_inline int dequeue_behind(struct __sk_buff *skb, const struct packet *p, struct datagram_key *key, __u32 queued)
{
	key->number = queued - 1;
	return bpf_clone_redirect(skb, p->ifindex, BPF_F_INGRESS) ? DROP : dequeue(skb, key);
}

/* Joins the packet in hand to the first fragment that was queued for its length, if it is what follows that one; it comes in
 * again as the first. 0: it is not. Without IP options only: those who send such fragments mean no good. */
static __always_inline int join_short_first(struct __sk_buff *skb, const struct packet *p, struct datagram_key *key)
{
	const struct queued_frame *first;
	__u32 length;
	struct iphdr ip;

	key->number = SHORT_FIRST;
	first = bpf_map_lookup_elem(&fragment_queue, key);
	if (!first || p->flow.family != AF_INET || p->l4_offset != ETH_HLEN + sizeof(ip) ||
	    bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return 0;
	length = ((const struct iphdr *)(first->frame + ETH_HLEN))->tot_len;
	length = bpf_ntohs(length) - sizeof(ip);
	if (first->frame[ETH_HLEN] != 0x45 || (length != 8 && length != 16) || (bpf_ntohs(ip.frag_off) & IP_OFFSET) * 8 != length)
		return 0;
	if (bpf_skb_adjust_room(skb, length, BPF_ADJ_ROOM_NET, 0) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN + sizeof(ip), first->frame + ETH_HLEN + sizeof(ip), bounded(length, 16),
				BPF_F_RECOMPUTE_CSUM) ||
	    store_length_and_offset(skb, &ip, p->ip_length + length, bpf_ntohs(ip.frag_off) & ~IP_OFFSET))
		return DROP;
	bpf_map_delete_elem(&fragment_queue, key);
	return bpf_redirect(p->ifindex, BPF_F_INGRESS);
}

static __always_inline __u32 shortest_header(__u8 proto)
{
	return proto == IPPROTO_TCP ? sizeof(struct tcphdr) : proto == IPPROTO_SCTP ? SCTP_SHORTEST : sizeof(struct udphdr);
}

/* Takes the last of those that are queued off their number; false when there is none, or another CPU was first. */
static __always_inline int claim_last(struct datagram *datagram, __u32 queued)
{
	return queued && __sync_val_compare_and_swap(&datagram->queued, queued, queued - 1) == queued;
}

/* The entry of a datagram, which is made if there is none. */
static __always_inline struct datagram *datagram_of(struct datagram_key *key, __u64 now)
{
	struct datagram fresh = { .until_ns = now + DATAGRAM_NS }, *known;

	key->number = 0;
	known = bpf_map_lookup_elem(&datagrams, key);
	if (known && known->until_ns < now) {
		bpf_map_delete_elem(&datagrams, key);
		known = 0;
	}
	if (known)
		return known;
	/* Another CPU may be about to do so, too: then its entry is this one's as well. */
	bpf_map_update_elem(&datagrams, key, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&datagrams, key);
}

/* From now on those that follow the packet in hand, a first fragment, find its ports; what came before it follows it. */
static __always_inline int take_first(struct __sk_buff *skb, const struct packet *p, struct datagram_key *key,
				      struct datagram *datagram, __u64 now)
{
	__u32 ports, queued = datagram->queued;
	int verdict;

	if (p->ip_length < p->l4_offset - ETH_HLEN + shortest_header(p->flow.proto)) {
		/* Nobody joins what follows with IPv6 (RFC 7112 section 5): the stack drops it, too. */
		if (p->flow.family == AF_INET6)
			return PASS;
		key->number = SHORT_FIRST;
		verdict = enqueue(skb, key);
		if (datagram->has_ports || !claim_last(datagram, queued))
			return verdict;
		key->number = queued - 1;
		return dequeue(skb, key);
	}
	if (bpf_skb_load_bytes(skb, p->l4_offset, &ports, sizeof(ports)))
		return PASS;
	datagram->until_ns = now + DATAGRAM_NS;
	/* It has been here, and has come in again; or it is another one with the same number. */
	if (datagram->has_ports && datagram->ports == ports)
		return 0;
	datagram->ports = ports;
	/* Only now: another CPU may be reading it. */
	__sync_lock_test_and_set(&datagram->has_ports, 1);
	queued = datagram->queued;
	return claim_last(datagram, queued) ? dequeue_behind(skb, p, key, queued) : 0;
}

/* The packet in hand, a later fragment, gets the ports of the first; until that has come, it is queued. */
static __always_inline int take_later(struct __sk_buff *skb, struct packet *p, struct datagram_key *key, struct datagram *datagram)
{
	__u32 queued = datagram->queued;
	int verdict;

	if (!datagram->has_ports) {
		verdict = join_short_first(skb, p, key);
		if (verdict)
			return verdict;
		key->number = queued;
		if (queued == MAX_QUEUED_OF_DATAGRAM) {
			count_drop(DROP_FRAGMENT);
			return DROP;
		}
		verdict = enqueue(skb, key);
		if (__sync_val_compare_and_swap(&datagram->queued, queued, queued + 1) != queued) {
			count_drop(DROP_FRAGMENT); /* another CPU has queued one in its place */
			return DROP;
		}
		/* Meanwhile the first may have come on another CPU, and have seen nothing that waits. */
		if (!__sync_fetch_and_add(&datagram->has_ports, 0) || !claim_last(datagram, queued + 1))
			return verdict;
		bpf_map_delete_elem(&fragment_queue, key);
		queued = 0;
	}
	p->flow.sport = datagram->ports;
	p->flow.dport = datagram->ports >> 16;
	return claim_last(datagram, queued) ? dequeue_behind(skb, p, key, queued) : 0;
}

static __always_inline struct datagram_key key_of(const struct packet *p)
{
	struct datagram_key key = {
		.saddr = p->flow.saddr, .daddr = p->flow.daddr, .id = p->fragment_id, .proto = p->flow.proto,
		.family = p->flow.family,
	};

	return key;
}

/* Has those that follow the packet in hand, a first fragment of this director's own, find its ports; they come in order. */
static __always_inline void tell_ports(const struct packet *p, __u64 now)
{
	struct datagram_key key = key_of(p);
	struct datagram *datagram = datagram_of(&key, now);

	if (!datagram)
		return;
	datagram->ports = p->flow.sport | (__u32)p->flow.dport << 16;
	datagram->has_ports = 1;
}

/* The packet in hand gets the ports of the first fragment, if that is known; nothing is kept. */
static __always_inline int find_ports(struct packet *p)
{
	const struct datagram_key key = key_of(p);
	const struct datagram *known = bpf_map_lookup_elem(&datagrams, &key);

	if (p->fragment == FIRST_FRAGMENT)
		return 0;
	if (!known || !known->has_ports)
		return PASS;
	p->flow.sport = known->ports;
	p->flow.dport = known->ports >> 16;
	return 0;
}

/* What becomes of the packet in hand, a fragment, before anybody looks whose it is; 0: it goes on. A global function, for the
 * stack's sake. */
__noinline int take_fragment(struct __sk_buff *skb)
{
	struct packet *p = packet_in_hand();
	const struct settings *s = get_settings();
	struct datagram_key key;
	struct datagram *datagram;
	__u64 now;

	if (!p || !s)
		return PASS;
	if (p->flow.proto != IPPROTO_TCP && p->flow.proto != IPPROTO_UDP && p->flow.proto != IPPROTO_SCTP)
		return p->fragment == FIRST_FRAGMENT || is_ipsec(p->flow.proto) ? 0 : PASS;
	now = now_ns(s);
	if (p->dry)
		return find_ports(p);
	key = key_of(p);
	datagram = datagram_of(&key, now);
	if (!datagram) {
		count_drop(DROP_FRAGMENT);
		return DROP;
	}
	return p->fragment == LATER_FRAGMENT ? take_later(skb, p, &key, datagram) : take_first(skb, p, &key, datagram, now);
}

#endif
