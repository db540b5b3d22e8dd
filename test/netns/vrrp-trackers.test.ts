import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { InstanceSnapshot } from '../../src/control/snapshot.ts'
import type { Alive, FromVrrp, ToVrrp } from '../../src/daemon/messages.ts'
import type { Track } from '../../src/model/tracking.ts'
import { NO_DUTIES } from '../../src/model/duty.ts'
import type { VrrpInstance } from '../../src/model/vrrp.ts'
import { millis } from '../../src/time.ts'
import { Lab, until } from '../support/lab.ts'
import { anInstance, ip } from '../vrrp/instances.ts'
import { aResult } from '../vrrp/story.ts'

const VRRP_PROCESS = join(import.meta.dirname, '../../dist/daemon/vrrp/vrrp-process.js')

let lab: Lab
afterEach(() => lab.destroy())

/** The vrrp process of a director, which this test is in the place of. */
class Vrrp {
  readonly #child: ChildProcess
  /** What it has told, but for what it tells all the time. */
  readonly heard: string[] = []
  instance: InstanceSnapshot | undefined

  constructor(host: string) {
    const command = [process.execPath, VRRP_PROCESS, lab.directorName(host)] as const
    this.#child = lab.start(host, [...command], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    this.#child.on('message', (message: FromVrrp | Alive) => this.#take(message))
  }

  #take(message: FromVrrp | Alive): void {
    switch (message.type) {
      case 'instances':
        this.instance = message.instances[0]
        break
      case 'transition':
        this.heard.push(`${message.from} -> ${message.to} ${message.priority}`)
        break
      case 'priority':
        this.heard.push(`${message.state} with ${message.priority}`)
        break
      case 'lower-priority':
        this.heard.push(`a rival of ${message.priority}`)
        break
      case 'adopted':
      case 'taken-away':
      case 'yielded':
      case 'resumed':
      case 'alive':
        break
    }
  }

  tell(message: ToVrrp): void {
    this.#child.send(message)
  }

  configure(instance: VrrpInstance, more: Partial<Extract<ToVrrp, { type: 'configure' }>> = {}): void {
    const instances = [instance]
    const nothing = {
      groups: [],
      linkDelays: [],
      logUnknownVrids: false,
      sessions: [],
      knownSessions: [],
      statics: { addresses: [], routes: [], rules: [] },
      pacing: { arp: millis(0), advertisement: millis(0), groups: [] },
      trackers: [],
      adopt: [],
      duties: NO_DUTIES,
      checked: true,
      process: { nice: undefined, realtime: undefined, cpus: undefined, noSwap: false },
    }
    this.tell({ type: 'configure', instances, ...nothing, ...more })
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }

  untilHeard(last: string): Promise<unknown> {
    return until(last, () => this.heard.at(-1) === last)
  }
}

const load: Track = { kind: 'file', name: 'load', weight: 1, reverse: false }
const script: Track = { kind: 'script', name: 'chk', weight: 0, reverse: false }
const config = anInstance({
  advertInt: millis(100),
  addresses: [{ address: ip('10.0.0.100'), prefix: 24, device: 'eth0' }],
  tracks: [load, script],
})

function build(): void {
  lab = new Lab()
  lab.addSwitch('lan')
  lab.addHost('director', [{ switch: 'lan', address: '10.0.0.1/24' }])
  lab.addHost('other', [{ switch: 'lan', address: '10.0.0.66/24' }])
}

test('the vrrp process waits for the first result, and tells changes of priority in their order among the transitions', async () => {
  build()
  const vrrp = new Vrrp('director')
  vrrp.configure(config)
  await until('the reason', () => vrrp.instance?.reason === 'waits for the first result of the script chk')
  expect(vrrp.instance?.trackers).toMatchObject([
    { name: 'load', state: 'unknown', consequence: 'weight' },
    { name: 'chk', state: 'unknown', consequence: 'wait' },
  ])
  vrrp.tell({ type: 'trackers', results: [aResult('script', 'chk', true, 1000), aResult('file', 'load', 20, 1000)] })
  await vrrp.untilHeard('backup -> master 120')
  vrrp.tell({ type: 'trackers', results: [aResult('file', 'load', -30, 2000)] })
  vrrp.tell({ type: 'trackers', results: [aResult('script', 'chk', false, 3000)] })
  vrrp.tell({ type: 'trackers', results: [aResult('file', 'load', 5, 4000), aResult('script', 'chk', true, 4000)] })
  await vrrp.untilHeard('backup -> master 105')
  lab.fork('other', 'vrrp-sender-process.ts', ['10.0.0.66', '51', '50', '1'])
  await vrrp.untilHeard('a rival of 105')
  expect(vrrp.heard).toEqual([
    'init -> backup 120',
    'backup -> master 120',
    'master with 70',
    'master -> fault 70',
    'fault -> backup 105',
    'backup -> master 105',
    'a rival of 105',
  ])
  await until('a report', () => vrrp.instance?.effectivePriority === 105)
  expect(vrrp.instance?.trackers).toMatchObject([
    { kind: 'file', state: 5, contribution: 5, detail: 'said 5', since: new Date(4000).toISOString() },
    { kind: 'script', state: 'good', detail: 'said true', since: new Date(4000).toISOString() },
  ])
})

test('its successor goes on as master, with or without results of what it hangs on', async () => {
  build()
  const results = [aResult('script', 'chk', true), aResult('file', 'load', 20)]
  let vrrp = new Vrrp('director')
  vrrp.configure(config, { trackers: results })
  await vrrp.untilHeard('backup -> master 120')
  for (const [trackers, told] of [
    [results, ['init -> backup 120', 'backup -> master 120']],
    [[], ['init -> master 100']],
  ] as const) {
    await vrrp.kill()
    vrrp = new Vrrp('director')
    vrrp.configure(config, { trackers, adopt: [config] })
    await until('the role', () => vrrp.instance?.state === 'master')
    expect(vrrp.heard).toEqual(told)
  }
})
