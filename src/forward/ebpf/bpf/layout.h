/* SPDX-License-Identifier: GPL-2.0-only */
/* What user space and the program share. Addresses and ports are in network order, everything else in host order.
 * src/forward/ebpf/layout holds the same structs as bytes; LAYOUT_VERSION there names the pin directory. */
#ifndef TANIST_LAYOUT_H
#define TANIST_LAYOUT_H

#include <linux/types.h>

#define MAX_SERVICES 16384
#define MAX_DESTS 65536
/* What there is much of for each service or server is kept in chunks of so many, made when they are needed. */
#define CHUNK 4096
#define MAX_CONNECTIONS 262144
#define MAX_TEMPLATES 65536
/* Destinations that lblc and lblcr remember the servers of. */
#define MAX_LOCALITIES 65536
/* Servers that lblcr remembers for one destination. */
#define LOCALITY_SERVERS 16
/* Of a service with full NAT. */
#define MAX_LOCAL_ADDRESSES 64
/* Of the access lists of all services, and for each of these its last entry, which is for everybody else. */
#define MAX_ACCESS_PREFIXES 65536
/* Lists that are replaced have theirs beside the new ones' for a moment. */
#define MAX_ACCESS_HITS (2 * (MAX_ACCESS_PREFIXES + MAX_SERVICES))

/* Addresses of this director's that are known not to be clients'. */
#define MAX_OWN_ADDRESSES 16384

/* Virtual addresses of instances with `no_accept`. */
#define MAX_CLOSED_ADDRESSES 16384

/* Other directors, each once for every virtual address that it shares. */
#define MAX_OTHER_DIRECTORS 16384

enum scheduler {
	SCHED_RR = 1, SCHED_WRR, SCHED_LC, SCHED_WLC, SCHED_SED, SCHED_NQ, SCHED_FO, SCHED_OVF, SCHED_DH, SCHED_SH, SCHED_MH,
	SCHED_NONE, SCHED_LBLC, SCHED_LBLCR, SCHED_TWOS
};

/* Element 0 of a scheduler's table (scheduler-table.h): how many entries follow, which scheduler picks from them, and with which flags.
 * All three in the table, so that one write changes them together: no packet has the entries of one scheduler picked by another. */
#define TABLE_LENGTH(head) ((head) & 0xffffu)
#define TABLE_SCHEDULER(head) ((head) >> 16 & 0xffu)
#define TABLE_FLAGS(head) ((head) >> 24)

/* sh and mh: the client's port counts; another server is tried when one cannot serve. */
#define SERVICE_PORT 1u
#define SERVICE_FALLBACK 2u
#define SERVICE_FLAG_3 4u /* no scheduler uses it */
/* One-packet scheduling: each datagram gets a server of its own, and no connection is kept. */
#define SERVICE_ONE_PACKET 8u
/* Made by tanist-ipvsadm; only user space looks at it. */
#define SERVICE_BY_HAND 16u
/* Persistence by client and SIP call. */
#define SERVICE_SIP 32u
/* Has an access list. */
#define SERVICE_LISTED 64u
/* What opens a connection passes this host's firewall first. */
#define SERVICE_FIREWALL 128u
/* The bit in a packet's mark that routes it to the link for marks, by way of the firewall. */
#define FIREWALL_MARK 0x20000000u
/* Marks of checks that go the way of clients, see own-client.h and model/service-path.ts. */
#define PATH_MARK 0x17a00000u
#define PATH_MARK_MASK 0xfff00000u
enum method { METHOD_NAT = 1, METHOD_DR = 2, METHOD_TUN = 3, METHOD_FNAT = 4 };
enum tunnel { TUNNEL_IPIP, TUNNEL_GUE, TUNNEL_GRE };
enum dest_state { DEST_FREE = 0, DEST_PRESENT = 1, DEST_REMOVED = 2 };

/* An IPv4 address is the first word; the other ones are 0. */
struct address {
	__u32 words[4];
};

