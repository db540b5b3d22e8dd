import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { createSecureContext, type SecureContextOptions, TLSSocket } from 'node:tls'
import { afterAll, describe, expect, test } from 'vitest'
import type { Check } from '../../../src/model/check.ts'
import { dialogue, expectDown, expectUp, Loopback, schedule } from '../../support/checks.ts'
import { freePort, RealServers } from '../../support/real-servers.ts'

const servers = new Loopback()
const real = new RealServers()
afterAll(async () => {
  servers.close()
  await real.close()
})

const smtp = (port: number, startTls: boolean): Check => ({
  ...schedule(port),
  type: 'SMTP_CHECK',
  heloName: 'lb',
  startTls,
})

/** A certificate that has expired, of an authority that nobody knows. */
const certificate = join(real.folder, 'certificate.pem')
const keyFile = join(real.folder, 'key.pem')
const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
execFileSync('openssl', ['req', ...kind, '-subj', '/CN=old', '-keyout', keyFile, '-out', `${certificate}.csr`], {
  stdio: 'pipe',
})
execFileSync(
  'openssl',
  ['x509', '-req', '-days', '0', '-in', `${certificate}.csr`, '-signkey', keyFile, '-out', certificate],
  { stdio: 'pipe' },
)
const key = { key: readFileSync(keyFile), cert: readFileSync(certificate) }

describe('a real Exim', () => {
  test('is up, also by STARTTLS, until it is stopped', async () => {
    const port = await freePort()
    const spool = real.folderOf('spool', 'Debian-exim')
    execFileSync('chown', ['Debian-exim', keyFile, certificate])
    const config = real.file(
      'exim.conf',
      `primary_hostname = mail.lab
spool_directory = ${spool}
log_file_path = ${spool}/%slog
keep_environment =
daemon_smtp_ports = ${port}
local_interfaces = 127.0.0.1
host_lookup =
rfc1413_hosts =
tls_advertise_hosts = *
tls_certificate = ${certificate}
tls_privatekey = ${keyFile}
acl_smtp_helo = \${if eq{$sender_helo_name}{lb}{accept}{deny}}
`,
    )
    await real.start(port, '/usr/sbin/exim4', ['-C', config, '-bdf', '-oP', join(spool, 'pid')])
    await expectUp(smtp(port, false), /^220 mail\.lab ESMTP Exim 4/)
    await expectUp(smtp(port, true), /^220 mail\.lab ESMTP Exim 4.*, TLSv1\.3$/)
    const other: Check = { ...schedule(port), type: 'SMTP_CHECK', heloName: 'other', startTls: false }
    await expectDown(other, /^the answer to HELO is 5\d\d /, 'at once')
    await real.close()
    await expectDown(smtp(port, false), 'ECONNREFUSED', 'at once')
  })
})

describe('STARTTLS', () => {
  /** Answers as SMTP with STARTTLS does, and keeps what it hears, with `tls ` before what has come in TLS. */
  const secure =
    (heard: string[], options: SecureContextOptions = {}) =>
    (plain: Socket) => {
      const answer = (socket: Socket, where: string) => (bytes: Buffer) => {
        const line = String(bytes).trim()
        heard.push(where + line)
        if (line.startsWith('EHLO')) socket.write('250-mail.lab\r\n250-SIZE 1\r\n250 STARTTLS\r\n')
        else if (line === 'QUIT') socket.end('221 bye\r\n')
        else {
          socket.write('220 go ahead\r\n')
          plain.removeAllListeners('data')
          const inside = new TLSSocket(plain, {
            isServer: true,
            secureContext: createSecureContext({ ...key, ...options }),
          })
          inside.on('error', () => {})
          inside.on('data', answer(inside, 'tls '))
        }
      }
      plain.write('220 mail.lab\r\n')
      plain.on('data', answer(plain, ''))
    }

  test('is asked for after EHLO, and EHLO again in TLS', async () => {
    const heard: string[] = []
    const port = await servers.tcp(secure(heard))
    await expectUp(smtp(port, true), /^220 mail\.lab, TLSv1\.3$/)
    expect(heard).toEqual(['EHLO lb', 'STARTTLS', 'tls EHLO lb', 'tls QUIT'])
  })

  test('of an old version is bad', async () => {
    const port = await servers.tcp(secure([], { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }))
    await expectDown(smtp(port, true), /^(ERR_SSL_|EPROTO|ECONNRESET).*, waiting for TLS$/, 'at once')
  })

  test.each<[string, (socket: Socket) => void, string | RegExp, 'at once' | 'at the deadline']>([
    [
      'not offered',
      dialogue('220 STARTTLS\r\n', '250-STARTTLS\r\n250 NOSTARTTLS\r\n'),
      'no STARTTLS is offered',
      'at once',
    ],
    [
      'refused',
      dialogue('220 a\r\n', '250-b\r\n250 starttls\r\n', '454 not now\r\n'),
      'the answer to STARTTLS is 454 not now',
      'at once',
    ],
    [
      'with clear text behind it',
      dialogue('220 a\r\n', '250-b\r\n250 STARTTLS\r\n', '220 c\r\n250 d\r\n'),
      'there is clear text where TLS should begin',
      'at once',
    ],
    [
      'without TLS',
      dialogue('220 a\r\n', '250-b\r\n250 STARTTLS\r\n', '220 c\r\n', '250 no TLS here, but more text\r\n'),
      /SSL|EPROTO/,
      'at once',
    ],
    [
      'and then closed',
      dialogue('220 a\r\n', '250-b\r\n250 STARTTLS\r\n', '220 c\r\n', undefined),
      /^ECONNRESET, waiting for TLS$/,
      'at once',
    ],
    [
      'and then silence',
      dialogue('220 a\r\n', '250-b\r\n250 STARTTLS\r\n', '220 c\r\n', ''),
      'no answer within 0.4 s, waiting for TLS',
      'at the deadline',
    ],
  ])('%s: bad', async (_name, serve, wanted, when) => {
    await expectDown(smtp(await servers.tcp(serve), true), wanted, when)
  })
})
