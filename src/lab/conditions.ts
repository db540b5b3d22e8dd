import type { Snapshot } from '../control/snapshot.ts'
import type { Condition } from '../drill/language/conditions.ts'
import { DIRECTORS, type DirectorName } from '../drill/recording.ts'
import type { Millis } from '../time.ts'
import { masterOf } from './settled.ts'
import { serviceName } from '../model/service.ts'
import { serverEndpoints } from './server-endpoints.ts'
import type { Stage } from './stage.ts'

/** Whether something is so, and how it is, in words. */
export interface Answer {
  readonly holds: boolean
  readonly found: string
}

type ArgumentsOf<T extends Condition['type']> = Extract<Condition, { readonly type: T }>['arguments']

const all = (answers: readonly Answer[]): Answer => ({
  holds: answers.every(({ holds }) => holds),
  found: answers.map(({ found }) => found).join('; '),
})

/** Looks whether a condition holds now. `since`: when the part of the drill began, by this process's monotonic clock. */
export async function ask(stage: Stage, condition: Condition, since: Millis): Promise<Answer> {
  switch (condition.type) {
    case 'master':
      return master(stage, condition.arguments.is)
    case 'holds':
      return all(stage.namesOf(condition.arguments.director).map((name) => holding(stage, name)))
    case 'state':
      return all(
        await Promise.all(
          stage.namesOf(condition.arguments.of).map((name) => state(stage, name, condition.arguments.is)),
        ),
      )
    case 'priority':
      return priority(stage, condition.arguments)
    case 'server':
      return all(
        await Promise.all(
          stage.namesOf(condition.arguments.on).map((name) => server(stage, name, condition.arguments)),
        ),
      )
    case 'arp':
      return arp(stage, condition.arguments.by)
    case 'process':
      return all(
        await Promise.all(stage.namesOf(condition.arguments.of).map((name) => runs(stage, name, condition.arguments))),
      )
    case 'log': {
      const { of, says } = condition.arguments
      return all(
        stage.namesOf(of).map((name) => {
          const holds = stage.watch.hasSaid(name, says, since)
          return { holds, found: `the log of ${name} has ${holds ? 'such a line' : 'no such line'}` }
        }),
      )
    }
    case 'status':
      return all(
        await Promise.all(
          stage.namesOf(condition.arguments.of).map((name) => says(stage, name, condition.arguments.says)),
        ),
      )
    case 'called': {
      const { of, command, with: args } = condition.arguments
      return all(
        stage.namesOf(of).map((name) => {
          const holds = stage.watch.wasCalled(name, command, args, since)
          return { holds, found: `${command} was ${holds ? '' : 'not '}run on ${name}` }
        }),
      )
    }
    case 'file':
      return all(
        await Promise.all(
          stage.directorsOf(condition.arguments.of).map(async ({ name, place, file, text }) => {
            const { status, stdout } = await place.run(['cat', file])
            const holds = status === 0 && stdout === text
            return { holds, found: `the file of ${name} is ${holds ? 'what it was' : 'another one'}` }
          }),
        ),
      )
  }
}

/** How many virtual addresses each has, by their kernels. */
function held(stage: Stage): string {
  const total = stage.site.virtualAddresses.length
  return DIRECTORS.map((name) => `${name} has ${stage.watch.count(name)} of ${total} virtual addresses`).join(', ')
}

function master(stage: Stage, is: ArgumentsOf<'master'>['is']): Answer {
  const total = stage.site.virtualAddresses.length
  if (is === 'either') return { holds: masterOf(stage) !== undefined, found: held(stage) }
  const counts = DIRECTORS.map((name) => ({ name, count: stage.watch.count(name) }))
  const wanted = is === 'nobody' ? undefined : stage.nameOf(is)
  return { holds: counts.every(({ name, count }) => count === (name === wanted ? total : 0)), found: held(stage) }
}

function holding(stage: Stage, name: DirectorName): Answer {
  const total = stage.site.virtualAddresses.length
  const count = stage.watch.count(name)
  return { holds: count === total, found: `${name} has ${count} of ${total} virtual addresses` }
}

async function statusOf(stage: Stage, name: DirectorName): Promise<Snapshot | undefined> {
  return await stage.daemons[name].status()
}

