import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { handsPath } from '../../src/daemon/director/hands-file.ts'
import { addBalancedHosts } from '../support/balanced-hosts.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { startRequests } from '../support/reporter.ts'
import { WebServer } from '../support/web.ts'

const lab = new Lab()
const HOSTS = [11, 12]
const service = (last: number, persistence = '') => `virtual_server 10.0.0.${last} 80 {
  delay_loop 1
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  ${persistence}
${HOSTS.map((host) => `  real_server 192.168.1.${host} 80 {\n    weight 3\n    TCP_CHECK {\n    }\n  }\n`).join('')}}
`
const config = service(100, 'persistence_timeout 600') + service(101)
let director: DirectorHost

beforeAll(async () => {
  addBalancedHosts(lab, HOSTS, [100, 101])
  await Promise.all(HOSTS.map((host) => new WebServer(lab, `rs${host}`).start()))
  director = new DirectorHost(lab, 'director', config)
  await director.start()
})
afterAll(() => lab.destroy())

/** Weights of the servers of a service, as ipvsadm lists them. */
const weights = (last: number) => {
  const [, own = ''] = director.ipvsadm('ipvsadm -Ln').stdout.split(`TCP  10.0.0.${last}:80`)
  const [text = ''] = own.split('TCP  ')
  return Object.fromEntries(
    [...text.matchAll(/-> 192\.168\.1\.(\d+):80 +Masq +(\d+)/g)].map(([, host, weight]) => [host, Number(weight)]),
  )
}
const serverOf = async (host: string) =>
  (await director.status()).services[0]?.servers.find(({ name }) => name === `[192.168.1.${host}]:80`)

test('a drain under load loses no request, also of clients that persistence keeps, and ends with the last connection', async () => {
  const requests = await startRequests(lab, 'client', '10.0.0.100', 20)
  const [first = ''] = await until('answers', async () => {
    const names = Object.keys((await requests.report()).answered)
    return names.length > 0 && names
  })
  const host = first.slice(2)
  const talk = lab.start('client', [
    process.execPath,
    '-e',
    `require('node:net').connect(80, '10.0.0.100').on('connect', () => setTimeout(() => process.exit(), 3000))`,
  ])
  await until('the connection', async () => ((await serverOf(host))?.active ?? 0) > 0)
  const begun = performance.now()
  const drain = director.startTanist('server', 'drain', '10.0.0.100:80', `192.168.1.${host}`, '--timeout', '60')
  await until('weight 0', () => weights(100)[host] === 0)
  expect(talk.exitCode).toBe(null)
  const { status, stdout } = await drain
  expect(status).toBe(0)
  expect(stdout).toMatch(
    new RegExp(
      `^\\[192.168.1.${host}\\]:80 of \\[10.0.0.100\\]:tcp:80: drains\n(\\d+ left\n)+its connections are over\n$`,
    ),
  )
  expect(talk.exitCode).toBe(0)
  expect(performance.now() - begun).toBeGreaterThan(1000)
  const { failed, answered } = await requests.report()
  expect(failed).toEqual({})
  expect(Object.keys(answered)).toContain(HOSTS.map((each) => `rs${each}`).find((name) => name !== first))
  const after = await requests.report()
  expect(after.failed).toEqual({})
  // Only what was said of is drained.
  expect(weights(101)).toEqual({ 11: 3, 12: 3 })
  const seen = await serverOf(host)
  expect(seen).toMatchObject({ weight: 0, byHand: { hand: { type: 'drain', keepClients: false } } })
  expect(seen?.reason).toMatch(/^drained by hand, by root \(pid \d+: .*tanist.*server drain.*\); connected$/)
  expect(director.tanist('server', 'enable', '10.0.0.100', `192.168.1.${host}:80`)).toMatchObject({ status: 0 })
  await until('the weight of the configuration', () => weights(100)[host] === 3)
}, 60_000)

test('what was said of a server in all its services outlives reload, crash and restart', async () => {
  expect(director.tanist('server', 'weight', 'all', '192.168.1.11', '7')).toMatchObject({
    status: 0,
    stdout: '[192.168.1.11]:80 of [10.0.0.100]:tcp:80: weight 7\n[192.168.1.11]:80 of [10.0.0.101]:tcp:80: weight 7\n',
  })
  const isSo = () => weights(100)['11'] === 7 && weights(101)['11'] === 7
  await until('weight 7', isSo)
  expect(await director.reload()).toEqual([])
  expect(isSo()).toBe(true)
  await director.stop()
  await director.start()
  await until('weight 7 again', isSo)
  // A reload that takes the server out forgets it.
  director.configure(config.replaceAll('192.168.1.11', '192.168.1.19'))
  expect(await director.reload()).toEqual([])
  director.configure(config)
  expect(await director.reload()).toEqual([])
  await until('the weight of the configuration', () => weights(100)['11'] === 3)
  expect(() => readFileSync(handsPath(lab.directorName('director')))).toThrow(/ENOENT/)
})

test('a disabled server is out as if it had failed, and checks do not bring it back', async () => {
  expect(director.tanist('server', 'disable', '10.0.0.101', '192.168.1.12')).toMatchObject({ status: 0 })
  await until('it to be out', () => weights(101)['12'] === undefined)
  expect(weights(100)['12']).toBe(3)
  const status = (await director.status()).services[1]?.servers[1]
  expect(status).toMatchObject({ state: 'down', byHand: { hand: { type: 'disable' } } })
  expect(director.tanist('server', 'enable', 'all', '192.168.1.12')).toMatchObject({ status: 0 })
  await until('it to be back', () => weights(101)['12'] === 3)
})

test('what is not there is refused', () => {
  expect(director.tanist('server', 'drain', '10.9.9.9', '192.168.1.11')).toMatchObject({
    status: 1,
    stderr: 'tanist: there is no virtual server 10.9.9.9\n',
  })
  expect(director.tanist('server', 'drain', 'all', '192.168.1.99')).toMatchObject({
    status: 1,
    stderr: 'tanist: no virtual server has a real server 192.168.1.99\n',
  })
})
