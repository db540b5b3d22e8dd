import type { TrackerResult } from '../model/tracking.ts'

/** Where a fault strikes: directors by their place. */
interface OfHost {
  readonly host: number
}
interface Lasting {
  /** In ms. */
  readonly lasts: number
}

/** What goes wrong, or is done to a director. */
export type Trouble =
  /** Its vrrp process is killed. */
  | ({ readonly kind: 'crash' } & OfHost)
  /** All of its processes are. With `release`, systemd gives its addresses up half a second later. It is started again. */
  | ({ readonly kind: 'kill'; readonly release: boolean } & OfHost & Lasting)
  /** Its host is without power, and comes back with nothing of before. */
  | ({ readonly kind: 'power' } & OfHost & Lasting)
  /** It is stopped in order, and started again. */
  | ({ readonly kind: 'stop' } & OfHost & Lasting)
  /** Its vrrp process gets no processor (its director notices), or the whole daemon gets none. */
  | ({ readonly kind: 'freeze'; readonly all: boolean } & OfHost & Lasting)
  /** Its vrrp process wakes late, by at most so many ms. */
  | ({ readonly kind: 'slow'; readonly by: number } & OfHost & Lasting)
  /** It reads one of its configurations. */
  | ({ readonly kind: 'reload'; readonly config: number } & OfHost)
  /** What it is master of is handed over by an operator (`tanist failover`), and taken back. */
  | ({ readonly kind: 'failover' } & OfHost & Lasting)
  /** It hands everything over and takes no role (`tanist maintenance`); with `force` also where nobody follows. */
  | ({ readonly kind: 'maintenance'; readonly force: boolean } & OfHost & Lasting)
  /** It is replaced by a new program. */
  | ({ readonly kind: 'upgrade' } & OfHost)
  /** An interface of its has no carrier, and it knows. */
  | ({ readonly kind: 'unplug'; readonly interface: string } & OfHost & Lasting)
  /** What it sends by a segment does not arrive at another one, and nobody is told. */
  | ({ readonly kind: 'cut'; readonly to: number; readonly segment: string } & OfHost & Lasting)
  /** Each packet is lost, or doubled, or late by at most so many ms, so that packets overtake each other. */
  | ({ readonly kind: 'lossy'; readonly percent: number } & Lasting)
  | ({ readonly kind: 'doubling'; readonly percent: number } & Lasting)
  | ({ readonly kind: 'jitter'; readonly upTo: number } & Lasting)
  /** A tracker of its says something, and what it said before afterwards. */
  | ({ readonly kind: 'tracker'; readonly result: TrackerResult } & OfHost & Lasting)
  /** Another program removes the virtual addresses from its host. */
  | ({ readonly kind: 'theft' } & OfHost)

/** `at`: in ms from the beginning. */
export type Fault = Trouble & { readonly at: number }

export type FaultKind = Fault['kind']

/** Each kind with what an operator calls it. */
export const FAULT_KINDS: Readonly<Record<FaultKind, string>> = {
  crash: 'the vrrp process is killed',
  kill: 'all processes of a director are killed',
  power: 'a host loses power',
  stop: 'a director is stopped and started again',
  freeze: 'processes get no processor for a while',
  slow: 'the vrrp process wakes late',
  reload: 'the configuration is read again',
  failover: 'roles are handed over, and taken back',
  maintenance: 'a director is in maintenance',
  upgrade: 'the program is replaced',
  unplug: 'an interface loses its carrier',
  cut: 'what one director sends does not reach another one',
  lossy: 'packets are lost',
  doubling: 'packets are doubled',
  jitter: 'packets are late, and overtake each other',
  tracker: 'a tracker says otherwise',
  theft: 'another program removes the virtual addresses',
}

/** A fault in a sentence. `names`: of the directors. */
export function faultText(fault: Trouble, names: readonly string[]): string {
  const host = 'host' in fault ? (names[fault.host] ?? '') : ''
  const time = 'lasts' in fault ? ` for ${seconds(fault.lasts)}` : ''
  switch (fault.kind) {
    case 'crash':
      return `the vrrp process of ${host} is killed`
    case 'kill':
      return `all processes of ${host} are killed${fault.release ? '' : ', without systemd'}; it is back after ${seconds(fault.lasts)}`
    case 'power':
      return `${host} loses power${time}`
    case 'stop':
      return `${host} is stopped, and started again ${seconds(fault.lasts)} later`
    case 'freeze':
      return `${fault.all ? 'all processes of' : 'the vrrp process of'} ${host} stands still${time}`
    case 'slow':
      return `the vrrp process of ${host} wakes up to ${Math.round(fault.by)} ms late${time}`
    case 'reload':
      return `${host} reads its configuration (${fault.config})`
    case 'failover':
      return `what ${host} is master of is handed over, and taken back ${seconds(fault.lasts)} later`
    case 'maintenance':
      return `${host} is in maintenance${fault.force ? ', whoever follows' : ''}${time}`
    case 'upgrade':
      return `${host} is upgraded`
    case 'unplug':
      return `${fault.interface} of ${host} has no carrier${time}`
    case 'cut':
      return `what ${host} sends does not reach ${names[fault.to]}${time}`
    case 'lossy':
      return `${fault.percent} % of the packets are lost${time}`
    case 'doubling':
      return `${fault.percent} % of the packets are doubled${time}`
    case 'jitter':
      return `packets are up to ${Math.round(fault.upTo)} ms late${time}`
    case 'tracker': {
      const { kind, name, value } = fault.result
      return `${kind} ${name} of ${host} says ${value.type === 'number' ? value.value : value.type}${time}`
    }
    case 'theft':
      return `another program removes the virtual addresses from ${host}`
  }
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
