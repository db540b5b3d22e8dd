import { setTimeout as sleep } from 'node:timers/promises'
import type { Recording } from './compare.ts'
import { type Mark, recordingOf } from './recording.ts'
import { type Action, describeAction, type Sequence } from './sequence.ts'
import { DIRECTOR, Stage } from './stage.ts'
import { type ProductName, underTest } from './under-test.ts'

/** Long enough for a start: three down timers of the peer. */
const SETTLES_MS = 2500
/** What is written at the end is there by then. */
const AFTERWARDS_MS = 700

export interface Performance {
  readonly recording: Recording
  /** What the daemon has logged. */
  readonly log: string
}

/** A sequence with one of the daemons, in a lab of its own. */
export async function perform(sequence: Sequence, product: ProductName): Promise<Performance> {
  const stage = new Stage(sequence)
  try {
    const daemon = underTest(
      product,
      stage.lab,
      DIRECTOR,
      stage.resolve(sequence.config),
      sequence.config.includes('vrrp_track_process'),
    )
    await stage.begin()
    const marks: Mark[] = []
    const exits: { at: number; text: string }[] = []
    const mark = (step: string) => marks.push({ at: Date.now(), step })
    async function act(action: Action): Promise<void> {
      await stage.moment(action)
      mark(describeAction(action))
      if (action.type === 'reload') daemon.reload(stage.resolve(action.config))
      else if (action.type === 'stop') exits.push({ text: await daemon.stop(action.signal), at: Date.now() })
      else await stage.do(action)
    }
    mark('start')
    await daemon.start()
    await stage.untilTold()
    await sleep(sequence.settles ?? SETTLES_MS)
    for (const { does, lasts } of sequence.steps) {
      await act(does)
      await sleep(lasts)
    }
    await act({ type: 'stop', signal: sequence.signal ?? 'SIGTERM' })
    await sleep(AFTERWARDS_MS)
    return { recording: recordingOf(marks, { ...stage.seen(), exit: exits }), log: daemon.log() }
  } finally {
    stage.end()
  }
}
