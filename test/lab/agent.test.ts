import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { connectPlace, type ConnectOptions, LostPlaceError } from '../../src/lab/connect.ts'
import { monotonicNow } from '../../src/lab/monotonic.ts'
import type { Place } from '../../src/lab/place.ts'
import { millis } from '../../src/time.ts'
import { until } from '../support/lab.ts'

let folder = ''
const places = new Set<Place>()

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tanist-agent-'))
})
afterEach(async () => {
  for (const place of places) await place.close().catch(() => {})
  places.clear()
  rmSync(folder, { recursive: true })
})

async function connected(options: ConnectOptions = {}, prefix: readonly string[] = []): Promise<Place> {
  const place = await connectPlace('here', prefix, options)
  places.add(place)
  return place
}

const file = (name: string) => join(folder, name)
const isRunning = (pid: number) =>
  existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))

/** Makes a file, and undoes that by adding its name to a list. */
const noted = (name: string) => ({
  text: `make ${name}`,
  act: ['touch', file(name)],
  undo: ['bash', '-c', `rm ${file(name)} && echo ${name} >>${file('undone')}`],
})
const undone = () => (existsSync(file('undone')) ? readFileSync(file('undone'), 'utf8').trim().split('\n') : [])

test('a command gives its status and what it writes, and one that cannot be started says why', async () => {
  const place = await connected()
  expect(await place.run(['bash', '-c', 'echo out; echo err >&2; exit 3'])).toEqual({
    status: 3,
    stdout: 'out\n',
    stderr: 'err\n',
  })
  const { status, stderr } = await place.run(['/no/such/program'])
  expect(status).toBeUndefined()
  expect(stderr).toContain('ENOENT')
})

test('a command that takes too long is ended with what it has started', async () => {
  const place = await connected()
  const { status, stdout, stderr } = await place.run(['bash', '-c', 'sleep 1000 & echo $!; wait'], millis(500))
  expect(status).toBeUndefined()
  expect(stderr).toContain('500 ms')
  await until('its child to be gone', () => !isRunning(Number(stdout)))
})

test('output without an end is cut, and the command goes on to its end', async () => {
  const place = await connected()
  const { status, stdout } = await place.run(['head', '-c', '5000000', '/dev/zero'])
  expect(status).toBe(0)
  expect(stdout).toHaveLength(1 << 20)
})

test('what was done is undone by its handle, once', async () => {
  const place = await connected()
  const { ran, handle } = await place.act(noted('one'))
  expect(ran.status).toBe(0)
  expect(existsSync(file('one'))).toBe(true)
  expect(await place.undo(handle)).toMatchObject({ status: 0 })
  expect(existsSync(file('one'))).toBe(false)
  await expect(place.undo(handle)).rejects.toThrow(/nothing is to be undone/)
  expect(await place.close()).toEqual([])
})

test('a place that is closed undoes what is left, the last first, and one failure keeps nothing else from being undone', async () => {
  const place = await connected()
  await place.act(noted('one'))
  await place.act({ text: 'fail', act: ['true'], undo: ['bash', '-c', 'echo no >&2; exit 1'] })
  const two = await place.act(noted('two'))
  await place.act(noted('three'))
  await place.undo(two.handle)
  expect(await place.close()).toEqual([{ text: 'make three' }, { text: 'fail', failure: 'no' }, { text: 'make one' }])
  expect(undone()).toEqual(['two', 'three', 'one'])
  await expect(place.run(['true'])).rejects.toThrow(LostPlaceError)
})

test('an undo that failed is tried again at the end', async () => {
  const place = await connected()
  const undo = ['bash', '-c', `test -e ${file('may')}`]
  const { handle } = await place.act({ text: 'later', act: ['true'], undo })
  expect(await place.undo(handle)).toMatchObject({ status: 1 })
  writeFileSync(file('may'), '')
  expect(await place.close()).toEqual([{ text: 'later' }])
})

test('an action that failed, having done a part, is undone as well', async () => {
  const place = await connected()
  const step = noted('part')
  const { ran } = await place.act({ ...step, act: ['bash', '-c', `touch ${file('part')}; exit 1`] })
  expect(ran.status).toBe(1)
  await place.close()
  expect(undone()).toEqual(['part'])
})

