import { describe, expect, test, type TestContext } from 'vitest'
import { Capture, type SeenAdvert } from '../support/capture.ts'
import { DirectorHost } from '../support/director.ts'
import { KeepalivedHost } from '../support/keepalived.ts'
import { Lab, until } from '../support/lab.ts'

/** How adverts get from one director to the other, beside keepalived: families, groups, unicast. Both have the same file, but for these. */
interface Way {
  readonly name: string
  readonly global?: string
  readonly instances: (own: Own) => string
  readonly vips: readonly string[]
  /** Where adverts go, as tcpdump shows them; of unicast ones the last bytes. */
  readonly to: readonly string[]
  readonly ttl?: number
}

interface Own {
  readonly priority: number
  readonly own: string
  readonly peer: string
}

const INTERVAL = 250

const instance = (name: string, { priority }: Own, more: string, vips: readonly string[]) => `vrrp_instance ${name} {
  state BACKUP
  interface eth0
  virtual_router_id 51
  version 3
  priority ${priority}
  advert_int ${INTERVAL / 1000}
  garp_master_delay 0
  ${more}
  virtual_ipaddress {
    ${vips.join('\n    ')}
  }
}
`
const unicast = (own: string, peer: string, ttl = 255) =>
  `unicast_src_ip ${own}\n  unicast_ttl ${ttl}\n  unicast_peer {\n    ${peer}\n  }`
const IPV6 = ['fe80::100/64', '2001:db8::100/64']

const ways: Way[] = [
  {
    name: 'IPv6',
    instances: (own) => instance('six', own, '', IPV6),
    vips: ['fe80::100', '2001:db8::100'],
    to: ['ff02::12'],
  },
  {
    name: 'IPv6 unicast',
    instances: (all) => instance('six', all, unicast(`2001:db8::${all.own}`, `2001:db8::${all.peer}`, 9), IPV6),
    vips: ['fe80::100', '2001:db8::100'],
    to: ['2001:db8::1', '2001:db8::2'],
    ttl: 9,
  },
  {
    name: 'IPv4 unicast with a TTL',
    instances: (all) => instance('four', all, unicast(`10.0.0.${all.own}`, `10.0.0.${all.peer}`, 7), ['10.0.0.100/24']),
    vips: ['10.0.0.100'],
    to: ['10.0.0.1', '10.0.0.2'],
    ttl: 7,
  },
  {
    name: 'both families with one VRID',
    instances: (own) => instance('four', own, '', ['10.0.0.100/24']) + instance('six', own, '', IPV6),
    vips: ['10.0.0.100', 'fe80::100', '2001:db8::100'],
    to: ['224.0.0.18', 'ff02::12'],
  },
  {
    name: 'other groups',
    global: 'vrrp_mcast_group4 224.0.0.77\n  vrrp_mcast_group6 ff02::77',
    instances: (own) => instance('four', own, '', ['10.0.0.100/24']) + instance('six', own, '', IPV6),
    vips: ['10.0.0.100', 'fe80::100', '2001:db8::100'],
    to: ['224.0.0.77', 'ff02::77'],
  },
  {
    name: 'two groups with one VRID',
    instances: (own) =>
      instance('one', own, '', ['10.0.0.100/24']) + instance('two', own, 'mcast_dst_ip 224.0.0.99', ['10.0.0.101/24']),
    vips: ['10.0.0.100', '10.0.0.101'],
    to: ['224.0.0.18', '224.0.0.99'],
  },
]
const cases = ways.flatMap((way) => (['tanist', 'keepalived'] as const).map((master) => ({ ...way, master })))

/** Each has a lab of its own, and most of its time nothing happens. */
describe.concurrent.each(cases)('$name, $master first', ({ global = '', instances, vips, to, ttl = 255, master }) => {
  const toAll = to.some((each) => each.startsWith('22') || each.startsWith('ff02'))
  const config = (name: 'tanist' | 'keepalived') => {
    const numbers = name === 'tanist' ? { own: '1', peer: '2' } : { own: '2', peer: '1' }
    return `global_defs {\n  router_id test\n  ${global}\n}\n${instances({ priority: name === master ? 150 : 100, ...numbers })}`
  }

  async function start({ onTestFinished }: Pick<TestContext, 'onTestFinished'>) {
    const lab = new Lab()
    onTestFinished(() => lab.destroy())
    lab.addSwitch('lan')
    for (const [i, host] of ['tanist', 'keepalived'].entries()) {
      lab.addHost(host, [{ switch: 'lan', address: `10.0.0.${i + 1}/24` }])
      lab.ip(host, [`addr add 2001:db8::${i + 1}/64 dev eth0 nodad`])
    }
    const tanist = new DirectorHost(lab, 'tanist', config('tanist'))
    const keepalived = new KeepalivedHost(lab, 'keepalived', config('keepalived'))
    const capture = await Capture.start(lab, 'lan')
    keepalived.start()
    await tanist.start()
    const here = { tanist: () => tanist.addresses(), keepalived: () => vips.filter((vip) => keepalived.has(vip)) }
    /** All addresses on one, and none on the other. */
    const untilAllAt = (owner: 'tanist' | 'keepalived') =>
      until(`${owner} alone to have the addresses`, () => {
        const [own, other] =
          owner === 'tanist' ? [here.tanist(), here.keepalived()] : [here.keepalived(), here.tanist()]
        return vips.every((vip) => own.includes(vip) && !other.includes(vip))
      })
    return { lab, tanist, keepalived, capture, untilAllAt }
  }

  test(
    'one master, whose adverts tcpdump reads; the other one takes over, and gives back',
    { retry: 2 },
    async (context) => {
      const other = master === 'tanist' ? 'keepalived' : 'tanist'
      const { lab, capture, untilAllAt } = await start(context)
      await untilAllAt(master)
      const from = Date.now()
      const isOf = (priority: number) => (advert: SeenAdvert) => advert.at > from && advert.priority === priority
      await until('some adverts of each', () => {
        const seen = capture.adverts().filter(isOf(150))
        const isOften = (address: string) => seen.filter(({ destination }) => destination === address).length > 8
        return toAll ? to.every(isOften) : to.some(isOften)
      })
      expect(capture.adverts().filter(isOf(100))).toEqual([])
      lab.cable(master, 0, 'down')
      await untilAllAt(other)
      lab.cable(master, 0, 'up')
      await untilAllAt(master)
      const seen = capture.adverts()
      for (const { destination, ttl: seenTtl, version } of seen) {
        expect(to).toContain(destination)
        expect([seenTtl, version]).toEqual([ttl, 3])
      }
      expect(capture.text).not.toContain('bad')
      expect(capture.text.match(/(tos|class) 0xc0/g)?.length).toBe(seen.length)
    },
  )
})
