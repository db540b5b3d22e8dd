import type { Logger } from 'pino'
import type { Caller, ControlHandlers } from '../../control/server.ts'
import { serviceName } from '../../model/service.ts'
import { callerName } from './caller.ts'
import type { ChecksNow } from './checks-now.ts'
import type { Forwarding } from './forwarding.ts'
import type { Hands } from './hands.ts'
import type { Roles } from './roles.ts'

/** What the control socket asks of the forwarding core. Who has changed something is in the log. */
export function forwardingHandlers(
  forwarding: Forwarding,
  log: Logger,
): Omit<
  ControlHandlers,
  'status' | 'dump' | 'reload' | 'upgrade' | 'failOver' | 'failBack' | 'maintain' | 'hand' | 'check'
> {
  const audit = (what: string, by: Caller, details: object) => auditLine(log, what, by, details)
  return {
    ipvs: () => forwarding.ipvs(),
    connections: (filter) => forwarding.connections(filter),
    async change(commands, by) {
      const outcomes = await forwarding.change(commands)
      for (const [i, command] of commands.entries()) {
        const outcome = outcomes[i]
        const refusal = outcome === 'done' ? '' : ` refused: ${outcome}`
        audit(`ipvsadm: ${command.type}${refusal}`, by, { command, outcome })
      }
      return outcomes
    },
    setTimeouts(timeouts, by) {
      forwarding.setTimeouts(timeouts)
      audit('time-outs set', by, { timeouts })
    },
    zero(id, by) {
      const found = forwarding.zero(id)
      audit(`counters of ${id === undefined ? 'all services' : serviceName(id)} set to zero`, by, { found })
      return found
    },
    trace(packet, mark, by) {
      audit('a packet was traced', by, { packet, mark })
      return forwarding.trace(packet, mark)
    },
    forget(filter, by) {
      const count = forwarding.forget(filter)
      audit(`${count} connections deleted`, by, { count, filter })
      return count
    },
  }
}

/** What the control socket asks of real servers. */
export const serverHandlers = (
  hands: Hands,
  checks: ChecksNow,
  log: Logger,
): Pick<ControlHandlers, 'hand' | 'check'> => ({
  hand: (request, by) => hands.set(request, by),
  async check(request, by) {
    auditLine(log, `checkers of ${request.server} asked by hand`, by, request)
    return await checks.ask(request)
  },
})

/** What the control socket asks of the roles. */
export function roleHandlers(roles: Roles): Pick<ControlHandlers, 'failOver' | 'failBack' | 'maintain'> {
  return {
    failOver: async (names, by) => await roles.failOver(names, by),
    failBack: async (names, by) => await roles.failBack(names, by),
    maintain: async (on, force, by) => (on ? await roles.beginMaintenance(force, by) : roles.endMaintenance(by)),
  }
}

/** What somebody did or asked for by hand. */
export function auditLine(log: Logger, what: string, by: Caller, details: object): void {
  log.info({ by, ...details }, `${what}, by ${callerName(by)}`)
}
