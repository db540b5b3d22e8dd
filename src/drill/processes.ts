import { cannotTell, type Verdict } from './figures/seen.ts'
import { DIRECTORS, type DirectorSample, type Recording } from './recording.ts'

/** How many descriptors more a process may have: a connection or two may be open at that moment. */
const DESCRIPTORS = { least: 3, part: 0.05 } as const
/**
 * How much more memory. A leak shows over many runs; within one, which is short, a heap has grown to what its work takes at most and has had no
 * reason to give anything back, as V8 collects what is old when it needs the room. A process that was started again has a new heap.
 */
const MEMORY = { leastBytes: 30 * (1 << 20), part: 0.3 } as const

type Process = NonNullable<DirectorSample['processes']>[number]

/** A director's processes of one role together. */
interface Role {
  readonly role: string
  readonly count: number
  readonly descriptors: number
  readonly residentBytes: number
}

/** Every process that ran before runs again, and none has got much more than it had. Less is no fault. */
export function judgeProcesses({
  directors,
  before,
  afterwards,
}: Pick<Recording, 'directors' | 'before' | 'afterwards'>): Verdict {
  const judged = DIRECTORS.filter((name) => directors[name] === 'tanist')
  const found = judged.map((name) => {
    const [was, is] = [before, afterwards].map((samples) => samples.findLast(({ director }) => director === name))
    if (was === undefined || is === undefined) return { unknown: `${name} was not looked at`, faults: [] }
    if (was.processes === undefined) return { unknown: `${name} did not run before`, faults: [] }
    const roles = rolesOf(is.processes ?? [])
    return {
      unknown: undefined,
      faults: rolesOf(was.processes).flatMap((role) =>
        faultsOf(
          role,
          roles.find((each) => each.role === role.role),
        ).map((fault) => `${name}: ${fault}`),
      ),
    }
  })
  const faults = found.flatMap(({ faults }) => faults)
  if (faults.length > 0) return { holds: false, found: faults.join(', ') }
  const unknown = found.flatMap(({ unknown }) => unknown ?? [])
  if (unknown.length > 0) return cannotTell(unknown.join(', '))
  const other = DIRECTORS.find((name) => directors[name] === 'keepalived')
  if (other !== undefined) return cannotTell(`${other} is keepalived, whose processes are not ours to judge`)
  return { holds: true, found: 'all run, with what they had' }
}

function rolesOf(processes: readonly Process[]): readonly Role[] {
  const roles = new Map<string, Role>()
  for (const { role, descriptors, residentBytes } of processes) {
    const so = roles.get(role) ?? { role, count: 0, descriptors: 0, residentBytes: 0 }
    roles.set(role, {
      role,
      count: so.count + 1,
      descriptors: so.descriptors + descriptors,
      residentBytes: so.residentBytes + residentBytes,
    })
  }
  return [...roles.values()]
}

function faultsOf(was: Role, is: Role | undefined): readonly string[] {
  if (is === undefined || is.count < was.count) {
    return [is === undefined ? `${was.role} does not run` : `${is.count} of ${was.count} ${was.role} run`]
  }
  const faults: string[] = []
  if (is.descriptors - was.descriptors > Math.max(DESCRIPTORS.least, was.descriptors * DESCRIPTORS.part)) {
    faults.push(`${was.role} has ${is.descriptors} descriptors open after ${was.descriptors}`)
  }
  if (is.residentBytes - was.residentBytes > Math.max(MEMORY.leastBytes, was.residentBytes * MEMORY.part)) {
    faults.push(
      `${was.role} has ${mebibytes(is.residentBytes)} MiB in memory after ${mebibytes(was.residentBytes)} MiB`,
    )
  }
  return faults
}

const mebibytes = (bytes: number): number => Math.round(bytes / (1 << 20))
