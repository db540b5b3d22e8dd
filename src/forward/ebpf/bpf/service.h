/* SPDX-License-Identifier: GPL-2.0-only */
/* Which virtual server a packet is for. */
#ifndef TANIST_SERVICE_H
#define TANIST_SERVICE_H

#include "layout.h"
#include "maps.h"
#include "packet.h"

#define PORT_FTP 21
#define PORT_FTP_DATA 20
#define FIRST_USER_PORT 1024

/* By mark, by address and port, the address's persistent service of FTP for what may be data of it, by address alone: in this
 * order, as IPVS looks. */
static __always_inline const struct service *find_service(struct packet *p, __u32 mark)
{
	const struct flow *flow = &p->flow;
	__u16 port = bpf_ntohs(flow->dport);
	struct service_key marked = { .vaddr.words[0] = mark, .family = flow->family };
	struct service_key where = {
		.vaddr = flow->daddr, .vport = flow->dport, .proto = flow->proto, .family = flow->family,
	};
	const struct service *service = mark ? bpf_map_lookup_elem(&services, &marked) : 0;

	if (service)
		return service;
	service = bpf_map_lookup_elem(&services, &where);
	if (service)
		return service;
	if (flow->proto == IPPROTO_TCP && (port == PORT_FTP_DATA || port >= FIRST_USER_PORT)) {
		where.vport = bpf_htons(PORT_FTP);
		service = bpf_map_lookup_elem(&services, &where);
		p->ftp_data = service && service->persistence_s;
		if (p->ftp_data)
			return service;
	}
	where.vport = 0; /* a service for every port */
	return bpf_map_lookup_elem(&services, &where);
}

#endif
