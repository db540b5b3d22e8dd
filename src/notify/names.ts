/** `FWM 10` whatever its address family, `[web]:0` whatever its protocol: keepalived's name of a virtual server in mails and pipes. */
export const serviceTrio = (service: string): string =>
  service.replace(/^(FWM \d+) IPv6$/, '$1').replace(/^(\[.*\]:0) (?:TCP|UDP|SCTP)$/, '$1')

/** `[192.168.10.11]:tcp:80`: its protocol is that of the virtual server, which a firewall mark has none of. */
export function serverTrio(server: string, service: string): string {
  const protocol = /:(tcp|udp|sctp):\d+$/.exec(service)?.[1] ?? /\]:0 (TCP|UDP|SCTP)$/.exec(service)?.[1] ?? 'none'
  return server.replace(/:(\d+)$/, `:${protocol.toLowerCase()}:$1`)
}
