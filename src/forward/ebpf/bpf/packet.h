/* SPDX-License-Identifier: GPL-2.0-only */
/* What was read of a packet, and the way to its bytes. `v6` is a constant wherever it is passed, so each family gets code of its
 * own. */
#ifndef TANIST_PACKET_H
#define TANIST_PACKET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "layout.h"

#define VLAN_ID 0x0fff /* of a VLAN tag; the rest is the priority */
/* Of the word that IPv4's fragment offset is in (RFC 791 section 3.1), and of IPv6's (RFC 8200 section 4.5), which counts bytes. */
#define IP_FRAGMENTING 0x8000 /* reserved; only ever set on this director, see fragment.h */
#define IP_DF 0x4000	      /* don't fragment */
#define IP_MF 0x2000	      /* more fragments follow */
#define IP_OFFSET 0x1fff      /* in 8 bytes */
#define IP6_OFFSET 0xfff8
#define IP6_MF 1
/* How far into the frame headers may reach. */
#define MAX_L4_OFFSET 0xfff

/* IKE, RFC 7296 section 2: packets of IPsec go the way of the exchange that has made their keys. */
#define PORT_ISAKMP 500

/* What has chosen the server of a packet. */
enum rule { RULE_NONE, RULE_CONNECTION, RULE_TEMPLATE, RULE_SCHEDULER, RULE_REPLY, RULE_DENIED, RULE_CLOSED, RULE_ENDED };

/* The packet is a fragment: the first one, which has the ports, or a later one, which does not; or it is one of IPsec, which
 * has none either, and goes the way of the key exchange that it belongs to. */
enum fragment_place { WHOLE, FIRST_FRAGMENT, LATER_FRAGMENT, IPSEC };

struct packet {
	struct flow flow;
	__u32 server_isn; /* full NAT: see struct connection */
	__u32 call;	  /* see struct template_key */
	__u32 l4_offset;
	__u32 event; /* enum tcp_event, or enum sctp_event */
	__u32 fragment_id;
	__u32 ip_length;
	__u8 ttl;
	__u8 dont_fragment;
	__u8 opens; /* may open a connection: SYN without RST, INIT, any datagram */
	__u8 fragment;
	__u8 marked;	      /* it comes by way of a firewall's mark: the kernel has routed it to us, and taken one hop off */
	__u8 dry;	      /* a trace: nothing is kept and nothing counted */
	__u8 rule;	      /* enum rule, for a trace, and for closed.h */
	__u8 ftp_data;	      /* its service is one of FTP, found by the address alone */
	__u8 ttl_decremented; /* the TTL has been made one less */
	__u8 own_client;      /* made on this director, see own-client.h */
	__u8 fragmenting;     /* the copy that becomes the first fragment, see fragment.h */
	__u32 ifindex;	      /* where it came in */
	__u32 error_mtu;      /* for TO_ICMP_ERROR: what its sender is told */
	__u8 error_type;
	__u8 error_code;
	__u32 dest_slot; /* for TO_TUNNEL, and for a trace */
	__u32 access;	 /* for a trace: one more than the index in `access_hits` of the entry that has decided */
	/* Not set to 0 for each packet: who reads these has written them. */
	struct flow client; /* of a server's packet: whose connection it belongs to */
	struct flow reply;  /* NAT: the server's packets, as they come in */
};

/* Which side of a packet is translated, and what takes its place: the address, and the port in network order. */
enum side { SOURCE, DESTINATION };

struct endpoint {
	const struct address *addr;
	__u16 port;
};

static __always_inline int is_ipsec(__u8 proto)
{
	return proto == IPPROTO_ESP || proto == IPPROTO_AH;
}

static __always_inline int has_ports(const struct packet *p)
{
	return p->fragment == WHOLE || p->fragment == FIRST_FRAGMENT;
}

/* The end of what is directly readable. Each time from the context itself: the compiler would keep the address of the field, which
 * the verifier does not let it read by. */
static __always_inline void *data_end(struct __sk_buff *skb)
{
	asm volatile("" : "+r"(skb));
	return (void *)(long)skb->data_end;
}

static __always_inline struct iphdr *ip_header(struct __sk_buff *skb)
{
	struct iphdr *ip = (void *)(long)skb->data + ETH_HLEN;

	return (void *)(ip + 1) > data_end(skb) ? 0 : ip;
}

static __always_inline struct ipv6hdr *ip6_header(struct __sk_buff *skb)
{
	struct ipv6hdr *ip = (void *)(long)skb->data + ETH_HLEN;

	return (void *)(ip + 1) > data_end(skb) ? 0 : ip;
}

/* The mask is how the verifier gets to know that the offset is small. */
static __always_inline void *l4_header(struct __sk_buff *skb, const struct packet *p)
{
	return (void *)(long)skb->data + (p->l4_offset & MAX_L4_OFFSET);
}

/* Makes the first `length` bytes directly readable; fails when the packet is shorter. */
static __always_inline int pull(struct __sk_buff *skb, __u32 length)
{
	if ((void *)(long)skb->data + length <= data_end(skb))
		return 0;
	return bpf_skb_pull_data(skb, length);
}

#endif
