import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { routingRules } from '../../src/config/rules/routing.ts'
import { serverRules } from '../../src/config/rules/servers.ts'
import { trackingRules } from '../../src/config/rules/tracking.ts'
import { vrrpRules } from '../../src/config/rules/vrrp.ts'
import { surroundings } from '../support/surroundings.ts'
import { groupCases } from './group-cases.ts'
import { returningCases } from './returning-cases.ts'

const instance = (inside: string, id = 1, name = 'a') => `vrrp_instance ${name} {
  interface eth0
  virtual_router_id ${id}
  ${inside}
}`
const vip = 'virtual_ipaddress { 10.0.0.1 }'
const FOR_VRRP = 'bfd_instance b {\n neighbor_ip 10.1.0.1\n vrrp\n}\n'
const service = (inside: string, head = '10.0.0.9 80') => `virtual_server ${head} {\n  protocol TCP\n  ${inside}\n}`
const server = 'real_server 10.1.0.1 80 { TCP_CHECK { } }'
const inGroup = (inside: string) => `${instance(`${vip}\n ${inside}`)}\nvrrp_sync_group g { group { a } }`
const ahInIpv6 = 'version 2\n virtual_ipaddress { fe80::1 }\n authentication { auth_type AH\n auth_pass x\n }'
const script = 'vrrp_script s { script /bin/true\n }'

