import everywhere from '../../vitest.config.ts'

/** Tests that need what Debian's kernel has; `debian.test.ts` starts them in a virtual machine. */
export default {
  ...everywhere,
  test: {
    ...everywhere.test,
    include: ['test/kernels/*.guest.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    reporters: ['verbose'],
  },
}
