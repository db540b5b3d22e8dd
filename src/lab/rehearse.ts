import type { Drill } from '../drill/drill.ts'
import type { DirectorKind, DirectorName, RecordedEvent, Recording } from '../drill/recording.ts'
import type { Millis } from '../time.ts'
import { buildLab } from './build.ts'
import { labDaemon, openStage } from './open-stage.ts'
import type { Pair } from './pair.ts'
import { runDrill } from './run-drill.ts'
import type { Stage } from './stage.ts'

export interface Rehearsal {
  readonly pair: Pair
  readonly kinds: Readonly<Record<DirectorName, DirectorKind>>
  readonly seed: number
  readonly limit: Millis | undefined
  /** Another tanistd than that of this installation. */
  readonly program: string | undefined
  readonly onEvent: (event: RecordedEvent) => void
  /** What of the pair is not played, a sentence each, before the drill begins. */
  readonly onCannotPlay: (sentences: readonly string[]) => void
  readonly interrupt: AbortSignal
}

/** Builds a lab for a pair, runs one drill in it, and removes it, in any case. */
export async function rehearse(drill: Drill, rehearsal: Rehearsal): Promise<Recording> {
  const { seed, limit, onEvent, interrupt } = rehearsal
  const hasLogPipe = drill.steps.some(({ action }) => action === 'block log')
  return await withStage({ ...rehearsal, hasLogPipe }, (stage) =>
    runDrill(stage, drill, { seed, onEvent, interrupt, ...(limit === undefined ? {} : { limit }) }),
  )
}

/** A pair in a lab of its own that has come to rest, for as long as it is used. Throws what keeps it from that. */
export async function withStage<T>(
  lab: Pick<Rehearsal, 'pair' | 'kinds' | 'seed' | 'program' | 'onCannotPlay' | 'interrupt'> & {
    readonly hasLogPipe: boolean
  },
  use: (stage: Stage) => Promise<T>,
): Promise<T> {
  const { pair, kinds, seed, onCannotPlay, interrupt } = lab
  const [first, second] = pair
  const site = await buildLab({
    director1: { ...first, kind: kinds.director1 },
    director2: { ...second, kind: kinds.director2 },
  })
  try {
    onCannotPlay(site.cannotPlay)
    const { director1, director2 } = site.directors
    const daemons = { director1: labDaemon(director1, lab), director2: labDaemon(director2, lab) }
    return await use(await openStage(site, daemons, seed, interrupt))
  } finally {
    await site.close()
  }
}
