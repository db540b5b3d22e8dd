/* SPDX-License-Identifier: GPL-2.0-only */
/* What becomes of a packet, and the steps that may come before that is known. */
#ifndef TANIST_VERDICT_H
#define TANIST_VERDICT_H

#define PASS -1 /* TCX_NEXT and TC_ACT_UNSPEC: other programs and the stack go on */
#define DROP 2	/* TC_ACT_SHOT */
#define TC_ACT_REDIRECT 7

/* Not verdicts, but what is to be done next with the packet in hand: see `process` in tanist.bpf.c. */
#define TO_ICMP 1001
#define TO_TUNNEL 1002
#define TO_ICMP_ERROR 1003
#define TO_FULL_NAT 1004
#define FROM_FULL_NAT 1005
#define TO_LOCAL_SERVER 1006
#define TO_RESET 1007

#endif
