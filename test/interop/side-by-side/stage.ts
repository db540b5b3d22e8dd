import { type ChildProcess } from 'node:child_process'
import { existsSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AddressEvents } from '../../support/address-events.ts'
import { Capture } from '../../support/capture.ts'
import { KeepalivedHost } from '../../support/keepalived.ts'
import { Lab, until } from '../../support/lab.ts'
import type { Happened } from './compare.ts'
import { peerConfiguration } from './configuration.ts'
import { advertisedBy, readFrom, toldBy } from './recording.ts'
import type { Action, Channel, ScriptEnd, Sequence } from './sequence.ts'

/** The host of the director that is looked at. */
export const DIRECTOR = 'director'
const ADDRESS = '10.0.0.1'
const PEER = 'peer'
const PEER_ADDRESS = '10.0.0.2'
const PEER_PRIORITY = 100
/** So long after the beginning of a run of a script it is told how to end from the next one on. */
const AFTER_RUN_MS = 300

/** Tells that it was called, with which arguments. One write a call: calls side by side do not mix. */
const TELL = `#!/bin/bash
printf -v line ' [%s]' "$@"
echo "$EPOCHREALTIME $$$line" >>"\${0%/*}/told"
`
/** Ends as its file says. */
const CHECK = `#!/bin/bash
file="\${0%/*}/$1"
echo >>"$file.runs"
read -r end <"$file.end"
case $end in
never) sleep 1000 ;;
killed) kill -9 $$ ;;
esac
exit "$end"
`
/** Writes down what comes through the pipe, and when. Open for writing, too: it goes on when the daemon closes it. */
const READ = `#!/bin/bash
exec <>"$1"
echo >"$1.open"
while read -r line; do
  echo "$EPOCHREALTIME $line" >>"$1.read"
done
`
/** Reads a pipe, and tells its lines like `tell`. */
const HANDLE = `#!/bin/bash
while read -r line; do
  echo "$EPOCHREALTIME $$ <$line>" >>"\${0%/*}/told"
done <"\${!#}"
`

/** A lab with a director to be looked at and its peer; what happens in it, and what is seen of the director. */
export class Stage {
  readonly lab = new Lab()
  readonly #instances: number
  readonly #processes = new Map<string, ChildProcess[]>()
  #peer: KeepalivedHost
  #capture: Capture | undefined
  #addresses: AddressEvents | undefined

