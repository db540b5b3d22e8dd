import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { getServers } from 'node:dns'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addBalancedHosts } from '../support/balanced-hosts.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

const TANISTD = join(import.meta.dirname, '../../dist/bin/tanistd.js')
const lab = new Lab()
const HOSTS = [11, 12, 13]
const told = join(lab.directory, 'told')
const zone = join(lab.directory, 'zone.json')
const config = (server: string) => `global_defs {
  script_user root
}
virtual_server 10.0.0.100 80 {
  delay_loop 0.5
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  alpha
  real_server ${server} 80 {
    notify_up "/bin/sh -c 'echo up >> ${told}'"
    TCP_CHECK {
      connect_timeout 1
      retry 0
    }
  }
  real_server 192.168.1.13 80 {
    TCP_CHECK {
      connect_timeout 1
    }
  }
}
`
let director: DirectorHost

/** What names stand for from now on; null: the name server fails. */
const stands = (...addresses: string[]) =>
  writeFileSync(zone, JSON.stringify({ 'www.example.com': { ttl: 1, A: addresses } }))
const fails = () => writeFileSync(zone, JSON.stringify({ 'www.example.com': null }))

beforeAll(async () => {
  addBalancedHosts(lab, HOSTS)
  await Promise.all(HOSTS.map((host) => new WebServer(lab, `rs${host}`).start()))
  writeFileSync(told, '')
  stands('192.168.1.11')
  // The name servers of this machine are this process in the lab: /etc/resolv.conf is the same there.
  const servers = getServers().map((each) => each.replace(/^\[(.*)\]:\d+$/, '$1').replace(/%.*/, ''))
  for (const address of servers)
    if (!/^127\.|^::1$/.test(address)) lab.run('director', ['ip', 'address', 'add', address, 'dev', 'lo'])
  await once(lab.fork('director', 'name-server-process.ts', [zone, ...servers]), 'message')
  director = new DirectorHost(lab, 'director', config('www.example.com'))
  await director.start()
})
afterAll(() => lab.destroy())

const reals = async () => (await director.status()).services[0]?.servers ?? []
const alarms = async () => (await director.status()).alarms ?? []
const names = async () => (await reals()).filter(({ state }) => state === 'up').map(({ name }) => name)
const listed = () => (director.ipvsadm('ipvsadm -Ln').stdout.match(/192\.168\.1\.1[123]/g) ?? []).toSorted().join(' ')
const answer = () => lab.run('client', ['curl', '-sm2', 'http://10.0.0.100/']).trim()

test('a name is a real server at each of its addresses, with its checks and notifications', async () => {
  await until('the server', async () => (await names()).join(' ') === '[192.168.1.11]:80 [192.168.1.13]:80')
  expect((await reals())[0]?.host).toBe('www.example.com')
  await until('it to be checked', async () => (await reals()).every(({ reason }) => reason === 'connected'))
  expect(director.tanist('status').stdout).toContain('connected (www.example.com)')
  await until('both to answer', () => new Set([answer(), answer()]).size === 2)
  await until('that to be told', () => readFileSync(told, 'utf8') !== '')
  expect(await alarms()).toEqual([])
})

test('a check that is asked for looks the name up first, and so does a trial of the file on this host', () => {
  expect(director.tanist('check', '192.168.1.11').stdout).toMatch(
    /asks for the IPv4 addresses of www\.example\.com\n.*www\.example\.com is 192\.168\.1\.11\n.*connects to/,
  )
  expect(director.tanist('check', '192.168.1.13').stdout).not.toContain('addresses of')
  const file = join(lab.directory, 'trial.conf')
  const trial = (name: string) => {
    writeFileSync(file, config(name))
    return lab.run('director', ['sh', '-c', `${process.execPath} ${TANISTD} -t --host ${file} 2>&1 || true`])
  }
  expect(trial('www.example.com')).not.toContain('is found here')
  expect(trial('none.example.com')).toMatch(
    /trial\.conf:\d+:\d+: warning\[host-address\]: no IPv4 address of none\.example\.com is found here \(.*ENOTFOUND/,
  )
})

test('it follows when the time of the answer is over, and nothing else changes', async () => {
  const before = (await director.status()).configuration.loadedAt
  const pids = (await director.status()).processes.map(({ pid }) => pid)
  const other = async () => (await reals()).find(({ name }) => name === '[192.168.1.13]:80')
  const since = (await other())?.since
  stands('192.168.1.12', '192.168.1.11')
  await until('both', () => listed() === '192.168.1.11 192.168.1.12 192.168.1.13')
  stands('192.168.1.12')
  await until('the other one', () => listed() === '192.168.1.12 192.168.1.13')
  const after = await director.status()
  expect(after.configuration.loadedAt).toBe(before)
  expect(after.processes.map(({ pid }) => pid)).toEqual(pids)
  expect(since).toBeDefined()
  expect((await other())?.since).toBe(since)
})

test('the last good answer stays while nobody knows another one, which is an alarm, also over a crash', async () => {
  fails()
  const alarm = 'real server www.example.com: no IPv4 address is found (ESERVFAIL); it stays 192.168.1.12'
  await until('the alarm', async () => (await alarms()).includes(alarm))
  expect(listed()).toBe('192.168.1.12 192.168.1.13')
  await director.killAll()
  await director.start()
  expect(listed()).toBe('192.168.1.12 192.168.1.13')
  await until('the alarm again', async () => (await alarms()).includes(alarm))
  stands('192.168.1.11')
  await until('it to be over', async () => (await alarms()).length === 0)
  await until('the new one', () => listed() === '192.168.1.11 192.168.1.13')
})

test('a name that a reload brings comes when it is known, and one that it takes away is asked for no more', async () => {
  director.configure(config('new.example.com'))
  expect(await director.reload()).toEqual([])
  await until('the old one to be gone', () => listed() === '192.168.1.13')
  const alarm = 'real server new.example.com: no IPv4 address is found (ENOTFOUND); it is no real server yet'
  await until('the alarm', async () => (await alarms()).join() === alarm)
  writeFileSync(zone, JSON.stringify({ 'new.example.com': { ttl: 1, A: ['192.168.1.12'] } }))
  await until('the new one', () => listed() === '192.168.1.12 192.168.1.13')
  const kept = `/run/tanist/${lab.directorName('director')}.hosts.json`
  expect(JSON.parse(readFileSync(kept, 'utf8'))).toEqual([
    { host: 'new.example.com', family: 'inet', addresses: ['192.168.1.12'] },
  ])
  director.configure(config('192.168.1.11'))
  expect(await director.reload()).toEqual([])
  await until('the one with an address', () => listed() === '192.168.1.11 192.168.1.13')
  expect(existsSync(kept)).toBe(false)
})
