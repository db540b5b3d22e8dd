import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../model/config.ts'
import { printSettings } from '../config/print.ts'
import { type ConfigFile, configToRun, readConfigFile, readPart } from '../host/config-file.ts'
import { namespaceOfMemory } from '../daemon/vrrp/address-memory.ts'
import { Director } from '../daemon/director/director.ts'
import { serveScripts } from '../daemon/script/serve.ts'
import { lackingPrograms } from '../host/host-programs.ts'
import { createLog, endOnUnexpectedErrors, flushLog } from '../daemon/log.ts'
import { resign } from '../daemon/vrrp/resign.ts'
import { makeRunFolder, RUN_FOLDER } from '../daemon/run-file.ts'
import { DEFAULT_MAX_CONNECTIONS, LAYOUT_VERSION } from '../forward/ebpf/layout/bounds.ts'
import { removeCore } from '../forward/ebpf/removal.ts'
import { MarkRoute } from '../forward/ebpf/mark-route.ts'
import { enterNetworkNamespace, feedWatchdog, handedOverSocket, holdLock, notifySystemd } from '../linux/process.ts'
import { LEVEL_NAMES, logLevelOf } from '../host/log-level.ts'
import { setLogTargets } from '../host/log-targets.ts'
import { reasonOf } from '../host/regular-file.ts'
import { ignoreSignals, onSignalNumber, unblockSignal } from '../linux/signals.ts'
import { millis } from '../time.ts'
import { defaultSocket } from './defaults.ts'
import { releaseAgain } from '../host/release-again.ts'
import { fixFiles } from './fix-config.ts'
import { signalNumber, SIGNALS, targetsOf, withoutEffect } from './keepalived-options.ts'
import { printCompletion, printKeywords, printManual } from './reference.ts'
import { EXIT_PARTIAL, EXIT_REFUSED, EXIT_UNREADABLE, printConfig, testFiles } from './test-config.ts'
import { type Options, tanistdProgram } from './tanistd-options.ts'
import { whenUnread } from './unread-output.ts'
import { VERSION } from './version.ts'

/** The host lacks what the daemon needs. */
const EXIT_START = 1

/** The longest that `--grace` takes. */
const LONGEST_GRACE = millis(86_400_000)

/** How long systemd waits for the election to begin. */
const READY_PATIENCE_MS = 5000

/** Where `ip netns` names network namespaces. */
const NAMESPACES = '/run/netns'

whenUnread(() => {}) // the rest of a check counts, and a daemon goes on
const program = tanistdProgram(DEFAULT_MAX_CONNECTIONS)
if (process.argv.some((word) => word.startsWith('--config-test='))) {
  program.error('tanistd: what --config-test finds goes to stderr; redirect it to have it in a file', {
    exitCode: EXIT_START,
  })
}
program.parse()
const given = program.opts<Options>()
const isGiven = (name: string) => program.getOptionValueSource(name) === 'cli'
const options: Options = {
  ...given,
  file: given.useFile ?? given.file,
  ...(given.configTest === true ? { test: true } : {}),
  grace: given.dontReleaseIpvs === true && !isGiven('grace') ? LONGEST_GRACE : given.grace,
}
/** What runs of the configuration; both parts if both are named. */
const part = options.vrrp === options.check ? 'all' : options.vrrp === true ? 'vrrp' : 'check'
const allConfig = options.allConfig === true
const bfd = options.no_bfd !== true && options.bfd !== false
if (options.umask !== undefined) process.umask(options.umask)

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
} else if (options.genhash === true) {
  program.error('tanistd: there is no genhash here; `curl -s URL | md5sum` says the same', { exitCode: EXIT_START })
} else if (options.signum !== undefined) {
  const number = signalNumber(options.signum)
  if (number === undefined) program.error(`tanistd: no signal is for \`${options.signum}\``, { exitCode: EXIT_START })
  process.stdout.write(`${number}\n`)
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
  process.exitCode = await testFiles(files, options)
  if (!fixed) process.exitCode = EXIT_START
} else if (options.printConfig === true) {
  process.exitCode = printConfig(options.file, options)
} else if (options.scriptService === true) {
  process.exitCode = await scriptService()
} else {
  const read = readPart({ ...options, part, bfd, allConfig })
  // Whatever of it runs or not, its addresses can be given up.
  const { config, configAt, errors, warnings } = configToRun(read, options.partial === true || options.release === true)
  const unheeded = withoutEffect(isGiven).map((text) => `tanistd: ${text}`)
  for (const message of [...errors, ...warnings, ...unheeded]) process.stderr.write(`${message}\n`)
  if (config === undefined && options.release !== true) {
    process.exitCode =
      'unreadable' in read ? EXIT_UNREADABLE : read.loaded.config === undefined ? EXIT_REFUSED : EXIT_PARTIAL
  } else if (!enterNamespaceOf(read)) {
    process.exitCode = EXIT_START
  } else if (options.release === true) {
    if (!release(config)) process.exitCode = EXIT_START
  } else if (config !== undefined) {
    await run({ config, configAt }, 'loaded' in read ? printSettings(read.loaded.settings) : '')
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
    const needed = resign(name, { instances: config?.instances ?? [], what: 'everything', now }, say)
    if (needed !== undefined) releaseAgain(needed)
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

/** Serves until it is ended. Otherwise the exit status, after a message. */
async function scriptService(): Promise<number> {
  const { name, file, configId } = options
  const fail = (text: string, status: number) => {
    process.stderr.write(`tanistd: ${text}\n`)
    return status
  }
  if (process.getuid?.() !== 0) return fail('--script-service needs root', EXIT_START)
  const handedOver = handedOverSocket()
  const socket = handedOver ?? options.scriptSocket
  if (socket === undefined) return fail('--script-service needs --script-socket, or a socket of systemd', EXIT_START)
  // A file with mistakes is for the director to judge.
  const read = readConfigFile(file, configId, allConfig)
  if ('unreadable' in read) return fail(read.unreadable, EXIT_UNREADABLE)
  if (!enterNamespaceOf(read, handedOver)) return EXIT_START
  try {
    setLogTargets(targetsOf(options))
    await serveScripts({ name, file, configId, socket, version: VERSION })
    return 0
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error), EXIT_START)
  }
}

