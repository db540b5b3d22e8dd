import type { Entries } from '../schema/entry.ts'
import { alias, flag, setting } from '../schema/kinds.ts'
import { path, script, user } from '../schema/script.ts'
import { fields, invalid, many, optional, type Syntax, withOptions, option } from '../schema/syntax.ts'
import {
  choice,
  integer,
  inMilliseconds,
  inSeconds,
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
const scriptTime = inSeconds(0.001, 2 ** 32 / 1000, 3)

/** Something that is watched, by name, and what it does to the priority; without a weight it decides about FAULT. */
export interface Tracked {
  readonly name: string
  readonly weight?: TrackWeight
}

export function tracked(what: string, limit = WEIGHT): Syntax<Tracked> {
  return withOptions(fields({ name: word(what) }), {
    weight: option(
      trackWeight(limit),
      'Added to the priority while the tracked object is good; a negative weight is subtracted while it is bad.',
    ),
  })
}

export const trackedFile = tracked('<track_file>', FILE_WEIGHT)
export const trackedProcess = tracked('<vrrp_track_process>', FILE_WEIGHT)

export const vrrpScript = {
  script: setting(script, 'Script to run; exit status 0 means good.'),
  interval: setting(scriptTime, 'Interval between two runs, in seconds; default 1.'),
  timeout: setting(scriptTime, 'Time limit of a run, in seconds; default: the interval.'),
  weight: setting(trackWeight(WEIGHT), 'Default weight where `track_script` does not have one.'),
  rise: setting(integer(1, 2 ** 31 - 1), 'Number of successful runs in a row before it counts as good.', 1),
  fall: setting(integer(1, 2 ** 31 - 1), 'Number of failed runs in a row before it counts as bad.', 1),
  user: setting(user, 'User and group that run the script.'),
  init_fail: flag('Counts as bad until the first result.'),
} as const satisfies Entries

export const trackProcess = {
  process: setting(many(word('<command>')), 'Name of the process; with parameters: its command line.'),
  param_match: setting(
    fields({ how: optional(choice('initial', 'partial')) }),
    'Which parameters a process has: exactly those of `process`, or none if there are none; with `partial` more may follow; with `initial` the last one may also be longer.',
  ),
  weight: setting(trackWeight(FILE_WEIGHT), 'Default weight where `track_process` does not have one.'),
  quorum: setting(integer(1, 65_535), 'Number of processes that must run.', 1),
  quorum_max: setting(integer(0, 65_535), 'Largest number of processes that may run.'),
  delay: setting(inSeconds(0.000001, 3600), 'Sets both `terminate_delay` and `fork_delay`.'),
  terminate_delay: setting(inSeconds(0.000001, 3600), 'Delay after which the end of a process counts, in seconds.'),
  fork_delay: setting(inSeconds(0.000001, 3600), 'Delay after which the fork of a process counts, in seconds.'),
  full_command: flag(
    'Compares the command line, and not the name of the process; parameters and `param_match` do, too.',
  ),
} as const satisfies Entries

/** `[VALUE] [overwrite]`, in any order; the last value counts. */
const initFile: Syntax<{ readonly value: number | undefined; readonly overwrite: boolean }> = {
  text: '[<value>] [overwrite]',
  words: ['overwrite'],
  parse(words) {
    let value: number | undefined
    let overwrite = false
    for (let next = words.peek(); next !== undefined; next = words.peek()) {
      if (next.text === 'overwrite') {
        words.take()
        overwrite = true
        continue
      }
      const number = initialNumber.parse(words)
      if (number === invalid) return invalid
      value = number
    }
    return { value, overwrite }
  },
  print: ({ value, overwrite }) =>
    [value, overwrite ? 'overwrite' : undefined].filter((part) => part !== undefined).join(' '),
}

export const trackFile = {
  file: setting(path, 'Path of the file that holds the number.'),
  weight: setting(trackWeight(FILE_WEIGHT), 'Factor for the number in the file; default 1.'),
  init_file: setting(
    initFile,
    'Creates the file with this number, default 0, if it does not exist; with `overwrite` writes it over what is there at the start, but not at a reload.',
  ),
} as const satisfies Entries

const neighbour = setting(unicastAddress, 'Address of the neighbour.')
const ttl = setting(
  integer(1, 255),
  'TTL or hop limit of the packets that are sent, and of those received unless `max_hops` allows less; default 255, with `multihop` 64.',
)

export const bfdInstance = {
  source_ip: setting(unicastAddress, 'Address that packets are sent from, and have to be sent to.'),
  neighbor_ip: neighbour,
  neighbour_ip: alias('neighbor_ip', neighbour, false),
  min_rx: setting(inMilliseconds(1, 1000), 'Required minimum receive interval, in milliseconds; default 10.'),
  min_tx: setting(inMilliseconds(1, 1000), 'Desired minimum transmit interval, in milliseconds; default 10.'),
  idle_tx: setting(
    inMilliseconds(1000, 10_000),
    'Transmit interval while the session is down, in milliseconds; default 1000.',
  ),
  multiplier: setting(integer(1, 255), 'Detection multiplier: number of packets in a row that may be lost.', 5),
  passive: flag('Sends nothing before a packet of the neighbour was received.'),
  ttl,
  hoplimit: alias('ttl', ttl, false),
  max_hops: setting(
    integer(-1, 255),
    'By how much the TTL of received packets may be less than `ttl`; -1 and 255: it does not count; default 0, with `multihop` it does not count.',
  ),
  multihop: setting(truthOrNothing, 'Multihop session (UDP port 4784).'),
  weight: setting(trackWeight(WEIGHT), 'Default weight where `track_bfd` does not have one.'),
  vrrp: flag('For VRRP only, unless `checker` is said as well.'),
  checker: flag('For checkers only, unless `vrrp` is said as well: `track_bfd` has no effect.'),
} as const satisfies Entries