/* A service by firewall mark has protocol 0, port 0, and the mark in place of the address. */
struct service_key {
	struct address vaddr;
	__u16 vport;
	__u8 proto;
	__u8 family;
};

struct service {
	__u32 slot;
	__u16 scheduler; /* only user space looks at it; the table has what packets go by */
	__u16 flags;
	__u32 persistence_s; /* a client stays at its server for so long; 0: it does not */
	__u32 client_prefix; /* clients whose addresses begin with the same so many bits count as one */
	__u32 timeout_s;     /* of established connections and UDP; 0: the common one */
};

/* Where packets to a server go. */
struct hop {
	__u32 ifindex; /* 0: not resolved; HOP_LOCAL: this director itself */
	__u32 mtu;
	struct address neighbour;
	struct address local; /* this director's address towards it, the source of a tunnel; 0: not resolved */
};

#define HOP_LOCAL 0xffffffffu

/* Identity (service, address, port) never changes while a slot is in use. Weight and state are each read and written as
 * one aligned word. A hop is more than a word: user space writes the one that is not in use, then the word that says
 * which is. So a packet never sees half of a change. */
struct dest {
	struct service_key service;
	struct address addr;
	__u16 port;
	__u8 method;
	__u8 family;
	__u32 service_slot;
	__u16 state;
	__u16 releases_clients; /* persistence does not keep anybody here */
	__u32 weight;
	__u32 upper; /* connections at which it gets no new ones; 0: no limit */
	__u32 lower; /* below which it gets them again; 0: three quarters of upper */
	__u32 id;    /* another one for each server that a slot is given to */
	__u8 tunnel;
	__u8 tunnel_checksum;
	__u16 tunnel_port; /* GUE's */
	__u32 hop;	   /* index of the hop in use */
	struct hop hops[2];
};

struct dest_load {
	__u32 active;
	__u32 inactive;
	__u32 persistent; /* templates */
	/* Of TCP, since the slot was given to this server: connections whose client had to ask again, that the server refused, and
	 * that it reset later. */
	__u32 unanswered;
	__u32 refused;
	__u32 reset;
};

struct counters {
	__u64 connections;
	__u64 in_packets;
	__u64 out_packets;
	__u64 in_bytes;
	__u64 out_bytes;
};

/* Key of an IPv6 connection, and what the program computes with for both families.
 *
 *       0               4               8               12             16
 *     0 | saddr                                                         |
 *    16 | daddr                                                         |
 *    32 | sport | dport |pro|fam| pad   |
 */
struct flow {
	struct address saddr;
	struct address daddr;
	__u16 sport;
	__u16 dport;
	__u8 proto;
	__u8 family;
	__u16 pad;
};

/* Key of an IPv4 connection: a third of the size, and looked up in two thirds of the time. Whole words, since words are what
 * the hash of it reads: words that were just written in pieces would make it wait.
 *
 *       0               4               8               12             16
 *     0 | saddr         | daddr         | sport | dport |pro| 0         |
 */
struct flow4 {
	__u32 saddr;
	__u32 daddr;
	__u32 ports; /* the source's in the first two bytes */
	__u32 proto; /* in the first byte */
};

/* A connection, by the flow of its client (keys.h). `back_*` is the way to the client.
 *
 *       0               4               8               12             16
 *     0 | deadline_ns                   | back_at_ns                    |
 *    16 | state         | flags | b_mtu | dest_slot     | service_slot  |
 *    32 | back_ifindex  | back_hop                                      |
 *    48 | ...           |met|pfx| lport | local                         |
 *    64 | ...                           | isn or call   | timeout_s     |
 *    80 | back_mac                      |
 */
