import { execFileSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, test } from 'vitest'
import { probe } from '../../../src/check/probes/probe.ts'
import type { Check, TcpTalk } from '../../../src/model/check.ts'
import { expectDown, expectUp, schedule } from '../../support/checks.ts'
import { until } from '../../support/lab.ts'
import { freePort, RealServers } from '../../support/real-servers.ts'

const servers = new RealServers()
afterAll(() => servers.close())

const tcp = (port: number, talk: TcpTalk): Check => ({ ...schedule(port), type: 'TCP_CHECK', talk })
const hex = (text: string) => Buffer.from(text).toString('hex')

describe('Redis', () => {
  const start = async (...options: string[]) => {
    const port = await freePort()
    const where = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', servers.folder]
    await servers.start(port, '/usr/bin/redis-server', [...where, ...options])
    return port
  }

  test('answers PING, by its name and byte for byte', async () => {
    const port = await start()
    await expectUp(tcp(port, { protocol: 'redis' }), '+PONG')
    await expectUp(tcp(port, { protocol: 'bytes', send: hex('PING\r\n'), expect: hex('+PONG\r\n') }), /expected/)
    // Another protocol's words.
    await expectDown(
      tcp(port, { protocol: 'ldap' }),
      'no answer within 0.4 s, waiting for the answer to the bind',
      'at the deadline',
    )
  })

  test('is up, too, when it asks for a password', async () => {
    const port = await start('--requirepass', 'x')
    await expectUp(tcp(port, { protocol: 'redis' }), /^-NOAUTH /)
  })
})

test('PostgreSQL is up for whom it knows, and for whom it does not know or asks for a password', async () => {
  const [initdb = ''] = globSync('/usr/lib/postgresql/*/bin/initdb')
  const data = servers.folderOf('postgresql', 'postgres')
  const setpriv = ['--reuid', 'postgres', '--regid', 'postgres', '--clear-groups', '--']
  execFileSync('setpriv', [...setpriv, initdb, '-D', data, '-U', 'known', '-A', 'trust', '--no-sync'], {
    stdio: 'pipe',
  })
  const rules = 'host all secret 127.0.0.1/32 scram-sha-256\nhost all known,stranger 127.0.0.1/32 trust\n'
  servers.file('postgresql/pg_hba.conf', rules)
  const port = await freePort()
  const options = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', data, '-F']
  await servers.start(port, 'setpriv', [...setpriv, join(initdb, '../postgres'), ...options])
  const ask = (user: string): Check => tcp(port, { protocol: 'postgresql', user })
  // It listens before it serves, and says so.
  await until('PostgreSQL to serve', async () => (await probe(ask('known'))).up === true)
  await expectUp(ask('known'), 'logged in')
  await expectUp(ask('stranger'), /^28000 .*"stranger"/)
  await expectUp(ask('tanist'), /^28000 no pg_hba\.conf entry/)
  await expectUp(ask('secret'), 'asks for a password')
})

test('slapd answers an anonymous bind, also where that is not allowed', async () => {
  for (const [more, wanted] of [
    ['', 'success'],
    ['disallow bind_anon\n', /^inappropriateAuthentication, anonymous bind disallowed$/],
  ] as const) {
    const port = await freePort()
    const folder = servers.folderOf(`slapd-${port}`)
    const config = servers.file(`slapd-${port}/slapd.conf`, `pidfile ${folder}/pid\nargsfile ${folder}/args\n${more}`)
    await servers.start(port, '/usr/sbin/slapd', ['-d', '0', '-f', config, '-h', `ldap://127.0.0.1:${port}`])
    await expectUp(tcp(port, { protocol: 'ldap' }), wanted)
  }
})

test('a server that has been stopped refuses', async () => {
  const port = await freePort()
  await servers.start(port, '/usr/bin/redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''])
  await expectUp(tcp(port, { protocol: 'redis' }), '+PONG')
  await servers.close()
  await expectDown(tcp(port, { protocol: 'redis' }), 'ECONNREFUSED', 'at once')
})
