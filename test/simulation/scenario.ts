import type { Fault } from '../../src/simulate/fault.ts'
import { type Outcome, type Run, World } from '../../src/simulate/world.ts'
import { type DirectorFile, siteOfFiles } from './draw-site.ts'

/** A run that can be written to a file, read by people and done again. Times are in ms. */
export interface Scenario {
  /** What it shows. */
  readonly about: string
  /** Of what chance decides in the network. */
  readonly seed: number
  readonly directors: readonly DirectorFile[]
  readonly faults: readonly Fault[]
  readonly end: number
}

/** Runs it to its end, or to the first violation. */
export function play(scenario: Scenario, tells = false): Outcome {
  return new World({ ...runOf(scenario), tells }).run(true)
}

const runOf = ({ seed, directors, faults, end }: Scenario): Run => ({
  site: siteOfFiles(directors),
  seed,
  faults,
  end,
  skipsCalm: true,
  tells: false,
})

/** As a file: configurations by lines, and a line for each fault. */
export function scenarioText({ about, seed, directors, faults, end }: Scenario): string {
  const files = Object.fromEntries(
    directors.map(({ name, configs }) => [name, configs.map((text) => text.trimEnd().split('\n'))]),
  )
  const head = JSON.stringify({ about, seed, end, directors: files }, undefined, 1)
  const lines = faults.map((fault) => `  ${JSON.stringify(fault)}`)
  return `${head.slice(0, -2)},\n "faults": [\n${lines.join(',\n')}\n ]\n}\n`
}

/** Reads what `scenarioText` has written, or people in its way. */
export function parseScenario(text: string): Scenario {
  const { directors, ...rest } = JSON.parse(text) as Omit<Scenario, 'directors'> & {
    readonly directors: Readonly<Record<string, readonly (readonly string[])[]>>
  }
  return {
    ...rest,
    directors: Object.entries(directors).map(([name, configs]) => ({
      name,
      configs: configs.map((lines) => `${lines.join('\n')}\n`),
    })),
  }
}
