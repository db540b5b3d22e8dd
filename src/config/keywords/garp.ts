import type { Entries } from '../schema/entry.ts'
import { setting, wordLines } from '../schema/kinds.ts'
import { invalid, type Syntax } from '../schema/syntax.ts'
import { interfaceName, inSeconds } from '../schema/values.ts'
import type { Millis } from '../../time.ts'
import { named } from './named.ts'

/** Gratuitous ARPs on interfaces other than the instance's own: on all of them, or where they are not the same. */
export interface GarpExtraInterface {
  readonly all: boolean
  readonly interval: Millis
}

const DAY = 86_400

/** `[all] SECONDS` */
export function garpExtraInterface(low: number): Syntax<GarpExtraInterface> {
  const interval = inSeconds(low, DAY)
  return {
    text: `[all] ${interval.text}`,
    words: ['all'],
    parse(words) {
      const all = words.peek()?.text === 'all'
      if (all) words.take()
      const value = interval.parse(words)
      return value === invalid ? invalid : { all, interval: value }
    },
    print: ({ all, interval: value }) => `${all ? 'all ' : ''}${interval.print(value)}`,
  }
}

export const garpGroup = {
  garp_interval: setting(inSeconds(0, DAY), 'Interval between two gratuitous ARPs, in seconds.'),
  gna_interval: setting(inSeconds(0, DAY), 'Interval between two unsolicited neighbour advertisements, in seconds.'),
  interface: setting(interfaceName, 'Interface that these intervals are for.'),
  interfaces: wordLines(named('<interface>'), 'Interfaces that share these intervals.'),
} as const satisfies Entries
