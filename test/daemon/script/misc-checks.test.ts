import { chmodSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Verdict } from '../../../src/daemon/messages.ts'
import { until } from '../../support/lab.ts'
import { isRunning, ScriptHost } from '../../support/script-host.ts'

let host: ScriptHost
beforeEach(() => {
  host = new ScriptHost()
  host.start()
})
afterEach(() => host.destroy())

const misc = (path: string, ...more: string[]) => `
    MISC_CHECK {
      misc_path "${path}"
      warmup 0
      ${more.join('\n      ')}
    }`
const service = (...checks: string[]) => `virtual_server 10.0.0.100 80 {
  protocol TCP
  delay_loop 60
  real_server 10.0.0.11 80 {
    weight 10${checks.join('')}
  }
}
`
const idOf = (index = 0) => `[10.0.0.100]:tcp:80 [10.0.0.11]:80 ${index} MISC_CHECK`
const verdicts = (index = 0): Verdict[] =>
  host.all('verdict').flatMap(({ verdict }) => (verdict.id === idOf(index) ? verdict : []))
const first = async (index = 0) => await until('a verdict', () => verdicts(index)[0])
const newest = async (wanted: (verdict: Verdict) => boolean) =>
  await until('such a verdict', () => {
    const verdict = verdicts().at(-1)
    return verdict !== undefined && wanted(verdict) && verdict
  })

test('the exit status decides, and its first line and how long it took are the reason', async () => {
  await host.configure(service(misc(host.script('check', 'echo; echo no replication; echo more; exit 3'))))
  const verdict = await first()
  expect(verdict).toMatchObject({ id: idOf(), up: false })
  expect(verdict.reason).toMatch(/^exit status 3: no replication \([\d.]+ ms\)$/)
  expect(verdict.weight).toBeUndefined()
})

test('a dynamic one asks for weights, and the same again is no news', async () => {
  const status = host.path('status')
  const script = host.script('check', `echo x >> ${host.path('runs')}; exit $(cat ${status})`)
  writeFileSync(status, '12')
  await host.configure(service(misc(script, 'misc_dynamic', 'misc_timeout 5', 'delay_loop 0.05')))
  expect(await first()).toMatchObject({ up: true, weight: { type: 'is', value: 10 } })
  const before = host.lines('runs').length
  await until('more runs', () => host.lines('runs').length >= before + 3)
  expect(verdicts()).toHaveLength(1)
  writeFileSync(status, '2')
  await newest(({ weight }) => weight?.type === 'is' && weight.value === 0)
  writeFileSync(status, '1')
  await newest(({ up }) => !up)
  writeFileSync(status, '0')
  await newest(({ up, weight }) => up && weight === undefined)
})

test('a server that was up is down after the retries, one that was not at once', async () => {
  const runs = () => host.lines('runs').length
  const script = host.script('check', `echo x >> ${host.path('runs')}; exit 1`)
  const text = service(misc(script, 'retry 2', 'delay_before_retry 0.01'))
  await host.configure(text, { up: [idOf()] })
  expect(await first()).toMatchObject({ up: false })
  expect(runs()).toBe(3)
  // Another checker, which nobody has found up yet.
  await host.configure(text.replace('retry 2', 'retry 3'))
  await until('another verdict', () => verdicts().length === 2)
  expect(runs()).toBe(4)
})

test('a server that was found down comes up after as many good runs as `rise` says', async () => {
  const script = host.script('check', `echo x >> ${host.path('runs')}; exit 0`)
  await host.configure(service(misc(script, 'rise 3', 'fast_interval 0.05')), { down: [idOf()] })
  expect((await first()).reason).toMatch(/^exit status 0 \(1 of 3 successes in a row\)/)
  await newest(({ up }) => up)
  expect(host.lines('runs')).toHaveLength(3)
})

test('one that hangs, and ignores SIGTERM, is down at its time limit, does not overlap, and is killed with its processes', async () => {
  const script = host.script(
    'check',
    `trap '' TERM; echo $$ >> ${host.path('runs')}; sleep 1000 & echo $! >> ${host.path('runs')}; wait; sleep 1000`,
  )
  await host.configure(service(misc(script, 'misc_timeout 0.5', 'delay_loop 0.1')))
  const verdict = await first()
  expect(verdict).toMatchObject({ up: false })
  expect(verdict.reason).toMatch(/^still running after its time limit of 500 ms \(5\d\d ms\)$/)
  const [program = '', child = ''] = host.lines('runs')
  expect([program, child].map(isRunning)).toEqual([true, true])
  await until('the next run', () => host.lines('runs').length > 2)
  expect([program, child].map(isRunning)).toEqual([false, false])
})

test('two checkers that say the same script run it each, by themselves', async () => {
  const script = host.script('check', `echo $1 >> ${host.path('runs')}; exit $1`)
  await host.configure(service(misc(`${script} 0`), misc(`${script} 0`), misc(`${script} 1`)))
  expect(await Promise.all([0, 1, 2].map(async (index) => (await first(index)).up))).toEqual([true, true, false])
  expect(host.lines('runs').toSorted()).toEqual(['0', '0', '1'])
})

test.each([
  ['is missing', '/nowhere/check', ['not started: ', 'No such file']],
  ['has no name in PATH', 'no-such-program-here', ['there is no program no-such-program-here in PATH']],
  ['may not be run', 'forbidden', ['not started: ', 'Permission denied']],
])('a script that %s says nothing of the server', async (_name, name, said) => {
  const forbidden = host.script('forbidden', 'exit 0')
  chmodSync(forbidden, 0o644)
  await host.configure(service(misc(name === 'forbidden' ? forbidden : name)))
  const verdict = await first()
  expect(verdict).toMatchObject({ up: true, notAsked: true })
  for (const part of said) expect(verdict.reason).toContain(part)
})

