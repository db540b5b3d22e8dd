/** Logs far more than a pipe holds, then says how long it was held up and how it got on. `log-process.ts` */
import { createLog, flushLog } from '../../src/daemon/log.ts'

const log = await createLog('director', 'test')
let worst = 0
let last = performance.now()
const timer = setInterval(() => {
  worst = Math.max(worst, performance.now() - last - 10)
  last = performance.now()
}, 10)
for (let i = 0; i < 200; i++) {
  for (let line = 0; line < 100; line++) log.info({ line }, 'x'.repeat(500))
  await new Promise((resolve) => setTimeout(resolve, 2))
}
clearInterval(timer)
const before = performance.now()
await flushLog(log)
process.send?.({ worst, flush: performance.now() - before })
