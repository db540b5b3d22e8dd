import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type Lab, until } from './lab.ts'
import { librariesOf, unpacked } from './unpacked.ts'

const PACKAGES = ['frr', 'libyang2', 'libjson-c5']
/** It does not start unless a group of this name is there, whose number does not matter: nothing is given to it here. */
const GROUP = 'frrvty:x:990:root\n'
/** What ends an answer, before one byte of status. */
const END = Buffer.alloc(3)

/** A virtual router as vrrpd is told of it. */
export interface FrrRouter {
  readonly vrid: number
  readonly version: 2 | 3
  readonly priority: number
  /** In whole hundredths of a second. */
  readonly intervalMs: number
  /** All of one family, with prefix length. */
  readonly addresses: readonly string[]
}

/** What vrrpd says of it. */
export interface FrrState {
  readonly state: 'Initialize' | 'Backup' | 'Master'
  /** Of its adverts, once it was master. */
  readonly source: string
  /** How many adverts have counted, and how many it has sent. */
  readonly heard: number
  readonly sent: number
  /** What the last master that it heard has as its interval. */
  readonly masterIntervalMs: number
}

/** In `show vrrp json`, for each family. */
interface ShownRouter {
  readonly status: FrrState['state']
  readonly masterAdverInterval: number
  readonly primaryAddress: string
  readonly stats: { readonly adverRx: number; readonly adverTx: number }
}

/** The MAC address of a virtual router: RFC 9568 §7.3. */
export const virtualMac = (vrid: number, family: 4 | 6): string =>
  `00:00:5e:00:0${family === 4 ? 1 : 2}:${vrid.toString(16).padStart(2, '0')}`

/** FRR's vrrpd, and the zebra that it needs, for one virtual router on eth0 of a host of a lab: a VRRP of other authors. */
export class FrrHost {
  readonly #lab: Lab
  readonly #host: string
  readonly #router: FrrRouter
  readonly #family: 4 | 6
  readonly #folder = unpacked('frr', PACKAGES)
  #vrrpd: ChildProcess | undefined

  constructor(lab: Lab, host: string, router: FrrRouter) {
    this.#lab = lab
    this.#host = host
    this.#router = router
    this.#family = router.addresses.some((address) => address.includes(':')) ? 6 : 4
    this.#addLink()
  }

  /** vrrpd makes no interface; it sets one up and down that has the MAC address of the virtual router, and the addresses. */
  #addLink(): void {
    const { vrid, addresses } = this.#router
    const nodad = this.#family === 6 ? ' nodad' : ''
    this.#lab.ip(this.#host, [
      `link add virtual link eth0 type macvlan mode bridge`,
      // A link-local address that is made of the MAC would be on every router that has this VRID.
      `link set virtual addrgenmode random address ${virtualMac(vrid, this.#family)}`,
      'link set virtual up',
      ...addresses.map((address) => `address add ${address} dev virtual${nodad}`),
    ])
    // Else its other interface answers for the addresses in any state, as they are on the host.
    this.#lab.run(this.#host, ['sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=1'])
  }

  async start(): Promise<void> {
    const { vrid, version, priority, intervalMs, addresses } = this.#router
    const lines = [
      `vrrp ${vrid} version ${version}`,
      `vrrp ${vrid} priority ${priority}`,
      `vrrp ${vrid} advertisement-interval ${intervalMs}`,
      ...addresses.map((each) => `vrrp ${vrid} ${this.#family === 4 ? 'ip' : 'ipv6'} ${each.replace(/\/.*/, '')}`),
    ]
    const log = `log file ${this.#path('log')}\ndebug vrrp packets\n`
    writeFileSync(this.#path('group'), readFileSync('/etc/group', 'utf8') + GROUP)
    this.#start('zebra', '')
    await until('zebra to listen', () => existsSync(this.#path('zserv')))
    this.#vrrpd = this.#start('vrrpd', `${log}interface eth0\n ${lines.join('\n ')}\n`)
    await until('vrrpd to run', async () => (await this.state().catch(() => undefined)) !== undefined)
  }

  /** Stops vrrpd in order and waits for the end. */
  async stop(): Promise<void> {
    if (this.#vrrpd === undefined) throw new Error(`vrrpd on ${this.#host} was not started`)
    const ended = once(this.#vrrpd, 'exit')
    this.#vrrpd.kill('SIGTERM')
    await ended
  }

  /** Undefined while there is none. */
  async state(): Promise<FrrState | undefined> {
    const [router] = JSON.parse(await this.#ask('show vrrp json')) as Record<'v4' | 'v6', ShownRouter>[]
    const shown = router?.[`v${this.#family}`]
    if (shown === undefined) return undefined
    const { status, masterAdverInterval, primaryAddress, stats } = shown
    return {
      state: status,
      source: primaryAddress,
      heard: stats.adverRx,
      sent: stats.adverTx,
      masterIntervalMs: masterAdverInterval,
    }
  }

  logText(): string {
    return readFileSync(this.#path('log'), 'utf8')
  }

  #path(name: string): string {
    return join(this.#lab.directory, `${this.#host}.${name}`)
  }

  #start(program: 'zebra' | 'vrrpd', config: string): ChildProcess {
    const file = this.#path(`${program}.conf`)
    writeFileSync(file, config)
    const output = openSync(this.#path(`${program}.out`), 'a')
    const executable = join(this.#folder, 'usr/lib/frr', program)
    const options = `-u root -g root -P 0 -f ${file} -i ${file}.pid -z ${this.#path('zserv')}`
    const command = ['env', librariesOf(this.#folder, 'frr'), executable, ...options.split(' ')]
    command.push('--vty_socket', this.#lab.directory)
    // Only these processes see that there is such a group.
    const script = 'mount --bind "$0" /etc/group && exec "$@"'
    const whole = ['unshare', '--mount', 'sh', '-c', script, this.#path('group'), ...command] as const
    const child = this.#lab.start(this.#host, whole, { stdio: ['ignore', output, output] })
    closeSync(output)
    return child
  }

  /** A line of its command language, as vtysh says it. */
  #ask(line: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(join(this.#lab.directory, 'vrrpd.vty'))
      let answer = Buffer.alloc(0)
      socket.once('error', reject)
      socket.on('data', (data: Buffer) => {
        answer = Buffer.concat([answer, data])
        if (!answer.subarray(-4, -1).equals(END)) return
        socket.destroy()
        resolve(answer.subarray(0, -4).toString())
      })
      socket.write(`${line}\0`)
    })
  }
}
