import { styleText } from 'node:util'
import { notRunningText, protectionCount } from '../config/not-running.ts'
import type {
  BfdSnapshot,
  InstanceSnapshot,
  PeerSnapshot,
  ServerSnapshot,
  RoutingSnapshot,
  ServiceSnapshot,
  Snapshot,
  TrackerSnapshot,
} from '../control/snapshot.ts'
import { isServiceNamed } from '../control/named.ts'
import { detectionText, diagnosticText, milliseconds, neighbourText, remoteText } from './bfd-status.ts'
import { priorityText, trackerState, weightText } from './tracker-status.ts'

/** What the core counts beside the reasons of its drops, for `--json`. */
const NO_DROP = 'client-port-changed'

type Colour = 'green' | 'yellow' | 'red' | 'dim'
export type Cell = string | { readonly text: string; readonly colour: Colour }

/** The snapshot as aligned tables, seen at `now` (ms since the epoch). Colours only where they are asked for. */
export function formatStatus(status: Snapshot, now: number, colours: boolean): string {
  const sections = [
    headline(status),
    alarms(status, colours),
    notRunning(status, colours),
    table(
      ['INSTANCE', 'STATE', 'SINCE', 'PRIORITY', 'INTERFACE', 'VRID', 'ADDRESSES', 'REASON'],
      status.instances.map((instance) => [
        instance.name,
        instanceState(instance),
        ago(instance.since, now),
        priorityText(instance),
        instance.interface || 'any',
        `${instance.vrid} (v${instance.version})`,
        instance.addresses.join(' '),
        instanceReason(instance),
      ]),
      colours,
    ),
    table(['ROUTE, RULE, STATIC ADDRESS', 'OF', 'STATE'], routingRows(status), colours),
    table(
      ['TRACKER', 'INSTANCE', 'STATE', 'SINCE', 'WEIGHT', 'LAST RESULT'],
      status.instances.flatMap((instance) =>
        instance.trackers.map((tracker): Cell[] => [
          `${tracker.kind} ${tracker.name}`,
          tracker.from === 'group' ? `${instance.name} (by its group)` : instance.name,
          { text: trackerState(tracker), colour: trackerColour(tracker) },
          tracker.since === undefined ? '' : ago(tracker.since, now),
          weightText(tracker),
          tracker.detail,
        ]),
      ),
      colours,
    ),
    table(
      ['PEER', 'INSTANCE', 'PRIORITY', 'LAST HEARD', ''],
      status.instances.flatMap((instance) =>
        instance.peers.map((peer) => [
          peer.address,
          instance.name,
          peer.priority === undefined ? '' : String(peer.priority),
          peer.lastHeard === undefined ? 'never' : ago(peer.lastHeard, now),
          peerCell(peer),
        ]),
      ),
      colours,
    ),
    table(
      ['UNKNOWN VRID', 'INTERFACE', 'LAST SENDER', 'PACKETS'],
      status.unknownVrids.map(({ vrid, interface: device, source, count }) => [
        String(vrid),
        device,
        source,
        String(count),
      ]),
      colours,
    ),
    table(
      ['BFD SESSION', 'STATE', 'SINCE', 'NEIGHBOUR', 'SENDS EVERY', 'DETECTS', 'DIAGNOSTIC', 'THERE'],
      status.bfdSessions.map((session) => [
        session.name,
        bfdState(session),
        ago(session.since, now),
        neighbourText(session),
        milliseconds(session.transmitMs),
        detectionText(session),
        diagnosticText(session.diagnostic),
        remoteText(session),
      ]),
      colours,
    ),
    table(
      ['SERVICE / SERVER', 'STATE', 'SINCE', 'WEIGHT', 'ACTIVE', 'INACTIVE', 'CONNECTIONS', 'REASON'],
      status.services.flatMap((service) => [
        [
          [service.name, service.scheduler, service.method].filter((part) => part !== undefined).join(' '),
          quorumState(service),
          '',
          '',
          '',
          '',
          String(service.counters.connections),
          serviceRemark(service),
        ],
        ...service.servers.map((server): Cell[] => [
          `  ${server.name}${server.role === 'sorry' ? ' (sorry server)' : ''}`,
          serverState(server),
          server.since === undefined ? '' : ago(server.since, now),
          weightOf(server),
          String(server.active),
          String(server.inactive),
          String(server.counters.connections),
          serverRemark(server),
        ]),
      ]),
      colours,
    ),
    table(
      ['DROPPED PACKETS', ''],
      Object.entries(status.drops).flatMap(([reason, count]) =>
        count === 0 || reason === NO_DROP ? [] : [[reason, String(count)]],
      ),
      colours,
    ),
    table(
      ['LAST COMMAND FOR', 'COMMAND', 'END', 'TOOK', 'SINCE', ''],
      status.commands.map(({ queue, command, end, good, durationMs, output, at }): Cell[] => [
        queue,
        command,
        { text: end, colour: good ? 'green' : 'red' },
        `${Math.round(durationMs)} ms`,
        ago(at, now),
        output,
      ]),
      colours,
    ),
    table(
      ['PROCESS', 'PID', 'RESTARTS', 'MEMORY', ''],
      status.processes.map(({ role, pid, restarts, lastEnd, residentBytes }): Cell[] => [
        role,
        String(pid ?? '-'),
        String(restarts),
        residentBytes === undefined ? '-' : `${(residentBytes / 1024 / 1024).toFixed(1)} MiB`,
        lastEnd === undefined ? '' : { text: `the previous one died (${lastEnd})`, colour: 'yellow' },
      ]),
      colours,
    ),
  ]
  return sections.filter((section) => section !== '').join('\n\n')
}

