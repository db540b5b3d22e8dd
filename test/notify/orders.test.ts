import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import type { Command } from '../../src/model/command.ts'
import type { News, NotifiedState, ScriptConfig } from '../../src/model/notify.ts'
import { REMOVED } from '../../src/notify/states.ts'
import { ordersFor } from '../../src/notify/orders.ts'
import { surroundings } from '../support/surroundings.ts'

function scripts(text: string): ScriptConfig {
  const { config, diagnostics } = loadConfig({ name: 'test.conf', text }, surroundings())
  if (config === undefined) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  return config.scripts
}

const CONFIG = `
global_defs {
  notify_fifo /run/all
  vrrp_notify_fifo /run/vrrp
  lvs_notify_fifo /run/lvs
}
vrrp_sync_group G { group { VI_1 }
  notify_master "/g/master"
  notify_fault "/g/fault"
  notify "/g/any"
}
vrrp_instance VI_1 { interface eth0
  virtual_router_id 51
  virtual_ipaddress { 10.0.0.100/24 }
  notify_master "/i/master 1"
  notify_backup "/i/backup"
  notify_fault "/i/fault"
  notify_stop "/i/stop"
  notify "/i/any 'own argument'"
  notify_deleted "/i/deleted"
  notify_master_rx_lower_pri "/i/lower"
  notify_priority_changes yes
}
vrrp_instance VI_2 { interface eth0
  virtual_router_id 52
  virtual_ipaddress { 10.0.0.101/24 }
  notify_fault "/2/fault"
  notify "/2/any"
}
virtual_server 10.0.0.100 80 { protocol TCP
  quorum_up "/v/up"
  quorum_down "/v/down"
  real_server 10.0.0.3 8080 { weight 1
    notify_up "/r/up a b"
    notify_down "/r/down"
  }
}
virtual_server fwmark 10 { protocol TCP
  ip_family inet6
  real_server fe80::3 80 { weight 1 }
}
`
const config = scripts(CONFIG)
const text = (news: News, by = config) => {
  const { runs, lines } = ordersFor(news, by)
  const line = ({ argv }: Command, args: readonly string[]) => [...argv, ...args].join('|')
  return [
    ...runs.map(({ queue, command, args }) => `${queue}: ${line(command, args)}`),
    ...lines.map(({ path, line }) => `${path} < ${line}`),
  ]
}
const state = (name: string, to: NotifiedState, priority = 150, subject: 'INSTANCE' | 'GROUP' = 'INSTANCE'): News => ({
  type: 'state',
  subject,
  name,
  state: to,
  priority,
  reason: '',
  at: 0,
})
const toPipes = (line: string) => [`/run/all < ${line}`, `/run/vrrp < ${line}`]

test.each([
  ['MASTER', '/i/master|1'],
  ['BACKUP', '/i/backup'],
  ['FAULT', '/i/fault'],
  ['STOP', '/i/stop'],
  ['DELETED', '/i/deleted'],
] as const)('%s: the command for just this, then `notify` with four arguments more, then the pipes', (to, own) => {
  expect(text(state('VI_1', to))).toEqual([
    `instance VI_1: ${own}`,
    `instance VI_1: /i/any|own argument|INSTANCE|VI_1|${to}|150`,
    ...toPipes(`INSTANCE "VI_1" ${to} 150`),
  ])
})

test('a deleted instance without notify_deleted is told as FAULT, and notify_fault does not run', () => {
  expect(text(state('VI_2', 'DELETED', 0))).toEqual([
    'instance VI_2: /2/any|INSTANCE|VI_2|FAULT|0',
    ...toPipes('INSTANCE "VI_2" FAULT 0'),
  ])
})

test('an instance that a reload removes is told as FAULT, without notify_fault', () => {
  const removed = { type: 'state', subject: 'INSTANCE', name: 'VI_1', state: 'FAULT', priority: 150, at: 0 } as const
  expect(text({ ...removed, reason: REMOVED })).toEqual([
    'instance VI_1: /i/any|own argument|INSTANCE|VI_1|FAULT|150',
    ...toPipes('INSTANCE "VI_1" FAULT 150'),
  ])
})

test('a group has commands of its own, and no priority', () => {
  expect(text(state('G', 'MASTER', 0, 'GROUP'))).toEqual([
    'group G: /g/master',
    'group G: /g/any|GROUP|G|MASTER|0',
    ...toPipes('GROUP "G" MASTER 0'),
  ])
  expect(text(state('G', 'BACKUP', 0, 'GROUP'))).toEqual([
    'group G: /g/any|GROUP|G|BACKUP|0',
    ...toPipes('GROUP "G" BACKUP 0'),
  ])
})

