import { type ChildProcess, execFile, execFileSync, spawn, type SpawnOptions } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './until.ts'

/** Every namespace of a lab is named `tanist-<pid of its owner>-<number>-<host>`. */
const PREFIX = 'tanist'
/** Every folder of a lab, `tanist-lab-<pid of its owner>-<random>`. */
const DIRECTORY_PREFIX = `${PREFIX}-lab`
/** The host that has all switches. */
export const SWITCH = 'switch'

/** A host's connection to a switch. */
export interface Port {
  readonly switch: string
  /** With prefix length. */
  readonly address: string
}

/** The same with the name that the interface has on the host; up in any case. */
export interface NamedPort {
  readonly switch: string
  readonly name: string
  /** With prefix lengths, of both families; the first is the primary one. */
  readonly addresses: readonly string[]
}

/** A host that is made with others. */
export interface NewHost {
  /** At most 11 characters: its cables are named after it. */
  readonly name: string
  readonly ports: readonly NamedPort[]
  /** Further commands of `ip` there, when its ports are up. */
  readonly ip: readonly string[]
}

/** The end of a host's cable at the switch. */
export const cableName = (host: string, port: number): string => `${host}-${port}`

/**
 * Hosts as network namespaces, joined by bridges in a namespace of their own. Whatever happens, `destroy` ends the
 * processes that were started and removes the namespaces; what a killed owner has left is removed by the next lab.
 */
export class Lab {
  static #count = 0
  readonly #id = `${PREFIX}-${process.pid}-${++Lab.#count}`
  readonly #processes = new Set<ChildProcess>()
  /** Process 1 of the hosts that have processes of their own. */
  readonly #roots = new Map<string, number>()
  readonly #onExit = () => this.#removeAll()
  /** A folder for configuration files and sockets, removed with the lab. */
  readonly directory = mkdtempSync(join(tmpdir(), `${DIRECTORY_PREFIX}-${process.pid}-`))

  constructor() {
    removeStale()
    process.once('exit', this.#onExit)
    this.#ip('netns', 'add', this.#namespace(SWITCH))
  }

  /** Unique on this machine; names a director's pins. */
  directorName(host: string): string {
    return this.#namespace(host)
  }

  addSwitch(name: string): void {
    const ns = this.#namespace(SWITCH)
    this.#ipIn(ns, [`link add ${name} type bridge mcast_snooping 0`, `link set ${name} up`])
  }

  /** A host with interfaces eth0, eth1 … in the order of its ports. */
  addHost(name: string, ports: readonly Port[], gateway?: string): void {
    const ns = this.#namespace(name)
    this.#ip('netns', 'add', ns)
    this.#plugIn(name, ports)
    if (gateway !== undefined) this.ip(name, [`route add default via ${gateway}`])
  }

  /** Many hosts, side by side. Rejects with what `ip` says when it refuses something. */
  async addHosts(hosts: readonly NewHost[]): Promise<void> {
    if (hosts.length === 0) return
    await ipBatch(
      [],
      hosts.map(({ name }) => `netns add ${this.#namespace(name)}`),
    )
    const cables = hosts.flatMap(({ name, ports }) =>
      ports.flatMap((port, i) => [
        `link add ${cableName(name, i)} type veth peer name ${port.name} netns ${this.#namespace(name)}`,
        `link set ${cableName(name, i)} master ${port.switch} up`,
      ]),
    )
    await ipBatch(['-n', this.#namespace(SWITCH)], cables)
    await Promise.all(
      hosts.map(({ name, ports, ip }) =>
        ipBatch(['-n', this.#namespace(name)], ['link set lo up', ...ports.flatMap(portUp), ...ip]),
      ),
    )
  }

  /** The same for a host that is there already: the network namespace of a process. That ends with the lab, too. */
  adoptHost(name: string, pid: number, ports: readonly Port[]): void {
    this.#ip('netns', 'attach', this.#namespace(name), String(pid))
    this.#plugIn(name, ports)
  }

  /**
   * From now on only its own processes are there for what is started on a host, as on a machine of its own: `killall` ends no others.
   * What was started is not the process that `start` returns, which waits for it.
   */
  async separateProcesses(name: string): Promise<void> {
    // A shell takes over the orphans, and lets their ends be known.
    const first = ['bash', '-c', 'while :; do sleep 1000 & wait $!; done'] as const
    const command = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc', ...first] as const
    const { pid } = this.start(name, command)
    const children = () => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    this.#roots.set(name, await until(`process 1 of ${name}`, () => children() !== '' && Number(children())))
  }

  #plugIn(name: string, ports: readonly Port[]): void {
    const switchNs = this.#namespace(SWITCH)
    this.ip(name, [
      'link set lo up',
      ...ports.flatMap(({ address }, i) => [
        `link add eth${i} type veth peer name ${cableName(name, i)} netns ${switchNs}`,
        `addr add ${address} dev eth${i}`,
        `link set eth${i} up`,
      ]),
    ])
    if (ports.length > 0)
      this.#ipIn(
        switchNs,
        ports.map((port, i) => `link set ${cableName(name, i)} master ${port.switch} up`),
      )
  }

  /** Unplugs or plugs a host's cable at the switch. */
  cable(host: string, port: number, state: 'up' | 'down'): void {
    this.#ip('-n', this.#namespace(SWITCH), 'link', 'set', cableName(host, port), state)
  }

  /** Runs a command on a host and returns its output. Throws when it fails. */
  run(host: string, command: readonly [string, ...string[]]): string {
    const [file, ...args] = this.enter(host, command)
    return execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  }

  /** Starts a command on a host. It ends with the lab. */
  start(host: string, command: readonly [string, ...string[]], options: SpawnOptions = {}): ChildProcess {
    const [file, ...args] = this.enter(host, command)
    const child = spawn(file, args, { stdio: 'ignore', ...options })
    this.#processes.add(child)
    child.once('exit', () => this.#processes.delete(child))
    return child
  }

  destroy(): void {
    process.removeListener('exit', this.#onExit)
    this.#removeAll()
  }

  #removeAll(): void {
    for (const child of this.#processes) child.kill('SIGKILL')
    this.#processes.clear()
    removeNamespaces((name) => name.startsWith(`${this.#id}-`))
    rmSync(this.directory, { recursive: true, force: true })
  }

  #namespace(host: string): string {
    return `${this.#id}-${host}`
  }

  /** The file of a host's network namespace. */
  network(host: string): string {
    return `/run/netns/${this.#namespace(host)}`
  }

  /** What comes before a command that is to run on a host. */
  // Not `ip netns exec`: that hides /sys/fs/bpf behind a new /sys.
  prefix(host: string): [string, ...string[]] {
    const root = this.#roots.get(host)
    const own = root === undefined ? [] : [`--pid=/proc/${root}/ns/pid`, `--mount=/proc/${root}/ns/mnt`]
    return ['nsenter', `--net=${this.network(host)}`, ...own, '--']
  }

  enter(host: string, command: readonly [string, ...string[]]): [string, ...string[]] {
    return [...this.prefix(host), ...command]
  }

  /** Commands of `ip` on a host, all by one process: each process takes its time. Throws when one fails. */
  ip(host: string, commands: readonly string[]): void {
    this.#ipIn(this.#namespace(host), commands)
  }

  #ipIn(ns: string, commands: readonly string[]): void {
    execFileSync('ip', ['-n', ns, '-batch', '-'], { input: commands.join('\n'), stdio: ['pipe', 'ignore', 'pipe'] })
  }

  #ip(...args: readonly string[]): void {
    execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  }
}

/** A virtual address is there at once, and so are those of machines that are to answer at once: nobody looks for duplicates. */
const portUp = ({ name, addresses }: NamedPort): readonly string[] => [
  ...addresses.map((address) => `addr add ${address} dev ${name}${address.includes(':') ? ' nodad' : ''}`),
  `link set ${name} up`,
]

function ipBatch(args: readonly string[], commands: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = execFile('ip', [...args, '-batch', '-'], (error, _stdout, stderr) => {
      if (error === null) resolve()
      else {
        const line = Number(/Command failed -:(\d+)/.exec(stderr)?.[1])
        reject(new Error(`ip refuses \`${commands[line - 1] ?? commands[0]}\`: ${stderr.split('\n')[0]}`))
      }
    })
    child.stdin?.end(commands.join('\n'))
  })
}

