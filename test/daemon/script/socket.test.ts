import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { configToRun, readConfigFile } from '../../../src/host/config-file.ts'
import type { FromScript, Hello, ToScript } from '../../../src/daemon/messages.ts'
import { LineReader, LONGEST_LINE } from '../../../src/daemon/script/line-reader.ts'
import { scriptDigest } from '../../../src/daemon/script-digest.ts'
import { until } from '../../support/lab.ts'

const PROGRAM = join(import.meta.dirname, '../../../src/bin/tanistd.ts')

let folder: string
let service: ChildProcess
let log: string
const [path, file] = [() => join(folder, 'script.sock'), () => join(folder, 'tanist.conf')]
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tanist-script-'))
  writeFileSync(file(), '')
  const args = ['--script-service', '--script-socket', path(), '-f', file(), '-i', 'here', '--name', 'test']
  service = spawn(process.execPath, ['--disable-sigusr1', PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  log = ''
  service.stdout?.on('data', (text: Buffer) => (log += text.toString()))
  await until('it listens', () => existsSync(path()))
})
afterEach(async () => {
  const ended = service.exitCode === null && once(service, 'exit')
  service.kill('SIGKILL')
  await ended
  rmSync(folder, { recursive: true, force: true })
})

/** A director's end of the socket. */
class Director {
  readonly said: (FromScript | Hello)[] = []
  readonly #socket: Socket
  closed = false

  constructor() {
    const reader = new LineReader(LONGEST_LINE)
    this.#socket = createConnection(path())
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => (this.closed = true))
    this.#socket.on('data', (bytes) => {
      for (const line of reader.add(bytes)) this.said.push(JSON.parse(line) as FromScript | Hello)
    })
  }

  write(text: string): void {
    this.#socket.write(text)
  }

  send(message: ToScript): void {
    this.write(`${JSON.stringify(message)}\n`)
  }

  async untilSaid<T extends (FromScript | Hello)['type']>(type: T): Promise<Extract<FromScript | Hello, { type: T }>> {
    return await until(`it says ${type}`, () =>
      this.said.find((message): message is Extract<FromScript | Hello, { type: T }> => message.type === type),
    )
  }

  end(): void {
    this.#socket.destroy()
  }
}

/** A script that says how often it has run is tracked, and notified of changes. */
function configure(): ToScript {
  const script = join(folder, 'check')
  writeFileSync(script, `#!/bin/sh\necho x >> ${folder}/runs; echo "run $(wc -l < ${folder}/runs)"\n`, { mode: 0o755 })
  writeFileSync(
    file(),
    `vrrp_script chk { script "${script}"
       interval 60
     }
     vrrp_instance VI_1 { interface eth0
       virtual_router_id 51
       virtual_ipaddress { 10.9.9.9/32 }
       track_script { chk }
       notify "/bin/echo told"
     }`,
  )
  const { config } = configToRun(readConfigFile(file(), 'here'), true)
  if (config === undefined) throw new Error('refused')
  return {
    type: 'configure',
    digest: scriptDigest(config.scripts),
    starts: true,
    found: { up: [], down: [] },
    resting: [],
  }
}

test('a director is told who it is that runs commands, and what is found', async () => {
  const director = new Director()
  director.send(configure())
  expect((await director.untilSaid('configured')).trackers).toEqual([])
  expect((await director.untilSaid('trackers')).results).toMatchObject([
    { kind: 'script', name: 'chk', value: { type: 'good' } },
  ])
  const news = {
    type: 'state',
    subject: 'INSTANCE',
    name: 'VI_1',
    state: 'MASTER',
    priority: 1,
    reason: '',
    at: 0,
  } as const
  director.send({ type: 'news', news: [news] })
  expect(await director.untilSaid('ran')).toMatchObject({ output: 'told INSTANCE VI_1 MASTER 1' })
  expect(await director.untilSaid('hello')).toMatchObject({ pid: service.pid })
})

test('what is tracked goes on without a director, and the next one is told all that is known', async () => {
  const first = new Director()
  first.send(configure())
  await first.untilSaid('trackers')
  first.end()
  const second = await until('the next one is let in', async () => {
    const next = new Director()
    next.send(configure())
    await until('an answer', () => next.closed || next.said.length > 0)
    return !next.closed && next
  })
  expect((await second.untilSaid('configured')).trackers).toMatchObject([{ name: 'chk', value: { type: 'good' } }])
  expect((await second.untilSaid('configured')).trackers[0]?.detail).toMatch(/: run 1$/)
})

test('there is one director at a time: the last one to come', async () => {
  const first = new Director()
  await first.untilSaid('hello')
  const second = new Director()
  await until('the first one is let go', () => first.closed)
  second.send(configure())
  await second.untilSaid('configured')
})

test.each([
  ['no JSON', 'x\n'],
  ['no message', '{"type":"run","command":"/bin/true"}\n'],
  ['a field that is not known', '{"type":"start","command":"/bin/true"}\n'],
  ['a line without an end', 'x'.repeat(LONGEST_LINE + 1)],
])('%s ends the connection, and nothing else', async (_, text) => {
  const director = new Director()
  director.write(text)
  await until('it is closed', () => director.closed)
  await until('it says why', () => log.includes('the connection of a director is closed: '))
  const next = new Director()
  next.send(configure())
  await next.untilSaid('configured')
})

test('only root may connect', async () => {
  expect(statSync(path()).mode & 0o777).toBe(0o600)
  chmodSync(folder, 0o755)
  chmodSync(path(), 0o666)
  const connect = `require('node:net').connect('${path()}').on('close', () => console.log('closed')).on('error', () => {})`
  // Read by root: Node itself may lie where nobody may look.
  const asNobody = `process.setgroups([]); process.setgid(65534); process.setuid(65534); ${connect}`
  expect(execFileSync(process.execPath, ['-e', asNobody], { encoding: 'utf8' })).toBe('closed\n')
  await until('it says why', () => log.includes('it belongs to user 65534'))
})

test('SIGTERM ends it in order, other signals do not', async () => {
  const director = new Director()
  director.send(configure())
  await director.untilSaid('trackers')
  service.kill('SIGHUP')
  service.kill('SIGUSR1')
  director.send({ type: 'start' })
  await director.untilSaid('started')
  service.kill('SIGTERM')
  await until('it has gone', () => service.exitCode === 0)
})
