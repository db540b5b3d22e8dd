import type { ChildProcess } from 'node:child_process'
import { type Lab, until } from './lab.ts'

/** An advert as an independent reader saw it on the wire. */
export interface SeenAdvert {
  /** Milliseconds since the epoch, from the kernel. */
  readonly at: number
  readonly source: string
  readonly destination: string
  readonly version: number
  readonly vrid: number
  readonly priority: number
  /** Or hop limit. */
  readonly ttl: number
}

/** tcpdump on a switch of a lab, reading every packet that passes and matches. */
export class Capture {
  readonly #child: ChildProcess
  #text = ''

  private constructor(child: ChildProcess) {
    this.#child = child
    child.stdout?.on('data', (data: Buffer) => (this.#text += data.toString()))
  }

  static async start(lab: Lab, name: string, filter = 'ip proto 112 or ip6 proto 112'): Promise<Capture> {
    const command = ['tcpdump', '-l', '-n', '-vv', '-tt', '-i', name, filter] as const
    const child = lab.start('switch', command, { stdio: ['ignore', 'pipe', 'pipe'] })
    let errors = ''
    child.stderr?.on('data', (data: Buffer) => (errors += data.toString()))
    const capture = new Capture(child)
    await until('tcpdump to listen', () => errors.includes('listening on'))
    return capture
  }

  /** What tcpdump has printed. */
  get text(): string {
    return this.#text
  }

  adverts(): SeenAdvert[] {
    const pattern =
      /^(\d+\.\d+) IP6? \(.*?(?:ttl|hlim) (\d+),.*(?:\n\s+|\) )(\S+) > (\S+): VRRPv(\d), Advertisement, (?:\(ttl \d+\), )?vrid (\d+), prio (\d+)/gm
    return [...this.#text.matchAll(pattern)].map(([, at, ttl, source, destination, version, vrid, priority]) => ({
      at: Number(at) * 1000,
      source: source ?? '',
      destination: destination ?? '',
      version: Number(version),
      vrid: Number(vrid),
      priority: Number(priority),
      ttl: Number(ttl),
    }))
  }

  /** The first advert from a source after a time. */
  async next(source: string, after: number, timeoutMs = 15_000): Promise<SeenAdvert> {
    const found = () => this.adverts().find((advert) => advert.source === source && advert.at > after)
    return until(`an advert from ${source}`, found, timeoutMs)
  }

  stop(): void {
    this.#child.kill()
  }
}
