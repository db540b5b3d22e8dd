/**
 * A thousand services with two thousand servers that all fail at once and all come back: how long after its verdict a server
 * leaves the core and comes back to it, and what that costs the director.
 *
 *     npm run bench:verdicts [SERVICES] [ROUNDS]
 */
import { MassFailureLab } from '../support/mass-failure.ts'
import { median } from './median.ts'

const services = Number(process.argv[2] ?? 1000)
const rounds = Number(process.argv[3] ?? 3)

const lab = new MassFailureLab(services)
try {
  await lab.start()
  const [fail, recover] = [() => lab.fail(), () => lab.recover()]
  const found = { fail: [], recover: [] } as Record<'fail' | 'recover', Awaited<ReturnType<typeof fail>>[]>
  for (let round = 0; round < rounds; round++) {
    found.fail.push(await fail())
    found.recover.push(await recover())
  }
  for (const [what, all] of Object.entries(found)) {
    const of = (key: keyof (typeof all)[number]) => Math.round(median(all.map((each) => each[key])))
    console.log(
      `${of('servers')} servers ${what}: verdicts within ${of('verdictsMs')} ms; the core has the latest ${of('latestMs')} ms ` +
        `after its verdict, the last ${of('lastMs')} ms after the last verdict; ${of('directorCpuMs')} ms of the director's CPU`,
    )
  }
} finally {
  lab.destroy()
}
