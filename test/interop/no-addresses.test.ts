import { describe, expect, test } from 'vitest'
import { Capture } from '../support/capture.ts'
import { DirectorHost } from '../support/director.ts'
import { KeepalivedHost } from '../support/keepalived.ts'
import { Lab, until } from '../support/lab.ts'

interface Case {
  readonly what: string
  readonly version: 2 | 3
  readonly inside: string
  /** Who has the greater priority, and the other. keepalived 2.2.7 runs such an instance with version 2 only. */
  readonly hosts: readonly ['tanist' | 'keepalived', 'tanist' | 'keepalived']
}

const NONE = 'no_virtual_ipaddress'
const EXCLUDED = 'virtual_ipaddress_excluded { 10.0.0.100/24 }'

const cases: readonly Case[] = [
  { what: 'none', version: 3, inside: NONE, hosts: ['tanist', 'tanist'] },
  { what: 'excluded ones only', version: 3, inside: EXCLUDED, hosts: ['tanist', 'tanist'] },
  { what: 'none', version: 2, inside: '', hosts: ['tanist', 'keepalived'] },
  { what: 'none', version: 2, inside: '', hosts: ['keepalived', 'tanist'] },
  { what: 'excluded ones only', version: 2, inside: EXCLUDED, hosts: ['keepalived', 'tanist'] },
]

/** They elect a master all the same: their adverts list no address, and each takes those of the other. */
describe.concurrent.each(cases)('addresses: $what, VRRPv$version, $hosts', ({ version, inside, hosts }) => {
  test('one is master', async ({ onTestFinished }) => {
    const lab = new Lab()
    onTestFinished(() => lab.destroy())
    lab.addSwitch('lan')
    for (const i of [0, 1]) lab.addHost(`h${i}`, [{ switch: 'lan', address: `10.0.0.${i + 1}/24` }])
    const capture = await Capture.start(lab, 'lan')
    const interval = version === 2 ? 1 : 0.25
    for (const [i, program] of hosts.entries()) {
      const text = `vrrp_instance a {
        interface eth0\n virtual_router_id 51\n version ${version}\n priority ${i === 0 ? 200 : 100}\n advert_int ${interval}
        ${inside}
      }`
      if (program === 'keepalived') new KeepalivedHost(lab, `h${i}`, text).start()
      else await new DirectorHost(lab, `h${i}`, text).start()
    }
    // Two masters take turns for ever; a backup that hears none is master after 3.6 intervals.
    const latest = await until(
      'the greater priority to be alone',
      () => {
        const last = capture.adverts().slice(-8)
        return last.length === 8 && last.every(({ source }) => source === '10.0.0.1') ? last : undefined
      },
      25_000,
    )
    expect(latest.map(({ version: seen, priority }) => [seen, priority])).toEqual(latest.map(() => [version, 200]))
  })
})
