import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Capture } from '../support/capture.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import { Reporter, startRequests } from '../support/reporter.ts'
import { WebServer } from '../support/web.ts'

/** Two machines that are each other's directors and real servers, by direct routing, with one and the same file: conf/two-machines.conf. */
const CONF = join(import.meta.dirname, '../../conf')
const VIP = '172.18.100.8'
const VIP6 = '2001:db8:18::8'
const lab = new Lab()
const hosts = ['machine1', 'machine2'] as const

/** The same over IPv6, for which nobody is elected: its virtual address is on machine1. */
const ipv6 = `
virtual_server ${VIP6} 80 {
    lb_algo rr
    lb_kind DR
    protocol TCP
    real_server 2001:db8:18::1 80 { TCP_CHECK { connect_timeout 1 } }
    real_server 2001:db8:18::2 80 { TCP_CHECK { connect_timeout 1 } }
}
`
const config =
  readFileSync(join(CONF, 'two-machines.conf'), 'utf8').replace('advert_int 1\n', 'advert_int 0.1\n') + ipv6

const machines = hosts.map((host) => new DirectorHost(lab, host, config))
const [one, two] = machines as [DirectorHost, DirectorHost]

beforeAll(async () => {
  lab.addSwitch('lan')
  lab.addHost('client', [{ switch: 'lan', address: '172.18.0.10/16' }])
  lab.run('client', ['ip', 'address', 'add', '2001:db8:18::10/64', 'dev', 'eth0', 'nodad'])
  for (const [i, host] of hosts.entries()) {
    lab.addHost(host, [{ switch: 'lan', address: `172.18.100.${i + 1}/16` }])
    lab.run(host, ['ip', 'address', 'add', `2001:db8:18::${i + 1}/64`, 'dev', 'eth0', 'nodad'])
    for (const vip of [VIP, VIP6]) lab.run(host, [join(CONF, 'real-server-dr.sh'), 'start', vip])
    await new WebServer(lab, host).start()
    await once(lab.fork(host, 'udp-echo.ts', ['7', VIP]), 'message')
  }
  lab.run('machine1', ['ip', 'address', 'add', `${VIP6}/128`, 'dev', 'eth0', 'nodad', 'preferred_lft', '0'])
  for (const machine of machines) await machine.start()
  await until('one of them to be master', async () => (await masters()).length === 1)
  for (const machine of machines) await untilUp(machine)
})
afterAll(() => lab.destroy())

async function masters(): Promise<DirectorHost[]> {
  const are = await Promise.all(machines.map((machine) => machine.isMaster().catch(() => false)))
  return machines.filter((_, i) => are[i])
}

async function untilUp(machine: DirectorHost): Promise<void> {
  const isUp = async () =>
    (await machine.status()).services.every(({ servers }) => servers.every(({ state }) => state === 'up'))
  await until(`${machine.host} to find every server up`, isUp)
}

