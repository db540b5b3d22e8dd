/**
 * Small packets on one core: what a packet of 64 bytes costs the director, from the moment that it comes in until it is
 * handed to the server's link. The frames are made by XDP in the client's interface, on the same core; that share is
 * measured alone. Plain routing, nftables, and Tanist by tc and by XDP.
 *
 *     npm run bench:packets [ROUNDS] [PACKETS]
 */
import { DirectorHost } from '../support/director.ts'
import { FrameCounter } from '../support/frames.ts'
import { median } from './median.ts'
import { build, config, FLAG, known, lab, type Measured, object, send, SERVER, VIP } from './packet-lab.ts'

const rounds = Number(process.argv[2] ?? 5)
const packets = Number(process.argv[3] ?? 1_000_000)
interface Mode {
  readonly name: string
  readonly destination: string
  /** conntrack takes up a connection in its midst, but not after a SYN that nobody answered. */
  readonly midway?: true
  run<T>(measure: () => Promise<T>): Promise<T>
}

const tanist = (name: string, method: string, xdp: boolean): Mode => ({
  name,
  destination: VIP,
  async run(measure) {
    const text = config(method, { services: 1, servers: 1 }, xdp)
    const director = new DirectorHost(lab, 'director', text, ['--grace', '0'])
    await director.start()
    try {
      return await measure()
    } finally {
      await director.stop()
    }
  },
})

const modes: readonly Mode[] = [
  { name: 'plain routing', destination: SERVER, run: (measure) => measure() },
  tanist('Tanist NAT, tc', 'NAT', false),
  tanist('Tanist DR, tc', 'DR', false),
  tanist('Tanist NAT, XDP', 'NAT', true),
  tanist('Tanist DR, XDP', 'DR', true),
  {
    name: 'nftables DNAT',
    destination: VIP,
    midway: true,
    async run(measure) {
      const dnat = `add table ip bench; add chain ip bench pre { type nat hook prerouting priority -100; };
        add rule ip bench pre ip daddr ${VIP} dnat to ${SERVER}`
      lab.run('director', ['nft', dnat])
      try {
        return await measure()
      } finally {
        lab.run('director', ['nft', 'delete', 'table', 'ip', 'bench'])
      }
    },
  },
]

async function compare(generator: number, sink: FrameCounter): Promise<void> {
  const results = new Map<string, Measured[]>(modes.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const mode of [...modes.slice(round % modes.length), ...modes.slice(0, round % modes.length)]) {
      results.get(mode.name)?.push(await mode.run(() => known(sink, mode.destination, packets, mode.midway !== true)))
    }
  }
  const plain = results.get('plain routing') ?? []
  console.log(`${'ns a packet (median)'.padEnd(24)}ratio   without the generator's share   lost`)
  for (const [name, values] of results) {
    const ratio = (share: number) => median(values.map(({ ns }, i) => ((plain[i]?.ns ?? 0) - share) / (ns - share)))
    const lost = values.reduce((sum, value) => sum + value.lost, 0)
    const ns = median(values.map((value) => value.ns)).toFixed(0)
    console.log(
      `${name.padEnd(18)}${ns.padStart(5)} ${ratio(0).toFixed(2).padStart(6)}${ratio(generator).toFixed(2).padStart(20)}${String(lost).padStart(18)}`,
    )
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))
try {
  build()
  const nearby = await FrameCounter.start(lab, object, 'director', 'eth0', 'sink')
  const generator = median(Array.from({ length: rounds }, () => send(VIP, FLAG.ack, 64, packets)))
  console.log(`the generator alone: ${generator.toFixed(0)} ns a packet`)
  await nearby.stop()
  const sink = await FrameCounter.start(lab, object, 'server', 'eth0', 'sink')
  await compare(generator, sink)
} finally {
  lab.destroy()
}