  constructor({ instances = 1, peer = PEER_PRIORITY, config, before = [] }: Sequence) {
    const { lab } = this
    this.#instances = instances
    for (const name of ['lan0', 'lan1']) lab.addSwitch(name)
    lab.addHost(DIRECTOR, [
      { switch: 'lan0', address: `${ADDRESS}/24` },
      { switch: 'lan1', address: '10.1.0.1/24' },
    ])
    lab.addHost(PEER, [{ switch: 'lan0', address: `${PEER_ADDRESS}/24` }])
    for (const [name, text] of Object.entries({ tell: TELL, check: CHECK, handle: HANDLE, read: READ }))
      writeFileSync(this.path(name), text, { mode: 0o755 })
    for (const [, name = ''] of config.matchAll(/\/check (\w+)"/g)) this.#end(name, 0)
    for (const action of before) this.#set(action)
    this.#peer = new KeepalivedHost(lab, PEER, peerConfiguration(instances, peer))
  }

  /** In the folder of the configuration. */
  path(name: string): string {
    return join(this.lab.directory, name)
  }

  /** A text of a sequence, with what is only known here. */
  resolve(text: string): string {
    return text.replaceAll(/@(\w+)@/g, (_, name: string) => this.#processName(name))
  }

  /** Listens, and starts the peer, which becomes master. */
  async begin(): Promise<void> {
    this.#capture = await Capture.start(this.lab, 'lan0')
    this.#addresses = await AddressEvents.start(this.lab, DIRECTOR)
    this.lab.run(DIRECTOR, ['mkfifo', this.path('pipe')])
    this.lab.start(DIRECTOR, [this.path('read'), this.path('pipe')])
    await until('a reader of the pipe', () => existsSync(this.path('pipe.open')))
    this.#peer.start()
    await this.#capture.next(PEER_ADDRESS, 0)
  }

  /** Waits until the moment for an action has come. */
  async moment(action: Action): Promise<void> {
    if (action.type !== 'script' || action.unheeded === true) return
    const since = Date.now()
    const begun = () => {
      const at = this.#lastRun(action.name)
      // One that was noticed late, on a busy machine, would be another time before the next one.
      return at > since && Date.now() < at + AFTER_RUN_MS && at
    }
    const at = await until(`another run of ${action.name}`, begun)
    await sleep(at + AFTER_RUN_MS - Date.now())
  }

  /** When a check script has begun last, in ms since the epoch; 0: never. */
  #lastRun(name: string): number {
    return statSync(this.path(`${name}.runs`), { throwIfNoEntry: false })?.mtimeMs ?? 0
  }

  /** Waits until the daemon has begun, however long it takes to load. */
  async untilTold(): Promise<void> {
    await until('the first line in the pipe', () => this.#text('pipe.read') !== '')
  }

  /** Everything but what concerns the daemon itself. */
  async do(action: Exclude<Action, { type: 'reload' | 'stop' }>): Promise<void> {
    const { lab } = this
    switch (action.type) {
      case 'link':
        return lab.ip(DIRECTOR, [`link set ${action.name} ${action.state}`])
      case 'cable':
        return lab.cable(DIRECTOR, action.name === 'eth0' ? 0 : 1, action.state)
      case 'ip':
        return lab.ip(DIRECTOR, action.commands)
      case 'part':
        return this.#ports([DIRECTOR, PEER], 'isolated on')
      case 'deafen':
        return this.#ports([PEER], 'mcast_flood off')
      case 'join':
        return this.#ports([DIRECTOR, PEER], 'isolated off mcast_flood on')
      case 'peer':
        return this.#changePeer(action.priority)
      case 'script':
      case 'write':
      case 'remove':
      case 'run':
      case 'kill':
        return this.#set(action)
    }
  }

  /** What needs no network. */
  #set(action: Action): void {
    switch (action.type) {
      case 'script':
        return this.#end(action.name, action.ends)
      case 'write':
        return writeFileSync(this.path(action.file), action.text)
      case 'remove':
        return rmSync(this.path(action.file))
      case 'run': {
        const { name, args = ['1000'] } = action
        const running = this.#processes.get(name) ?? []
        this.#processes.set(name, [...running, this.lab.start(DIRECTOR, [this.#program(name), ...args])])
        return
      }
      case 'kill':
        this.#processes.get(action.name)?.shift()?.kill('SIGKILL')
        return
      case 'link':
      case 'cable':
      case 'ip':
      case 'part':
      case 'join':
      case 'deafen':
      case 'peer':
      case 'reload':
      case 'stop':
        throw new Error(`${action.type} is for later`)
    }
  }

  /** What was seen of the director, by channel; times in ms since the epoch. */
  seen(): Readonly<Record<Exclude<Channel, 'exit'>, readonly Happened[]>> {
    return {
      scripts: toldBy(this.#text('told')).map(({ at, text }) => ({
        at,
        text: text.replaceAll(`${this.lab.directory}/`, ''),
      })),
      pipe: readFrom(this.#text('pipe.read')),
      addresses: this.#addresses?.timed() ?? [],
      adverts: advertisedBy(this.#capture?.adverts() ?? [], ADDRESS),
    }
  }

  end(): void {
    this.lab.destroy()
  }

  /** A link to `sleep`: a process is called by the name of what was executed. */
  #program(name: string): string {
    const path = this.path(this.#processName(name))
    rmSync(path, { force: true })
    symlinkSync('/bin/sleep', path)
    return path
  }

  /** No longer than the 15 characters of a name of a process. */
  #processName(name: string): string {
    return `${name}${this.lab.directorName('').replaceAll(/\D/g, '')}`
  }

  #end(name: string, end: ScriptEnd): void {
    writeFileSync(this.path(`${name}.end`), `${end}\n`)
  }

  #text(name: string): string {
    try {
      return readFileSync(this.path(name), 'utf8')
    } catch {
      return '' // nothing yet
    }
  }

  /** Settings of ports of the switch that have the instances. */
  #ports(hosts: readonly string[], settings: string): void {
    this.lab.ip(
      'switch',
      hosts.map((host) => `link set ${host}-0 type bridge_slave ${settings}`),
    )
  }

  #changePeer(priority: number | 'stopped'): void {
    if (priority === 'stopped') return this.#peer.stop()
    this.#peer.configure(peerConfiguration(this.#instances, priority))
    if (this.#peer.runs) this.#peer.reload()
    else this.#peer.start()
  }
}
