import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AddressService } from '../../src/model/service.ts'
import { type Json, passedBy } from '../../src/host/firewall-check.ts'
import { address } from '../bpf/packets.ts'
import { Lab } from '../support/lab.ts'

/** Rules as nft and iptables make them in a namespace; what is read back is what is judged. */
const lab = new Lab()
beforeAll(() => lab.addHost('director', []))
afterAll(() => lab.destroy())

const service = (vip: string, port: number, protocol: AddressService['protocol'] = 'TCP', throughFirewall = false) => ({
  service: { by: 'address', vip: { address: address(vip), port }, protocol } as const,
  throughFirewall,
})
const WEB = service('10.0.0.1', 80)
const DNS = service('10.0.0.1', 53, 'UDP')
const WEB6 = service('2001:db8::1', 80)

/** Where each of these services is passed by. */
function judge(rules: readonly string[], services = [WEB, DNS, WEB6]): string[] {
  lab.run('director', ['nft', 'flush', 'ruleset'])
  for (const line of rules) {
    const [file = '', ...args] = line.startsWith('ip') ? line.split(' ') : ['nft', line]
    lab.run('director', [file, ...args])
  }
  const ruleset = JSON.parse(lab.run('director', ['nft', '-j', 'list', 'ruleset'])) as Json
  return passedBy(ruleset, services).flatMap(({ where, services: found }) =>
    found.map(({ vip, protocol }) => `${where.replace(/rule \d+/, 'rule')}: ${vip.address} ${protocol} ${vip.port}`),
  )
}

const TABLE = 'add table inet f'
const chain = (hook: string, policy = 'accept') =>
  `add chain inet f ${hook} { type filter hook ${hook} priority 0; policy ${policy}; }`
const rule = (text: string, hook = 'input') => [TABLE, chain(hook), `add rule inet f ${hook} ${text}`]
const ALL = ['10.0.0.1 TCP 80', '10.0.0.1 UDP 53', '2001:db8::1 TCP 80']
const inInput = (...which: string[]) => which.map((each) => `table inet f, chain input, rule (drop): ${each}`)

