/* SPDX-License-Identifier: GPL-2.0-only */
/* SCTP's packets, RFC 9260: events for the state table, and a checksum that follows a changed port.
 *
 *       0               2               4
 *     0 | source port   | dest. port    |
 *     4 | verification tag              |
 *     8 | CRC32c of the packet          |   the lowest byte first
 *    12 | type  | flags | length        |   the first chunk
 *
 * A CRC is linear: crc(packet ^ change) = crc(packet) ^ crc0(change), where `change` is 0 but for the ports, and crc0 begins with 0. Of
 * 32 bits with n zero bytes behind them that is bits * x^(32 + 8n), reduced by the generator: it takes no look at the data. */
#ifndef TANIST_SCTP_H
#define TANIST_SCTP_H

#include "packet.h"
#include "scratch.h"
#include "states.h"

/* The header, and that of a chunk. */
#define SCTP_SHORTEST 16

/* The chunk types of RFC 9260 section 3.2 as events. Any other one is data. */
static __always_inline __u32 sctp_event(__u8 type)
{
	switch (type) {
	case 1:
		return SEV_INIT;
	case 2:
		return SEV_INIT_ACK;
	case 6:
		return SEV_ABORT;
	case 7:
		return SEV_SHUTDOWN;
	case 8:
		return SEV_SHUTDOWN_ACK;
	case 9:
		return SEV_ERROR;
	case 10:
		return SEV_COOKIE_ECHO;
	case 11:
		return SEV_COOKIE_ACK;
	case 14:
		return SEV_SHUTDOWN_COMPLETE;
	default:
		return SEV_DATA;
	}
}

/* A global function, for the stack's sake; the packet is the one in hand. */
__noinline int parse_sctp(struct __sk_buff *skb)
{
	struct packet *p = packet_in_hand();
	struct {
		__u16 source;
		__u16 dest;
		__u32 tag;
		__u32 check;
		__u8 type;
		__u8 flags;
		__u16 length;
	} sctp;
	__u8 second;

	if (!p || p->l4_offset + sizeof(sctp) > ETH_HLEN + p->ip_length || pull(skb, p->l4_offset + 4) ||
	    bpf_skb_load_bytes(skb, p->l4_offset, &sctp, sizeof(sctp)))
		return -1;
	p->flow.sport = sctp.source;
	p->flow.dport = sctp.dest;
	p->event = sctp_event(sctp.type);
	p->opens = p->event == SEV_INIT;
	/* An ABORT behind a cookie is what counts. */
	if ((p->event == SEV_COOKIE_ECHO || p->event == SEV_COOKIE_ACK) &&
	    !bpf_skb_load_bytes(skb, p->l4_offset + 12 + ((bpf_ntohs(sctp.length) + 3) & 0x7fc), &second, 1) &&
	    second == 6)
		p->event = SEV_ABORT;
	return 0;
}

/* CRC32c is linear: what a change of four bytes does to it follows from the change and from how many bytes come after it.
 * Multiplication of polynomials over GF(2) modulo the generator, bits reversed. */
#define CRC32C_POLYNOMIAL 0x82f63b78u

static __always_inline __u32 crc_multiply(__u32 a, __u32 b)
{
	__u32 product = 0, i;

	for (i = 0; i < 32; i++) {
		product ^= a & (0u - (b >> 31));
		b <<= 1;
		a = (a >> 1) ^ (CRC32C_POLYNOMIAL & (0u - (a & 1)));
	}
	return product;
}

/* The CRC of `change`, four bytes as they lie in memory, followed by so many zero bytes. */
__noinline __u32 crc_of_change(__u32 change, __u32 zeros)
{
	/* One bit, moved by 8 · 2^0 bits. */
	__u32 power = 0x00800000u, i;

	for (i = 0; i < 32; i++)
		change = (change >> 1) ^ (CRC32C_POLYNOMIAL & (0u - (change & 1)));
	for (i = 0; i < 16; i++) {
		if (zeros >> i & 1)
			change = crc_multiply(change, power);
		power = crc_multiply(power, power);
	}
	return change;
}

/* The checksum of SCTP covers no address, only the ports. It is sent with its lowest byte first. One that is left to the device
 * is 0 until then, and stays so: it will be made of the ports that are there by then. (Of 2^32
 * packets one has 0 for a checksum, and is lost if its port changes.) */
__noinline int rewrite_sctp_port(struct __sk_buff *skb, __u32 side, __u16 port)
{
	const struct packet *p = packet_in_hand();
	__u32 segment, check, change;
	__u16 old;

	if (!p)
		return -1;
	segment = p->ip_length - (p->l4_offset - ETH_HLEN);
	old = side == DESTINATION ? p->flow.dport : p->flow.sport;
	if (old == port)
		return 0;
	/* Of a fragment nobody can tell how much follows. */
	if (p->fragment || segment < 12 || bpf_skb_load_bytes(skb, p->l4_offset + 8, &check, sizeof(check)))
		return -1;
	change = (__u32)(__u16)(old ^ port) << (side == DESTINATION ? 16 : 0);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#error "the ports and the checksum are taken as they lie in memory"
#endif
	if (check)
		check ^= crc_of_change(change, segment - 4);
	return bpf_skb_store_bytes(skb, p->l4_offset + 8, &check, sizeof(check), 0) ||
	       bpf_skb_store_bytes(skb, p->l4_offset + (side == DESTINATION ? 2 : 0), &port, sizeof(port), 0);
}

#endif
