import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'tanist-simulate-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, priority: number, more = ''): string {
  const path = join(folder, name)
  const text = `vrrp_instance web {\ninterface eth0\nvirtual_router_id 51\npriority ${priority}\n${more}
    virtual_ipaddress {\n172.18.100.6/16\n}\n}\n`
  writeFileSync(path, text)
  return path
}

function simulate(...args: readonly string[]) {
  const program = join(import.meta.dirname, '../../src/bin/tanist.ts')
  return spawnSync(process.execPath, [program, 'simulate', ...args], { encoding: 'utf8' })
}

const [lb1, lb2] = [file('lb1.conf', 150), file('lb2.conf', 100)]

test('says how long without a master and with two, and how many take-overs, the same for the same seed', () => {
  const { stdout, status } = simulate(lb1, lb2, '--hours', '20')
  expect(status).toBe(0)
  expect(stdout).toContain('INSTANCE       LONGEST WITHOUT MASTER  LONGEST WITH TWO')
  expect(stdout).toMatch(/^web \(VRID 51\) +\d+\.\d{3} +\d+\.\d{3} +\d+\.\d{3} +\d+\.\d{3} +\d+ +lb1 \d+, lb2 \d+$/m)
  expect(stdout).toContain('Nothing was that must never be.')
  expect(simulate(lb1, lb2, '--hours', '20').stdout).toBe(stdout)
  expect(simulate(lb1, lb2, '--hours', '20', '--seed', '2').stdout).not.toBe(stdout)
})

test('as JSON; faults that cost no role cost none', () => {
  const { stdout, status } = simulate(lb1, lb2, '--hours', '50', '--faults', 'upgrade,reload', '--json')
  expect(status).toBe(0)
  const { faults, instances, violations } = JSON.parse(stdout) as {
    readonly faults: number
    readonly instances: readonly unknown[]
    readonly violations: readonly unknown[]
  }
  expect(faults).toBeGreaterThan(50)
  expect(violations).toEqual([])
  const nothing = { longest: 0, total: 0 }
  const byDirector = { lb1: 1, lb2: 0 }
  expect(instances).toEqual([
    { name: 'web (VRID 51)', withoutMaster: nothing, withTwo: nothing, takeovers: 0, byDirector },
  ])
})

test('shows what is wrong with a pair whose passwords differ, with the story', () => {
  const secret = (word: string) => `authentication {\nauth_type PASS\nauth_pass ${word}\n}`
  const { stdout, status } = simulate(
    file('x.conf', 150, secret('one')),
    file('y.conf', 100, secret('two')),
    '--hours',
    '1',
  )
  expect(status).toBe(1)
  expect(stdout).toMatch(/x and y are masters of web \(VRID 51\) for more than 1\.00 s/)
  expect(stdout).toContain('y: web backup → master: no adverts from a master')
})

test('ends as a check of files does: 5 for one that is refused, 4 for one that is not there', () => {
  const broken = join(folder, 'broken.conf')
  writeFileSync(broken, 'vrrp_instance web {\n')
  expect(simulate(lb1, broken).status).toBe(5)
  expect(simulate(lb1, join(folder, 'none.conf')).status).toBe(4)
  const unknown = simulate(lb1, lb2, '--faults', 'fire')
  expect(unknown.status).toBe(1)
  expect(unknown.stderr).toContain('fire is none of crash, kill')
})
