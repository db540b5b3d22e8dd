import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { itemsOf } from '../../src/net/route.ts'
import { itemText } from '../../src/net/route-text.ts'
import { surroundings } from '../support/surroundings.ts'
import { ROUTE_LINES, RULE_LINES } from '../support/routing-cases.ts'

const NAMES = {
  '/usr/share/iproute2/rt_tables': '0x10 lan # here\n 30 wan\n',
  '/etc/iproute2/rt_tables': '17 lan\n# 18 none\nnonsense\n',
  '/etc/iproute2/rt_tables.d/more.conf': '40 more\n',
  '/etc/iproute2/rt_protos': '200 mine\n',
  '/etc/iproute2/rt_realms': '5 home\n',
  '/etc/iproute2/rt_dsfield': '0x20 CS1\n',
  '/etc/iproute2/group': '9 inside\n',
  '/etc/protocols': 'gre 47 GRE # tunnel\nfoo 99 bar baz\n',
  '/opt/names/rt_tables': '55 lan\n',
}
const load = (text: string) => loadConfig({ name: 'x', text }, surroundings(NAMES))
const routes = (...lines: string[]) => load(`static_routes {\n${lines.join('\n')}\n}`)
const rules = (...lines: string[]) => load(`static_rules {\n${lines.join('\n')}\n}`)
const only = <T>(items: readonly T[] | undefined): T => {
  const [item] = items ?? []
  if (item === undefined) throw new Error('nothing was made')
  return item
}
const route = (line: string) => only(routes(line).config?.staticObjects.routes)
const rule = (line: string) => only(rules(line).config?.staticObjects.rules)
const errors = ({ diagnostics }: ReturnType<typeof load>) =>
  diagnostics
    .filter(({ severity }) => severity === 'error')
    .map(({ at, message }) => `${at.source.text.slice(at.start, at.end)}: ${message}`)
const warnings = ({ diagnostics }: ReturnType<typeof load>) =>
  diagnostics.filter(({ severity }) => severity === 'warning').map(({ message }) => message)

