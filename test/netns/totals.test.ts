import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

/** What is counted begins at 0 with each service that is made, and is measured from its first packet on. */
const lab = new Lab()
const VIP = '10.0.0.100'
const ADD = [`-A -u ${VIP}:53 -s rr`, `-a -u ${VIP}:53 -r 192.168.1.11:53 -m`]
let director: DirectorHost

beforeAll(async () => {
  lab.addSwitch('outside')
  lab.addSwitch('inside')
  lab.addHost('client', [{ switch: 'outside', address: '10.0.0.10/24' }])
  lab.addHost('director', [
    { switch: 'outside', address: '10.0.0.1/24' },
    { switch: 'inside', address: '192.168.1.1/24' },
  ])
  lab.run('director', ['ip', 'address', 'add', `${VIP}/32`, 'dev', 'eth0'])
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
  lab.addHost('server', [{ switch: 'inside', address: '192.168.1.11/24' }], '192.168.1.1')
  director = new DirectorHost(lab, 'director', '')
  await director.start()
})
afterAll(() => lab.destroy())

function run(...lines: readonly string[]): void {
  for (const line of lines) expect(director.ipvsadm(`ipvsadm ${line}`)).toEqual({ status: 0, stdout: '', stderr: '' })
}

/** All from one port: one connection. */
function send(datagrams: number): void {
  const program = `const socket = require("node:dgram").createSocket("udp4")
    socket.bind(5000, () => {
      let left = ${datagrams}
      const next = () => left-- > 0 ? socket.send("x", 53, "${VIP}", next) : socket.close()
      next()
    })`
  lab.run('client', [process.execPath, '-e', program])
}

/** Packets in, of the service and its server. */
const packetsIn = (list: '--stats' | '--rate'): number[] =>
  director
    .ipvsadm(`ipvsadm -Ln ${list}`)
    .stdout.split('\n')
    .filter((line) => /:53 /.test(line))
    .map((line) => Number(/:53 +\d+ +(\d+)/.exec(line)?.[1]))

beforeEach(() => run('-C', ...ADD))

describe('totals', () => {
  test.each([
    ['-D and -A', [`-D -u ${VIP}:53`, ...ADD], [0, 0]],
    ['-C and -R', ['-C', ...ADD], [0, 0]],
    // As in IPVS, a server that comes back to its service goes on.
    ['-d and -a', [`-d -u ${VIP}:53 -r 192.168.1.11:53`, ...ADD.slice(1)], [20, 20]],
    ['-E', [`-E -u ${VIP}:53 -s wlc`], [20, 20]],
  ])('after %s', (_what, lines, expected) => {
    send(20)
    expect(packetsIn('--stats')).toEqual([20, 20])
    run(...lines)
    expect(packetsIn('--stats')).toEqual(expected)
    send(3)
    expect(packetsIn('--stats')).toEqual(expected.map((packets) => packets + 3))
  })

  test('of a service that was set to zero, and then made anew', () => {
    send(20)
    run(`-Z -u ${VIP}:53`)
    expect(packetsIn('--stats')).toEqual([0, 0])
    run(`-D -u ${VIP}:53`, ...ADD)
    send(30)
    expect(packetsIn('--stats')).toEqual([30, 30])
  })
})

test('a service made by hand is in the status, which says so, and goes on counting when its totals are set to zero', async () => {
  send(20)
  run(`-Z -u ${VIP}:53`)
  const counters = { inPackets: 20 }
  const server = { name: '[192.168.1.11]:53', role: 'real', state: 'up', reason: 'not checked', weight: 1, counters }
  const { services } = await director.status()
  expect(services).toMatchObject([
    { name: `[${VIP}]:udp:53`, owner: 'ipvsadm', protocol: 'UDP', method: 'NAT', counters, servers: [server] },
  ])
  expect(services[0]).not.toHaveProperty('quorum')
  const text = director.tanist('status', `${VIP}:53`).stdout
  expect(text).toMatch(/^\[10\.0\.0\.100\]:udp:53 rr NAT .* made by hand with tanist-ipvsadm$/m)
  run('-C')
  expect((await director.status()).services).toEqual([])
})

test('packets before the first tick are in the rate: 4000 are 500 a second, as in IPVS', async () => {
  send(4000)
  const rates = await until('a rate', () => {
    const seen = packetsIn('--rate')
    return seen.every((rate) => rate > 0) && seen
  })
  // A tick may have fallen into the sending, and one more may have passed since: 4000 / 2 s / 4 and what is left of it.
  for (const rate of rates) {
    expect(rate).toBeGreaterThan(100)
    expect(rate).toBeLessThanOrEqual(500)
  }
})
