import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addBalancedHosts } from '../support/balanced-hosts.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

const lab = new Lab()
/** So seldom that a server that is dead is found out by nobody but the director before. */
const config = `virtual_server 10.0.0.100 80 {
  delay_loop 60
  warmup 60
  lvs_sched rr
  lvs_method NAT
  protocol TCP
${[11, 12].map((host) => `  real_server 192.168.1.${host} 80 {\n    TCP_CHECK {\n      connect_timeout 1\n      retry 0\n    }\n  }\n`).join('')}}
`
let director: DirectorHost
let servers: WebServer[]

beforeAll(async () => {
  addBalancedHosts(lab, [11, 12])
  servers = [11, 12].map((host) => new WebServer(lab, `rs${host}`))
  await servers[0]?.start()
  director = new DirectorHost(lab, 'director', config.replaceAll('60', '1'))
  await director.start()
})
afterAll(() => lab.destroy())

const reals = async () => (await director.status()).services[0]?.servers ?? []
const get = () => lab.run('client', ['curl', '-s', '-m', '2', 'http://10.0.0.100/']).trim()

test('a director that was killed leaves what it knew of the servers to the next one', async () => {
  await until('the dead one to be down', async () => (await reals())[1]?.state === 'down')
  await until('the other one to be checked', async () => (await reals())[0]?.reason === 'connected')
  const file = `/run/tanist/${lab.directorName('director')}.verdicts.json`
  await until('that to be kept', () => {
    try {
      const text = readFileSync(file, 'utf8')
      return text.includes('ECONNREFUSED') && text.includes('connected')
    } catch {
      return false
    }
  })
  await director.end('SIGKILL')
  director.configure(config)
  await director.start()
  expect((await reals()).map(({ state, reason }) => `${state}: ${reason}`)).toEqual([
    'up: connected',
    'down: ECONNREFUSED',
  ])
  for (let i = 0; i < 10; i++) expect(get()).toBe('rs11')
  expect(director.logText()).toMatch(/what checks found \d+ s ago holds until they have run again/)
})
