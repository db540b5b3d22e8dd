/* SPDX-License-Identifier: GPL-2.0-only */
/* TCP as a director sees it: the next state by direction, event and state. It is not the endpoints' state machine. */
#ifndef TANIST_STATES_H
#define TANIST_STATES_H

#include "layout.h"

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

/* A connection in one of these weighs fully in the least-connection schedulers. */
static __always_inline int state_is_active(__u32 state)
{
	return state == ST_ESTABLISHED || state == ST_SYN_SENT || state == ST_SYN_RECV || state == ST_SYNACK;
}

#endif
