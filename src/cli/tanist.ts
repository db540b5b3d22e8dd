import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { getSystemErrorMessage } from 'node:util'
import { Command, InvalidArgumentError, Option } from 'commander'
import { collectDiagnostics, formatDiagnostic } from '../config/diagnostic.ts'
import { notRunningText, protectionCount } from '../config/not-running.ts'
import { ControlError } from '../control/client.ts'
import { CONNECTION_STATES, type ConnectionFilter, type Network, type Place } from '../control/connection-filter.ts'
import { addressBits, isIpv4, parseAddress } from '../net/address.ts'
import { systemResolver } from '../host/names.ts'
import { addCheckCommand } from './check.ts'
import { controlClient } from './control-client.ts'
import { defaultSocket, DEFAULT_NAME } from './defaults.ts'
import { importSaved } from './import.ts'
import { connectionLine, connectionTitle } from '../ipvsadm/format.ts'
import { numbers } from '../ipvsadm/names.ts'
import { addRunCommand } from './drill-run.ts'
import { addSoakCommand } from './drill-soak.ts'
import { addDrillCommands } from './drill.ts'
import { addRoleCommands } from './roles.ts'
import { formatAvailability } from './availability.ts'
import { addServerCommands } from './servers.ts'
import { FAULT_KINDS } from '../simulate/fault.ts'
import { amountOf, faultKindsOf, seedOf, simulateFiles, type SimulateOptions } from './simulate.ts'
import { formatServiceStatus, formatStatus, servicesNamed } from './status.ts'
import { formatTrace } from './trace.ts'
import { whenUnread } from './unread-output.ts'
import { VERSION } from './version.ts'

/** The daemon refused, or is not there. */
const EXIT_REFUSED = 1
const EXIT_UNREACHABLE = 2

/** A client's port where none is said. */
const TRACE_PORT = 40_000

/** How long the new daemon may take to answer. */
const UPGRADE_MS = 30_000

interface Options {
  name: string
  socket?: string
}

const program = new Command('tanist')
  .description('Shows and controls a running tanistd.')
  .version(VERSION)
  .addOption(new Option('--name <name>', "the director's name").env('TANIST_NAME').default(DEFAULT_NAME))
  .addOption(new Option('--socket <path>', 'control socket (default: /run/tanist/<name>.sock)').env('TANIST_SOCKET'))

const client = () => {
  const { name, socket } = program.opts<Options>()
  // A name on the command line goes before a socket of the environment.
  const isNamed = program.getOptionValueSource('name') === 'cli' && program.getOptionValueSource('socket') === 'env'
  return controlClient(isNamed ? defaultSocket(name) : (socket ?? defaultSocket(name)))
}

program
  .command('status [service]')
  .description(
    'show instances, peers, virtual and real servers: state, since when and why; of one virtual server (ADDRESS:PORT) also its access list',
  )
  .option('--json', 'as JSON')
  .option('--availability', 'how much of the last hour, day and 30 days virtual and real servers were up')
  .action(async (name: string | undefined, { json, availability }: { json?: true; availability?: true }) => {
    const status = await client().status()
    const services = name === undefined ? undefined : servicesNamed(status, name)
    if (services?.length === 0) {
      process.stderr.write(`tanist: there is no virtual server ${name}\n`)
      process.exitCode = EXIT_REFUSED
      return
    }
    const colours = process.stdout.isTTY
    const now = Date.now()
    const text =
      availability === true
        ? formatAvailability(services ?? status.services, colours)
        : services === undefined
          ? formatStatus(status, now, colours)
          : formatServiceStatus(status, services, now, colours)
    process.stdout.write(`${json === true ? JSON.stringify(services ?? status, undefined, 2) : text}\n`)
  })

program
  .command('dump')
  .description(
    'print what to attach to a bug report, as JSON: election, core, configuration with secrets hidden, last events, versions, interfaces',
  )
  .action(async () => {
    process.stdout.write(`${JSON.stringify(await client().dump(), undefined, 2)}\n`)
  })

program
  .command('reload')
  .description('read the configuration file again; on any error the one in force stays')
  .action(async () => {
    const { errors, notRunning } = await client().reload()
    for (const error of errors) process.stderr.write(`${error}\n`)
    if (errors.length > 0) {
      process.exitCode = EXIT_REFUSED
      return
    }
    process.stdout.write('reloaded\n')
    if (notRunning.length > 0) process.stderr.write(`${protectionCount(notRunning.length)}:\n`)
    for (const each of notRunning) process.stderr.write(`  ${notRunningText(each)}\n`)
  })

