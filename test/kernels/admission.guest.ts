import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { changed, IP, longer, withOptions } from '../bpf/crafted.ts'
import { type Ends, FLAG, tcp, udp } from '../bpf/packets.ts'
import { Lab, until } from '../support/lab.ts'
import { RawFrames } from '../support/raw-frames.ts'
import { clientAddress, IpvsTwin, PORT, serverAddress, TanistTwin, type Twin, VIP } from './twins.ts'

/** What opens a connection, and what becomes of one whose port another one has: the kernel's IPVS and Tanist side by side. */
const lab = new Lab()
const twins = { ipvs: new IpvsTwin(lab), tanist: new TanistTwin(lab) } as const
const NAMES = ['ipvs', 'tanist'] as const
type Both<T> = Record<(typeof NAMES)[number], T>
const clients = new Map<string, RawFrames>()

beforeAll(async () => {
  execFileSync('modprobe', ['sctp'])
  for (const name of NAMES) {
    await twins[name].start()
    clients.set(name, await RawFrames.start(lab, `c-${name}`, { host: name, device: 'eth0' }))
  }
})
afterAll(() => lab.destroy())

async function each<T>(what: (twin: Twin, name: (typeof NAMES)[number]) => Promise<T>): Promise<Both<T>> {
  return { ipvs: await what(twins.ipvs, 'ipvs'), tanist: await what(twins.tanist, 'tanist') }
}
async function run(...lines: readonly string[]): Promise<void> {
  for (const line of lines)
    await each(async (twin) => expect(await twin.ipvsadm(`ipvsadm ${line}`)).toMatchObject({ status: 0, stderr: '' }))
}
const send = (...frames: readonly Uint8Array[]) =>
  each(async (_twin, name) => {
    for (const frame of frames) await clients.get(name)?.send(frame)
  })
const listed = async (twin: Twin) => (await twin.ipvsadm('ipvsadm -Lnc')).stdout
/** Connections, packets and bytes of a service; IPVS brings them up to date every two seconds. */
async function stats(twin: Twin, service: string): Promise<readonly number[]> {
  const { stdout } = await twin.ipvsadm('ipvsadm -Ln --stats')
  const line = stdout.split('\n').find((each_) => each_.includes(` ${service} `)) ?? ''
  return line.trim().split(/\s+/).slice(2).map(Number)
}
const server = serverAddress(11)
const client = clientAddress(10)
const from = (source: string, port: number, vport = 80): Ends => ({ source: [source, port], destination: [VIP, vport] })

