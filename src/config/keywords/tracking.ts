import type { Entries } from '../schema/entry.ts'
import { alias, flag, setting } from '../schema/kinds.ts'
import { path, script, user } from '../schema/script.ts'
import { fields, invalid, many, optional, type Syntax, withOptions, option } from '../schema/syntax.ts'
import {
  choice,
  integer,
  milliseconds,
  seconds,
  type TrackWeight,
  trackWeight,
  truthOrNothing,
  unicastAddress,
  word,
} from '../schema/values.ts'

/** Largest change of a priority by an interface or a script. */
const WEIGHT = 253
/** By a file or a process. */
const FILE_WEIGHT = 254
const initialNumber = integer(-(2 ** 31), 2 ** 31 - 1)
/** The time of a script, in steps of a millisecond. */
const scriptTime = seconds(0.001, 2 ** 32 / 1000, 3)

/** Something that is watched, by name, and what it does to the priority; without a weight it decides about FAULT. */
export interface Tracked {
  readonly name: string
  readonly weight?: TrackWeight
}

export function tracked(what: string, limit = WEIGHT): Syntax<Tracked> {
  return withOptions(fields({ name: word(what) }), {
    weight: option(
      trackWeight(limit),
      'Added to the priority while it is good, or when negative taken off while it is not.',
    ),
  })
}

export const trackedFile = tracked('<track_file>', FILE_WEIGHT)
export const trackedProcess = tracked('<vrrp_track_process>', FILE_WEIGHT)

export const vrrpScript = {
  script: setting(script, 'What runs; exit status 0 is good.'),
  interval: setting(scriptTime, 'Between two runs; 1 unless said.'),
  timeout: setting(scriptTime, 'How long a run may take; the interval unless said.'),
  weight: setting(trackWeight(WEIGHT), 'What it does to the priority where `track_script` does not say it.'),
  rise: setting(integer(1, 2 ** 31 - 1), 'Good runs in a row before it counts as good.', 1),
  fall: setting(integer(1, 2 ** 31 - 1), 'Bad runs in a row before it counts as bad.', 1),
  user: setting(user, 'Who runs it.'),
  init_fail: flag('Counts as bad until the first result.'),
} as const satisfies Entries

export const trackProcess = {
  process: setting(many(word('<command>')), 'The command and, if given, its parameters.'),
  param_match: setting(fields({ how: optional(choice('initial', 'partial')) }), 'How parameters are compared.'),
  weight: setting(trackWeight(FILE_WEIGHT), 'What it does to the priority.'),
  quorum: setting(integer(1, 65_535), 'So many processes must run.', 1),
  quorum_max: setting(integer(0, 65_535), 'No more than so many may run.'),
  delay: setting(seconds(0.000001, 3600), 'A change counts only after this; sets both of the next.'),
  terminate_delay: setting(seconds(0.000001, 3600), 'The end of a process counts only after this.'),
  fork_delay: setting(seconds(0.000001, 3600), 'The start of a process counts only after this.'),
  full_command: flag('The whole command line is compared.'),
} as const satisfies Entries

/** `[VALUE] [overwrite]` */
const initFile: Syntax<{ readonly value: number | undefined; readonly overwrite: boolean }> = {
  text: '[<value>] [overwrite]',
  words: ['overwrite'],
  parse(words) {
    let value: number | undefined
    if (words.peek() !== undefined && words.peek()?.text !== 'overwrite') {
      const number = initialNumber.parse(words)
      if (number === invalid) return invalid
      value = number
    }
    const overwrite = words.peek()?.text === 'overwrite'
    if (overwrite) words.take()
    return { value, overwrite }
  },
  print: ({ value, overwrite }) =>
    [value, overwrite ? 'overwrite' : undefined].filter((part) => part !== undefined).join(' '),
}

export const trackFile = {
  file: setting(path, 'The file; the number in it counts.'),
  weight: setting(trackWeight(2_147_483_647), 'The number is multiplied with this; 1 unless said.'),
  init_file: setting(initFile, 'The file is made with this number when it is not there; `overwrite`: also when it is.'),
} as const satisfies Entries

const neighbour = setting(unicastAddress, 'The other end.')
const ttl = setting(integer(1, 255), 'TTL of the packets; 255 unless said, 64 over several hops.')

export const bfdInstance = {
  source_ip: setting(unicastAddress, 'This end.'),
  neighbor_ip: neighbour,
  neighbour_ip: alias('neighbor_ip', neighbour, false),
  min_rx: setting(milliseconds(1, 1000), 'Packets are accepted no faster than this; 10 unless said.'),
  min_tx: setting(milliseconds(1, 1000), 'Packets are sent no faster than this; 10 unless said.'),
  idle_tx: setting(milliseconds(1000, 10_000), 'The same while the session is down; 1000 unless said.'),
  multiplier: setting(integer(1, 255), 'So many packets may be lost.', 5),
  passive: flag('Does not send first.'),
  ttl,
  hoplimit: alias('ttl', ttl, false),
  max_hops: setting(integer(-1, 255), 'So many hops may lie between; 0 unless said.'),
  multihop: setting(truthOrNothing, 'The session crosses routers (port 4784).'),
  weight: setting(trackWeight(WEIGHT), 'What it does to the priority.'),
  vrrp: flag('Only VRRP uses it.'),
  checker: flag('Only checkers use it.'),
} as const satisfies Entries
