import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { listedPackages, listedPrograms } from './support/only-listed-programs.ts'

const found = (program: string) =>
  spawnSync('sh', ['-c', `command -v '${program}'`], { encoding: 'utf8' }).stdout.trim()
const finds = (program: string) => found(program) !== ''
/** What npm has installed for us may have the name of one of this machine's programs. */
const OURS = join(import.meta.dirname, '../node_modules/')

test('a test finds what setup.sh lists and what every Debian has', () => {
  const listed = listedPackages().flatMap(({ program }) => program ?? [])
  expect(listed).toEqual(expect.arrayContaining(['bpftool', 'clang', 'ethtool', 'ip', 'iptables', 'nginx', 'ping']))
  const used = [...listed, 'awk', 'bash', 'getent', 'node', 'npm', 'sh', 'tc', 'timeout']
  expect(used.filter((program) => !finds(program))).toEqual([])
})

test('a test finds nothing else that this machine happens to have', () => {
  const listed = listedPrograms()
  const others = ['/usr/bin', '/usr/sbin'].flatMap((folder) => readdirSync(folder)).filter((name) => !listed.has(name))
  const seen = others.filter((name) => /^[\w.-]+$/.test(name)).map(found)
  expect(seen.filter((path) => path !== '' && !path.startsWith(OURS))).toEqual([])
})

test('setup.sh is a script that bash can read', () => {
  const script = join(import.meta.dirname, '../setup.sh')
  const { status, stderr } = spawnSync('bash', ['-n', script], { encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
})
