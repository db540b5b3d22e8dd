import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { Capture, type SeenAdvert } from '../support/capture.ts'
import { DirectorHost } from '../support/director.ts'
import { FrrHost, virtualMac } from '../support/frr.ts'
import { Lab, until } from '../support/lab.ts'

const VRID = 51
const PATIENT = { timeout: 30_000 }

interface Variant {
  readonly name: string
  readonly version: 2 | 3
  readonly family: 4 | 6
  /** The last one is that of the client. */
  readonly addresses: readonly string[]
  /** Of the instance here. */
  readonly more?: string
}

type Side = 'tanist' | 'frr'
const OTHER = { tanist: 'frr', frr: 'tanist' } as const

const FOUR = { family: 4, addresses: ['10.0.0.100/24'] } as const
const VARIANTS: readonly Variant[] = [
  { name: 'version 2', version: 2, ...FOUR },
  { name: 'version 3', version: 3, ...FOUR },
  { name: 'version 3, with use_vmac here', version: 3, ...FOUR, more: 'use_vmac' },
  { name: 'version 3 over IPv6', version: 3, family: 6, addresses: ['fd00::100/64'] },
  // FRR takes that for its own, and sends from it.
  { name: 'version 3 over IPv6, link-local first', version: 3, family: 6, addresses: ['fe80::100/64', 'fd00::100/64'] },
]
const cases = VARIANTS.flatMap((variant) => (['tanist', 'frr'] as const).map((master) => ({ ...variant, master })))

const interval = ({ version }: Variant) => (version === 2 ? 1000 : 250)
const skew = (variant: Variant, priority: number) => ((256 - priority) * interval(variant)) / 256
const vip = ({ addresses }: Variant) => addresses.at(-1)?.replace(/\/.*/, '') ?? ''

const config = (variant: Variant, priority: number, more = variant.more ?? '') => `vrrp_instance web {
  interface eth0
  virtual_router_id ${VRID}
  version ${variant.version}
  priority ${priority}
  advert_int ${interval(variant) / 1000}
  ${more}
  virtual_ipaddress {
    ${variant.addresses.join('\n    ')}
  }
}
`

/** A client, Tanist and FRR on one switch. */
class Link {
  readonly lab = new Lab()
  readonly tanist: DirectorHost
  readonly frr: FrrHost
  readonly #variant: Variant
  #capture: Capture | undefined
  /** Addresses of Tanist. */
  #own: readonly string[] = []

  constructor(variant: Variant, priority: Readonly<Record<Side, number>>) {
    const { lab } = this
    this.#variant = variant
    lab.addSwitch('lan')
    for (const [i, name] of ['client', 'tanist', 'frr'].entries()) {
      lab.addHost(name, [{ switch: 'lan', address: `10.0.0.${i + 1}/24` }])
      lab.ip(name, [`addr add fd00::${i + 1}/64 dev eth0 nodad`])
    }
    this.tanist = new DirectorHost(lab, 'tanist', config(variant, priority.tanist))
    this.frr = new FrrHost(lab, 'frr', {
      vrid: VRID,
      version: variant.version,
      priority: priority.frr,
      intervalMs: interval(variant),
      addresses: variant.addresses,
    })
  }

