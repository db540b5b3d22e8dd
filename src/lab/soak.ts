import { readDrill } from '../drill/language/read.ts'
import { judgeProcesses } from '../drill/processes.ts'
import {
  DIRECTORS,
  type DirectorSample,
  isGood,
  type Judgement,
  type RecordedEvent,
  type Recording,
} from '../drill/recording.ts'
import { randomDrill, soakFacts } from '../drill/soak.ts'
import { withStage } from './rehearse.ts'
import type { Pair } from './pair.ts'
import { runDrill } from './run-drill.ts'
import { sampleDirectors } from './sample.ts'
import { isSettled } from './settled.ts'
import type { Stage } from './stage.ts'

/** Every process has its full size after so many drills: what grows later is what counts. */
export const WARM_UP = 10

/** A drill of a soak, by its number in the sequence. */
export interface SoakDrill {
  readonly number: number
  readonly name: string
  /** Its file. */
  readonly text: string
}

export interface SoakOptions {
  readonly pair: Pair
  /** Another tanistd than that of this installation. */
  readonly program: string | undefined
  readonly seed: number
  /** The first drill of the sequence that is run. */
  readonly from: number
  /** None is begun later. */
  readonly milliseconds: number
  readonly drills: number
  readonly interrupt: AbortSignal
  readonly onEvent: (event: RecordedEvent) => void
  /** `recording`: undefined when it could not be run at all, `failure` says why. */
  readonly onEnd: (drill: SoakDrill, recording: Recording | undefined, failure: string | undefined) => void
}

/** What became of memory and descriptors on one stage, from its warm-up on. */
export interface SoakGrowth {
  readonly before: readonly DirectorSample[]
  readonly afterwards: readonly DirectorSample[]
  readonly judgement: Judgement
}

/**
 * Runs drills that chance makes, one after the other on the same pair. A pair that is not whole again after a drill makes room for a new
 * one. Gives the growth of each pair that has outlived the warm-up. Rejects when the first pair cannot be built.
 */
export async function soak(options: SoakOptions): Promise<readonly SoakGrowth[]> {
  const { from, milliseconds, drills, interrupt } = options
  const course = { next: from, last: from + drills, end: performance.now() + milliseconds }
  const grown: SoakGrowth[] = []
  while (isGoingOn(course) && !interrupt.aborted) {
    const growth = await withStage(
      { ...options, kinds: BOTH_TANIST, hasLogPipe: false, onCannotPlay: () => {} },
      (stage) => soakStage(stage, course, options),
    )
    if (growth !== undefined) grown.push(growth)
  }
  return grown
}

const BOTH_TANIST = { director1: 'tanist', director2: 'tanist' } as const

/** Where a soak is; it goes on from pair to pair. */
interface Course {
  next: number
  readonly last: number
  readonly end: number
}

const isGoingOn = ({ next, last, end }: Course): boolean => next < last && performance.now() < end

/** Until the end, or until the pair is not whole any more. */
async function soakStage(stage: Stage, course: Course, options: SoakOptions): Promise<SoakGrowth | undefined> {
  const { pair, seed, interrupt, onEvent, onEnd } = options
  const { director1, director2 } = stage.site.directors
  const facts = soakFacts({
    configs: [director1.config, director2.config],
    texts: pair.map(({ source }) => source.text),
    servers: stage.site.servers.length,
    promises: stage.promises,
  })
  let before: readonly DirectorSample[] | undefined
  for (let run = 1; isGoingOn(course) && !interrupt.aborted; run++) {
    const number = course.next++
    const { name, text } = randomDrill(seed, number, facts)
    const { drill, diagnostics } = readDrill({ name: `soak-${seed}-${number}.yaml`, text })
    if (drill === undefined) throw new Error(`a drill of the soak does not read: ${JSON.stringify(diagnostics)}`)
    try {
      const recording = await runDrill(stage, drill, { seed: seed + number, onEvent, interrupt })
      onEnd({ number, name, text }, recording, undefined)
      if (!isGood(recording) && !(await isWhole(stage, recording))) return undefined
    } catch (error) {
      onEnd({ number, name, text }, undefined, error instanceof Error ? error.message : String(error))
      return undefined
    }
    if (run === WARM_UP) before = await sampleDirectors(stage)
  }
  if (before === undefined) return undefined
  const afterwards = await sampleDirectors(stage)
  const directors = { director1: 'tanist', director2: 'tanist' } as const
  const verdict = judgeProcesses({ directors, before, afterwards })
  const text = `memory and descriptors are what they were after ${WARM_UP} drills`
  return { before, afterwards, judgement: { of: 'I5', text, ...verdict } }
}

/** What went wrong is over, and the next drill finds what it expects. */
async function isWhole(stage: Stage, { ending, active }: Recording): Promise<boolean> {
  if (ending === 'lost connection' || (await isSettled(stage)) !== 'settled') return false
  const other = DIRECTORS.find((name) => name !== active)
  return stage.site.virtualAddresses.every(
    (address) => stage.watch.has(active, address) && (other === undefined || !stage.watch.has(other, address)),
  )
}
