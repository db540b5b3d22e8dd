import { readFileSync, statSync, utimesSync } from 'node:fs'
import type { Quorum } from '../../balance/pool.ts'
import { type Millis, millis, seconds } from '../../time.ts'
import { RUN_FOLDER, writeOwnFile } from '../run-file.ts'
import type { KeptHolds } from './holds.ts'
import type { KeptVerdict } from './verdicts.ts'

/** What is known of the servers, for a director that starts after this one was killed. */
export interface KeptVerdicts {
  readonly verdicts: readonly KeptVerdict[]
  /** By the name of the virtual server. */
  readonly quorums: Readonly<Record<string, Quorum>>
  /** Undefined in versions without. */
  readonly holds?: KeptHolds
}

/** Older than this it is not believed: servers have had time to change. */
export const VERDICTS_HOLD = seconds(300)
/** What has changed is written so long after the first change: a crash just then loses that. */
const WRITE_AFTER = seconds(1)
/** The time of the file is that until which what it says was so. */
const TOUCH_EVERY = seconds(10)

const FORMAT = 1

const pathOf = (name: string) => `${RUN_FOLDER}/${name}.verdicts.json`

/** What a director of this name knew, and how long ago; undefined when it is too long ago, or nothing can be read. */
export function readKeptVerdicts(
  name: string,
  now = Date.now(),
): (KeptVerdicts & { readonly age: Millis }) | undefined {
  try {
    const age = millis(now - statSync(pathOf(name)).mtimeMs)
    // Written by this program as root, perhaps in another version; `format` tells.
    const { format, kept } = JSON.parse(readFileSync(pathOf(name), 'utf8')) as { format: number; kept: KeptVerdicts }
    // The clock may have been set back: what is of the future has no age.
    const isOurs = format === FORMAT && Array.isArray(kept.verdicts) && typeof kept.quorums === 'object'
    return isOurs && age <= VERDICTS_HOLD && age + TOUCH_EVERY >= 0 ? { ...kept, age } : undefined
  } catch {
    return undefined
  }
}

/** Keeps the file in line with what is known, at most once a second. */
export class VerdictKeeper {
  readonly #name: string
  readonly #known: () => KeptVerdicts
  readonly #failed: (error: unknown) => void
  readonly #touching: NodeJS.Timeout
  #writing: NodeJS.Timeout | undefined

  /** `known` is asked when it is time to write; `failed` is told why that cannot be. */
  constructor(name: string, known: () => KeptVerdicts, failed: (error: unknown) => void) {
    this.#name = name
    this.#known = known
    this.#failed = failed
    this.#touching = setInterval(() => this.#touch(), TOUCH_EVERY)
  }

  /** Something has changed. */
  note(): void {
    this.#writing ??= setTimeout(() => this.#write(), WRITE_AFTER)
  }

  /** Writes what there is, and nothing any more. */
  close(): void {
    clearInterval(this.#touching)
    this.#write()
  }

  #write(): void {
    clearTimeout(this.#writing)
    this.#writing = undefined
    try {
      writeOwnFile(pathOf(this.#name), JSON.stringify({ format: FORMAT, kept: this.#known() }))
    } catch (error) {
      this.#failed(error)
    }
  }

  #touch(): void {
    try {
      const now = new Date()
      utimesSync(pathOf(this.#name), now, now)
    } catch {
      // There is none yet, or somebody has removed it: with the next change it is written again.
      this.note()
    }
  }
}