  async start(): Promise<void> {
    this.#own = await until('a link-local address', () => {
      const text = this.lab.run('tanist', ['ip', '-brief', 'address', 'show', 'dev', 'eth0'])
      return text.includes('fe80::') && [...text.matchAll(/(\S+)\/\d+/g)].map(([, address]) => address ?? '')
    })
    this.#capture = await Capture.start(this.lab, 'lan')
    await Promise.all([this.frr.start(), this.tanist.start()])
  }

  /** In order, from one of the two, after a time. */
  adverts(side: Side, after = 0): readonly SeenAdvert[] {
    const seen = this.#capture?.adverts() ?? []
    return seen.filter(({ source, at }) => this.#own.includes(source) === (side === 'tanist') && at > after)
  }

  /** How long after the other one's last advert this side's first one came, after a time when it was backup. */
  async successionAfter(time: number, side: Side): Promise<number> {
    const first = await until(`${side} to be the successor`, () => this.adverts(side, time)[0])
    const last = this.adverts(OTHER[side]).findLast(({ at }) => at < first.at)
    return first.at - (last?.at ?? Number.NaN)
  }

  async master(): Promise<readonly Side[]> {
    const { instances } = await this.tanist.status()
    const isMaster = {
      tanist: instances.every(({ state }) => state === 'master'),
      frr: (await this.frr.state())?.state === 'Master',
    }
    return (['tanist', 'frr'] as const).filter((side) => isMaster[side])
  }

  /** Waits until this side is the only master, the other one is its backup, and a client reaches it. */
  async untilOwner(side: Side): Promise<void> {
    await until(`${side} alone to be master`, async () => {
      const { instances } = await this.tanist.status()
      const states = [instances[0]?.state, (await this.frr.state())?.state]
      return String(states) === (side === 'tanist' ? 'master,Backup' : 'backup,Master')
    })
    await until(`the client to reach ${side}`, () => this.#answers() && this.#neighbour() === this.#macOf(side))
  }

  text(): string {
    return this.#capture?.text ?? ''
  }

  #answers(): boolean {
    const script = `ping -n -c 1 -W 1 ${vip(this.#variant)} || true`
    return this.lab.run('client', ['sh', '-c', script]).includes(' 0% packet loss')
  }

  #neighbour(): string | undefined {
    const text = this.lab.run('client', ['ip', 'neigh', 'show', vip(this.#variant)])
    return / lladdr (\S+)/.exec(text)?.[1]
  }

  #macOf(side: Side): string | undefined {
    const { family, more } = this.#variant
    if (side === 'frr' || more === 'use_vmac') return virtualMac(VRID, family)
    return /link\/ether (\S+)/.exec(this.lab.run('tanist', ['ip', 'link', 'show', 'eth0']))?.[1]
  }
}

async function linkOf(each: Variant, master: Side, onTestFinished: (end: () => void) => void): Promise<Link> {
  const priority = master === 'tanist' ? { tanist: 150, frr: 100 } : { tanist: 100, frr: 150 }
  const link = new Link(each, priority)
  onTestFinished(() => link.lab.destroy())
  await link.start()
  await link.untilOwner(master)
  return link
}

/**
 * How much later than it should the first advert of a successor may come. FRR sets an interface up before that; over IPv6 the interface
 * has no address yet then ("Failed to find address to bind"), and the advert that can be sent is the next one.
 */
function slack(side: Side, variant: Variant, time: number): number {
  if (side === 'tanist') return time * 0.05 + 20
  return time * 0.05 + 150 + (variant.family === 6 ? interval(variant) : 0)
}

describe.concurrent.each(cases)('$name, $master first', (each) => {
  const { version, family, master } = each
  const backup = OTHER[master]

  test('one master, takeover after a link loss, and back', { retry: 2 }, async ({ onTestFinished }) => {
    const link = await linkOf(each, master, onTestFinished)
    const begin = Date.now()
    for (const end = performance.now() + 4 * interval(each); performance.now() < end; await sleep(50)) {
      expect(await link.master()).toEqual([master])
    }
    expect(link.adverts(backup, begin)).toEqual([])
    const seen = link.adverts(master, begin).map(({ at: _at, source: _source, ...rest }) => JSON.stringify(rest))
    const destination = family === 4 ? '224.0.0.18' : 'ff02::12'
    const expected = { destination, version, vrid: VRID, priority: 150, ttl: 255 }
    expect([...new Set(seen)].map((text) => JSON.parse(text) as unknown)).toEqual([expected])

    const cut = Date.now()
    link.lab.cable(master, 0, 'down')
    const takeover = await link.successionAfter(cut, backup)
    const formula = 3 * interval(each) + skew(each, 100)
    expect(takeover).toBeGreaterThan(formula * 0.95 - 20)
    expect(takeover).toBeLessThan(formula + slack(backup, each, formula))

    link.lab.cable(master, 0, 'up')
    await link.untilOwner(master)
    expect(link.text()).not.toContain('bad')
  })

  test('takeover after a graceful stop', { retry: 2 }, async ({ onTestFinished }) => {
    const link = await linkOf(each, master, onTestFinished)
    const before = Date.now()
    await link[master].stop()
    const takeover = await link.successionAfter(before, backup)
    expect(link.adverts(master).at(-1)?.priority).toBe(0)
    expect(takeover).toBeGreaterThan(skew(each, 100) - 20)
    expect(takeover).toBeLessThan(skew(each, 100) + slack(backup, each, skew(each, 100)))
  })
})

test('without pseudo-header: FRR 8.4 refuses ours, its own are understood, and both are told', async ({
  onTestFinished,
}) => {
  const variant: Variant = { name: 'version 3', version: 3, ...FOUR, more: 'v3_checksum_as_v2' }
  const link = await linkOf(variant, 'frr', onTestFinished)
  const { tanist, frr } = link
  const reload = async (priority: number, more: string) => {
    tanist.configure(config(variant, priority, more))
    expect(await tanist.reload()).toEqual([])
  }
  const instance = async () => (await tanist.status()).instances[0] ?? expect.fail('no instance')

  const peers = async () => (await instance()).peers
  const notes = ['checksums with a pseudo-header']
  await expect
    .poll(peers, PATIENT)
    .toMatchObject([{ address: '10.0.0.3', checksum: 'pseudo-header', refused: 0, notes }])
  expect(tanist.logText()).toContain('10.0.0.3 sends checksums with a pseudo-header; they are understood')

  await reload(200, 'v3_checksum_as_v2')
  await until('both to be master', async () => (await link.master()).length === 2)
  await until('FRR to say why', () => frr.logText().includes('Bad VRRP checksum'))
  const other = { address: '10.0.0.3', priority: 150 }
  await expect.poll(async () => (await instance()).dual, PATIENT).toMatchObject({ now: other })

  await reload(200, '')
  await link.untilOwner('tanist')
  await expect.poll(async () => (await instance()).dual?.now, PATIENT).toBeUndefined()
  expect((await instance()).dual?.times).toBe(1)
})
