import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { removeStaleFolders } from '../support/lab.ts'
import { debianKernel, startUnder } from './debian.ts'

declare module 'vitest' {
  interface ProvidedContext {
    machine: MachineFiles
  }
}

/** Where one reads how the machine is. */
export interface MachineFiles {
  /** Its kernel, as `uname -r` prints it. */
  readonly release: string
  /** What it has printed so far. */
  readonly output: string
  /** There when it has ended: the exit status of its command, or what went wrong. */
  readonly result: string
}

const PREFIX = 'tanist-machine'
/** Emulated, and beside others, things take long. */
export const LIMIT_SECONDS = 3600

/** `npm run test:kernels` sets THOROUGH: all that there is, where otherwise a part has to do. */
const { THOROUGH } = process.env
const { DIFFER_SEED = '1', DIFFER_PACKETS = '2000', LINES = THOROUGH === undefined ? '300' : '1000' } = process.env
const COMMAND = `export CI=true NO_COLOR=1 DIFFER_SEED=${DIFFER_SEED} DIFFER_PACKETS=${DIFFER_PACKETS} LINES=${LINES} HISTORIES=5
${THOROUGH === undefined ? '' : 'export THOROUGH=1'}
vitest run --config test/kernels/vitest.config.ts && vitest run --config test/kernels/loops.config.ts`

/**
 * vitest's global set-up: the machine begins before the first test of all projects, and its own test waits for it at last.
 */
export default function startMachine(project: TestProject): (() => void) | undefined {
  removeStaleFolders(PREFIX)
  const folder = mkdtempSync(join(tmpdir(), `${PREFIX}-${process.pid}-`))
  const files = { output: join(folder, 'output'), result: join(folder, 'result') }
  const remove = () => rmSync(folder, { recursive: true })
  const output = openSync(files.output, 'w')
  try {
    const kernel = debianKernel()
    const machine = startUnder(kernel, COMMAND, {
      memoryMiB: 8000,
      seconds: LIMIT_SECONDS,
      output,
    })
    project.provide('machine', { release: kernel.release, ...files })
    let isWanted = true
    const end = (result: string) => {
      if (isWanted) writeFileSync(files.result, result)
    }
    machine.ended.then(
      (status) => end(String(status)),
      (error: unknown) => end(String(error)),
    )
    return () => {
      isWanted = false
      machine.stop()
      remove()
    }
  } catch (error) {
    writeFileSync(files.result, String(error))
    project.provide('machine', { release: 'none', ...files })
    return remove
  } finally {
    closeSync(output)
  }
}
