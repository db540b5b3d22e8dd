import type { ChildProcess } from 'node:child_process'
import { type Lab, until } from './lab.ts'

/** Where a host sends what is for an address from then on. */
interface Pointing {
  /** In ms since the epoch. */
  readonly at: number
  /** Undefined: it asks. */
  readonly mac: string | undefined
}

/** What a host believes about the MAC of a neighbour on its eth0, as its kernel tells it: `ip monitor neigh`. */
export class NeighbourEvents {
  readonly #child: ChildProcess
  readonly #neighbour: string
  #text = ''

  private constructor(child: ChildProcess, neighbour: string) {
    this.#child = child
    this.#neighbour = neighbour
    child.stdout?.on('data', (data: Buffer) => (this.#text += data.toString()))
  }

  static async start(lab: Lab, host: string, neighbour: string): Promise<NeighbourEvents> {
    const env = { ...process.env, TZ: 'UTC' }
    const command = ['ip', '-4', '-ts', 'monitor', 'neigh'] as const
    const events = new NeighbourEvents(
      lab.start(host, command, { stdio: ['ignore', 'pipe', 'ignore'], env }),
      neighbour,
    )
    // It says nothing when it listens.
    await until('ip monitor to listen', () => {
      lab.ip(host, ['neigh replace 10.9.9.9 lladdr 02:00:00:00:00:09 dev eth0', 'neigh del 10.9.9.9 dev eth0'])
      return events.#text.includes('10.9.9.9')
    })
    // What it knows already.
    const known = lab.run(host, ['ip', 'neigh', 'show', neighbour, 'dev', 'eth0'])
    const at = new Date().toISOString().replace('Z', '')
    events.#text = `[${at}] ${neighbour} ${known.replace(neighbour, '')}\n${events.#text}`
    return events
  }

  /** For how many ms between two times (ms since the epoch) it has pointed at a MAC. */
  timeAt(mac: string, from: number, to: number): number {
    const pointings = this.#pointings()
    return pointings.reduce((sum, pointing, i) => {
      if (pointing.mac !== mac) return sum
      const begin = Math.max(from, pointing.at)
      const end = Math.min(to, pointings[i + 1]?.at ?? to)
      return sum + Math.max(0, end - begin)
    }, 0)
  }

  stop(): void {
    this.#child.kill()
  }

  #pointings(): readonly Pointing[] {
    return [...this.#text.matchAll(/^\[(\S+)\] (?:Deleted )?(\S+) (.*)$/gm)].flatMap(([, at, neighbour, rest = '']) =>
      neighbour === this.#neighbour
        ? [{ at: Date.parse(`${at}Z`), mac: /lladdr (\S+) (?!FAILED|INCOMPLETE)/.exec(rest)?.[1] }]
        : [],
    )
  }
}
