import { Command, InvalidArgumentError, Option } from 'commander'
import { defaultConfigId } from '../host/config-file.ts'
import { LEVEL_NAMES } from '../host/log-level.ts'
import { type Millis, millis } from '../time.ts'
import { DEFAULT_NAME } from './defaults.ts'
import { addKeepalivedOptions, type KeepalivedValues } from './keepalived-options.ts'
import type { Format } from './test-config.ts'
import { VERSION } from './version.ts'

/** What commander makes of the command line. */
export interface Options extends KeepalivedValues {
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
  scriptService?: true
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

/** The command line of tanistd: its own options and those of keepalived. `maxConnections`: what there is room for by default. */
export function tanistdProgram(maxConnections: number): Command {
  const program = new Command('tanistd')
    .description('Failover manager: VRRP, health checks and an eBPF forwarding core, configured as keepalived is.')
    .version(VERSION, '-v, --version')
    .option('-f, --file <file>', 'configuration file', '/etc/tanist/tanist.conf')
    .argument(
      '[files...]',
      'with -t: the files to check, instead of -f; two are checked as a pair; - is standard input',
    )
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
    .option(
      '--keywords [name]',
      'print all keywords, those of a block or one of them: syntax, meaning, default, status',
    )
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
    .option(
      '--script-service',
      'be that service: listen at --script-socket, or at the socket that systemd hands over, and run the commands of the file',
    )
    .addOption(
      new Option(
        '--hook <hook>',
        'how the forwarding program is attached; kernels before 6.6 have no tcx and use clsact',
      )
        .choices(['tcx', 'clsact'])
        .default('tcx'),
    )
    .addOption(
      new Option('--max-connections <n>', 'connections of each family that the core has room for, about 250 bytes each')
        .argParser(connectionsOf)
        .default(maxConnections),
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

  addKeepalivedOptions(program)
  return program
}
