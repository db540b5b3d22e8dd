import type { Config } from '../../model/config.ts'
import type { InstanceCommands } from '../../model/notify.ts'
import type { ScriptTracker, Track, TrackerKind, TrackerResult } from '../../model/tracking.ts'
import type { Authentication, VrrpInstance } from '../../model/vrrp.ts'
import type { InstanceSnapshot } from '../snapshot.ts'
import { routeWords, ruleWords } from './routing-words.ts'
import { addressText, commandText, stateName } from './words.ts'

const TRACKED: Readonly<Record<TrackerKind, string>> = {
  interface: 'interfaces',
  script: 'scripts',
  file: 'files',
  process: 'processes',
  bfd: 'BFDs',
}

/** What keepalived calls the authentication of version 2. */
const AUTHENTICATION_NAMES: Readonly<Record<Authentication['type'], string>> = {
  none: 'none',
  hmac: 'none',
  pass: 'SIMPLE_PASSWORD',
  ah: 'IPSEC_AH',
}

/**
 * keepalived.data, which SIGUSR1 asks for: the layout of keepalived 2.2.7. Lines about what there is not here (sockets, timers, virtual
 * MACs) are left out, and passwords are. `results`: the last one of each tracker.
 */
export function stateText(
  config: Config,
  instances: readonly InstanceSnapshot[],
  results: readonly TrackerResult[],
): string {
  const known = new Map(instances.map((each) => [each.name, each]))
  const lines = [
    '------< Global definitions >------',
    ...(config.routerId === undefined ? [] : [` Router ID = ${config.routerId}`]),
    ...part('Static Addresses', config.staticObjects.addresses, (each) => [` ${addressText(each, true)}`]),
    ...part('Static Routes', config.staticObjects.routes, (each) => [` ${routeWords(each)}`]),
    ...part('Static Rules', config.staticObjects.rules, (each) => [` ${ruleWords(each)}`]),
    ...part('VRRP Topology', config.instances, (instance) => {
      const now = known.get(instance.name)
      return now === undefined ? [] : instanceLines(instance, now, config)
    }),
    ...part('VRRP Sync groups', config.syncGroups, ({ name, instances: members, tracks }) => {
      const states = members.flatMap((member) => known.get(member)?.state ?? [])
      const [first = 'init'] = states
      const state = states.every((each) => each === first) ? first : 'init'
      return [
        ` VRRP Sync Group = ${name}, ${stateName(state)}`,
        `   Num member fault ${count(states, 'fault')}, num member init ${count(states, 'init')}`,
        '   VRRP member instances :',
        ...members.map((member) => `     ${member}`),
        ...trackLines(tracks),
      ]
    }),
    ...part('VRRP Scripts', config.scripts.trackers.scripts, (script) => scriptLines(script, config, results)),
  ]
  return `${lines.join('\n')}\n`
}

/** A part with its heading, unless it is empty. */
function part<T>(heading: string, items: readonly T[], linesOf: (item: T) => readonly string[]): readonly string[] {
  return items.length === 0 ? [] : [`------< ${heading} >------`, ...items.flatMap(linesOf)]
}

const count = <T>(items: readonly T[], item: T) => items.filter((each) => each === item).length
const onOff = (on: boolean) => (on ? 'enabled' : 'disabled')

