import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Lab, until } from '../support/lab.ts'

/** sshd wants its whole path, since it starts itself again. */
const SSHD = '/usr/sbin/sshd'
/** It goes there without privileges; the package makes it at a start of the system. */
const PRIVILEGE_FOLDER = '/run/sshd'
const DIST = join(import.meta.dirname, '../../dist/bin')
const TANIST = join(DIST, 'tanist.js')
const TANISTD = join(DIST, 'tanistd.js')
const VIRTUAL = '10.2.0.100'
const HOSTS = ['one', 'two'] as const
type Host = (typeof HOSTS)[number]
const SILENCE_MS = 4000
/** For what takes some seconds on an idle machine. */
const PATIENCE_MS = 60_000

let lab: Lab
const file = (name: string) => join(lab.directory, name)

/** A program of a director, as it would be installed on a machine of its own. */
function program(name: string, text: string): string {
  writeFileSync(file(name), `#!/bin/sh\n${text}\n`)
  chmodSync(file(name), 0o755)
  return file(name)
}

function director(host: Host, address: string, priority: number): string {
  const config = file(`${host}.conf`)
  writeFileSync(
    config,
    `vrrp_instance web {
    state BACKUP
    interface eth0
    virtual_router_id 53
    version 3
    priority ${priority}
    advert_int 0.2
    virtual_ipaddress {
        ${VIRTUAL}/24
    }
}
`,
  )
  const [pid, log, socket] = [`${host}.pid`, `${host}.log`, `${host}.sock`].map(file)
  const tanist = program(`tanist-${host}`, `exec ${process.execPath} ${TANIST} --socket ${socket} "$@"`)
  // In place of the service manager.
  const start = program(
    `start-${host}`,
    `setsid ${process.execPath} ${TANISTD} -f ${config} --name ${lab.directorName(host)} --socket ${socket} </dev/null >>${log} 2>&1 &
echo $! >${pid}
for i in $(seq 200); do ${tanist} status >/dev/null 2>&1 && exit; sleep 0.1; done
exit 1`,
  )
  const stop = program(
    `stop-${host}`,
    `kill $(cat ${pid}) 2>/dev/null || exit 0
while kill -0 $(cat ${pid}) 2>/dev/null; do sleep 0.05; done`,
  )
  writeFileSync(
    file(`${host}.sshd`),
    `ListenAddress ${address}:2222
HostKey ${file('host')}
AuthorizedKeysFile ${file('authorized')}
PidFile none
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
`,
  )
  const options = [
    '-F none',
    `-i ${file('own')}`,
    '-p 2222',
    '-o BatchMode=yes',
    '-o StrictHostKeyChecking=accept-new',
    `-o UserKnownHostsFile=${file('known')}`,
  ]
  const via = lab.enter('admin', ['ssh', ...options, `root@${address}`]).join(' ')
  return `  via: ${via}
  config: ${config}
  tanist: ${tanist}
  tanistd: ${process.execPath} ${TANISTD}
  start: ${start}
  stop: ${stop}
  log: tail -n0 -F ${log}
`
}

beforeAll(async () => {
  lab = new Lab()
  lab.addSwitch('net')
  lab.addSwitch('ways')
  for (const [i, host] of ['one', 'two', 'client'].entries()) {
    const ways = host === 'client' ? [] : [{ switch: 'ways', address: `10.1.0.${i + 1}/24` }]
    lab.addHost(host, [{ switch: 'net', address: `10.2.0.${i + 1}/24` }, ...ways])
  }
  lab.addHost('admin', [{ switch: 'ways', address: '10.1.0.9/24' }])
  for (const key of ['host', 'own']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file(key)])
  }
  writeFileSync(file('authorized'), readFileSync(file('own.pub')))
  const [one, two] = [director('one', '10.1.0.1', 150), director('two', '10.1.0.2', 100)]
  const client = `  via: ${lab.enter('client', ['env']).join(' ')}\n  tanist: ${process.execPath} ${TANIST}\n`
  writeFileSync(file('hosts.yaml'), `director1:\n${one}director2:\n${two}client:\n${client}silence: ${SILENCE_MS} ms\n`)
  mkdirSync(PRIVILEGE_FOLDER, { recursive: true, mode: 0o755 })
  for (const host of HOSTS) {
    let log = ''
    lab
      .start(host, [SSHD, '-D', '-e', '-f', file(`${host}.sshd`)], { stdio: ['ignore', 'ignore', 'pipe'] })
      .stderr?.on('data', (piece: Buffer) => (log += piece.toString()))
    await until('sshd to listen', () => log.includes('Server listening'))
    lab.run(host, [file(`start-${host}`)])
  }
  await until('one to be master', () => lab.run('one', ['ip', '-o', 'addr']).includes(VIRTUAL))
  await settled()
})
afterAll(() => {
  for (const host of HOSTS) {
    if (existsSync(file(`stop-${host}`))) lab.run(host, [file(`stop-${host}`)])
  }
  lab.destroy()
})

