import type { Step } from '../../src/vrrp/effect.ts'
import { NO_DUTIES } from '../../src/model/duty.ts'
import { decodeIpHeader } from '../../src/net/ip-header.ts'
import { loadConfig } from '../../src/config/load.ts'
import { Agenda } from '../../src/simulate/agenda.ts'
import { Kernel } from '../../src/simulate/kernel.ts'
import { VrrpProcess } from '../../src/simulate/process.ts'
import type { InterfaceSetup } from '../../src/simulate/setup.ts'
import { healthyResults } from '../../src/simulate/trackers.ts'
import { millis } from '../../src/time.ts'
import { surroundings } from '../support/surroundings.ts'
import { packet, read, type Said, type Seen } from './bytes.ts'

/** An instance `web` with VRID 51, as text; `lines` go before what is said here, and win nothing twice. */
export const instance = (
  lines = 'version 3\npriority 100',
  addresses = '10.0.0.100/24',
  name = 'web',
  vrid = 51,
): string =>
  `vrrp_instance ${name} {\ninterface eth0\nvirtual_router_id ${vrid}\n${lines}\nvirtual_ipaddress {\n${addresses}\n}\n}\n`

/** What a configuration comes to, and what people are told of it. */
export const load = (text: string) => loadConfig({ name: 'x.conf', text }, surroundings())

type Address = InterfaceSetup['own'][number]['address']

const OWN = [{ address: '10.0.0.1' as Address, prefix: 24, primary: true, tentative: false }]

interface Sent extends Seen {
  /** In ms. */
  readonly at: number
}

/** A router under test: bytes in, bytes out, on a clock that stands until it is moved. Its timers are exact to 2 ms. */
export class Bench {
  readonly kernel: Kernel
  readonly #agenda = new Agenda()
  readonly #process: VrrpProcess
  readonly sent: Sent[] = []
  /** What it has done, in the order in which it was done: types of effects, and the states that it has entered. */
  done: string[] = []
  now = 0

  constructor(
    text: string,
    { own = OWN, others = [] }: { own?: InterfaceSetup['own']; others?: readonly string[] } = {},
  ) {
    const names = ['eth0', ...others]
    this.kernel = new Kernel(names.map((name, i) => ({ name, segment: name, own: i === 0 ? own : [] })))
    const { config, diagnostics } = load(text)
    if (config === undefined) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
    this.#process = new VrrpProcess({
      kernel: this.kernel,
      now: () => millis(this.now),
      at: (time, what) => this.#agenda.enter(time, what),
      chance: () => 0,
      send: (_device, { arrival: { ipHeader = new Uint8Array(), payload } }) =>
        this.sent.push({ at: this.now, ...read(Uint8Array.from([...ipHeader, ...payload])) }),
      introduce: () => {},
      stepped: (_event, _before, { effects }) => this.#did(effects),
      finished: () => {},
    })
    this.#process.configure(config, healthyResults([config]), NO_DUTIES, { masters: [], known: [] })
    this.until(0)
  }

  until(time: number): this {
    while (this.#agenda.next <= time) {
      this.now = Math.max(this.now, this.#agenda.next)
      this.#agenda.take()?.()
    }
    this.now = time
    return this
  }

  /** Time goes on by so many ms. */
  pass(ms: number): this {
    return this.until(this.now + ms)
  }

  /** A packet arrives; what is not said of it is as the other router of the link would send it. */
  hear(said: Said = {}, device = 'eth0'): this {
    return this.hearBytes(packet(said), device)
  }

  hearBytes(bytes: Uint8Array, device = 'eth0'): this {
    const header = decodeIpHeader(bytes)
    if (header === undefined) return this // the kernel drops it
    const { payloadStart, payloadEnd, ...way } = header
    const ipHeader = bytes.subarray(0, payloadStart)
    const payload = bytes.subarray(payloadStart, payloadEnd)
    this.#process.deliver(device, { to: undefined, arrival: { ...way, ipHeader, payload } })
    return this.until(this.now)
  }

  /** Is told by its other router again and again until then, every `every` ms. */
  hearUntil(time: number, said: Said, every = 1000): this {
    while (this.now + every <= time) this.pass(every).hear(said)
    return this.until(time)
  }

  stop(): this {
    this.#process.tell({ type: 'stop', keepAddresses: true })
    return this.until(this.now)
  }

  /** A script says so. */
  script(name: string, good: boolean): this {
    const value = { type: good ? ('good' as const) : ('bad' as const) }
    this.#process.tell({ type: 'trackers', results: [{ kind: 'script', name, value, detail: '', at: 0 }] })
    return this.until(this.now)
  }

  reload(text: string): this {
    const { config } = load(text)
    if (config === undefined) throw new Error('the configuration is refused')
    this.#process.configure(config, healthyResults([config]), NO_DUTIES, { masters: [], known: [] })
    return this.until(this.now)
  }

  /** The host loses this address. */
  lose(address: string): this {
    this.kernel.remove([{ address: address as Address, prefix: 24, device: 'eth0' }], 'any')
    this.#process.networkChanged()
    return this.until(this.now)
  }

  state(name = 'web'): string {
    return this.#process.state.members.get(name)?.state.name ?? 'gone'
  }

  holds(address = '10.0.0.100', prefix = 24): boolean {
    return this.kernel.has({ address: address as Address, prefix, device: 'eth0' })
  }

  /** Forgets what was sent and done. */
  clear(): this {
    this.sent.length = 0
    this.done = []
    return this
  }

  #did(effects: Step['effects']): void {
    for (const effect of effects) {
      if (effect.type === 'transition') this.done.push(effect.to)
      else this.done.push(effect.type === 'advertise' ? `advertise ${effect.priority}` : effect.type)
    }
  }
}

/** A master, some seconds after it has become one; what it did until then is forgotten. */
export const master = (text = instance()): Bench => {
  const bench = new Bench(text).until(20_000)
  if (bench.state() !== 'master') throw new Error(`it is ${bench.state()}`)
  return bench.clear()
}

/** A backup that has just heard a master of priority 200 and an interval of 1 s. */
export const backup = (text = instance(), said: Said = {}): Bench => {
  const bench = new Bench(text).hear(said)
  if (bench.state() !== 'backup') throw new Error(`it is ${bench.state()}`)
  return bench.clear()
}

/** When it becomes master, if nothing more is heard: in ms from now, or undefined within two minutes. */
export function takesOverAfter(bench: Bench): number | undefined {
  const from = bench.now
  for (let ms = 1; ms < 120_000; ms++) if (bench.until(from + ms).state() === 'master') return ms
  return undefined
}