function instanceLines(instance: VrrpInstance, now: InstanceSnapshot, config: Config): readonly string[] {
  const isMaster = now.state === 'master'
  const master = now.peers.findLast(({ rejected }) => rejected === undefined)
  const group = config.syncGroups.find(({ instances }) => instances.includes(instance.name))
  const isUnicast = instance.unicastPeers.length > 0
  const { version, garp, authentication } = instance
  const commands = config.scripts.instances.find(({ name }) => name === instance.name)
  return [
    ` VRRP Instance = ${instance.name}`,
    `   VRRP Version = ${version}`,
    ...(group === undefined ? [] : [`   Sync group = ${group.name}`]),
    `   State = ${stateName(now.state)}`,
    ...(now.state === 'backup' && master !== undefined
      ? [`   Master router = ${master.address}`, `   Master priority = ${master.priority}`]
      : []),
    ...(isUnicast ? ['   Flags:', '     Using unicast'] : ['   Flags: none']),
    `   Wantstate = ${stateName(now.state)}`,
    '   Number of config faults = 0',
    `   Last transition = ${timeText(now.since)}`,
    `   Interface = ${instance.interface}`,
    ...(instance.trackPrimary ? [] : ['   VRRP interface tracking disabled']),
    ...(instance.checkAddresses ? [] : ['   Skip checking advert IP addresses']),
    ...(instance.source === undefined ? [] : [`   Using src_ip = ${instance.source} (from configuration)`]),
    ...(isUnicast ? [] : [`   Multicast address ${instance.multicastGroup}`]),
    `   Gratuitous ARP delay = ${Math.floor(garp.delay / 1000)}`,
    `   Gratuitous ARP repeat = ${garp.repeat}`,
    `   Virtual Router ID = ${instance.vrid}`,
    `   Priority = ${instance.priority}`,
    `   Effective priority = ${now.effectivePriority}`,
    `   Total priority = ${now.effectivePriority}`,
    `   Advert interval = ${version === 2 ? `${instance.advertInt / 1000} sec` : `${instance.advertInt} milli-sec`}`,
    `   Accept = ${onOff(true)}`,
    `   Preempt = ${onOff(instance.preempt)}`,
    ...(instance.preemptDelay === 0 ? [] : [`   Preempt delay = ${instance.preemptDelay / 1000} secs`]),
    `   Promote_secondaries = ${onOff(false)}`,
    ...(version === 2 ? [`   Authentication type = ${AUTHENTICATION_NAMES[authentication.type]}`] : []),
    ...list(`Virtual IP (${instance.addresses.length})`, instance.addresses, (each) => addressText(each, isMaster)),
    ...list('Virtual IP Excluded ', instance.excludedAddresses, (each) => addressText(each, isMaster)),
    ...list('Virtual Routes ', instance.routes, routeWords),
    ...list('Virtual Rules ', instance.rules, ruleWords),
    ...list(
      'Unicast Peer ',
      instance.unicastPeers,
      ({ address, minTtl, maxTtl }) => `${address} min_ttl ${minTtl} max_ttl ${maxTtl}`,
    ),
    ...trackLines(instance.tracks),
    `   Using smtp notification = ${config.dumps.mailing.includes(instance.name) ? 'yes' : 'no'}`,
    `   Notify deleted = ${commands?.deleted === undefined ? 'Fault' : 'Deleted'}`,
    ...(commands === undefined ? [] : commandLines(commands)),
    `   Notify priority changes = ${commands?.priorityChanges ?? false}`,
  ]
}

/** A list with its heading, unless it is empty. */
function list<T>(heading: string, items: readonly T[], textOf: (item: T) => string): readonly string[] {
  return items.length === 0 ? [] : [`   ${heading}:`, ...items.map((item) => `     ${textOf(item)}`)]
}

function trackLines(tracks: readonly Track[]): readonly string[] {
  return Object.entries(TRACKED).flatMap(([kind, name]) =>
    list(
      `Tracked ${name} `,
      tracks.filter((track) => track.kind === kind),
      trackText,
    ),
  )
}

const trackText = ({ name, weight, reverse }: Track) => `${name} weight ${weight}${reverse ? ' reverse' : ''}`

function commandLines({ master, backup, fault, stop, any, deleted, masterRxLowerPri }: InstanceCommands): string[] {
  const all = [
    ['Backup', backup],
    ['Master', master],
    ['Fault', fault],
    ['Stop', stop],
    ['Deleted', deleted?.command],
    ['Generic', any],
    ['Master rx lower pri', masterRxLowerPri],
  ] as const
  return all.flatMap(([name, command]) =>
    command === undefined ? [] : [`   ${name} state transition script = ${commandText(command)}`],
  )
}

/** Without a result a script counts as good, unless `init_fail` says otherwise. */
function scriptLines(script: ScriptTracker, config: Config, results: readonly TrackerResult[]): readonly string[] {
  const { name, rise } = script
  const result = results.find((each) => each.kind === 'script' && each.name === name)
  const isGood = result === undefined ? !script.initFail : result.value.type === 'good'
  const users = config.instances.flatMap(({ name: instance, tracks }) =>
    tracks
      .filter((track) => track.kind === 'script' && track.name === name)
      .map(({ weight, reverse }) => `${instance}, weight ${weight}${reverse ? ' reverse' : ''}`),
  )
  return [
    ` VRRP Script = ${name}`,
    `   Command = ${commandText(script.command)}`,
    `   Interval = ${script.interval / 1000} sec`,
    `   Timeout = ${script.timeout / 1000} sec`,
    `   Rise = ${rise}`,
    `   Fall = ${script.fall}`,
    `   Result = ${isGood ? rise : 0}`,
    `   Init state = ${result === undefined ? (script.initFail ? 'INIT/FAILED' : 'INIT') : 'unknown'}`,
    `   Status = ${isGood ? 'GOOD' : 'BAD'}`,
    '   VRRP instances :',
    ...users.map((user) => `     ${user}`),
    '   State = idle',
  ]
}

/** `iso`: ISO 8601. In seconds since the epoch with microseconds, and as ctime(3) writes it, by UTC. */
function timeText(iso: string): string {
  const ms = Date.parse(iso)
  const micros = `${String(ms % 1000).padStart(3, '0')}000`
  const [, day, date, month, year, time] = /^(\w+), (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(ms).toUTCString()) ?? []
  const padded = String(Number(date)).padStart(2)
  return `${Math.floor(ms / 1000)}.${micros} (${day} ${month} ${padded} ${time}.${micros} ${year})`
}
