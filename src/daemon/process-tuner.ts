import { getPriority } from 'node:os'
import type { Logger } from 'pino'
import { allowedCpus, lockMemory, schedule } from '../linux/scheduling.ts'
import type { ProcessOptions } from '../model/process-options.ts'

type Said = Omit<ProcessOptions, 'noSwap'>

/** Gives a process the priorities and CPUs that a configuration says, and those of before when it says them no more. */
export class ProcessTuner {
  readonly #log: Logger
  /** What it has without a word. */
  readonly #usual: { readonly [key in keyof Said]-?: NonNullable<Said[key]> }
  /** The process that was told last, and what. */
  #pid = 0
  #last: Said = { nice: undefined, realtime: undefined, cpus: undefined }

  /** Made before this process gets other priorities than those of its children. `realtime`: without a word; 0: none. */
  constructor(log: Logger, realtime: number) {
    this.#log = log
    this.#usual = { nice: getPriority(), realtime, cpus: allowedCpus() }
  }

  /** A refusal is a warning: the process goes on as it is. */
  tune(pid: number, said: Said): void {
    const last = pid === this.#pid ? this.#last : { nice: undefined, realtime: undefined, cpus: undefined }
    const usual = this.#usual
    this.#pid = pid
    this.#last = said
    const refused = schedule(pid, {
      nice: said.nice ?? (last.nice === undefined ? undefined : usual.nice),
      realtime: said.realtime ?? (last.realtime === undefined ? undefined : usual.realtime),
      cpus: said.cpus ?? (last.cpus === undefined ? undefined : usual.cpus),
    })
    for (const { message } of refused) this.#log.warn(message)
  }
}

let isLocked = false

/** Of this process. That it may not is a warning. */
export function keepInMemory(locked: boolean, log: Logger): void {
  if (locked === isLocked) return
  const refused = lockMemory(locked)
  if (refused === undefined) isLocked = locked
  else log.warn(refused.message)
}
