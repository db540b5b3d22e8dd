import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { peerRules } from '../../src/config/rules/peers.ts'
import { surroundings } from '../support/surroundings.ts'

const load = (peers: string, more = '') => {
  const text = `vrrp_instance a {
  interface eth0
  virtual_router_id 1
  version 3
  virtual_ipaddress { 10.0.0.1 }
  unicast_peer {
${peers}
  }
${more}
}`
  return loadConfig({ name: 'x', text }, surroundings({}))
}

/** For every rule, peers that break it. */
const cases: Readonly<Record<string, readonly [peers: string, code: string, message: string]>> = {
  peersAreListedOnce: ['10.0.0.3\n10.0.0.4\n10.0.0.3', 'repeated-address', 'this peer is listed already, at x:7:1'],
  ttlLimitsLeaveRoom: ['10.0.0.3 min_ttl 5 max_ttl 4', 'bad-value', 'no TTL is at least 5 and at most 4'],
}

test.each(Object.entries(cases))('%s', (_rule, [peers, code, message]) => {
  const found = load(peers).diagnostics.filter((each) => each.code === code)
  expect(found).toHaveLength(1)
  expect(found[0]?.message).toContain(message)
})

test('every rule has a case', () => expect(Object.keys(cases)).toHaveLength(peerRules.length))

test('a peer runs once, with its limits', () => {
  const { config } = load('10.0.0.3 min_ttl 254\n10.0.0.4 max_ttl 64\n10.0.0.3')
  expect(config?.instances[0]?.unicastPeers).toEqual([
    { address: '10.0.0.3', minTtl: 254, maxTtl: 255 },
    { address: '10.0.0.4', minTtl: 0, maxTtl: 64 },
  ])
})

test.each([
  ['', 'pseudo-header'],
  ['v3_checksum_as_v2', 'plain'],
  ['v3_checksum_as_v2 no', 'pseudo-header'],
  ['old_unicast_checksum', 'old-unicast'],
  ['old_unicast_checksum never', 'pseudo-header'],
])('the checksum sent with `%s` is %s', (line, form) => {
  expect(load('10.0.0.3', line).config?.instances[0]?.checksum).toBe(form)
})

test('what instances do not say of checksums and lists, global_defs does', () => {
  const text = `global_defs {
  v3_checksum_as_v2
  vrrp_skip_check_adv_addr
}
${['', 'v3_checksum_as_v2 no\nskip_check_adv_addr no']
  .map(
    (own, i) =>
      `vrrp_instance i${i} { interface eth0\nvirtual_router_id ${i + 1}\nvirtual_ipaddress { 10.0.0.${i + 1} }\n${own}\n}`,
  )
  .join('\n')}`
  expect(loadConfig({ name: 'x', text }, surroundings({})).config?.instances).toMatchObject([
    { checksum: 'plain', checkAddresses: false },
    { checksum: 'pseudo-header', checkAddresses: true },
  ])
})
