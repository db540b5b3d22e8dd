import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type KeywordRow, listKeywords } from '../../src/config/reference.ts'

/** Every keyword of keepalived 2.4.3: block, keyword, and how common it is. */
const keepalived = readFileSync(join(import.meta.dirname, 'keywords.tsv'), 'utf8')
  .trimEnd()
  .split('\n')
  .slice(1)
  .map((line) => {
    const [block = '', keyword = '', commonness = ''] = line.split('\t')
    return { block, keyword, commonness }
  })

const ours = new Map(listKeywords().map((row) => [`${row.block} ${row.keyword}`, row]))
const EFFECTS = ['works', 'later', 'none', 'refused'] as const satisfies readonly KeywordRow['status']['effect'][]

test('every keyword of keepalived is known', () => {
  const unknown = keepalived.filter(({ block, keyword }) => !ours.has(`${block} ${keyword}`))
  expect(unknown).toEqual([])
})

/** What keepalived has no word for. */
const OWN = [
  '/ local_address_group',
  '/global_defs expire_nodest_conn',
  '/global_defs expire_quiescent_template',
  '/global_defs forward_interfaces',
  '/global_defs smtp_ca_file',
  '/global_defs smtp_login',
  '/global_defs smtp_tls',
  '/global_defs smtp_tls_verify',
  '/global_defs webhook',
  '/global_defs xdp_interfaces',
  '/global_defs/smtp_login password',
  '/global_defs/smtp_login user',
  '/global_defs/webhook events',
  '/global_defs/webhook secret',
  '/global_defs/webhook timeout',
  '/global_defs/webhook url',
  '/virtual_server allow',
  '/virtual_server deny',
  '/virtual_server establish_timeout',
  '/virtual_server laddr_group_name',
  '/virtual_server mark',
  '/virtual_server through_firewall',
]

test('no keyword is known that keepalived does not have, but for our own', () => {
  const theirs = new Set(keepalived.map(({ block, keyword }) => `${block} ${keyword}`))
  expect([...ours.keys()].filter((key) => !theirs.has(key)).toSorted()).toEqual(OWN)
})

test('every configuration keyword has a sentence of help', () => {
  for (const { keyword, help } of listKeywords()) expect(help, keyword).toMatch(/^\S.*\.$/)
})

test('docs/configuration.md counts the keywords as they are', () => {
  const rows = ['CORE', 'COMMON', 'RARE', 'BUILD'].map((commonness) => {
    const statuses = keepalived
      .filter((row) => row.commonness === commonness)
      .map(({ block, keyword }) => ours.get(`${block} ${keyword}`)?.status.effect)
    const counts = EFFECTS.map((effect) => statuses.filter((each) => each === effect).length)
    return `| ${commonness} | ${statuses.length} | ${counts.join(' | ')} |`
  })
  const page = readFileSync(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8')
  for (const row of rows) expect(page).toContain(row)
})
