import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ControlClient } from '../../src/control/client.ts'
import type { ListedConnection } from '../../src/model/ipvs-listing.ts'
import { ControlServer } from '../../src/control/server.ts'
import { callerOf } from '../../src/daemon/director/caller.ts'
import { Lab, until } from '../support/lab.ts'
import { ip } from '../vrrp/instances.ts'
import { asNobody } from '../support/nobody.ts'

const BIN = join(import.meta.dirname, '../../dist/bin')
const directory = mkdtempSync(join(tmpdir(), 'tanist-away-'))
const programs = {
  tanistd: join(BIN, 'tanistd.js'),
  tanist: join(BIN, 'tanist.js'),
  'tanist-ipvsadm': join(BIN, 'tanist-ipvsadm.js'),
  'tanist-ipvsadm-save': join(directory, 'tanist-ipvsadm-save'),
  'tanist-ipvsadm-restore': join(directory, 'tanist-ipvsadm-restore'),
}
type Program = keyof typeof programs

interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Asynchronous, since some of what it talks to is in this process. */
async function run(
  program: Program,
  args: readonly string[],
  env: Record<string, string> = {},
  as?: 'nobody',
): Promise<Ended> {
  const command: [string, ...string[]] = [process.execPath, programs[program], ...args]
  const [file, ...rest] = as === undefined ? command : asNobody(command)
  const child = spawn(file, rest, { env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const [out, errors]: [Buffer[], Buffer[]] = [[], []]
  child.stdout.on('data', (data: Buffer) => out.push(data))
  child.stderr.on('data', (data: Buffer) => errors.push(data))
  const [status] = (await once(child, 'close')) as [number | null]
  return { status, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(errors).toString() }
}

/** A socket at which `server` listens. */
async function socketOf(name: string, server: Server): Promise<string> {
  const path = join(directory, name)
  await new Promise<void>((resolve) => server.listen(path, resolve))
  servers.push(server)
  return path
}
const servers: Server[] = []

beforeAll(() => {
  chmodSync(directory, 0o755)
  for (const name of ['save', 'restore']) {
    symlinkSync(programs['tanist-ipvsadm'], join(directory, `tanist-ipvsadm-${name}`))
  }
})
afterAll(() => {
  for (const server of servers) server.close()
  rmSync(directory, { recursive: true })
})

describe('a daemon that cannot be asked: one sentence that says what to do, and 2', () => {
  const tell = async (socket: string, as?: 'nobody') => {
    const asked = await run('tanist', ['status'], { TANIST_SOCKET: socket }, as)
    const listed = await run('tanist-ipvsadm', ['-Ln'], { TANIST_SOCKET: socket }, as)
    expect([asked.status, listed.status]).toEqual([2, 2])
    const prefix = `cannot reach tanistd at ${socket}: `
    expect(listed.stderr).toBe(`Can't initialize ipvs: ${asked.stderr.replace('tanist: ', '')}`)
    expect(asked.stderr.startsWith(`tanist: ${prefix}`)).toBe(true)
    return asked.stderr.slice(`tanist: ${prefix}`.length)
  }
  const NOT_RUNNING =
    'it is not running; start it (systemctl start tanist), or name another one (--name, TANIST_NAME)\n'
  const OTHER = 'what answers there is not tanistd\n'

  test('nothing is there', async () => expect(await tell(join(directory, 'none.sock'))).toBe(NOT_RUNNING))

  test('a file that is no socket', async () => {
    writeFileSync(join(directory, 'file'), '')
    expect(await tell(join(directory, 'file'))).toBe(NOT_RUNNING)
  })

  test('a socket of root, asked by somebody else', async () => {
    const path = await socketOf('root.sock', createServer())
    chmodSync(path, 0o660)
    expect(await tell(path, 'nobody')).toBe('permission denied; be root, or a member of the group tanist\n')
  })

  test.each([
    ['with a page', 200, '<html>'],
    ['that does not know', 404, 'not found'],
    ['with JSON of its own', 404, '{"message":"page not found"}'],
  ])('another HTTP server %s', async (name, statusCode, body) => {
    const server = createHttpServer((_, response) => response.writeHead(statusCode).end(body))
    expect(await tell(await socketOf(`${name}.sock`, server))).toBe(OTHER)
  })

  test('a server of something else', async () => {
    const server = createServer((socket) => void socket.on('error', () => {}).end('220 mail.example ESMTP\r\n'))
    expect(await tell(await socketOf('mail.sock', server))).toBe(OTHER)
  })

  test('a server that closes at once', async () => {
    const server = createServer((socket) => void socket.on('error', () => {}).destroy())
    expect(await tell(await socketOf('close.sock', server))).toMatch(/^it closed the connection without an answer/)
  })

  test('a server that hangs', async () => {
    const client = new ControlClient(await socketOf('hang.sock', createServer()), 300)
    const message = /it does not answer within 0.3 s; restart it/
    await expect(client.status()).rejects.toThrow(message)
    await expect(client.connections({}).next()).rejects.toThrow(message)
  })
})

describe('the daemon that tanist asks', () => {
  const socketIn = async (args: readonly string[], env: Record<string, string>) =>
    /at (\S+):/.exec((await run('tanist', [...args, 'status'], env)).stderr)?.[1]

  test.each([
    ['the usual one', [], {}, '/run/tanist/tanist.sock'],
    ['TANIST_NAME', [], { TANIST_NAME: 'lb7' }, '/run/tanist/lb7.sock'],
    ['TANIST_SOCKET', [], { TANIST_NAME: 'lb7', TANIST_SOCKET: '/run/x.sock' }, '/run/x.sock'],
    ['--name', ['--name', 'lb8'], { TANIST_NAME: 'lb7', TANIST_SOCKET: '/run/x.sock' }, '/run/tanist/lb8.sock'],
    ['--socket', ['--socket', '/run/y.sock', '--name', 'lb8'], { TANIST_NAME: 'lb7' }, '/run/y.sock'],
  ])('%s', async (_name, args, env, socket) => {
    // Nobody listens at any of them in a machine's own names; what matters is where it looks.
    expect(await socketIn(args, env)).toBe(socket)
  })
})

describe('every program, without a daemon', () => {
  test.each(Object.keys(programs) as Program[])('%s says its version and its usage', async (program) => {
    const version = await run(program, ['--version'])
    expect(version).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringMatching(/^(ipvsadm v)?\d+\.\d+.*\n$/),
    })
    const help = await run(program, ['--help'])
    expect(help).toMatchObject({ status: 0, stderr: '' })
    expect(help.stdout.split('\n').length).toBeGreaterThan(10)
  })
})