test('a name is written as it is, whatever is in it', () => {
  expect(text(state('a "b" \\ c', 'MASTER', 1))).toEqual(toPipes('INSTANCE "a "b" \\ c" MASTER 1'))
})

test('changes of priority are told to the pipes, by instances that say so', () => {
  expect(text({ type: 'priority', name: 'VI_1', state: 'BACKUP', priority: 90, at: 0 })).toEqual([
    ...toPipes('INSTANCE "VI_1" BACKUP_PRIORITY 90'),
  ])
  expect(text({ type: 'priority', name: 'VI_2', state: 'MASTER', priority: 90, at: 0 })).toEqual([])
})

test('a member is told of as its group says, unless it says so itself', () => {
  const member = (name: string, vrid: number, more: string) =>
    `vrrp_instance ${name} {\n interface eth0\n virtual_router_id ${vrid}\n ${more}\n}\n`
  const grouped = (ofGroup: string, ofMember: string) =>
    scripts(
      `vrrp_sync_group G {\n group {\n VI_1\n VI_2\n }\n ${ofGroup}\n}\n${member('VI_1', 1, ofMember)}${member('VI_2', 2, '')}`,
    ).instances.map(({ priorityChanges }) => priorityChanges)
  expect(grouped('', '')).toEqual([false, false])
  expect(grouped('notify_priority_changes', '')).toEqual([true, true])
  expect(grouped('notify_priority_changes', 'notify_priority_changes off')).toEqual([false, true])
})

test('an advert of lower priority that a master hears', () => {
  expect(text({ type: 'lower-priority', name: 'VI_1', priority: 150, at: 0 })).toEqual([
    'instance VI_1: /i/lower',
    ...toPipes('INSTANCE "VI_1" MASTER_RX_LOWER_PRI 150'),
  ])
})

const HTTP = '[10.0.0.100]:tcp:80'
const server = (up: boolean, initial: boolean): News => ({
  type: 'server',
  service: HTTP,
  server: '[10.0.0.3]:8080',
  up,
  reason: '',
  at: 0,
  initial,
})

test('servers and quorum have their own pipe, and the queue of their virtual server', () => {
  const queue = `virtual server ${HTTP}`
  const both = (line: string) => [`/run/all < ${line}`, `/run/lvs < ${line}`]
  expect(text(server(true, false))).toEqual([`${queue}: /r/up|a|b`, ...both(`RS [10.0.0.3]:tcp:8080 ${HTTP} UP`)])
  expect(text(server(false, false))).toEqual([`${queue}: /r/down`, ...both(`RS [10.0.0.3]:tcp:8080 ${HTTP} DOWN`)])
  const quorum = { type: 'quorum', service: HTTP, reason: '', at: 0, initial: false } as const
  expect(text({ ...quorum, up: true })).toEqual([`${queue}: /v/up`, ...both(`VS ${HTTP} UP`)])
  expect(text({ ...quorum, up: false })).toEqual([`${queue}: /v/down`, ...both(`VS ${HTTP} DOWN`)])
})

test('a service by mark is told by its number', () => {
  const news = { type: 'quorum', service: 'FWM 10 IPv6', up: true, reason: '', at: 0, initial: false } as const
  expect(text(news)).toEqual(['/run/all < VS FWM 10 UP', '/run/lvs < VS FWM 10 UP'])
  const of = { ...server(true, false), service: 'FWM 10 IPv6', server: '[fe80::3]:80' }
  expect(text(of)[0]).toBe('/run/all < RS [fe80::3]:none:80 FWM 10 UP')
})

test('a group is told by its name, and its servers with the protocol', () => {
  const news = { type: 'quorum', service: '[web]:0 UDP', up: true, reason: '', at: 0, initial: false } as const
  expect(text(news)).toEqual(['/run/all < VS [web]:0 UP', '/run/lvs < VS [web]:0 UP'])
  const of = { ...server(true, false), service: '[web]:0 UDP', server: '[10.0.0.3]:53' }
  expect(text(of)[0]).toBe('/run/all < RS [10.0.0.3]:udp:53 [web]:0 UP')
})

test('servers that are up from the start on are told only with rs_init_notifies', () => {
  expect(text(server(true, true))).toEqual([])
  const initial = scripts(CONFIG.replace('global_defs {', 'global_defs {\n rs_init_notifies'))
  expect(text(server(true, true), initial)).toEqual(text(server(true, false)))
})

test('one line for two keywords with the same pipe', () => {
  const one = scripts(CONFIG.replaceAll('/run/vrrp', '/run/all'))
  expect(text(state('VI_3', 'MASTER', 1), one)).toEqual(['/run/all < INSTANCE "VI_3" MASTER 1'])
})
