import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { News, NotifiedState } from '../../../src/model/notify.ts'
import { ScriptHost } from '../../support/script-host.ts'
import { until } from '../../support/lab.ts'

let host: ScriptHost
beforeEach(() => {
  host = new ScriptHost()
  host.start()
})
afterEach(() => host.destroy())

const state = (name: string, to: NotifiedState, priority = 100): News => ({
  type: 'state',
  subject: 'INSTANCE',
  name,
  state: to,
  priority,
  reason: 'test',
  at: 0,
})
const instance = (...more: string[]) => `vrrp_instance VI_1 { interface eth0
  virtual_router_id 51
  virtual_ipaddress { 10.9.9.9/32 }
  ${more.join('\n  ')}
}
`
/** Appends its arguments to a file, in one write. */
const telling = (name: string) => host.script(name, `echo "${name} $*" >> ${host.path('told')}`)

test('commands run one after the other, each with its own arguments', async () => {
  const [master, any] = [telling('master'), telling('any')]
  await host.configure(
    instance(`notify_master "${master} 'two words' b"`, `notify "${any} own"`, `notify_backup ${master}`),
  )
  host.tell(state('VI_1', 'MASTER', 150), state('VI_1', 'BACKUP', 90))
  const runs = await host.untilRan(4)
  expect(host.lines('told')).toEqual([
    'master two words b',
    'any own INSTANCE VI_1 MASTER 150',
    'master ',
    'any own INSTANCE VI_1 BACKUP 90',
  ])
  expect(runs[1]).toMatchObject({
    queue: 'instance VI_1',
    argv: [any, 'own', 'INSTANCE', 'VI_1', 'MASTER', '150'],
    end: 'exit status 0',
    good: true,
    output: '',
  })
})

test('the next one waits for the one before, however long that takes', async () => {
  const slow = host.script('slow', `sleep 0.5; echo slow >> ${host.path('told')}`)
  await host.configure(instance(`notify_master ${slow}`, `notify_backup ${telling('fast')}`))
  host.tell(state('VI_1', 'MASTER'), state('VI_1', 'BACKUP'))
  await host.untilRan(2)
  expect(host.lines('told')).toEqual(['slow', 'fast '])
})

test('10 000 changes of five instances: none out of order, what is newest is told, and the memory comes back', async () => {
  const names = [1, 2, 3, 4, 5].map((i) => `VI_${i}`)
  const text = names
    .map((name, i) =>
      instance(`notify ${telling('any')}`)
        .replace('VI_1', name)
        .replace('51', `${51 + i}`),
    )
    .join('')
  await host.configure(text)
  host.tell(state('VI_1', 'MASTER', 0))
  await host.untilRan(1)
  const [before, files] = [memory(), descriptors()]
  for (let i = 0; i < 100; i++) {
    host.tell(
      ...Array.from({ length: 100 }, (_, j) => {
        const number = 100 * i + j
        return state(`VI_${(number % 5) + 1}`, number % 2 === 0 ? 'MASTER' : 'BACKUP', number)
      }),
    )
  }
  await host.finish(60_000)
  const told = host.lines('told').map((line) => line.split(' '))
  for (const [i, name] of names.entries()) {
    const numbers = told.filter((words) => words[2] === name).map((words) => Number(words[4]))
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    // All of the 100 newest are told.
    expect(numbers.slice(-100)).toEqual(Array.from({ length: 100 }, (_, j) => 9500 + i + 5 * j))
  }
  expect(host.log).toMatch(/instance VI_1: too many notifications wait for their commands/)
  expect(host.log).toMatch(/instance VI_1: \d+ notifications were not run/)
  await until('the memory is back', () => memory() < before + 32 * 1024)
  await until('every file is closed', () => descriptors() <= files)
})

const descriptors = () => readdirSync(`/proc/${host.pid}/fd`).length
/** Of the script process, resident, in KiB. */
const memory = () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${host.pid}/status`, 'utf8'))?.[1])

test('an instance that a reload has taken away is told by the commands that it had', async () => {
  const any = telling('any')
  await host.configure(instance(`notify ${any}`, `notify_deleted ${telling('deleted')}`))
  // A director tells it before it has the next configuration read.
  host.tell(state('VI_1', 'DELETED', 100))
  await host.configure(instance(`notify ${any}`).replace('VI_1', 'VI_2'))
  await host.untilRan(2)
  expect(host.lines('told')).toEqual(['deleted ', 'any INSTANCE VI_1 DELETED 100'])
})

test('startup_script and shutdown_script run once, have their time, and no more', async () => {
  const slow = host.script('slow', 'sleep 1.2; echo done; exit 4')
  const hanging = host.script('hanging', 'sleep 1000')
  await host.configure(`global_defs {
    startup_script "${slow} a"
    startup_script_timeout 5
    shutdown_script ${hanging}
    shutdown_script_timeout 1
  }
  ${instance(`notify ${telling('any')}`)}`)
  host.send({ type: 'start' })
  await until('it has started', () => host.all('started').length === 1)
  expect(host.all('ran')).toMatchObject([
    { queue: 'startup', argv: [slow, 'a'], end: 'exit status 4', good: false, output: 'done' },
  ])
  host.tell(state('VI_1', 'STOP'))
  await host.finish()
  expect(host.all('ran').slice(1)).toMatchObject([
    { queue: 'instance VI_1', good: true },
    { queue: 'shutdown', end: 'killed by SIGTERM after its time limit of 1 s', good: false },
  ])
})

test('at the stop commands have the time that they are given', async () => {
  const slow = host.script('slow', `sleep 1.5; echo $1 >> ${host.path('told')}`)
  await host.configure(instance(`notify_stop "${slow} told"`, `notify_backup "sleep 1000"`))
  host.tell(state('VI_1', 'STOP'))
  await host.finish(10_000)
  expect(host.lines('told')).toEqual(['told'])

  await host.configure(instance(`notify_backup "sleep 1000"`))
  host.tell(state('VI_1', 'BACKUP'))
  const begun = performance.now()
  await host.finish(300)
  expect(performance.now() - begun).toBeGreaterThan(290)
  expect(host.all('ran').at(-1)?.end).toBe('killed by SIGTERM after the time that there was for it at the stop')
})

test('a director that goes without a word has its news told, and the process ends', async () => {
  const slow = host.script('slow', `sleep 0.5; echo $* >> ${host.path('told')}`)
  await host.configure(instance(`notify ${slow}`))
  host.tell(state('VI_1', 'BACKUP'))
  host.disconnect()
  await host.ended()
  expect(host.lines('told')).toEqual(['INSTANCE VI_1 BACKUP 100'])
})