/** For every rule, files that break it: the code that is reported, and what it says. */
const cases: Readonly<Record<string, readonly (readonly [text: string, code: string, message: string])[]>> = {
  instanceNamesAreUnique: [
    [`${instance(vip)}\n${instance('', 2)}`, 'duplicate-name', 'another vrrp_instance is named `a`'],
  ],
  instancesSayTheirRouterId: [
    ['vrrp_instance a { interface eth0 }', 'missing-keyword', '`a` needs `virtual_router_id`'],
  ],
  instancesHaveAnInterfaceUnlessUnicast: [
    ['vrrp_instance a { virtual_router_id 1 }', 'missing-keyword', '`a` needs `interface`'],
    [instance('unicast_src_ip fe80::1\n unicast_peer { fe80::2 }').replace(/inter.*/, ''), 'missing-keyword', '`a`'],
  ],
  instancesHaveAnAddressUnlessMeant: [
    [instance(''), 'no-virtual-address', '`a` has no virtual_ipaddress'],
    [
      instance('virtual_ipaddress {\n~SEQ(i,1,256) 10.0.1.${i}\n}').replace('1.${i}', '${i}.1'),
      'bad-value',
      '10.0.256.1',
    ],
    [
      instance('virtual_ipaddress {\n~SEQ(i,1,128) 10.0.1.${i}\n~SEQ(i,1,128) 10.0.2.${i}\n}'),
      'too-many',
      'an advert holds at most 255 addresses',
    ],
  ],
  routerIdsAreUniqueOnALink: [
    [
      `${instance(vip)}\n${instance('', 1, 'b')}`,
      'duplicate-router-id',
      'another instance has virtual_router_id 1 on eth0',
    ],
  ],
  virtualAddressesAreUnique: [
    [`${instance(vip)}\n${instance(vip, 2, 'b')}`, 'repeated-address', '10.0.0.1 is a virtual address of `a`, too'],
    [instance('virtual_ipaddress { 10.0.0.1\n 10.0.0.1 }'), 'repeated-address', '10.0.0.1 is listed already'],
  ],
  advertsHoldOneFamily: [
    [instance('virtual_ipaddress { 10.0.0.1\n fe80::1 }'), 'other-family', 'an advert holds one family, here IPv4'],
  ],
  theFirstIpv6AddressIsLinkLocal: [
    [instance('virtual_ipaddress { 2001:db8::1 }'), 'not-link-local', 'the first IPv6 address must be link-local'],
  ],
  peersAreOfTheSameFamily: [
    [instance(`${vip}\n unicast_peer { 2001:db8::2 }`), 'mixed-families', 'so must its peers have'],
    [instance(`${vip}\n mcast_src_ip 2001:db8::2`), 'mixed-families', 'so must its source be'],
  ],
  groupsAreOfTheSameFamily: [[instance(`${vip}\n mcast_dst_ip ff02::13`), 'ignored-value', 'go to the default group']],
  ipv6IsOfVersion3: [[instance('virtual_ipaddress { fe80::1 }\n version 2'), 'ignored-value', 'are of version 3']],
  noInstanceIsOnTheLoopback: [[instance(vip).replace('eth0', 'lo'), 'bad-value', '`lo` is the loopback interface']],
  unicastHasPeers: [[instance(`${vip}\n unicast_src_ip 10.0.0.2`), 'no-peer', 'adverts go to the multicast group']],
  peersAreNotTheSource: [
    [
      instance(`${vip}\n unicast_src_ip 10.0.0.2\n unicast_peer { 10.0.0.2 }`),
      'duplicate-address',
      'this director has no peer but itself',
    ],
    [
      instance(`${vip}\n unicast_src_ip 10.0.0.2\n unicast_peer { 10.0.0.2\n 10.0.0.3 }`),
      'ignored-value',
      'sends nothing to itself',
    ],
  ],
  intervalsFitTheVersion: [
    [instance(`${vip}\n advert_int 0.5`), 'rounded-value', 'version 2 takes whole seconds: 1 is taken'],
    [instance(`${vip}\n version 3\n advert_int 41`), 'rounded-value', 'up to 40.95: 40.95 is taken'],
    [
      instance(`${vip}\n version 3\n advert_int 0.015`),
      'rounded-value',
      'hundredths of a second, up to 40.95: 0.02 is taken',
    ],
  ],
  authenticationIsOfVersion2: [
    [
      instance(`${vip}\n version 3\n authentication { auth_type PASS\n auth_pass x\n }`),
      'ignored-value',
      'VRRPv3 has no',
    ],
    [
      instance(`${vip}\n strict_mode\n authentication { auth_type PASS\n auth_pass x\n }`),
      'ignored-value',
      'strict mode has no authentication',
    ],
    [instance(`${vip}\n authentication { auth_type PASS\n }`), 'ignored-value', 'no effect without each other'],
    [instance(`${vip}\n authentication { auth_pass x\n }`), 'ignored-value', 'no effect without each other'],
    [instance(ahInIpv6), 'bad-authentication', 'AH is for IPv4'],
  ],
  passwordsFit: [
    [
      instance(`${vip}\n authentication { auth_type PASS\n auth_pass 123456789\n }`),
      'bad-length',
      'first 8 characters',
    ],
  ],
  preemptionFitsThePriority: [
    [instance(`${vip}\n state MASTER\n priority 100\n nopreempt`), 'bad-preemption', '`nopreempt` has no effect'],
  ],
  preemptDelayIsForBackups: [
    [
      instance(`${vip}\n nopreempt\n preempt_delay 5`),
      'bad-preemption',
      '`preempt_delay` has no effect with `nopreempt`',
    ],
    [instance(`${vip}\n strict_mode\n preempt_delay 3`), 'bad-preemption', 'no effect in strict mode'],
    [
      instance(`${vip}\n state MASTER\n priority 9\n preempt_delay 5`),
      'bad-preemption',
      'no effect with `state MASTER`',
    ],
  ],
  onlyOwnersHavePriority255: [
    [instance(`${vip}\n state MASTER`), 'bad-priority', 'means priority 255'],
    [instance(`${vip}\n state BACKUP\n priority 255`), 'bad-priority', 'priority 255 owns the addresses'],
  ],
  groupMembersExist: [['vrrp_sync_group g { group { x } }', 'unknown-name', 'there is no vrrp_instance `x`']],
  membersAreInOneGroup: [
    [
      `${instance(vip)}\nvrrp_sync_group g { group { a } }\nvrrp_sync_group h { group { a } }`,
      'duplicate-name',
      '`a` is in a sync group already',
    ],
  ],
  groupsHaveMembers: [
    ['vrrp_sync_group g { }', 'unused', 'sync group `g` has no members'],
    [`${instance(vip)}\nvrrp_sync_group g { group { a } }`, 'lonely-member', 'has one member'],
  ],
  namesOfTrackersAreUnique: [[`${script}\n${script}`, 'duplicate-name', 'another vrrp_script is named `s`']],
  trackersExist: [
    [instance(`${vip}\n track_script { x }`), 'unknown-name', 'there is no vrrp_script `x`'],
    [instance(`${vip}\n track_file { x }`), 'unknown-name', 'there is no track_file `x`'],
    [instance(`${vip}\n track_process { x }`), 'unknown-name', 'there is no vrrp_track_process `x`'],
    [instance(`${vip}\n track_bfd { x }`), 'unknown-name', 'there is no bfd_instance `x`'],
    [instance(`${vip}\n track_interface { eth1\n eth1 }`), 'repeated-name', '`eth1` is tracked already'],
  ],
  trackersAreTracked: [
    [script, 'unused', 'no instance or group tracks the vrrp_script `s`'],
    ['vrrp_track_process p { process x\n }', 'unused', 'no instance or group tracks the vrrp_track_process `p`'],
  ],
  theOwnInterfaceIsTracked: [
    [instance(`${vip}\n track_interface { eth0 }`), 'ignored-value', '`a` watches its own interface in any case'],
    [
      instance(`${vip}\n dont_track_primary\n track_interface { eth0 }`),
      'ignored-value',
      '`a` does not watch its own interface, as `dont_track_primary` says',
    ],
  ],
  theTrackedSourceIsSaid: [[instance(`${vip}\n track_src_ip`), 'ignored-value', '`a` says no source']],
  delaysOfLinksAreShort: [
    [
      `interface_up_down_delays {\n eth0 0.5 2\n eth1 200\n}\n${instance(vip)}`,
      'rounded-value',
      'a delay of 2 s is cut to less than two advert intervals of `a`',
    ],
  ],
  checkersTrackWhatIsThere: [
    [service('real_server 10.1.0.1 80 { FILE_CHECK { track_file f } }'), 'unknown-name', 'there is no track_file `f`'],
    [service('real_server 10.1.0.1 80 { BFD_CHECK { name b } }'), 'unknown-name', 'there is no bfd_instance `b`'],
    [
      `${FOR_VRRP}${service('real_server 10.1.0.1 80 { BFD_CHECK { name b } }')}`,
      'unknown-name',
      '`b` is for VRRP only: say `checker` in the bfd_instance, too',
    ],
  ],
  trackersSayWhatTheyWatch: [
    ['vrrp_script s { interval 1 }', 'missing-keyword', '`s` needs `script`'],
    ['track_file f { weight 1 }', 'missing-keyword', '`f` needs `file`'],
    ['vrrp_track_process p { weight 1 }', 'missing-keyword', '`p` needs `process`'],
    ['bfd_instance b { multiplier 3 }', 'missing-keyword', '`b` needs `neighbor_ip`'],
  ],
  membersHaveNoWeightsOfTheirOwn: [
    [
      `${script}\n${inGroup('track_script { s weight 5 }')}`,
      'bad-weight',
      'weights of its own trackers are not taken into account; `s` has no effect',
    ],
    [inGroup('track_interface { eth1 weight 5 }'), 'bad-weight', 'of `eth1`, being down is a fault'],
    [`track_file f { file /f }\n${inGroup('track_file { f }')}`, 'bad-weight', 'of `f`, any number but 0 is a fault'],
    [`${script.replace('}', 'weight 7\n }')}\n${inGroup('track_script { s }')}`, 'bad-weight', '`s` has no effect'],
  ],
  ownersHaveNoWeights: [
    [
      `${script}\n${instance(`${vip}\n priority 255\n track_script { s weight 5 }`)}`,
      'bad-weight',
      '`a` owns the addresses, and its priority stays 255; `s` has no effect',
    ],
    [
      `${instance(`${vip}\n priority 255`)}\nvrrp_sync_group g { group { a }\n track_interface { eth1 weight 5 }\n }`,
      'bad-weight',
      'a member of `g` owns the addresses: `eth1` has no weight',
    ],
  ],
  weightsAreOfUseWithNopreempt: [
    [
      `${script}\n${instance(`${vip}\n nopreempt\n track_script { s weight -5 }`)}`,
      'bad-weight',
      'no other director takes over',
    ],
  ],
  quorumsOfProcessesAreNoMoreThanTheirMaximum: [
    ['vrrp_track_process p { process x\n quorum 3\n quorum_max 2\n }', 'bad-quorum', 'less than `quorum`'],
    ['vrrp_track_process p { process x\n quorum 2\n quorum_max 0\n }', 'bad-quorum', 'less than `quorum`'],
  ],
  processesCanHaveTheirNames: [
    ['vrrp_track_process p { process /usr/sbin/haproxy\n }', 'ignored-value', 'never named with its path'],
  ],
  scriptsEndBeforeTheNextRun: [
    ['vrrp_script s { script /bin/true\n interval 1\n timeout 2\n }', 'long-timeout', 'runs are left out'],
  ],
  rulesHaveAPreference: [['static_rules { from 10.0.0.0/8 table 5 }', 'no-preference', 'without `preference`']],
  trackGroupsExist: [
    ['static_ipaddress { 10.0.0.1 dev eth0 track_group g }', 'unknown-name', 'there is no track_group `g`'],
    ['static_routes { 10.0.0.0/8 dev eth0 track_group g }', 'unknown-name', 'there is no track_group `g`'],
  ],
  trackGroupsHaveInterfaces: [
    ['track_group g { }\nstatic_rules { l3mdev order 9 track_group g }', 'ignored-value', 'this line names none'],
  ],
  interfacesAreInOneGarpGroup: [
    [
      'garp_group { interface eth0\n }\ngarp_group { interfaces { eth0 } }',
      'repeated-name',
      '`eth0` is in a garp_group',
    ],
  ],
  virtualServersAreUnique: [
    [`${service(server)}\n${service(server)}`, 'duplicate-server', 'another virtual_server is [10.0.0.9]:tcp:80'],
  ],
  virtualServersSayTheirProtocol: [
    [`virtual_server 10.0.0.9 80 { ${server} }`, 'missing-keyword', 'virtual_server needs `protocol`'],
  ],
  marksNameNoPort: [
    [
      service('real_server 10.1.0.1 80 { }', 'fwmark 1'),
      'ignored-value',
      'a virtual server by firewall mark keeps the destination port',
    ],
    [service('', 'fwmark 1'), 'ignored-value', 'a virtual server by firewall mark takes every protocol'],
  ],
  everyPortNeedsPersistence: [
    [service(server, '10.0.0.9'), 'assumed-value', 'for every port needs `persistence_timeout`: 360 is taken'],
    [service(`persistence_timeout 0\n${server}`, '10.0.0.9'), 'assumed-value', '360 is taken'],
  ],
  noPersistenceIsNone: [
    [service(`persistence_timeout 0\n${server}`), 'ignored-value', '`persistence_timeout 0` is no persistence'],
    [
      service(`persistence_timeout 9\n persistence_granularity 0.0.0.0\n${server}`),
      'one-client',
      'all of them get the same server',
    ],
  ],
  ...groupCases,
  ...returningCases,
  virtualServersHaveServers: [[service(''), 'no-server', 'this virtual_server has no real_server']],
  realServersAreUnique: [
    [service(`${server}\n  ${server}`), 'repeated-server', 'real server [10.1.0.1]:80 is given twice'],
  ],
  theSorryServerIsAnother: [
    [
      service(`${server}\n  sorry_server 10.1.0.1 80`),
      'repeated-server',
      'the sorry server is one of the real servers',
    ],
  ],
  methodsReachTheServers: [
    [service('real_server 2001:db8::1 80 { }'), 'mixed-families', 'NAT cannot reach a server of the other family'],
  ],
  directRoutingKeepsThePort: [
    [service('lvs_method DR\n  real_server 10.1.0.1 8080 { }'), 'bad-port', 'DR cannot change the port: use 80'],
    [service('real_server 10.1.0.1 8080 { lvs_method TUN\n }'), 'bad-port', 'TUN cannot change the port'],
  ],
  quorumCanBeReached: [
    [service(`quorum 3\n  ${server}`), 'bad-quorum', 'add up to 1 only: that is the quorum then'],
    [service(`quorum 1\n hysteresis 1\n  ${server}`), 'bad-quorum', 'counts as 0 with a quorum of 1'],
  ],
  someWeightIsAboveZero: [
    [service('real_server 10.1.0.1 80 { weight 0\n }'), 'bad-weight', 'every real server has weight 0'],
  ],
  thresholdsAreInOrder: [
    [service('real_server 10.1.0.1 80 { uthreshold 5\n lthreshold 6\n }'), 'bad-weight', '`lthreshold` is above'],
  ],
  localAddressesFit: [
    ['local_address_group g { 10.1.0.1-90 }', 'too-many', 'a local address group holds 1 to 64 addresses'],
    ['local_address_group g { 10.1.0.9-3 }', 'too-many', 'a local address group holds 1 to 64 addresses'],
    ['local_address_group g { }', 'unused', 'the group `g` is empty'],
    ['local_address_group g { 10.1.0.9 }', 'unused', 'no virtual_server uses the group `g`'],
    [
      service(`lvs_method FNAT\n laddr_group_name g\n ${server}`),
      'unknown-name',
      'there is no local_address_group `g`',
    ],
    [
      `local_address_group g { 10.1.0.9 }\n${service(`laddr_group_name g\n ${server}`)}`,
      'ignored-value',
      'only FNAT uses local addresses',
    ],
    [
      `local_address_group g { 2001:db8::9 }\n${service(`lvs_method FNAT\n laddr_group_name g\n ${server}`)}`,
      'mixed-families',
      'of another family than the virtual server',
    ],
    [
      service(`lvs_method FNAT\n ops\n ${server}`).replace('TCP', 'UDP'),
      'bad-value',
      '`ops` keeps no connection, and FNAT needs one',
    ],
  ],
  localAddressesAreUnique: [
    ['local_address_group g {\n 10.1.0.1-4\n 10.1.0.3\n}', 'repeated-address', 'local address 10.1.0.3 is given twice'],
  ],
  oneByOneIsForUdp: [[service(`ops\n  ${server}`), 'ignored-value', '`ops` is for UDP']],
  callsAreOfUdp: [
    [service(`persistence_engine sip\n  ${server}`), 'ignored-value', 'is of use with `persistence_timeout` only'],
    [service(`persistence_engine sip\n persistence_timeout 60\n  ${server}`), 'bad-value', '`sip` is for UDP'],
  ],
  accessListsAreClear: [
    [
      service(`allow { 10.0.0.0/8 192.0.2.1 }\n  deny {\n    192.0.2.0/24\n    192.0.2.1/32\n  }\n  ${server}`),
      'duplicate-address',
      '192.0.2.1 is in `allow`, too, at x:3:22',
    ],
    [
      service(`deny { 2001:DB8::/32 2001:db8:0::/32 }\n  ${server}`),
      'repeated-address',
      '2001:db8::/32 is in this list',
    ],
    [service(`deny { 10.1.2.3/8 }\n  ${server}`), 'ignored-value', 'only the first 8 bits count: 10.0.0.0/8'],
    [service(`deny { 10.0.0.0/33 }\n  ${server}`), 'bad-value', 'an IP address with an optional prefix length'],
    [service(`allow { 10.0.0.1-9 }\n  ${server}`), 'bad-value', 'an IP address with an optional prefix length'],
    [
      service(
        `deny { ${Array.from({ length: 65_537 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`).join('\n')} }\n${server}`,
      ),
      'too-many',
      'all `allow` and `deny` lists together hold at most 65536 prefixes',
    ],
  ],
  markedPacketsHavePassedTheFirewall: [
    [
      `virtual_server fwmark 7 {\n  through_firewall\n  ${server}\n}`,
      'ignored-value',
      'packets with a mark have passed the firewall already',
    ],
  ],
  tunnelsSayTheirPort: [
    [service(`lvs_method TUN type gue\n  ${server}`), 'missing-keyword', '`type gue` needs `port`'],
  ],
  alphaNeedsAChecker: [[service('alpha\n  real_server 10.1.0.1 80 { }'), 'no-check', 'this server never comes up']],
  checkersAreComplete: [
    [service('real_server 10.1.0.1 80 { HTTP_GET { } }'), 'missing-keyword', 'this checker needs a `url` block'],
    [service('real_server 10.1.0.1 80 { SSL_GET { } }'), 'missing-keyword', 'this checker needs a `url` block'],
    [service('real_server 10.1.0.1 80 { MISC_CHECK { } }'), 'missing-keyword', 'MISC_CHECK needs `misc_path`'],
    [service('real_server 10.1.0.1 80 { FILE_CHECK { } }'), 'missing-keyword', 'FILE_CHECK needs `track_file`'],
    [service('real_server 10.1.0.1 80 { AGENT_CHECK { } }'), 'missing-keyword', 'AGENT_CHECK needs `connect_port`'],
    [service('real_server 10.1.0.1 80 { BFD_CHECK { } }'), 'missing-keyword', 'BFD_CHECK needs `name`'],
  ],
  agentsAreNotAlone: [[service('real_server 10.1.0.1 80 { AGENT_CHECK { } }'), 'no-check', 'an agent that is gone']],
  checksHaveAPort: [
    [service('real_server 10.1.0.1 { TCP_CHECK { } }', '10.0.0.9'), 'bad-port', 'this checker needs `connect_port`'],
    [service('real_server 10.1.0.1 { DNS_CHECK { } }', '10.0.0.9'), 'bad-port', 'this checker needs `connect_port`'],
    [
      service('real_server 10.1.0.1 { SMTP_CHECK { host { } } }', '10.0.0.9'),
      'bad-port',
      'this checker needs `connect_port`',
    ],
  ],
}

const rules = [...vrrpRules, ...trackingRules, ...routingRules, ...serverRules]
/** Breaks none of them. */
const good = `${instance(vip)}\n${service(server)}`

test('a good configuration file breaks no rule', () => {
  expect(loadConfig({ name: 'x', text: good }, surroundings()).diagnostics).toEqual([])
})

describe.each(Object.entries(cases))('configuration rule %s', (_rule, files) => {
  const cases = files.map(([text, code, message]) => ({ text, code, message, title: text.slice(0, 200) }))
  test.each(cases)('$code: $title', ({ text, code, message }) => {
    const { diagnostics } = loadConfig({ name: 'x', text }, surroundings())
    const found = diagnostics.filter((each) => each.code === code && each.message.includes(message))
    expect(found.length, diagnostics.map((each) => `${each.code}: ${each.message}`).join('\n')).toBeGreaterThan(0)
  })
})

test('every rule of the configuration has cases in this file', () => {
  expect(rules).toHaveLength(Object.keys(cases).length)
})
