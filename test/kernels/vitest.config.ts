import { defineConfig } from 'vitest/config'

/** Tests that need what Debian's kernel has; they run in the virtual machine that `debian.test.ts` starts. */
export default defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  test: {
    include: ['test/kernels/*.guest.ts'],
    globalSetup: ['test/support/only-listed-programs.ts'],
    // They measure time: one file at a time.
    fileParallelism: false,
    // Emulated, each file would take long to load what all of them need.
    isolate: false,
    testTimeout: 600_000,
    hookTimeout: 600_000,
    reporters: ['verbose'],
  },
})