test('with enable_script_security one that others could change does not run', async () => {
  const script = host.script('check', `echo x >> ${host.path('runs')}; exit 1`)
  chmodSync(script, 0o777)
  await host.configure(`global_defs {\n enable_script_security\n}\n${service(misc(script))}`)
  expect(await first()).toMatchObject({ up: true, notAsked: true })
  expect(host.lines('runs')).toEqual([])
})

test('it runs as its user', async () => {
  const script = host.script('check', 'id -un; exit 1')
  chmodSync(host.directory, 0o755)
  await host.configure(service(misc(script, 'user nobody')))
  expect((await first()).reason).toMatch(/^exit status 1: nobody /)
})

test('a reload leaves an unchanged one alone and tells what is known, and ends the run of one that is gone', async () => {
  const [slow, quick] = [
    host.script('slow', `echo $$ >> ${host.path('slow-runs')}; sleep 1000`),
    host.script('quick', `echo x >> ${host.path('runs')}; exit 1`),
  ]
  await host.configure(service(misc(quick), misc(slow)))
  await first()
  const pid = await until('the slow one', () => host.lines('slow-runs')[0])
  await host.configure(service(misc(quick)))
  await until('its end', () => !isRunning(pid))
  expect(host.lines('runs')).toHaveLength(1)
  expect(host.all('configured').at(-1)?.verdicts).toEqual(verdicts())
})

test('one that rests ends its run without a verdict, stays so over a reload, and goes on from what was known', async () => {
  const runs = () => host.lines('runs').length
  const script = host.script(
    'check',
    `echo $$ >> ${host.path('runs')}; [ -e ${host.path('down')} ] && exit 1; sleep 1000`,
  )
  const text = service(misc(script, 'retry 1', 'delay_before_retry 0.01'))
  await host.configure(text)
  const pid = await until('a run', () => host.lines('runs')[0])
  const found = { up: [idOf()], down: [] }
  host.send({ type: 'rest', resting: [idOf()], found })
  await until('its end', () => !isRunning(pid))
  await host.configure(text, found, [idOf()])
  await host.configure(text.replace('weight 10', 'weight 11'), found, [idOf()])
  expect([runs(), verdicts()]).toEqual([1, []])
  writeFileSync(host.path('down'), '')
  host.send({ type: 'rest', resting: [], found })
  expect(await first()).toMatchObject({ up: false })
  // A new checker would believe the first failure: this one was up.
  expect(runs()).toBe(3)
})

test('a file that is refused does not keep checkers from resting', async () => {
  const script = host.script('check', `echo $$ >> ${host.path('runs')}; sleep 1000`)
  await host.configure(service(misc(script)))
  const pid = await until('a run', () => host.lines('runs')[0])
  writeFileSync(host.path('tanist.conf'), 'virtual_server {')
  host.send({ type: 'configure', digest: '', starts: false, found: { up: [], down: [] }, resting: [idOf()] })
  await until('its end', () => !isRunning(pid))
  expect(host.all('refused')).toHaveLength(1)
})

const ask = async (id: string) => {
  const number = host.all('asked').length + 1
  host.send({ type: 'ask', number, id })
  return (await until('the answer', () => host.all('asked').find((each) => each.number === number))).asked
}

test('who wants to see what one says now has it run once more, which is no verdict', async () => {
  const script = host.script('check', `echo x >> ${host.path('runs')}; echo busy; exit 7`)
  await host.configure(service(misc(script, 'misc_dynamic', 'misc_timeout 5')))
  await first()
  const asked = await ask(idOf())
  expect(asked).toMatchObject({ up: true, reason: 'exit status 7: busy', weight: { type: 'is', value: 5 } })
  expect(asked.steps.map(({ what }) => what)).toEqual([
    `runs ${script}, for 5 s at most; exit status 0 is good, and from 2 on asks for a weight of two less`,
  ])
  expect(host.lines('runs')).toHaveLength(2)
  expect(verdicts()).toHaveLength(1)
  // Only what is in the file runs.
  expect(await ask('/bin/true')).toMatchObject({ reason: 'the file as it is now has no such checker' })
})

test('one that hangs does not run twice because somebody asks again, and ends with the others', async () => {
  const script = host.script('check', `trap '' TERM; echo $$ >> ${host.path('runs')}; sleep 1000; sleep 1000`)
  await host.configure(service(misc(script, 'misc_timeout 0.3', 'warmup 1000')))
  expect(await ask(idOf())).toMatchObject({ up: false, reason: 'still running after its time limit of 300 ms' })
  const again = await ask(idOf())
  expect([again.up, again.reason]).toEqual([undefined, 'it still runs from the last time that somebody asked'])
  const pids = host.lines('runs')
  expect(pids).toHaveLength(1)
  await host.finish()
  await until('its end', () => !isRunning(pids[0] ?? ''))
})

test('nothing runs any more when the script process has finished', async () => {
  await host.configure(service(misc(host.script('check', `echo $$ >> ${host.path('runs')}; sleep 1000`))))
  const pid = await until('a run', () => host.lines('runs')[0])
  await host.finish()
  await until('its end', () => !isRunning(pid))
})
