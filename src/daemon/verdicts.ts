import { type Config, endpointName, type RealServer, serviceName, type VirtualServer } from '../config/model.ts'
import type { CheckTask, Verdict } from './messages.ts'

interface Known extends Verdict {
  readonly since: string
}

/** What the checkers think of the real servers. A server is up until one of its checkers says otherwise. */
export class Verdicts {
  readonly #known = new Map<string, Known>()

  /** Takes a verdict. True when it changes whether its checker is content. */
  take(verdict: Verdict): boolean {
    const before = this.#known.get(verdict.id)
    this.#known.set(verdict.id, { ...verdict, since: new Date().toISOString() })
    return (before?.up ?? true) !== verdict.up
  }

  /** Forgets the verdicts of checkers that are not configured any more. */
  keepOnly(tasks: readonly CheckTask[]): void {
    const ids = new Set(tasks.map(({ id }) => id))
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id)
  }

  isUp(server: VirtualServer, real: RealServer): boolean {
    return idsOf(server, real).every((id) => this.#known.get(id)?.up !== false)
  }

  /** For people: since when it is so, and what the deciding checker said. */
  describe(server: VirtualServer, real: RealServer): { up: boolean; since: string | undefined; reason: string } {
    const known = idsOf(server, real).flatMap((id) => this.#known.get(id) ?? [])
    const failed = known.find(({ up }) => !up)
    if (real.checks.length === 0) return { up: true, since: undefined, reason: 'not checked' }
    const deciding = failed ?? known.at(-1)
    return { up: failed === undefined, since: deciding?.since, reason: deciding?.reason ?? 'not checked yet' }
  }
}

function idsOf(server: VirtualServer, real: RealServer): string[] {
  return real.checks.map(
    ({ type }, index) => `${serviceName(server.id)} ${endpointName(real.endpoint)} ${index} ${type}`,
  )
}

/** The checkers of a configuration. */
export function checkTasks(config: Config): CheckTask[] {
  return config.virtualServers.flatMap((server) =>
    server.realServers.flatMap((real) =>
      idsOf(server, real).flatMap((id, index) => {
        const check = real.checks[index]
        return check === undefined ? [] : [{ id, check }]
      }),
    ),
  )
}