addRoleCommands(program, client)
addServerCommands(program, client)
addCheckCommand(program, client)
const drill = addDrillCommands(program)
addRunCommand(drill)
addSoakCommand(drill)

program
  .command('upgrade')
  .description('replace the running daemon by the version that is installed by now; connections and roles stay')
  .option('--force', 'even if the new version cannot take over connections and services made by hand')
  .action(async ({ force }: { force?: true }) => {
    const begun = performance.now()
    const before = await client().status()
    const { errors, from, to } = await client().upgrade(force === true)
    for (const error of errors) process.stderr.write(`tanist: ${error}\n`)
    if (errors.length > 0) {
      process.exitCode = EXIT_REFUSED
      return
    }
    if (await isReplaced(before.startedAt, performance.now() + UPGRADE_MS)) {
      process.stdout.write(`upgraded from ${from} to ${to} in ${((performance.now() - begun) / 1000).toFixed(1)} s\n`)
      return
    }
    process.stderr.write(`tanist: version ${from} still runs; its log says why\n`)
    process.exitCode = EXIT_REFUSED
  })

/** Waits for a daemon that was not started at that time. False if it is the same still. Throws ControlError when none answers. */
async function isReplaced(startedAt: string, deadline: number): Promise<boolean> {
  const answer = () =>
    client()
      .status()
      .catch((error: unknown) => {
        // Nobody listens while the program is replaced.
        if (error instanceof ControlError && performance.now() < deadline) return undefined
        throw error
      })
  while (((await answer())?.startedAt ?? startedAt) === startedAt) {
    if (performance.now() > deadline) return false
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await sleep(50)
  }
  return true
}

program
  .command('connections')
  .description('list the connection table, persistence templates (client port 0) included')
  .addOption(new Option('--client <network>', 'of these clients: an address, or address/length').argParser(networkOf))
  .addOption(
    new Option('--virtual <address>', 'to this virtual address: ADDRESS, ADDRESS:PORT, [IPV6]:PORT').argParser(placeOf),
  )
  .addOption(new Option('--server <address>', 'at this real server').argParser(placeOf))
  .addOption(
    new Option('--local <address>', 'that the real server sees with this local address (full NAT)').argParser(placeOf),
  )
  .addOption(new Option('--protocol <protocol>', 'of this protocol').choices(['TCP', 'UDP', 'SCTP']))
  .addOption(new Option('--state <state>', 'in this state, such as ESTABLISHED').argParser(stateOf))
  .option('--delete', 'delete them from the connection table: their clients must open new ones')
  .option('--json', 'one JSON object a line')
  .action(async ({ delete: remove, json, ...filter }: ConnectionFilter & { delete?: true; json?: true }) => {
    if (remove === true) {
      process.stdout.write(`${await client().forget(filter)} deleted\n`)
      return
    }
    if (json !== true) process.stdout.write(connectionTitle(false))
    for await (const connection of client().connections(filter)) {
      const line = json === true ? `${JSON.stringify(connection)}\n` : connectionLine(connection, numbers)
      if (!process.stdout.write(line)) await once(process.stdout, 'drain')
    }
  })

program
  .command('trace')
  .argument('<client>', 'ADDRESS, ADDRESS:PORT or [IPV6]:PORT', placeOf)
  .argument('<virtual>', 'the same of the virtual server', placeOf)
  .description(
    'show which real server this client would get, by which rule, and the packet that would leave; nothing is sent or kept',
  )
  .addOption(new Option('--protocol <protocol>', 'of the packet').choices(['TCP', 'UDP']).default('TCP'))
  .addOption(new Option('--mark <mark>', 'with this firewall mark').argParser(markOf).default(0))
  .option('--json', 'as JSON')
  .action(async (from: Place, to: Place, options: { protocol: 'TCP' | 'UDP'; mark: number; json?: true }) => {
    const end = ({ address, port }: Place, otherwise: number) => ({ address, port: port ?? otherwise })
    if (isIpv4(from.address) !== isIpv4(to.address)) {
      program.error(`tanist: ${from.address} and ${to.address} are not of one family`)
    }
    const packet = { protocol: options.protocol, client: end(from, TRACE_PORT), virtual: end(to, 0) }
    const traced = await client().trace(packet, options.mark)
    process.stdout.write(options.json === true ? `${JSON.stringify(traced)}\n` : formatTrace(packet, traced))
  })

