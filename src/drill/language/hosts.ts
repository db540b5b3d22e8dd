import { isMap, type Node, parseDocument } from 'yaml'
import { collectDiagnostics, type Diagnostic } from '../../config/diagnostic.ts'
import type { Source } from '../../config/source.ts'
import {
  type Arguments,
  DURATION,
  matching,
  needed,
  optional,
  otherwise,
  placed,
  readParameters,
  record,
  TEXT,
  whole,
} from './kinds.ts'
import { seconds } from '../../time.ts'

/** A real director, and how it is reached and operated. Commands are given to `sh -c` there. */
const REAL_DIRECTOR = {
  via: needed(TEXT, 'the command that a command there is put behind, such as ssh root@192.0.2.1'),
  config: otherwise(TEXT, '/etc/tanist/tanist.conf', 'its configuration file'),
  tanist: otherwise(TEXT, 'tanist', 'the program there, with options such as --name where it needs them'),
  tanistd: otherwise(TEXT, 'tanistd', 'the daemon there, to read its configuration'),
  start: otherwise(TEXT, 'systemctl start tanist', 'starts the daemon, and ends'),
  stop: otherwise(TEXT, 'systemctl stop tanist', 'stops it in order'),
  log: otherwise(
    TEXT,
    'journalctl -fn0 -o json --output-fields=MESSAGE,PRIORITY -u tanist',
    'prints its log as it grows',
  ),
} as const

/** Where the probe runs. */
const REAL_CLIENT = {
  via: optional(TEXT, 'the command that a command there is put behind; this machine without'),
  tanist: otherwise(TEXT, 'tanist', 'the program there'),
  beside: optional(
    matching('an address', /^[\da-fA-F:.]+$/),
    'an address past the directors where UDP is echoed, for the noise',
  ),
  'beside port': otherwise(whole(1, 65_535), 7, 'its port'),
} as const

const HOSTS = {
  director1: needed(record('a director', REAL_DIRECTOR), 'the first director'),
  director2: needed(record('a director', REAL_DIRECTOR), 'the second one'),
  client: otherwise(
    record('a client', REAL_CLIENT),
    { via: undefined, tanist: 'tanist', beside: undefined, 'beside port': 7 },
    'where the probe and the requests run; this machine without',
  ),
  silence: otherwise(DURATION, seconds(15), 'after so long without a word a machine is lost, and undoes what was done'),
} as const

export type RealDirector = Arguments<typeof REAL_DIRECTOR>
export type Hosts = Arguments<typeof HOSTS>

/** Reads which machines a real pair is: a map with director1, director2 and client. */
export function readHosts(source: Source): {
  readonly hosts: Hosts | undefined
  readonly diagnostics: readonly Diagnostic[]
} {
  const { diagnostics, report, errors } = collectDiagnostics()
  const document = parseDocument(source.text, { prettyErrors: false })
  for (const { message, pos } of document.errors) report('bad-yaml', { source, start: pos[0], end: pos[1] }, message)
  const complaints = {
    bad(node: Node | undefined, message: string, hint?: string) {
      const [start, end] = node?.range ?? [0, 0]
      report('bad-value', { source, start, end }, message, hint)
    },
  }
  const root = document.contents
  if (errors() > 0 || !isMap(root)) {
    if (errors() === 0)
      complaints.bad(root ?? undefined, 'this names no machines', 'a map with director1, director2 and client')
    return { hosts: undefined, diagnostics }
  }
  const first = root.items[0]?.key as Node | undefined
  const hosts = readParameters(root, HOSTS, { bad: placed(first ?? root, complaints) })
  return { hosts: errors() > 0 ? undefined : hosts, diagnostics }
}
