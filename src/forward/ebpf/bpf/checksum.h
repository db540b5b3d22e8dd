/* SPDX-License-Identifier: GPL-2.0-only */
/* The Internet checksum, RFC 1071, and what a change of the bytes under it does to it, RFC 1624. */
#ifndef TANIST_CHECKSUM_H
#define TANIST_CHECKSUM_H

#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "layout.h"

/* One's complement sum of 16 bits; `sum` is below 2^40. */
static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* Whether the checksum of a header without options is right. Every router asks that of every packet (RFC 1812 section 5.2.2), and
 * the kernel does so itself, whatever the card has checked. It takes a nanosecond. */
static __always_inline int is_intact(const struct iphdr *ip)
{
	const __u32 *words = (const void *)ip;

	return fold((__u64)words[0] + words[1] + words[2] + words[3] + words[4]) == 0xffff;
}

/* What a new value in place of an old one means to a checksum: RFC 1624's ~m + m'. Such changes are added up, and a checksum
 * is `changed` by all of them at once. */
static __always_inline __u64 word_change(__u16 old, __u16 new)
{
	return (__u16)~old + new;
}

static __always_inline __u64 address_change(const struct address *old, const struct address *new, int v6)
{
	__u64 change = 0;
	__u32 i;

	/* Words of 32 bits: in one's complement they count as their halves do. */
	for (i = 0; i < (v6 ? 4 : 1); i++)
		change += (__u64)(__u32)~old->words[i] + new->words[i];
	return change;
}

/* One taken off a TTL, whatever it was. */
#define HOP_CHANGE ((__u16)~bpf_htons(0x0100))

/* RFC 1624 equation 3. */
static __always_inline __u16 changed(__u16 check, __u64 change)
{
	return ~fold((__u16)~check + change);
}

static __always_inline __u32 add_words(const void *data, __u32 bytes)
{
	const __u16 *words = data;
	__u32 sum = 0, i;

	for (i = 0; i < bytes / 2; i++)
		sum += words[i];
	return sum;
}

#endif
