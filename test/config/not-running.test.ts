import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { notRunningText } from '../../src/config/not-running.ts'
import { listKeywords } from '../../src/config/reference.ts'
import { surroundings } from '../support/surroundings.ts'

const load = (text: string) => loadConfig({ name: 'x', text }, surroundings())
const notRunning = (text: string) => load(text).config?.notRunning.map(notRunningText)
const codes = (text: string) => load(text).diagnostics.map(({ code }) => code)
const instance = (inside: string) =>
  `vrrp_instance a {\n  interface eth0\n  virtual_router_id 1\n  virtual_ipaddress { 10.0.0.1 }\n  ${inside}\n}`
const session = 'bfd_instance s { neighbor_ip 10.0.0.2\n }\n'
const script = 'vrrp_script s { script /bin/true\n }\n'
const server = (inside: string) =>
  `virtual_server 10.0.0.9 80 {\n  protocol TCP\n  real_server 10.1.0.1 80 {\n    ${inside}\n  }\n}`

/**
 * Every keyword that has no effect yet: whether its lack takes a protection away (a detail: where something else asks for it),
 * and the feature that it belongs to. Who adds one decides here, and not by accident.
 */
test('each feature that has no effect yet is a protection or harmless, as the table has it', () => {
  const table = readFileSync(join(import.meta.dirname, 'not-effective.tsv'), 'utf8')
    .trimEnd()
    .split('\n')
    .slice(1)
  const rows = listKeywords().flatMap(({ block, keyword, status }) =>
    status.effect === 'later'
      ? [[block, keyword, `${status.feature.lack}${status.detail ? ' detail' : ''}`, status.feature.name].join('\t')]
      : [],
  )
  expect(rows).toEqual(table)
})

describe('protections that do not run', () => {
  test('are told in one line for each feature, with all uses and the first place', () => {
    const text = `${session}${instance('track_bfd { s }\n virtual_routes { 10.9.0.0/24 }\n promote_secondaries')}\nvrrp_sync_group g {\n group { a }\n track_bfd { s }\n}`
    expect(notRunning(text)).toEqual([
      'BFD: 3 uses, first at x:1:1: there are no BFD sessions; nothing follows from one that goes down',
      'virtual_routes: at x:8:2: routes do not move with the virtual router',
      'promote_secondaries: at x:9:2: other addresses of a prefix may go with the first one',
    ])
    expect(codes(text).filter((code) => code === 'not-running')).toHaveLength(3)
  })

  test('keep the first eight of many places', () => {
    const many = Array.from({ length: 20 }, (_, i) => `virtual_routes { 10.9.${i}.0/24 }`).join('\n')
    expect(load(instance(many)).config?.notRunning).toMatchObject([{ uses: 20, places: { length: 8 } }])
  })

  test.each([
    ['a checker', server('MISC_CHECK { misc_path /bin/true\n }'), 'MISC_CHECK'],
    ['what a checker looks at', server('HTTP_GET { url { path /\n regex ok\n } }'), 'regex'],
    ['an unwatched start', server('alpha'), 'alpha'],
    ['who may speak', instance('no_accept'), 'no_accept'],
    ['an option of a peer', instance('unicast_peer { 10.0.0.2 min_ttl 255 }'), 'min_ttl and max_ttl'],
    ['strict mode', `global_defs { vrrp_strict }\n${instance('')}`, 'strict mode'],
    ['an option of an address', instance('virtual_ipaddress { 10.0.0.3/24 use_vmac }'), 'use_vmac'],
    ['a whole instance', instance('').replace('10.0.0.1', 'fe80::1'), 'IPv6 in vrrp_instance'],
    ['another group', `global_defs { vrrp_mcast_group4 224.0.0.19 }\n${instance('')}`, 'multicast group'],
    ['signed adverts', instance('auth_hmac { key 1 01234567890123456789012345678901\n }'), 'auth_hmac'],
    [
      'a whole service',
      server('TCP_CHECK { }').replace('10.0.0.9 80', 'group g').concat('\nvirtual_server_group g { 10.0.0.9 80 }'),
      'virtual_server group',
    ],
  ])('%s', (_name, text, feature) => {
    expect(load(text).config?.notRunning.map((each) => each.feature)).toEqual([feature])
  })

  test('an instance that would speak in another group does not run', () => {
    const other = `global_defs { vrrp_mcast_group4 224.0.0.19 }\n${instance('')}`
    expect(load(other).config?.instances).toEqual([])
    expect(load(other.replace('virtual_ip', 'unicast_peer { 10.0.0.2 }\n virtual_ip')).config?.instances).toHaveLength(
      1,
    )
  })

  test.each([
    ['a tracker that nobody tracks', script],
    ['a group that nobody uses', 'virtual_server_group g { 10.0.0.1 80 }'],
    ['who would run scripts', 'global_defs { script_user root\n enable_script_security\n }'],
    [
      'labels, logs',
      `global_defs { checker_log_all_failures\n }\n${instance('virtual_ipaddress { 10.0.0.3/24 label x:1 }')}`,
    ],
    ['the default itself', `global_defs { vrrp_mcast_group4 224.0.0.18 }\n${instance('down_timer_adverts 3')}`],
    ['an empty list', instance('track_interface { }')],
    ['no', server('alpha no')],
  ])('%s is none', (_name, text) => expect(notRunning(text)).toEqual([]))
})

test('keywords about one feature give one warning together', () => {
  const text = 'global_defs {\n checker_priority -5\n vrrp_priority -10\n vrrp_no_swap\n}'
  expect(load(text).diagnostics.map(({ code, message }) => `${code}: ${message}`)).toEqual([
    'not-effective-yet: `checker_priority`, `vrrp_priority`, `vrrp_no_swap` have no effect yet: the settings of processes are not changed; the vrrp process has real-time priority where that is allowed',
  ])
})