struct connection {
	__u64 deadline_ns;
	__u64 back_at_ns;
	__u32 state;
	__u16 flags;
	__u16 back_mtu; /* of the link to the client; 0: not known */
	__u32 dest_slot;
	__u32 service_slot;
	__u32 back_ifindex;
	struct address back_hop;
	__u8 method;
	__u8 template_prefix; /* with CONN_CONTROLLED: bits of the client's address that name its template */
	__u16 local_port;     /* full NAT, or CONN_OWN_CLIENT: what the server takes the client for, with `local`; 0: for what it is */
	struct address local;
	union {
		__u32 server_isn; /* full NAT, TCP: the server's first sequence number */
		__u32 call;	  /* with CONN_CALL: the `call` of its template */
	};
	__u32 timeout_s; /* see struct service */
	__u64 back_mac;	 /* of the client's next hop, for XDP; 0: not known */
};

_Static_assert(sizeof(struct flow) == 40 && sizeof(struct flow4) == 16 && sizeof(struct connection) == 88,
	       "src/forward/ebpf/layout has the same sizes");

/* An interface, by its index. */
struct link {
	__u8 mac[6];
	__u8 xdp;     /* XDP is on it */
	__u8 replies; /* the last packet of a connection that came in by it was a server's */
};

#define MAX_LINKS 1024

/* The way to a server's next hop, for XDP: found once a second. */
struct server_mac {
	__u64 mac;
	__u64 until_ns;
};

/* Keeps the clients of a persistent service at their server. */
struct template_key {
	__u32 service_slot;
	struct address client; /* masked */
	__u32 call;	       /* a number for the Call-ID; 0 where calls do not count */
};

/* The text of a Call-ID. */
#define CALL_ID_LENGTH 255

struct call_id {
	__u8 length;
	__u8 text[CALL_ID_LENGTH];
};

struct template {
	__u64 deadline_ns;
	__u32 dest_slot;
	__u32 dest_id;
	__u32 controlled; /* connections that came through it */
	__u32 timeout_s;
	__u32 assured; /* a connection through it got as far as to be established */
	__u32 pad;
};

/* The addresses that the servers of a service with full NAT see in place of its clients'. */
struct local_pool {
	__u32 count;
	__u32 family;
	struct address addresses[MAX_LOCAL_ADDRESSES];
};

/* An access list is a trie of its own, in which the longest prefix decides. The family is part of what is compared; an entry of
 * no bits at all is for those that no other one is about. */
struct access_key {
	__u32 bits; /* with those of `family` */
	__u32 family;
	struct address client;
};

/* An address of this director's, from which nobody else opens a connection. */
struct own_address {
	struct address address;
	__u32 family;
};

/* Another director that is a real server of a virtual address, as this one is: what comes from there for the address has been balanced
 * (other-directors.h). */
struct other_director {
	struct address vip; /* 0: any one of the family */
	__u8 mac[6];
	__u16 family;
};

struct access {
	__u32 allowed;
	__u32 hits; /* index of its count in `access_hits` */
};

/* lblc and lblcr: the servers that a destination's packets go to, the last one that was added first. */
struct locality_key {
	__u32 service_slot;
	struct address daddr;
};

struct locality {
	__u64 used_at_ns;
	__u64 changed_at_ns;
	__u32 count;
	__u32 pad;
	__u32 slots[LOCALITY_SERVERS];
	__u32 ids[LOCALITY_SERVERS];
};

/* A destination that was not asked for so long is forgotten; and after so long lblcr gives up the busiest of its servers.
 * A table that is nearly full forgets sooner. */
#define LOCALITY_EXPIRY_S 86400
#define LOCALITY_EXPIRY_WHEN_FULL_S 360

/* What a router on the way to a tunnel's end has said of its link. */
struct path_mtu {
	__u64 until_ns;
	__u32 mtu;
	__u32 dest_id;
};

/* What only the program knows of the way to a server, and nobody misses when it is gone. */
struct way {
	struct path_mtu path;
	struct server_mac macs[2]; /* by hop */
	__u64 local_cursor;	   /* where the search for a free local address and port goes on */
};

/* How long it is believed, as the kernel has it for its routes. */
#define PATH_MTU_S 600

