/* SPDX-License-Identifier: GPL-2.0-only */
/* The two tables of connections, one a family, behind one set of functions; and the keys of what servers send.
 *
 *   from the client   C:c -> V:v    connections[C:c -> V:v] = the connection
 *   from the server   S:s -> C:c    replies[S:s -> C:c]     = C:c -> V:v
 *
 * C:c is the client, V:v the virtual server, S:s the real one. What a server sends by full NAT goes to a local address and port, L:l (see
 * local-endpoint.h): replies[S:s -> L:l]. By DR and TUN servers answer past the director, so there is no second key. */
#ifndef TANIST_KEYS_H
#define TANIST_KEYS_H

#include "address.h"
#include "layout.h"
#include "maps.h"

/* The other direction. */
static __always_inline struct flow reversed(const struct flow *f)
{
	return (struct flow){
		.saddr = f->daddr, .daddr = f->saddr, .sport = f->dport, .dport = f->sport,
		.proto = f->proto, .family = f->family,
	};
}

/* Little-endian, as the object is. */
static __always_inline struct flow4 compact(const struct flow *f)
{
	struct flow4 key = {
		.saddr = f->saddr.words[0], .daddr = f->daddr.words[0],
		.ports = f->sport | (__u32)f->dport << 16, .proto = f->proto,
	};

	return key;
}

static __always_inline struct flow expand(const struct flow4 *f)
{
	struct flow flow = {
		.saddr.words[0] = f->saddr, .daddr.words[0] = f->daddr,
		.sport = f->ports, .dport = f->ports >> 16, .proto = f->proto, .family = AF_INET,
	};

	return flow;
}

static __always_inline struct connection *lookup_connection(const struct flow *f, int v6)
{
	struct flow4 key;

	if (v6)
		return bpf_map_lookup_elem(&connections6, f);
	key = compact(f);
	return bpf_map_lookup_elem(&connections, &key);
}

/* What a change of a map gives is an int: before Linux 6.4 the upper half of the register is not part of it, and an error
 * that is compared as 64 bits equals none. */
static __always_inline int add_connection(const struct flow *f, const struct connection *c, int v6)
{
	struct flow4 key;

	if (v6)
		return bpf_map_update_elem(&connections6, f, c, BPF_NOEXIST);
	key = compact(f);
	return bpf_map_update_elem(&connections, &key, c, BPF_NOEXIST);
}

static __always_inline void delete_connection(const struct flow *f, int v6)
{
	struct flow4 key;

	if (v6) {
		bpf_map_delete_elem(&connections6, f);
		return;
	}
	key = compact(f);
	bpf_map_delete_elem(&connections, &key);
}

/* The connection that a packet from a server belongs to, by its client's flow; false when there is none. */
static __always_inline int lookup_reply(const struct flow *reply, struct flow *client, int v6)
{
	struct flow4 key, *known;
	struct flow *known6;

	if (v6) {
		known6 = bpf_map_lookup_elem(&replies6, reply);
		if (known6)
			*client = *known6;
		return !!known6;
	}
	key = compact(reply);
	known = bpf_map_lookup_elem(&replies, &key);
	if (known)
		*client = expand(known);
	return !!known;
}

static __always_inline int add_reply(const struct flow *reply, const struct flow *client, __u64 flags, int v6)
{
	struct flow4 key, value;

	if (v6)
		return bpf_map_update_elem(&replies6, reply, client, flags);
	key = compact(reply);
	value = compact(client);
	return bpf_map_update_elem(&replies, &key, &value, flags);
}

static __always_inline void delete_reply(const struct flow *reply, int v6)
{
	struct flow4 key;

	if (v6) {
		bpf_map_delete_elem(&replies6, reply);
		return;
	}
	key = compact(reply);
	bpf_map_delete_elem(&replies, &key);
}

#endif
