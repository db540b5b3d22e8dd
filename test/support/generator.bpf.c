/* SPDX-License-Identifier: GPL-2.0-only */
/* Both ends of the packet bench: frames from many clients, and what counts them at the end. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define PORTS 50000
#define FIRST_PORT 1024

struct headers {
	struct ethhdr eth;
	struct iphdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

/* The headers as they were given, with source port 0: the memory of a frame comes back as the director has left it. */
struct plan {
	__u32 flows;
	__u32 next;
	struct headers headers;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct plan);
} plan SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

/* RFC 1624. */
static __always_inline __u16 replaced(__u16 check, __u32 old, __u32 new)
{
	__u32 sum = (__u16)~check + (__u16)~old + (__u16)~(old >> 16) + (new & 0xffff) + (new >> 16);

	sum = (sum & 0xffff) + (sum >> 16);
	return ~((sum & 0xffff) + (sum >> 16));
}

/* The next client's frame, sent out by the interface that it is run for. */
SEC("xdp")
int generate(struct xdp_md *ctx)
{
	struct headers *h = (void *)(long)ctx->data;
	__u32 zero = 0, saddr, given;
	struct plan *p = bpf_map_lookup_elem(&plan, &zero);
	__u16 port;

	if (!p || (void *)(h + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	*h = p->headers;
	given = p->headers.ip.saddr;
	saddr = bpf_htonl(bpf_ntohl(given) + p->next / PORTS);
	port = bpf_htons(FIRST_PORT + p->next % PORTS);
	if (++p->next == p->flows)
		p->next = 0;
	h->ip.saddr = saddr;
	h->ip.check = replaced(h->ip.check, given, saddr);
	h->tcp.source = port;
	h->tcp.check = replaced(replaced(h->tcp.check, given, saddr), 0, port);
	return XDP_TX;
}

static __always_inline void count(void)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&seen, &zero);

	if (n)
		(*n)++;
}

SEC("xdp")
int sink(struct xdp_md *ctx)
{
	count();
	return XDP_DROP;
}

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	count();
	return XDP_PASS;
}
