import { isGood, type Recording } from '../../src/drill/recording.ts'
import { drillFileOf, readDrillFile } from '../../src/cli/drill-book.ts'
import type { Drill } from '../../src/drill/drill.ts'
import { lackOf, loadFile, type Pair } from '../../src/lab/pair.ts'
import { buildLab } from '../../src/lab/build.ts'
import { labDaemon, openStage } from '../../src/lab/open-stage.ts'
import { runDrill } from '../../src/lab/run-drill.ts'
import { isSettled, masterOf, untilSettled } from '../../src/lab/settled.ts'
import type { Site } from '../../src/lab/site.ts'
import { Stage } from '../../src/lab/stage.ts'
import { topologyOf } from '../../src/drill/topology.ts'
import type { PairOfTexts } from '../drill/corpus-pairs.ts'

const SEED = 1
/** After a drill before, which has seen to it itself. */
const SETTLE_MS = 20_000

/** What a drill came to on a pair. */
export interface Outcome {
  readonly verdict: 'held' | 'failed' | 'left out'
  /** Of each claim and invariant that does not hold, or why it was left out; nothing of one that held. */
  readonly why: readonly string[]
}

/** A drill of the book, by its number. */
export function drillOfBook(number: string): Drill {
  const file = drillFileOf(number)
  const read = file === undefined ? undefined : readDrillFile(file)
  if (read === undefined || 'unreadable' in read || read.drill === undefined) throw new Error(`no drill ${number}`)
  return read.drill
}

const loaded = ({ director1, director2 }: PairOfTexts): Pair => [
  loadFile(director1.name, director1.text),
  loadFile(director2.name, director2.text),
]

/** A pair in a lab, for several drills one after the other. After one that failed the next has a lab of its own. */
export class RehearsedPair {
  readonly #texts: PairOfTexts
  #site: Site | undefined
  #stage: Stage | undefined

  constructor(texts: PairOfTexts) {
    this.#texts = texts
  }

  /** Rehearses a drill as `tanist drill run --pair` does. */
  async run(drill: Drill): Promise<Outcome> {
    try {
      const pair = loaded(this.#texts)
      const lack = drill.cannotRun ?? lackOf(drill, pair, false)
      if (lack !== undefined) return { verdict: 'left out', why: [lack] }
      const stage = await this.#settled(pair)
      const interrupt = new AbortController().signal
      const recording = await runDrill(stage, drill, { seed: SEED, onEvent: () => {}, interrupt })
      if (isGood(recording)) return { verdict: 'held', why: [] }
      await this.close()
      return { verdict: 'failed', why: whatFailed(drill, recording) }
    } catch (error) {
      await this.close()
      return { verdict: 'failed', why: [error instanceof Error ? error.message : String(error)] }
    }
  }

  /** What of it is not played, a sentence each. */
  get cannotPlay(): readonly string[] {
    const [director1, director2] = loaded(this.#texts).map(({ config }) => config)
    return director1 && director2 ? topologyOf({ director1, director2 }).cannotPlay : []
  }

  async #settled([first, second]: Pair): Promise<Stage> {
    this.#site ??= await buildLab({
      director1: { ...first, kind: 'tanist' },
      director2: { ...second, kind: 'tanist' },
    })
    const site = this.#site
    const { director1, director2 } = site.directors
    const options = { program: undefined, hasLogPipe: false }
    const daemons = { director1: labDaemon(director1, options), director2: labDaemon(director2, options) }
    this.#stage ??= await openStage(site, daemons, SEED)
    const { watch } = this.#stage
    const pairing = { site, daemons: this.#stage.daemons, watch }
    if (!(await untilSettled(pairing, SETTLE_MS)))
      throw new Error(`the pair is not settled: ${await isSettled(pairing)}`)
    // Who is active is so for one drill.
    const active = masterOf(pairing) ?? this.#stage.active
    this.#stage = new Stage({ ...pairing, active, seed: SEED })
    return this.#stage
  }

  async close(): Promise<void> {
    const site = this.#site
    this.#site = undefined
    this.#stage = undefined
    await site?.close()
  }
}

function whatFailed({ steps }: Drill, { judgements, events, ending }: Recording): readonly string[] {
  const bad = judgements
    .filter(({ of, holds }) => holds === false || (of === 'claim' && holds === undefined))
    .map(({ of, text, found }) => `${of === 'claim' ? '' : `${of} `}${text}: ${found}`)
  const failures = events.flatMap((event) =>
    event.type === 'failed' ? [`${steps[event.step]?.text ?? 'a step'}: ${event.reason}`] : [],
  )
  return [...(ending === 'finished' ? [] : [ending]), ...failures, ...bad]
}
