import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { Config } from '../model/config.ts'
import { type ConfigFile, configToRun, defaultConfigId, readConfigFile } from '../host/config-file.ts'
import { namespaceOfMemory } from '../daemon/vrrp/address-memory.ts'
import { Director } from '../daemon/director/director.ts'
import { lackingPrograms } from '../host/host-programs.ts'
import { createLog, endOnUnexpectedErrors, flushLog } from '../daemon/log.ts'
import { resign } from '../daemon/vrrp/resign.ts'
import { makeRunFolder, RUN_FOLDER } from '../daemon/run-file.ts'
import { DEFAULT_MAX_CONNECTIONS, LAYOUT_VERSION } from '../forward/ebpf/layout/bounds.ts'
import { removeCore } from '../forward/ebpf/removal.ts'
import { MarkRoute } from '../forward/ebpf/mark-route.ts'
import { enterNetworkNamespace, feedWatchdog, holdLock, notifySystemd } from '../linux/process.ts'
import { LEVEL_NAMES, logLevelOf } from '../host/log-level.ts'
import { reasonOf } from '../host/regular-file.ts'
import { ignoreSignals, unblockSignal } from '../linux/signals.ts'
import { type Millis, millis } from '../time.ts'
import { defaultSocket, DEFAULT_NAME } from './defaults.ts'
import { fixFiles } from './fix-config.ts'
import { printCompletion, printKeywords, printManual } from './reference.ts'
import { EXIT_PARTIAL, EXIT_REFUSED, EXIT_UNREADABLE, type Format, printConfig, testFiles } from './test-config.ts'
import { whenUnread } from './unread-output.ts'
import { VERSION } from './version.ts'

/** The host lacks what the daemon needs. */
const EXIT_START = 1

/** How long systemd waits for the election to begin. */
const READY_PATIENCE_MS = 5000

/** Where `ip netns` names network namespaces. */
const NAMESPACES = '/run/netns'

interface Options {
  file: string
  test?: true
  host?: true
  format: Format
  printConfig?: true
  keywords?: string | true
  manual?: true
  completion?: 'bash' | 'zsh'
  configId: string
  name: string
  socket?: string
  scriptSocket?: string
  fix?: true
  write?: true
  partial?: true
  release?: true
  now?: true
  layout?: true
  grace: Millis
  hook: 'tcx' | 'clsact'
  maxConnections: number
}

/** Throws what commander shows as a mistake in the command line. */
function connectionsOf(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1024 && value <= 2 ** 24) return value
  throw new InvalidArgumentError('a whole number from 1024 to 16777216')
}

/** A name is that of a folder and of a file. Throws as `connectionsOf`. */
function nameOf(text: string): string {
  if (/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(text)) return text
  throw new InvalidArgumentError('letters, digits, `_`, `-` and `.`')
}

/** Seconds on the command line. Throws what commander shows as a mistake in it. */
function graceOf(text: string): Millis {
  const seconds = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && seconds <= 86_400) return millis(seconds * 1000)
  throw new InvalidArgumentError('seconds, at most 86400')
}

