import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { Capture } from '../support/capture.ts'
import { DirectorHost } from '../support/director.ts'
import { KeepalivedHost } from '../support/keepalived.ts'
import { Lab, until } from '../support/lab.ts'

const TANIST = '10.0.0.1'
const KEEPALIVED = '10.0.0.2'
const VIP = '10.0.0.100'

interface Case {
  readonly version: 2 | 3
  readonly cast: 'multicast' | 'unicast'
  readonly master: 'tanist' | 'keepalived'
}

const cases: Case[] = ([2, 3] as const).flatMap((version) =>
  (['multicast', 'unicast'] as const).flatMap((cast) =>
    (['tanist', 'keepalived'] as const).map((master) => ({ version, cast, master })),
  ),
)

/** The same file for both, but for priority and addresses. */
function config({ version, cast }: Case, priority: number, own: string, peer: string): string {
  const unicast = cast === 'unicast' ? `unicast_src_ip ${own}\n  unicast_peer {\n    ${peer}\n  }` : ''
  const auth = version === 2 ? 'authentication {\n    auth_type PASS\n    auth_pass secret99\n  }' : ''
  return `global_defs {\n  router_id test\n}
vrrp_instance VI_1 {
  state BACKUP
  interface eth0
  virtual_router_id 51
  version ${version}
  priority ${priority}
  advert_int ${interval(version) / 1000}
  ${auth}
  ${unicast}
  virtual_ipaddress {
    ${VIP}/24
  }
}
`
}

const interval = (version: 2 | 3) => (version === 2 ? 1000 : 250)
const skew = (version: 2 | 3, priority: number) => ((256 - priority) * interval(version)) / 256

/** Each has a lab of its own, and most of its time nothing happens. */
describe.concurrent.each(cases)('VRRPv$version, $cast, $master first', (each) => {
  const { version, master } = each
  const priority = { tanist: master === 'tanist' ? 150 : 100, keepalived: master === 'keepalived' ? 150 : 100 }
  const first = master === 'tanist' ? TANIST : KEEPALIVED
  const second = master === 'tanist' ? KEEPALIVED : TANIST

  async function startBoth(onTestFinished: (destroy: () => void) => void) {
    const lab = new Lab()
    onTestFinished(() => lab.destroy())
    lab.addSwitch('lan')
    lab.addHost('tanist', [{ switch: 'lan', address: `${TANIST}/24` }])
    lab.addHost('keepalived', [{ switch: 'lan', address: `${KEEPALIVED}/24` }])
    const tanist = new DirectorHost(lab, 'tanist', config(each, priority.tanist, TANIST, KEEPALIVED))
    const keepalived = new KeepalivedHost(lab, 'keepalived', config(each, priority.keepalived, KEEPALIVED, TANIST))
    const capture = await Capture.start(lab, 'lan')
    keepalived.start()
    await tanist.start()
    await capture.next(first, 0)
    const owners = () => [tanist.addresses().includes(VIP), keepalived.has(VIP)]
    const expected = master === 'tanist' ? [true, false] : [false, true]
    await until(`${master} alone to have the address`, () => String(owners()) === String(expected))
    // It answers before its election runs; a farewell before that is heard by nobody.
    await tanist.untilState(master === 'tanist' ? 'master' : 'backup')
    return { tanist, keepalived, capture, owners, expected, host: lab }
  }

  test('one master, good checksums, takeover after a link loss, and back', { retry: 2 }, async ({ onTestFinished }) => {
    const { capture, owners, expected, host } = await startBoth(onTestFinished)
    for (const end = performance.now() + 4 * interval(version); performance.now() < end; await sleep(50)) {
      expect(owners()).toEqual(expected)
    }
    const seen = capture.adverts()
    expect(new Set(seen.map((advert) => `${advert.version} ${advert.vrid} ${advert.ttl}`))).toEqual(
      new Set([`${version} 51 255`]),
    )
    expect(new Set(seen.filter(({ source }) => source === first).map(({ priority: value }) => value))).toEqual(
      new Set([150]),
    )

    host.cable(master, 0, 'down')
    const last = capture.adverts().findLast(({ source }) => source === first)?.at ?? 0
    const takeover = (await capture.next(second, last)).at - last
    const formula = 3 * interval(version) + skew(version, 100)
    expect(takeover).toBeGreaterThan(formula * 0.95 - 20)
    expect(takeover).toBeLessThan(formula * 1.05 + 20)

    host.cable(master, 0, 'up')
    await until(`${master} alone to have the address again`, () => String(owners()) === String(expected))
    // keepalived's version 3 checksum and ours cover the pseudo-header, which is what tcpdump expects.
    expect(capture.text).not.toContain('bad')
  })

  test('takeover after a graceful stop', { retry: 2 }, async ({ onTestFinished }) => {
    const { tanist, keepalived, capture } = await startBoth(onTestFinished)
    const before = Date.now()
    if (master === 'tanist') await tanist.stop()
    else keepalived.stop()
    const farewell = await until('priority 0', () =>
      capture.adverts().find((advert) => advert.source === first && advert.priority === 0 && advert.at > before - 100),
    )
    const takeover = (await capture.next(second, farewell.at)).at - farewell.at
    expect(takeover).toBeGreaterThan(skew(version, 100) - 20)
    expect(takeover).toBeLessThan(skew(version, 100) + 20)
  })
})
