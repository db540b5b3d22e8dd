import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { scriptService } from '../../../src/daemon/director/script-link.ts'
import type { FromScript, Hello, ToScript } from '../../../src/daemon/messages.ts'
import { ScriptServer } from '../../../src/daemon/script/script-server.ts'
import { millis } from '../../../src/time.ts'
import { ScriptHost } from '../../support/script-host.ts'
import { until } from '../../support/lab.ts'

const PROGRAM = new URL('../../../src/bin/tanistd.ts', import.meta.url).pathname
const log = pino({ enabled: false })

let host: ScriptHost
let socket: string
let file: string
const left: (() => void)[] = []

beforeEach(() => {
  host = new ScriptHost()
  socket = host.path('socket')
  file = host.path('file')
})
afterEach(() => {
  for (const leave of left.splice(0)) leave()
  host.destroy()
})

/** `tanistd --script-service`, as another service manager than systemd starts it. */
async function service(): Promise<ChildProcess> {
  const args = ['--disable-sigusr1', PROGRAM, '--script-service', '--script-socket', socket, '-f', file]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  left.push(() => child.kill('SIGKILL'))
  await until('the service to listen', () => canConnect(), 20_000)
  return child
}
const canConnect = async () => {
  const tried = connect(socket)
  const connected = await Promise.race([
    once(tried, 'connect').then(() => true),
    once(tried, 'close').then(() => false),
  ]).catch(() => false)
  tried.destroy()
  return connected
}

interface Director {
  readonly socket: Socket
  readonly said: (FromScript | Hello)[]
  send(message: ToScript): void
}

function director(): Director {
  const connection = connect(socket).on('error', () => {})
  const said: (FromScript | Hello)[] = []
  createInterface({ input: connection }).on('line', (line) => said.push(JSON.parse(line) as FromScript | Hello))
  left.push(() => connection.destroy())
  return { socket: connection, said, send: (message) => connection.write(`${JSON.stringify(message)}\n`) }
}

const TRACKED = (script: string) => `vrrp_script chk {
  script ${script}
  interval 1
}
vrrp_instance web {
  interface eth0
  virtual_router_id 51
  track_script {
    chk weight 2
  }
}
`
const results = ({ said }: Director) =>
  said.flatMap((message) => {
    if (message.type === 'configured') return message.trackers
    return message.type === 'trackers' ? message.results : []
  })
const CONFIGURE = {
  type: 'configure',
  digest: 'another',
  starts: true,
  found: { up: [], down: [] },
  resting: [],
} as const

test('what a service knows outlives its director, until one has finished with it', async () => {
  writeFileSync(file, TRACKED(host.script('chk', `echo >>${host.path('runs')}; exit 0`)))
  const child = await service()
  const first = director()
  first.send(CONFIGURE)
  await until('a result', () => results(first).length > 0)
  expect(first.said[0]).toMatchObject({ type: 'hello', pid: child.pid })

  // As at a crash: nothing was said.
  first.socket.destroy()
  const second = director()
  second.send({ ...CONFIGURE, starts: false })
  const configured = await until('an answer', () => second.said.find(({ type }) => type === 'configured'))
  expect(configured).toMatchObject({ trackers: [{ name: 'chk', detail: expect.stringMatching(/^exit status 0/) }] })

  second.send({ type: 'finish', within: 1000, shutdown: true })
  await until('its last word', () => second.said.some(({ type }) => type === 'finished'))
  // The next director is for the next process.
  expect(await canConnect()).toBe(false)
  second.socket.destroy()
  await until('its end', () => child.exitCode !== null)
  expect(child.exitCode).toBe(0)
})

test('SIGTERM: what was told is done first', async () => {
  writeFileSync(
    file,
    `vrrp_instance web {\n  interface eth0\n  virtual_router_id 51\n  notify ${host.script('slow', `sleep 0.5; echo "$@" >>${host.path('told')}`)}\n}\n`,
  )
  const child = await service()
  const one = director()
  one.send(CONFIGURE)
  const news = { type: 'state', subject: 'INSTANCE', name: 'web', state: 'MASTER', priority: 100 } as const
  one.send({ type: 'news', news: [{ ...news, reason: '', at: Date.now() }] })
  await until('the news to be taken', () => one.said.some(({ type }) => type === 'configured'))
  child.kill('SIGTERM')
  await until('its end', () => child.exitCode !== null)
  expect(host.lines('told')).toEqual(['INSTANCE web MASTER 100'])
})

test('without a director it ends after a while, and one of another version is told to finish, once', async () => {
  writeFileSync(file, '')
  const options = { file, configId: 'here', version: 'old' }
  const old = new ScriptServer(options, log, millis(50))
  await old.listen(socket)
  const said: string[] = []
  const link = scriptService(socket, 'new', log, {
    connected: () => said.push('connected'),
    message: ({ type }) => said.push(type),
    lost: () => said.push('lost'),
  })
  await old.ended
  expect(said).toEqual([])
  await old.leave(0)

  const next = new ScriptServer(options, log, millis(50))
  await next.listen(socket)
  await until('the director to take it as it is', () => said.includes('connected'))
  expect(link.snapshot).toMatchObject({ role: 'script', pid: process.pid, restarts: 0 })
  await link.stop(0)
  await next.ended
  await next.leave(0)
})
