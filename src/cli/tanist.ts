#!/usr/bin/env node
import { existsSync, readFileSync } from 'node:fs'
import { Command } from 'commander'
import { collectDiagnostics, formatDiagnostic } from '../config/diagnostic.ts'
import { importIpvsadm } from '../config/ipvsadm-save.ts'
import { ControlClient, ControlError } from '../control/client.ts'
import { defaultSocket, DEFAULT_NAME } from './defaults.ts'
import { formatStatus } from './status.ts'

/** The daemon refused, or is not there. */
const EXIT_REFUSED = 1
const EXIT_UNREACHABLE = 2

interface Options {
  name: string
  socket?: string
}

const program = new Command('tanist')
  .description('Shows and steers a running tanistd.')
  .option('--name <name>', "the director's name", DEFAULT_NAME)
  .option('--socket <path>', 'control socket (default: /run/tanist/<name>.sock)')

const client = () => {
  const { name, socket } = program.opts<Options>()
  return new ControlClient(socket ?? defaultSocket(name))
}

program
  .command('status')
  .description('instances, peers, services and servers: their state, since when and why')
  .option('--json', 'as JSON')
  .action(async ({ json }: { json?: true }) => {
    const status = await client().status()
    const text =
      json === true ? JSON.stringify(status, undefined, 2) : formatStatus(status, Date.now(), process.stdout.isTTY)
    process.stdout.write(`${text}\n`)
  })

program
  .command('reload')
  .description('read the configuration file again; on any error the one in force stays')
  .action(async () => {
    const errors = await client().reload()
    for (const error of errors) process.stderr.write(`${error}\n`)
    if (errors.length === 0) process.stdout.write('reloaded\n')
    else process.exitCode = EXIT_REFUSED
  })

program
  .command('import [file]')
  .description('what ipvsadm-save wrote (from a file, or standard input), as virtual_server blocks')
  .action((file: string | undefined) => {
    const source = { name: file ?? '<stdin>', text: readFileSync(file ?? 0, 'utf8') }
    const { diagnostics, report } = collectDiagnostics()
    const text = importIpvsadm(source, servicePort, report)
    for (const diagnostic of diagnostics) {
      process.stderr.write(`${formatDiagnostic(diagnostic, process.stderr.isTTY)}\n`)
    }
    if (diagnostics.length === 0) process.stdout.write(text)
    else process.exitCode = EXIT_REFUSED
  })

/** As /etc/services has it. */
function servicePort(name: string, protocol: string): number | undefined {
  const path = '/etc/services'
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const fields = text.split('\n').map((line) => line.split(/\s+/))
  const [, number] =
    fields.find(([first, second]) => first === name && second?.endsWith(`/${protocol.toLowerCase()}`)) ?? []
  return number === undefined ? undefined : Number.parseInt(number, 10)
}

try {
  await program.parseAsync()
} catch (error) {
  if (!(error instanceof ControlError)) throw error
  process.stderr.write(`tanist: ${error.message}\n`)
  process.exitCode = EXIT_UNREACHABLE
}