program
  .command('import [file]')
  .description('print what ipvsadm-save wrote (from a file, or standard input) as virtual_server blocks')
  .action((file: string | undefined) => {
    const source = { name: file ?? '<stdin>', text: textOf(file) }
    const { diagnostics, report } = collectDiagnostics()
    const text = importSaved(source, (name, protocol) => systemResolver.port(name, protocol), report)
    for (const diagnostic of diagnostics) {
      process.stderr.write(`${formatDiagnostic(diagnostic, process.stderr.isTTY)}\n`)
    }
    if (diagnostics.length === 0) process.stdout.write(text)
    else process.exitCode = EXIT_REFUSED
  })

program
  .command('simulate')
  .argument('<files...>', 'the configuration files of directors that are peers, one each')
  .description(
    'run the election of these files in virtual time through faults that chance draws: how long without a master, how long with two; asks no daemon',
  )
  .addOption(new Option('--hours <hours>', 'of virtual time').argParser(amountOf).default(1000))
  .addOption(
    new Option('--seed <seed>', 'another one, other faults; the same one, the same').argParser(seedOf).default(1),
  )
  .addOption(new Option('--rate <faults>', 'faults in an hour').argParser(amountOf).default(4))
  .addOption(
    new Option('--faults <kinds>', `of these kinds only, with commas between: ${Object.keys(FAULT_KINDS).join(', ')}`)
      .argParser(faultKindsOf)
      .default(Object.keys(FAULT_KINDS), 'all'),
  )
  .option('--json', 'as JSON')
  .action((files: readonly string[], options: SimulateOptions) => {
    process.exitCode = simulateFiles(files, options)
  })

/** Of a file, or of standard input. Ends with a sentence when it cannot be read. */
function textOf(file: string | undefined): string {
  try {
    // A device may have no end. A pipe has one: `<(ipvsadm-save)`.
    const stat = file === undefined ? undefined : statSync(file)
    if (stat?.isCharacterDevice() === true || stat?.isBlockDevice() === true) {
      return program.error(`tanist: cannot read ${file}: it is a device`)
    }
    return readFileSync(file ?? 0, 'utf8')
  } catch (error) {
    const errno = error instanceof Error && 'errno' in error ? Number(error.errno) : 0
    return program.error(`tanist: cannot read ${file ?? 'standard input'}: ${getSystemErrorMessage(errno)}`)
  }
}

/** `10.0.0.0/8` or an address alone. Throws what commander shows as a mistake in the command line. */
function networkOf(text: string): Network {
  const [host = '', length] = text.split('/')
  const address = parseAddress(host)
  if (address === undefined) throw new InvalidArgumentError('no address')
  const prefix = length === undefined ? addressBits(address) : Number(length)
  if (!/^\d{1,3}$/.test(length ?? '0') || prefix > addressBits(address))
    throw new InvalidArgumentError('no prefix length')
  return { address, prefix }
}

/** `10.0.0.1`, `10.0.0.1:80`, `2001:db8::1` or `[2001:db8::1]:80`. Throws as `networkOf`. */
function placeOf(text: string): Place {
  const bare = parseAddress(text)
  if (bare !== undefined) return { address: bare, port: undefined }
  const [, inBrackets, host = '', port = ''] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
  const address = parseAddress(inBrackets ?? host)
  if (address === undefined || Number(port) > 65_535) throw new InvalidArgumentError('no address')
  return { address, port: Number(port) }
}

/** In any case. Throws as `networkOf`. */
function stateOf(text: string): string {
  const state = text.toUpperCase()
  if (CONNECTION_STATES.includes(state)) return state
  throw new InvalidArgumentError(`one of ${CONNECTION_STATES.join(', ')}`)
}

/** A firewall mark. Throws as `networkOf`. */
function markOf(text: string): number {
  const mark = Number(text)
  if (/^(\d+|0[xX][\da-fA-F]+)$/.test(text) && mark <= 0xffffffff) return mark
  throw new InvalidArgumentError('a whole number from 0 to 4294967295')
}

whenUnread(() => process.exit())
try {
  await program.parseAsync()
} catch (error) {
  if (!(error instanceof ControlError)) throw error
  process.stderr.write(`tanist: ${error.message}\n`)
  process.exitCode = error.refused ? EXIT_REFUSED : EXIT_UNREACHABLE
}
