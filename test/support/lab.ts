import { type ChildProcess, execFileSync, spawn, type SpawnOptions } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Every namespace of a lab is named `tanist-<pid of its owner>-<number>-<host>`. */
const PREFIX = 'tanist'
/** Every folder of a lab, `tanist-lab-<pid of its owner>-<random>`. */
const DIRECTORY_PREFIX = `${PREFIX}-lab`

/** A host's connection to a switch. */
export interface Port {
  readonly switch: string
  /** With prefix length. */
  readonly address: string
}

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
    this.#ip('netns', 'add', this.#namespace('switch'))
  }

  /** Unique on this machine; names a director's pins. */
  directorName(host: string): string {
    return this.#namespace(host)
  }

  addSwitch(name: string): void {
    const ns = this.#namespace('switch')
    this.#ipIn(ns, [`link add ${name} type bridge mcast_snooping 0`, `link set ${name} up`])
  }

  /** A host with interfaces eth0, eth1 … in the order of its ports. */
  addHost(name: string, ports: readonly Port[], gateway?: string): void {
    const ns = this.#namespace(name)
    this.#ip('netns', 'add', ns)
    this.#plugIn(name, ports)
    if (gateway !== undefined) this.ip(name, [`route add default via ${gateway}`])
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
    const switchNs = this.#namespace('switch')
    const peer = (i: number) => `${name}-${i}`
    this.ip(name, [
      'link set lo up',
      ...ports.flatMap(({ address }, i) => [
        `link add eth${i} type veth peer name ${peer(i)} netns ${switchNs}`,
        `addr add ${address} dev eth${i}`,
        `link set eth${i} up`,
      ]),
    ])
    if (ports.length > 0)
      this.#ipIn(
        switchNs,
        ports.map((port, i) => `link set ${peer(i)} master ${port.switch} up`),
      )
  }

  /** Unplugs or plugs a host's cable at the switch. */
  cable(host: string, port: number, state: 'up' | 'down'): void {
    this.#ip('-n', this.#namespace('switch'), 'link', 'set', `${host}-${port}`, state)
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

  /** Starts a TypeScript program of the tests on a host, with a message channel; `by` is a command that starts it. */
  fork(host: string, script: string, args: readonly string[], by: readonly string[] = []): ChildProcess {
    const command = [...by, process.execPath, join(import.meta.dirname, script), ...args] as [string, ...string[]]
    return this.start(host, command, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
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

  // Not `ip netns exec`: that hides /sys/fs/bpf behind a new /sys.
  enter(host: string, command: readonly [string, ...string[]]): [string, ...string[]] {
    const root = this.#roots.get(host)
    const own = root === undefined ? [] : [`--pid=/proc/${root}/ns/pid`, `--mount=/proc/${root}/ns/mnt`]
    return ['nsenter', `--net=/run/netns/${this.#namespace(host)}`, ...own, '--', ...command]
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
  for (const name of names) {
    try {
      removeNamespace(name)
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

function removeNamespace(name: string): void {
  // Processes keep a namespace alive without its name; those of a lab end with it.
  for (const pid of execFileSync('ip', ['netns', 'pids', name], { encoding: 'utf8', stdio: 'pipe' }).split('\n')) {
    if (pid === '' || Number(pid) === process.pid) continue
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {
      // it has just ended
    }
  }
  execFileSync('ip', ['netns', 'delete', name], { stdio: 'pipe' })
}

/** How long a busy machine may take for what an idle one does at once; no claim about time. */
const PATIENCE_MS = 30_000

/** Waits for something that happens, with a deadline, and says what it was when it does not. */
export async function until<T>(
  what: string,
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = PATIENCE_MS,
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const result = await condition()
    if (result !== undefined && result !== false) return result
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
