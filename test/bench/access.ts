/**
 * What access lists and the way by the host's firewall cost: NAT by tc, made packets on one core. A new connection with lists of
 * several lengths, one that is denied, and packets of connections that are known, which nobody asks about.
 *
 *     npm run bench:access [ROUNDS]
 */
import { DirectorHost } from '../support/director.ts'
import { FrameCounter } from '../support/frames.ts'
import { median } from './median.ts'
import { build, config, FLAG, known, lab, object, send, VIP } from './packet-lab.ts'

const rounds = Number(process.argv[2] ?? 5)
const NEW = 200_000
const PACKETS = 1_000_000

/** Prefixes of 30 bits beside that of the clients, which are 10.1.0.0 to 10.1.0.3: so the way through the trie is as long as it gets. */
function prefixes(count: number): string {
  return Array.from({ length: count }, (_, i) => i + 1)
    .map((i) => `10.${1 + (i >> 14)}.${(i >> 6) & 255}.${(i & 63) << 2}/30`)
    .join('\n')
}

const deny = (count: number, more = '') => `deny {\n${prefixes(count)}\n${more}\n}\n`
const CASES = {
  'no list': '',
  '10 prefixes': deny(10),
  '10 000 prefixes': deny(10_000),
  '65 000 prefixes': deny(65_000),
  '10 000, denied': deny(10_000, '10.1.0.0/16'),
  through_firewall: 'through_firewall\n',
} as const
type Name = keyof typeof CASES
const NAMES = Object.keys(CASES) as Name[] // `keys` gives strings

const lists = (inside: string) =>
  config('NAT', { services: 1, servers: 4 }, false).replace('  protocol TCP\n', `  protocol TCP\n${inside}`)

async function measure(name: Name): Promise<{ fresh: number; packet: number }> {
  const director = new DirectorHost(lab, 'director', lists(''), ['--max-connections', '1000000'])
  await director.start()
  const sink = await FrameCounter.start(lab, object, 'server', 'eth0', 'sink')
  // Those that are measured below are known before there is a list.
  await known(sink, VIP, 1000)
  director.configure(lists(CASES[name]))
  const errors = await director.reload()
  if (errors.length > 0) throw new Error(errors.join('\n'))
  const fresh = send(VIP, FLAG.syn, NEW + 1000, NEW, 1000)
  const { ns } = await known(sink, VIP, PACKETS, false)
  await sink.stop()
  await director.stop()
  return { fresh, packet: ns }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))
try {
  build()
  const results = new Map<Name, { fresh: number; packet: number }[]>(NAMES.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const name of [...NAMES.slice(round % NAMES.length), ...NAMES.slice(0, round % NAMES.length)]) {
      results.get(name)?.push(await measure(name))
    }
    console.log(`round ${round + 1} of ${rounds} is done`)
  }
  console.log('\nNAT by tc; medians, and in brackets the ratio to the first line of the same round')
  console.log(`${''.padEnd(18)}${'ns a new connection'.padStart(22)}${'ns a packet'.padStart(22)}`)
  const first = results.get('no list') ?? []
  for (const [name, values] of results) {
    const cells = (['fresh', 'packet'] as const).map((column) => {
      const value = median(values.map((one) => one[column]))
      const ratio = median(values.map((one, i) => one[column] / (first[i]?.[column] ?? Number.NaN)))
      return `${value.toFixed(0)} (${ratio.toFixed(2)})`.padStart(22)
    })
    console.log(`${name.padEnd(18)}${cells.join('')}`)
  }
} finally {
  lab.destroy()
}
