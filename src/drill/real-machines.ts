import type { Drill } from './drill.ts'
import { type ActionName, ACTIONS, type ActionStep } from './language/actions.ts'
import type { Claim, Condition } from './language/conditions.ts'
import type { Traffic } from './language/traffic.ts'

/** Something of a drill that is not done, or cannot be known, on real machines. */
export interface Refusal {
  /** As it was written. */
  readonly text: string
  readonly why: string
}

const NO_UNDO = 'it has no undo: say undo: COMMAND'
const NO_SERVERS = 'the real servers are not among the machines of a real pair'
const isServer = (word: string) => word.startsWith('server ')

type Refuses = {
  readonly [N in ActionName]?: (of: Extract<ActionStep, { readonly action: N }>['arguments']) => string | undefined
}

/** What hangs on how a step was written. */
const REFUSALS: Refuses = {
  run: ({ on, undo }) => (isServer(on) ? NO_SERVERS : undo === undefined ? NO_UNDO : undefined),
  disturb: ({ of, way }) =>
    isServer(of)
      ? NO_SERVERS
      : way === 'out'
        ? undefined
        : 'what a machine hears cannot be disturbed there: say way: out',
  'wait for': ({ until }) => unknown(until.condition),
  claim: ({ that }) => unknown(that),
}

/** Why a step is not done on real machines; undefined: it is done there. All that is done there has an undo, or leaves nothing to undo. */
export function stepRefusal({ action, arguments: of }: ActionStep): string | undefined {
  // The table has made both from one entry.
  const refuses = REFUSALS[action] as ((of: unknown) => string | undefined) | undefined
  return ACTIONS[action].labOnly ?? refuses?.(of)
}

const OWN_COMMANDS = 'which commands are run is seen in the lab only'
const OWN_ANSWERS = "answers of the lab's own servers would tell"

const UNKNOWN: Partial<Readonly<Record<(Claim | Condition)['type'], string>>> = {
  called: OWN_COMMANDS,
  'never called': OWN_COMMANDS,
  'answered by': OWN_ANSWERS,
  share: OWN_ANSWERS,
  'wrong answers': OWN_ANSWERS,
  'moved connections': OWN_ANSWERS,
}

/** Why nothing is known of it there. */
const unknown = ({ type }: Claim | Condition): string | undefined => UNKNOWN[type]

function trafficRefusal(traffic: Traffic): string | undefined {
  switch (traffic.type) {
    case 'probe':
      return traffic.arguments.through === 'udp' ? "the lab's own servers echo, those there need not" : undefined
    case 'requests':
      return undefined
    case 'connections':
      return OWN_ANSWERS
  }
}

/** All that keeps a drill from being run on real machines. */
export function refusalsOf({
  steps,
  claims,
  traffic,
}: Pick<Drill, 'steps' | 'claims' | 'traffic'>): readonly Refusal[] {
  const refusal = (text: string, why: string | undefined) => (why === undefined ? [] : [{ text, why }])
  return [
    ...traffic.flatMap((each) => refusal(`${each.type} as traffic`, trafficRefusal(each))),
    ...steps.flatMap((step) => refusal(step.text, stepRefusal(step))),
    ...claims.flatMap(({ claim, text }) => refusal(text, unknown(claim))),
  ]
}
