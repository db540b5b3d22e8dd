import { type Command, InvalidArgumentError, Option } from 'commander'
import { facilityOf, type LogTargets } from '../host/log-targets.ts'

/** keepalived's names of the signals that its daemon takes (`--signum`), on Linux by their numbers, those of glibc in the last ones. */
export const SIGNALS = { STOP: 15, RELOAD: 1, DATA: 10, STATS: 12, STATS_CLEAR: 63, JSON: 36 } as const

/** An option of keepalived's command line that tanistd does not have by itself. */
interface KeepalivedOption {
  /** As commander has them. */
  readonly flags: string
  /**
   * What becomes of it. `works`: what keepalived does. `is so`: what it asks for is so without it. `no effect`: it is not done, and
   * said at the start. `refused`: there is nothing to run instead.
   */
  readonly effect: 'works' | 'is so' | 'no effect' | 'refused'
  /** What it does here, or why it does nothing. */
  readonly text: string
  readonly parse?: (text: string) => unknown
}

/** All of keepalived 2.2.7 and 2.4.3, but for -f, -i, -t, -v and -h, which tanistd has. */
export const KEEPALIVED_OPTIONS: readonly KeepalivedOption[] = [
  { flags: '--use-file <file>', effect: 'works', text: 'as --file' },
  { flags: '-P, --vrrp', effect: 'works', text: 'only the election: no virtual servers; with -C both run' },
  { flags: '-C, --check', effect: 'works', text: 'only the virtual servers: no instances; with -P both run' },
  { flags: '-B, --no_bfd', effect: 'works', text: 'no BFD sessions: what tracks one takes it for down' },
  { flags: '--no-bfd', effect: 'works', text: 'the same' },
  { flags: '--all', effect: 'is so', text: 'all processes always run' },
  { flags: '-l, --log-console', effect: 'works', text: 'log to standard output, also beside -S or -g' },
  {
    flags: '-D, --log-detail',
    effect: 'is so',
    text: 'the log has the details anyway; more of them: TANIST_LOG=debug',
  },
  {
    flags: '-S, --log-facility <facility>',
    effect: 'works',
    text: 'log to syslog as local0 to local7 (or 0 to 7), user or daemon',
    parse: facility,
  },
  {
    flags: '-g, --log-file <file>',
    effect: 'works',
    text: 'log to this file, and those of the children beside it, too',
  },
  { flags: '--flush-log-file', effect: 'is so', text: 'each line is written at once' },
  { flags: '-G, --no-syslog', effect: 'works', text: 'nothing to syslog; with -g nothing to standard output either' },
  { flags: '-u, --umask <mask>', effect: 'works', text: 'of the files that the daemon makes', parse: umask },
  { flags: '-X, --release-vips', effect: 'is so', text: 'a stop gives the virtual addresses up' },
  {
    flags: '-V, --dont-release-vrrp',
    effect: 'no effect',
    text: 'after a stop addresses stay until another master is heard, and go after some seconds without one',
  },
  {
    flags: '-I, --dont-release-ipvs',
    effect: 'works',
    text: 'after a stop forwarding goes on for a day: --grace 86400',
  },
  { flags: '-R, --dont-respawn', effect: 'no effect', text: 'a process that dies is started again' },
  { flags: '-n, --dont-fork', effect: 'is so', text: 'tanistd always stays in the foreground' },
  { flags: '-d, --dump-conf', effect: 'works', text: 'log the configuration with all defaults at the start' },
  { flags: '-p, --pid <file>', effect: 'works', text: 'pid file of the director (default: /run/tanist/<name>.pid)' },
  { flags: '-r, --vrrp_pid <file>', effect: 'works', text: 'pid file of the vrrp process (default: none)' },
  { flags: '-c, --checkers_pid <file>', effect: 'works', text: 'pid file of the check process (default: none)' },
  {
    flags: '-b, --bfd_pid <file>',
    effect: 'is so',
    text: 'BFD is in the vrrp process: there is no other, and no file',
  },
  { flags: '-T, --genhash', effect: 'refused', text: 'there is no genhash here; `curl -s URL | md5sum` says the same' },
  {
    flags: '-a, --address-monitoring',
    effect: 'no effect',
    text: 'changes of the network are logged with TANIST_LOG=debug',
  },
  { flags: '-x, --snmp', effect: 'no effect', text: 'there is no SNMP; ask `tanist status --json`' },
  {
    flags: '-A, --snmp-agent-socket <file>',
    effect: 'no effect',
    text: 'there is no SNMP; ask `tanist status --json`',
  },
  { flags: '-s, --namespace <name>', effect: 'works', text: 'run in this network namespace, whatever the file says' },
  { flags: '-m, --core-dump', effect: 'no effect', text: 'a fault leaves its stack in the log' },
  { flags: '-M, --core-dump-pattern [pattern]', effect: 'no effect', text: 'a fault leaves its stack in the log' },
  { flags: '-e, --all-config', effect: 'works', text: 'an include that finds no file is an error' },
  { flags: '--ignore-sigint', effect: 'works', text: 'SIGINT does not stop the daemon' },
  {
    flags: '--signum <function>',
    effect: 'works',
    text: `print the number of the signal for ${Object.keys(SIGNALS).join(', ')}, and exit`,
  },
  { flags: '--no-mem-check', effect: 'is so', text: 'there is no such check' },
  {
    flags: '--perf [what]',
    effect: 'no effect',
    text: 'perf(1) can be attached to the processes that `tanist status` names',
  },
  { flags: '--debug [what]', effect: 'no effect', text: 'TANIST_LOG=debug tells what all processes do' },
  { flags: '--config-test', effect: 'works', text: 'as --test; what it finds goes to stderr, never to a file' },
]

