import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const LOG = join(import.meta.dirname, '../../src/daemon/log.ts')

test('a log that nobody reads holds nothing up: 10 MB into a pipe of 64 KB', async () => {
  const script = join(import.meta.dirname, '../support/log-process.ts')
  // The pipe is opened and never read.
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  const [{ worst, flush }] = (await once(child, 'message')) as [{ worst: number; flush: number }]
  const exited = once(child, 'exit')
  child.disconnect()
  expect(worst).toBeLessThan(500)
  expect(flush).toBeLessThan(1000)
  child.kill()
  await exited
})

test.each([
  ['is full', '/dev/full'],
  ['nobody reads', undefined],
])('a log that %s does not keep the process from ending', async (_why, path) => {
  const program = `import { createLog, flushLog } from ${JSON.stringify(LOG)}
    const log = await createLog('director', 'test')
    for (let line = 0; line < 500; line++) log.info('x'.repeat(500))
    await flushLog(log)
    process.exit(3)`
  const output = path === undefined ? 'pipe' : openSync(path, 'w')
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', output, 'inherit'],
    timeout: 20_000,
  })
  const [status] = (await once(child, 'exit')) as [number | null]
  if (typeof output === 'number') closeSync(output)
  expect(status).toBe(3)
})

/** Runs lines of a program that has a log, with standard output in a file that `journal` says is the journal or not. */
function logged(lines: string, journal: boolean): { status: number | null; text: string } {
  const directory = mkdtempSync(join(tmpdir(), 'tanist-log-'))
  try {
    const file = openSync(join(directory, 'log'), 'w+')
    const { dev, ino } = fstatSync(file, { bigint: true })
    const env = { ...process.env, JOURNAL_STREAM: journal ? `${dev}:${ino}` : `${dev}:${ino + 1n}` }
    const program = `import { createLog, endOnUnexpectedErrors, flushLog } from ${JSON.stringify(LOG)}
      const log = await createLog('vrrp', 'test')
      ${lines}`
    const args = ['--input-type=module', '-e', program]
    const { status } = spawnSync(process.execPath, args, { env, stdio: ['ignore', file, 'inherit'] })
    closeSync(file)
    return { status, text: readFileSync(join(directory, 'log'), 'utf8') }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const lines = `log.info({ instance: 'a' }, '(a) Entering BACKUP STATE')
  log.warn('Lost quorum'); log.error({ errors: ['x.conf:1:1: error\\n    1 | x'] }, 'refused'); log.fatal('end')
  await flushLog(log)`

test('in the journal lines are text, each with its syslog priority', () => {
  expect(logged(lines, true).text.split('\n')).toEqual([
    '<6>vrrp: (a) Entering BACKUP STATE',
    '<4>vrrp: Lost quorum',
    '<3>vrrp: refused',
    '<3>x.conf:1:1: error',
    '<3>    1 | x',
    '<2>vrrp: end',
    '',
  ])
})

test('anywhere else they are JSON, also when a unit far above has the journal', () => {
  const [first, ...rest] = logged(lines, false).text.trim().split('\n')
  expect(JSON.parse(first ?? '')).toMatchObject({ level: 30, process: 'vrrp', instance: 'a' })
  expect(rest).toHaveLength(3)
})

test('-g: lines go to a file of each process, with their time; standard output has them only if it is asked for', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tanist-log-file-'))
  try {
    process.env['TANIST_LOG_TO'] = JSON.stringify({ console: false, file: join(directory, 'tanist.log') })
    expect(logged(lines, true)).toEqual({ status: 0, text: '' })
    expect(readFileSync(join(directory, 'tanist_vrrp.log'), 'utf8')).toMatch(
      /^[\dT:.-]+Z vrrp: \(a\) Entering BACKUP STATE\n[\dT:.-]+Z vrrp: Lost quorum\n/,
    )
  } finally {
    delete process.env['TANIST_LOG_TO']
    rmSync(directory, { recursive: true })
  }
})

test('an unexpected error is logged with its stack and ends the process', () => {
  const { status, text } = logged(
    `endOnUnexpectedErrors(log)
    setTimeout(() => { throw new Error('boom') })
    setTimeout(() => log.info('went on'), 1000)`,
    false,
  )
  expect(status).toBe(70)
  const { level, msg } = JSON.parse(text) as { level: number; msg: string }
  expect(level).toBe(60)
  expect(msg).toMatch(/^unexpected error, ending: Error: boom\n +at /)
})
