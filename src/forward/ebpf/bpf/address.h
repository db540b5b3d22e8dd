/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses as four words, of which IPv4 takes the first. */
#ifndef TANIST_ADDRESS_H
#define TANIST_ADDRESS_H

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "layout.h"

#define AF_INET 2
#define AF_INET6 10

static __always_inline int is_same(const struct address *a, const struct address *b)
{
	return a->words[0] == b->words[0] && a->words[1] == b->words[1] && a->words[2] == b->words[2] && a->words[3] == b->words[3];
}

static __always_inline int is_set(const struct address *a)
{
	return (a->words[0] | a->words[1] | a->words[2] | a->words[3]) != 0;
}

/* A client's address with the bits that do not count set to 0. */
static __always_inline struct address masked(const struct address *client, __u32 prefix, int v6)
{
	struct address result = {};
	__u32 i;

	for (i = 0; i < (v6 ? 4 : 1); i++) {
		__u32 bits = prefix > 32 * i ? prefix - 32 * i : 0;

		if (bits >= 32)
			result.words[i] = client->words[i];
		else if (bits)
			result.words[i] = client->words[i] & bpf_htonl(~0u << (32 - bits));
	}
	return result;
}

/* An address as one number: IPv4 as it is, IPv6 folded. */
static __always_inline __u32 hashed(const struct address *a)
{
	return bpf_ntohl(a->words[0] ^ a->words[1] ^ a->words[2] ^ a->words[3]);
}

#endif
