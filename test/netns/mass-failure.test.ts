import { afterAll, beforeAll, expect, test } from 'vitest'
import { MassFailureLab } from '../support/mass-failure.ts'

const lab = new MassFailureLab(1000)
beforeAll(() => lab.start())
afterAll(() => lab.destroy())

test('two thousand servers that fail and come back at once leave the core and return at once', async () => {
  for (const outcome of [await lab.fail(), await lab.recover()]) {
    expect(outcome.servers).toBe(2000)
    expect(outcome.latestMs).toBeLessThan(5000)
    expect(outcome.directorCpuMs).toBeLessThan(3000)
  }
}, 300_000)
