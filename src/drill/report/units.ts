import type { DirectorKind, DirectorName } from '../recording.ts'

/** A number of ms, with a digit more where it is small. */
export const inMs = (value: number): string => (value === 0 || value >= 9.95 ? value.toFixed(0) : value.toFixed(1))

/** `3205 ms` */
export const withMs = (value: number): string => `${inMs(value)} ms`

/** `1.2 s` */
export const inSeconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

/** `12 min 5 s`, and up to two minutes `75.0 s`. */
export function inMinutes(ms: number): string {
  const whole = Math.round(ms / 1000)
  return ms <= 120_000 ? inSeconds(ms) : `${Math.floor(whole / 60)} min ${whole % 60} s`
}

/** `1 run`, `2 runs` */
export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`

/** A moment for people, of ms since the epoch: `2026-11-29 08:19:15`, in UTC. */
export function dateAndTime(epochMs: number): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: 'UTC',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(epochMs)
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((each) => each.type === type)?.value ?? ''
  return `${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')}:${part('second')}`
}

const PRODUCTS: Readonly<Record<DirectorKind, string>> = { tanist: 'Tanist', keepalived: 'keepalived' }

/** What the directors run: `Tanist`, or `Tanist with keepalived` when each runs its own. */
export const programsOf = ({ director1, director2 }: Readonly<Record<DirectorName, DirectorKind>>): string =>
  director1 === director2 ? PRODUCTS[director1] : `${PRODUCTS[director1]} with ${PRODUCTS[director2]}`
