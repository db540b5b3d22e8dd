import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

/** What the file says of the priorities, CPUs and memory of processes, as the kernel has it. */
const lab = new Lab()
const config = (more: string) => `global_defs {
  ${more}
}
vrrp_instance web {
  interface eth0
  virtual_router_id 51
  version 3
  priority 150
  advert_int 0.1
  virtual_ipaddress { 10.0.0.100/24 }
}
`
const director = new DirectorHost(lab, 'director', config('router_id plain'))
beforeAll(async () => {
  lab.addSwitch('lan')
  lab.addHost('director', [{ switch: 'lan', address: '10.0.0.2/24' }])
  await director.start()
  await director.untilState('master')
})
afterAll(() => lab.destroy())

const SCHED = { other: 0, rr: 2 } as const

/** Of every thread: nice value, real-time priority and policy (proc(5): fields 19, 40 and 41 of `stat`), and CPUs. */
function threadsOf(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const folder = `/proc/${pid}/task/${thread}`
    // Behind the name, which may have blanks in it, field 3 is first.
    const fields = readFileSync(`${folder}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
    const cpus = /^Cpus_allowed_list:\t(.*)$/m.exec(readFileSync(`${folder}/status`, 'utf8'))?.[1]
    return `nice ${fields[16]} rt ${fields[37]} policy ${fields[38]} cpus ${cpus}`
  })
}
const lockedKb = (pid: number) => Number(/^VmLck:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
const kinds = (pid: number) => [...new Set(threadsOf(pid))]
const reload = async (more: string) => {
  director.configure(config(more))
  expect(await director.reload()).toEqual([])
}

const SAID = (name: string) =>
  `${name}_priority -7\n  ${name}_rt_priority 23\n  ${name}_cpu_affinity 0\n  ${name}_no_swap`

describe.each([
  ['vrrp', 'vrrp', { policy: SCHED.rr, rt: 1 }],
  ['check', 'checker', { policy: SCHED.other, rt: 0 }],
] as const)('the %s process', (role, name, usual) => {
  test('has what the file says, and what it had before when it says it no more', async () => {
    const pid = await director.pidOf(role)
    const before = kinds(pid)
    expect(before).toHaveLength(1)
    expect([before[0], lockedKb(pid)]).toEqual([
      expect.stringContaining(`nice 0 rt ${usual.rt} policy ${usual.policy}`),
      0,
    ])
    await reload(SAID(name))
    await until('the threads to have it', () => kinds(pid).join() === `nice -7 rt 23 policy ${SCHED.rr} cpus 0`)
    // The check process has no privileges: it locks all only where there is no limit.
    const mayNot = () => role === 'check' && director.logText().includes('the limit of locked memory is too low')
    await until('its memory to be locked', () => lockedKb(pid) > 1000 || mayNot())
    await reload('router_id plain')
    await until('the threads to have what they had', () => kinds(pid).join() === before[0])
    await until('its memory to be free', () => lockedKb(pid) === 0)
    expect(await director.pidOf(role)).toBe(pid)
  })

  test('has it again after it was killed', async () => {
    await reload(SAID(name))
    const pid = await director.pidOf(role)
    process.kill(pid, 'SIGKILL')
    await until('another process', async () => {
      const next = await director.pidOf(role).catch(() => pid)
      return next !== pid && kinds(next).join() === `nice -7 rt 23 policy ${SCHED.rr} cpus 0`
    })
  })
})

test('what the kernel refuses is one warning, and the rest holds', async () => {
  await reload('vrrp_cpu_affinity 4095\n  vrrp_priority -3')
  const pid = await director.pidOf('vrrp')
  await until('the nice value', () => kinds(pid).every((kind) => kind.startsWith('nice -3 ')))
  await until('the warning', () => /set the CPUs of thread \d+: EINVAL/.test(director.logText()))
  expect(director.logText().match(/set the CPUs of/g)).toHaveLength(1)
  await director.untilState('master')
})
