/* SPDX-License-Identifier: GPL-2.0-only */
/* TCP and SCTP as a director sees them: the next state by direction, event and state. The endpoints have others. */
#ifndef TANIST_STATES_H
#define TANIST_STATES_H

#include <linux/in.h>
#include "layout.h"
#include "verifier.h"

enum direction { DIR_INPUT, DIR_OUTPUT, DIR_INPUT_ONLY, DIRECTIONS };
enum tcp_event { EV_SYN, EV_FIN, EV_ACK, EV_RST, TCP_EVENTS };

#define NO ST_NONE
#define ES ST_ESTABLISHED
#define SS ST_SYN_SENT
#define SR ST_SYN_RECV
#define FW ST_FIN_WAIT
#define TW ST_TIME_WAIT
#define CL ST_CLOSE
#define CW ST_CLOSE_WAIT
#define LA ST_LAST_ACK
#define LI ST_LISTEN
#define SA ST_SYNACK

static const __u8 tcp_next[DIRECTIONS][TCP_EVENTS][TCP_STATES] = {
	[DIR_INPUT] = {
		/*            NO  ES  SS  SR  FW  TW  CL  CW  LA  LI  SA */
		[EV_SYN] = { SR, ES, ES, SR, SR, SR, SR, SR, SR, SR, SR },
		[EV_FIN] = { CL, CW, SS, TW, TW, TW, CL, CW, LA, LI, TW },
		[EV_ACK] = { ES, ES, SS, ES, FW, TW, CL, CW, CL, LI, ES },
		[EV_RST] = { CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, SR },
	},
	[DIR_OUTPUT] = {
		[EV_SYN] = { SS, ES, SS, SR, SS, SS, SS, SS, SS, LI, SR },
		[EV_FIN] = { TW, FW, SS, TW, FW, TW, CL, TW, LA, LI, TW },
		[EV_ACK] = { ES, ES, SS, ES, FW, TW, CL, CW, LA, ES, ES },
		[EV_RST] = { CL, CL, SS, CL, CL, TW, CL, CL, CL, CL, CL },
	},
	[DIR_INPUT_ONLY] = {
		[EV_SYN] = { SR, ES, ES, SR, SR, SR, SR, SR, SR, SR, SR },
		[EV_FIN] = { CL, FW, SS, TW, FW, TW, CL, CW, LA, LI, TW },
		[EV_ACK] = { ES, ES, SS, ES, FW, TW, CL, CW, CL, LI, ES },
		[EV_RST] = { CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, CL },
	},
};

#undef NO
#undef ES
#undef SS
#undef SR
#undef FW
#undef TW
#undef CL
#undef CW
#undef LA
#undef LI
#undef SA

/* SCTP (RFC 9260) as a director sees it. The names are those of IPVS's listing: see src/forward/ebpf/layout/connection-layout.ts. */
enum sctp_state {
	SCTP_NONE, SCTP_INIT1, SCTP_INIT, SCTP_COOKIE_SENT, SCTP_COOKIE_REPLIED, SCTP_COOKIE_WAIT, SCTP_COOKIE,
	SCTP_COOKIE_ECHOED, SCTP_ESTABLISHED, SCTP_SHUTDOWN_SENT, SCTP_SHUTDOWN_RECEIVED, SCTP_SHUTDOWN_ACK_SENT,
	SCTP_REJECTED, SCTP_CLOSED
};

enum sctp_event {
	SEV_DATA, SEV_INIT, SEV_INIT_ACK, SEV_COOKIE_ECHO, SEV_COOKIE_ACK, SEV_SHUTDOWN, SEV_SHUTDOWN_ACK,
	SEV_SHUTDOWN_COMPLETE, SEV_ERROR, SEV_ABORT, SCTP_EVENTS
};

#define NO SCTP_NONE
#define I1 SCTP_INIT1
#define IN SCTP_INIT
#define CS SCTP_COOKIE_SENT
#define CR SCTP_COOKIE_REPLIED
#define CW SCTP_COOKIE_WAIT
#define CO SCTP_COOKIE
#define CE SCTP_COOKIE_ECHOED
#define ES SCTP_ESTABLISHED
#define SS SCTP_SHUTDOWN_SENT
#define SR SCTP_SHUTDOWN_RECEIVED
#define SA SCTP_SHUTDOWN_ACK_SENT
#define RJ SCTP_REJECTED
#define CL SCTP_CLOSED

