import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { VERSION } from '../../../src/cli/version.ts'
import { RecentEvents } from '../../../src/daemon/director/events.ts'
import { Scripts } from '../../../src/daemon/director/scripts.ts'
import { configToRun, readConfigFile } from '../../../src/host/config-file.ts'
import { until } from '../../support/lab.ts'

const PROGRAM = join(import.meta.dirname, '../../../src/bin/tanistd.ts')
const TEXT = `vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 51
  virtual_ipaddress { 10.9.9.9/32 }
  notify "/bin/echo told"
}
`

test('a script process that refuses the file goes on with the one before, and is told what happens', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tanist-scripts-'))
  const [file, socket] = [join(folder, 'tanist.conf'), join(folder, 'script.sock')]
  writeFileSync(file, TEXT)
  const args = ['--script-service', '--script-socket', socket, '-f', file, '-i', 'here', '--name', 'test']
  const service = spawn(process.execPath, ['--disable-sigusr1', PROGRAM, ...args], { stdio: 'ignore' })
  onTestFinished(async () => {
    const ended = service.exitCode === null && once(service, 'exit')
    service.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true, force: true })
  })
  await until('it listens', () => existsSync(socket))
  const { config } = configToRun(readConfigFile(file, 'here'), true)
  if (config === undefined) throw new Error('refused')
  const said: string[] = []
  const log = pino({ base: null }, { write: (line: string) => void said.push(line) })
  const context = { name: 'test', file, configId: 'here', version: VERSION, socket, log }
  const scripts = new Scripts(config, {
    ...context,
    events: new RecentEvents(),
    tracked: () => {},
    judged: () => {},
    found: () => ({ up: [], down: [] }),
    suspended: () => new Set(),
    answers: () => [],
  })
  onTestFinished(async () => await scripts.finish())
  const tell = (priority: number) =>
    scripts.tell([{ type: 'state', subject: 'INSTANCE', name: 'VI_1', state: 'MASTER', priority, reason: '', at: 0 }])
  const last = () => scripts.runs[0]?.output
  tell(1)
  await until('the first command', () => last() === 'told INSTANCE VI_1 MASTER 1')

  // As when somebody writes the file while the director has just read it.
  writeFileSync(file, 'vrrp_instance {')
  scripts.configure(config)
  tell(2)
  await until('the second command', () => last() === 'told INSTANCE VI_1 MASTER 2')
  expect(said.join('')).toContain('goes on with the one before')
})
