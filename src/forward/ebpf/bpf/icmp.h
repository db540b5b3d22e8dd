/* SPDX-License-Identifier: GPL-2.0-only */
/* ICMP and ICMPv6, as far as errors go: RFC 792, RFC 1812, RFC 4443. */
#ifndef TANIST_ICMP_H
#define TANIST_ICMP_H

#include <linux/types.h>
#include <bpf/bpf_helpers.h>

/* The headers of the C library drag its types in; RFC 792, RFC 4443. */
#define ICMP_DEST_UNREACH 3
#define ICMP_SOURCE_QUENCH 4
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETERPROB 12
#define ICMP_PORT_UNREACH 3
#define ICMP_FRAG_NEEDED 4
#define ICMPV6_DEST_UNREACH 1
#define ICMPV6_PKT_TOOBIG 2
#define ICMPV6_TIME_EXCEED 3
#define ICMPV6_PARAMPROB 4
#define ICMPV6_PORT_UNREACH 4
#define ICMPV6_ROUTER_SOLICITATION 133
#define ICMPV6_REDIRECT 137

/* RFC 792, RFC 1812 section 5.2.7.1; RFC 4443 section 3.1. */
#define ICMP_HOST_UNREACH 1
#define ICMP_PKT_FILTERED 13
#define ICMPV6_NOROUTE 0
#define ICMPV6_ADM_PROHIBITED 1
#define ICMPV6_ADDR_UNREACH 3

struct icmphdr {
	__u8 type;
	__u8 code;
	__u16 checksum;
	__u32 rest; /* the MTU: IPv4's is in the lower half */
};

static __always_inline int is_icmp_error(__u8 type, int v6)
{
	if (v6)
		return type < 128; /* RFC 4443 section 2.1, those that nobody has defined among them */
	return type == ICMP_DEST_UNREACH || type == ICMP_SOURCE_QUENCH || type == ICMP_TIME_EXCEEDED ||
	       type == ICMP_PARAMETERPROB;
}

static __always_inline int is_too_big(const struct icmphdr *icmp, int v6)
{
	return v6 ? icmp->type == ICMPV6_PKT_TOOBIG : icmp->type == ICMP_DEST_UNREACH && icmp->code == ICMP_FRAG_NEEDED;
}

#endif
