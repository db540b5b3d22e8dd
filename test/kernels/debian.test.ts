import { existsSync, readFileSync } from 'node:fs'
import { expect, inject, test } from 'vitest'
import { until } from '../support/lab.ts'
import { LIMIT_SECONDS } from './machine.ts'

test(
  'under the kernel of Debian 12 (6.1): the tests of this folder, and every loop of the core',
  async () => {
    const { release, output, result } = inject('machine')
    await until('the machine to end', () => existsSync(result), LIMIT_SECONDS * 1000)
    process.stdout.write(readFileSync(output, 'utf8'))
    expect(readFileSync(result, 'utf8')).toBe('0')
    expect(release).toMatch(/^6\.1\./)
  },
  LIMIT_SECONDS * 1000,
)