/** Each process of its director, with its state: one that is stopped has T. */
function processes(host: Host): readonly string[] {
  const { processes: all } = JSON.parse(lab.run(host, [file(`tanist-${host}`), 'status', '--json'])) as {
    processes: { role: string; pid?: number }[]
  }
  return all.map(({ role, pid }) => {
    const state = /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]
    return `${role} ${state === 'T' ? 'stopped' : 'goes on'}`
  })
}

/** All that a drill here could have changed; a daemon that does not run has no processes. */
function pairNow(): unknown {
  return HOSTS.map((host) => {
    let itsProcesses: readonly string[] = []
    try {
      itsProcesses = processes(host)
    } catch {
      // it does not answer
    }
    return {
      // How long an address is leased yet is another number each second.
      addresses: lab.run(host, ['ip', '-o', '-4', 'addr']).replaceAll(/\b\d+sec\b/g, 'some time'),
      // A link that the test itself has cut stays so until the end.
      routes: lab.run(host, ['ip', 'route']).replaceAll(' linkdown', ''),
      tables: lab.run(host, ['nft', 'list', 'ruleset']),
      file: readFileSync(file(`${host}.conf`), 'utf8'),
      saved: existsSync(file(`${host}.conf.before-drill`)),
      processes: itsProcesses,
    }
  })
}

let whole: unknown
/** Remembers how the pair is when it is at rest. */
async function settled(): Promise<void> {
  const isWhole = () => HOSTS.every((host) => processes(host).length >= 2)
  await until('both directors to have their processes', isWhole)
  whole = pairNow()
}
const isWholeAgain = () =>
  until('the pair to be as before', () => JSON.stringify(pairNow()) === JSON.stringify(whole), PATIENCE_MS).catch(() =>
    expect(pairNow()).toEqual(whole),
  )

interface Running {
  readonly child: ChildProcess
  readonly said: () => string
  /** Its exit status, or the signal that has ended it. */
  readonly ended: Promise<number | string>
}

let drills = 0
function drill(steps: string, ...args: readonly string[]): Running {
  const path = file(`drill-${++drills}.yaml`)
  writeFileSync(path, `drill: a test\nwhy: it shows\ntraffic: [ probe: icmp ]\nsteps:\n${steps}`)
  const argv = [TANIST, 'drill', 'run', path, '--hosts', file('hosts.yaml'), ...args]
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => (said += piece.toString()))
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  return { child, said: () => said, ended }
}

/** Something on both machines that nothing takes back before the end. */
const BREAKS = `  - change file: { of: standby, replace: priority 100, by: priority 99 }
  - take link down: { of: standby }
  - separate: active
  - kill: { of: standby }
  - freeze: { of: active, process: vrrp }
  - say: all is broken
  - wait: 90 s
`
/** Until all of that is done. */
async function broken(): Promise<Running> {
  const running = drill(BREAKS, '--really')
  await until(
    'all to be broken',
    () => running.said().includes('all is broken') || running.child.exitCode !== null,
    PATIENCE_MS,
  )
  expect(running.said()).toContain('all is broken')
  expect(pairNow()).not.toEqual(whole)
  return running
}

