import { afterAll, beforeAll, expect, test } from 'vitest'
import { addBalancedHosts } from '../support/balanced-hosts.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

const lab = new Lab()
const HOSTS = [11, 12, 13]
const real = (host: number, weight = 1) => `  real_server 192.168.1.${host} 80 {
    weight ${weight}
    TCP_CHECK {
      connect_timeout 1
      retry 0
    }
  }
`
const service = (servers: string) => `virtual_server 10.0.0.100 80 {
  delay_loop 1
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  quorum 2
${servers}}
`
const config = service(HOSTS.map((host) => real(host)).join(''))
let director: DirectorHost
let servers: WebServer[]

beforeAll(async () => {
  addBalancedHosts(lab, HOSTS)
  servers = HOSTS.map((host) => new WebServer(lab, `rs${host}`))
  await Promise.all(servers.map((server) => server.start()))
  director = new DirectorHost(lab, 'director', config)
  await director.start()
})
afterAll(() => lab.destroy())

const get = () => lab.run('client', ['curl', '-s', '-m', '2', 'http://10.0.0.100/']).trim()
const seen = async (i: number) => (await director.status()).services[0]?.servers[i]
const levelOf = (message: string) =>
  (
    JSON.parse(
      director
        .logText()
        .split('\n')
        .find((line) => line.includes(message)) ?? '{}',
    ) as { level?: number }
  ).level

test('a lost quorum without a sorry server takes out only those that have failed', async () => {
  await servers[1]?.stop()
  await servers[2]?.stop()
  await until('quorum to be lost', async () => (await director.status()).services[0]?.quorum === 'down')
  for (let i = 0; i < 5; i++) expect(get()).toBe('rs11')
  expect(director.ipvsadm('ipvsadm -Ln').stdout).toMatch(/-> 192\.168\.1\.11:80 +Masq +1 /)
  expect(director.ipvsadm('ipvsadm -Ln').stdout).not.toContain('192.168.1.12')
})

test('that a server is down is a warning, and that it is back is not', async () => {
  expect(levelOf('[192.168.1.13]:80 0 TCP_CHECK failed: ECONNREFUSED')).toBe(40)
  await servers[2]?.start()
  await until('the server to be up', async () => (await seen(2))?.state === 'up')
  expect(levelOf('[192.168.1.13]:80 0 TCP_CHECK success: connected')).toBe(30)
})

test('the status tells the newest reason, and since when the server is down', async () => {
  const before = await seen(1)
  expect(before).toMatchObject({ state: 'down', reason: 'ECONNREFUSED' })
  lab.cable('rs12', 0, 'down')
  const now = await until('another reason', async () => {
    const server = await seen(1)
    return server?.reason !== 'ECONNREFUSED' && server
  })
  expect(now).toMatchObject({ state: 'down', since: before?.since })
  expect(now.reason).toMatch(/^(no answer within 1 s|EHOSTUNREACH)$/)
})

test('a server without weight is drained when its last connection has ended, not before', async () => {
  const client = lab.start('client', [
    process.execPath,
    '-e',
    'const s = require("net").connect(80, "10.0.0.100"); s.on("close", () => process.exit()); process.on("SIGTERM", () => s.resetAndDestroy())',
  ])
  await until('its connection', () =>
    director.tanist('connections', '--state', 'ESTABLISHED').stdout.includes('10.0.0.10'),
  )
  const holder = director.tanist('connections', '--state', 'ESTABLISHED').stdout.includes('192.168.1.11') ? 11 : 13
  director.configure(service([11, 13].map((host) => real(host, host === holder ? 0 : 1)).join('')))
  expect(await director.reload()).toEqual([])
  const state = () =>
    new RegExp(`\\[192\\.168\\.1\\.${holder}\\]:80 +(\\S+(?: \\(\\d+\\))?)`).exec(director.tanist('status').stdout)?.[1]
  expect(state()).toMatch(/^DRAINING \(\d+\)$/)
  client.kill('SIGTERM')
  director.tanist('connections', '--delete', '--server', `192.168.1.${holder}`)
  await until('the last one to have ended', () => state() === 'DRAINED', 15_000)
})
