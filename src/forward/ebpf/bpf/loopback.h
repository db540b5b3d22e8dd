/* SPDX-License-Identifier: GPL-2.0-only */
/* In by the loopback interface once more. */
#ifndef TANIST_LOOPBACK_H
#define TANIST_LOOPBACK_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>
#include "verdict.h"

#define LOOPBACK_IFINDEX 1 /* in every network namespace */

/* In the tc_index of a packet on the loopback interface: it is to be delivered, or is one of a service that has no route on it
 * any more. See own-client.h. */
#define LOOP_DELIVER 0x7a01
#define LOOP_SECOND 0x7a02

/* In by the loopback interface, which takes off whatever route is on the packet. */
static __always_inline int enter_loopback(struct __sk_buff *skb, __u16 as)
{
	const __u8 nobody[ETH_ALEN] = {};

	if (bpf_skb_store_bytes(skb, 0, nobody, sizeof(nobody), 0))
		return DROP;
	skb->tc_index = as;
	return bpf_redirect(LOOPBACK_IFINDEX, BPF_F_INGRESS);
}

#endif
