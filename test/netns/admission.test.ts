import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ends, FLAG, tcp } from '../bpf/packets.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'
import type { Order, Outcome } from '../support/picks-process.ts'
import { RawFrames } from '../support/raw-frames.ts'

/** Who may open a connection, and what becomes of a port of a client's that two services have at one server. */
const VIP = '10.9.0.100'
const CLIENT = '10.9.0.10'
const SERVER = '192.168.1.11'
const [FIRST, SECOND, BRIEF, ALSO_BRIEF] = [8001, 8002, 8003, 8004]
const service = (port: number, serverPort: number) => `virtual_server ${VIP} ${port} {
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  real_server ${SERVER} ${serverPort} {
  }
}
`
const CONFIG = [service(FIRST, 9090), service(SECOND, 9090), service(BRIEF, 9091), service(ALSO_BRIEF, 9091)].join('')

const lab = new Lab()
const director = new DirectorHost(lab, 'director', CONFIG)
let raw: RawFrames
let client: ChildProcess
let orders = 0

beforeAll(async () => {
  lab.addSwitch('outside')
  lab.addSwitch('inside')
  lab.addHost('director', [
    { switch: 'outside', address: '10.9.0.1/24' },
    { switch: 'inside', address: '192.168.1.1/24' },
  ])
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
  lab.run('director', ['ip', 'address', 'add', `${VIP}/32`, 'dev', 'eth0'])
  lab.addHost('client', [{ switch: 'outside', address: `${CLIENT}/24` }])
  lab.addHost('server', [{ switch: 'inside', address: `${SERVER}/24` }], '192.168.1.1')
  lab.start('server', ['socat', '-U', 'TCP4-LISTEN:9091,fork,reuseaddr', 'SYSTEM:echo bye'])
  await until('socat to listen', () => lab.run('server', ['ss', '-Hltn']).includes(':9091'))
  await once(lab.fork('server', 'picks-process.ts', ['serve', '9090', SERVER]), 'message')
  client = lab.fork('client', 'picks-process.ts', ['ask', VIP])
  await once(client, 'message')
  raw = await RawFrames.start(lab, 'client', { host: 'director', device: 'eth0' })
  await director.start()
})
afterAll(() => lab.destroy())

const list = () => director.ipvsadm('ipvsadm -Lnc').stdout
const drops = async () => (await director.status()).drops

async function ask(type: 'open' | 'end' | 'reset', port: number, vip: number): Promise<string | undefined> {
  const id = ++orders
  const answer = once(client, 'message')
  client.send({ id, type, address: CLIENT, port, vip } satisfies Order)
  const [outcome] = (await answer) as [Outcome]
  expect(outcome.id).toBe(id)
  return outcome.server
}

describe('a frame', () => {
  const from = (source: string, port: number): Ends => ({ source: [source, port], destination: [VIP, FIRST] })
  const syn = (source: string, port: number) => tcp(from(source, port), FLAG.syn)

  test('with a priority and no VLAN is served, and leaves without a tag', async () => {
    const watch = lab.start('server', ['tcpdump', '-lnepi', 'eth0', 'tcp port 9090 or vlan'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [seen, said] = ['', '']
    watch.stdout?.on('data', (data: Buffer) => (seen += data.toString()))
    watch.stderr?.on('data', (data: Buffer) => (said += data.toString()))
    await until('tcpdump to listen', () => said.includes('listening on'))
    const frame = syn(CLIENT, 30_000)
    await raw.send(Buffer.concat([frame.subarray(0, 12), Buffer.from('8100a000', 'hex'), frame.subarray(12)]))
    const line = await until('the packet', () => seen.split('\n').find((text) => text.includes(`${CLIENT}.30000 > `)))
    watch.kill()
    expect(line).toMatch(/ethertype IPv4 .*10\.9\.0\.10\.30000 > 192\.168\.1\.11\.9090: Flags \[S\]/)
    expect(seen).not.toContain('vlan')
  })

  test('from an address of the director’s opens nothing, for as long as it has that address', async () => {
    const opened = async (source: string, port: number) => {
      await raw.send(syn(source, port))
      await raw.send(syn(CLIENT, port + 1))
      await until('the SYN behind it', () => list().includes(`${CLIENT}:${port + 1} `))
      return list().includes(`${source}:${port} `)
    }
    const address = (verb: string) => lab.run('director', ['ip', 'address', verb, '10.9.0.77/32', 'dev', 'eth1'])
    expect(await opened('192.168.1.1', 31_000)).toBe(false)
    expect(await opened('10.9.0.77', 31_010)).toBe(true)
    address('add')
    let port = 31_020
    await until('the director to know', async () => !(await opened('10.9.0.77', (port += 10))))
    address('delete')
    await until('the director to know', () => opened('10.9.0.77', (port += 10)))
  })
})

describe('a port of a client’s that two services have at one server', () => {
  test('is free for the other one when the connection is over, at once', async () => {
    const refused: number[] = []
    for (let port = 32_000; port < 32_400; port++) {
      for (const vip of [FIRST, SECOND]) {
        if ((await ask('open', port, vip)) !== SERVER) refused.push(port)
        await ask(port % 2 === 0 ? 'end' : 'reset', port, vip)
      }
    }
    expect(refused).toEqual([])
    expect(await drops()).toMatchObject({ 'client-port-changed': 0, 'table-full': 0, 'no-local-port': 0 })
  })

  test('is free, too, when the server has ended the connection', () => {
    const get = (port: number, vip: number) =>
      lab.run('client', ['timeout', '10', 'socat', '-u', `TCP4:${VIP}:${vip},sourceport=${port},reuseaddr`, '-'])
    for (let port = 33_000; port < 33_020; port++)
      expect([get(port, BRIEF), get(port, ALSO_BRIEF)]).toEqual(['bye\n', 'bye\n'])
  })

  test('serves two live connections: the server sees another port of the client’s for one', async () => {
    for (let port = 34_000; port < 34_020; port++) {
      expect([await ask('open', port, FIRST), await ask('open', port, SECOND)]).toEqual([SERVER, SERVER])
      // `picks-process` knows one of them by its port; the other one is still open.
      await ask('end', port, SECOND)
    }
    expect(await drops()).toMatchObject({ 'client-port-changed': 20, 'table-full': 0 })
    expect(list().match(/ESTABLISHED 10\.9\.0\.10:340\d\d +10\.9\.0\.100:8001 /g)).toHaveLength(20)
  })
})
