import { describe, expect, test, type TestContext } from 'vitest'
import type { BfdSnapshot } from '../../src/control/snapshot.ts'
import { Capture } from '../support/capture.ts'
import { DirectorHost } from '../support/director.ts'
import { KeepalivedHost } from '../support/keepalived.ts'
import { Lab, until } from '../support/lab.ts'

/** How much later than keepalived Tanist may find the same cut, as a ratio; both run on a busy machine. */
const LATER = 1.5
const CUTS = 5

const session = (own: string, neighbour: string, inside: string) =>
  `bfd_instance peer {\n  neighbor_ip ${neighbour}\n  source_ip ${own}\n  ${inside}\n}\n`
/** keepalived's part for VRRP has to have something to do. */
const IDLE = `vrrp_instance idle {
  interface eth0
  virtual_router_id 9
  priority 10
  advert_int 100
  virtual_ipaddress {
    10.0.0.99/24
  }
}
`

function buildPair(
  { onTestFinished }: TestContext,
  inside: { readonly tanist: string; readonly keepalived: string },
  [own, theirs] = ['10.0.0.1', '10.0.0.2'],
) {
  const lab = new Lab()
  onTestFinished(() => lab.destroy())
  lab.addSwitch('lan')
  lab.addHost('tanist', [{ switch: 'lan', address: '10.0.0.1/24' }])
  lab.addHost('keepalived', [{ switch: 'lan', address: '10.0.0.2/24' }])
  lab.ip('tanist', ['addr add fd00::1/64 dev eth0 nodad'])
  lab.ip('keepalived', ['addr add fd00::2/64 dev eth0 nodad'])
  const tanist = new DirectorHost(lab, 'tanist', session(own, theirs, inside.tanist))
  const keepalived = new KeepalivedHost(lab, 'keepalived', session(theirs, own, inside.keepalived) + IDLE)
  return { lab, tanist, keepalived }
}

const first = async (director: DirectorHost): Promise<BfdSnapshot | undefined> =>
  (await director.status()).bfdSessions[0]

const untilLike = async (director: DirectorHost, expected: object) =>
  await expect.poll(() => first(director), { timeout: 30_000 }).toMatchObject(expected)

/** keepalived now and then says 0. */
const silences = (text: string) => [...text.matchAll(/Expired after ([1-9]\d*) ms/g)].map(([, ms]) => Number(ms))

/** The state that keepalived has entered last. */
const stateOf = (keepalived: KeepalivedHost) =>
  keepalived
    .logText()
    .match(/(?<=\(peer\) Entering )\w+(?= state)/g)
    ?.at(-1)

async function untilBothAreUp(tanist: DirectorHost, keepalived: KeepalivedHost): Promise<void> {
  await untilLike(tanist, { state: 'up', remote: { state: 'up' } })
  await until('keepalived to be up', () => stateOf(keepalived) === 'Up')
}

/** Between the periodic packets of a session that is up, in ms. */
function gapsOf(capture: Capture, source: string): readonly number[] {
  const pattern = /^(\d+\.\d+) IP [^\n]*\n\s+(\S+)\.\d+ > [^\n]*\n\tControl, State Up, Flags: \[(\w+)\]/gm
  const at = [...capture.text.matchAll(pattern)].flatMap(([, seconds, from, flags]) =>
    from === source && flags === 'none' ? [Number(seconds) * 1000] : [],
  )
  return at.slice(1).map((each, i) => each - (at[i] ?? each))
}

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0

async function cutAndCompare(context: TestContext, interval: number, multiplier: number): Promise<void> {
  const inside = `min_rx ${interval}\n min_tx ${interval}\n multiplier ${multiplier}`
  const { lab, tanist, keepalived } = buildPair(context, { tanist: inside, keepalived: inside })
  keepalived.start()
  await tanist.start()
  const [ours, theirs]: [number[], number[]] = [[], []]
  // On a busy machine a session also goes down by itself, and may be down when the link is cut.
  for (let cut = 0; cut < 3 * CUTS && ours.length < CUTS; cut++) {
    await untilBothAreUp(tanist, keepalived)
    await untilLike(tanist, { transmitMs: interval, detectMs: interval * multiplier })
    const before = [silences(tanist.logText()).length, silences(keepalived.logText()).length] as const
    lab.cable('keepalived', 0, 'down')
    await untilLike(tanist, { state: 'down' })
    await until('keepalived to be down', () => stateOf(keepalived) === 'Down')
    const found = [
      silences(tanist.logText()).slice(before[0]),
      silences(keepalived.logText()).slice(before[1]),
    ] as const
    if (found.every(({ length }) => length === 1)) {
      ours.push(...found[0])
      theirs.push(...found[1])
    }
    lab.cable('keepalived', 0, 'up')
  }
  const ratio = median(ours) / median(theirs)
  console.log(
    `${interval} ms × ${multiplier}: silent until down: Tanist ${ours.join(', ')} ms, keepalived ${theirs.join(', ')} ms: ratio ${ratio.toFixed(2)}`,
  )
  expect(ours).toHaveLength(CUTS)
  expect(Math.min(...ours)).toBeGreaterThanOrEqual(interval * multiplier)
  expect(ratio).toBeLessThan(LATER)
}

