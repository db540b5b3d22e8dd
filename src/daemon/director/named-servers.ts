import { isServerNamed, isServiceNamed } from '../../control/named.ts'
import type { Config } from '../../model/config.ts'
import { endpointName } from '../../model/endpoint.ts'
import type { RealServer, VirtualServer } from '../../model/service.ts'

export interface NamedServer {
  readonly virtual: VirtualServer
  readonly real: RealServer
}

/** Real servers that people mean by names; `service` undefined: those of all virtual servers that have them. Else why there is none. */
export function serversNamed(
  { virtualServers }: Config,
  service: string | undefined,
  server: string,
): readonly NamedServer[] | { readonly failure: string } {
  const ofService = virtualServers.filter(({ name }) => service === undefined || isServiceNamed(name, service))
  if (ofService.length === 0)
    return { failure: `there is no virtual server${service === undefined ? '' : ` ${service}`}` }
  const named = ofService.flatMap((virtual) =>
    virtual.realServers
      .filter(({ endpoint }) => isServerNamed(endpointName(endpoint), server))
      .map((real) => ({ virtual, real })),
  )
  if (named.length > 0) return named
  const where = service === undefined ? 'no virtual server' : `the virtual server ${service}`
  return { failure: `${where} has ${service === undefined ? 'a' : 'no'} real server ${server}` }
}
