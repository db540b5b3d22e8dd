import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { startRequests } from '../support/reporter.ts'
import { WebServer } from '../support/web.ts'

/** Who may reach a virtual address: with `no_accept` the clients of its virtual servers, and neighbour discovery. */
const VIP = '10.0.0.100'
const lab = new Lab()

const config = (more: string, priority = 150) => `vrrp_instance web {
  interface eth0
  virtual_router_id 51
  version 3
  priority ${priority}
  advert_int 0.1
  ${more}
  virtual_ipaddress { ${VIP}/24 }
}
virtual_server ${VIP} 80 {
  lb_algo rr
  lb_kind NAT
  protocol TCP
  real_server 10.1.0.2 80 { TCP_CHECK { connect_timeout 1 } }
}
`
const director = new DirectorHost(lab, 'director', config('no_accept'))

beforeAll(async () => {
  lab.addSwitch('lan')
  lab.addSwitch('back')
  lab.addHost('client', [{ switch: 'lan', address: '10.0.0.1/24' }])
  lab.addHost('director', [
    { switch: 'lan', address: '10.0.0.2/24' },
    { switch: 'back', address: '10.1.0.1/24' },
  ])
  lab.addHost('server', [{ switch: 'back', address: '10.1.0.2/24' }])
  lab.run('server', ['ip', 'route', 'add', 'default', 'via', '10.1.0.1'])
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
  await new WebServer(lab, 'server').start()
  await new WebServer(lab, 'director', 'listen 8080;').start()
  await director.start()
  await director.untilState('master')
  await until('the server to be up', async () =>
    (await director.status()).services.every(({ servers }) => servers.every(({ state }) => state === 'up')),
  )
})
afterAll(() => lab.destroy())

const succeeds = (host: string, ...command: readonly [string, ...string[]]) => {
  const [program, ...args] = lab.enter(host, command)
  return spawnSync(program, args, { timeout: 10_000 }).status === 0
}
const pings = (host: string, address = VIP) => succeeds(host, 'ping', '-c', '1', '-W', '1', address)
/** Whether a program of the director's own is reached, which listens at all of its addresses. */
const answersItself = (port: number) =>
  succeeds('client', 'curl', '-s', '-m', '1', '-o', '/dev/null', `http://${VIP}:${port}/`)
const closedDrops = async () => (await director.status()).drops['closed'] ?? 0

describe('with no_accept', () => {
  test('clients of the virtual server are served, and nobody gets anything else', async () => {
    expect(lab.run('client', ['curl', '-s', '-m', '5', `http://${VIP}/`]).trim()).toBe('server')
    // From when the director has seen that this host has the address.
    await until('the address to be silent', () => !pings('client'))
    const before = await closedDrops()
    expect([pings('client'), answersItself(8080)]).toEqual([false, false])
    expect((await closedDrops()) - before).toBeGreaterThanOrEqual(2)
    expect(director.tanist('status').stdout).toMatch(/closed/)
  })

  test('neighbours find it, its other addresses are open, and this host reaches it itself', () => {
    expect(succeeds('client', 'arping', '-c', '1', '-w', '2', '-I', 'eth0', VIP)).toBe(true)
    expect(pings('client', '10.0.0.2')).toBe(true)
    expect(pings('director')).toBe(true)
  })
})

test('a reload opens and closes it, and no client of the virtual server notices', async () => {
  const requests = await startRequests(lab, 'client', VIP, 10)
  for (let round = 0; round < 3; round++) {
    director.configure(config('accept'))
    expect(await director.reload()).toEqual([])
    await until('the address to answer', () => pings('client'))
    director.configure(config('no_accept'))
    expect(await director.reload()).toEqual([])
    await until('the address to be silent', () => !pings('client'))
  }
  const { answered, failed } = await requests.report()
  expect(failed).toEqual({})
  expect(Object.keys(answered)).toEqual(['server'])
})

test('strict mode alone closes nothing; nor is the address of an owner closed', async () => {
  director.configure(config('strict_mode'))
  expect(await director.reload()).toEqual([])
  await until('the address to answer', () => pings('client'))
  expect(answersItself(8080)).toBe(true)
  director.configure(config('no_accept\n  state MASTER', 255))
  expect(await director.reload()).toEqual([])
  await director.untilState('master')
  await until('the address to answer', () => pings('client'))
})

test('an address on an interface of its own, with the MAC of the virtual router, is closed there', async () => {
  director.configure(config('use_vmac\n  no_accept'))
  expect(await director.reload()).toEqual([])
  await director.untilState('master')
  lab.run('client', ['ip', 'neigh', 'flush', 'all'])
  await until('the virtual server to answer', () =>
    succeeds('client', 'curl', '-s', '-m', '1', '-o', '/dev/null', `http://${VIP}/`),
  )
  expect([
    pings('client'),
    answersItself(8080),
    succeeds('client', 'arping', '-c', '1', '-w', '2', '-I', 'eth0', VIP),
  ]).toEqual([false, false, true])
})