/** What commander makes of those that have a meaning here. */
export interface KeepalivedValues {
  readonly useFile?: string
  readonly vrrp?: true
  readonly check?: true
  readonly no_bfd?: true
  readonly bfd?: false
  readonly logConsole?: true
  readonly logFacility?: number
  readonly logFile?: string
  readonly syslog?: false
  readonly umask?: number
  readonly dontReleaseIpvs?: true
  readonly dumpConf?: true
  readonly pid?: string
  readonly vrrp_pid?: string
  readonly checkers_pid?: string
  readonly genhash?: true
  readonly namespace?: string
  readonly allConfig?: true
  readonly ignoreSigint?: true
  readonly signum?: string
  readonly configTest?: true
}

/** Declares all of them, with a part of the help of their own. */
export function addKeepalivedOptions(program: Command): void {
  for (const { flags, parse } of KEEPALIVED_OPTIONS) {
    const option = new Option(flags).hideHelp()
    if (parse !== undefined) option.argParser(parse)
    program.addOption(option)
  }
  const lines = KEEPALIVED_OPTIONS.map(({ flags, effect, text }) => {
    const how = effect === 'works' ? '' : `${effect}: `
    return `  ${flags.padEnd(33)} ${how}${text}`
  })
  program.addHelpText('after', `\nOptions of keepalived:\n${lines.join('\n')}`)
}

/** What is to be said of those that were given and change nothing, each with its reason. */
export function withoutEffect(isGiven: (name: string) => boolean): readonly string[] {
  return KEEPALIVED_OPTIONS.filter(
    ({ flags, effect }) => effect === 'no effect' && isGiven(new Option(flags).attributeName()),
  ).map(({ flags, text }) => `${flags.replace(/ [<[].*/, '')} has no effect: ${text}`)
}

/** Where the log goes by these options. */
export function targetsOf({ logConsole, logFacility, logFile, syslog }: KeepalivedValues): LogTargets {
  const facility = syslog === false ? undefined : logFacility
  const isElsewhere = facility !== undefined || (logFile !== undefined && syslog === false)
  return {
    console: logConsole === true || !isElsewhere,
    ...(facility === undefined ? {} : { facility }),
    ...(logFile === undefined ? {} : { file: logFile }),
  }
}

/** The number that `--signum` prints; undefined when there is no such function. */
export const signalNumber = (name: string): number | undefined =>
  new Map<string, number>(Object.entries(SIGNALS)).get(name)

/** Throws what commander shows as a mistake in the command line, as does `umask`. */
function facility(text: string): number {
  const found = facilityOf(text)
  if (found !== undefined) return found
  throw new InvalidArgumentError('0 to 7, local0 to local7, user or daemon')
}

/** As C writes numbers: 022 is octal. */
function umask(text: string): number {
  const value = /^0[0-7]*$/.test(text)
    ? Number.parseInt(text, 8)
    : /^([1-9]\d*|0x[\da-f]+)$/i.test(text)
      ? Number(text)
      : -1
  if (value >= 0 && value <= 0o777) return value
  throw new InvalidArgumentError('a number from 0 to 0777')
}
