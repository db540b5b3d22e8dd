import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { Verdicts } from '../../src/daemon/director/verdicts.ts'
import { checkerTasks } from '../../src/model/checker.ts'
import { millis } from '../../src/time.ts'
import { surroundings } from '../support/surroundings.ts'

/** A server with two checkers, and one with one. */
const text = `virtual_server 10.0.0.100 80 {
  protocol TCP
  real_server 10.0.0.11 80 {
    TCP_CHECK {
    }
    HTTP_GET {
      connect_port 8080
      url {
        path /
      }
    }
  }
  real_server 10.0.0.12 80 {
    TCP_CHECK {
    }
  }
}
`
const { config } = loadConfig({ name: 'x.conf', text }, surroundings())
const [server] = config?.virtualServers ?? []
const [two, one] = server?.realServers ?? []
if (config === undefined || server === undefined || two === undefined || one === undefined)
  throw new Error('no servers')
const [tcp = '', http = '', only = ''] = checkerTasks(config.virtualServers).map(({ id }) => id)
const duration = millis(3)
const at = (seconds: number) => seconds * 1000
const iso = (seconds: number) => new Date(at(seconds)).toISOString()

test('a failure of another kind is the new reason, and the server is down as long as before', () => {
  const verdicts = new Verdicts()
  expect(verdicts.describe(server, one)).toEqual({ up: true, since: undefined, reason: 'not checked yet' })
  expect(verdicts.take({ id: only, up: true, reason: 'connected', at: at(1), duration })).toBe('nothing')
  expect(verdicts.take({ id: only, up: false, reason: 'ECONNREFUSED', at: at(5), duration })).toBe('state')
  expect(verdicts.take({ id: only, up: false, reason: 'EHOSTUNREACH', at: at(9), duration })).toBe('nothing')
  expect(verdicts.describe(server, one)).toEqual({ up: false, since: iso(5), reason: 'EHOSTUNREACH' })
  expect(verdicts.take({ id: only, up: true, reason: 'connected', at: at(12), duration })).toBe('state')
  expect(verdicts.describe(server, one)).toEqual({ up: true, since: iso(12), reason: 'connected' })
})

test('of several checkers those that have failed are named', () => {
  const verdicts = new Verdicts()
  verdicts.take({ id: tcp, up: true, reason: 'connected', at: at(1), duration })
  expect(verdicts.describe(server, two).reason).toBe('TCP_CHECK: connected; HTTP_GET [10.0.0.11]:8080: not checked yet')
  verdicts.take({ id: http, up: false, reason: 'status 503 for /', at: at(2), duration })
  expect(verdicts.isUp(server, two)).toBe(false)
  expect(verdicts.describe(server, two)).toEqual({
    up: false,
    since: iso(2),
    reason: 'HTTP_GET [10.0.0.11]:8080: status 503 for /',
  })
  verdicts.take({ id: tcp, up: false, reason: 'ECONNREFUSED', at: at(3), duration })
  expect(verdicts.describe(server, two)).toEqual({
    up: false,
    since: iso(2),
    reason: 'TCP_CHECK: ECONNREFUSED; HTTP_GET [10.0.0.11]:8080: status 503 for /',
  })
  verdicts.take({ id: http, up: true, reason: 'status 200', at: at(4), duration })
  expect(verdicts.describe(server, two)).toEqual({ up: false, since: iso(3), reason: 'TCP_CHECK: ECONNREFUSED' })
  verdicts.take({ id: tcp, up: true, reason: 'connected', at: at(6), duration })
  expect(verdicts.describe(server, two)).toMatchObject({ up: true, since: iso(6) })
})