test('without --really a real pair is as before, and every step is told with what undoes it', async () => {
  const { ended, said } = drill(BREAKS)
  expect(await ended).toBe(0)
  expect(pairNow()).toEqual(whole)
  const text = said()
  expect(text).toContain('active is director1 now')
  for (const line of [
    /1\. in the configuration file of the standby replace priority 100 by priority 99\n {5}undone on director2 by: .* reload\n {5}on director2: sh -c .*\n {5}undone on director2 by: .*mv/,
    /2\. set the interface of the standby down\n {5}on director2: .*ip link set .*\n {5}undone on director2 by: .*up/,
    /3\. keep the active director from hearing the other director\n {5}on director1: nft .*\n {5}undone on director1 by: nft delete/,
    /4\. kill all processes of the standby\n {5}undone on director2 by: .*start-two\n {5}on director2: kill -KILL \d+/,
    /5\. freeze the vrrp process of the active director\n {5}on director1: kill -STOP \d+\n {5}undone on director1 by: .*-CONT/,
    /Nothing was done\. With --really it is\.\n$/,
  ]) {
    expect(text).toMatch(line)
  }
})

describe('refused on a real pair, and nothing of the drill is begun:', () => {
  test.each([
    ['pull cable: active', 'nobody is at the switch'],
    ['flood: { with: adverts, rate: 100, for: 1 s }', 'it would be an attack on your network'],
    ["run: { on: active, command: 'touch /nowhere' }", 'it has no undo'],
  ])('%s', async (step, why) => {
    const steps = `  - stop: standby\n  - ${step}\n`
    for (const args of [[], ['--really']]) {
      const { ended, said } = drill(steps, ...args)
      expect(await ended).toBe(5)
      expect(said()).toMatch(new RegExp(`refused: .*: ${why}`))
    }
    expect(pairNow()).toEqual(whole)
  })
})

test('links, daemons, files and roles of a real pair fail and come back, and every claim holds', async () => {
  const { ended, said } = drill(
    `  - take link down: { of: active }
  - wait for: { master: standby, within: takeover + 4 s }
  - bring link up: { of: active }
  - wait for: { master: active, within: 15 s }
  - kill: { of: active }
  - wait for: { holds: standby, within: takeover + 4 s }
  - start: active
  - wait for: { master: active, within: 15 s }
  - stop: active
  - wait for: { master: standby, within: 15 s }
  - start: active
  - wait for: { master: active, within: 15 s }
  - freeze: { of: active, process: vrrp, for: 2 s }
  - wait for: { master: active, within: 15 s }
  - change file: { of: active, replace: priority 150, by: priority 90 }
  - reload: active
  - wait for: { master: standby, within: 15 s }
  - claim: { log: { of: standby, says: master } }
  - restore file: active
  - reload: active
  - wait for: { master: active, within: 15 s }
  - hand over: active
  - wait for: { master: standby, within: 15 s }
  - run: { on: standby, command: 'ip link add drilled type bridge', undo: 'ip link delete drilled' }
claims:
  - master: standby
  - file: both
`,
    '--really',
    '--limit',
    '80',
  )
  expect(await ended, said()).toBe(0)
  expect(said()).toContain('Every claim held.')
  await isWholeAgain()
})

test.each(['SIGINT', 'SIGTERM'] as const)('a drill on a real pair that gets %s undoes all', async (signal) => {
  const { child, ended, said } = await broken()
  child.kill(signal)
  expect(await ended).toBe(130)
  expect(said()).toContain('The drill was interrupted.')
  await isWholeAgain()
})

test('a drill on a real pair that is killed is undone by the machines themselves', async () => {
  const { child, ended } = await broken()
  child.kill('SIGKILL')
  expect(await ended).toBe('SIGKILL')
  await isWholeAgain()
})

test('a real machine that is cut off undoes what was done there, and the drill ends', async () => {
  const { ended, said } = await broken()
  lab.cable('two', 1, 'down')
  try {
    expect(await ended).toBe(1)
    expect(said()).toContain('The connection to a machine was lost.')
    await isWholeAgain()
  } finally {
    lab.cable('two', 1, 'up')
  }
})

test('a drill on a real pair that takes longer than its limit undoes all', async () => {
  const { ended, said } = drill(BREAKS, '--really', '--limit', '6')
  expect(await ended).toBe(1)
  expect(said()).toContain('The drill took longer than it may.')
  await isWholeAgain()
})