describe('beside keepalived a cut link is found by both within the detection time', () => {
  for (const [interval, multiplier] of [
    [50, 3],
    [10, 5],
  ] as const) {
    test(`${interval} ms × ${multiplier}`, (context) => cutAndCompare(context, interval, multiplier))
  }
})

test('a stop of either is heard: Tanist says it, keepalived is silent', async (context) => {
  const inside = 'min_rx 50\n min_tx 50\n multiplier 3'
  const { lab, tanist, keepalived } = buildPair(context, { tanist: inside, keepalived: inside })
  const capture = await Capture.start(lab, 'lan', 'udp port 3784')
  await tanist.start()
  keepalived.start()
  await untilBothAreUp(tanist, keepalived)
  // RFC 5880 §6.8.7: a packet each 75 to 100 % of 50 ms.
  const gaps = () => gapsOf(capture, '10.0.0.1')
  await until('forty packets', () => gaps().length > 40)
  // One that the machine has held up lies nearer to the next one.
  const fewest = gaps().toSorted((a, b) => a - b)[4] ?? 0
  expect(fewest).toBeGreaterThan(50 * 0.75 - 1)
  expect(median(gaps())).toBeLessThan(50)
  await tanist.stop()
  await until('keepalived to hear it', () => keepalived.logText().includes('Administratively Down'))
  expect(keepalived.logText()).toContain(
    'Entering Down state (Local diagnostic - Neighbor Signaled Session Down, Remote diagnostic - Administratively Down)',
  )
  await tanist.start()
  await untilBothAreUp(tanist, keepalived)
  keepalived.stop()
  await untilLike(tanist, { state: 'down', diagnostic: 1 })
  // RFC 5881 §4 and §5, as tcpdump has read it.
  const ours = [
    ...capture.text.matchAll(
      /IP \(tos (\w+), ttl (\d+),[^\n]*\n\s+10\.0\.0\.1\.(\d+) > 10\.0\.0\.2\.3784: [^\n]*BFDv1/g,
    ),
  ]
  expect(ours.length).toBeGreaterThan(5)
  for (const [, tos, ttl, port] of ours) {
    expect([tos, ttl]).toEqual(['0xc0', '255'])
    expect(Number(port)).toBeGreaterThanOrEqual(49_152)
  }
  expect(capture.text).toContain('State AdminDown, Flags: [none], Diagnostic: Administratively Down')
})

describe('over IPv6', () => {
  const addresses: [string, string] = ['fd00::1', 'fd00::2']
  const ways = {
    'keepalived says `hoplimit 255`': { tanist: '', keepalived: 'hoplimit 255' },
    'Tanist says `hoplimit 64`': { tanist: 'hoplimit 64', keepalived: '' },
  }
  for (const [way, inside] of Object.entries(ways)) {
    test(`both are up when ${way}`, async (context) => {
      const { tanist, keepalived } = buildPair(context, inside, addresses)
      keepalived.start()
      await tanist.start()
      await untilBothAreUp(tanist, keepalived)
      await untilLike(tanist, { detectMs: 50, dropped: {} })
    })
  }

  test('with what each takes for granted the packets of keepalived are refused, with a word', async (context) => {
    const { tanist, keepalived } = buildPair(context, { tanist: '', keepalived: '' }, addresses)
    keepalived.start()
    await tanist.start()
    await until('a packet to be refused', () =>
      tanist.logText().includes('(peer) BFD packet from fd00::2 is refused: ttl: its TTL is 64, and 255 is the least'),
    )
    expect(await first(tanist)).toMatchObject({ state: 'down', packetsReceived: 0 })
  })
})
