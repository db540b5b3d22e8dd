/** The pieces of configuration files of which sequences are made. */

/** The folder of the file, as keepalived calls it: programs and pipes of a sequence are there. */
export const HERE = '${_PWD}' // oxlint-disable-line no-template-curly-in-string -- it is keepalived's
/** Of the first instance; those of the others follow. */
export const VRID = 51
export const INTERVAL_MS = 250
/** In a file, the name of a process of this sequence: each run has names of its own, since processes are counted on the whole machine. */
export const processName = (name: string) => `@${name}@`

export interface InstanceOptions {
  readonly name?: string
  /** 0 or 1. */
  readonly number?: 0 | 1
  readonly priority?: number
  readonly state?: 'MASTER' | 'BACKUP'
  /** Further lines. */
  readonly more?: string
}

/** Every state is told to a script of its own, and to one that is told of all. */
export const tellStates = (name: string) => `
  notify_master "${HERE}/tell master ${name}"
  notify_backup "${HERE}/tell backup ${name}"
  notify_fault "${HERE}/tell fault ${name}"
  notify_stop "${HERE}/tell stop ${name}"
  notify "${HERE}/tell any"`

export function instance(options: InstanceOptions = {}): string {
  const { number = 0, name = `VI_${number + 1}`, priority = 150, state = 'BACKUP', more = '' } = options
  return `
vrrp_instance ${name} {
  state ${state}
  interface eth0
  virtual_router_id ${VRID + number}
  priority ${priority}
  advert_int ${INTERVAL_MS / 1000}
  virtual_ipaddress {
    10.0.0.${100 + number}/24
  }${tellStates(name)}
  ${more}
}`
}

/** A check script of the folder that runs each second; `more` are further lines. */
export const script = (name: string, more = '') => `
vrrp_script ${name} {
  script "${HERE}/check ${name}"
  interval 1
  ${more}
}`

export const trackScripts = (...lines: readonly string[]) => block('track_script', lines)
export const trackInterfaces = (...lines: readonly string[]) => block('track_interface', lines)
export const trackFiles = (...lines: readonly string[]) => block('track_file', lines)
export const trackProcesses = (...lines: readonly string[]) => block('track_process', lines)

export const group = (members: readonly string[], more = '') => `
vrrp_sync_group G {
  ${block('group', members)}${tellStates('G')}
  ${more}
}`

function block(keyword: string, lines: readonly string[]): string {
  return `${keyword} {\n    ${lines.join('\n    ')}\n  }`
}

/** The whole file. `global`: further lines of global_defs. */
export function configuration(parts: readonly string[], global = ''): string {
  return `global_defs {
  router_id test
  vrrp_version 3
  script_user root
  vrrp_notify_fifo ${HERE}/pipe
  ${global}
}${parts.join('')}
`
}

/** The other director: the same instances, and nobody is told. */
export function peerConfiguration(instances: number, priority: number): string {
  return `global_defs {
  router_id peer
  vrrp_version 3
}${Array.from({ length: instances }, (_, number) => peerInstance(number, priority)).join('')}
`
}

function peerInstance(number: number, priority: number): string {
  return `
vrrp_instance VI_${number + 1} {
  state BACKUP
  interface eth0
  virtual_router_id ${VRID + number}
  priority ${priority}
  advert_int ${INTERVAL_MS / 1000}
  virtual_ipaddress {
    10.0.0.${100 + number}/24
  }
}`
}