test('an agent whose connection is killed undoes all that is left, and everybody who waits gets an error with its name', async () => {
  // A process between, as ssh is, which is killed without a word.
  const place = await connected({}, ['bash', '-c', `echo $$ >${file('between')}; "$@"; true`, 'between'])
  await place.act(noted('one'))
  await place.act(noted('two'))
  const waiting = place.run(['sleep', '1000'])
  const between = Number(readFileSync(file('between'), 'utf8'))
  const failure = expect(waiting).rejects.toMatchObject({ name: 'LostPlaceError', place: 'here' })
  process.kill(between, 'SIGKILL')
  await failure
  await until('both to be undone', () => undone().length === 2)
  expect(undone()).toEqual(['two', 'one'])
})

test('an agent that is sent a signal undoes while the connection is there', async () => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
    const place = await connected({}, ['bash', '-c', `echo $$ >${file('pid')}; exec "$@"`, 'exec'])
    await place.act(noted(signal))
    execFileSync('kill', [`-${signal}`, readFileSync(file('pid'), 'utf8').trim()])
    await until(`it to be undone after ${signal}`, () => undone().includes(signal))
    await until('the place to be lost', () =>
      place.run(['true']).then(
        () => false,
        () => true,
      ),
    )
  }
})

test('an agent undoes when nobody was heard for too long, though its output is read by nobody and full', async () => {
  const deadMan = millis(2000)
  const words = `${JSON.stringify({ id: 1, type: 'ping', deadMan })}
${JSON.stringify({ id: 2, type: 'act', step: noted('silent') })}
${JSON.stringify({ id: 3, type: 'run', argv: ['head', '-c', '1000000', '/dev/zero'], limit: 10_000 })}
`
  writeFileSync(file('words'), words)
  const agent = join(import.meta.dirname, '../../src/lab/agent-process.ts')
  // Its input stays open, and its output is a pipe that nobody takes anything from.
  const script = `(cat ${file('words')}; exec sleep 1000) | ${process.execPath} ${agent} | sleep 1000`
  const place = await connected()
  await place.start(['bash', '-c', script])
  await until('it to be undone', () => undone().includes('silent'))
})

test('a place that says nothing any more is lost', async () => {
  const place = await connected({ deadMan: millis(1500) }, ['bash', '-c', `echo $$ >${file('pid')}; exec "$@"`, 'exec'])
  const pid = Number(readFileSync(file('pid'), 'utf8'))
  process.kill(pid, 'SIGSTOP')
  try {
    await expect(place.run(['true'])).rejects.toThrow(/here is lost: nothing was heard/)
  } finally {
    process.kill(pid, 'SIGCONT')
  }
})

test('a place that cannot be reached says what the prefix has said', async () => {
  const prefix = ['bash', '-c', 'echo no such host >&2; exit 255']
  await expect(connectPlace('far', prefix)).rejects.toThrow(/far is lost: .*no such host/s)
  await expect(connectPlace('far', ['sleep', '1000', '#'], { command: [], patience: millis(300) })).rejects.toThrow(
    LostPlaceError,
  )
})

test('commands in the background end with the place, but for those that stay', async () => {
  const place = await connected()
  const ends = await place.start(['bash', '-c', 'trap "" TERM; sleep 1000 & wait; sleep 1000'])
  const stays = await place.start(['sleep', '1000'], { staysAlive: true })
  try {
    expect(isRunning(ends)).toBe(true)
    await place.close()
    expect([isRunning(ends), isRunning(stays)]).toEqual([false, true])
  } finally {
    process.kill(stays, 'SIGKILL')
  }
})

test('what a command in the background writes is told line by line, or is in its log', async () => {
  const place = await connected()
  const lines: { readonly line: string; readonly at: number }[] = []
  const begin = monotonicNow()
  const script = 'echo "1: $WHO"; printf "2: \\xc3"; printf "\\xa4\\n" ; echo 3 >&2; printf 4'
  await place.start(['bash', '-c', script], {
    env: { WHO: 'me' },
    onLine: (line, at) => lines.push({ line, at }),
  })
  await until('four lines', () => lines.length === 4)
  expect(new Set(lines.map(({ line }) => line))).toEqual(new Set(['1: me', '2: ä', '3', '4']))
  for (const { at } of lines) expect(at).toBeGreaterThanOrEqual(begin - 50)
  for (const { at } of lines) expect(at).toBeLessThanOrEqual(monotonicNow() + 50)
  await place.start(['echo', 'more'], { log: file('log') })
  await until('the log', () => existsSync(file('log')) && readFileSync(file('log'), 'utf8') === 'more\n')
  await expect(place.start(['/no/such/program'])).rejects.toThrow(/ENOENT/)
})