test.each<[string, readonly string[], readonly string[]]>([
  ['no rules', [], []],
  ['a policy', [TABLE, chain('input', 'drop')], ALL.map((each) => `table inet f, chain input, policy drop: ${each}`)],
  ['a drop of everything', rule('counter drop'), inInput(...ALL)],
  ['a drop on the way out', [TABLE, chain('output', 'drop')], []],
  ['what accepts', rule('tcp dport 80 accept'), []],
  ['of some clients', rule('ip saddr 192.0.2.0/24 drop'), inInput(...ALL.slice(0, 2))],
  ['a port', rule('tcp dport 80 drop'), inInput('10.0.0.1 TCP 80', '2001:db8::1 TCP 80')],
  ['another port', rule('tcp dport 22 drop'), []],
  ['a set of ports and ranges', rule('th dport { 50-60, 443 } drop'), inInput('10.0.0.1 UDP 53')],
  ['all ports but one', rule('th dport != 80 drop'), inInput('10.0.0.1 UDP 53')],
  ['another address', rule('ip daddr 10.0.0.2 drop'), []],
  ['its network', rule('ip daddr 10.0.0.0/24 drop'), inInput(...ALL.slice(0, 2))],
  ['a range', rule('ip6 daddr 2001:db8::-2001:db8::ff drop'), inInput('2001:db8::1 TCP 80')],
  ['a protocol', rule('meta l4proto udp drop'), inInput('10.0.0.1 UDP 53')],
  ['a family', rule('meta nfproto ipv6 drop'), inInput('2001:db8::1 TCP 80')],
  ['what is invalid', rule('ct state invalid drop'), []],
  ['what is new', rule('ct state new tcp dport 80 drop'), inInput('10.0.0.1 TCP 80', '2001:db8::1 TCP 80')],
  ['the loopback interface', rule('iifname "lo" drop'), []],
  [
    'a named set, of which nobody knows',
    [TABLE, 'add set inet f s { type inet_service; }', chain('input'), 'add rule inet f input tcp dport @s drop'],
    inInput('10.0.0.1 TCP 80', '2001:db8::1 TCP 80'),
  ],
  [
    'a map of verdicts',
    rule('tcp dport vmap { 22 : drop, 80 : drop, 443 : accept }'),
    inInput('10.0.0.1 TCP 80', '2001:db8::1 TCP 80'),
  ],
  [
    'a chain that is jumped to for a port',
    [
      ...rule('counter'),
      'add chain inet f web',
      'add rule inet f web reject',
      'add rule inet f input udp dport 53 jump web',
    ],
    ['table inet f, chain web, rule (reject): 10.0.0.1 UDP 53'],
  ],
  [
    'two chains that jump to each other’s',
    [
      ...rule('counter'),
      'add chain inet f a',
      'add chain inet f b',
      'add rule inet f a jump b',
      'add rule inet f b drop',
      'add rule inet f input jump a',
      'add rule inet f input jump b',
    ],
    ALL.map((each) => `table inet f, chain b, rule (drop): ${each}`),
  ],
  [
    'iptables',
    ['iptables -A INPUT -d 10.0.0.1 -p tcp --dport 80 -j DROP'],
    ['table ip filter, chain INPUT, rule (drop): 10.0.0.1 TCP 80'],
  ],
  [
    'raw PREROUTING',
    ['ip6tables -t raw -A PREROUTING -p tcp -j DROP'],
    ['table ip6 raw, chain PREROUTING, rule (drop): 2001:db8::1 TCP 80'],
  ],
  [
    'what only iptables has a word for',
    ['iptables -A INPUT -p tcp -m multiport --dports 80,443 -j REJECT'],
    ['table ip filter, chain INPUT, rule (reject): 10.0.0.1 TCP 80'],
  ],
  [
    'a policy of iptables',
    ['iptables -P FORWARD DROP'],
    ALL.slice(0, 2).map((each) => `table ip filter, chain FORWARD, policy drop: ${each}`),
  ],
])('a firewall rule that virtual servers bypass is found: %s', (_name, rules, expected) =>
  expect(judge(rules)).toEqual(expected),
)

test('of rules that do not see a virtual server with through_firewall only those of INPUT are reported', () => {
  const through = [service('10.0.0.1', 80, 'TCP', true), service('10.0.0.2', 0, 'UDP')]
  for (const hook of ['prerouting', 'forward']) {
    expect(judge(rule('drop', hook), through)).toEqual([`table inet f, chain ${hook}, rule (drop): 10.0.0.2 UDP 0`])
  }
  expect(judge(rule('drop'), through)).toHaveLength(2)
})

test('`tanistd -t --host` names firewall rules at the virtual server that they do not see, and accepts the file', () => {
  judge(rule('tcp dport 80 drop'))
  const file = join(lab.directory, 'x.conf')
  writeFileSync(
    file,
    'virtual_server 10.0.0.1 443 {\n  protocol TCP\n  real_server 10.1.0.1 443 { }\n}\nvirtual_server fwmark 1 {\n  mark {\n    TCP 10.0.0.1 80\n  }\n  real_server 10.1.0.1 { }\n}\n',
  )
  const command = lab.enter('director', [
    process.execPath,
    join(import.meta.dirname, '../../dist/cli/tanistd.js'),
    '-t',
    '--host',
    '-f',
    file,
    '--format',
    'json',
  ])
  const [{ accepted, diagnostics }] = JSON.parse(execFileSync(command[0], command.slice(1), { encoding: 'utf8' })) as [
    { accepted: boolean; diagnostics: { code: string; message: string; line: number }[] },
  ]
  expect(accepted).toBe(true)
  expect(diagnostics).toMatchObject([
    {
      code: 'host-firewall',
      line: 5,
      message: expect.stringMatching(
        /^table inet f, chain input, rule \d+ \(drop\): packets to \[10\.0\.0\.1\]:tcp:80 do not pass it/,
      ) as string,
    },
  ])
})
