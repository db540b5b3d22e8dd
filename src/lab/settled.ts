import { DIRECTORS, type DirectorName, otherDirector } from '../drill/recording.ts'
import type { InstanceSnapshot } from '../control/snapshot.ts'
import type { Config } from '../model/config.ts'
import type { Daemon } from './daemons/daemon.ts'
import type { Site } from './site.ts'
import type { Watch } from './watch.ts'

const ASK_AGAIN_MS = 50
/** The same director has all for so long. */
const STEADY_MS = 300

/** A `preempt_delay` that a drill can wait for. */
const SHORT_DELAY = 20_000

/** What is looked at. */
export interface Pairing {
  readonly site: Site
  readonly daemons: Readonly<Record<DirectorName, Daemon>>
  readonly watch: Watch
}

/** Who is master alone, as far as the kernels say. */
export function masterOf({ site, watch }: Pick<Pairing, 'site' | 'watch'>): DirectorName | undefined {
  const total = site.virtualAddresses.length
  return DIRECTORS.find((name) => watch.count(name) === total && watch.count(otherDirector(name)) === 0)
}

/**
 * `settled`, or what is not so yet: one director has all virtual addresses, nobody is about to take them from it, both answer, and every
 * server has been checked alike.
 */
export async function isSettled(pairing: Pairing): Promise<string> {
  const master = masterOf(pairing)
  if (master === undefined) {
    const counts = DIRECTORS.map((name) => `${name} has ${pairing.watch.count(name)}`)
    const total = pairing.site.virtualAddresses.length
    return [`${counts.join(' and ')} of ${total} virtual addresses`, ...(await faultsOf(pairing))].join('; ')
  }
  const found = new Map<string, string>()
  const instances: Partial<Record<DirectorName, readonly InstanceSnapshot[]>> = {}
  for (const name of DIRECTORS) {
    if (pairing.site.directors[name].kind === 'keepalived') {
      if (!(await pairing.daemons[name].isRunning())) return `${name} does not run`
      continue
    }
    const status = await pairing.daemons[name].status()
    if (status === undefined) return `${name} does not answer`
    instances[name] = status.instances
    for (const { name: service, servers } of status.services) {
      for (const server of servers) {
        if (server.role !== 'real') continue
        if (server.reason.startsWith('not checked yet')) return `${name} has not checked ${server.name} yet`
        const key = `${server.name} of ${service}`
        const other = found.get(key)
        if (other !== undefined && other !== server.state) return `the directors do not agree about ${key}`
        found.set(key, server.state)
      }
    }
  }
  const standby = otherDirector(master)
  const rival = rivalOf(pairing.site.directors[standby].config, instances[standby] ?? [], instances[master] ?? [])
  return rival === undefined ? 'settled' : `${standby} is about to become master of ${rival}`
}

/** Instances that take no role, in words. */
async function faultsOf({ site, daemons }: Pairing): Promise<readonly string[]> {
  const found = DIRECTORS.filter((name) => site.directors[name].kind === 'tanist').map(async (name) => {
    const instances = (await daemons[name].status())?.instances ?? []
    const faulty = instances.filter(({ state }) => state === 'fault')
    return faulty.map((instance) => `${instance.name} of ${name} is in fault: ${instance.reason}`)
  })
  return (await Promise.all(found)).flat()
}

/** The instance of a standby that takes its role by priority, in so short a time that this is to be waited for. */
function rivalOf(
  { instances }: Config,
  own: readonly InstanceSnapshot[],
  masters: readonly InstanceSnapshot[],
): string | undefined {
  const rival = own.find(({ name, vrid, family, state, duty, effectivePriority }) => {
    const configured = instances.find((each) => each.name === name)
    const master = masters.find((each) => each.vrid === vrid && each.family === family && each.state === 'master')
    if (state !== 'backup' || duty !== 'normal' || configured?.preempt !== true || master === undefined) return false
    return configured.preemptDelay <= SHORT_DELAY && effectivePriority > master.effectivePriority
  })
  return rival?.name
}

/** Waits until the pair is settled, and stays so for a moment. False when it is not in time, or when it is interrupted. */
export async function untilSettled(pairing: Pairing, withinMs: number, interrupt?: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + withinMs
  let since: number | undefined
  let master: DirectorName | undefined
  for (;;) {
    const isSo = (await isSettled(pairing)) === 'settled'
    const now = masterOf(pairing)
    if (!isSo || now !== master) since = undefined
    master = now
    if (isSo) since ??= performance.now()
    if (since !== undefined && performance.now() - since >= STEADY_MS) return true
    if (performance.now() > deadline || interrupt?.aborted === true) return false
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS))
  }
}
