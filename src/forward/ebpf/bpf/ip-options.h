/* SPDX-License-Identifier: GPL-2.0-only */
/* Options of the IPv4 header, RFC 791 section 3.1. */
#ifndef TANIST_IP_OPTIONS_H
#define TANIST_IP_OPTIONS_H

#include <linux/if_ether.h>
#include <linux/ip.h>
#include "checksum.h"
#include "loop.h"
#include "scratch.h"
#include "verifier.h"

/* RFC 791 section 3.1. */
#define MAX_IP_OPTIONS 40
#define IP_OPTION_END 0
#define IP_OPTION_NOP 1

#define IP_OPTION_TIMESTAMP 68
#define IP_OPTION_LSRR 131
#define IP_OPTION_SSRR 137

/* RFC 791 section 3.1: the first bit of an option says whether it is copied into all fragments. */
#define IP_OPTION_COPIED 0x80

/* For each packet with IP options, RFC 791: -1 if the header's checksum or an option's length is wrong, or it has a source
 * route, which the kernel refuses, too, unless its `accept_source_route` was changed. A global function, for the stack's sake. */
__noinline int read_options4(struct __sk_buff *skb)
{
	union {
		struct iphdr ip;
		__u8 bytes[sizeof(struct iphdr) + 64]; /* a power of two, for `bounded` */
		__be32 words[(sizeof(struct iphdr) + 64) / 4];
	} header = {};
	__u32 at, next = sizeof(struct iphdr), length;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &header, sizeof(struct iphdr)))
		return -1;
	length = header.ip.ihl * 4;
	if (length <= sizeof(struct iphdr) ||
	    bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(struct iphdr), header.bytes + sizeof(struct iphdr),
			       bounded(length - sizeof(struct iphdr), 64)) ||
	    fold(bpf_csum_diff(0, 0, header.words, sizeof(header), 0)) != 0xffff)
		return -1;
	for (at = sizeof(struct iphdr); at < sizeof(struct iphdr) + MAX_IP_OPTIONS && at < length; at++) {
		__u8 kind = header.bytes[at], size = header.bytes[at + 1];

		if (at < next)
			continue;
		if (kind == IP_OPTION_END)
			break;
		if (kind == IP_OPTION_LSRR || kind == IP_OPTION_SSRR)
			return -1;
		/* Full, and so is the counter of those that did not fit, RFC 791 section 3.1. */
		if (kind == IP_OPTION_TIMESTAMP && size >= 4 && header.bytes[at + 2] > size && header.bytes[at + 3] >> 4 == 15)
			return -1;
		next = at + (kind == IP_OPTION_NOP ? 1 : size);
		if (next <= at || next > length)
			return -1;
	}
	return 0;
}

/* A walk over the options, byte by byte. */
struct option_walk {
	__u32 at;
	__u32 next; /* where an option begins */
	__u32 copied;
	__u32 length;
};

static long blank_uncopied(void *map, __u32 *index, void *unused, struct option_walk *walk)
{
	__u32 zero = 0, at = walk->at & 63;
	__u8 *options = bpf_map_lookup_elem(&scratch, &zero);

	if (!options || at >= walk->length)
		return 1;
	if (at == walk->next) {
		__u8 kind = options[at], size = options[at + 1];

		if (kind == IP_OPTION_END)
			return 1;
		walk->copied = kind == IP_OPTION_NOP || kind & IP_OPTION_COPIED;
		walk->next = at + (kind == IP_OPTION_NOP || size < 2 ? 1 : size);
	}
	if (!walk->copied)
		options[at] = IP_OPTION_NOP;
	walk->at = at + 1;
	return 0;
}

/* Has no-operations in place of the options that later fragments do not have, so that the header keeps its length. The options,
 * `length` bytes, are in `scratch`. */
static __always_inline void drop_uncopied(__u32 length)
{
	struct option_walk walk = { .at = unknown(0), .next = unknown(0), .copied = unknown(0), .length = length };

	repeat(blank_uncopied, &walk);
}

#endif
