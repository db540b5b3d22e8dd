import { execFileSync } from 'node:child_process'
import { closeSync, constants, existsSync, openSync, readSync, statSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { News, NotifiedState } from '../../../src/model/notify.ts'
import { isRunning, ScriptHost } from '../../support/script-host.ts'
import { until } from '../../support/lab.ts'

let host: ScriptHost
beforeEach(() => {
  host = new ScriptHost()
  host.start()
})
afterEach(() => host.destroy())

const PIPE_BYTES = 65_536
const state = (name: string, to: NotifiedState, priority: number): News => ({
  type: 'state',
  subject: 'INSTANCE',
  name,
  state: to,
  priority,
  reason: '',
  at: 0,
})
const config = (...global: string[]) => `global_defs {
    ${global.join('\n    ')}
  }
  vrrp_instance VI_1 { interface eth0
    virtual_router_id 51
    virtual_ipaddress { 10.9.9.9/32 }
  }
`
/** What is in a pipe now. */
function contents(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const buffer = Buffer.alloc(2 * PIPE_BYTES)
  try {
    return buffer.subarray(0, readSync(fd, buffer)).toString()
  } catch {
    return '' // EAGAIN
  } finally {
    closeSync(fd)
  }
}

test('each pipe gets its own events, in order, and is gone behind the stop', async () => {
  const [all, vrrp, lvs] = ['all', 'vrrp', 'lvs'].map((name) => host.path(name))
  await host.configure(config(`notify_fifo ${all}`, `vrrp_notify_fifo ${vrrp} nobody`, `lvs_notify_fifo ${lvs}`))
  host.tell(state('VI_1', 'MASTER', 100), state('VI_1', 'BACKUP', 90))
  host.tell({ type: 'quorum', service: '[10.0.0.1]:tcp:80', up: true, reason: '', at: 0, initial: false })
  const vrrpLines = 'INSTANCE "VI_1" MASTER 100\nINSTANCE "VI_1" BACKUP 90\n'
  const lvsLine = 'VS [10.0.0.1]:tcp:80 UP\n'
  expect(await until('lvs', () => contents(lvs ?? '') || false)).toBe(lvsLine)
  expect(contents(vrrp ?? '')).toBe(vrrpLines)
  expect(contents(all ?? '')).toBe(vrrpLines + lvsLine)
  expect(statSync(all ?? '')).toMatchObject({ mode: 0o010600, uid: 0 })
  expect(statSync(vrrp ?? '')).toMatchObject({ mode: 0o010600, uid: 65_534 })
  await host.finish()
  for (const path of [all, vrrp, lvs]) expect(existsSync(path ?? '')).toBe(false)
})

test('a pipe that was there is used, and stays; something else of its name is left as it is', async () => {
  execFileSync('mkfifo', ['-m', '640', host.path('there')])
  writeFileSync(host.path('file'), 'precious')
  await host.configure(config(`notify_fifo ${host.path('there')}`, `vrrp_notify_fifo ${host.path('file')}`))
  host.tell(state('VI_1', 'MASTER', 1))
  expect(await until('a line', () => contents(host.path('there')) || false)).toBe('INSTANCE "VI_1" MASTER 1\n')
  expect(execFileSync('cat', [host.path('file')], { encoding: 'utf8' })).toBe('precious')
  expect(host.log).toMatch(/no named pipe \S+file: .*is no named pipe; it is left as it is/)
  await host.finish()
  expect(statSync(host.path('there')).mode).toBe(0o010640)
  expect(existsSync(host.path('file'))).toBe(true)
})

test('a pipe that nobody reads keeps the newest of each subject, and says how much it lost', async () => {
  await host.configure(config(`notify_fifo ${host.path('pipe')}`))
  const count = 20_000
  const names = ['VI_1', 'VI_2', 'VI_3']
  for (let i = 0; i < count; i += 1000) {
    host.tell(...Array.from({ length: 1000 }, (_, j) => state(names[(i + j) % 3] ?? '', 'MASTER', i + j)))
  }
  // An answer to what comes behind: all of it has been written by then, or has not.
  await host.configure(config(`notify_fifo ${host.path('pipe')}`, 'use_symlink_paths'))
  expect(host.log).toMatch(/nobody reads \S+pipe: it is full/)
  let text = ''
  await until('all is read', () => {
    text += contents(host.path('pipe'))
    return text.includes(` ${count - 1}\n`)
  })
  const lines = text.trimEnd().split('\n')
  const numbers = lines.map((line) => Number(line.split(' ').at(-1)))
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
  // In one piece what the kernel has room for, and then the newest of each.
  expect(numbers.slice(0, -3)).toEqual(Array.from({ length: lines.length - 3 }, (_, i) => i))
  expect(lines.slice(-3)).toEqual(
    [count - 3, count - 2, count - 1].map((i) => `INSTANCE "${names[i % 3]}" MASTER ${i}`),
  )
  const lost = count - lines.length
  await until('it says so', () => host.log.includes(`is read again; ${lost} older lines were not written`))
})

test('a handler reads the pipe, is started again when it dies, loses nothing, and ends with the daemon', async () => {
  const handler = host.script(
    'handler',
    `echo "$*" >> ${host.path('args')}; echo $$ >> ${host.path('pids')}
     while read -r line; do echo "$line" >> ${host.path('read')}; done < "\${@: -1}"`,
  )
  await host.configure(config(`notify_fifo ${host.path('pipe')}`, `notify_fifo_script "${handler} 'own one'"`))
  host.tell(state('VI_1', 'MASTER', 1))
  await until('it is read', () => host.lines('read').length === 1)
  expect(host.lines('args')).toEqual([`own one ${host.path('pipe')}`])
  const [first = ''] = host.lines('pids')
  process.kill(Number(first), 'SIGKILL')
  const [ran] = await host.untilRan(1)
  expect(ran).toMatchObject({ queue: `fifo ${host.path('pipe')}`, end: 'killed by SIGKILL', good: false })
  host.tell(state('VI_1', 'BACKUP', 2), state('VI_1', 'FAULT', 3))
  await until('the next one reads', () => host.lines('read').length === 3)
  expect(host.lines('read')[2]).toBe('INSTANCE "VI_1" FAULT 3')
  const [, second = ''] = host.lines('pids')
  host.tell(state('VI_1', 'STOP', 4))
  await host.finish()
  expect(host.lines('read')[3]).toBe('INSTANCE "VI_1" STOP 4')
  await until('it is gone', () => !isRunning(second))
})

test('a reload leaves a pipe and its handler alone, unless they are others', async () => {
  const handler = host.script('handler', `echo $$ >> ${host.path('pids')}; exec sleep 1000`)
  const text = config(`notify_fifo ${host.path('pipe')}`, `notify_fifo_script ${handler}`)
  await host.configure(text)
  await until('it runs', () => host.lines('pids').length === 1)
  const { ino } = statSync(host.path('pipe'))
  await host.configure(`${text}\n! the same`)
  expect(statSync(host.path('pipe')).ino).toBe(ino)
  expect(isRunning(host.lines('pids')[0] ?? '')).toBe(true)
  await host.configure(config(`notify_fifo ${host.path('other')}`))
  expect(isRunning(host.lines('pids')[0] ?? '')).toBe(false)
  expect(existsSync(host.path('pipe'))).toBe(false)
  expect(existsSync(host.path('other'))).toBe(true)
})

test('with fifo_write_vrrp_states_on_reload a reload writes what is, and runs nothing', async () => {
  const text = (...more: string[]) => config(`notify_fifo ${host.path('pipe')}`, ...more)
  await host.configure(text('fifo_write_vrrp_states_on_reload'))
  host.tell(state('VI_1', 'BACKUP', 90), state('VI_1', 'MASTER', 100), state('VI_9', 'MASTER', 100))
  await host.configure(text('fifo_write_vrrp_states_on_reload', 'script_user root'))
  const told = ['BACKUP 90', 'MASTER 100'].map((what) => `INSTANCE "VI_1" ${what}\n`).join('')
  expect(contents(host.path('pipe'))).toBe(`${told}INSTANCE "VI_9" MASTER 100\nINSTANCE "VI_1" MASTER 100\n`)
  await host.configure(text())
  expect(contents(host.path('pipe'))).toBe('')
})

test('when the director goes without a word the pipe stays for the next one', async () => {
  await host.configure(config(`notify_fifo ${host.path('pipe')}`))
  host.disconnect()
  await host.ended()
  expect(statSync(host.path('pipe')).isFIFO()).toBe(true)
})
