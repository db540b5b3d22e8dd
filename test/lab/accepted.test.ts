import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { withStandIns } from '../../src/drill/stand-ins.ts'
import { pairOf, PAIR_SURROUNDINGS } from '../drill/corpus-pairs.ts'
import { Lab } from '../support/lab.ts'

const ROOT = join(import.meta.dirname, '../..')
const INTERFACES = ['eth0', 'eth1', 'eth2', 'eth3', 'bond0', 'br0', 'eth0.10', 'eth0.20']
const files = ['conf', 'test/config/corpus'].flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.conf'))
    .map((name) => `${folder}/${name}`),
)

const lab = new Lab()
afterAll(() => lab.destroy())
beforeAll(async () => {
  lab.addSwitch('lan')
  const ports = INTERFACES.map((name, i) => ({ switch: 'lan', name, addresses: [`192.168.${i + 1}.5/24`] }))
  await lab.addHosts([{ name: 'judge', ports, ip: [] }])
})

/** What keepalived says of a file, with its status. */
function judged(file: string): { status: number | null; said: string } {
  const [command, ...args] = lab.enter('judge', ['keepalived', '-i', 'main', '-t', '-f', file])
  const { status, stderr, stdout } = spawnSync(command, args, { encoding: 'utf8', timeout: 10_000, cwd: dirname(file) })
  return { status, said: `${stderr}${stdout}` }
}

test.each(files)('keepalived takes %s with stand-ins if it takes it as it is', (file) => {
  const { director1: source } = pairOf(file)
  const folder = join(lab.directory, file.replaceAll('/', '-'))
  const made = withStandIns(source, PAIR_SURROUNDINGS, folder)
  for (const each of [folder, ...made.folders]) mkdirSync(each)
  for (const { path, script } of made.commands) writeFileSync(path, script, { mode: 0o755 })
  for (const path of made.files.values()) writeFileSync(path, '0\n')
  const written = join(folder, 'keepalived.conf')
  writeFileSync(written, made.text)
  if (judged(source.name).status !== 0) return
  const { status, said } = judged(written)
  expect(said === '' ? status : `${status} ${said}`).toBe(0)
})
