#!/usr/bin/env node
import { mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Command, Option } from 'commander'
import { readConfigFile } from '../daemon/config-file.ts'
import { Director } from '../daemon/director.ts'
import { createLog, flushLog } from '../daemon/log.ts'
import { resign } from '../daemon/resign.ts'
import { holdLock, notifySystemd } from '../linux/process.ts'
import { defaultSocket, DEFAULT_NAME } from './defaults.ts'

/** The file is refused. keepalived's `-t` says 5 for it, too. */
const EXIT_CONFIG = 5
/** The host lacks what the daemon needs. */
const EXIT_START = 1

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

interface Options {
  file: string
  test?: string | true
  name: string
  socket?: string
  release?: true
  hook: 'tcx' | 'clsact'
}

const program = new Command('tanistd')
  .description('Failover manager: VRRP, health checks and an eBPF forwarding core, configured as keepalived is.')
  .version(version)
  .option('-f, --file <file>', 'configuration file', '/etc/tanist/tanist.conf')
  .option('-t, --test [file]', 'check the configuration and exit: 0 good, 5 refused. Never looks at the host')
  .option(
    '--name <name>',
    'tells directors on one machine apart: names the control socket and the pinned core',
    DEFAULT_NAME,
  )
  .option('--socket <path>', 'control socket (default: /run/tanist/<name>.sock)')
  .addOption(
    new Option('--hook <hook>', 'how programs are attached; kernels before 6.6 have no tcx and get clsact')
      .choices(['tcx', 'clsact'])
      .default('tcx'),
  )
  .option('--release', 'send priority 0, remove the virtual addresses of the configuration from this host, and exit')
  .showHelpAfterError()

program.parse()
const options = program.opts<Options>()
const file = typeof options.test === 'string' ? options.test : options.file
const { config, errors, warnings } = readConfigFile(file)
for (const message of [...errors, ...warnings]) process.stderr.write(`${message}\n`)

if (config === undefined) {
  process.stderr.write(`${file}: ${errors.length} error${errors.length === 1 ? '' : 's'}\n`)
  process.exitCode = EXIT_CONFIG
} else if (options.test !== undefined) {
  process.stdout.write(`${file}: good\n`)
} else if (options.release === true) {
  resign(config.instances, (error) => process.stderr.write(`tanistd: ${error.message}\n`))
} else {
  await run()
}

async function run(): Promise<void> {
  if (config === undefined) return
  const log = await createLog('director', options.name)
  const fail = async (error: unknown): Promise<never> => {
    log.fatal(error instanceof Error ? error.message : String(error))
    await flushLog(log)
    process.exit(EXIT_START)
  }
  if (process.getuid?.() !== 0) await fail('tanistd needs root')
  const socket = options.socket ?? defaultSocket(options.name)
  mkdirSync(dirname(socket), { recursive: true, mode: 0o755 })
  if (!holdLock(`${socket}.lock`)) await fail(`another tanistd named ${options.name} is running`)
  let director: Director
  try {
    director = new Director({ name: options.name, file, socket, version, hook: options.hook }, config, log)
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
  log.info(`tanistd ${version} is running with ${file}`)
  notifySystemd('READY=1')
  const watchdog = Number(process.env['WATCHDOG_USEC'] ?? 0) / 1000
  if (watchdog > 0) setInterval(() => notifySystemd('WATCHDOG=1'), watchdog / 2)
}
