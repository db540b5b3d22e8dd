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
const sync = 'global_defs { lvs_sync_daemon eth0 a\n }\n'
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
    status.effect === 'later' ? [[block, keyword, status.feature.lack, status.feature.name].join('\t')] : [],
  )
  expect(rows).toEqual(table)
})

describe('protections that do not run', () => {
  test('are told in one line for each feature, with all uses and the first place', () => {
    const text = `${sync}${instance('lvs_sync_daemon_interface eth0')}`
    expect(notRunning(text)).toEqual([
      'lvs_sync_daemon: 2 uses, first at x:1:15: connections are not synchronised with the other director; they break when it takes over',
    ])
    expect(codes(text).filter((code) => code === 'not-running')).toHaveLength(1)
  })

  test('keep the first eight of many places', () => {
    const many = Array.from({ length: 20 }, () => 'lvs_sync_daemon_interface eth0').join('\n')
    expect(load(instance(many)).config?.notRunning).toMatchObject([{ uses: 20, places: { length: 8 } }])
  })

  test.each([['what other directors know', instance('lvs_sync_daemon_interface eth0'), 'lvs_sync_daemon']])(
    '%s',
    (_name, text, feature) => {
      expect(load(text).config?.notRunning.map((each) => each.feature)).toEqual([feature])
    },
  )

  test.each([
    ['a tracker that nobody tracks', script],
    ['a group that nobody uses', 'virtual_server_group g { 10.0.0.1 80 }'],
    ['who would run scripts', 'global_defs { script_user root\n enable_script_security\n }'],
    [
      'labels, logs',
      `global_defs { checker_log_all_failures\n }\n${instance('virtual_ipaddress { 10.0.0.3/24 label x:1 }')}`,
    ],
    ['the default itself', instance('down_timer_adverts 3')],
    ['an empty list', instance('track_interface { }')],
    ['no', server('HTTP_GET { url { path /\n regex_no_match no\n } }')],
  ])('%s is none', (_name, text) => expect(notRunning(text)).toEqual([]))
})

test('keywords about one feature give one warning together', () => {
  const text = 'global_defs {\n reload_repeat\n reload_file /run/a\n reload_time_file /run/b\n}'
  expect(load(text).diagnostics.map(({ code, message }) => `${code}: ${message}`)).toEqual([
    'not-effective-yet: `reload_repeat`, `reload_file`, `reload_time_file` have no effect yet: `tanist reload` or SIGHUP reloads',
  ])
})