const program = new Command('tanistd')
  .description('Failover manager: VRRP, health checks and an eBPF forwarding core, configured as keepalived is.')
  .version(VERSION)
  .option('-f, --file <file>', 'configuration file', '/etc/tanist/tanist.conf')
  .argument('[files...]', 'with -t: the files to check, instead of -f; two are checked as a pair; - is standard input')
  .option(
    '-t, --test',
    'check the file and exit: 0 good, 7 protections do not run, 4 unreadable, 5 refused; never looks at the host',
  )
  .option('--host', 'with -t: also check interfaces, scripts, users and files of this host')
  .option('--fix', 'with -t: show, as a diff, the corrections that can be made without asking what was meant')
  .option('--write', 'with -t --fix: make them, in this file and those that it includes')
  .option('--print-config', 'print the configuration with all defaults, secrets hidden, and exit')
  .addOption(
    new Option('--format <format>', 'of -t, --print-config and --keywords').choices(['text', 'json']).default('text'),
  )
  .option('--keywords [name]', 'print all keywords, those of a block or one of them: syntax, meaning, default, status')
  .option('--manual', 'print the manual page tanist.conf(5), for man -l -')
  .addOption(
    new Option('--completion <shell>', 'print the completion script of this command for a shell').choices([
      'bash',
      'zsh',
    ]),
  )
  .option('-i, --config-id <id>', 'ID of this host, for lines that begin with @ID', defaultConfigId())
  .option(
    '--name <name>',
    'name of this director, for several on one machine: names the control socket and the pinned core',
    nameOf,
    DEFAULT_NAME,
  )
  .option('--socket <path>', 'control socket (default: /run/tanist/<name>.sock)')
  .option('--script-socket <path>', 'have the service that listens there run the commands of the configuration')
  .addOption(
    new Option('--hook <hook>', 'how the forwarding program is attached; kernels before 6.6 have no tcx and use clsact')
      .choices(['tcx', 'clsact'])
      .default('tcx'),
  )
  .addOption(
    new Option('--max-connections <n>', 'connections of each family that the core has room for, about 250 bytes each')
      .argParser(connectionsOf)
      .default(DEFAULT_MAX_CONNECTIONS),
  )
  .option('--partial', 'start although protections that the file configures do not run yet; they are named')
  .addOption(
    new Option('--grace <seconds>', 'how long the core goes on after a stop in order, for a restart; 0: not at all')
      .argParser(graceOf)
      .default(millis(60_000), '60'),
  )
  .option(
    '--release',
    'send priority 0, remove from this host the virtual addresses of the configuration and those that a daemon has left, and exit',
  )
  .option('--now', 'with --release: also remove the core, its connections and services made by hand')
  .addOption(new Option('--layout', 'print the version of the tables in the core, and exit').hideHelp())
  .addHelpText(
    'after',
    `
Environment:
  TANIST_LOG             from which level on all processes log:
                         ${LEVEL_NAMES}
                         (default: info). debug: events and effects of the
                         election, each probe, what each plan writes, and
                         changes of the network`,
  )
  .showHelpAfterError()

whenUnread(() => {}) // the rest of a check counts, and a daemon goes on
program.parse()
const options = program.opts<Options>()

if (options.fix === true && options.test === undefined) {
  program.error('tanistd: --fix goes with -t', { exitCode: EXIT_START })
} else if (options.fix === true && program.args.includes('-')) {
  program.error('tanistd: --fix needs a file, not standard input', { exitCode: EXIT_START })
} else if (options.host === true && options.test === undefined) {
  program.error('tanistd: --host goes with -t', { exitCode: EXIT_START })
} else if (options.write === true && options.fix === undefined) {
  program.error('tanistd: --write goes with -t --fix', { exitCode: EXIT_START })
} else if (options.test === undefined && program.args.length > 0) {
  program.error(`tanistd: what is \`${program.args.join(' ')}\`? Name the configuration with -f`, {
    exitCode: EXIT_START,
  })
} else if (options.now === true && options.release === undefined) {
  program.error('tanistd: --now is of --release', { exitCode: EXIT_START })
} else if (options.layout === true) {
  process.stdout.write(`${LAYOUT_VERSION}\n`)
} else if (options.keywords !== undefined) {
  process.exitCode = printKeywords(options.keywords, options.format) ? 0 : EXIT_START
} else if (options.manual === true) {
  printManual()
} else if (options.completion !== undefined) {
  printCompletion(options.completion, program)
} else if (options.test !== undefined) {
  const files = program.args.length === 0 ? [options.file] : program.args
  const fixed = options.fix !== true || fixFiles(files, options)
  process.exitCode = testFiles(files, options)
  if (!fixed) process.exitCode = EXIT_START
} else if (options.printConfig === true) {
  process.exitCode = printConfig(options.file, options)
} else {
  const read = readConfigFile(options.file, options.configId)
  // Whatever of it runs or not, its addresses can be given up.
  const { config, errors, warnings } = configToRun(read, options.partial === true || options.release === true)
  for (const message of [...errors, ...warnings]) process.stderr.write(`${message}\n`)
  if (config === undefined && options.release !== true) {
    process.exitCode =
      'unreadable' in read ? EXIT_UNREADABLE : read.loaded.config === undefined ? EXIT_REFUSED : EXIT_PARTIAL
  } else if (!enterNamespaceOf(read)) {
    process.exitCode = EXIT_START
  } else if (options.release === true) {
    if (!release(config)) process.exitCode = EXIT_START
  } else if (config !== undefined) {
    await run(config)
  }
}