/** Where the file says that the daemon works; false, with a message, when that is not here. */
function enterNamespaceOf(read: ConfigFile, keep?: number): boolean {
  const name = options.namespace ?? ('loaded' in read ? read.loaded.settings.net_namespace : namespaceLeft())
  if (name === undefined) return true
  try {
    enterNetworkNamespace(name, keep)
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

/** `text`: the whole configuration as it is printed. */
async function run(
  loaded: { readonly config: Config; readonly configAt: ReturnType<typeof configToRun>['configAt'] },
  text: string,
): Promise<void> {
  const { config } = loaded
  setLogTargets(targetsOf(options))
  // Until it has handlers for them, below; SIGUSR1 and SIGUSR2 have one.
  ignoreSignals(['SIGTERM', 'SIGINT', 'SIGUSR1', 'SIGUSR2'])
  const log = await createLog('director', options.name)
  if (options.dumpConf === true) log.info(`the configuration with all defaults:\n${text}`)
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
    const pidFiles = {
      director: options.pid ?? join(RUN_FOLDER, `${name}.pid`),
      vrrp: options.vrrp_pid,
      check: options.checkers_pid,
    }
    const fileMode = 0o644 & ~(options.umask ?? 0)
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
        part,
        bfd,
        allConfig,
        pidFiles,
        fileMode,
      },
      loaded,
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
  process.on('SIGINT', options.ignoreSigint === true ? () => {} : stop)
  process.on('SIGHUP', () => void director.reload())
  process.on('SIGUSR1', () => director.writeDump('state'))
  process.on('SIGUSR2', () => director.writeDump('stats'))
  unblockSignal('SIGUSR1')
  try {
    onSignalNumber(SIGNALS.JSON, () => director.writeDump('json'))
    onSignalNumber(SIGNALS.STATS_CLEAR, () => {
      director.writeDump('stats')
      director.clearCounters()
    })
  } catch (error) {
    log.warn(`this Node.js takes no signals by number, keepalived's JSON and STATS_CLEAR: ${reasonOf(error)}`)
  }
  feedWatchdog(() => director.isWell)
  await director.begun
  // Whoever waits for systemd may ask then who is master; a vrrp process that does not start is seen to without systemd.
  await Promise.race([director.electing, sleep(READY_PATIENCE_MS, undefined, { ref: false })])
  log.info(`tanistd ${VERSION} is running with ${options.file}`)
  notifySystemd('READY=1')
}
