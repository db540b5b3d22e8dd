import type { Garp, UnicastPeer, VrrpInstance } from '../../src/model/vrrp.ts'
import { RFC_ELECTION } from '../../src/model/election.ts'
import { type Ipv4, VRRP_GROUP } from '../../src/net/ipv4.ts'
import { KEEPALIVED_PROTOCOL, type Route, type Rule } from '../../src/net/route.ts'
import { millis } from '../../src/time.ts'

/** An address literal of a test. */
export const ip = (text: string) => text as Ipv4

/** A unicast peer whose adverts may come with any TTL. */
export const aPeer = (text: string): UnicastPeer => ({ address: ip(text), minTtl: 0, maxTtl: 255 })

/** Announcements as they are when nothing is said. */
export const USUAL_GARP: Garp = {
  delay: millis(5000),
  repeat: 5,
  refresh: millis(0),
  refreshRepeat: 1,
  lowerDelay: millis(5000),
  lowerRepeat: 5,
  extra: undefined,
}

/** An instance with the defaults of a file that says only what is needed. */
export function anInstance(change: Partial<VrrpInstance> = {}): VrrpInstance {
  return {
    name: 'a',
    interface: 'eth0',
    vrf: undefined,
    family: 4,
    vrid: 51,
    version: 3,
    priority: 100,
    advertInt: millis(1000),
    preempt: true,
    preemptDelay: millis(0),
    preemptAfterChecks: false,
    election: RFC_ELECTION,
    addresses: [{ address: ip('10.0.0.100'), prefix: 32, device: 'eth0' }],
    excludedAddresses: [],
    virtualLinks: [],
    transmitBy: undefined,
    routes: [],
    rules: [],
    source: undefined,
    unicastPeers: [],
    multicastGroup: VRRP_GROUP,
    unicastTtl: 255,
    receiveBuffer: undefined,
    lacksPeers: false,
    authentication: { type: 'none' },
    checksum: 'pseudo-header',
    checkAddresses: true,
    tracks: [],
    trackPrimary: true,
    trackSource: false,
    lease: millis(0),
    promotesSecondaries: false,
    garp: USUAL_GARP,
    ...change,
  }
}

/** A route by 10.0.0.254 on eth0 to `10.<second>.0.0/16`. */
export function aRoute(second: number, change: Partial<Route> = {}): Route {
  return {
    family: 4,
    type: 'unicast',
    to: { address: ip(`10.${second}.0.0`), length: 16 },
    from: undefined,
    table: 254,
    vrf: undefined,
    tos: 0,
    scope: 0,
    protocol: KEEPALIVED_PROTOCOL,
    metric: undefined,
    source: undefined,
    hops: [{ via: ip('10.0.0.254'), device: 'eth0', weight: 1, onlink: false, realms: undefined, encap: undefined }],
    realms: undefined,
    preference: undefined,
    expiresAfterSeconds: undefined,
    metrics: {},
    congestionControl: undefined,
    locked: [],
    position: 'first',
    tracked: true,
    ...change,
  }
}

/** A rule for packets from `10.<second>.0.0/16`. */
export function aRule(second: number, change: Partial<Rule> = {}): Rule {
  return {
    family: 4,
    preference: second,
    inverted: false,
    from: { address: ip(`10.${second}.0.0`), length: 16 },
    to: undefined,
    tos: 0,
    mark: undefined,
    incoming: undefined,
    outgoing: undefined,
    tunnelId: undefined,
    users: undefined,
    ipProtocol: undefined,
    sourcePorts: undefined,
    destinationPorts: undefined,
    action: { type: 'table', table: 5 },
    realms: undefined,
    suppressPrefixLength: undefined,
    suppressGroup: undefined,
    protocol: KEEPALIVED_PROTOCOL,
    tracked: true,
    ...change,
  }
}
