import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { listKeywords } from '../../src/config/reference.ts'
import { surroundings } from '../support/surroundings.ts'

const load = (text: string) => loadConfig({ name: 'x', text }, surroundings({}))
const instance = (inside: string) =>
  `vrrp_instance a {\n interface eth0\n virtual_router_id 5\n virtual_ipaddress { 10.0.0.1 }\n ${inside}\n}`
const garp = (inside: string) => load(instance(inside)).config?.instances[0]?.garp

/** Where the election's own keywords stand, and the options of its lines. */
const BLOCKS = /^\/(vrrp_instance|vrrp_sync_group|track_group|garp_group)|^\(value-line option\) (address|route|rule)$/
const TOP = /^(static_|track_group|garp_group|vrrp_instance|vrrp_sync_group|interface_up_down_delays)/

test('every keyword of the election works, or says why it never has an effect here', () => {
  const rows = listKeywords().filter(({ block, keyword }) => BLOCKS.test(block) || (block === '/' && TOP.test(keyword)))
  expect(rows.length).toBeGreaterThan(190)
  const short = rows.filter(({ status }) => status.effect !== 'works' && status.effect !== 'none')
  // Connections are not synchronised yet.
  expect(short.map(({ keyword }) => keyword)).toEqual(['lvs_sync_daemon_interface'])
  const never = rows.flatMap(({ status }) => (status.effect === 'none' ? [status.why] : []))
  expect(never.length).toBeGreaterThan(0)
  for (const why of never) expect(why).toMatch(/\w/)
})

describe('announcements', () => {
  test.each([
    ['garp_master_delay 3', { delay: 3000, lowerDelay: 3000 }],
    ['garp_master_repeat 2', { repeat: 2, lowerRepeat: 2 }],
    ['garp_master_refresh 60', { refresh: 60_000, refreshRepeat: 1 }],
    ['garp_master_refresh 60\n garp_master_refresh_repeat 4', { refreshRepeat: 4 }],
    ['garp_lower_prio_delay 7', { delay: 5000, lowerDelay: 7000 }],
    ['garp_lower_prio_repeat 8', { repeat: 5, lowerRepeat: 8 }],
    ['garp_extra_if 10', { extra: { every: 10_000, all: false } }],
    ['garp_extra_if all 10', { extra: { every: 10_000, all: true } }],
    ['vmac_garp_intvl all 10', { extra: { every: 10_000, all: true } }],
  ])('%s', (inside, expected) => {
    expect(garp(inside)).toMatchObject(expected)
  })
})

describe('other names of options', () => {
  test.each([
    [
      'static_routes',
      '10.9.0.0/16 gw 10.0.0.1 oif eth0 dsfield 4 preference 5',
      { routes: [{ tos: 4, metric: 5, hops: [{ via: '10.0.0.1', device: 'eth0' }] }] },
    ],
    ['static_routes', '10.9.0.0/16 dev eth0 priority 5', { routes: [{ metric: 5 }] }],
    ['static_rules', 'dev eth0 dsfield 4 lookup 9 order 5', { rules: [{ incoming: 'eth0', tos: 4, preference: 5 }] }],
    [
      'static_rules',
      'table 9 priority 5 sup_pl 0 sup_group 3',
      { rules: [{ preference: 5, suppressPrefixLength: 0, suppressGroup: 3 }] },
    ],
    ['static_ipaddress', '10.9.0.1/16 broadcast +', { addresses: [{ options: { broadcast: '10.9.255.255' } }] }],
  ])('%s: %s', (block, line, expected) => {
    expect(load(`${block} {\n ${line}\n}`).config?.staticObjects).toMatchObject(expected)
  })
})

test('autojoin has no effect, and says so', () => {
  const { config, diagnostics } = load('static_ipaddress {\n 10.9.0.1/16 dev eth0 autojoin\n}')
  expect(diagnostics.map(({ message }) => message).join()).toContain('multicast addresses')
  expect(config?.staticObjects.addresses).toEqual([{ address: '10.9.0.1', prefix: 16, device: 'eth0' }])
})

test('unicast adverts count of peers only, with check_unicast_src and without', () => {
  const peers = (more: string) => load(instance(`unicast_peer { 10.0.0.2 }\n ${more}`))
  expect(peers('check_unicast_src').config?.instances).toEqual(peers('').config?.instances)
  expect(peers('check_unicast_src').diagnostics).toEqual([])
})