describe('what opens a connection', () => {
  const LSRR = [131, 7, 8, 10, 0, 0, 5]
  const syn = (port: number) => tcp(from(client, port), FLAG.syn)
  const tagged = (frame: Uint8Array, tci: number) =>
    Buffer.concat([frame.subarray(0, 12), Buffer.from([0x81, 0, tci >> 8, tci & 255]), frame.subarray(12)])
  const OF_BOTH: readonly (readonly [string, (port: number) => Uint8Array])[] = [
    ['an ordinary SYN', syn],
    [
      'from port 19',
      (port) => changed(tcp(from(clientAddress(11), port), FLAG.syn), (b) => b.writeUInt16BE(19, IP + 20)),
    ],
    ['a frame with a priority and no VLAN', (port) => tagged(syn(port), 0xa000)],
    ['from 0.0.0.1', (port) => tcp(from('0.0.0.1', port), FLAG.syn)],
    ['from 240.0.0.1', (port) => tcp(from('240.0.0.1', port), FLAG.syn)],
    ['a record of the route', (port) => withOptions(syn(port), [7, 7, 4, 0, 0, 0, 0])],
    ['a padded frame', (port) => longer(syn(port), 6)],
  ]
  const OF_NONE: readonly (readonly [string, (port: number) => Uint8Array])[] = [
    ['from port 20', () => tcp(from(client, 20), FLAG.syn)],
    ['from port 20, UDP', () => udp(from(client, 20))],
    ...['127.0.0.1', '0.0.0.0', '224.0.0.18', '255.255.255.255', VIP, '172.18.100.1', '192.168.10.1'].map(
      (source) => [`from ${source}`, (port: number) => tcp(from(source, port), FLAG.syn)] as const,
    ),
    ['a source route', (port) => withOptions(syn(port), LSRR)],
    ['an option longer than the header', (port) => withOptions(syn(port), [7, 9, 4, 0, 0, 0, 0, 0])],
    ['a wrong checksum of the IP header', (port) => changed(syn(port), (b) => (b[IP + 10] = (b[IP + 10] ?? 0) ^ 1))],
    ['longer than its frame', (port) => changed(syn(port), (b) => b.writeUInt16BE(41, IP + 2))],
    ['shorter than its IP header', (port) => changed(syn(port), (b) => b.writeUInt16BE(19, IP + 2))],
    ['shorter than its TCP header', (port) => changed(syn(port), (b) => b.writeUInt16BE(39, IP + 2))],
    ['a frame of VLAN 5', (port) => tagged(syn(port), 5)],
  ]
  /** A server drops it; here it makes no connection before. */
  const OF_IPVS: readonly (readonly [string, (port: number) => Uint8Array])[] = [
    ['a TCP header of 16 bytes', (port) => changed(syn(port), (b) => (b[IP + 32] = 4 << 4))],
    ['a TCP header beyond the packet', (port) => changed(syn(port), (b) => (b[IP + 32] = 6 << 4))],
    [
      'a datagram shorter than its header',
      (port) => changed(udp(from(client, port)), (b) => b.writeUInt16BE(7, IP + 24)),
    ],
    [
      'a datagram longer than its packet',
      (port) => changed(udp(from(client, port)), (b) => b.writeUInt16BE(99, IP + 24)),
    ],
  ]

  test('is the same, but for packets whose TCP or UDP header cannot be right', async () => {
    await run('-C')
    for (const protocol of ['-t', '-u'])
      await run(`-A ${protocol} ${VIP}:80 -s rr`, `-a ${protocol} ${VIP}:80 -r ${server}:${PORT} -m`)
    const cases = [...OF_NONE, ...OF_IPVS, ...OF_BOTH]
    const frames = cases.map(([name, make], i) => ({ name, port: 21_000 + i, frame: make(21_000 + i) }))
    await send(...frames.map(({ frame }) => frame))
    const made = await each(async (twin) => {
      const last = frames.at(-1)?.port ?? 0
      const text = await until('the last connection', async () => {
        const list = await listed(twin)
        return list.includes(`:${last} `) ? list : undefined
      })
      const portOf = (name: string, port: number) =>
        name.includes('port 20') ? 20 : name === 'from port 19' ? 19 : port
      return frames.filter(({ name, port }) => text.includes(`:${portOf(name, port)} `)).map(({ name }) => name)
    })
    const both = OF_BOTH.map(([name]) => name)
    expect(made).toEqual({ ipvs: [...OF_IPVS.map(([name]) => name), ...both], tanist: both })
  })

  test('bytes are those of the packets', async () => {
    await run('-C', `-A -t ${VIP}:82 -s rr`, `-a -t ${VIP}:82 -r ${server}:${PORT} -m`)
    await send(...[0, 6, 22].map((padding, i) => longer(tcp(from(client, 23_000 + i, 82), FLAG.syn), padding)))
    const counted = await each((twin) =>
      until('three connections', async () => {
        const [connections, , , bytes] = await stats(twin, `${VIP}:82`)
        return connections === 3 ? bytes : undefined
      }),
    )
    // The resets of the client's kernel, which knows nothing of them, have come by, too.
    expect([counted.ipvs % 40, counted.tanist % 40]).toEqual([0, 0])
  })
})

describe('persistence', () => {
  test('a SYN to a connection in TIME_WAIT goes on with it', async () => {
    await run('-C', `-A -t ${VIP}:83 -s rr -p 300`, `-a -t ${VIP}:83 -r ${server}:${PORT} -m`)
    const order = { address: client, port: 24_000, vip: 83 } as const
    for (const type of ['open', 'end', 'open', 'end'] as const) await each((twin) => twin.ask({ type, ...order }))
    const counted = await each((twin) =>
      until('what came by', async () => {
        const [connections, packets = 0] = await stats(twin, `${VIP}:83`)
        return packets >= 8 ? connections : undefined
      }),
    )
    expect(counted).toEqual({ ipvs: 1, tanist: 1 })
  })

  test('a template of UDP is assured by an answer', async () => {
    await run('-C', `-A -u ${VIP}:84 -s rr -p 300`, `-a -u ${VIP}:84 -r ${server}:9 -m`)
    await run(`-A -u ${VIP}:85 -s rr -p 300`, `-a -u ${VIP}:85 -r ${server}:${PORT} -m`)
    await run(`-A -u ${VIP}:86 -s rr -p 300`, `-a -u ${VIP}:86 -r 192.168.10.1 -g`)
    await each((twin) => twin.ask({ type: 'datagram', address: client, port: 24_100, vip: 85 }))
    await send(udp(from(client, 24_101, 84)), udp(from(client, 24_101, 84)), udp(from(client, 24_102, 86)))
    const states = await each(async (twin) => {
      const text = await until('the last connection', async () => {
        const list = await listed(twin)
        return list.includes(':24102 ') ? list : undefined
      })
      const state = (vport: number) => new RegExp(`(\\S+) +${client}:0 +${VIP}:${vport} `).exec(text)?.[1]
      return [84, 85, 86].map(state)
    })
    expect(states.tanist).toEqual(states.ipvs)
    expect(states.tanist).toEqual(['NONE', 'ASSURED', 'NONE'])
  })
})

