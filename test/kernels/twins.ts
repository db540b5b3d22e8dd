import { type ChildProcess, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { runLine } from '../../src/cli/ipvsadm-commands.ts'
import { ControlClient } from '../../src/control/client.ts'
import { DirectorHost } from '../support/director.ts'
import type { Lab } from '../support/lab.ts'
import type { Order, Outcome } from '../support/picks-process.ts'
import { type Said, Shell } from './shell.ts'

export const VIP = '172.18.100.6'
export const PORT = 8080
/** Last parts of the servers' addresses, 192.168.10.0/24, and of the clients', 172.18.0.0/16. */
export const SERVERS = [11, 12, 13, 14, 15, 16]
export const CLIENTS = Array.from({ length: 24 }, (_, i) => 10 + i)

export const serverAddress = (host: number) => `192.168.10.${host}`
export const clientAddress = (host: number) => `172.18.0.${host}`

/** A request to a client, without its number. */
export type Request = Order extends infer O ? (O extends Order ? Omit<O, 'id'> : never) : never

/** A director between a client and servers of its own; both engines have the same addresses. */
export abstract class Twin {
  protected readonly lab: Lab
  readonly name: string
  readonly #waiting = new Map<number, (outcome: Outcome) => void>()
  #client: ChildProcess | undefined
  #orders = 0

  constructor(lab: Lab, name: string) {
    this.lab = lab
    this.name = name
  }

  abstract ipvsadm(line: string, input?: string): Promise<Said>

  /** Makes a director of its host, which is there, with its interfaces. */
  abstract startEngine(): Promise<void>

  async start(): Promise<void> {
    const { lab, name } = this
    const [client, servers] = [`c-${name}`, `s-${name}`]
    lab.addSwitch(`out-${name}`)
    lab.addSwitch(`in-${name}`)
    lab.addHost(name, [
      { switch: `out-${name}`, address: '172.18.100.1/16' },
      { switch: `in-${name}`, address: '192.168.10.1/24' },
    ])
    lab.run(name, ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
    lab.ip(name, [`address add ${VIP}/32 dev eth0`])
    lab.addHost(client, [{ switch: `out-${name}`, address: '172.18.0.1/16' }])
    lab.ip(
      client,
      CLIENTS.map((host) => `address add ${clientAddress(host)}/16 dev eth0`),
    )
    lab.addHost(servers, [{ switch: `in-${name}`, address: '192.168.10.10/24' }], '192.168.10.1')
    lab.ip(
      servers,
      SERVERS.map((host) => `address add ${serverAddress(host)}/24 dev eth0`),
    )
    const serving = lab.fork(servers, 'picks-process.ts', ['serve', String(PORT), ...SERVERS.map(serverAddress)])
    this.#client = lab.fork(client, 'picks-process.ts', ['ask', VIP])
    await Promise.all([this.startEngine(), once(serving, 'message'), once(this.#client, 'message')])
    this.#client.on('message', (outcome: Outcome) => this.#waiting.get(outcome.id)?.(outcome))
  }

  /** Has a client do something; the server that answered it. */
  async ask(request: Request): Promise<string | undefined> {
    const id = ++this.#orders
    const answer = new Promise<Outcome>((resolve) => this.#waiting.set(id, resolve))
    this.#client?.send({ ...request, id } satisfies Order)
    const { server } = await answer
    this.#waiting.delete(id)
    return server
  }
}

/** The kernel's own IPVS, and ipvsadm. */
export class IpvsTwin extends Twin {
  #shell: Shell | undefined

  constructor(lab: Lab) {
    super(lab, 'ipvs')
  }

  override startEngine(): Promise<void> {
    execFileSync('modprobe', ['ip_vs'])
    return Promise.resolve()
  }

  override ipvsadm(line: string, input = ''): Promise<Said> {
    this.#shell ??= new Shell(this.lab, this.name)
    return this.#shell.run(words(line), input)
  }
}

/** A daemon with an empty configuration. */
export class TanistTwin extends Twin {
  #director: DirectorHost | undefined

  constructor(lab: Lab) {
    super(lab, 'tanist')
  }

  override async startEngine(): Promise<void> {
    this.#director = new DirectorHost(this.lab, this.name, '')
    await this.#director.start(120_000)
  }

  override ipvsadm(line: string, input = ''): Promise<Said> {
    return ipvsadmHere(this.#director?.socket ?? '', line, input)
  }
}

/** What tanist-ipvsadm says, by this process: the program itself starts slowly where everything is emulated. */
export async function ipvsadmHere(socket: string, line: string, input = ''): Promise<Said> {
  const [, ...args] = words(line)
  const said = { stdout: '', stderr: '' }
  const status = await runLine(args, 'ipvsadm', new ControlClient(socket), () => input, {
    write: (text) => void (said.stdout += text),
    error: (text) => void (said.stderr += text),
  })
  return { status, ...said }
}

const words = (line: string) => line.split(' ').filter((word) => word !== '')

/** The size of the table is each one's own, as is the order of connections; seconds pass between the two. */
export function comparable({ stdout, ...said }: Said): Said {
  const text = stdout.replace(/\(size=\d+\)/, '(size=…)')
  if (!text.startsWith('IPVS connection entries')) return { ...said, stdout: text }
  const lines = text.replaceAll(/^(\S+ +)\d\d:\d\d /gm, '$1mm:ss ').split('\n')
  return { ...said, stdout: lines.toSorted().join('\n') }
}
