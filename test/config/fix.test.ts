import { describe, expect, test } from 'vitest'
import { correctedText, type Fix } from '../../src/config/fix.ts'
import { loadConfig } from '../../src/config/load.ts'
import { unifiedDiff } from '../../src/config/unified-diff.ts'
import { surroundings } from '../support/surroundings.ts'

const fixesOf = (text: string): readonly Fix[] =>
  loadConfig({ name: 'x', text }, surroundings()).diagnostics.flatMap(({ fix }) => fix ?? [])
const fixed = (text: string) => correctedText(text, fixesOf(text))

describe('mistakes that --fix corrects', () => {
  test.each([
    [
      'an obsolete line goes',
      'virtual_server 10.0.0.1 80 {\n  nat_mask 255.255.255.0\n  protocol TCP\n}\n',
      'virtual_server 10.0.0.1 80 {\n  protocol TCP\n}\n',
    ],
    [
      'a comment behind it stays',
      'virtual_server 10.0.0.1 80 {\n  nat_mask 255.255.255.0 # why?\n}\n',
      'virtual_server 10.0.0.1 80 {\n   # why?\n}\n',
    ],
    [
      'with others on its line',
      'virtual_server 10.0.0.1 80 { nat_mask 1.2.3.4\n}\n',
      'virtual_server 10.0.0.1 80 {\n}\n',
    ],
    ['between braces', 'virtual_server 10.0.0.1 80 { nat_mask 1.2.3.4 }\n', 'virtual_server 10.0.0.1 80 {  }\n'],
    ['a near miss', 'global_defs {\n  ruoter_id a\n}\n', 'global_defs {\n  router_id a\n}\n'],
    ['a deprecated name', 'vrrp_track_file f {\n file /a\n}\n', 'track_file f {\n file /a\n}\n'],
    [
      'a netmask',
      'static_ipaddress {\n 10.0.0.1/255.255.0.0 dev eth0\n}\n',
      'static_ipaddress {\n 10.0.0.1/16 dev eth0\n}\n',
    ],
    [
      'the prefix length of one host',
      'vrrp_instance a {\n unicast_peer {\n 10.0.0.2/24\n }\n}\n',
      'vrrp_instance a {\n unicast_peer {\n 10.0.0.2\n }\n}\n',
    ],
    [
      'seconds with their unit',
      'vrrp_script s {\n script /a\n interval 2s\n}\n',
      'vrrp_script s {\n script /a\n interval 2\n}\n',
    ],
    ['the last line without its end', 'global_defs { lvs_id a }', 'global_defs { router_id a }'],
    ['lines that end as on Windows', 'global_defs {\r\n  vrrp_strict no\r\n}\r\n', 'global_defs {\r\n}\r\n'],
  ])('%s', (_name, text, expected) => expect(fixed(text)).toBe(expected))

  test.each([
    ['what a definition says', '$K=lvs_id\nglobal_defs {\n  $K a\n}\n'],
    ['what a loop says', 'global_defs {\n~SEQ(i, 1, 2) lvs_id x${i}\n}\n'],
    ['a line of some hosts only', 'virtual_server 10.0.0.1 80 {\n@lb1 nat_mask 1.2.3.4\n}\n'],
    ['what may mean many things', 'global_defs {\n  something a\n}\n'],
  ])('%s is left alone', (_name, text) => expect(fixesOf(text)).toEqual([]))
})

/** What patch(1) does, strictly: every line that a hunk names must stand where it says. */
function patched(text: string, diff: string): string {
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? []
  const out: string[] = []
  let next = 0
  const rows = diff.split('\n').slice(2, -1)
  for (const [index, row] of rows.entries()) {
    const hunk = /^@@ -(\d+),(\d+) \+(\d+),(\d+) @@$/.exec(row)
    if (hunk !== null) {
      const first = Number(hunk[1]) - 1
      out.push(...lines.slice(next, first))
      next = first
      expect(out.length).toBe(Number(hunk[3]) - 1)
      continue
    }
    if (row.startsWith('\\')) continue
    const line = row.slice(1) + (rows[index + 1]?.startsWith('\\') === true ? '' : '\n')
    if (!row.startsWith('+')) expect(lines[next++]).toBe(line)
    if (!row.startsWith('-')) out.push(line)
  }
  return [...out, ...lines.slice(next)].join('')
}

describe('the diff of --fix', () => {
  const block = (i: number) =>
    [
      `virtual_server 10.0.0.${i} 80 {`,
      '  protocol TCP',
      `  lb_kind ${i % 3 === 0 ? 'dr' : 'NAT'}`,
      `  quorum ${i % 4 === 0 ? 0 : 1}`,
      '  persistence_timeout 0',
      '  # 1\n  # 2\n  # 3\n  # 4\n  # 5',
      '}\n',
    ].join('\n')
  const blocks = (count: number) => Array.from({ length: count }, (_, i) => block(i)).join('')

  test('shows no secret, also where a correction is beside it', () => {
    const text =
      'vrrp_instance a {\n authentication {\n  auth_tpye PASS S3cret\n  auth S3cret\n  auth_pass S3cret\n }\n}\n'
    const diff = unifiedDiff('a.conf', text, fixesOf(text))
    expect(diff).toContain('+  auth_type ********')
    expect(diff).not.toContain('S3cret')
  })

  test.each([
    ['one', blocks(1), 1],
    ['many hunks', blocks(12), 12],
    ['no line feed at the end', 'global_defs { lvs_id a }', 1],
    ['a line that goes at the end', 'global_defs {\n vrrp_strict no }', 1],
  ])('%s: patched in, it makes the corrected text', (_name, text, hunks) => {
    const fixes = fixesOf(text)
    const diff = unifiedDiff('a.conf', text, fixes)
    expect(diff.match(/^@@/gm)).toHaveLength(hunks)
    expect(patched(text, diff)).toBe(correctedText(text, fixes))
    expect(correctedText(text, fixes)).not.toBe(text)
  })
})
