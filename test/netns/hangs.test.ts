import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

/** The kill comes after 1 s, the new process within another one: before the peer's 3 s are over. */
const lab = new Lab()
const config = (priority: number) => `vrrp_instance a {
  interface eth0
  virtual_router_id 51
  version 3
  priority ${priority}
  virtual_ipaddress { 10.0.0.100/24 }
}
virtual_server 10.0.0.100 80 {
  delay_loop 1
  protocol TCP
  real_server 10.0.0.66 80 {
    TCP_CHECK {
      connect_timeout 1
    }
  }
}
`
const active = new DirectorHost(lab, 'active', config(150))
const standby = new DirectorHost(lab, 'standby', config(100))

beforeAll(async () => {
  lab.addSwitch('lan')
  lab.addHost('active', [{ switch: 'lan', address: '10.0.0.1/24' }])
  lab.addHost('standby', [{ switch: 'lan', address: '10.0.0.2/24' }])
  lab.addHost('client', [{ switch: 'lan', address: '10.0.0.66/24' }])
  await Promise.all([active.start(), standby.start()])
  await active.untilState('master')
  await standby.untilState('backup')
})
afterAll(() => lab.destroy())

/** Asks who has an address four times a second, until it is killed. */
function startArping(): { readonly child: ChildProcess; macs(): Set<string> } {
  const child = lab.start('client', ['arping', '-I', 'eth0', '-w', '20', '10.0.0.100'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let text = ''
  child.stdout?.on('data', (data: Buffer) => (text += data.toString()))
  return { child, macs: () => new Set(text.match(/[0-9A-F]{2}(?::[0-9A-F]{2}){5}/g)) }
}

const restarts = async (director: DirectorHost, role: 'vrrp' | 'check') => {
  const { processes } = await director.status()
  return processes.find((each) => each.role === role)?.restarts
}

test(
  'a vrrp process that hangs is replaced before its peer gives up on it, and one MAC answers',
  { retry: 1 },
  async () => {
    const before = (await restarts(active, 'vrrp')) ?? 0
    const logged = standby.logText().length
    const arping = startArping()
    const hung = await active.pidOf('vrrp')
    const begun = performance.now()
    process.kill(hung, 'SIGSTOP')
    await until('another vrrp process', async () => (await restarts(active, 'vrrp')) === before + 1, 4000)
    const replaced = performance.now() - begun
    await active.untilState('master', 3000)
    expect(replaced).toBeLessThan(3000)
    await until('answers after that', () => performance.now() - begun > 6000)
    arping.child.kill()
    await once(arping.child, 'exit')
    expect(arping.macs().size).toBe(1)
    expect(standby.logText().slice(logged)).not.toContain('Entering MASTER')
    const reason = 'it hung: no sign of life for 1 s'
    expect(active.logText()).toContain(`the vrrp process has died (${reason}); starting it again`)
    expect(active.tanist('status').stdout).toMatch(/^vrrp +\d+ +\d+ +.*the previous one died \(it hung/m)
  },
)

test('a check process that hangs is replaced, and the checks go on', async () => {
  const server = async () => (await active.status()).services[0]?.servers[0]?.state
  await until('the server, which is not there, to be down', async () => (await server()) === 'down')
  process.kill(await active.pidOf('check'), 'SIGSTOP')
  await until('another check process', async () => (await restarts(active, 'check')) === 1, 20_000)
  expect(active.logText()).toContain('the check process has died (it hung: no sign of life for 10 s)')
  lab.start('client', [process.execPath, '-e', 'require("net").createServer(() => {}).listen(80)'])
  await until('the server to be up', async () => (await server()) === 'up')
})

test('a director that was stalled blames nobody', async () => {
  const before = [await restarts(active, 'vrrp'), await restarts(active, 'check')]
  const pid = await active.pidOf('director')
  const received = async () => (await standby.status()).instances[0]?.advertsReceived ?? 0
  const heard = await received()
  process.kill(pid, 'SIGSTOP')
  await until('15 adverts of its vrrp process meanwhile', async () => (await received()) >= heard + 15, 20_000)
  process.kill(pid, 'SIGCONT')
  await active.untilState('master')
  await until('some turns of its clock', async () => (await received()) >= heard + 18, 5000)
  expect([await restarts(active, 'vrrp'), await restarts(active, 'check')]).toEqual(before)
})

/** A director that tells systemd's end of a socket how it is; `periodMs` is the watchdog's. */
async function startWatched(host: string, periodMs: number) {
  lab.addHost(host, [])
  const socket = join(lab.directory, `${host}.notify`)
  const systemd = lab.start(host, ['socat', '-u', `UNIX-RECV:${socket}`, 'STDOUT'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let heard = ''
  systemd.stdout?.on('data', (data: Buffer) => (heard += data.toString()))
  await until('the socket', () => existsSync(socket))
  const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: String(periodMs * 1000) }
  const watched = new DirectorHost(lab, host, '', [], { env })
  await watched.start()
  const count = (word: string) => heard.split(word).length - 1
  return { watched, ready: () => count('READY=1'), fed: () => count('WATCHDOG=1') }
}

test('the watchdog, whose period goes on over an upgrade, is fed before and after it', async () => {
  const { watched, ready, fed } = await startWatched('upgraded', 3_600_000)
  await until('the first time', () => ready() === 1 && fed() === 1)
  expect(watched.tanist('upgrade')).toMatchObject({ status: 0 })
  await until('the new program', () => ready() === 2 && fed() >= 3)
  expect(fed()).toBe(3)
})

test('a director that is stalled does not feed the watchdog', async () => {
  const { watched, ready, fed } = await startWatched('watched', 600)
  await until('the watchdog to be fed', () => ready() === 1 && fed() >= 3)
  const pid = await watched.pidOf('director')
  process.kill(pid, 'SIGSTOP')
  const stopped = performance.now()
  await until('what was sent before to arrive', () => performance.now() - stopped > 300)
  const before = fed()
  await until('some periods', () => performance.now() - stopped > 2000)
  expect(fed()).toBe(before)
  process.kill(pid, 'SIGCONT')
  await until('the watchdog to be fed again', () => fed() > before)
})
