import type { AvailabilityInSpan, AvailabilitySnapshot, ServiceSnapshot } from '../control/snapshot.ts'
import { type Cell, table } from './status.ts'

/** Fractions of a per cent that are shown are cut off: what was ever down is never 100 %. */
const DIGITS = 4

/** Services and their real servers, as aligned columns. Colours only where they are asked for. */
export function formatAvailability(services: readonly ServiceSnapshot[], colours: boolean): string {
  const rows = services.flatMap(({ name, availability, servers }) => [
    row(name, availability),
    ...servers.flatMap(({ name: server, role, availability: own }) =>
      role === 'real' ? [row(`  ${server}`, own)] : [],
    ),
  ])
  const head = ['SERVICE / SERVER', '1 h', '24 h', '30 d', 'KNOWN OF 30 d', 'FAILURES', 'MTBF', 'MTTR']
  return rows.length === 0 ? 'there is no virtual server' : table(head, rows, colours)
}

function row(name: string, availability: AvailabilitySnapshot | undefined): readonly Cell[] {
  if (availability === undefined) return [name, '-', '-', '-', '-', '-', '-', '-']
  const { lastHour, lastDay, last30Days } = availability
  const { upSeconds, downSeconds, failures, mtbfSeconds, mttrSeconds } = last30Days
  return [
    name,
    ...[lastHour, lastDay, last30Days].map(percentage),
    duration(upSeconds + downSeconds),
    String(failures),
    mtbfSeconds === undefined ? '-' : duration(mtbfSeconds),
    mttrSeconds === undefined ? '-' : duration(mttrSeconds),
  ]
}

function percentage({ availability, downSeconds }: AvailabilityInSpan): Cell {
  if (availability === undefined) return '-'
  if (downSeconds === 0) return { text: '100 %', colour: 'green' }
  const cut = Math.floor(availability * 100 * 10 ** DIGITS) / 10 ** DIGITS
  return { text: `${Number(Math.min(cut, 100 - 10 ** -DIGITS).toFixed(DIGITS))} %`, colour: 'yellow' }
}

function duration(seconds: number): string {
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`
  return `${Number((seconds / 86_400).toFixed(1))} d`
}
