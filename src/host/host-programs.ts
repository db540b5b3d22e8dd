import { checkerTasks, isNetworkTask } from '../model/checker.ts'
import type { Config } from '../model/config.ts'
import { needsScripts } from '../model/notify.ts'
import { EchoSocket } from '../linux/echo-socket.ts'
import { isOnPath } from '../linux/on-path.ts'
import { type Address, isIpv4 } from '../net/address.ts'

/** What PING_CHECK starts for a server of each family where it may open no socket; Debian's package iputils-ping has both. */
function pingProgram(address: Address): 'ping' | 'ping6' {
  return isIpv4(address) ? 'ping' : 'ping6'
}

/** Whether this process may open a socket for ICMP echoes to such an address, as the check process does before it gives up its privileges. */
function mayPing(address: Address): boolean {
  const socket = EchoSocket.open(isIpv4(address) ? 'IPv4' : 'IPv6', 0)
  socket?.close()
  return socket !== undefined
}

/** Why a checker of such a server cannot work on this host; undefined when it can. */
export function lackingPing(
  address: Address,
  has: (program: string) => boolean = isOnPath,
  may: (address: Address) => boolean = mayPing,
): string | undefined {
  const program = pingProgram(address)
  return has(program) || may(address)
    ? undefined
    : `PING_CHECK may open no socket here and starts the program \`${program}\`, which this host does not have: install iputils-ping`
}

const LACKS_SETPRIV =
  'commands of the configuration are started by `setpriv`, which this host does not have: install util-linux'

/** Programs that a configuration needs and this host lacks, a sentence each. */
export function lackingPrograms(
  config: Config,
  has: (program: string) => boolean = isOnPath,
  may: (address: Address) => boolean = mayPing,
): string[] {
  const tasks = checkerTasks(config.virtualServers).filter(isNetworkTask)
  const pings = tasks.flatMap(({ check }) => (check.type === 'PING_CHECK' ? check : []))
  const lacksSetpriv = needsScripts(config.scripts) && !has('setpriv')
  return [
    ...new Set(pings.flatMap(({ target }) => lackingPing(target.address, has, may) ?? [])),
    ...(lacksSetpriv ? [LACKS_SETPRIV] : []),
  ]
}
