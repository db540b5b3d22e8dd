import type { Config } from '../model/config.ts'
import { serviceName } from '../model/service.ts'
import { counterpart, type Pair } from './lans.ts'
import { DIRECTORS, type DirectorName } from './recording.ts'
import type { Roles } from './roles.ts'

/** Says of each thing in two configurations that a lab does not have, and that no other part says, what it means. */
export function sayNotPlayed(pair: Pair, roles: Roles, say: (sentence: string) => void): void {
  const [shown, ...more] = roles.homeless
  if (shown !== undefined) {
    const [all, has, it] =
      more.length === 0
        ? [shown, 'no vrrp_instance has this address', 'it']
        : [`${shown} and ${more.length} more`, 'no vrrp_instance has these addresses', 'them']
    say(`virtual_server ${all}: ${has}; in the lab director1 has ${it} for good, so that no take-over moves ${it}.`)
  }
  const tellings = DIRECTORS.map((director) => pair[director].telling)
  if (tellings.some(({ mail }) => mail !== undefined)) {
    say('notification_email: the lab has no mail server, so that mails are not delivered, and no drill sees them.')
  }
  if (tellings.some(({ webhooks }) => webhooks.length > 0)) {
    say('webhook: nobody takes them in the lab, so that they are not delivered, and no drill sees them.')
  }
  if (DIRECTORS.some((director) => pair[director].tlsClient !== undefined)) {
    say(
      'SSL: the lab takes these files of this machine; where they are missing SSL_GET asks nobody, and its servers stay up.',
    )
  }
  for (const director of DIRECTORS) {
    const other = director === 'director1' ? 'director2' : 'director1'
    sayOfInstances(director, pair[director], pair[other], roles, say)
    sayOfServices(pair[director], say)
    for (const { name, neighbour } of pair[director].bfdSessions) {
      if (roles.addresses(other).includes(neighbour)) continue
      say(
        `bfd_instance ${name}: nobody speaks BFD at ${neighbour} in the lab, so that the session is down, and what tracks it takes it for failed.`,
      )
    }
    for (const { name, parameters } of pair[director].scripts.trackers.processes) {
      const compared = parameters === 'ignored' ? '' : ' without its parameters'
      say(
        `vrrp_track_process ${name}: each director of the lab has a process of this name${compared}, but counts all of this machine, so that it does not miss its own.`,
      )
    }
    if (pair[director].hosts.length > 0) {
      const names = pair[director].hosts.slice(0, 3).map(({ host }) => host)
      say(
        `real_server by name (${names.join(', ')}): no name has an address in the lab, so that these servers are not there.`,
      )
    }
  }
}

function sayOfInstances(
  director: DirectorName,
  { instances }: Config,
  other: Config,
  roles: Roles,
  say: (sentence: string) => void,
): void {
  for (const instance of instances) {
    const peer = counterpart(instance, other.instances)
    if (peer === undefined) {
      say(
        `vrrp_instance ${instance.name} is in the file of ${director} alone: nobody takes over from it, and drills do not look at its addresses.`,
      )
    }
    const absent = instance.unicastPeers.filter(
      ({ address }) => !DIRECTORS.some((each) => roles.addresses(each).includes(address)),
    )
    if (absent.length > 0) {
      const listed = absent.map(({ address }) => address).join(', ')
      say(
        `unicast_peer ${listed} of vrrp_instance ${instance.name} is not in the lab, which has two directors, so that nobody is there to take over.`,
      )
    }
    const vrfs = [instance.vrf, ...instance.routes.map(({ vrf }) => vrf)].filter((vrf) => vrf !== undefined)
    for (const vrf of new Set(vrfs))
      say(`vrf ${vrf} of vrrp_instance ${instance.name} is not in the lab, so that what belongs to it cannot be set.`)
  }
}

function sayOfServices({ virtualServers }: Config, say: (sentence: string) => void): void {
  for (const { services, marked, name } of virtualServers) {
    const marks = services.filter((id) => id.by === 'fwmark')
    if (marks.length > 0 && marked.length === 0) {
      const listed = marks.map((id) => `fwmark ${id.mark}`).join(', ')
      say(`virtual_server ${name}: the firewall that sets ${listed} is not in the lab, so that no client asks it.`)
    }
    const sctp = services.find((id) => id.by === 'address' && id.protocol === 'SCTP')
    if (sctp !== undefined)
      say(`virtual_server ${serviceName(sctp)}: nobody speaks SCTP in the lab, so that no client asks it.`)
  }
}
