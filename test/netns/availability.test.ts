import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { availabilityPath } from '../../src/daemon/director/availability-file.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

const lab = new Lab()
const config = (hosts: readonly number[]) => `virtual_server 10.0.0.100 80 {
  delay_loop 1
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  quorum 2
${hosts.map((host) => `  real_server 192.168.1.${host} 80 {\n    TCP_CHECK {\n      connect_timeout 1\n      retry 0\n    }\n  }\n`).join('')}}
`
let director: DirectorHost
let servers: WebServer[]

beforeAll(async () => {
  lab.addSwitch('inside')
  lab.addHost('director', [{ switch: 'inside', address: '192.168.1.1/24' }])
  for (const host of [11, 12]) lab.addHost(`rs${host}`, [{ switch: 'inside', address: `192.168.1.${host}/24` }])
  servers = [11, 12].map((host) => new WebServer(lab, `rs${host}`))
  await Promise.all(servers.map((server) => server.start()))
  director = new DirectorHost(lab, 'director', config([11, 12]))
  await director.start()
})
afterAll(() => lab.destroy())

const service = async () => (await director.status()).services[0]
const server = async (i: number) => (await service())?.servers[i]
const ofServer = async (i: number) => (await server(i))?.availability?.last30Days
const ofService = async () => (await service())?.availability?.last30Days
const knownTime = async () => {
  const { upSeconds = 0, downSeconds = 0 } = (await ofService()) ?? {}
  return upSeconds + downSeconds
}

test('a failure counts for the server and for the service that has lost its quorum', async () => {
  await until('both to be checked', async () => ((await ofService())?.upSeconds ?? 0) > 0)
  await servers[1]?.stop()
  await until('the failure', async () => ((await ofServer(1))?.downSeconds ?? 0) > 1)
  await servers[1]?.start()
  await until('it to be up', async () => (await server(1))?.state === 'up')
  const [good, bad, whole] = [await ofServer(0), await ofServer(1), await ofService()]
  expect(good).toMatchObject({ availability: 1, downSeconds: 0, failures: 0 })
  expect(bad?.failures).toBe(1)
  expect(whole?.failures).toBe(1)
  // Within a round of the check, and what a busy machine adds.
  expect(Math.abs((whole?.downSeconds ?? 0) - (bad?.downSeconds ?? 0))).toBeLessThan(0.2)
  const { mtbfSeconds = 0, mttrSeconds = 0, availability } = bad ?? {}
  expect(mttrSeconds).toBe(bad?.downSeconds)
  expect(availability).toBeCloseTo(mtbfSeconds / (mtbfSeconds + mttrSeconds), 3)
})

test('people and reports have it', () => {
  const lines = director.tanist('status', '--availability').stdout.split('\n')
  expect(lines[0]).toMatch(/^SERVICE \/ SERVER +1 h +24 h +30 d +KNOWN OF 30 d +FAILURES +MTBF +MTTR$/)
  expect(lines[1]).toMatch(/^\[10\.0\.0\.100\]:tcp:80 +\d+(\.\d+)? % .* 1 +/)
  expect(lines[2]).toMatch(/^ {2}\[192\.168\.1\.11\]:80 +100 % +100 % +100 % .* 0 +- +-$/)
  const { availability } = JSON.parse(director.tanist('dump').stdout) as {
    availability: { service: string; server?: string; last30Days: { failures: number } }[]
  }
  expect(availability.map((each) => [each.server, each.last30Days.failures])).toEqual([
    [undefined, 1],
    ['[192.168.1.11]:80', 0],
    ['[192.168.1.12]:80', 1],
  ])
})

test('what an operator takes out is no failure of the server, but of the service that lacks it', async () => {
  director.tanist('server', 'disable', '10.0.0.100:80', '192.168.1.11')
  await until('the service to lack it', async () => (await ofService())?.failures === 2)
  expect(await ofServer(0)).toMatchObject({ failures: 0, downSeconds: 0 })
  director.tanist('server', 'enable', '10.0.0.100:80', '192.168.1.11')
  await until('quorum', async () => (await service())?.quorum === 'up')
})

test('a restart keeps it, and the time without a daemon counts neither as up nor as down', async () => {
  const before = await ofService()
  const known = await knownTime()
  const stopping = performance.now()
  await director.stop()
  const stopped = performance.now()
  // The server is down for as long as nobody looks.
  await servers[1]?.stop()
  await until('3 s to pass without a daemon', () => performance.now() - stopped > 3000)
  await servers[1]?.start()
  const starting = performance.now()
  await director.start()
  await until('the servers to be seen', async () => (await knownTime()) > known)
  const after = await ofService()
  expect(after?.failures).toBe(before?.failures)
  expect(after?.downSeconds).toBeCloseTo(before?.downSeconds ?? 0, 1)
  const daemons = (stopped - stopping + (performance.now() - starting)) / 1000
  expect((await knownTime()) - known).toBeLessThan(daemons + 0.5)
})

test('a file that says nothing is told, and it begins anew', async () => {
  await director.stop()
  writeFileSync(availabilityPath(lab.directorName('director')), '{')
  await director.start()
  await until('the servers to be seen', async () => (await knownTime()) > 0)
  expect((await ofService())?.failures).toBe(0)
  expect(director.logText()).toMatch(/availability\.json ignored: .*; availability is counted from now on/)
})

test('a server that is not configured any more is forgotten', async () => {
  await servers[1]?.stop()
  await until('the failure', async () => (await ofServer(1))?.failures === 1)
  await servers[1]?.start()
  await until('it to be up', async () => (await server(1))?.state === 'up')
  director.configure(config([11]))
  expect(await director.reload()).toEqual([])
  director.configure(config([11, 12]))
  expect(await director.reload()).toEqual([])
  await until('it to be checked', async () => ((await ofServer(1))?.upSeconds ?? 0) > 0)
  expect(await ofServer(1)).toMatchObject({ failures: 0 })
})
