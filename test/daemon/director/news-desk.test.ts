import { describe, expect, test } from 'vitest'
import { type FormedPool, reformPool } from '../../../src/balance/pool.ts'
import { loadConfig } from '../../../src/config/load.ts'
import type { Transition, Verdict } from '../../../src/daemon/messages.ts'
import { NewsDesk } from '../../../src/daemon/director/news-desk.ts'
import { Verdicts } from '../../../src/daemon/director/verdicts.ts'
import { checkerTasks } from '../../../src/model/checker.ts'
import type { Config } from '../../../src/model/config.ts'
import type { Told } from '../../../src/model/telling.ts'
import { millis } from '../../../src/time.ts'
import { surroundings } from '../../support/surroundings.ts'

const instance = (name: string, vrid: number, inside = '') =>
  `vrrp_instance ${name} {\n interface eth0\n virtual_router_id ${vrid}\n virtual_ipaddress { 10.0.0.${vrid} }\n ${inside}\n}\n`
const server = (inside: string, ...hosts: number[]) =>
  `virtual_server 10.0.0.9 80 {\n protocol TCP\n ${inside}\n${hosts.map((host) => ` real_server 10.1.0.${host} 80 {\n TCP_CHECK {\n}\n UDP_CHECK {\n}\n }\n`).join('')}}\n`

function load(text: string): Config {
  const { config, diagnostics } = loadConfig({ name: 'x', text }, surroundings())
  if (config === undefined) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  return config
}

const transition = (name: string, vrid: number, to: Transition['to']): Transition => ({
  type: 'transition',
  instance: { name, interface: 'eth0', family: 4 as const, vrid },
  from: 'init',
  to,
  priority: 100,
  reason: 'r',
  at: 1,
})

const NOTHING = { before: [], after: [] }

function line(told: Told): string {
  switch (told.type) {
    case 'state':
      return `${told.name} ${told.from ?? '-'} → ${told.state}`
    case 'priority':
      return `${told.name} ${told.state} ${told.priority}`
    case 'lower-priority':
      return `${told.name} hears less than ${told.priority}`
    case 'server':
      return `${told.server} ${told.up ? 'up' : 'down'}${told.initial ? ' initial' : ''}: ${told.reason}`
    case 'quorum':
      return `quorum ${told.up ? 'up' : 'down'}${told.initial ? ' initial' : ''}: ${told.reason}`
    case 'checker':
      return `${told.check} of ${told.server} ${told.up ? 'good' : 'bad'}, server ${told.serverUp ? 'up' : 'down'}`
  }
}

describe('of instances', () => {
  const config = load(instance('a', 1) + instance('b', 2, 'notify_deleted'))

  test('a transition, a priority and a stop are news', () => {
    const desk = new NewsDesk(config, undefined, 0)
    const identity = { name: 'a', interface: 'eth0', family: 4 as const, vrid: 1 }
    const news = [
      ...desk.moved(transition('a', 1, 'backup')),
      ...desk.priority({ type: 'priority', instance: identity, state: 'backup', priority: 80, at: 2 }),
      ...desk.moved(transition('a', 1, 'master')),
      ...desk.priority({ type: 'lower-priority', instance: identity, priority: 80, at: 3 }),
      ...desk.moved(transition('a', 1, 'init')),
      ...desk.stopped(4),
    ]
    expect(news.map(line)).toEqual([
      'a - → BACKUP',
      'a BACKUP 80',
      'a BACKUP → MASTER',
      'a hears less than 80',
      'a MASTER → STOP',
      'b - → STOP',
    ])
  })

  test('a reload tells of who is removed, and lets the others go on, also under another name', () => {
    const desk = new NewsDesk(config, undefined, 0)
    desk.moved(transition('a', 1, 'master'))
    desk.moved(transition('b', 2, 'backup'))
    const { before, after } = desk.configure(load(instance('z', 1)), 5)
    expect(before.map(line)).toEqual(['b BACKUP → DELETED'])
    expect(after).toEqual([])
    // The election has not read the new file yet.
    expect(desk.moved(transition('a', 1, 'backup')).map(line)).toEqual(['z MASTER → BACKUP'])
    expect(desk.moved(transition('b', 2, 'master'))).toEqual([])
  })

  test('a program that goes on where another one was tells only what changes', () => {
    const known = {
      name: 'a',
      interface: 'eth0',
      family: 4,
      vrid: 1,
      version: 2,
      priority: 100,
      effectivePriority: 90,
      state: 'master',
      duty: 'normal',
      since: '',
      reason: '',
      addresses: [],
      advertsSent: 0,
      advertsReceived: 0,
      priorityZeroSent: 0,
      priorityZeroReceived: 0,
      becameMaster: 0,
      releasedMaster: 0,
      dropped: {},
      peers: [],
      trackers: [],
    } as const
    const desk = new NewsDesk(config, [known], 0)
    expect(desk.moved(transition('a', 1, 'master'))).toEqual([])
    expect(desk.stopped(4).map((told) => ('priority' in told ? told.priority : 0))).toEqual([100, 0])
  })
})