describe('a client’s port that two services have at one server', () => {
  beforeAll(async () => {
    await run('-C')
    for (const protocol of ['-t', '-u'])
      for (const port of [80, 81])
        await run(`-A ${protocol} ${VIP}:${port} -s rr`, `-a ${protocol} ${VIP}:${port} -r ${server}:${PORT} -m`)
  })

  test.each(['end', 'reset'] as const)('after the %s of one connection there is the other', async (end) => {
    const port = end === 'end' ? 25_000 : 25_001
    for (const [type, vip] of [
      ['open', 80],
      [end, 80],
      ['open', 81],
      [end, 81],
      ['open', 80],
    ] as const) {
      const got = await each((twin) => twin.ask({ type, address: client, port, vip }))
      expect({ type, vip, ...got }).toEqual({
        type,
        vip,
        ipvs: got.tanist,
        tanist: type === 'open' ? server : undefined,
      })
    }
  })

  test('both live: IPVS takes all answers for those of the newer one, Tanist gives it a port of its own', async () => {
    const answered = (twin: Twin) => Promise.all([80, 81].map(async (port) => (await udpStats(twin, port))[2]))
    const udpStats = async (twin: Twin, port: number) => {
      const { stdout } = await twin.ipvsadm('ipvsadm -Ln --stats')
      return (new RegExp(`UDP +${VIP}:${port} +(.*)`).exec(stdout)?.[1] ?? '').split(/\s+/).map(Number)
    }
    const after = (answers: number) =>
      each((twin) =>
        until(`${answers} answers`, async () => {
          const counts = await answered(twin)
          return (counts[0] ?? 0) + (counts[1] ?? 0) === answers ? counts : undefined
        }),
      )
    await send(udp(from(client, 26_000, 80)))
    await after(1)
    await send(udp(from(client, 26_000, 81)))
    await after(2)
    await send(udp(from(client, 26_000, 80)))
    expect(await after(3)).toEqual({ ipvs: [1, 2], tanist: [2, 1] })
  })
})

describe('SCTP by NAT', () => {
  const BYTES = 400_000
  beforeAll(async () => {
    for (const name of NAMES) {
      // Bound to one address each: otherwise they would tell each other all that they have, and use them.
      const sender = `SCTP4-LISTEN:3869,bind=${server},fork,reuseaddr`
      lab.start(`s-${name}`, ['socat', '-U', sender, `SYSTEM:head -c ${BYTES} /dev/zero`])
      lab.run(`c-${name}`, ['ip', 'route', 'add', '192.168.10.0/24', 'via', '172.18.100.1'])
    }
  })
  /** Milliseconds that it takes. */
  const fetch = (name: string, to: string) => {
    const begun = performance.now()
    const got = lab.run(`c-${name}`, ['sh', '-c', `timeout 60 socat -u SCTP4-CONNECT:${to},bind=${client} - | wc -c`])
    expect(Number(got)).toBe(BYTES)
    return performance.now() - begun
  }

  test.each([
    ['', []],
    [', and the director’s links compute no checksum', ['tx-checksum-sctp', 'off']],
    [', and do not cut up anything', ['tx-sctp-segmentation', 'off']],
  ] as const)('as fast as by IPVS, to another port%s', async (_name, off) => {
    for (const name of NAMES)
      for (const device of ['eth0', 'eth1']) if (off.length > 0) lab.run(name, ['ethtool', '-K', device, ...off])
    await run('-C')
    for (const port of [3868, 3869])
      await run(`-A --sctp-service ${VIP}:${port} -s rr`, `-a --sctp-service ${VIP}:${port} -r ${server}:3869 -m`)
    const plain = fetch('tanist', `${server}:3869`)
    for (const port of [3868, 3869]) {
      const took = { ipvs: fetch('ipvs', `${VIP}:${port}`), tanist: fetch('tanist', `${VIP}:${port}`) }
      console.log(`port ${port}: plain ${plain.toFixed(0)} ms`, took)
      expect(took.tanist).toBeLessThan(5000 + 5 * took.ipvs)
    }
  })
})
