import type { IpvsCommand, IpvsOutcome } from '../model/ipvs.ts'
import { serviceName } from '../model/service.ts'
import type { ControlClient } from '../control/client.ts'
import { CHANGES_AT_ONCE } from '../control/requests.ts'
import {
  connectionLine,
  connectionTitle,
  formatListing,
  formatSave,
  formatServices,
  formatTimeouts,
} from '../ipvsadm/format.ts'
import { numbers } from '../ipvsadm/names.ts'
import { SystemNames, systemResolver } from '../host/names.ts'
import { parseLine, type Request } from '../ipvsadm/parse.ts'
import { savedLines } from '../ipvsadm/save-file.ts'
import { UsageError } from '../ipvsadm/words.ts'

/** Where the text goes. `write` resolves when more may be written. */
export interface Output {
  write(text: string): void | Promise<void>
  error(text: string): void
}

/** IPVS's words for what it refuses. */
const REFUSALS: Readonly<Record<Exclude<IpvsOutcome, 'done'>, string>> = {
  'service-exists': 'Service already exists',
  'no-such-service': 'No such service',
  'service-not-defined': 'Service not defined',
  'server-exists': 'Destination already exists',
  'no-such-server': 'No such destination',
  invalid: 'Invalid operation.  Possibly wrong module version, address not unicast, ...',
  'out-of-range': 'Numerical result out of range',
  configured: 'Operation not permitted: the service is in the configuration of tanistd',
  full: 'Memory allocation problem',
}

/** What IPVS's refusals give. */
const STATUS_REFUSED = 255
const STATUS_NOT_LISTED = 1

const VERSION = 'ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\n'

const HELP = `The virtual services of a running tanistd, in the words of ipvsadm 1.31.

  ipvsadm -A|E SERVICE [-s SCHEDULER] [-b FLAGS] [-p [SECONDS]] [-M NETMASK] [--pe sip] [-o]  add, edit a service
  ipvsadm -D SERVICE                                                                 delete it
  ipvsadm -a|e SERVICE -r SERVER [-g|-i|-m|--fullnat] [-w WEIGHT] [-x UPPER] [-y LOWER] [TUNNEL]  add, edit a server
  ipvsadm -d SERVICE -r SERVER                                                       delete it
  ipvsadm -L|l [SERVICE] [-n] [--exact] [--nosort] [--stats|--rate|--thresholds|--persistent-conn|--tun-info]
  ipvsadm -L -c [-n]                                                                 connections
  ipvsadm -L --timeout|--daemon
  ipvsadm -C                                                                         delete all
  ipvsadm -Z [SERVICE]                                                               counters to zero
  ipvsadm -S [-n]                                                                    save, to standard output
  ipvsadm -R                                                                         restore, from standard input
  ipvsadm --set TCP TCPFIN UDP                                                       time-outs in seconds; 0: unchanged

  SERVICE  -t HOST:PORT, -u HOST:PORT, --sctp-service HOST:PORT, or -f MARK [-6]; port 0 (with -p): every port
  SERVER   HOST[:PORT]; -g direct routing, -i tunnel, -m NAT, --fullnat full NAT (not in ipvsadm)
  TUNNEL   --tun-type ipip|gue|gre [--tun-port PORT] [--tun-nocsum|--tun-csum|--tun-remcsum]

TANIST_NAME and TANIST_SOCKET name the daemon, as --name and --socket do for tanist.
`

/** Carries a command line out. Returns the exit status. Throws ControlError. */
export async function runLine(
  args: readonly string[],
  program: string,
  client: ControlClient,
  readInput: () => string,
  output: Output,
): Promise<number> {
  try {
    const request = parseLine(args, systemResolver, program)
    if (request.type !== 'restore') return await execute(request, client, output)
    return await restore(readInput(), program, client, output)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    output.error(`${error.message}\n`)
    return error.status
  }
}

/** A line that cannot be read ends it; one that is refused does not, and the last line decides. */
async function restore(input: string, program: string, client: ControlClient, output: Output): Promise<number> {
  let status = 0
  let changes: IpvsCommand[] = []
  const carryOut = async () => {
    if (changes.length > 0) status = await change(changes, client, output)
    changes = []
  }
  try {
    for (const { args } of savedLines(input)) {
      const request = parseLine(args, systemResolver, program)
      if (request.type === 'change') changes.push(request.command)
      if (request.type !== 'change' || changes.length === CHANGES_AT_ONCE) await carryOut()
      if (request.type !== 'change') status = await execute(request, client, output)
    }
  } finally {
    await carryOut()
  }
  return status
}

/** Says why commands were refused. Returns the status of the last. */
async function change(commands: readonly IpvsCommand[], client: ControlClient, output: Output): Promise<number> {
  const outcomes = await client.change(commands)
  for (const outcome of outcomes) if (outcome !== 'done') output.error(`${REFUSALS[outcome]}\n`)
  return outcomes.at(-1) === 'done' ? 0 : STATUS_REFUSED
}

async function execute(request: Request, client: ControlClient, output: Output): Promise<number> {
  const refuse = (message: string, status = STATUS_REFUSED) => {
    output.error(`${message}\n`)
    return status
  }
  switch (request.type) {
    case 'change':
      return change([request.command], client, output)
    case 'list': {
      const listing = await client.ipvs()
      const names = request.options.numeric ? numbers : new SystemNames()
      const { id } = request
      if (id === undefined) {
        await output.write(formatListing(listing, request.options, names))
        return 0
      }
      const services = listing.services.filter((service) => serviceName(service.id) === serviceName(id))
      if (services.length === 0) return refuse(REFUSALS['no-such-service'], STATUS_NOT_LISTED)
      await output.write(formatServices(services, request.options, names))
      return 0
    }
    case 'connections': {
      const names = request.numeric ? numbers : new SystemNames()
      await output.write(connectionTitle(request.engines))
      for await (const connection of client.connections({})) {
        await output.write(connectionLine(connection, names, request.engines))
      }
      return 0
    }
    case 'save': {
      const { services } = await client.ipvs()
      const byHand = services.filter(({ owner }) => owner === 'ipvsadm')
      await output.write(formatSave(byHand, request.numeric ? numbers : new SystemNames()))
      return 0
    }
    case 'zero':
      return (await client.zero(request.id)) ? 0 : refuse(REFUSALS['no-such-service'])
    case 'set-timeouts':
      await client.setTimeouts(request.timeouts)
      return 0
    case 'show-timeouts':
      await output.write(formatTimeouts((await client.ipvs()).timeouts))
      return 0
    case 'show-daemons': // there are none to show
      return 0
    case 'help':
      await output.write(HELP)
      return 0
    case 'version':
      await output.write(VERSION)
      return 0
    case 'unknown-scheduler': {
      const { services } = await client.ipvs()
      const isThere = services.some(({ id }) => serviceName(id) === serviceName(request.id))
      if (request.command === 'add-service' && isThere) return refuse(REFUSALS['service-exists'])
      if (request.command === 'edit-service' && !isThere) return refuse(REFUSALS['no-such-service'])
      return refuse('Scheduler or persistence engine not found')
    }
    case 'refused':
      return refuse(request.message)
    case 'restore':
      return refuse('restore within restore')
  }
}
