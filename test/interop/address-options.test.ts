import { afterEach, beforeEach, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { KeepalivedHost } from '../support/keepalived.ts'
import { Lab, until } from '../support/lab.ts'

/** Lines of virtual and static addresses with each of their options: what the kernel has of them is the same as with keepalived. */
let lab: Lab

const ADDRESSES = `10.1.0.1
    10.1.0.2/24
    10.1.1.3/24 brd +
    10.1.2.4/24 brd -
    10.1.3.5/24 broadcast 10.1.3.77
    10.1.4.6/24 label eth0:6 scope link
    10.1.5.7/24 scope host
    10.1.6.8/24 scope 200
    10.1.7.9 peer 10.9.9.9
    10.1.8.11/24 noprefixroute
    10.1.9.12/24 preferred_lft 0
    10.1.11.14/24 dev eth1
    10.1.12.15/24 no_track
    10.1.14.17/31 brd +
    10.1.15.18/24 mngtmpaddr
    10.1.16.19/24 home
    10.1.17.20/24 scope nowhere
    10.1.18.21/24 scope site`
const EXCLUDED = `2001:db8:1::1
    2001:db8:2::2/64
    2001:db8:3::3/64 home
    2001:db8:4::4/64 -nodad
    2001:db8:5::5/64 mngtmpaddr
    2001:db8:6::6/64 noprefixroute
    2001:db8:7::7/128 preferred_lft forever
    2001:db8:8::8/64 preferred_lft 0
    2001:db8:9::9/64 preferred_lft 300
    2001:db8:a::a peer 2001:db8:aa::1
    2001:db8:c::c/64 scope link
    fe80::77/64
    fe80::78
    10.2.0.1`
const LAST = ['10.2.0.1', 'fe80::78']

const text = (more: string) => `vrrp_instance x {
  interface eth0
  virtual_router_id 10
  ${more}
  virtual_ipaddress {
    ${ADDRESSES}
  }
  virtual_ipaddress_excluded {
    ${EXCLUDED}
  }
}
`

const TEXTS = {
  virtual: text,
  /** Those of the instance are on the host last, behind its down interval. */
  static: (more: string) => `static_ipaddress {
    ${ADDRESSES}
    ${EXCLUDED}
}
vrrp_instance x {
  interface eth0
  virtual_router_id 10
  ${more}
  virtual_ipaddress {
    10.0.100.200/24
  }
}
`,
}

/** As `ip -d address` shows them: one line each, but for those that the interfaces have by themselves, and what is left of a lifetime. */
function addressesOf(host: string): readonly string[] {
  type Shown = Record<string, unknown> & { local: string; preferred_life_time: number }
  const links = JSON.parse(lab.run(host, ['ip', '-json', '-details', 'address'])) as {
    ifname: string
    addr_info: Shown[]
  }[]
  return links
    .flatMap(({ ifname, addr_info: all }) => all.map((each): Shown & { dev: string } => ({ ...each, dev: ifname })))
    .filter(({ local, protocol }) => local !== undefined && protocol !== 'kernel_ll' && !isOwn(local))
    .map((each) => {
      const counts = each.preferred_life_time
      return JSON.stringify({ ...each, preferred_life_time: counts > 0 && counts <= 300 ? 'counts down' : counts })
    })
    .toSorted()
}
const isOwn = (address: string) => /^(127\.|::1$|10\.0\.|192\.168\.|fe80::.*ff:fe)/.test(address)

beforeEach(() => {
  lab = new Lab()
  for (const name of ['lan1', 'lan2']) lab.addSwitch(name)
  for (const host of ['keepalived', 'tanist']) {
    lab.addHost(host, [
      { switch: host === 'tanist' ? 'lan1' : 'lan2', address: '10.0.100.1/24' },
      { switch: host === 'tanist' ? 'lan1' : 'lan2', address: '192.168.1.1/24' },
    ])
  }
})
afterEach(() => lab.destroy())

test.each(['virtual', 'static'] as const)(
  '%s addresses with options are what keepalived makes of them',
  async (kind) => {
    const keepalived = new KeepalivedHost(lab, 'keepalived', TEXTS[kind](''))
    const tanist = new DirectorHost(lab, 'tanist', TEXTS[kind]('vip_lease 0'))
    keepalived.start()
    await tanist.start()
    for (const last of LAST) await until('all of keepalived', () => keepalived.has(last))
    await tanist.untilState('master')
    // The address whose duplicates are looked for comes out of its trial.
    const trial = () => ['keepalived', 'tanist'].some((host) => addressesOf(host).join().includes('"tentative":true'))
    await until('the end of duplicate detection', () => !trial())
    expect(addressesOf('tanist')).toEqual(addressesOf('keepalived'))
    expect(addressesOf('tanist').length).toBe(32)
    expect(tanist.logText()).not.toContain('by netlink')
    if (kind === 'static') {
      // Of the one without no_track it is known when it has been looked at.
      for (const host of ['keepalived', 'tanist']) {
        lab.ip(host, ['addr del 10.1.12.15/24 dev eth0', 'addr del 10.1.4.6/24 dev eth0'])
        await until(`${host} to put one back`, () => addressesOf(host).join().includes('"label":"eth0:6"'))
        expect(addressesOf(host).join()).not.toContain('10.1.12.15')
      }
      expect(addressesOf('tanist')).toEqual(addressesOf('keepalived'))
    }
    await tanist.stop()
    if (kind === 'static') expect(addressesOf('tanist')).toEqual([])
  },
)

test('other options by a reload are those of the kernel, and each is away for no longer than one system call', async () => {
  const tanist = new DirectorHost(lab, 'tanist', text('vip_lease 0'))
  await tanist.start()
  await tanist.untilState('master')
  const line = (label: string) => `10.1.4.6/24 label ${label} scope link`
  expect(addressesOf('tanist').join()).toContain('"label":"eth0:6"')
  tanist.configure(text('vip_lease 0').replace(line('eth0:6'), line('eth0:7')))
  expect(await tanist.reload()).toEqual([])
  await until('the other label', () => addressesOf('tanist').join().includes('"label":"eth0:7"'))
  expect(addressesOf('tanist').length).toBe(32)
  expect(tanist.logText()).not.toContain('removed by another program')
})

test('promote_secondaries is set where it is asked for', async () => {
  const tanist = new DirectorHost(lab, 'tanist', text('promote_secondaries'))
  await tanist.start()
  const path = '/proc/sys/net/ipv4/conf/eth0/promote_secondaries'
  await until('the setting', () => lab.run('tanist', ['cat', path]).trim() === '1')
})
