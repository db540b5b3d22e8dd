import { expect, test } from 'vitest'
import { debianKernel, startUnder } from './debian.ts'

/** Emulated, things take ten times as long. */
const LIMIT_SECONDS = 3600

/** `npm run test:kernels` sets THOROUGH: all that there is, where otherwise a part has to do. */
const { THOROUGH } = process.env
const { DIFFER_SEED = '1', DIFFER_PACKETS = '2000', LINES = THOROUGH === undefined ? '300' : '1000' } = process.env
const COMMAND = `export CI=true NO_COLOR=1 DIFFER_SEED=${DIFFER_SEED} DIFFER_PACKETS=${DIFFER_PACKETS} LINES=${LINES} HISTORIES=5
${THOROUGH === undefined ? '' : 'export THOROUGH=1'}
vitest run --config test/kernels/vitest.config.ts && vitest run --config test/kernels/loops.config.ts`

test(
  'under the kernel of Debian 12 (6.1): the tests of this folder, and every loop of the core',
  async () => {
    const kernel = debianKernel()
    expect(kernel.release).toMatch(/^6\.1\./)
    const { ended } = startUnder(kernel, COMMAND, { memoryMiB: 8000, seconds: LIMIT_SECONDS, output: 1 })
    expect(await ended).toBe(0)
  },
  LIMIT_SECONDS * 1000,
)