describe('a route', () => {
  test('has what keepalived gives to one that says little', () => {
    expect(route('10.9.0.0/16 via 10.0.0.254')).toEqual({
      family: 4,
      type: 'unicast',
      to: { address: '10.9.0.0', length: 16 },
      table: 254,
      tos: 0,
      scope: 0,
      protocol: 18,
      hops: [{ via: '10.0.0.254', weight: 1, onlink: false }],
      metrics: {},
      locked: [],
      position: 'first',
      tracked: true,
    })
  })

  test.each([
    ['default via fe80::1 dev eth0', 6, 'default via fe80::1 dev eth0'],
    ['inet6 default dev eth0', 6, 'default dev eth0'],
    ['default dev eth0', 4, 'default dev eth0'],
    ['10.9.0.0/16 via inet6 fe80::1 dev eth0', 4, '10.9.0.0/16 via fe80::1 dev eth0'],
    ['2001:db8::5/32 dev eth0', 6, '2001:db8::/32 dev eth0'],
    ['unreachable inet6 default', 6, 'unreachable default'],
  ])('%s is of IPv%i', (line, family, text) => {
    const found = route(line)
    expect(itemText({ kind: 'route', route: found })).toBe(text)
    expect(found.family).toBe(family)
  })

  test.each([
    ['table lan', { table: 17 }],
    ['table wan', { table: 30 }],
    ['table more', { table: 40 }],
    ['table local', { table: 255 }],
    ['table 0x20', { table: 32 }],
    ['protocol mine no_track', { protocol: 200, tracked: false }],
    ['realms home/7', { realms: 5 * 65_536 + 7 }],
    ['tos CS1', { tos: 0x20 }],
    ['scope site', { scope: 200 }],
    ['expires 300', { tracked: false }],
    ['add', { position: 'alone' }],
    ['append', { position: 'last' }],
    ['vrf blue', { vrf: 'blue' }],
    ['rtt 300', { metrics: { rttEighthsOfMs: 1600 } }],
    [
      'rtt 300ms rttvar lock 1.5s',
      { metrics: { rttEighthsOfMs: 2400, rttvarQuartersOfMs: 6000 }, locked: ['rttvarQuartersOfMs'] },
    ],
    ['congctl lock bbr', { congestionControl: 'bbr', locked: ['congestionControl'] }],
    ['quickack off', { metrics: { quickack: 0 } }],
  ])('knows %s', (option, expected) => {
    expect(route(`10.9.0.0/16 dev eth0 ${option}`)).toMatchObject(expected)
  })

  test('finds its names where the file says', () => {
    const text =
      'global_defs {\n iproute_etc_dir /opt/names\n}\nstatic_routes {\n 10.9.0.0/16 dev eth0 table lan\n 10.8.0.0/16 dev eth0 table wan\n}'
    expect(load(text).config?.staticObjects.routes.map(({ table }) => table)).toEqual([55, 30])
    const other = text
      .replace('iproute_etc_dir /opt/names', 'iproute_usr_dir /opt/names')
      .replace('table wan', 'table more')
    expect(load(other).config?.staticObjects.routes.map(({ table }) => table)).toEqual([17, 40])
    const usr = load(
      'global_defs {\n iproute_etc_dir /none\n iproute_usr_dir /opt/names\n}\nstatic_routes {\n 10.9.0.0/16 dev eth0 table lan\n}',
    )
    expect(usr.config?.staticObjects.routes.map(({ table }) => table)).toEqual([55])
  })

  test.each([
    ['10.9.0.1/16 dev eth0', '10.9.0.1/16 is no network'],
    ['dev eth0', 'needs a destination'],
    ['10.9.0.0/16', 'needs `via`, `dev` or `nexthop`'],
    ['10.9.0.0/16 dev eth0 table nowhere', 'there is no routing table `nowhere`: no file rt_tables'],
    ['10.9.0.0/16 dev eth0 protocol 300 no_track', '`300` is no routing protocol: the numbers go up to 255'],
    ['nat 10.9.0.0/16 dev eth0', 'no routes of type `nat`'],
    ['blackhole 10.9.0.0/16 dev eth0', 'are sent nowhere'],
    ['2001:db8::/32 via 10.0.0.1', 'the next hop 10.0.0.1 of a route of IPv6 is one of IPv4'],
    ['10.9.0.0/16 dev eth0 src 2001:db8::1', '`src` 2001:db8::1 is no address of IPv4'],
    ['inet6 10.9.0.0/16 dev eth0', '`inet6`, and the destination is one of IPv4'],
    ['10.9.0.0/16 dev eth0 nexthop via 10.0.0.1', '`nexthop` has its own'],
    ['10.9.0.0/16 nexthop weight 2', 'a next hop needs `via` or `dev`'],
    ['10.9.0.0/16 via 10.0.0.1 onlink', '`onlink` needs `dev`'],
    ['10.9.0.0/16 dev eth0 encap ip dst 2001:db8::1', '`dst` 2001:db8::1 is no address of IPv4'],
  ])('the kernel would refuse %s', (line, message) => {
    const found = errors(routes('10.1.0.0/16 dev eth0', line))
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(message)
    expect(found[0]?.startsWith(`${line.split(' ')[0]}: `)).toBe(true)
  })

  test.each([
    ['10.9.0.0/16 dev eth0 pref high', '`pref` has no effect on a route of IPv4'],
    ['2001:db8::/32 dev eth0 tos 4', '`tos` has no effect on a route of IPv6'],
    ['10.9.0.0/16 dev eth0 protocol bird', 'add `no_track`'],
    ['10.9.0.0/16 dev eth0 rto_min 20ms', '`rto_min` is 200 ms'],
    ['10.9.0.0/16 dev eth0 ttl-propagate enabled', 'it is for routes of MPLS labels'],
    ['10.9.0.0/16 as to 100 via 10.0.0.1', 'it is for routes of MPLS labels'],
  ])('is told that of %s', (line, message) => {
    expect(warnings(routes(line)).join()).toContain(message)
  })

  test.each([
    ['encap mpls 100/200', { type: 'mpls', labels: [100, 200] }],
    ['encap ila 21:1:2:3', { type: 'ila', locator: '0021000100020003' }],
    ['encap ip id 5 dst 10.9.9.9 ttl 20 tos 4', { type: 'ip', id: 5, to: '10.9.9.9', ttl: 20, tos: 4 }],
    ['encap ip6 dst 2001:db8::9 hoplimit 9 tc 3', { type: 'ip6', to: '2001:db8::9', ttl: 9, tos: 3 }],
  ])('goes on behind %s', (encap, expected) => {
    expect(route(`10.9.0.0/16 ${encap} via 10.0.0.1 dev eth0 metric 3`)).toMatchObject({
      metric: 3,
      hops: [{ device: 'eth0', encap: expected }],
    })
  })
})

