import { work } from '../program.ts'

/**
 * Gives processes together so much of one processor: it lets them run for a part of each period, and stops them for the rest. So it works
 * on every kernel, and with real-time priority, too.
 *
 *     throttle.ts PERCENT PID...
 */
const PERIOD_MS = 100

const [percent = 100, ...pids] = process.argv.slice(2).map(Number)
let timer: NodeJS.Timeout | undefined

function signal(name: 'SIGSTOP' | 'SIGCONT'): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name)
    } catch {
      // it has ended
    }
  }
}

function stop(): void {
  signal('SIGSTOP')
  timer = setTimeout(go, (PERIOD_MS * (100 - percent)) / 100)
}

function go(): void {
  signal('SIGCONT')
  timer = setTimeout(stop, (PERIOD_MS * percent) / 100)
}

process.once('exit', () => {
  clearTimeout(timer)
  signal('SIGCONT')
})
go()
work(() => {
  throw new Error('this answers nothing')
})
