/**
 * From the death of a real server to the last new connection that the core sends to it, with TCP_CHECK every second, one retry after 0.2 s
 * and a time limit of 1 s, and connections every 5 ms. Fails when one takes longer than it may.
 *
 *     npm run bench:fault-to-last [ROUNDS]
 */
import { DeadServerLab, type Death, longestTo } from '../support/dead-server.ts'
import { spread } from '../../src/drill/quantiles.ts'
import { machine, machineText } from './result-file.ts'

const rounds = Number(process.argv[2] ?? 10)
const DEATHS: Readonly<Record<Death, string>> = {
  refuses: 'its process is killed: refused',
  'is silent': 'its packets are dropped: silence',
}

console.log(machineText(machine()))
const lab = new DeadServerLab()
try {
  await lab.start()
  for (const [death, what] of Object.entries(DEATHS) as [Death, string][]) {
    const took: number[] = []
    while (took.length < rounds) took.push(await lab.die(death))
    const { min, median, max } = spread(took)
    const most = longestTo(death)
    const isGood = max <= most
    console.log(
      `${what}: ${rounds} times, min ${Math.round(min)} ms, median ${Math.round(median)} ms, max ${Math.round(max)} ms; ` +
        `${isGood ? 'within' : 'NOT within'} ${most} ms`,
    )
    if (!isGood) process.exitCode = 1
  }
} finally {
  lab.destroy()
}
