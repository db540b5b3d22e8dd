import type { Logger } from 'pino'
import type { Caller, ControlHandlers } from '../../control/server.ts'
import { serviceName } from '../../model/service.ts'
import { callerName } from './caller.ts'
import type { Forwarding } from './forwarding.ts'

/** What the control socket asks of the forwarding core. Who has changed something is in the log. */
export function forwardingHandlers(
  forwarding: Forwarding,
  log: Logger,
): Omit<ControlHandlers, 'status' | 'dump' | 'reload' | 'upgrade'> {
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

/** What somebody did or asked for by hand. */
export function auditLine(log: Logger, what: string, by: Caller, details: object): void {
  log.info({ by, ...details }, `${what}, by ${callerName(by)}`)
}
