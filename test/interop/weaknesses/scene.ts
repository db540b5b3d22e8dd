import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { DirectorHost } from '../../support/director.ts'
import { KeepalivedHost } from '../../support/keepalived.ts'
import { Lab, until } from '../../support/lab.ts'
import { startProbe } from '../../support/reporter.ts'

export type Product = 'keepalived' | 'tanist'

export const VIP = '10.0.0.100'
/** A host of the lab that is no director. */
export const STRANGER = '10.0.0.66'
export const VRID = 51
/** A host of the lab that asks for the virtual address. */
export const CLIENT = 'client'

/** A director of a pair of one product. */
export interface Node {
  readonly host: string
  readonly address: string
  start(): Promise<void>
  /** Its processes, as they are now. */
  pids(): Promise<{ readonly vrrp: number; readonly all: readonly number[] }>
  log(): string
}

export interface Scene {
  readonly lab: Lab
  /** Of priority 200, master at the beginning, and of priority 100. */
  readonly master: Node
  readonly backup: Node
}

export interface Settings {
  /** Between two adverts, in ms. */
  readonly interval?: number
  /** Further lines of both instances. */
  readonly more?: string
  /** Where the master's log goes instead of a file: a descriptor that is made in the folder of the lab. */
  readonly output?: (lab: Lab) => number
}

/** Plays with a pair of a product that has come to rest, in a lab with a client and a stranger, and removes the lab. */
export async function withPair<Seen>(
  product: Product,
  { interval = 1000, more = '', output }: Settings,
  play: (scene: Scene) => Promise<Seen>,
): Promise<Seen> {
  const lab = new Lab()
  try {
    lab.addSwitch('lan')
    lab.addHost(CLIENT, [{ switch: 'lan', address: '10.0.0.10/24' }])
    lab.addHost('stranger', [{ switch: 'lan', address: `${STRANGER}/24` }])
    const make = (number: number, priority: number, descriptor?: number) => {
      const [host, address] = [`node${number}`, `10.0.0.${number}`]
      lab.addHost(host, [{ switch: 'lan', address: `${address}/24` }])
      const text = configuration(priority, interval, more)
      return product === 'keepalived'
        ? keepalived(lab, host, address, text, descriptor)
        : tanist(lab, host, address, text, descriptor)
    }
    const scene = { lab, master: make(1, 200, output?.(lab)), backup: make(2, 100) }
    await scene.master.start()
    await until('a master', () => hasAddress(lab, scene.master))
    await scene.backup.start()
    await until('a backup', () => scene.backup.log().includes('Entering BACKUP STATE'))
    return await play(scene)
  } finally {
    lab.destroy()
  }
}

const ECHO_PORT = '7'
/** What comes of it has come to its end by then. */
const SETTLES_MS = 1000

/** For how many ms nobody answers a client that asks once each ms, in gaps of 10 ms and more, from something that happens to its end. */
export async function unansweredWhile(
  { lab, master, backup }: Scene,
  happens: () => Promise<unknown>,
): Promise<number> {
  for (const { host } of [master, backup]) await once(lab.fork(host, 'udp-echo.ts', [ECHO_PORT]), 'message')
  const probe = await startProbe(lab, CLIENT, VIP, Number(ECHO_PORT))
  await sleep(SETTLES_MS)
  await probe.report()
  await happens()
  await sleep(SETTLES_MS)
  const { gaps } = await probe.report()
  return gaps.reduce((sum, { ms }) => sum + ms, 0)
}

export const hasAddress = (lab: Lab, { host }: Node): boolean =>
  lab.run(host, ['ip', '-brief', 'address']).includes(`${VIP}/`)

/** How often a director has become master. */
export const takeOvers = (node: Node): number => node.log().split('Entering MASTER STATE').length - 1

/** The same file for both. */
const configuration = (priority: number, interval: number, more: string) => `global_defs {
  router_id test
  vrrp_version 3
}
vrrp_instance VI_1 {
  state BACKUP
  interface eth0
  virtual_router_id ${VRID}
  priority ${priority}
  advert_int ${interval / 1000}
  ${more}
  virtual_ipaddress {
    ${VIP}/24
  }
}
`

function keepalived(lab: Lab, host: string, address: string, text: string, output: number | undefined): Node {
  const daemon = new KeepalivedHost(lab, host, text, { output })
  return {
    host,
    address,
    start: () => Promise.resolve(daemon.start()),
    pids: () => {
      const [vrrp, parent] = [daemon.pidOf('vrrp'), daemon.pidOf('parent')]
      return Promise.resolve({ vrrp, all: [parent, vrrp] })
    },
    log: () => daemon.logText(),
  }
}

function tanist(lab: Lab, host: string, address: string, text: string, output: number | undefined): Node {
  const daemon = new DirectorHost(lab, host, text, [], { output })
  return {
    host,
    address,
    start: () => daemon.start(),
    pids: async () => {
      const { processes } = await daemon.status()
      return { vrrp: await daemon.pidOf('vrrp'), all: processes.flatMap(({ pid }) => pid ?? []) }
    },
    log: () => daemon.logText(),
  }
}