/** Removes the labs of owners that do not exist any more. */
function removeStale(): void {
  removeNamespaces((name) => hasLostOwner(PREFIX, name))
  removeStaleFolders(DIRECTORY_PREFIX)
}

/** Removes the temporary folders `PREFIX-<pid>-…` of owners that do not exist any more. */
export function removeStaleFolders(prefix: string): void {
  for (const name of readdirSync(tmpdir()).filter((each) => hasLostOwner(prefix, each)))
    rmSync(join(tmpdir(), name), { recursive: true, force: true })
}

/** Whether a name is `PREFIX-<pid>-…` of a process that does not exist any more. */
function hasLostOwner(prefix: string, name: string): boolean {
  const owner = new RegExp(`^${prefix}-(\\d+)-`).exec(name)?.[1]
  return owner !== undefined && !existsSync(`/proc/${owner}`)
}

function removeNamespaces(matches: (name: string) => boolean): void {
  const names = existsSync('/run/netns') ? readdirSync('/run/netns').filter(matches) : []
  killWithin(names)
  for (const name of names) {
    try {
      execFileSync('ip', ['netns', 'delete', name], { stdio: 'pipe' })
    } catch (error) {
      // Labs that begin side by side remove the same leftovers.
      if (existsSync(`/run/netns/${name}`)) throw error
    }
  }
  // What directors leave to the next one of their name, and the locks of the names.
  for (const folder of ['/sys/fs/bpf/tanist', '/run/tanist', '/var/lib/tanist'].filter((path) => existsSync(path))) {
    for (const name of readdirSync(folder).filter(matches)) rmSync(join(folder, name), { recursive: true, force: true })
  }
}

/** Processes keep a namespace alive without its name; those of a lab end with it. */
function killWithin(names: readonly string[]): void {
  if (names.length === 0) return
  const those = new Set(names.map((name) => identityOf(`/run/netns/${name}`)))
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const own = identityOf(`/proc/${pid}/ns/net`)
    if (own === undefined || !those.has(own) || Number(pid) === process.pid) continue
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {
      // it has just ended
    }
  }
}

/** Undefined: nothing is there any more. The file of a namespace that was never made is on another device. */
function identityOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path)
    return `${dev} ${ino}`
  } catch {
    return undefined
  }
}