test('a server that was down is not up because a new check process could not ask it', () => {
  const verdicts = new Verdicts()
  verdicts.restore([{ id: only, up: false, reason: 'ECONNREFUSED', at: at(5), duration, since: at(5) }])
  expect(verdicts.take({ id: only, up: true, reason: 'EMFILE', at: at(9), duration, notAsked: true })).toBe('nothing')
  expect(verdicts.describe(server, one)).toEqual({ up: false, since: iso(5), reason: 'EMFILE' })
  expect(verdicts.take({ id: only, up: true, reason: 'connected', at: at(12), duration })).toBe('state')
  expect(verdicts.describe(server, one)).toEqual({ up: true, since: iso(12), reason: 'connected' })
})

test('what is told again is known, and another verdict of the same moment is not', () => {
  const verdicts = new Verdicts()
  const down = { id: only, up: false, reason: 'ECONNREFUSED', at: at(5), duration }
  verdicts.take(down)
  expect(verdicts.isKnown(down)).toBe(true)
  expect(verdicts.isKnown({ ...down, at: at(6) })).toBe(false)
  expect(verdicts.isKnown({ ...down, up: true, reason: 'connected' })).toBe(false)
  expect(verdicts.isKnown({ ...down, weight: { type: 'drain' } })).toBe(false)
  expect(verdicts.isKnown({ ...down, id: tcp })).toBe(false)
})

test('verdicts of checkers that are gone are forgotten', () => {
  const verdicts = new Verdicts()
  verdicts.take({ id: only, up: false, reason: 'ECONNREFUSED', at: at(5), duration })
  verdicts.keepOnly([])
  expect(verdicts.isUp(server, one)).toBe(true)
})

test('what was said goes along with a checker that a reload moves, and is not taken for that of another', () => {
  const tasksOf = (changed: string) => {
    const { config: ours } = loadConfig({ name: 'x.conf', text: changed }, surroundings())
    const [whole] = ours?.virtualServers ?? []
    const [first, second] = whole?.realServers ?? []
    if (ours === undefined || whole === undefined || first === undefined || second === undefined)
      throw new Error('no servers')
    const isUp = (verdicts: Verdicts) => [first, second].map((real) => verdicts.isUp(whole, real))
    return { tasks: checkerTasks(ours.virtualServers), isUp }
  }
  const now = tasksOf(text)
  const reload = (changed: string, down: string) => {
    const after = tasksOf(changed)
    const verdicts = new Verdicts()
    for (const id of [tcp, http, only]) verdicts.take({ id, up: id !== down, reason: 'x', at: at(1), duration })
    verdicts.carryOver(now.tasks, after.tasks)
    verdicts.keepOnly(after.tasks)
    return after.isUp(verdicts)
  }
  const more = text.replaceAll(' 80 {\n    TCP_CHECK', ' 80 {\n    PING_CHECK {\n    }\n    TCP_CHECK')
  const slower = more.replace('protocol TCP', 'protocol TCP\n  delay_loop 7\n  rise 2')
  for (const changed of [text, more, slower]) {
    expect(reload(changed, http)).toEqual([false, true])
    expect(reload(changed, only)).toEqual([true, false])
  }
  const twice = text.replace(
    '{\n    TCP_CHECK {\n',
    '{\n    TCP_CHECK {\n      connect_port 81\n    }\n    TCP_CHECK {\n',
  )
  const two = tasksOf(twice)
  const [one81 = '', one80 = ''] = two.tasks.map(({ id }) => id)
  const without81 = (down: string) => {
    const verdicts = new Verdicts()
    for (const id of [one81, one80]) verdicts.take({ id, up: id !== down, reason: 'x', at: at(1), duration })
    verdicts.carryOver(two.tasks, now.tasks)
    verdicts.keepOnly(now.tasks)
    return now.isUp(verdicts)[0]
  }
  expect([without81(one81), without81(one80)]).toEqual([true, false])
})

