import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { linkOf } from '../../support/frames.ts'
import type { Lab } from '../../support/lab.ts'
import type { WireOrder, WireOutcome } from '../../support/wire-process.ts'
import type { Twin } from '../twins.ts'
import type { Step } from './cases.ts'
import { counting, framesOf, whole } from './packet.ts'
import { directorCommands, MAC, macBytes, MARKERS, rules, type Side, WIRES_COMMANDS } from './world.ts'

/** What left by each link, frame by frame. */
export type Seen = Readonly<Record<Side, readonly Buffer[]>>

/** A director whose links end in sockets of this test. Both engines' ones have the same addresses, MACs and services. */
export class WiredTwin {
  readonly #lab: Lab
  readonly #engine: Twin
  readonly #cpu: number
  #wires: ChildProcess | undefined
  readonly #ended = new AbortController()

  constructor(lab: Lab, engine: Twin, cpu: number) {
    this.#lab = lab
    this.#engine = engine
    this.#cpu = cpu
  }

  async start(): Promise<void> {
    const host = this.#engine.name
    const wires = `wires-${host}`
    this.#lab.addHost(wires, [])
    this.#lab.run(wires, ['sh', '-ec', WIRES_COMMANDS])
    this.#lab.addHost(host, [])
    this.#lab.run(host, ['sh', '-ec', directorCommands(this.#lab.directorName(wires))])
    for (const side of ['client', 'server']) this.#lab.run(wires, ['ip', 'link', 'set', side, 'up'])
    await this.#engine.startEngine()
    const said = await this.#engine.ipvsadm('ipvsadm -R', rules())
    if (said.status !== 0 || said.stderr !== '') throw new Error(`${host}: ${said.stderr}`)
    const indexes = ['client', 'server'].map((side) => String(linkOf(this.#lab, wires, side).ifindex))
    // On one processor: what a frame leads to happens while it is sent, one after the other.
    this.#wires = this.#lab.fork(wires, 'wire-process.ts', indexes, ['taskset', '-c', String(this.#cpu)])
    this.#wires.once('exit', () => this.#ended.abort())
    await once(this.#wires, 'message')
  }

  /** Sends the frames of each step; what has left for them. */
  async run(steps: readonly Step[]): Promise<readonly Seen[]> {
    const child = this.#wires
    if (child === undefined) throw new Error('not started')
    const order: WireOrder = {
      steps: steps.map(({ side, frames }) => ({ side, frames: frames.map(base64) })),
      markers: { client: marker('client', 'server'), server: marker('server', 'client') },
    }
    const answer = once(child, 'message', { signal: this.#ended.signal })
    child.send(order)
    const [outcomes] = (await answer) as [readonly WireOutcome[]]
    return outcomes.map(({ client, server }) => ({ client: client.map(decoded), server: server.map(decoded) }))
  }
}

const base64 = (frame: Uint8Array) => Buffer.from(frame).toString('base64')
const decoded = (text: string) => Buffer.from(text, 'base64')

/** A frame that each director forwards to the other side, whatever its engine. */
function marker(from: Side, to: Side): string {
  const parts = {
    ...whole(MARKERS[from], MARKERS[to], { kind: 'other', protocol: 17, bytes: counting(16) }),
    id: 0xfeed,
  }
  const [frame = Buffer.alloc(0)] = framesOf(parts, macBytes(MAC[from].host), macBytes(MAC[from].director))
  return base64(frame)
}
