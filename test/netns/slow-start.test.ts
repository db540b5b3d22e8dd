import { afterAll, beforeAll, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

const lab = new Lab()
const HOSTS = [11, 12]
const SLOW_SECONDS = 10
const config = (inside: string) => `virtual_server 10.0.0.100 80 {
  delay_loop 0.5
  lvs_sched wrr
  lvs_method NAT
  protocol TCP
  quorum 30
  ${inside}
${HOSTS.map((host) => `  real_server 192.168.1.${host} 80 {\n    weight 20\n    TCP_CHECK {\n      retry 0\n    }\n  }\n`).join('')}}
`
let director: DirectorHost
let server: WebServer

beforeAll(async () => {
  lab.addSwitch('outside')
  lab.addSwitch('inside')
  lab.addHost('director', [
    { switch: 'outside', address: '10.0.0.1/24' },
    { switch: 'inside', address: '192.168.1.1/24' },
  ])
  for (const host of HOSTS) lab.addHost(`rs${host}`, [{ switch: 'inside', address: `192.168.1.${host}/24` }])
  const servers = HOSTS.map((host) => new WebServer(lab, `rs${host}`))
  await Promise.all(servers.map((each) => each.start()))
  server = servers[1] as WebServer
  director = new DirectorHost(lab, 'director', config(`slow_start ${SLOW_SECONDS}`))
  await director.start()
})
afterAll(() => lab.destroy())

const service = async () => (await director.status()).services[0]
const seen = async () => (await service())?.servers[1]
const weights = () =>
  [...director.ipvsadm('ipvsadm -Ln').stdout.matchAll(/192\.168\.1\.(\d+):80 +Masq +(\d+)/g)].map(
    ([, host, weight]) => `${host}:${weight}`,
  )

test('nobody starts slowly with the daemon', async () => {
  await until('the checks', async () => (await service())?.servers.every(({ reason }) => reason === 'connected'))
  expect(weights().toSorted()).toEqual(['11:20', '12:20'])
})

test('a server that comes up again gets its weight step by step, counts for the quorum at once, and goes on over a reload', async () => {
  await server.stop()
  await until('it to be down', async () => (await seen())?.state === 'down' && (await service())?.quorum === 'down')
  await server.start()
  const up = await until('it to be up', async () => {
    const now = await seen()
    // The plan follows the verdict a moment later.
    return now?.state === 'up' && now.weight > 0 && now
  })
  const begun = performance.now()
  expect(up.weight).toBeLessThan(20)
  expect(up.configuredWeight).toBe(20)
  expect(up.reason).toMatch(/^connected; slow start: its whole weight in \d+ s$/)
  expect((await service())?.quorum).toBe('up')
  expect(director.tanist('status').stdout).toMatch(/\d+ of 20 /)
  const grown = await until('a step', async () => {
    const { weight = 0 } = (await seen()) ?? {}
    return weight > up.weight && weight
  })
  expect(weights()).not.toContain('12:20')
  director.configure(config(`slow_start ${SLOW_SECONDS}\n  hysteresis 1`))
  expect(await director.reload()).toEqual([])
  const after = await seen()
  expect(after?.weight).toBeGreaterThanOrEqual(grown)
  expect(after?.weight).toBeLessThan(20)
  await until('the whole weight', () => weights().includes('12:20'), 2 * SLOW_SECONDS * 1000)
  expect(performance.now() - begun).toBeGreaterThan(SLOW_SECONDS * 700)
  expect(await seen()).not.toHaveProperty('configuredWeight')
  await until('that to be over', async () => (await seen())?.reason === 'connected')
  expect(director.logText()).not.toContain('12:80 of VS [10.0.0.100]:tcp:80 from 20')
})

test('a reload that takes slow_start away gives the whole weight at once', async () => {
  await server.stop()
  await until('it to be down', async () => (await seen())?.state === 'down')
  await server.start()
  await until('a part of its weight', async () => ((await seen())?.weight ?? 0) > 0)
  expect(weights()).not.toContain('12:20')
  director.configure(config(''))
  expect(await director.reload()).toEqual([])
  expect(weights()).toContain('12:20')
})
