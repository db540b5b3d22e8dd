import type { Feature } from '../schema/status.ts'

/**
 * What Tanist does not do yet, a feature for each thing that an operator would name. A keyword that has no effect yet belongs
 * to one of them (`later`, `detail`). When a feature comes, its keywords lose the mark.
 */

/** Without it somebody else would be master, serve, speak or be told than the configuration says. */
const protection = (name: string, why: string): Feature => ({ name, lack: 'protection', why })
/** Without it the same director is master and the same servers serve. */
const harmless = (name: string, why: string): Feature => ({ name, lack: 'harmless', why })

export const SYNC_DAEMON = protection(
  'lvs_sync_daemon',
  'connections are not synchronised with the other director; they break when it takes over',
)

// Harmless
export const UMASK = harmless('umask', 'files are made with the usual modes')
export const RELOAD_FILES = harmless('reload by file', '`tanist reload` or SIGHUP reloads')
export const NAMES = harmless('instance', '--name tells directors apart')
export const STOP_TIME = harmless('child_wait_time', 'the processes have 5 s to leave in order')
