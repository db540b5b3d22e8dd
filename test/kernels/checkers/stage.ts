import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Lab } from '../../support/lab.ts'
import type { Said } from '../shell.ts'
import { addressesOf, type Sequence, SERVERS, type ServerState, textOf } from './sequence.ts'

/** How often the table is looked at. */
const LOOK_MS = 200

/** Ends as the state of a server says. */
const SCRIPT = `#!/bin/sh
read -r state <"$0.$1"
exit "$state"
`

/** Of one sequence: what its service was in a round, each time that it was another thing than before. */
export type Seen = readonly string[]

/** A program that checks and forwards. */
export interface Engine {
  start(config: string): Promise<void>
  reload(config: string): Promise<void>
  ipvsadm(line: string): Promise<Said>
}

/** One of two directors with the same file, each with servers of its own that have the same addresses. */
export class Stage {
  readonly #lab: Lab
  readonly name: string
  readonly #engine: Engine
  readonly #sequences: readonly Sequence[]
  readonly #folder: string
  #servers: ChildProcess | undefined
  #texts: string[]

  constructor(lab: Lab, name: string, engine: Engine, sequences: readonly Sequence[]) {
    this.#lab = lab
    this.name = name
    this.#engine = engine
    this.#sequences = sequences
    this.#folder = join(lab.directory, name)
    this.#texts = sequences.map(({ config }) => config)
  }

  async start(): Promise<void> {
    const { name } = this
    const [lab, servers] = [this.#lab, `s-${name}`]
    lab.addSwitch(`in-${name}`)
    lab.addHost(name, [{ switch: `in-${name}`, address: '10.1.255.1/16' }])
    lab.addHost(servers, [{ switch: `in-${name}`, address: '10.1.255.2/16' }])
    const numbers = this.#sequences.map((_, number) => number)
    lab.ip(
      servers,
      numbers.flatMap((number) =>
        SERVERS.map((which) => `address add ${addressesOf(number).server(which)}/16 dev eth0`),
      ),
    )
    lab.ip(
      name,
      numbers.flatMap((number) => [1, 2].map((which) => `address add ${addressesOf(number).vip(which)}/32 dev eth0`)),
    )
    lab.run(name, ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
    // Linux says to one host only once a second that a port is closed: of several UDP checks at a time, some would hear nothing.
    lab.run(servers, ['sysctl', '-qw', 'net.ipv4.icmp_ratelimit=0'])
    mkdirSync(this.#folder)
    writeFileSync(join(this.#folder, 'check'), SCRIPT, { mode: 0o755 })
    this.#servers = lab.fork(servers, '../kernels/checkers/servers-process.ts', [])
    await once(this.#servers, 'message')
    for (const [number, { start }] of this.#sequences.entries()) {
      for (const which of SERVERS) await this.#set(number, which, start?.[which] ?? 'up')
    }
    await this.#engine.start(this.#text())
  }

  /** What happens in a round; resolves when all has been looked at for so long. */
  async round(round: number, forMs: number): Promise<readonly Seen[]> {
    let reloads = false
    for (const [number, { steps }] of this.#sequences.entries()) {
      const step = steps[round]
      switch (step?.type) {
        case undefined:
          break
        case 'set':
          await this.#set(number, step.server, step.to)
          break
        case 'blink':
          await this.#set(number, step.server, 'down')
          setTimeout(() => void this.#set(number, step.server, 'up'), step.seconds * 1000)
          break
        case 'config':
          this.#texts[number] = step.text
          reloads = true
          break
      }
    }
    if (reloads) await this.#engine.reload(this.#text())
    return await this.look(forMs)
  }

  async look(forMs: number): Promise<readonly Seen[]> {
    const seen: string[][] = this.#sequences.map(() => [])
    const until = performance.now() + forMs
    do {
      const table = servicesOf((await this.#engine.ipvsadm('ipvsadm -Ln')).stdout)
      for (const [number, own] of seen.entries()) {
        const now = [1, 2].map((which) => table.get(addressesOf(number).vip(which)) ?? 'nothing').join('; ')
        if (own.at(-1) !== now) own.push(now)
      }
      await sleep(LOOK_MS)
    } while (performance.now() < until)
    return seen
  }

  async #set(number: number, which: number, state: ServerState): Promise<void> {
    const address = addressesOf(number).server(which)
    const status = typeof state === 'number' ? state : state === 'up' ? 0 : 1
    writeFileSync(join(this.#folder, `check.${address}`), `${status}\n`)
    const servers = this.#servers
    if (servers === undefined) throw new Error('the servers have not been started')
    const done = new Promise<void>((resolve) => {
      const take = (said: unknown) => {
        if (said !== address) return
        servers.off('message', take)
        resolve()
      }
      servers.on('message', take)
    })
    servers.send({ address, state })
    await done
  }

  #text(): string {
    return this.#texts.map((text, number) => textOf(text, number, this.#folder)).join('\n')
  }
}

/** By the virtual address: scheduler and servers with weights, without what is counted. */
function servicesOf(listing: string): ReadonlyMap<string, string> {
  const services = new Map<string, string[]>()
  let own: string[] = []
  for (const line of listing.split('\n')) {
    const [, vip, how] = /^TCP +([\d.]+):\d+ (.*)$/.exec(line) ?? []
    const [, server, method, weight] = /^ +-> ([\d.:]+) +(\S+) +(\d+)/.exec(line) ?? []
    if (vip !== undefined) services.set(vip, (own = [how?.trim() ?? '']))
    else if (server !== undefined) own.push(`${server} ${method} ${weight}`)
  }
  return new Map([...services].map(([vip, parts]) => [vip, [parts[0], ...parts.slice(1).toSorted()].join(', ')]))
}
