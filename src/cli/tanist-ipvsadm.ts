import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { ControlError } from '../control/client.ts'
import { controlClient } from './control-client.ts'
import { DEFAULT_NAME, defaultSocket } from './defaults.ts'
import { type Output, runLine } from './ipvsadm-commands.ts'
import { whenUnread } from './unread-output.ts'

const STATUS_NO_DAEMON = 2

const socket = process.env['TANIST_SOCKET'] ?? defaultSocket(process.env['TANIST_NAME'] ?? DEFAULT_NAME)
const output: Output = {
  async write(text) {
    if (!process.stdout.write(text)) await once(process.stdout, 'drain')
  },
  error: (text) => process.stderr.write(text),
}

/** `ipvsadm`, `ipvsadm-save` and `ipvsadm-restore` are one program, as their names say what they do. */
const invoked = basename(process.argv[1] ?? '').replace(/\.js$/, '')
const [, , ...args] = process.argv
/** Of any of the three, without a daemon. */
const asksForHelp = args.length === 1 && ['-h', '--help', '-v', '--version'].includes(args[0] ?? '')

whenUnread(() => process.exit())
try {
  if (asksForHelp) process.exitCode = await run(args)
  else if (invoked.endsWith('-restore')) process.exitCode = await restore()
  else process.exitCode = await run(invoked.endsWith('-save') ? ['-S', ...args] : args)
} catch (error) {
  if (!(error instanceof ControlError)) throw error
  process.stderr.write(`Can't initialize ipvs: ${error.message}\n`)
  process.exitCode = STATUS_NO_DAEMON
}

function run(line: readonly string[], input = () => readFileSync(0, 'utf8')): Promise<number> {
  return runLine(line, invoked, controlClient(socket), input, output)
}

/** `ipvsadm-restore` knows comments, and begins with an empty table. */
async function restore(): Promise<number> {
  const text = readFileSync(0, 'utf8').replace(/^#.*$/gm, '')
  const cleared = await run(['-C'])
  return cleared === 0 ? run(['-R', ...args], () => text) : cleared
}
