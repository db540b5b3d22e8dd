import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Syslog, syslogMessage, unixAddress } from '../../src/daemon/syslog.ts'
import { AF_UNIX, Socket, SOCK_DGRAM } from '../../src/linux/socket.ts'
import { replaceFile } from '../../src/daemon/run-file.ts'

const directory = mkdtempSync(join(tmpdir(), 'tanist-syslog-'))
afterAll(() => rmSync(directory, { recursive: true }))

test('a message is what syslog(3) writes: facility and priority, local time, program', () => {
  const line = { priority: 4, text: 'vrrp: (VI_1) Entering BACKUP STATE' }
  expect(syslogMessage(19, line, new Date(2026, 10, 8, 6, 5, 4), 7)).toBe(
    '<156>Nov  8 06:05:04 tanistd[7]: vrrp: (VI_1) Entering BACKUP STATE',
  )
})

test('a daemon that listens gets each message; what it could not get is counted, and told when it can', () => {
  const path = join(directory, 'log')
  const lost: number[] = []
  const syslog = new Syslog(16, (lines) => lost.push(lines), path)
  syslog.write([
    { priority: 6, text: 'one' },
    { priority: 6, text: 'two' },
  ])
  expect(lost).toEqual([])
  const daemon = new Socket('test', AF_UNIX, SOCK_DGRAM, 0)
  daemon.bind(unixAddress(path))
  syslog.write([{ priority: 3, text: 'three' }])
  expect(Buffer.from(daemon.receive() ?? []).toString()).toMatch(/^<131>\w{3} [\d ]\d [\d:]{8} tanistd\[\d+\]: three$/)
  expect(daemon.receive()).toBeUndefined()
  expect(lost).toEqual([2])
  daemon.close()
})

test('a file in a folder of everybody replaces a link that somebody has put there, and writes nothing through it', () => {
  const [target, path] = [join(directory, 'target'), join(directory, 'file')]
  writeFileSync(target, 'theirs')
  symlinkSync(target, path)
  replaceFile(path, 'ours', 0o644)
  expect(readFileSync(target, 'utf8')).toBe('theirs')
  expect(readFileSync(path, 'utf8')).toBe('ours')
  expect(statSync(path).mode & 0o777).toBe(0o644)
  expect(() => replaceFile(join(directory, 'none/file'), '', 0o644)).toThrow('ENOENT')
  expect(readdirSync(directory).filter((name) => name.startsWith('file'))).toEqual(['file'])
})
