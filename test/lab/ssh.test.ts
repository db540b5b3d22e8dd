import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectPlace, LostPlaceError } from '../../src/lab/connect.ts'
import type { Place } from '../../src/lab/place.ts'
import { type Millis, millis } from '../../src/time.ts'
import { Lab, until } from '../support/lab.ts'

/** sshd wants its whole path, since it starts itself again. */
const SSHD = '/usr/sbin/sshd'
/** It goes there without privileges; the package makes it at a start of the system. */
const PRIVILEGE_FOLDER = '/run/sshd'
const PORT = '2222'
const AGENT = join(import.meta.dirname, '../../src/lab/agent-process.ts')

let lab: Lab

beforeAll(async () => {
  lab = new Lab()
  lab.addSwitch('net')
  lab.addHost('admin', [{ switch: 'net', address: '10.1.0.1/24' }])
  lab.addHost('real', [{ switch: 'net', address: '10.1.0.2/24' }])
  const file = (name: string) => join(lab.directory, name)
  for (const key of ['host', 'own']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file(key)])
  }
  writeFileSync(file('authorized'), readFileSync(file('own.pub')))
  writeFileSync(
    file('sshd.conf'),
    `ListenAddress 10.1.0.2:${PORT}
HostKey ${file('host')}
AuthorizedKeysFile ${file('authorized')}
PidFile none
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
`,
  )
  mkdirSync(PRIVILEGE_FOLDER, { recursive: true, mode: 0o755 })
  let log = ''
  lab
    .start('real', [SSHD, '-D', '-e', '-f', file('sshd.conf')], { stdio: ['ignore', 'ignore', 'pipe'] })
    .stderr?.on('data', (piece: Buffer) => (log += piece.toString()))
  await until('sshd to listen', () => log.includes('Server listening'))
})
afterAll(() => lab.destroy())

/** A place behind ssh, and the process of ssh, which writes its number first. */
async function connected(name: string, deadMan: Millis): Promise<{ readonly place: Place; readonly ssh: number }> {
  const pid = join(lab.directory, `${name}.pid`)
  const known = `UserKnownHostsFile=${join(lab.directory, 'known')}`
  const files = ['-F', 'none', '-i', join(lab.directory, 'own'), '-o', known]
  const options = ['-p', PORT, '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=accept-new']
  const enter = lab.enter('admin', ['bash', '-c', `echo $$ >${pid}; exec "$@"`, 'bash'])
  const place = await connectPlace(name, [...enter, 'ssh', ...files, ...options, 'root@10.1.0.2'], {
    command: [process.execPath, AGENT],
    deadMan,
  })
  return { place, ssh: Number(readFileSync(pid, 'utf8')) }
}

const step = (name: string) => ({
  text: `make ${name}`,
  act: ['touch', join(lab.directory, name)],
  undo: ['rm', join(lab.directory, name)],
})
const isDone = (name: string) => existsSync(join(lab.directory, name))
const agents = () => lab.run('real', ['bash', '-c', `ip netns pids ${lab.directorName('real')} | wc -l`])

test('a place behind ssh acts there, and undoes when it is closed', async () => {
  const { place } = await connected('orderly', millis(15_000))
  // Its own words come as they are: it is no shell that reads them.
  expect(await place.run(['printf', '%s', 'a "b" $HOME \n'])).toMatchObject({ status: 0, stdout: 'a "b" $HOME \n' })
  const { stdout } = await place.run(['ip', '-br', 'addr', 'show', 'eth0'])
  expect(stdout).toContain('10.1.0.2/24')
  await place.act(step('orderly'))
  expect(isDone('orderly')).toBe(true)
  expect(await place.close()).toEqual([{ text: 'make orderly' }])
  expect(isDone('orderly')).toBe(false)
})

test('what was done by ssh is undone after ssh has been killed', async () => {
  // Not because of the silence.
  const { place, ssh } = await connected('killed', millis(3_600_000))
  await place.act(step('killed'))
  process.kill(ssh, 'SIGKILL')
  await expect(place.run(['true'])).rejects.toThrow(LostPlaceError)
  await until('it to be undone', () => !isDone('killed'))
})

test('what was done by ssh is undone after the network has been cut, and both ends know', async () => {
  const { place } = await connected('cut', millis(2000))
  const before = agents()
  await place.act(step('cut'))
  const program = await place.work('addresses', [])
  lab.cable('real', 0, 'down')
  await expect(program.ask('all').then(() => place.run(['sleep', '60']))).rejects.toThrow(
    /cut is lost: nothing was heard/,
  )
  await until('it to be undone', () => !isDone('cut'))
  lab.cable('real', 0, 'up')
  await until('its agent to have ended', () => Number(agents()) < Number(before))
})

test('a host that nobody is at says so in the words of ssh', async () => {
  const prefix = lab.enter('admin', ['ssh', '-o', 'BatchMode=yes', '-p', '9', 'root@10.1.0.2'])
  await expect(connectPlace('nobody', prefix)).rejects.toThrow(/nobody is lost: .*Connection refused/s)
})
