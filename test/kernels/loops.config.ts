import { defineConfig } from 'vitest/config'
import guest from './vitest.config.ts'

/**
 * Of the tests of the core: loops that older kernels end after one round, or never, when they are not written for them, and what older
 * kernels wait long for.
 */
const FILES = ['full-nat', 'sip', 'schedulers', 'program'].map((name) => `test/bpf/${name}.test.ts`)
const LOOPS =
  /are given out|at an odd place|a call of a client|histories each > (wrr|ovf|lblcr|sh port)|the busiest server|a new daemon takes over/

export default defineConfig({ ...guest, test: { ...guest.test, include: FILES, testNamePattern: LOOPS } })