/** That there are two masters is what has to be seen first. */
function instanceReason({ reason: why, dual, addressesRestored = 0 }: InstanceSnapshot): Cell {
  const times = addressesRestored === 1 ? 'once' : `${addressesRestored} times`
  const isTaken = addressesRestored > 0
  const reason = isTaken ? `${why}; another program took an address away, put back ${times}` : why
  if (dual?.now === undefined) return isTaken ? { text: reason, colour: 'yellow' } : reason
  return { text: `two masters: ${dual.now.address} (${dual.now.priority}) is master, too; ${reason}`, colour: 'red' }
}

/** The services of a snapshot that are meant by a name. */
export const servicesNamed = (status: Snapshot, name: string): readonly ServiceSnapshot[] =>
  status.services.filter(({ name: own, group }) => [own, group ?? own].some((each) => isServiceNamed(each, name)))

/** Some of the services by themselves, and what their access lists have decided. */
export function formatServiceStatus(
  status: Snapshot,
  services: readonly ServiceSnapshot[],
  now: number,
  colours: boolean,
): string {
  const only = { ...status, instances: [], bfdSessions: [], commands: [], services, drops: {}, processes: [] }
  const lists = services.flatMap(({ name, access }) => {
    if (access === undefined) return []
    const more = access.prefixes - access.hits.length
    const others = more > 0 ? `everybody else (${more} more prefixes are not shown)` : 'everybody else'
    const rows = access.hits.map(({ verdict, prefix, hits }): Cell[] => [verdictCell(verdict), prefix, String(hits)])
    const last = [verdictCell(access.others), others, String(access.othersHits)]
    return [table([`ACCESS TO ${name}`, 'PREFIX', 'HITS'], [...rows, last], colours)]
  })
  return [formatStatus(only, now, colours), ...lists].join('\n\n')
}

const verdictCell = (verdict: 'allow' | 'deny'): Cell => ({
  text: verdict,
  colour: verdict === 'allow' ? 'green' : 'red',
})

function headline({ name, routerId, version, configuration, maintenance }: Snapshot): string {
  const who = routerId === undefined ? name : `${name} (${routerId})`
  const lines = [`${who}: tanistd ${version} with ${configuration.file} of ${configuration.loadedAt}`]
  if (maintenance) lines.push('in maintenance: it takes no role (tanist maintenance off)')
  if (configuration.refused.length > 0) lines.push('the last reload was refused:', ...configuration.refused)
  return lines.join('\n')
}

function alarms({ alarms: all = [] }: Snapshot, colours: boolean): string {
  const lines = all.map((text) => `ALARM: ${text}`)
  return lines.map((line) => (colours ? styleText('red', line, { validateStream: false }) : line)).join('\n')
}

/** What the configuration says for protection and nobody does: in red as long as that is so. */
function notRunning({ configuration }: Snapshot, colours: boolean): string {
  if (configuration.notRunning.length === 0) return ''
  const lines = [`${protectionCount(configuration.notRunning.length)}:`]
  for (const each of configuration.notRunning) lines.push(`  ${notRunningText(each)}`)
  return lines.map((line) => (colours ? styleText('red', line, { validateStream: false }) : line)).join('\n')
}

