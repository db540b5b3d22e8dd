import type { Drill, Step } from '../drill/drill.ts'
import type { Hosts } from '../drill/language/hosts.ts'
import type { DirectorName, RecordedEvent, Recording } from '../drill/recording.ts'
import { isCourse } from '../drill/run.ts'
import type { Millis } from '../time.ts'
import { perform } from './actions/actions.ts'
import { openStage } from './open-stage.ts'
import { needLacked, PairError } from './pair.ts'
import { realDaemons, realSite } from './real-site.ts'
import { runDrill } from './run-drill.ts'
import type { Site } from './site.ts'
import { type LeftUndo, Stage } from './stage.ts'
import { type Told, ToldPlace } from './told-place.ts'

interface RealRun {
  readonly hosts: Hosts
  readonly seed: number
  /** What machines and the way to them say, such as a login's greeting. */
  readonly onNotice: (text: string) => void
}

/** Runs a drill on a real pair: its machines are as before afterwards. Throws PairError, UnsettledError and LostPlaceError. */
export async function runReal(
  drill: Drill,
  {
    hosts,
    seed,
    onNotice,
    limit,
    ...options
  }: RealRun & {
    readonly limit: Millis | undefined
    readonly onEvent: (event: RecordedEvent) => void
    readonly interrupt: AbortSignal
  },
): Promise<Recording> {
  const site = await connected(drill, hosts, onNotice)
  try {
    const stage = await openStage(site, realDaemons(hosts, site.directors), seed, options.interrupt)
    return await runDrill(stage, drill, { seed, ...options, ...(limit === undefined ? {} : { limit }) })
  } finally {
    await site.close()
  }
}

/** What a step would do, or the end of the drill without a step. */
export interface ToldStep {
  readonly step: Step | undefined
  readonly told: readonly Told[]
  /** Why it could not be done as it stands; undefined: it could. */
  readonly failure: string | undefined
}

/** What a drill would do on a real pair, by looking alone; and who would be `active`. Throws as `runReal`. */
export async function tellReal(
  drill: Drill,
  { hosts, seed, onNotice }: RealRun,
): Promise<{ readonly active: DirectorName; readonly steps: readonly ToldStep[] }> {
  const site = await connected(drill, hosts, onNotice)
  try {
    const real = await openStage(site, realDaemons(hosts, site.directors), seed)
    let told: Told[] = []
    const { director1, director2 } = site.directors
    const toldAt = <T extends { readonly place: Site['client']['place'] }>(at: T): T => ({
      ...at,
      place: new ToldPlace(at.place, (one) => told.push(one)),
    })
    const directors = { director1: toldAt(director1), director2: toldAt(director2) }
    const stage = new Stage({
      site: { ...site, directors, client: toldAt(site.client) },
      daemons: realDaemons(hosts, directors),
      watch: real.watch,
      active: real.active,
      seed,
      pause: () => Promise.resolve(),
    })
    const steps: ToldStep[] = []
    const left: LeftUndo[] = []
    for (const step of drill.steps) {
      told = []
      const failure = isCourse(step) ? undefined : await tellStep(stage, step, left)
      steps.push({ step, told, failure })
    }
    told = []
    for (const undo of left.toReversed()) await undo.run()
    steps.push({ step: undefined, told, failure: undefined })
    return { active: real.active, steps }
  } finally {
    await site.close()
  }
}

async function connected(drill: Drill, hosts: Hosts, onNotice: (text: string) => void): Promise<Site> {
  const site = await realSite(hosts, onNotice)
  const lack = needLacked(drill, Object.values(site.directors))
  if (lack === undefined) return site
  await site.close()
  throw new PairError(lack)
}

async function tellStep(stage: Stage, step: Step, left: LeftUndo[]): Promise<string | undefined> {
  // Nobody is asked whether the file would be taken.
  const told: Step =
    step.action === 'reload' ? { ...step, arguments: { ...step.arguments, expect: 'either', times: 1 } } : step
  const { failure, undos } = await perform(stage, told)
  left.push(...undos)
  return failure instanceof Error ? failure.message : failure === undefined ? undefined : 'it fails'
}