describe('a program whose output nobody reads to its end', () => {
  const connection: ListedConnection = {
    protocol: 'TCP',
    client: { address: ip('10.0.0.9'), port: 40_000 },
    virtual: { address: ip('10.0.0.100'), port: 80 },
    destination: { address: ip('10.0.0.2'), port: 80 },
    state: 'ESTABLISHED',
    expiresSeconds: 60,
  }
  let socket: string
  let server: ControlServer
  beforeAll(() => {
    socket = join(directory, 'many.sock')
    const none = () => {
      throw new Error('not asked for')
    }
    const handlers = {
      status: none,
      reload: none,
      ipvs: none,
      forget: none,
      change: none,
      setTimeouts: none,
      trace: none,
      zero: none,
      upgrade: none,
      failOver: none,
      failBack: none,
      maintain: none,
      hand: none,
      check: none,
      dump: none,
      *connections() {
        for (let i = 0; i < 200_000; i++) yield connection
      },
    }
    server = new ControlServer(socket, handlers, { callerOf, failed: none })
  })
  afterAll(() => server.close())

  test.each([
    ['tanistd', '--keywords --format json'],
    ['tanistd', '--manual'],
    ['tanist', 'connections --json'],
    ['tanist', 'connections'],
    ['tanist-ipvsadm', '-Lnc'],
  ] satisfies [Program, string][])('%s %s | head', async (program, args) => {
    const line = `'${process.execPath}' '${programs[program]}' ${args} | head -n 1; echo "status \${PIPESTATUS[0]}"`
    const child = spawn('bash', ['-c', line], { env: { ...process.env, TANIST_SOCKET: socket } })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()))
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()))
    await once(child, 'close')
    expect(stderr).toBe('')
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('status 0')
  })

  test('a refused file is refused with the same status, read or not', () => {
    const file = join(directory, 'bad.conf')
    writeFileSync(file, 'nonsense\n'.repeat(900))
    const line = `'${process.execPath}' '${programs.tanistd}' -t ${file} 2>&1 | head -n 1 >&2; echo \${PIPESTATUS[0]}`
    expect(spawnSync('bash', ['-c', line], { encoding: 'utf8' }).stdout).toBe('5\n')
  })

  test('a full disk is said', () => {
    const line = `'${process.execPath}' '${programs.tanistd}' --manual >/dev/full`
    const { status, stderr } = spawnSync('bash', ['-c', line], { encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/^cannot write the output: ENOSPC/) })
  })

  test('a daemon goes on without readers', async () => {
    const lab = new Lab()
    try {
      lab.addSwitch('lan')
      lab.addHost('d', [{ switch: 'lan', address: '10.0.0.1/24' }])
      const [file, control] = [join(lab.directory, 'd.conf'), join(lab.directory, 'd.sock')]
      // A warning, for standard error.
      writeFileSync(file, 'global_defs {\n  snmp_socket unix:/run/x\n}\n')
      const daemon = `'${process.execPath}' '${programs.tanistd}' -f ${file} --name ${lab.directorName('d')} --socket ${control}`
      lab.start('d', ['bash', '-c', `{ ${daemon} 2>&1; } | true`])
      const client = new ControlClient(control)
      await until('the daemon to answer', () =>
        client
          .status()
          .then(() => true)
          .catch(() => false),
      )
      for (let i = 0; i < 3; i++) await client.reload()
      expect((await client.status()).processes.map(({ restarts }) => restarts)).toEqual([0, 0, 0])
    } finally {
      lab.destroy()
    }
  })
})
