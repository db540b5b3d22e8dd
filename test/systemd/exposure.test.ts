import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test.each(['tanist', 'tanist-ipvsadm'])('%s.service is hardened to an exposure of 2.9 or less', (name) => {
  const unit = join(import.meta.dirname, `../../systemd/${name}.service`)
  const report = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', unit], {
    encoding: 'utf8',
  })
  const exposure = Number(/Overall exposure level for \S+: (\d+\.\d+)/.exec(report)?.[1])
  expect(exposure).toBeLessThanOrEqual(2.9)
})
