import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { KeepalivedHost } from '../support/keepalived.ts'
import { Lab, until } from '../support/lab.ts'
import { BY_DESIGN } from './checkers/by-design.ts'
import { SEQUENCES } from './checkers/sequences.ts'
import { type Engine, type Seen, Stage } from './checkers/stage.ts'
import { Shell } from './shell.ts'
import { ipvsadmHere } from './twins.ts'

/**
 * keepalived with the kernel's IPVS, and Tanist, with the same file and the same failures of the same servers: what `ipvsadm -Ln` says of
 * both, in the order in which it changes.
 */
const lab = new Lab()

/** Until everything that happened in a round is said: several rounds of checks, with all retries, where all is emulated. */
const ROUND_MS = 16_000
const START_MS = 30_000

class Keepalived implements Engine {
  #daemon: KeepalivedHost | undefined
  #shell: Shell | undefined
  start(config: string): Promise<void> {
    execFileSync('modprobe', ['-a', 'ip_vs', 'ip_vs_rr', 'ip_vs_wlc'])
    this.#daemon = new KeepalivedHost(lab, 'keepalived', config, { part: 'checkers' })
    this.#daemon.start()
    return Promise.resolve()
  }
  reload(config: string): Promise<void> {
    this.#daemon?.configure(config)
    this.#daemon?.reload()
    return Promise.resolve()
  }
  async ipvsadm(line: string) {
    this.#shell ??= new Shell(lab, 'keepalived')
    return await this.#shell.run(line.split(' '), '')
  }
}

class Tanist implements Engine {
  #director: DirectorHost | undefined
  async start(config: string): Promise<void> {
    const director = new DirectorHost(lab, 'tanist', config)
    this.#director = director
    await director.start(120_000)
    // Emulated, its processes take long to load.
    const isChecked = async () => {
      const { services } = await director.status()
      return services.flatMap(({ servers }) => servers).every(({ reason }) => reason !== 'not checked yet')
    }
    await until('every server to be checked', isChecked, 300_000)
  }
  async reload(config: string): Promise<void> {
    this.#director?.configure(config)
    expect(await this.#director?.reload()).toEqual([])
  }
  async ipvsadm(line: string) {
    return await ipvsadmHere(this.#director?.socket ?? '', line)
  }
}

/** By sequence and round: the start, then its steps. */
let seen: { readonly keepalived: readonly Seen[]; readonly tanist: readonly Seen[] }[] = []

beforeAll(async () => {
  const stages = [
    new Stage(lab, 'keepalived', new Keepalived(), SEQUENCES),
    new Stage(lab, 'tanist', new Tanist(), SEQUENCES),
  ] as const
  await Promise.all(stages.map((stage) => stage.start()))
  const rounds: (readonly [readonly Seen[], readonly Seen[]])[] = []
  const both = async (look: (stage: Stage) => Promise<readonly Seen[]>) => {
    const [keepalived, tanist] = await Promise.all(stages.map(look))
    rounds.push([keepalived ?? [], tanist ?? []])
  }
  await both((stage) => stage.look(START_MS))
  const last = Math.max(...SEQUENCES.map(({ steps }) => steps.length))
  for (let round = 0; round < last; round++) await both((stage) => stage.round(round, ROUND_MS))
  seen = SEQUENCES.map(({ steps }, number) => ({
    keepalived: rounds.slice(0, steps.length + 1).map(([own]) => own[number] ?? []),
    tanist: rounds.slice(0, steps.length + 1).map(([, own]) => own[number] ?? []),
  }))
})
afterAll(() => lab.destroy())

/** What the table was at the end of a round; on the way it depends on chance which of two things is said first. */
const ends = (rounds: readonly Seen[]) => rounds.map((own) => own.at(-1))

describe('the same file and the same failures', () => {
  test.each(SEQUENCES.map(({ name }, number) => ({ name, number })))('$name', ({ name, number }) => {
    const { keepalived = [], tanist = [] } = seen[number] ?? {}
    const why = BY_DESIGN[name]
    if (why === undefined) expect(ends(tanist)).toEqual(ends(keepalived))
    else expect(ends(tanist), `is the same, although: ${why}`).not.toEqual(ends(keepalived))
  })

  /** A server that is away for less than its retries take is never taken out; one that is away for longer is, and comes back. */
  test('what is there on the way, where one thing happens after the other', () => {
    for (const [number, { name, steps }] of SEQUENCES.entries()) {
      if (!steps.some((step) => step?.type === 'blink')) continue
      const { keepalived = [], tanist = [] } = seen[number] ?? {}
      expect({ name, tables: tanist.slice(1) }).toEqual({ name, tables: keepalived.slice(1) })
    }
  })
})
