import { quotedWords } from '../config/lexer.ts'
import { parse, type Statement } from '../config/parser.ts'
import { preprocess, type Surroundings } from '../config/preprocess/preprocess.ts'
import type { Source } from '../config/source.ts'
import { standInScript } from './stand-in-script.ts'

/** What the command of a configuration is for. */
export type CommandUse = 'tracked' | 'check' | 'notify' | 'pipe' | 'once'

/** A script that stands for a command of the configuration. */
export interface StandIn {
  readonly use: CommandUse
  /** Of a vrrp_script its name. */
  readonly name: string | undefined
  /** As the file has it, with its arguments. */
  readonly command: string
  readonly path: string
  /** Where it reads what to do: see `behaviourText`. There is none at first. */
  readonly behaviour: string
  readonly script: string
}

/** A configuration for a daemon that is to touch nothing but its folder. */
export interface StandInConfig {
  readonly text: string
  /** A file for each use of a command. */
  readonly commands: readonly StandIn[]
  /** Lines of JSON by all of them. */
  readonly calls: string
  /** Tracked files by the names of their trackers. */
  readonly files: ReadonlyMap<string, string>
  /** To be made before all that. */
  readonly folders: readonly string[]
}

const STATE_COMMANDS = ['notify', 'notify_master', 'notify_backup', 'notify_fault', 'notify_stop'] as const

/** Commands by the innermost block that has them. */
const COMMANDS: Readonly<Record<string, Readonly<Record<string, CommandUse>>>> = {
  global_defs: {
    startup_script: 'once',
    shutdown_script: 'once',
    notify_fifo_script: 'pipe',
    vrrp_notify_fifo_script: 'pipe',
    lvs_notify_fifo_script: 'pipe',
  },
  vrrp_script: { script: 'tracked' },
  vrrp_instance: all([...STATE_COMMANDS, 'notify_deleted', 'notify_master_rx_lower_pri'], 'notify'),
  vrrp_sync_group: all(STATE_COMMANDS, 'notify'),
  virtual_server: all(['quorum_up', 'quorum_down'], 'notify'),
  real_server: all(['notify_up', 'notify_down'], 'notify'),
  MISC_CHECK: { misc_path: 'check' },
}

/** Files of a daemon's own, which go to its folder. */
const PATHS: Readonly<Record<string, readonly string[]>> = {
  global_defs: [
    'notify_fifo',
    'vrrp_notify_fifo',
    'lvs_notify_fifo',
    'state_dump_file',
    'stats_dump_file',
    'json_dump_file',
  ],
}

/**
 * What would reach beyond the lab, or ask for what is not there: other users and namespaces, SNMP and D-Bus of the host, files that a
 * daemon looks for at a reload.
 */
const DROPPED: Readonly<Record<string, readonly string[]>> = {
  '': [
    'net_namespace',
    'net_namespace_ipvs',
    'namespace_with_ipsets',
    'use_pid_dir',
    'instance',
    'linkbeat_use_polling',
  ],
  global_defs: [
    'script_user',
    'enable_script_security',
    'snmp_socket',
    'enable_traps',
    'enable_snmp_vrrp',
    'enable_snmp_keepalived',
    'enable_snmp_rfc',
    'enable_snmp_rfcv2',
    'enable_snmp_rfcv3',
    'enable_snmp_checker',
    'enable_dbus',
    'dbus_service_name',
    'dbus_no_interface_name',
    'reload_time_file',
    'reload_repeat',
    'reload_file',
    'reload_check_config',
    'config_save_dir',
    'tmp_config_directory',
    'include_check',
  ],
  vrrp_script: ['user'],
  MISC_CHECK: ['user'],
}

/** Who runs the stand-ins; keepalived warns, and `keepalived -t` fails, where scripts are run unchecked. */
const AS_ROOT = ['    script_user root', '    enable_script_security'] as const
const TRACKED_FILE_BLOCKS = ['track_file', 'vrrp_track_file']