test('with alpha a server is down until all of its checkers say that it is up, and what it says first is no change when it is down', () => {
  const alpha = text
    .replace('protocol TCP', 'protocol TCP\n  alpha')
    .replace('real_server 10.0.0.12', 'real_server 10.0.0.9 80 {\n  }\n  real_server 10.0.0.12')
  const { config: ours } = loadConfig({ name: 'x.conf', text: alpha }, surroundings())
  const [whole] = ours?.virtualServers ?? []
  const [both, none] = whole?.realServers ?? []
  if (ours === undefined || whole === undefined || both === undefined || none === undefined)
    throw new Error('no servers')
  const verdicts = new Verdicts()
  verdicts.keepOnly(checkerTasks(ours.virtualServers))
  expect(verdicts.describe(whole, both)).toEqual({
    up: false,
    since: undefined,
    reason: 'TCP_CHECK: not checked yet; HTTP_GET [10.0.0.11]:8080: not checked yet',
  })
  expect(verdicts.take({ id: tcp, up: false, reason: 'ECONNREFUSED', at: at(1), duration })).toBe('nothing')
  expect(verdicts.take({ id: tcp, up: true, reason: 'connected', at: at(2), duration })).toBe('state')
  expect(verdicts.isUp(whole, both)).toBe(false)
  expect(verdicts.take({ id: http, up: true, reason: 'status 200', at: at(2), duration })).toBe('state')
  expect(verdicts.isUp(whole, both)).toBe(true)
  expect(verdicts.describe(whole, none)).toMatchObject({ up: false, reason: 'no checker says that it is up (alpha)' })
})

test('a server is known to be up when all of its checkers have asked, and to be down when one has found it so', () => {
  const verdicts = new Verdicts()
  const state = () => verdicts.state(server, two)
  expect(state()).toBe('unknown')
  verdicts.take({ id: tcp, up: true, reason: 'connected', at: at(1), duration })
  expect(state()).toBe('unknown')
  verdicts.take({ id: http, up: true, notAsked: true, reason: 'EMFILE', at: at(1), duration })
  expect(state()).toBe('unknown')
  verdicts.take({ id: http, up: true, reason: 'status 200', at: at(2), duration })
  expect(state()).toBe('up')
  verdicts.take({ id: tcp, up: false, reason: 'ECONNREFUSED', at: at(3), duration })
  verdicts.take({ id: http, up: true, notAsked: true, reason: 'EMFILE', at: at(3), duration })
  expect(state()).toBe('down')
  expect(verdicts.state(server, { ...one, checks: [] })).toBe('unknown')
})

test('what a director before has found is of the checker that asks the same now, wherever it stands', () => {
  const before = new Verdicts()
  for (const [i, id] of [tcp, http, only].entries())
    before.take({ id, up: i === 0, reason: `said by ${i}`, at: at(5), duration })
  const kept = before.kept(config.virtualServers)
  expect(JSON.stringify(kept)).not.toContain('8080')
  const after = (changed: string) => {
    const { config: ours } = loadConfig({ name: 'x.conf', text: changed }, surroundings())
    const verdicts = new Verdicts()
    verdicts.recall(JSON.parse(JSON.stringify(kept)) as typeof kept, ours?.virtualServers ?? [])
    return checkerTasks(ours?.virtualServers ?? []).map(
      ({ id, check }) => `${check.type} ${verdicts.all.find((each) => each.id === id)?.reason ?? 'has said nothing'}`,
    )
  }
  const said = ['TCP_CHECK said by 0', 'HTTP_GET said by 1', 'TCP_CHECK said by 2']
  expect(after(text)).toEqual(said)
  const moved = text.replace('    TCP_CHECK {', '    PING_CHECK {\n    }\n    TCP_CHECK {\n      retry 7')
  expect(after(moved)).toEqual(['PING_CHECK has said nothing', ...said])
  expect(after(text.replace('connect_port 8080', 'connect_port 8081'))[1]).toBe('HTTP_GET has said nothing')
  const old = new Verdicts()
  old.recall([{ id: only, up: false, reason: 'old', at: at(5), duration, since: at(5) }], config.virtualServers)
  expect(old.isUp(server, one)).toBe(false)
})