/** Without a configuration that could be read what is remembered goes, which needs none. False, with a message, when that is not possible. */
function release(config: Config | undefined): boolean {
  const say = (error: unknown) =>
    process.stderr.write(`tanistd: ${error instanceof Error ? error.message : String(error)}\n`)
  if (process.getuid?.() !== 0) {
    say('--release needs root')
    return false
  }
  try {
    // Its own addresses would be taken from it: systemd runs this also after a start that was refused beside another daemon.
    if (!holdLock(lockOf(options.name))) {
      say(`a tanistd named ${options.name} is running; stop it first`)
      return false
    }
    const { name, now = false } = options
    resign(name, { instances: config?.instances ?? [], what: 'everything', now }, say)
    if (options.now === true) {
      const markRoute = new MarkRoute()
      markRoute.follow([])
      markRoute.close()
      removeCore(options.name)
    }
    return true
  } catch (error) {
    say(error)
    return false
  }
}

/** The lock that a daemon of this name holds for as long as it runs, whatever its socket. Makes its folder. */
function lockOf(name: string): string {
  makeRunFolder()
  return join(RUN_FOLDER, `${name}.lock`)
}

/** Where the file says that the daemon works; false, with a message, when that is not here. */
function enterNamespaceOf(read: ConfigFile): boolean {
  const name = 'loaded' in read ? read.loaded.settings.net_namespace : namespaceLeft()
  if (name === undefined) return true
  try {
    enterNetworkNamespace(name)
    return true
  } catch (error) {
    process.stderr.write(`tanistd: cannot enter the network namespace ${name}: ${reasonOf(error)}\n`)
    return false
  }
}

/** The named namespace that a daemon has left addresses in, for --release without a file that says it. */
function namespaceLeft(): string | undefined {
  const inode = namespaceOfMemory(options.name)
  const names = inode === undefined || !existsSync(NAMESPACES) ? [] : readdirSync(NAMESPACES)
  return names.find((each) => statSync(join(NAMESPACES, each), { throwIfNoEntry: false })?.ino === inode)
}

async function run(config: Config): Promise<void> {
  // Until it has handlers for them, below; SIGUSR1 has one.
  ignoreSignals(['SIGTERM', 'SIGINT', 'SIGUSR1'])
  const log = await createLog('director', options.name)
  endOnUnexpectedErrors(log)
  const fail = async (error: unknown): Promise<never> => {
    log.fatal(error instanceof Error ? error.message : String(error))
    await flushLog(log)
    process.exit(EXIT_START)
  }
  if (logLevelOf(process.env['TANIST_LOG']) === undefined) await fail(`TANIST_LOG must be one of ${LEVEL_NAMES}`)
  if (process.getuid?.() !== 0) await fail('tanistd needs root')
  const [lacking] = lackingPrograms(config)
  if (lacking !== undefined) await fail(lacking)
  const socket = options.socket ?? defaultSocket(options.name)
  mkdirSync(dirname(socket), { recursive: true, mode: 0o755 })
  // The name is that of the core's pins: two of one name would take each other's.
  if (!holdLock(lockOf(options.name))) {
    await fail(`another tanistd named ${options.name} is running on this machine; --name tells them apart`)
  }
  if (!holdLock(`${socket}.lock`))
    await fail(`another tanistd has the control socket ${socket}; name one with --socket`)
  let director: Director
  try {
    const { name, file, configId, hook, maxConnections, grace } = options
    const partial = options.partial === true
    const version = VERSION
    director = new Director(
      {
        name,
        file,
        configId,
        partial,
        socket,
        scriptSocket: options.scriptSocket,
        version,
        hook,
        maxConnections,
        grace,
      },
      config,
      log,
    )
  } catch (error) {
    return fail(error)
  }
  const stop = () =>
    void director.stop().then(
      () => process.exit(),
      (error: unknown) => fail(error),
    )
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('SIGHUP', () => void director.reload())
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) {
    process.on(signal, () => log.info(`${signal}: keepalived writes its state to a file; ask \`tanist status --json\``))
    unblockSignal(signal)
  }
  feedWatchdog(() => director.isWell)
  await director.begun
  // Whoever waits for systemd may ask then who is master; a vrrp process that does not start is seen to without systemd.
  await Promise.race([director.electing, sleep(READY_PATIENCE_MS, undefined, { ref: false })])
  log.info(`tanistd ${VERSION} is running with ${options.file}`)
  notifySystemd('READY=1')
}
