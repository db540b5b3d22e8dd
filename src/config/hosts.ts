import { type HostAnswer, type HostAsked, hostKey } from '../model/host-name.ts'
import { familyOf } from '../model/service.ts'
import { servicesOf } from './compile/services.ts'
import type { RealServerSettings, Settings, VirtualServerSettings } from './keywords/root.ts'

/** The names that stand for real servers, each once for a family. */
export function hostsOf(settings: Settings): readonly HostAsked[] {
  const asked = settings.virtual_server.flatMap((server) =>
    server.real_server.flatMap(({ id }) => (id.address === undefined ? askedOf(id.host, server, settings) : [])),
  )
  return [...new Map(asked.map((each) => [hostKey(each), each])).values()]
}

/** The same with a real server for each address in the place of those that have names. */
export function withAddresses(settings: Settings, answers: readonly HostAnswer[]): Settings {
  const addresses = new Map(answers.map((answer) => [hostKey(answer), answer.addresses]))
  const virtual = settings.virtual_server.map((server) => {
    if (server.real_server.every(({ id }) => id.address !== undefined)) return server
    const real_server = server.real_server.flatMap((real): RealServerSettings[] => {
      const { id } = real
      if (id.address !== undefined) return [real]
      const found = askedOf(id.host, server, settings).flatMap((each) => addresses.get(hostKey(each)) ?? [])
      return found.map((address) => ({ ...real, id: { ...id, address } }))
    })
    // Who its first server is does not decide about it any more.
    const [first] = servicesOf(server, settings)
    return { ...server, real_server, ...(first?.by === 'fwmark' ? { ip_family: first.family } : {}) }
  })
  return { ...settings, virtual_server: virtual }
}

/** Of the families that its clients come by. */
function askedOf(host: string, server: VirtualServerSettings, settings: Settings): readonly HostAsked[] {
  const families = new Set(servicesOf(server, settings).map(familyOf))
  return [...families].toSorted().map((family) => ({ host, family }))
}
