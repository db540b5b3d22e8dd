import { readFileSync } from 'node:fs'

// Every Node since 14 must be able to read this file, so that an old one can say that it is too old: nothing newer here.

/** Node's own option (22.14): SIGUSR1 does not open a debugger, from the first moment on. */
const NO_DEBUGGER = '--disable-sigusr1'
const DEBUGGER = /--(?:inspect|debug)\S*/

const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  engines: { node: string }
}
const needed = engines.node.replace('>=', '')

/** Runs a program, or says in a sentence that this Node is too old for it. */
export function launch(program: string, load: () => Promise<unknown>): void {
  if (isOlder(process.versions.node, needed)) {
    const found = `${process.execPath} is ${process.versions.node}`
    process.stderr.write(`${program} needs Node.js ${needed} or later, but ${found}; see docs/installing.md\n`)
    process.exitCode = 1
    return
  }
  process.on('SIGUSR1', () => {}) // in place of Node's debugger
  process.on('SIGUSR2', () => {}) // by which keepalived's exporters ask, also while a daemon starts
  void load()
}

/** The same for a daemon: from its first moment on no signal and no variable of the environment opens a debugger in it. */
export function launchDaemon(program: string, load: () => Promise<unknown>): void {
  const options = process.env['NODE_OPTIONS']
  // systemd says it there. Another exec would close the sockets that it hands over.
  const isSaidThere = options?.split(' ').includes(NO_DEBUGGER) === true && !DEBUGGER.test(options)
  if (isOlder(process.versions.node, needed) || process.execArgv.includes(NO_DEBUGGER) || isSaidThere) {
    launch(program, load)
    return
  }
  const args = [process.execPath, NO_DEBUGGER, ...process.execArgv, ...process.argv.slice(1)]
  if (options !== undefined) process.env['NODE_OPTIONS'] = options.replace(new RegExp(DEBUGGER, 'g'), '')
  // In place of this process, with the same number.
  if (process.execve !== undefined) process.execve(process.execPath, args, process.env)
}

function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number))
  if (a === undefined || b === undefined) return false
  const at = a.findIndex((part, i) => part !== b[i])
  return at >= 0 && Number(a[at]) < Number(b[at])
}
