import { type ChildProcess, execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runLine } from '../../src/cli/ipvsadm-commands.ts'
import { ControlClient } from '../../src/control/client.ts'
import { DirectorHost } from '../support/director.ts'
import type { Lab } from '../support/lab.ts'
import type { Order, Outcome } from '../support/picks-process.ts'

export const VIP = '172.18.100.6'
export const PORT = 8080
/** Last parts of the servers' addresses, 192.168.10.0/24, and of the clients', 172.18.0.0/16. */
export const SERVERS = [11, 12, 13, 14, 15, 16]
export const CLIENTS = Array.from({ length: 24 }, (_, i) => 10 + i)

export const serverAddress = (host: number) => `192.168.10.${host}`
export const clientAddress = (host: number) => `172.18.0.${host}`

/** What a command said. */
export interface Said {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

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
    lab.run(name, ['ip', 'address', 'add', `${VIP}/32`, 'dev', 'eth0'])
    lab.addHost(client, [{ switch: `out-${name}`, address: '172.18.0.1/16' }])
    for (const host of CLIENTS) lab.run(client, ['ip', 'address', 'add', `172.18.0.${host}/16`, 'dev', 'eth0'])
    lab.addHost(servers, [{ switch: `in-${name}`, address: '192.168.10.10/24' }], '192.168.10.1')
    for (const host of SERVERS) lab.run(servers, ['ip', 'address', 'add', `192.168.10.${host}/24`, 'dev', 'eth0'])
    await this.startEngine()
    await once(lab.fork(servers, 'picks-process.ts', ['serve', String(PORT), ...SERVERS.map(serverAddress)]), 'message')
    this.#client = lab.fork(client, 'picks-process.ts', ['ask', VIP])
    await once(this.#client, 'message')
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
  constructor(lab: Lab) {
    super(lab, 'ipvs')
  }

  override startEngine(): Promise<void> {
    execFileSync('modprobe', ['ip_vs'])
    return Promise.resolve()
  }

  override ipvsadm(line: string, input = ''): Promise<Said> {
    const [program = '', ...args] = words(line)
    const [file, ...rest] = this.lab.enter(this.name, [program, ...args])
    const { status, stdout, stderr } = spawnSync(file, rest, { encoding: 'utf8', input })
    return Promise.resolve({ status, stdout, stderr })
  }

  /**
   * Many lines one after the other, each with the lists behind it that are to follow a line that succeeds. By one shell: a process of
   * its own for each takes long to start from here.
   */
  async ipvsadmAll(lines: readonly string[], lists: readonly string[]): Promise<Said[][]> {
    const file = (name: string) => join(this.lab.directory, name)
    const quoted = (line: string) =>
      words(line)
        .map((word) => `'${word}'`)
        .join(' ')
    const command = (line: string) => `${quoted(line)} </dev/null; s=$?; printf '\\0%s\\0' $s; printf '\\0' >&2`
    const after = lists.map(command).join('; ')
    const script = lines.map((line) => `${command(line)}; if [ $s = 0 ]; then ${after}; fi\n`)
    writeFileSync(file('script'), `exec >'${file('outputs')}' 2>'${file('errors')}'\n${script.join('')}`)
    await once(this.lab.start(this.name, ['sh', file('script')]), 'exit')
    const [outputs = [], errors = []] = ['outputs', 'errors'].map((name) =>
      readFileSync(file(name), 'utf8').split('\0'),
    )
    let at = 0
    const next = (): Said => {
      const said = { stdout: outputs[2 * at] ?? '', status: Number(outputs[2 * at + 1]), stderr: errors[at] ?? '' }
      at++
      return said
    }
    return lines.map(() => {
      const said = next()
      return said.status === 0 ? [said, ...lists.map(next)] : [said]
    })
  }
}

/** A daemon with an empty configuration. Its commands run in this process: the program itself starts slowly here. */
export class TanistTwin extends Twin {
  #director: DirectorHost | undefined

  constructor(lab: Lab) {
    super(lab, 'tanist')
  }

  override async startEngine(): Promise<void> {
    this.#director = new DirectorHost(this.lab, this.name, '')
    await this.#director.start(120_000)
  }

  override async ipvsadm(line: string, input = ''): Promise<Said> {
    const [, ...args] = words(line)
    const said = { stdout: '', stderr: '' }
    const status = await runLine(args, 'ipvsadm', new ControlClient(this.#director?.socket ?? ''), () => input, {
      write: (text) => void (said.stdout += text),
      error: (text) => void (said.stderr += text),
    })
    return { status, ...said }
  }
}

const words = (line: string) => line.split(' ').filter((word) => word !== '')

/** The size of the table is each one's own, as is the order of connections; seconds pass between the two. */
export function comparable({ stdout, ...said }: Said): Said {
  const text = stdout.replace(/\(size=\d+\)/, '(size=…)')
  if (!text.startsWith('IPVS connection entries')) return { ...said, stdout: text }
  const lines = text.replaceAll(/^(\S+ +)\d\d:\d\d /gm, '$1mm:ss ').split('\n')
  return { ...said, stdout: lines.toSorted().join('\n') }
}
