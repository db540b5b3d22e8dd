import { rmSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isRunning, ScriptHost } from '../../support/script-host.ts'
import { until } from '../../support/lab.ts'

let host: ScriptHost
beforeEach(() => {
  host = new ScriptHost()
  host.start()
})
afterEach(() => host.destroy())

const tracked = (script: string, ...more: string[]) => `
vrrp_script chk { script "${script}"
  ${more.join('\n  ')}
}
vrrp_instance VI_1 { interface eth0
  virtual_router_id 51
  virtual_ipaddress { 10.9.9.9/32 }
  track_script { chk }
}
vrrp_instance VI_2 { interface eth0
  virtual_router_id 52
  virtual_ipaddress { 10.9.9.10/32 }
  track_script { chk }
}
`
const details = () =>
  host.results('chk').map(({ value, detail }) => `${value.type}: ${detail.replace(/ after [\d.]+ ms/, '')}`)
const lines = (name: string) => host.lines(name)
const untilDetail = async (pattern: RegExp) =>
  await until(`a result ${pattern}`, () => details().find((detail) => pattern.test(detail)))

test('the first run decides at once, and its status, duration and first line are told', async () => {
  const script = host.script('check', 'echo; printf "no\\t\\033[31m haproxy\\n"; echo more; exit 3')
  await host.configure(tracked(script, 'interval 60', 'timeout 50', 'fall 5'))
  const result = await until('a result', () => host.results('chk')[0])
  expect(result).toMatchObject({ kind: 'script', name: 'chk', value: { type: 'bad' } })
  expect(result.detail).toMatch(/^exit status 3 after [\d.]+ ms: no haproxy$/)
})

test('`fall` failures and `rise` successes in a row change it, and one run serves all who track it', async () => {
  const script = host.script('check', `echo x >> ${host.path('runs')}; exit $(cat ${host.path('status')})`)
  writeFileSync(host.path('status'), '0')
  await host.configure(tracked(script, 'interval 0.05', 'timeout 5', 'fall 3', 'rise 2'))
  await untilDetail(/^good/)
  const before = lines('runs').length
  writeFileSync(host.path('status'), '1')
  await untilDetail(/^bad/)
  expect(lines('runs').length - before).toBeGreaterThanOrEqual(3)
  const between = lines('runs').length
  writeFileSync(host.path('status'), '0')
  await until('it is good again', () => host.results('chk').at(-1)?.value.type === 'good')
  expect(lines('runs').length - between).toBeGreaterThanOrEqual(2)
  // Failures before the third one are told by what the script says, and change nothing.
  expect(details()).toEqual([
    'good: exit status 0',
    'good: exit status 1',
    'bad: exit status 1',
    'bad: exit status 0',
    'good: exit status 0',
  ])
})

test('an interval of fractions of a second is kept', async () => {
  await host.configure(tracked(host.script('check', `date +%s%N >> ${host.path('runs')}`), 'interval 0.1'))
  const runs = await until(
    '20 runs',
    () => lines('runs').length >= 20 && lines('runs').map((line) => Number(line) / 1e6),
  )
  const [first = 0, last = 0] = [runs[0], runs[19]]
  // 19 intervals: never faster, and slower only by what the machine is late.
  expect(last - first).toBeGreaterThan(1700)
  expect(last - first).toBeLessThan(5000)
})

test('one that hangs, and ignores SIGTERM, counts at its time limit, does not overlap, and is killed with all its processes', async () => {
  const script = host.script(
    'check',
    `trap '' TERM; echo $$ >> ${host.path('runs')}; sleep 1000 & echo $! >> ${host.path('children')}; wait; sleep 1000`,
  )
  await host.configure(tracked(script, 'interval 0.3', 'timeout 0.2'))
  await untilDetail(/^bad: still running after its time limit of 200 ms$/)
  // 0.2 s, and 2 s until SIGKILL: some turns of 0.3 s are left out.
  await until('the second run', () => lines('runs').length === 2)
  const [leader = '', child = ''] = [lines('runs')[0], lines('children')[0]]
  expect(isRunning(leader)).toBe(false)
  await until('its child is gone', () => !isRunning(child))
  expect(host.results('chk')).toHaveLength(1)
})

/** Whether a process group has come to its end. */
const isGone = (group: string) => {
  try {
    return !process.kill(-Number(group), 0)
  } catch {
    return true
  }
}

test('a fork bomb ends with its group at its time limit', async () => {
  const bomb = host.script('check', `echo $$ >> ${host.path('runs')}; ulimit -u 2000; f() { sleep 30 & f; }; f`)
  await host.configure(tracked(bomb, 'interval 60', 'timeout 0.5'))
  await untilDetail(/^bad: still running/)
  await until('the group is gone', () => isGone(lines('runs')[0] ?? ''))
})

test('a fork bomb whose first process has ended does not go on, either', async () => {
  const bomb = host.script(
    'check',
    `echo $$ >> ${host.path('runs')}; for i in $(seq 300); do sleep 1000 & done; exit 0`,
  )
  await host.configure(tracked(bomb, 'interval 60'))
  await untilDetail(/^good/)
  expect(isGone(lines('runs')[0] ?? '')).toBe(false)
  await until('the group is gone', () => isGone(lines('runs')[0] ?? ''))
  expect(host.log).toMatch(/check left more than 200 processes running; they are killed/)
})

test('what was tracked is ended when it is tracked no longer, and goes on over a reload if it is the same', async () => {
  const script = host.script('check', `echo $$ >> ${host.path('runs')}; sleep 1000`)
  const text = tracked(script, 'interval 60', 'timeout 59')
  await host.configure(text)
  await until('it runs', () => lines('runs').length === 1)
  await host.configure(`${text}\n! the same`)
  expect(lines('runs')).toHaveLength(1)
  const [pid = ''] = lines('runs')
  expect(isRunning(pid)).toBe(true)
  await host.configure(tracked(script, 'interval 60', 'timeout 58'))
  await until('the second one runs', () => lines('runs').length === 2)
  await until('the first one is gone', () => !isRunning(pid))
  expect(host.results('chk')).toEqual([])
})

test('what is known is told after a reload, unless it is of another script by that name', async () => {
  const script = host.script('check', 'exit 0')
  await host.configure(tracked(script, 'interval 60'))
  await untilDetail(/^good/)
  await host.configure(tracked(script, 'interval 60'))
  expect(host.all('configured').at(-1)?.trackers).toMatchObject([
    { kind: 'script', name: 'chk', value: { type: 'good' } },
  ])
  await host.configure(tracked(host.script('other', 'exit 1'), 'interval 60'))
  expect(host.all('configured').at(-1)?.trackers).toEqual([])
  await untilDetail(/^bad/)
})

test('with init_fail it is bad until it has run', async () => {
  const script = host.script('check', 'sleep 0.5')
  await host.configure(tracked(script, 'interval 60', 'rise 3', 'init_fail'))
  expect(host.all('configured').at(-1)?.trackers).toMatchObject([{ value: { type: 'bad' } }])
  await untilDetail(/^good/)
})

test('a script that is not there is bad, and good as soon as it is', async () => {
  const script = host.script('check', 'exit 0')
  rmSync(script)
  await host.configure(tracked(script, 'interval 0.1', 'timeout 5'))
  await untilDetail(/^bad: not started: failed to execute \/tmp\/\S+\/check: No such file or directory$/)
  host.script('check', 'exit 0')
  await untilDetail(/^good/)
})