function all(keywords: readonly string[], use: CommandUse): Readonly<Record<string, CommandUse>> {
  return Object.fromEntries(keywords.map((keyword) => [keyword, use]))
}

/**
 * The statements of a configuration, with what it includes and defines written out, every command replaced by a stand-in, and all paths
 * of its own in `folder`, an absolute path without blanks. All else stands as it was written, so that whoever reads the file reads this.
 */
export function withStandIns(source: Source, surroundings: Surroundings, folder: string): StandInConfig {
  const silent = () => {}
  const writer = new Writer(folder)
  writer.block(parse(preprocess(source, surroundings, silent), silent), [], '')
  return writer.finish()
}

class Writer {
  readonly #folder: string
  readonly #lines: string[] = []
  readonly #commands: StandIn[] = []
  readonly #files = new Map<string, string>()
  #paths = 0
  #hasUser = false

  constructor(folder: string) {
    this.#folder = folder
  }

  get #calls(): string {
    return `${this.#folder}/calls`
  }

  /** `around`: the keywords of the blocks around it; `name`: what the block itself is called. */
  block(statements: readonly Statement[], around: readonly string[], name: string): void {
    const inside = around.at(-1) ?? ''
    const indent = '    '.repeat(around.length)
    for (const statement of statements) {
      const keyword = statement.keyword.text
      if (DROPPED[inside]?.includes(keyword) === true) continue
      this.#lines.push(`${indent}${this.#lineOf(statement, inside, name)}${statement.block === undefined ? '' : ' {'}`)
      if (statement.block === undefined) continue
      if (inside === '' && keyword === 'global_defs' && !this.#hasUser) {
        this.#hasUser = true
        this.#lines.push(...AS_ROOT)
      }
      this.block(statement.block.statements, [...around, keyword], statement.args[0]?.text ?? '')
      this.#lines.push(`${indent}}`)
    }
  }

  #lineOf({ keyword: { text: keyword }, line, args }: Statement, inside: string, name: string): string {
    const use = COMMANDS[inside]?.[keyword]
    if (use !== undefined && args.length > 0) {
      const command = quotedWords(line, false)[1]?.text ?? ''
      return `${keyword} "${this.#standIn(use, use === 'tracked' ? name : undefined, command)}"`
    }
    if (PATHS[inside]?.includes(keyword) === true) return `${keyword} ${this.#folder}/files/${++this.#paths}-${keyword}`
    if (TRACKED_FILE_BLOCKS.includes(inside) && keyword === 'file') {
      const path = `${this.#folder}/files/${fileName(name)}`
      this.#files.set(name, path)
      return `${keyword} ${path}`
    }
    return escaped(line.text)
  }

  #standIn(use: CommandUse, name: string | undefined, command: string): string {
    const program = /^\S*?([^\s/]+)(?:\s|$)/.exec(command)?.[1] ?? ''
    const path = `${this.#folder}/commands/${this.#commands.length + 1}-${fileName(program)}`
    const behaviour = `${path}.says`
    const script = standInScript({ command, calls: this.#calls, behaviour, reads: use === 'pipe' })
    this.#commands.push({ use, name, command, path, behaviour, script })
    return path
  }

  finish(): StandInConfig {
    const isToSay = this.#commands.length > 0 && !this.#hasUser
    return {
      text: [...(isToSay ? ['global_defs {', ...AS_ROOT, '}'] : []), ...this.#lines, ''].join('\n'),
      commands: this.#commands,
      calls: this.#calls,
      files: this.#files,
      folders: [`${this.#folder}/commands`, `${this.#folder}/files`],
    }
  }
}

/** Without what has a meaning to a shell, to keepalived, or in a path. */
const fileName = (text: string): string => text.replace(/[^\w.-]/g, '_').slice(0, 64) || '_'

/** With the comment signs outside of quotes as they had been written. */
const escaped = (line: string): string =>
  line.replace(/"[^"]*"?|[#!]/g, (found) => (found.startsWith('"') ? found : `\\${found}`))
