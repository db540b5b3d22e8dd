import { DIRECTORS, type DirectorKind, type DirectorName } from '../drill/recording.ts'
import type { Daemon, LabDaemonOptions } from './daemons/daemon.ts'
import { KeepalivedDaemon } from './daemons/keepalived.ts'
import { TanistDaemon } from './daemons/tanist.ts'
import { isSettled, masterOf, untilSettled } from './settled.ts'
import type { Site, SiteDirector } from './site.ts'
import { Stage } from './stage.ts'
import { Watch } from './watch.ts'

/** From the start of the daemons until one is master and all servers have been checked. */
const SETTLE_MS = 90_000
/** It has been at rest before. */
const REAL_SETTLE_MS = 20_000

/** A pair does not come to rest, so that nothing could be told from a drill with it. */
export class UnsettledError extends Error {}

export function labDaemon(director: SiteDirector, options: LabDaemonOptions): Daemon {
  const kinds: Readonly<Record<DirectorKind, () => Daemon>> = {
    tanist: () => new TanistDaemon(director, options),
    keepalived: () => new KeepalivedDaemon(director, options),
  }
  return kinds[director.kind]()
}

/**
 * Watches a site, starts its daemons where they do not run and it is a lab, and waits until the pair has come to rest. Throws UnsettledError. What was
 * opened is closed by the site.
 */
export async function openStage(
  site: Site,
  daemons: Readonly<Record<DirectorName, Daemon>>,
  seed: number,
  interrupt?: AbortSignal,
): Promise<Stage> {
  const watch = new Watch(site)
  await watch.start(site, { director1: daemons.director1.log, director2: daemons.director2.log })
  const isReal = site.switch === undefined
  await Promise.all(
    DIRECTORS.map(async (name) => {
      if (await daemons[name].isRunning()) return
      // A real pair is broken by a drill only when it is whole.
      if (isReal) throw new UnsettledError(`the daemon of ${name} does not run, or does not answer`)
      await daemons[name].start()
    }),
  )
  const pairing = { site, daemons, watch }
  const isAtRest = await untilSettled(pairing, isReal ? REAL_SETTLE_MS : SETTLE_MS, interrupt)
  if (interrupt?.aborted === true) throw new UnsettledError('interrupted before the drill began')
  if (!isAtRest) throw new UnsettledError(`the pair does not settle: ${await isSettled(pairing)}`)
  const active = masterOf(pairing)
  if (active === undefined) throw new UnsettledError('the master has changed at once')
  return new Stage({ site, daemons, watch, active, seed })
}