describe('of servers', () => {
  const config = load(server('quorum 2', 1, 2))
  const pools = (of: Config, verdicts: Verdicts, before?: ReadonlyMap<string, FormedPool>) =>
    new Map(
      of.virtualServers.map((each) => {
        return [
          each.name,
          reformPool(each, (real) => verdicts.standing(each, real), before?.get(each.name), undefined),
        ] as const
      }),
    )
  const [tcp = '', udp = ''] = checkerTasks(config.virtualServers).map(({ id }) => id)
  const verdict = (id: string, up: boolean): Verdict => ({
    id,
    up,
    reason: up ? 'yes' : 'no',
    at: 1,
    duration: millis(1),
  })

  test('the first states are told as such, then what changes: servers before quorum', () => {
    const verdicts = new Verdicts()
    const desk = new NewsDesk(config, undefined, 0)
    const first = pools(config, verdicts)
    expect(desk.pools(first, verdicts, 0).after.map(line)).toEqual([
      '[10.1.0.1]:80 up initial: TCP_CHECK: not checked yet; UDP_CHECK: not checked yet',
      '[10.1.0.2]:80 up initial: TCP_CHECK: not checked yet; UDP_CHECK: not checked yet',
      'quorum up initial: 2+0=2 <= 2',
    ])
    expect(desk.pools(pools(config, verdicts, first), verdicts, 0)).toEqual(NOTHING)
    verdicts.take(verdict(tcp, false))
    expect(desk.verdict(verdict(tcp, false), verdicts)).toEqual([])
    const second = pools(config, verdicts, first)
    expect(desk.pools(second, verdicts, 0).after.map(line)).toEqual([
      '[10.1.0.1]:80 down: TCP_CHECK: no',
      'quorum down: 2-0=2 > 1',
    ])
    // A second failure does not change the server, nor does the first success.
    for (const [id, up] of [
      [udp, false],
      [tcp, true],
    ] as const) {
      verdicts.take(verdict(id, up))
      expect(desk.verdict(verdict(id, up), verdicts).map(line)).toEqual([
        `${id === udp ? 'UDP' : 'TCP'}_CHECK of [10.1.0.1]:80 ${up ? 'good' : 'bad'}, server down`,
      ])
      expect(desk.pools(pools(config, verdicts, second), verdicts, 0)).toEqual(NOTHING)
    }
  })

  test('a reload tells of what is removed; a stop of what asks for that', () => {
    const verdicts = new Verdicts()
    const desk = new NewsDesk(config, undefined, 0)
    desk.pools(pools(config, verdicts), verdicts, 0)
    const other = load(server('omega', 2, 3))
    const { before, after } = desk.pools(pools(other, verdicts), verdicts, 1)
    desk.configure(other, 1)
    expect(before.map(line)).toEqual(['[10.1.0.1]:80 down: removed from the configuration'])
    expect(after.map(line)).toEqual([
      '[10.1.0.3]:80 up initial: TCP_CHECK: not checked yet; UDP_CHECK: not checked yet',
    ])
    expect(desk.stopped(2).map(line)).toEqual([
      '[10.1.0.2]:80 down: the daemon stops',
      '[10.1.0.3]:80 down: the daemon stops',
      'quorum down: the daemon stops',
    ])
    expect(desk.pools(new Map(), verdicts, 3).before.map(line)).toEqual([
      '[10.1.0.2]:80 down: removed from the configuration',
      '[10.1.0.3]:80 down: removed from the configuration',
      'quorum down: removed from the configuration',
    ])
    expect(new NewsDesk(config, undefined, 0).stopped(0)).toEqual([])
  })

  test('a program that goes on where another one was has no first states to tell', () => {
    const verdicts = new Verdicts()
    const desk = new NewsDesk(config, [], 0)
    expect(desk.pools(pools(config, verdicts), verdicts, 0)).toEqual(NOTHING)
  })
})
