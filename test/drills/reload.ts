/**
 * The reload drill: four clients open connections as fast as they can, while the configuration is reloaded from every scheduler to
 * every other one and back, and with other weights, servers and options. `reload.ts [ROUNDS]`: of each, both ways (20). Ends with
 * exit status 0 only if no connection was refused and none failed.
 */
import { styleText } from 'node:util'
import { CHANGES, type Felt, LEAST_OPENED, ReloadLab, SCHEDULERS, type Shape } from '../support/reload-lab.ts'

const rounds = Number(process.argv[2] ?? 20)
if (!(rounds >= 1)) {
  process.stderr.write('usage: reload.ts [ROUNDS]\n')
  process.exit(2) // holding nothing is no success
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130)) // labs go with the process

const lab = new ReloadLab()
const all = { opened: 0, refused: 0, failed: 0, reloads: 0 }
let wrong = 0

function note(what: string, { opened, refused, failed, reloads }: Felt): void {
  all.opened += opened
  all.refused += refused
  all.failed += failed
  all.reloads += reloads
  const holds = refused + failed === 0 && opened > reloads * LEAST_OPENED
  if (!holds) wrong++
  const mark = holds ? styleText('green', '✓') : styleText('red', '✗ NOT TRUE:')
  process.stdout.write(
    `${mark} ${what}: ${refused} refused and ${failed} failed of ${opened} connections in ${reloads} reloads\n`,
  )
}

try {
  await lab.start()
  const plain = (scheduler: string): Shape => ({ scheduler })
  // oxlint-disable no-await-in-loop -- one after the other
  for (const [i, from] of SCHEDULERS.entries()) {
    for (const to of SCHEDULERS.slice(i + 1)) note(`${from} ↔ ${to}`, await lab.reload([from, to].map(plain), rounds))
  }
  for (const { what, between } of CHANGES) note(`${what} ↔`, await lab.reload(between, rounds))
  // oxlint-enable no-await-in-loop
  const without = await lab.withoutServer()
  if (without > 0) wrong++
  process.stdout.write(
    `${all.reloads} reloads, ${all.opened} connections, ${all.refused} refused, ${all.failed} failed; ` +
      `the core had no server for ${without}.\n${wrong === 0 ? 'Every claim held.' : `${wrong} claim(s) did not hold.`}\n`,
  )
  process.exitCode = wrong === 0 ? 0 : 1
} finally {
  lab.destroy()
}