/** Asks so many times, one connection each; says which machine answered how often. */
function answers(host: string, vip: string, count: number): Record<string, number> {
  const url = `http://${vip.includes(':') ? `[${vip}]` : vip}/?[1-${count}]`
  const output = lab.run(host, ['curl', '-s', '-m', '5', '--no-keepalive', '-H', 'Connection: close', url])
  const counts: Record<string, number> = {}
  for (const name of output.trim().split('\n')) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

/** Every frame of the clients' to the virtual addresses, from now on, each as often as it passes the switch. */
async function watch(): Promise<() => Promise<{ opening: number; leastTtl: number }>> {
  const toVips = `dst host ${VIP} or dst host ${VIP6}`
  const capture = await Capture.start(lab, 'lan', `(${toVips}) and not icmp and not icmp6`)
  return async () => {
    // Behind all others.
    lab.run('client', ['bash', '-c', `echo > /dev/udp/${VIP}/9`])
    await until('the last frame', () => /> 172\.18\.100\.8\.9:/.test(capture.text))
    capture.stop()
    const ttls = [...capture.text.matchAll(/(?:ttl|hlim) (\d+)/g)].map(([, ttl]) => Number(ttl))
    const opening = [...capture.text.matchAll(/> (?:172\.18\.100\.8|2001:db8:18::8)\.80: Flags \[S\]/g)].length
    return { opening, leastTtl: Math.min(...ttls) }
  }
}

afterEach(async () => {
  for (const machine of machines) expect(machine.logText()).not.toMatch(/"level":"?(error|50)/)
})

describe.each([
  ['IPv4', VIP],
  ['IPv6', VIP6],
])('%s', (_name, vip) => {
  // A segment that is sent again on a busy machine is one more.
  test(
    '200 requests are shared by both, and each frame passes the wire once for each machine that it has to get to',
    { retry: 2 },
    async () => {
      const end = await watch()
      expect(answers('client', vip, 200)).toEqual({ machine1: 100, machine2: 100 })
      // Half of them are sent on to the other machine, and by nobody else once more.
      expect(await end()).toEqual({ opening: 300, leastTtl: 63 })
    },
  )

  test.each(hosts)('clients on %s itself are answered', (host) => {
    const { machine1 = 0, machine2 = 0 } = answers(host, vip, 20)
    expect(machine1 + machine2).toBe(20)
  })
})

test('while the role goes to the other machine and back, every request is answered, and none goes round', async () => {
  const end = await watch()
  const flows = await Reporter.start<number>(lab, 'client', 'udp-flows-process.ts', VIP, '7', '40')
  expect(await flows.report()).toBe(40)
  const requests = await startRequests(lab, 'client', VIP, 10)
  for (let round = 0; round < 2; round++) {
    const [active] = await masters()
    if (active === undefined) throw new Error('nobody is master')
    const standby = active === one ? two : one
    await active.stop()
    await standby.untilState('master')
    // Of every flow the machine that is gone may have been the server: its program on this host is not.
    expect(await flows.report()).toBe(40)
    await active.start()
    await active.untilState('backup')
    await untilUp(active)
    expect(await flows.report()).toBe(40)
  }
  const { answered, failed } = await requests.report()
  expect(failed).toEqual({})
  expect(Object.keys(answered).toSorted()).toEqual([...hosts])
  expect((await end()).leastTtl).toBe(63)
})

test('while both are master, since neither hears the other, every request is answered, and none goes round', async () => {
  const adverts = (what: '-A' | '-D') => {
    for (const host of hosts) lab.run(host, ['iptables', what, 'INPUT', '-p', '112', '-j', 'DROP'])
  }
  adverts('-A')
  try {
    await until('both to be master', async () => (await masters()).length === 2)
    const end = await watch()
    const { machine1 = 0, machine2 = 0 } = answers('client', VIP, 40)
    // Which of the two the client asks may change meanwhile.
    expect(machine1 + machine2).toBe(40)
    expect((await end()).leastTtl).toBe(63)
  } finally {
    adverts('-D')
  }
  await until('one of them to give up', async () => (await masters()).length === 1)
})

test('a machine that has got another MAC is known again', async () => {
  const [active] = await masters()
  const host = active?.host ?? ''
  lab.run(host, ['ip', 'link', 'set', 'eth0', 'address', '02:00:00:00:99:99'])
  await until('both to be in their roles', async () => (await masters()).length === 1)
  await until('only one hop on the way', async () => {
    const end = await watch()
    answers('client', VIP, 20)
    return (await end()).leastTtl === 63
  })
})

test('a machine says so when it has not the virtual address as a real server', async () => {
  const [active] = await masters()
  const standby = active === one ? two : one
  const prepare = (what: 'start' | 'stop') => lab.run(standby.host, [join(CONF, 'real-server-dr.sh'), what, VIP])
  expect(standby.logText()).not.toContain('is not on lo')
  prepare('stop')
  await until('it to say so', () => standby.logText().includes(`a real server of ${VIP}, which is not on lo`))
  prepare('start')
})
