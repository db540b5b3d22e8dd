import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { failureOf } from '../../src/check/probes/finding.ts'
import { probe } from '../../src/check/probes/probe.ts'
import { millis } from '../../src/time.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { ip } from '../vrrp/instances.ts'

const TANISTD = join(import.meta.dirname, '../../dist/bin/tanistd.js')
const directory = mkdtempSync(join(tmpdir(), 'tanist-programs-test-'))
const file = join(directory, 'ping.conf')
const path = process.env['PATH'] ?? ''
/** A path on which there is nothing. */
const nothing = join(directory, 'nothing')
const server = (checks: string) =>
  `virtual_server 10.0.0.100 80 {\n protocol TCP\n delay_loop 1\n real_server 10.0.0.2 80 {\n  weight 1\n${checks}\n }\n}\n`
const PING = '  PING_CHECK {\n  }'
const LACKING = 'PING_CHECK starts the program `ping`, which this host does not have: install iputils-ping'

beforeAll(() => {
  chmodSync(directory, 0o755) // the check process is not root
  mkdirSync(nothing)
  writeFileSync(file, server(PING))
})
afterEach(() => void (process.env['PATH'] = path))
afterAll(() => rmSync(directory, { recursive: true }))

const tanistd = (...args: string[]) =>
  spawnSync(process.execPath, [TANISTD, ...args], { encoding: 'utf8', env: { PATH: nothing } })

describe('without ping, PING_CHECK', () => {
  test('is refused at the start, with a sentence', () => {
    const { status, stdout } = tanistd('-f', file, '--name', 'none', '--socket', join(directory, 'none.sock'))
    expect({ status, stdout }).toEqual({ status: 1, stdout: expect.stringContaining(LACKING) })
  })

  test('is named by -t --host, with its place, and not by -t', () => {
    const { status, stderr } = tanistd('-t', '--host', file)
    expect({ status, stderr }).toEqual({
      status: 5,
      stderr: expect.stringContaining(`${file}:6:3: error[host-program]: ${LACKING}`),
    })
    expect(tanistd('-t', file).status).toBe(0)
  })

  test('does not ask, which is not the server’s failure', async () => {
    process.env['PATH'] = nothing
    const target = { address: ip('127.0.0.1'), port: 0 }
    const zero = millis(0)
    const asked = probe({
      type: 'PING_CHECK',
      target,
      delayLoop: zero,
      timeout: millis(1000),
      retry: 0,
      delayBeforeRetry: zero,
      warmup: zero,
    })
    await expect(asked).resolves.toMatchObject({ up: undefined, reason: 'cannot start the program `ping`' })
  })
})

test.each([
  ['ECONNREFUSED', 'a failure of the server', false],
  ['ENETUNREACH', 'a failure of the server', false],
  ['EMFILE', 'not asked', undefined],
  ['ENOBUFS', 'not asked', undefined],
  ['EADDRNOTAVAIL', 'not asked', undefined],
])('a probe that fails by %s counts as %s', (code, _kind, up) => {
  expect(failureOf(Object.assign(new Error('x'), { code }), 1000)).toEqual({ up, reason: code })
})

describe('in a lab, with ping taken away while the director runs', () => {
  let lab: Lab
  let director: DirectorHost
  const folder = join(directory, 'programs')
  beforeAll(async () => {
    lab = new Lab()
    lab.addSwitch('lan')
    lab.addHost('director', [{ switch: 'lan', address: '10.0.0.1/24' }])
    lab.addHost('server', [{ switch: 'lan', address: '10.0.0.2/24' }])
    mkdirSync(folder)
    for (const program of ['ping', 'nsenter']) {
      const found = path.split(':').map((each) => join(each, program))
      symlinkSync(realpathSync(found[0] ?? ''), join(folder, program))
    }
    director = new DirectorHost(lab, 'director', server(PING))
    process.env['PATH'] = folder
    await director.start()
  })
  afterAll(() => {
    process.env['PATH'] = path
    lab.destroy()
  })
  const real = async () => (await director.status()).services[0]?.servers[0]

  test('the server stays up, status says why, the log says it once, and a reload is refused', async () => {
    await until('the first echo', async () => (await real())?.reason.startsWith('echo reply'))
    rmSync(join(folder, 'ping'))
    await until('a round without ping', async () => (await real())?.reason === 'cannot start the program `ping`')
    expect((await real())?.state).toBe('up')
    expect(await director.reload()).toEqual([LACKING])
    expect(
      director.logText().split('could not send a check from this host; the state of the server is kept').length - 1,
    ).toBe(1)
  })
})
