import { styleText } from 'node:util'
import { notRunningText, protectionCount } from '../config/not-running.ts'
import type {
  InstanceSnapshot,
  ServerSnapshot,
  ServiceSnapshot,
  Snapshot,
  TrackerSnapshot,
} from '../control/snapshot.ts'
import { priorityText, trackerState, weightText } from './tracker-status.ts'

/** What the core counts beside the reasons of its drops, for `--json`. */
const NO_DROP = 'client-port-changed'

type Colour = 'green' | 'yellow' | 'red' | 'dim'
type Cell = string | { readonly text: string; readonly colour: Colour }

/** The snapshot as aligned tables, seen at `now` (ms since the epoch). Colours only where they are asked for. */
export function formatStatus(status: Snapshot, now: number, colours: boolean): string {
  const sections = [
    headline(status),
    notRunning(status, colours),
    table(
      ['INSTANCE', 'STATE', 'SINCE', 'PRIORITY', 'INTERFACE', 'VRID', 'ADDRESSES', 'REASON'],
      status.instances.map((instance) => [
        instance.name,
        instanceState(instance),
        ago(instance.since, now),
        priorityText(instance),
        instance.interface,
        `${instance.vrid} (v${instance.version})`,
        instance.addresses.join(' '),
        instance.reason,
      ]),
      colours,
    ),
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
          String(peer.priority),
          ago(peer.lastHeard, now),
          peer.rejected === undefined ? '' : { text: `rejected: ${peer.rejected}`, colour: 'red' },
        ]),
      ),
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
          service.owner === 'ipvsadm' ? 'made by hand with tanist-ipvsadm' : '',
        ],
        ...service.servers.map((server): Cell[] => [
          `  ${server.name}${server.role === 'sorry' ? ' (sorry server)' : ''}`,
          serverState(server),
          server.since === undefined ? '' : ago(server.since, now),
          String(server.weight),
          String(server.active),
          String(server.inactive),
          String(server.counters.connections),
          server.reason,
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

/**
 * The services of a snapshot that are meant by `[10.0.0.1]:tcp:80`, `10.0.0.1:80`, `[2001:db8::1]:80`, an address alone, or
 * `FWM 10`.
 */
export function servicesNamed(status: Snapshot, name: string): readonly ServiceSnapshot[] {
  return status.services.filter((service) => {
    const [, address = '', port = ''] = /^\[(.*)\]:\w+:(\d+)$/.exec(service.name) ?? []
    return [service.name, `${address}:${port}`, `[${address}]:${port}`, address].includes(name)
  })
}

/** Some of the services by themselves, and what their access lists have decided. */
export function formatServiceStatus(
  status: Snapshot,
  services: readonly ServiceSnapshot[],
  now: number,
  colours: boolean,
): string {
  const only = { ...status, instances: [], commands: [], services, drops: {}, processes: [] }
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

function headline({ name, routerId, version, configuration }: Snapshot): string {
  const who = routerId === undefined ? name : `${name} (${routerId})`
  const lines = [`${who}: tanistd ${version} with ${configuration.file} of ${configuration.loadedAt}`]
  if (configuration.refused.length > 0) lines.push('the last reload was refused:', ...configuration.refused)
  return lines.join('\n')
}

/** What the configuration says for protection and nobody does: in red as long as that is so. */
function notRunning({ configuration }: Snapshot, colours: boolean): string {
  if (configuration.notRunning.length === 0) return ''
  const lines = [`${protectionCount(configuration.notRunning.length)}:`]
  for (const each of configuration.notRunning) lines.push(`  ${notRunningText(each)}`)
  return lines.map((line) => (colours ? styleText('red', line, { validateStream: false }) : line)).join('\n')
}

function instanceState({ state }: InstanceSnapshot): Cell {
  const colour = { master: 'green', backup: 'yellow', fault: 'red', init: 'dim' } as const
  return { text: state.toUpperCase(), colour: colour[state] }
}

function trackerColour({ state, consequence, contribution }: TrackerSnapshot): Colour {
  if (state === 'unknown') return 'dim'
  if (consequence === 'fault') return 'red'
  return state === 'bad' || contribution < 0 ? 'yellow' : 'green'
}

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

/** `3 s`, `5 min`, `2 h`, `4 d` before `now`. */
function ago(iso: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

/** Left-aligned columns, two blanks apart; nothing when there are no rows. */
function table(head: readonly string[], rows: readonly (readonly Cell[])[], colours: boolean): string {
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