#define CONN_NO_OUTPUT 1u   /* replies do not pass the director: DR and TUN */
#define CONN_CONTROLLED 2u  /* came through a template */
#define CONN_CALL 4u	    /* of a SIP call */
#define CONN_KEEPS_PORT 8u  /* data of FTP: to the port that was asked for */
#define CONN_ASSURED 16u    /* UDP: its template has been told that there was an answer */
#define CONN_OWN_CLIENT 32u /* its client is on this director, see own-client.h */
#define CONN_ASKED_AGAIN 64u /* its client has repeated its first packet, which is counted once */

/* A connection by NAT that has run out of time while its server could still send, by what that sends. */
struct ended {
	__u64 until_ns; /* then it is forgotten */
	struct address vaddr;
	__u16 vport;
	__u16 cport; /* the client's own, which the server may know by another */
	__u32 dest_slot;
	__u32 back_ifindex; /* the link that the client came in by */
	__u32 turn;	    /* counts packets: who is reset */
};

/* What a real server by NAT sends from; protocol 0: of a service by mark, whatever it is. */
struct nat_server {
	struct address address;
	__u16 port;
	__u8 proto;
	__u8 family;
};

#define MAX_ENDED 65536
#define ENDED_S 86400

/* What a template that still controls connections gets when its time is over. */
#define TEMPLATE_LINGER_S 60

#define SCTP_STATES 14

enum tcp_state {
	ST_NONE, ST_ESTABLISHED, ST_SYN_SENT, ST_SYN_RECV, ST_FIN_WAIT, ST_TIME_WAIT,
	ST_CLOSE, ST_CLOSE_WAIT, ST_LAST_ACK, ST_LISTEN, ST_SYNACK, TCP_STATES,
	ST_UDP = TCP_STATES,
	ST_SCTP, /* the first of SCTP's, see states.h */
	STATES = ST_SCTP + SCTP_STATES,
	ST_DEAD /* the one who writes this gives the counts back */
};

struct settings {
	__u32 timeout_s[STATES];
	__u64 clock_offset_ns; /* tests move the program's clock with it */
	__u64 defend_from;     /* connections of a family from which on half-open ones are dropped at random */
	__u64 inert_at_ns;     /* from then on everything passes: the daemon has left and has not come back; 0: never */
	__u32 mark_ifindex;    /* the link that packets with a service's mark come in by; 0: none */
	__u32 flags;
	__u64 director_macs; /* bit n: a MAC of `other_directors` ends in n, by its last six bits */
};

/* IPVS's switches of these names. A connection whose server is removed is over at once; and one to a quiesced server is,
 * when its client opens it anew. */
#define EXPIRE_NODEST_CONN 1u
/* Clients of a quiesced server get another one. */
#define EXPIRE_QUIESCENT_TEMPLATE 2u
/* The program is on the loopback interface, and this director is a client like others. */
#define OWN_CLIENTS 4u
/* There are closed addresses. */
#define CLOSED_ADDRESSES 8u
/* IPVS's switch of this name: what comes from a real server by NAT and is no connection's does not leave. */
#define NAT_ICMP_SEND 16u

enum drop {
	DROP_NO_DESTINATION, DROP_DEST_REMOVED, DROP_TABLE_FULL, DROP_PORT_CHANGED, DROP_TTL, DROP_TOO_BIG,
	DROP_NO_ROUTE, DROP_MALFORMED, DROP_FRAGMENT, DROP_HALF_OPEN, DROP_NO_LOCAL_PORT, DROP_NO_CALL, DROP_DENIED,
	DROP_ERROR_RATE, DROP_CLOSED, DROP_ENDED, DROPS
};

/* Index of `population`. */
enum population { POPULATION_CONNECTIONS, POPULATION_CONNECTIONS6, POPULATION_TEMPLATES, POPULATION_LOCALITIES, POPULATIONS };

struct sweep_result {
	__u32 visited;
	__u32 expired;
};

/* A connection that is to be taken out of the table, by its client's flow. */
struct forget_request {
	struct flow client;
	__u32 found;
};

#endif
