import { once } from 'node:events'
import { DirectorHost } from './director.ts'
import { Lab } from './lab.ts'
import { type ConnectsReport, type Reporter, startConnects } from './reporter.ts'

const VIP = '10.9.0.100'
const PORT = 80
const CLIENTS = 4
/** Addresses of each client, so that hashes see many. */
const SOURCES = 8
/** Connections for each reload, on average, without which there was nothing to lose. */
export const LEAST_OPENED = 5
const MOST_TRIES = 20
const SERVERS = ['192.168.1.11', '192.168.1.12', '192.168.1.13', '192.168.1.14']

/** What the virtual server of a reload lab is to be like. */
export interface Shape {
  readonly scheduler: string
  /** Further lines of the virtual server. */
  readonly lines?: readonly string[]
  /** Weights of the servers, by their place; those without one are not in the file. */
  readonly weights?: readonly (number | undefined)[]
}

export function configOf({ scheduler, lines = [], weights = [100, 200] }: Shape): string {
  const servers = weights.map((weight, i) =>
    weight === undefined ? '' : `  real_server ${SERVERS[i]} ${PORT} {\n    weight ${weight}\n  }\n`,
  )
  return `virtual_server ${VIP} ${PORT} {
  lvs_sched ${scheduler}
  lvs_method NAT
  protocol TCP
${lines.map((line) => `  ${line}\n`).join('')}${servers.join('')}}
`
}

/** What clients felt during some reloads. */
export type Felt = ConnectsReport & { readonly reloads: number }

/** A director whose configuration is reloaded while four clients open connections as fast as they can. */
export class ReloadLab {
  readonly #lab = new Lab()
  readonly #director: DirectorHost
  #clients: readonly Reporter<ConnectsReport>[] = []

  constructor() {
    const lab = this.#lab
    lab.addSwitch('outside')
    lab.addSwitch('inside')
    lab.addHost('director', [
      { switch: 'outside', address: '10.9.0.1/16' },
      { switch: 'inside', address: '192.168.1.1/24' },
    ])
    lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
    lab.run('director', ['ip', 'address', 'add', `${VIP}/32`, 'dev', 'eth0'])
    lab.addHost('servers', [{ switch: 'inside', address: '192.168.1.10/24' }], '192.168.1.1')
    for (const address of SERVERS) lab.run('servers', ['ip', 'address', 'add', `${address}/24`, 'dev', 'eth0'])
    lab.addHost('clients', [{ switch: 'outside', address: '10.9.1.250/16' }])
    this.#director = new DirectorHost(lab, 'director', configOf({ scheduler: 'rr' }))
  }

  async start(): Promise<void> {
    await once(this.#lab.fork('servers', 'acceptor-process.ts', [String(PORT)]), 'message')
    await this.#director.start()
    const sources = Array.from({ length: CLIENTS }, (_, client) =>
      Array.from({ length: SOURCES }, (_, i) => `10.9.1.${1 + client * SOURCES + i}`),
    )
    for (const address of sources.flat())
      this.#lab.run('clients', ['ip', 'address', 'add', `${address}/16`, 'dev', 'eth0'])
    this.#clients = await Promise.all(sources.map((own) => startConnects(this.#lab, 'clients', VIP, PORT, own)))
  }

  /**
   * Reloads with each of these in turn, so many times over; and over again, as long as a busy machine has kept the clients from
   * opening connections meanwhile.
   */
  async reload(shapes: readonly Shape[], rounds: number): Promise<Felt> {
    const felt = { opened: 0, refused: 0, failed: 0, reloads: 0 }
    await this.#report()
    // oxlint-disable no-await-in-loop -- one after the other
    for (let tries = 0; tries < MOST_TRIES && felt.opened <= felt.reloads * LEAST_OPENED; tries++) {
      for (let round = 0; round < rounds; round++) {
        for (const shape of shapes) {
          this.#director.configure(configOf(shape))
          const errors = await this.#director.reload()
          if (errors.length > 0) throw new Error(errors.join('\n'))
        }
      }
      const { opened, refused, failed } = await this.#report()
      felt.opened += opened
      felt.refused += refused
      felt.failed += failed
      felt.reloads += rounds * shapes.length
    }
    // oxlint-enable no-await-in-loop
    return felt
  }

  /** New connections that the core had no server for, so far. */
  async withoutServer(): Promise<number> {
    return (await this.#director.status()).drops['no-destination'] ?? 0
  }

  destroy(): void {
    this.#lab.destroy()
  }

  async #report(): Promise<ConnectsReport> {
    const reports = await Promise.all(this.#clients.map((client) => client.report()))
    const sum = (of: keyof ConnectsReport) => reports.reduce((total, report) => total + report[of], 0)
    return { opened: sum('opened'), refused: sum('refused'), failed: sum('failed') }
  }
}

export const SCHEDULERS = 'rr wrr lc wlc sed nq fo ovf dh sh mh lblc lblcr twos'.split(' ')

/** Reloads that change something else than the scheduler: two files, and back and forth between them. */
export const CHANGES: readonly { readonly what: string; readonly between: readonly [Shape, Shape] }[] = [
  {
    what: 'weights',
    between: [
      { scheduler: 'wrr', weights: [1, 3] },
      { scheduler: 'wrr', weights: [5, 2] },
    ],
  },
  {
    what: 'who is quiesced',
    between: [
      { scheduler: 'wlc', weights: [1, 0] },
      { scheduler: 'wlc', weights: [0, 1] },
    ],
  },
  {
    what: 'who is quiesced, and the scheduler',
    between: [
      { scheduler: 'rr', weights: [1, 0] },
      { scheduler: 'wrr', weights: [0, 7] },
    ],
  },
  {
    what: 'servers',
    between: [
      { scheduler: 'sh', weights: [1, 1] },
      { scheduler: 'sh', weights: [undefined, undefined, 1, 1] },
    ],
  },
  { what: 'the port option of sh', between: [{ scheduler: 'sh' }, { scheduler: 'sh', lines: ['sh-port'] }] },
  {
    what: 'the flags of mh',
    between: [
      { scheduler: 'mh', lines: ['mh-fallback'] },
      { scheduler: 'mh', lines: ['mh-port'] },
    ],
  },
  {
    what: 'persistence, and the scheduler',
    between: [{ scheduler: 'lc', lines: ['persistence_timeout 30'] }, { scheduler: 'mh' }],
  },
  {
    what: 'the network of persistence',
    between: [
      { scheduler: 'rr', lines: ['persistence_timeout 30'] },
      { scheduler: 'rr', lines: ['persistence_timeout 30', 'persistence_granularity 255.255.255.0'] },
    ],
  },
  {
    what: 'who is allowed, and the scheduler',
    between: [{ scheduler: 'dh' }, { scheduler: 'wrr', lines: ['allow { 10.9.0.0/16 }'] }],
  },
]