describe('a rule', () => {
  test.each([
    ['from 10.1.0.0/16 to 10.2.0.1 lookup lan preference 5', '5: from 10.1.0.0/16 to 10.2.0.1 lookup 17'],
    ['not fwmark 0x10/0xff table main priority 6', '6: not from all fwmark 0x10/0xff lookup main'],
    ['from 2001:db8::/32 blackhole order 7', '7: from 2001:db8::/32 blackhole'],
    ['ipproto bar sport 5 dport 10-20 goto 9 preference 8', '8: from all ipproto 99 sport 5-5 dport 10-20 goto 9'],
    ['l3mdev preference 9', '9: from all lookup [l3mdev-table]'],
    ['iif eth0 oif eth1 tos CS1 nop preference 10', '10: from all tos 0x20 iif eth0 oif eth1 nop'],
  ])('%s', (line, text) => {
    expect(itemText({ kind: 'rule', rule: rule(line) })).toBe(text)
  })

  test('without a preference gets those of keepalived, going down for each family', () => {
    const found = rules(
      'from 10.1.0.0/16 table 5',
      'from 10.2.0.0/16 table 5',
      'from 2001:db8::/32 table 5',
      'table 9 preference 4',
      'table 5',
    )
    expect(found.config?.staticObjects.rules.map(({ family, preference }) => `${family} ${preference}`)).toEqual([
      '4 16384',
      '4 16383',
      '6 16384',
      '4 4',
      '4 16382',
    ])
  })

  test('that is not tracked has no protocol unless it says one', () => {
    expect([rule('table 5 preference 1').protocol, rule('table 5 preference 1 no_track').protocol]).toEqual([18, 0])
    expect(rule('table 5 preference 1 no_track protocol bird').protocol).toBe(12)
    expect(rule('table 5 preference 1 suppress_ifgroup inside').suppressGroup).toBe(9)
  })

  test.each([
    ['from 10.1.0.0/16 preference 5', 'a rule needs an action'],
    ['table 5 nop preference 5', 'a rule has one action'],
    ['goto 4 preference 5', '`goto` 4 goes back'],
    ['from 10.1.0.0/16 to 2001:db8::/32 table 5 preference 5', 'says both'],
    ['table 0 preference 5', 'table 0'],
    ['table 5 sport 9-8 preference 5', '`sport` 9-8 ends before it begins'],
    ['throw preference 5', 'no rules of type `throw`'],
    ['table 5 ipproto nonsense preference 5', 'there is no IP protocol `nonsense`'],
    ['table 5 suppress_prefixlength 33 preference 5', 'longer than an address'],
  ])('the kernel would refuse %s', (line, message) => {
    expect(errors(rules(line)).join()).toContain(message)
  })
})

test('an instance has its own, and the lines that are compared with keepalived are all understood', () => {
  const text = `vrrp_instance a {
  interface eth0
  virtual_router_id 5
  virtual_ipaddress { 10.0.0.1 }
  virtual_routes {\n${ROUTE_LINES.join('\n')}\n}
  virtual_rules {\n${RULE_LINES.join('\n')}\n}
}`
  const { config } = load(text)
  const [instance] = config?.instances ?? []
  if (instance === undefined) throw new Error(errors(load(text)).join('\n'))
  expect(itemsOf(instance)).toHaveLength(ROUTE_LINES.length + RULE_LINES.length)
  expect(config?.notRunning).toEqual([])
})

test('instances of a track group are in fault while an interface of it is down', () => {
  const text = `track_group g { group { a } }
static_ipaddress { 10.2.0.1/24 dev eth1 track_group g\n 10.3.0.1/24 dev eth5 }
static_routes { 10.9.0.0/16 via 10.0.0.1 dev eth2 track_group g }
static_rules { iif eth3 table 5 preference 4 track_group g }
${['a', 'b'].map((name, i) => `vrrp_instance ${name} {\n interface eth0\n virtual_router_id ${i + 1}\n virtual_ipaddress { 10.0.0.${i + 1} }\n}`).join('\n')}`
  const { config } = load(text)
  expect(
    config?.instances.map(({ tracks }) => tracks.map(({ kind, name, weight }) => `${kind} ${name} ${weight}`)),
  ).toEqual([['interface eth1 0', 'interface eth2 0', 'interface eth3 0'], []])
  expect(config?.staticObjects.addresses).toEqual([
    { address: '10.2.0.1', prefix: 24, device: 'eth1' },
    { address: '10.3.0.1', prefix: 24, device: 'eth5' },
  ])
})

test('static addresses have the options of virtual ones', () => {
  const line = '10.2.0.1/24 dev eth1 label eth1:s brd + scope link no_track\n 10.3.0.1 peer 10.9.0.0/16 noprefixroute'
  const six = '2001:db8::1/64 home -nodad mngtmpaddr preferred_lft 100'
  expect(load(`static_ipaddress {\n ${line}\n ${six}\n}`).config?.staticObjects.addresses).toEqual([
    {
      address: '10.2.0.1',
      prefix: 24,
      device: 'eth1',
      options: { label: 'eth1:s', broadcast: '10.2.0.255', scope: 253, untracked: true },
    },
    {
      address: '10.3.0.1',
      prefix: 16,
      device: 'eth0',
      options: { peer: { address: '10.9.0.0', length: 16 }, noPrefixRoute: true },
    },
    {
      address: '2001:db8::1',
      prefix: 64,
      device: 'eth0',
      options: { home: true, detectsDuplicates: true, manageTemporary: true, preferred: 100_000 },
    },
  ])
})

test('static addresses that name no interface are on the default one', () => {
  const devices = (text: string) => load(text).config?.staticObjects.addresses.map(({ device }) => device)
  expect(devices('static_ipaddress { 10.2.0.1/24 }')).toEqual(['eth0'])
  expect(devices('global_defs { default_interface lan0 }\nstatic_ipaddress { 10.2.0.1/24 }')).toEqual(['lan0'])
})