async function state(stage: Stage, name: DirectorName, is: ArgumentsOf<'state'>['is']): Promise<Answer> {
  if (is === 'stopped') {
    const holds = !(await stage.daemons[name].isRunning())
    return { holds, found: `${name} ${holds ? 'is stopped' : 'runs'}` }
  }
  const status = await statusOf(stage, name)
  if (status === undefined) return { holds: false, found: `${name} does not answer` }
  const states = status.instances.map((instance) => `${instance.name} ${instance.state}`)
  return { holds: status.instances.every((instance) => instance.state === is), found: `${name}: ${states.join(', ')}` }
}

async function priority(stage: Stage, { of, is }: ArgumentsOf<'priority'>): Promise<Answer> {
  const name = stage.nameOf(of)
  const found = (await statusOf(stage, name))?.instances[0]?.effectivePriority
  return { holds: found === is, found: `${name} has priority ${found ?? 'unknown: it does not answer'}` }
}

async function server(stage: Stage, name: DirectorName, asked: ArgumentsOf<'server'>): Promise<Answer> {
  const { server: word, is, service } = asked
  const status = await statusOf(stage, name)
  if (status === undefined) return { holds: false, found: `${name} does not answer` }
  const { config } = stage.site.directors[name]
  const endpoints = new Set(serverEndpoints(config, word))
  const named = service === undefined ? config.virtualServers : config.virtualServers.slice(service - 1, service)
  const names = new Set(named.flatMap(({ services }) => services.map((id) => serviceName(id))))
  const services = status.services.filter((each) => names.has(each.name))
  const servers = services.flatMap(({ servers }) =>
    servers.filter((each) => endpoints.has(each.name) && each.role === 'real'),
  )
  const isSo = ({ state, byHand }: (typeof servers)[number]) =>
    is === 'drained' ? byHand?.hand.type === 'drain' : byHand?.hand.type !== 'drain' && state === is
  const found = servers.map((each) => `${each.name} ${each.state} (${each.reason})`).join(', ')
  return { holds: servers.length > 0 && servers.every(isSo), found: `${name}: ${found || `no ${word}`}` }
}

async function runs(stage: Stage, name: DirectorName, { process, is }: ArgumentsOf<'process'>): Promise<Answer> {
  const daemon = stage.daemons[name]
  const isRunning = await daemon.isRunning()
  const pids = isRunning ? await daemon.pids(process) : []
  const alive = await Promise.all(
    pids.map(async (pid) => (await stage.site.directors[name].place.run(['kill', '-0', String(pid)])).status === 0),
  )
  const isThere = isRunning && pids.length > 0 && alive.every(Boolean)
  return { holds: isThere === (is === 'running'), found: `${process} of ${name} ${isThere ? 'runs' : 'does not run'}` }
}

async function says(stage: Stage, name: DirectorName, pattern: RegExp): Promise<Answer> {
  const status = await statusOf(stage, name)
  if (status === undefined) return { holds: false, found: `${name} does not answer` }
  const holds = pattern.test(JSON.stringify(status, undefined, 1))
  return { holds, found: `the status of ${name} has ${holds ? 'such a line' : 'no such line'}` }
}

/** Who answers, by the MAC addresses of their interfaces; undefined: the client is behind a router. */
export async function answering(stage: Stage, address: string): Promise<readonly string[] | undefined> {
  const asker = await stage.asker(address)
  return (await asker?.ask(address)) as readonly string[] | undefined
}

async function arp(stage: Stage, by: ArgumentsOf<'arp'>['by']): Promise<Answer> {
  const [address] = stage.site.targets.icmp
  if (address === undefined) return { holds: false, found: 'the client reaches no virtual address' }
  const macs = await answering(stage, address)
  if (macs === undefined) return { holds: false, found: `a router is between the client and ${address}` }
  const names: string[] = []
  for (const name of DIRECTORS) {
    const links = JSON.parse((await stage.site.directors[name].place.run(['ip', '-json', 'link'])).stdout) as {
      address?: string
    }[]
    if (links.some((link) => link.address !== undefined && macs.includes(link.address))) names.push(name)
  }
  const strangers = macs.length - names.length
  const found = `${macs.length === 0 ? 'nobody' : [...names, ...(strangers > 0 ? [`${strangers} other`] : [])].join(' and ')} answers for ${address}`
  const wanted = by === 'nobody' ? [] : by === 'both' ? DIRECTORS : [stage.nameOf(by)]
  return { holds: macs.length === wanted.length && wanted.every((name) => names.includes(name)), found }
}