static const __u8 sctp_next[DIRECTIONS][SCTP_EVENTS][SCTP_STATES] = {
	[DIR_INPUT] = {
		/*                          NO  I1  IN  CS  CR  CW  CO  CE  ES  SS  SR  SA  RJ  CL */
		[SEV_DATA] =               { ES, I1, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL },
		[SEV_INIT] =               { I1, IN, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, IN, IN },
		[SEV_INIT_ACK] =           { CW, CW, CW, CS, CR, CO, CO, CE, ES, SS, SR, SA, RJ, CL },
		[SEV_COOKIE_ECHO] =        { CR, IN, IN, CR, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL },
		[SEV_COOKIE_ACK] =         { ES, I1, IN, CS, CR, CW, CO, ES, ES, SS, SR, SA, RJ, CL },
		[SEV_SHUTDOWN] =           { SR, I1, IN, CS, CR, CW, CO, CE, SR, SS, SR, SA, RJ, CL },
		[SEV_SHUTDOWN_ACK] =       { CL, IN, IN, CS, CR, CW, CO, CE, ES, CL, SR, CL, RJ, CL },
		[SEV_SHUTDOWN_COMPLETE] =  { CL, CL, CL, CS, CR, CW, CO, CE, ES, SS, SR, CL, RJ, CL },
		[SEV_ERROR] =              { CL, I1, IN, CS, CR, CW, CO, CL, ES, SS, SR, SA, RJ, CL },
		[SEV_ABORT] =              { CL, CL, CL, CL, CL, RJ, CL, CL, CL, CL, CL, CL, CL, CL },
	},
	[DIR_OUTPUT] = {
		/*                          NO  I1  IN  CS  CR  CW  CO  CE  ES  SS  SR  SA  RJ  CL */
		[SEV_DATA] =               { ES, I1, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL },
		[SEV_INIT] =               { CW, CW, CW, CW, CW, CW, CW, CW, ES, CW, CW, CW, CW, CW },
		[SEV_INIT_ACK] =           { CS, CS, CS, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL },
		[SEV_COOKIE_ECHO] =        { CE, CE, CE, CE, CE, CE, CE, CE, ES, SS, SR, SA, RJ, CL },
		[SEV_COOKIE_ACK] =         { ES, ES, ES, ES, ES, ES, ES, ES, ES, SS, SR, SA, RJ, CL },
		[SEV_SHUTDOWN] =           { SS, SS, SS, SS, SS, SS, SS, SS, SS, SS, SR, SA, RJ, CL },
		[SEV_SHUTDOWN_ACK] =       { SA, SA, SA, SA, SA, CW, CO, CE, ES, SA, SA, SA, RJ, CL },
		[SEV_SHUTDOWN_COMPLETE] =  { CL, I1, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL },
		[SEV_ERROR] =              { CL, CL, CL, CL, CL, CW, CO, CE, ES, SS, SR, SA, RJ, CL },
		[SEV_ABORT] =              { CL, RJ, CL, CL, CL, CL, CL, CL, CL, CL, CL, CL, CL, CL },
	},
	[DIR_INPUT_ONLY] = {
		/*                          NO  I1  IN  CS  CR  CW  CO  CE  ES  SS  SR  SA  RJ  CL */
		[SEV_DATA] =               { ES, I1, IN, CS, CR, ES, CO, CE, ES, SS, SR, SA, RJ, CL },
		[SEV_INIT] =               { I1, IN, IN, IN, IN, IN, CO, CE, ES, SS, SR, SA, IN, IN },
		[SEV_INIT_ACK] =           { CE, CE, CE, CE, CE, CE, CO, CE, ES, SS, SR, SA, RJ, CL },
		[SEV_COOKIE_ECHO] =        { ES, ES, ES, ES, ES, ES, CO, CE, ES, SS, SR, SA, RJ, CL },
		[SEV_COOKIE_ACK] =         { ES, I1, IN, ES, ES, CW, ES, ES, ES, SS, SR, SA, RJ, CL },
		[SEV_SHUTDOWN] =           { SR, I1, IN, CS, CR, CW, CO, CE, SR, SS, SR, SA, RJ, CL },
		[SEV_SHUTDOWN_ACK] =       { CL, IN, IN, CS, CR, CW, CO, CE, CL, CL, SR, CL, RJ, CL },
		[SEV_SHUTDOWN_COMPLETE] =  { CL, CL, CL, CL, CL, CW, CO, CE, ES, SS, CL, CL, RJ, CL },
		[SEV_ERROR] =              { CL, I1, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL },
		[SEV_ABORT] =              { CL, CL, CL, CL, CL, RJ, CL, CL, CL, CL, CL, CL, CL, CL },
	},
};

#undef NO
#undef I1
#undef IN
#undef CS
#undef CR
#undef CW
#undef CO
#undef CE
#undef ES
#undef SS
#undef SR
#undef SA
#undef RJ
#undef CL

/* A connection in one of these weighs fully in the least-connection schedulers. */
static __always_inline int state_is_active(__u32 state)
{
	return state == ST_ESTABLISHED || state == ST_SYN_SENT || state == ST_SYN_RECV || state == ST_SYNACK ||
	       state == ST_SCTP + SCTP_ESTABLISHED;
}

/* A server whose connection is in one of these may have something to send, however long nothing has come. */
static __always_inline int state_may_send(__u32 state)
{
	return state == ST_ESTABLISHED || state == ST_FIN_WAIT || state == ST_CLOSE_WAIT || state == ST_LAST_ACK || state == ST_UDP ||
	       (state >= ST_SCTP + SCTP_ESTABLISHED && state <= ST_SCTP + SCTP_SHUTDOWN_ACK_SENT);
}

static __always_inline __u32 next_state(__u8 proto, __u32 event, __u32 direction, __u32 state)
{
	if (proto == IPPROTO_UDP)
		return ST_UDP;
	if (proto == IPPROTO_SCTP) {
		state = state == ST_NONE ? SCTP_NONE : state - ST_SCTP; /* a fresh connection has no state of any protocol */
		if (event >= SCTP_EVENTS || state >= SCTP_STATES || direction >= DIRECTIONS)
			return ST_SCTP + SCTP_CLOSED;
		return ST_SCTP + entry_at(&sctp_next[0][0][0], sizeof(sctp_next),
					  (direction * SCTP_EVENTS + event) * SCTP_STATES + state);
	}
	if (event >= TCP_EVENTS || state >= TCP_STATES || direction >= DIRECTIONS)
		return ST_CLOSE;
	return entry_at(&tcp_next[0][0][0], sizeof(tcp_next), (direction * TCP_EVENTS + event) * TCP_STATES + state);
}

#endif
