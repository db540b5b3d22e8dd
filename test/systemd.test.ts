import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test('the unit is hardened to an exposure of 3.0 or less', () => {
  const unit = join(import.meta.dirname, '../systemd/tanist.service')
  const report = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', unit], {
    encoding: 'utf8',
  })
  const exposure = Number(/Overall exposure level for tanist\.service: (\d+\.\d+)/.exec(report)?.[1])
  expect(exposure).toBeLessThanOrEqual(3)
})
