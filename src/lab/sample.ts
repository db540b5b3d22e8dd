import { createHash } from 'node:crypto'
import type { Snapshot } from '../control/snapshot.ts'
import { DIRECTORS, type DirectorName, type DirectorSample } from '../drill/recording.ts'
import type { Stage } from './stage.ts'

/** Descriptors several times, of which the fewest count: a command or a check may just be going on. */
const READ = `sed -n "s/^VmRSS:[^0-9]*//p" /proc/$1/status
for i in 1 2 3; do ls /proc/$1/fd | wc -l; sleep 0.1; done`

/** How both directors are now. */
export function sampleDirectors(stage: Stage): Promise<readonly DirectorSample[]> {
  return Promise.all(DIRECTORS.map((name) => sampleOf(stage, name)))
}

async function sampleOf(stage: Stage, director: DirectorName): Promise<DirectorSample> {
  const { place, file } = stage.site.directors[director]
  const daemon = stage.daemons[director]
  const { status, stdout } = await place.run(['cat', file])
  const fileDigest = status === 0 ? createHash('sha256').update(stdout).digest('hex') : undefined
  if (!(await daemon.isRunning())) {
    return { director, processes: undefined, fileDigest, table: undefined, forwarded: undefined }
  }
  const answer = await daemon.status()
  const roles =
    answer?.processes.flatMap(({ role, pid }) => (pid === undefined ? [] : { role, pid })) ??
    (
      await Promise.all(
        (['director', 'vrrp'] as const).map(async (role) => (await daemon.pids(role)).map((pid) => ({ role, pid }))),
      )
    ).flat()
  const processes = await Promise.all(
    roles.map(async ({ role, pid }) => {
      const { stdout } = await place.run(['sh', '-c', READ, 'sh', String(pid)])
      const [resident = '0', ...descriptors] = stdout.trim().split('\n')
      return {
        role,
        pid,
        descriptors: Math.min(...descriptors.map(Number)),
        residentBytes: Number.parseInt(resident, 10) * 1024,
      }
    }),
  )
  return { director, processes, fileDigest, table: answer && tableOf(answer), forwarded: answer && forwardedBy(answer) }
}

/** What both directors must have alike. */
function tableOf({ services }: Snapshot): readonly string[] {
  return services
    .flatMap(({ name, scheduler, servers }) => [
      `${name} ${scheduler}`,
      ...servers
        .filter(({ state }) => state !== 'removed')
        .map((server) => `${name} ${server.name} ${server.state} ${server.weight}`),
    ])
    .toSorted()
}

const forwardedBy = ({ services }: Snapshot): number =>
  services.reduce((sum, { counters }) => sum + counters.inPackets, 0)
