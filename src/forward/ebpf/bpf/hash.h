/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TANIST_HASH_H
#define TANIST_HASH_H

#include <linux/types.h>

#define HASH_BUCKETS 256
#define MAGLEV_BUCKETS 4093

/* Bucket of sh and dh: multiplication by the golden ratio, of which the top eight bits count. */
static __always_inline __u32 hash256(__u32 value)
{
	return (value * 0x61C88647u) >> 24;
}

#define ROTATE(x, by) (((x) << (by)) | ((x) >> (64 - (by))))
#define SIP_ROUND                         \
	do {                              \
		v0 += v1;                 \
		v1 = ROTATE(v1, 13) ^ v0; \
		v0 = ROTATE(v0, 32);      \
		v2 += v3;                 \
		v3 = ROTATE(v3, 16) ^ v2; \
		v0 += v3;                 \
		v3 = ROTATE(v3, 21) ^ v0; \
		v2 += v1;                 \
		v1 = ROTATE(v1, 17) ^ v2; \
		v2 = ROTATE(v2, 32);      \
	} while (0)

/* Bucket of mh: SipHash-1-3 of four bytes, of which the low half counts. */
static __always_inline __u32 maglev_bucket(__u32 value)
{
	const __u64 key = 2654435761ull;
	__u64 v0 = 0x736f6d6570736575ull ^ key, v1 = 0x646f72616e646f6dull ^ key;
	__u64 v2 = 0x6c7967656e657261ull ^ key, v3 = 0x7465646279746573ull ^ key;
	__u64 block = 4ull << 56 | value;

	v3 ^= block;
	SIP_ROUND;
	v0 ^= block;
	v2 ^= 0xff;
	SIP_ROUND;
	SIP_ROUND;
	SIP_ROUND;
	return (__u32)(v0 ^ v1 ^ v2 ^ v3) % MAGLEV_BUCKETS;
}

#endif
