/* SPDX-License-Identifier: GPL-2.0-only */
/* Persistence by call: what SIP messages (RFC 3261) over UDP have in common is their Call-ID. */
#ifndef TANIST_SIP_H
#define TANIST_SIP_H

#include "layout.h"
#include "loop.h"
#include "packet.h"
#include "scratch.h"
#include "verifier.h"

/* Where `scratch` holds the message, and where the Call-ID that was found in it: its length, then its characters. */
#define SCRATCH_MESSAGE 2048
#define CALL_NAME 7

enum call_state { IN_LINE, IN_NAME, BEFORE_COLON, BEFORE_VALUE, IN_VALUE };

struct call_search {
	__u32 at;
	__u32 length;
	__u32 state;
	__u32 matched;
	__u32 hash; /* FNV-1a */
	__u32 size;
};

static __always_inline __u8 lower(__u8 c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* One character of the message. */
static long next_character(void *map, __u32 *index, void *unused, struct call_search *s)
{
	const __u64 name = 0x64692d6c6c6163; /* "call-id", the first letter lowest */
	__u32 zero = 0, at = s->at++;
	__u8 *text = bpf_map_lookup_elem(&scratch, &zero), c;

	if (!text || at >= s->length)
		return 1;
	c = text[at & (SCRATCH_MESSAGE - 1)];
	switch (s->state) {
	case IN_NAME:
		if (!s->matched && lower(c) == 'i') {
			s->state = BEFORE_COLON; /* the short form of the name */
			return 0;
		}
		if (lower(c) == (__u8)(name >> (s->matched & 7) * 8)) {
			if (++s->matched == CALL_NAME)
				s->state = BEFORE_COLON;
			return 0;
		}
		break;
	case BEFORE_COLON:
		if (c == ' ' || c == '\t')
			return 0;
		if (c == ':') {
			s->state = BEFORE_VALUE;
			return 0;
		}
		break;
	case BEFORE_VALUE:
		if (c == ' ' || c == '\t')
			return 0;
		s->state = IN_VALUE;
		/* fallthrough */
	case IN_VALUE:
		if (c <= ' ')
			return 1;
		if (s->size == CALL_ID_LENGTH) {
			s->size = 0; /* too long */
			return 1;
		}
		s->size++;
		text[SCRATCH_MESSAGE + (s->size & CALL_ID_LENGTH)] = c;
		s->hash = (s->hash ^ c) * 16777619u;
		return 0;
	}
	s->state = c == '\n' ? IN_NAME : IN_LINE;
	s->matched = 0;
	return 0;
}

/* A number for the Call-ID of the packet in hand, whose text is left in `scratch`; 0 when it has none, or one of more than 255
 * characters. A global function, for its loop's sake. */
__noinline __u32 find_call(struct __sk_buff *skb)
{
	const struct packet *p = packet_in_hand();
	struct call_search s = {
		.at = unknown(0),
		.state = unknown(IN_LINE),
		.matched = unknown(0),
		.hash = unknown(2166136261u),
		.size = unknown(0),
	};
	__u32 zero = 0, offset;
	__u8 *text = bpf_map_lookup_elem(&scratch, &zero);

	if (!p || !text || p->flow.proto != IPPROTO_UDP || !has_ports(p))
		return 0;
	offset = p->l4_offset + sizeof(struct udphdr);
	s.length = ETH_HLEN + p->ip_length - offset;
	if (!s.length || s.length >= SCRATCH_MESSAGE)
		return 0;
	if (bpf_skb_load_bytes(skb, offset, text, bounded(s.length, SCRATCH_MESSAGE)))
		return 0;
	repeat(next_character, &s);
	text[SCRATCH_MESSAGE] = s.size;
	return s.size ? s.hash | 1 : 0;
}

#endif
