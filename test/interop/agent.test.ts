import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { agentVerdict, hear, NOTHING_SAID } from '../../src/check/agent-words.ts'
import { AGENT_LINES } from '../support/agent-lines.ts'
import { until } from '../support/lab.ts'

/** Words of the format, and some that are none. */
const WORDS = ['up', 'down', 'fail', 'stopped', 'ready', 'drain', 'maint', '20%', '60%', '#x', 'foo', '50', 'maxconn:9']
/** All pairs of them. */
const LINES = [...AGENT_LINES, ...WORDS.flatMap((one) => WORDS.map((other) => `${one} ${other}`))]
const WEIGHT = 100

async function listenFor(line: string): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.end(line)
  })
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** What HAProxy's statistics say: a row for each server, by the names of its columns. */
async function statistics(socket: string): Promise<ReadonlyMap<string, string>[]> {
  const text = await new Promise<string>((resolve, reject) => {
    let all = ''
    const stats = connect(socket, () => stats.write('show stat\n'))
    stats.on('data', (bytes) => (all += bytes.toString()))
    stats.on('end', () => resolve(all))
    stats.on('error', reject)
  })
  const [head = '', ...rows] = text.replace(/^# /, '').trim().split('\n')
  const names = head.split(',')
  return rows
    .map((row) => new Map(row.split(',').map((value, i) => [names[i] ?? '', value])))
    .filter((row) => /^s\d+$/.test(row.get('svname') ?? ''))
}

test('every line of an agent comes to the same as with HAProxy', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tanist-agent-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const ports = await Promise.all(LINES.map(async (line) => await listenFor(`${line}\n`)))
  const socket = join(folder, 'stats')
  const servers = ports.map(
    (port, i) => `  server s${i} 127.0.0.1:1 weight ${WEIGHT} agent-check agent-port ${port} agent-inter 200`,
  )
  const lines = ['defaults', '  mode tcp', '  timeout connect 5s', '  timeout client 5s', '  timeout server 5s']
  writeFileSync(
    join(folder, 'haproxy.cfg'),
    ['global', `  stats socket ${socket}`, ...lines, 'backend b', ...servers, ''].join('\n'),
  )
  const haproxy: ChildProcess = spawn('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], { stdio: 'ignore' })
  onTestFinished(() => void haproxy.kill('SIGKILL'))
  const rows = await until('HAProxy to have asked all of them', async () => {
    const found = await statistics(socket).catch(() => [])
    const isAnswered = (row: ReadonlyMap<string, string>) => /CHECKED|L7/.test(row.get('agent_status') ?? '')
    return found.length === LINES.length && found.every(isAnswered) && found
  })
  const theirs = rows.map((row, i) => {
    const status = row.get('status') ?? ''
    const weight = Number(row.get('weight'))
    if (status.startsWith('MAINT') || status.startsWith('DOWN')) return [LINES[i], 'down']
    return [LINES[i], status.startsWith('DRAIN') ? 'drain' : weight]
  })
  const ours = LINES.map((line) => {
    const { up, weight } = agentVerdict(hear(NOTHING_SAID, line).said)
    if (!up) return [line, 'down']
    return [line, weight?.type === 'percent' ? (WEIGHT * weight.value) / 100 : (weight?.type ?? WEIGHT)]
  })
  expect(ours).toEqual(theirs)
})