const ROUTING_COLOURS: Readonly<Record<RoutingSnapshot['state'], Colour>> = {
  set: 'green',
  missing: 'red',
  'not set': 'dim',
}

function routingRows({ instances, staticObjects = [] }: Snapshot): Cell[][] {
  const rows = (of: string, items: readonly RoutingSnapshot[]) =>
    items.map(({ kind, text, state }): Cell[] => [
      `${kind} ${text}`,
      of,
      { text: state === 'missing' ? 'MISSING' : state, colour: ROUTING_COLOURS[state] },
    ])
  return [...instances.flatMap(({ name, routing = [] }) => rows(name, routing)), ...rows('static', staticObjects)]
}

function instanceState({ state, duty }: InstanceSnapshot): Cell {
  const colour = { master: 'green', backup: 'yellow', fault: 'red', init: 'dim' } as const
  const text = state.toUpperCase() + (duty === 'standby' ? ' (standby)' : '')
  return { text, colour: colour[state] }
}

function bfdState({ state }: BfdSnapshot): Cell {
  const colour = { up: 'green', init: 'yellow', down: 'red', 'admin-down': 'dim' } as const
  return { text: state.toUpperCase(), colour: colour[state] }
}

function trackerColour({ state, consequence, contribution }: TrackerSnapshot): Colour {
  if (state === 'unknown') return 'dim'
  if (consequence === 'fault') return 'red'
  return state === 'bad' || contribution < 0 ? 'yellow' : 'green'
}

/** What is remarkable about a peer; red when its adverts do not count. */
function peerCell({ rejected, notes = [] }: PeerSnapshot): Cell {
  const text = [...(rejected === undefined ? [] : [`rejected: ${rejected}`]), ...notes].join('; ')
  return rejected === undefined ? text : { text, colour: 'red' }
}

const serviceRemark = ({ owner, group }: ServiceSnapshot): string =>
  owner === 'ipvsadm' ? 'made by hand with tanist-ipvsadm' : group === undefined ? '' : `of VS ${group}`

function quorumState({ quorum }: ServiceSnapshot): Cell {
  if (quorum === undefined) return ''
  return { text: `quorum ${quorum}`, colour: quorum === 'up' ? 'green' : 'red' }
}

function serverState({ state, weight, role, active, inactive, persistent }: ServerSnapshot): Cell {
  const colour = { up: 'green', down: 'red', standby: 'dim', removed: 'dim' } as const
  if (state === 'up' && weight === 0 && role === 'real') {
    // Clients that persistence keeps here open new connections all the same.
    const left = active + inactive + persistent
    return { text: left === 0 ? 'DRAINED' : `DRAINING (${left})`, colour: 'yellow' }
  }
  return { text: state.toUpperCase(), colour: colour[state] }
}

/** Why it is as it is, and what its clients have met. */
function serverRemark({ reason, host, faults }: ServerSnapshot): string {
  const met = Object.entries(faults ?? {}).flatMap(([what, count]) => (count === 0 ? [] : [`${count} ${what}`]))
  return [host === undefined ? reason : `${reason} (${host})`, ...(met.length === 0 ? [] : [met.join(', ')])].join('; ')
}

/** `3 of 10` when its checkers ask for another weight than the configuration. */
const weightOf = ({ weight, configuredWeight: configured }: ServerSnapshot): string =>
  configured === undefined ? `${weight}` : `${weight} of ${configured}`

/** `3 s`, `5 min`, `2 h`, `4 d` before `now`. */
function ago(iso: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

/** Left-aligned columns, two blanks apart; nothing when there are no rows. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[], colours: boolean): string {
  if (rows.length === 0) return ''
  const plain = (cell: Cell | undefined) => (typeof cell === 'object' ? cell.text : (cell ?? ''))
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => plain(row[i]).length)))
  const line = (cells: readonly Cell[]) =>
    cells
      .map((cell, i) => {
        const padded = plain(cell).padEnd(widths[i] ?? 0)
        return colours && typeof cell === 'object' ? styleText(cell.colour, padded, { validateStream: false }) : padded
      })
      .join('  ')
      .trimEnd()
  return [line(head), ...rows.map(line)].join('\n')
}
