import type { Check } from '../model/check.ts'
import type { Config } from '../model/config.ts'
import { needsScripts } from '../model/notify.ts'
import { isOnPath } from '../linux/on-path.ts'
import { type Address, isIpv4 } from '../net/address.ts'

/** What PING_CHECK starts for a server of each family; Debian's package iputils-ping has both. */
function pingProgram(address: Address): 'ping' | 'ping6' {
  return isIpv4(address) ? 'ping' : 'ping6'
}

/** Why a checker of such a server cannot work on this host; undefined when it can. */
export function lackingPing(address: Address, has: (program: string) => boolean = isOnPath): string | undefined {
  const program = pingProgram(address)
  return has(program)
    ? undefined
    : `PING_CHECK starts the program \`${program}\`, which this host does not have: install iputils-ping`
}

const LACKS_SETPRIV =
  'commands of the configuration are started by `setpriv`, which this host does not have: install util-linux'

/** Programs that a configuration needs and this host lacks, a sentence each. */
export function lackingPrograms(config: Config, has: (program: string) => boolean = isOnPath): string[] {
  const isPing = ({ type }: Check) => type === 'PING_CHECK'
  const pings = config.virtualServers.flatMap(({ realServers }) =>
    realServers.flatMap(({ checks }) => checks.filter(isPing)),
  )
  const lacksSetpriv = needsScripts(config.scripts) && !has('setpriv')
  return [
    ...new Set(pings.flatMap(({ target }) => lackingPing(target.address, has) ?? [])),
    ...(lacksSetpriv ? [LACKS_SETPRIV] : []),
  ]
}
