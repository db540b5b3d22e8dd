import { expect, test } from 'vitest'
import { debianKernel, runUnder } from './debian.ts'

/** Emulated, things take ten times as long. */
const LIMIT_SECONDS = 3600

/** Of the tests of the core: loops that older kernels end after one round, or never, when they are not written for them. */
const FILES = ['full-nat', 'sip', 'schedulers'].map((name) => `test/bpf/${name}.test.ts`)
const LOOPS =
  'are given out|at an odd place|a call of a client|histories each (wrr|ovf|lblcr|sh port)|the busiest server'

test(
  'under the kernel of Debian 12 (6.1): the tests of this folder, and every loop of the core',
  async () => {
    const kernel = debianKernel()
    expect(kernel.release).toMatch(/^6\.1\./)
    const loops = `HISTORIES=5 vitest run --testTimeout 600000 ${FILES.join(' ')} -t '${LOOPS}'`
    const command = `export CI=true NO_COLOR=1 DIFFER_SEED=${process.env['DIFFER_SEED'] ?? 1}; vitest run --config test/kernels/vitest.config.ts && ${loops}`
    expect(await runUnder(kernel, command, { memoryMiB: 8000, seconds: LIMIT_SECONDS })).toBe(0)
  },
  LIMIT_SECONDS * 1000,
)
